"""The output of commands. All of it goes through here, since a stranger may have written any of it: see `escaped`."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from typing import Final

import typer
from rich.bar import Bar
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE: Final = 240
"""Characters per line without a terminal, so that a row of a table is one line for programs that read it."""

BAR: Final = 24
"""Most characters of a bar."""

STEADY: Final = 40
"""A column with fewer characters keeps its width beside a bar. So does one of ids, which people copy."""

NARROW: Final = 110
"""In a terminal with fewer characters per line, repetitions are left out, and tables with ids have no margins."""


def escaped(text: str, *, lines: bool = False) -> str:
    """`text` with all characters escaped that could control a terminal or disguise a line.

    These are control characters and those that change the direction of writing. With `lines`, newlines are kept.
    """
    return "".join(c if c.isprintable() or (lines and c == "\n") else c.encode("unicode_escape").decode() for c in text)


def show_json(value: object, *, indent: int | None = 2) -> None:
    """Prints `value` as JSON, with dataclasses as objects; on one line if `indent` is None."""
    typer.echo(_json(value, indent))


def stream_json(values: Iterable[object]) -> None:
    """Prints a JSON array, each element as soon as it is available."""
    mark = "["
    for value in values:
        typer.echo(mark + _json(value, 2), nl=False)
        mark = ", "
    typer.echo("[]" if mark == "[" else "]")


@dataclass(frozen=True, slots=True)
class Share:
    """A cell that is drawn as a bar: `part` out of `most`, the largest value of its column."""

    part: int
    most: int


def is_narrow() -> bool:
    """Whether lines are short."""
    return _console().width < NARROW


def show_table(
    headings: Iterable[str], rows: Iterable[Iterable[str | Share | None]], *, else_facts: bool = False
) -> None:
    """Prints a table without its empty columns. A long cell takes several lines, so that nothing is cut off.

    An id or a uuid stays in one piece, also below something else of its column. If space is short, bars shrink first.
    With `else_facts`, a table that does not fit is printed as a list of facts for each row.
    """
    columns = zip(*rows, strict=True)
    shown = [(heading, column) for heading, column in zip(headings, columns, strict=False) if any(column)]
    narrow = is_narrow() and any(_has_ids(heading) for heading, _ in shown)
    table = Table(box=SIMPLE_HEAD, show_edge=not narrow, pad_edge=not narrow, padding=(0, 1, 0, 0 if narrow else 1))
    drawn = any(isinstance(cell, Share) for _, column in shown for cell in column)
    for heading, column in shown:
        if any(isinstance(cell, Share) for cell in column):
            table.add_column(heading, max_width=BAR)
        else:
            steady = (drawn or _has_ids(heading)) and _width(column) < STEADY
            table.add_column(heading, overflow="fold", no_wrap=steady)
    for row in zip(*(column for _, column in shown), strict=True):
        table.add_row(*map(_cell, row))
    if else_facts and not _fits(table):
        for row in zip(*(column for _, column in shown), strict=True):
            show_facts((heading, str(cell)) for (heading, _), cell in zip(shown, row, strict=True) if cell)
            say("")
    else:
        _print_table(table, margin=narrow)


def show_facts(facts: Iterable[tuple[str, str | None]]) -> None:
    """Prints names and their values in full, without the empty ones."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts:
        if fact:
            table.add_row(name, _shown(fact, lines=True))
    _print_table(table)


def _fits(table: Table) -> bool:
    """Whether each row of a table fits in one line."""
    console = _console()
    return console.measure(table, options=console.options.update(max_width=10 * WIDE)).maximum <= console.width


def _print_table(table: Table, *, margin: bool = False) -> None:
    """Prints a table; in a pipe, without leading blank lines and trailing blanks, since other programs read it."""
    console = _console()
    if sys.stdout.isatty():
        console.print(table)
        if margin:
            console.print()
    else:
        with console.capture() as captured:
            console.print(table)
        lines: Sequence[str] = [line.rstrip() for line in captured.get().split("\n")]
        typer.echo("\n".join(lines).lstrip("\n"), nl=False)


