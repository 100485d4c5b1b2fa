"""How commands show what they found: JSON for programs, text and tables for people."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from typing import Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE: Final = 240
"""Characters in a line where no terminal sets a limit: a row of a table should be one line for whatever reads it."""


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


def show_table(headings: Iterable[str], rows: Iterable[Iterable[str | None]]) -> None:
    """Prints a table without its empty columns; a long cell takes several lines, so that nothing is cut off."""
    table = Table(box=SIMPLE_HEAD)
    columns = zip(*rows, strict=True)
    shown = [(heading, column) for heading, column in zip(headings, columns, strict=False) if any(column)]
    for heading, _ in shown:
        table.add_column(heading, overflow="fold")
    for row in zip(*(column for _, column in shown), strict=True):
        table.add_row(*(_printable(cell or "") for cell in row))
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
