"""How commands show what they found: JSON for programs, text and tables for people."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from typing import Final

import typer
from rich.bar import Bar
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

WIDE: Final = 240
"""Characters in a line where no terminal sets a limit: a row of a table should be one line for whatever reads it."""

BAR: Final = 24
"""Characters of the longest bar, where there is room."""

STEADY: Final = 40
"""Characters: a shorter column keeps its width beside a bar."""


def show_json(value: object) -> None:
    """Prints `value`, in which dataclasses stand for objects."""
    typer.echo(_json(value))


def stream_json(values: Iterable[object]) -> None:
    """Prints an array, each element as soon as it is there."""
    mark = "["
    for value in values:
        typer.echo(mark + _json(value), nl=False)
        mark = ", "
    typer.echo("[]" if mark == "[" else "]")


@dataclass(frozen=True, slots=True)
class Share:
    """A cell that is drawn as a bar: so much of the `most` that there is in its column."""

    part: int
    most: int


def show_table(headings: Iterable[str], rows: Iterable[Iterable[str | Share | None]]) -> None:
    """Prints a table without its empty columns; a long cell takes several lines, so that nothing is cut off.

    Where it gets narrow, bars give way first.
    """
    table = Table(box=SIMPLE_HEAD)
    columns = zip(*rows, strict=True)
    shown = [(heading, column) for heading, column in zip(headings, columns, strict=False) if any(column)]
    drawn = any(isinstance(cell, Share) for _, column in shown for cell in column)
    for heading, column in shown:
        if any(isinstance(cell, Share) for cell in column):
            table.add_column(heading, max_width=BAR)
        else:
            table.add_column(heading, overflow="fold", no_wrap=drawn and _width(column) < STEADY)
    for row in zip(*(column for _, column in shown), strict=True):
        table.add_row(*map(_cell, row))
    _console().print(table)


def show_facts(facts: Iterable[tuple[str, str | None]]) -> None:
    """Prints names and what they stand for; those that stand for nothing are left out."""
    table = Table.grid(padding=(0, 2))
    for name, fact in facts:
        if fact:
            table.add_row(name, _printable(fact))
    _console().print(table)


def say(text: str) -> None:
    """Prints `text`, which a stranger may have written: nothing in it is markup, nor does it command the terminal."""
    _console().print(_printable(text), soft_wrap=True)


def say_json(text: str) -> None:
    """Prints JSON, in colours where there are any; as with `say`, it does not command the terminal."""
    syntax = Syntax(_printable(text).plain, "json", theme="ansi_dark", background_color="default", word_wrap=True)
    _console().print(syntax if sys.stdout.isatty() else _printable(text), soft_wrap=not sys.stdout.isatty())


def seconds(instant: str) -> str:
    """An instant as `wickiepay.clock` writes it, in UTC, for people: without a fraction."""
    return datetime.fromisoformat(instant).strftime("%Y-%m-%d %H:%M:%S")


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
    return Bar(cell.most, 0, cell.part) if isinstance(cell, Share) else _printable(cell or "")


def cell(text: str | None, style: str = "") -> Text:
    """A stranger's text for one line of a table: cut where the column ends."""
    line = _printable((text or "").replace("\n", " "))
    line.no_wrap, line.overflow, line.style = True, "ellipsis", style
    return line


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def _printable(text: str) -> Text:
    return Text("".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, default=_members)


def _members(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON.")
