"""How commands show what they found: JSON for programs, text and tables for people.

All that a command prints goes through here, since a stranger may have written any of it: see `escaped`.
"""

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
"""Characters in a line where no terminal sets a limit: a row of a table should be one line for whatever reads it."""

BAR: Final = 24
"""Characters of the longest bar, where there is room."""

STEADY: Final = 40
"""Characters: a shorter column keeps its width beside a bar, and so does one of uuids: they are there to be copied."""

NARROW: Final = 110
"""Characters: in a terminal with fewer, what is said twice is said once, and beside uuids there are no margins."""


def escaped(text: str, *, lines: bool = False) -> str:
    """`text` with all spelled out that would command a terminal, or have a line look like another.

    These are control characters and those that turn the direction of writing round. With `lines`, it may have several.
    """
    return "".join(c if c.isprintable() or (lines and c == "\n") else c.encode("unicode_escape").decode() for c in text)


def show_json(value: object, *, indent: int | None = 2) -> None:
    """Prints `value`, in which dataclasses stand for objects; without `indent`, in a line."""
    typer.echo(_json(value, indent))


def stream_json(values: Iterable[object]) -> None:
    """Prints an array, each element as soon as it is there."""
    mark = "["
    for value in values:
        typer.echo(mark + _json(value, 2), nl=False)
        mark = ", "
    typer.echo("[]" if mark == "[" else "]")


@dataclass(frozen=True, slots=True)
class Share:
    """A cell that is drawn as a bar: so much of the `most` that there is in its column."""

    part: int
    most: int


def is_narrow() -> bool:
    """Whether there is little room in a line."""
    return _console().width < NARROW


def show_table(
    headings: Iterable[str], rows: Iterable[Iterable[str | Share | None]], *, else_facts: bool = False
) -> None:
    """Prints a table without its empty columns; a long cell takes several lines, so that nothing is cut off.

    A uuid stays in one piece. Where it gets narrow, bars give way first; with `else_facts`, what does not fit is not a
    table any more but a list of facts for each row.
    """
    columns = zip(*rows, strict=True)
    shown = [(heading, column) for heading, column in zip(headings, columns, strict=False) if any(column)]
    narrow = is_narrow() and any(heading == "uuid" for heading, _ in shown)
    table = Table(box=SIMPLE_HEAD, show_edge=not narrow, pad_edge=not narrow, padding=(0, 1, 0, 0 if narrow else 1))
    drawn = any(isinstance(cell, Share) for _, column in shown for cell in column)
    for heading, column in shown:
        if any(isinstance(cell, Share) for cell in column):
            table.add_column(heading, max_width=BAR)
        else:
            steady = (drawn or heading == "uuid") and _width(column) < STEADY
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
    """Prints names and what they stand for, whole; those that stand for nothing are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts:
        if fact:
            table.add_row(name, _shown(fact, lines=True))
    _print_table(table)


def _fits(table: Table) -> bool:
    """Whether each row of a table is one line."""
    console = _console()
    return console.measure(table, options=console.options.update(max_width=10 * WIDE)).maximum <= console.width


def _print_table(table: Table, *, margin: bool = False) -> None:
    """In a pipe a table begins with its first line, and no line ends in blanks: other programs read it."""
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
    """Prints `text`, in one line unless it may have several: nothing in it is markup, nor commands the terminal."""
    _console().print(_shown(text, lines=lines), soft_wrap=True)


def say_json(text: str) -> None:
    """Prints JSON, in colours where there are any; as with `say`, it does not command the terminal."""
    from rich.syntax import Syntax  # noqa: PLC0415  it takes its time

    plain = _shown(text, lines=True)
    syntax = Syntax(plain.plain, "json", theme="ansi_dark", background_color="default", word_wrap=True)
    _console().print(syntax if sys.stdout.isatty() else plain, soft_wrap=not sys.stdout.isatty())


def tell(text: str) -> None:
    """Prints a line on standard error: what went wrong, and all else that is no part of the result."""
    typer.echo(escaped(text), err=True)


def ask(question: str) -> None:
    """Goes on only where the answer is yes."""
    typer.confirm(escaped(question), abort=True, err=True)


def write(content: bytes) -> None:
    """Writes data for other programs as they are, unless a terminal would read them: there they are `escaped`."""
    if sys.stdout.isatty():
        typer.echo(escaped(content.decode(errors="replace").replace("\r\n", "\n"), lines=True), nl=False)
    else:
        sys.stdout.buffer.write(content)


def seconds(instant: str) -> str:
    """An instant as `wickiepay.clock` writes it, in UTC, for people: without a fraction."""
    return datetime.fromisoformat(instant).strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(instant: str) -> str:
    """The same, to the thousandth: what follows within a second is told apart."""
    return f"{seconds(instant)}.{datetime.fromisoformat(instant).microsecond // 1000:03}"


def briefly(instant: str, now: datetime) -> str:
    """The time of day of what was today, else the date: for narrow columns."""
    date, time = seconds(instant).split()
    return time if date == f"{now.astimezone(UTC):%Y-%m-%d}" else date


def ago(instant: str, now: datetime) -> str:
    """How long ago it was, in the largest unit that fits: 3 min ago."""
    passed = (now - datetime.fromisoformat(instant)).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= length:
            return f"{int(passed // length)} {unit} ago"
    return "just now"


def _width(column: Iterable[str | Share | None]) -> int:
    return max(len(cell) for cell in column if isinstance(cell, str))


def _cell(cell: str | Share | None) -> Text | Bar:
    return Bar(cell.most, 0, cell.part) if isinstance(cell, Share) else _shown(cell or "", lines=True)


def cell(text: str | None, style: str = "") -> Text:
    """A stranger's text for one line of a table: cut where the column ends."""
    line = _shown(text or "")
    line.no_wrap, line.overflow, line.style = True, "ellipsis", style
    return line


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def _shown(text: str, *, lines: bool = False) -> Text:
    return Text(escaped(text, lines=lines))


def _json(value: object, indent: int | None) -> str:
    """In ASCII, and without the one control character that is left in that."""
    return json.dumps(value, indent=indent, default=_members).replace("\x7f", "\\u007f")


def _members(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON.")