def say(text: str, *, lines: bool = False) -> None:
    """Prints `text` in one line, or with `lines` in several. It is not read as markup, and is escaped."""
    _console().print(_shown(text, lines=lines), soft_wrap=True)


def say_json(text: str) -> None:
    """Prints JSON, in colours if the terminal has them, and escaped as by `say`."""
    from rich.syntax import Syntax  # noqa: PLC0415  it takes its time

    plain = _shown(text, lines=True)
    syntax = Syntax(plain.plain, "json", theme="ansi_dark", background_color="default", word_wrap=True)
    _console().print(syntax if sys.stdout.isatty() else plain, soft_wrap=not sys.stdout.isatty())


def tell(text: str) -> None:
    """Prints a line on standard error, for errors and everything else that is not part of the result."""
    typer.echo(escaped(text), err=True)


def ask(question: str) -> None:
    """Asks `question`, and aborts unless the answer is yes."""
    typer.confirm(escaped(question), abort=True, err=True)


def ask_for(name: str, question: str) -> None:
    """Asks to type `name`, and aborts unless that is the answer."""
    if typer.prompt(escaped(question), err=True) != name:
        raise typer.Abort


def at_a_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def write(content: bytes) -> None:
    """Writes data for other programs unchanged; on a terminal, they are `escaped`."""
    if sys.stdout.isatty():
        typer.echo(escaped(content.decode(errors="replace").replace("\r\n", "\n"), lines=True), nl=False)
    else:
        sys.stdout.buffer.write(content)


def seconds(instant: str) -> str:
    """An instant as `wickiepay.clock` writes it, in UTC, for people: without a fraction."""
    return datetime.fromisoformat(instant).strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(instant: str) -> str:
    """The same with milliseconds, to tell apart what happens within one second."""
    return f"{seconds(instant)}.{datetime.fromisoformat(instant).microsecond // 1000:03}"


def scope(stack: str, at: str, since: str, until: str) -> str:
    """What a report of a stack covers, and when it was made."""
    return f"{stack} at {seconds(at)} UTC, deliveries from {seconds(since)} to {seconds(until)}"


def briefly(instant: str, now: datetime) -> str:
    """The time of day if `instant` is today, otherwise the date; for narrow columns."""
    date, time = seconds(instant).split()
    return time if date == f"{now.astimezone(UTC):%Y-%m-%d}" else date


def ago(instant: str, now: datetime) -> str:
    """How long ago `instant` was, in the largest unit that fits: 3 min ago."""
    passed = (now - datetime.fromisoformat(instant)).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= length:
            return f"{int(passed // length)} {unit} ago"
    return "just now"


def _width(column: Iterable[str | Share | None]) -> int:
    return max(len(line) for cell in column if isinstance(cell, str) for line in cell.split("\n"))


def _has_ids(heading: str) -> bool:
    return not {"id", "uuid"}.isdisjoint(heading.split("\n"))


def _cell(cell: str | Share | None) -> Text | Bar:
    return Bar(cell.most, 0, cell.part) if isinstance(cell, Share) else _shown(cell or "", lines=True)


def cell(text: str | None, style: str = "") -> Text:
    """A stranger's text for one line of a table, cut off at the end of the column."""
    line = _shown(text or "")
    line.no_wrap, line.overflow, line.style = True, "ellipsis", style
    return line


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def _shown(text: str, *, lines: bool = False) -> Text:
    return Text(escaped(text, lines=lines))


def _json(value: object, indent: int | None) -> str:
    """JSON in ASCII, without the one control character that JSON leaves in ASCII (DEL)."""
    return json.dumps(value, indent=indent, default=_members).replace("\x7f", "\\u007f")


def _members(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON.")
