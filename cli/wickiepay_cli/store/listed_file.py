"""Reads a list that was exported from the provider's portal by hand: CSV with a line of headings, or JSON."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, Protocol

from wickiepay_api.answers import json_in
from wickiepay_cli.errors import CommandError

HEADINGS: Final = {
    name.lower(): name
    for name in (
        *("id", "event", "eventType", "timestamp", "status", "attempts", "destination", "destinationId"),
        *("uuid", "reference", "type", "channelId", "hash", "txHash"),
        *("displayCurrency", "displayAmount", "paidCurrency", "paidAmount"),
    )
}
"""The columns that are read, in whatever case, with or without blanks and underscores: every other is left out."""

EVENTS: Final = (("event", "eventType"), ("timestamp",))
PAYMENTS: Final = (("uuid", "id"), ("status",))
"""The columns without which a list of them says nothing. Of several names, one will do."""

DELIMITERS: Final = ",;\t"


class Entry(Protocol):
    @property
    def flaws(self) -> Sequence[str]:
        """What is wrong with it."""


@dataclass(slots=True)
class Listed[T: Entry]:
    """The entries in a file, and a sentence for each line that something is wrong with, with its number."""

    entries: list[T] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)


def read[T: Entry](path: Path, entry: Callable[[object], T], needed: Sequence[Sequence[str]]) -> Listed[T]:
    """The entries in a file. Raises `CommandError` if it cannot be read, or has no entries or `needed` columns."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not text in UTF-8.") from None
    is_json = text.lstrip()[:1] in {"[", "{"}
    rows = _in_json(text) if is_json else _in_csv(text, needed)
    listed = Listed[T]()
    try:
        for place, row, why in rows:
            made = entry(row)
            listed.entries.append(made)
            listed.flaws += [f"{place}: {flaw}" for flaw in ([why] if why else made.flaws)]
    except _HeadingsMissing as error:
        raise CommandError(
            f"{path} is no such list: in its first line, CSV needs the headings {error} (docs/reconciling.md has all)."
        ) from None
    except csv.Error as error:
        raise CommandError(f"{path} is no CSV: {error}.") from None
    except ValueError:
        raise CommandError(f"{path} is no JSON, neither as a whole nor line by line: is it cut off?") from None
    if not listed.entries:
        raise CommandError(f"{path} has no entries.")
    return listed


class _HeadingsMissing(Exception):
    """The headings that are needed, as words, of which not all are there."""


type Row = tuple[str, object, str | None]
"""Where it is in the file, and what is there. If that cannot be read it is None, and a sentence says why."""


def _in_json(text: str) -> Iterator[Row]:
    """The elements of a list, alone or in the first member that is one; otherwise a line of JSON each.

    Raises `ValueError` if the first line is not JSON either.
    """
    try:
        whole = json_in(text.encode())
    except ValueError:
        json_in(text.strip().split("\n", 1)[0].encode())
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    yield f"line {number}", json_in(line.encode()), None
                except ValueError:
                    yield f"line {number}", None, "It is not JSON."
        return
    if isinstance(whole, dict):
        whole = next((member for member in whole.values() if isinstance(member, list)), [whole])
    entries = whole if isinstance(whole, list) else [whole]
    yield from ((f"entry {number}", each, None) for number, each in enumerate(entries, 1))


def _in_csv(text: str, needed: Sequence[Sequence[str]]) -> Iterator[Row]:
    first = text.partition("\n")[0]
    lines = csv.reader(text.splitlines(), delimiter=max(DELIMITERS, key=first.count), strict=True)
    columns = [HEADINGS.get(heading.strip().lower().replace(" ", "").replace("_", "")) for heading in next(lines, [])]
    if not all(set(names) & set(columns) for names in needed):
        raise _HeadingsMissing(" and ".join(names[0] for names in needed))
    for cells in lines:
        if not any(cells):
            continue
        if len(cells) != len(columns):
            yield f"line {lines.line_num}", None, f"It has {len(cells)} cells, the headings are {len(columns)}."
        else:
            named = zip(columns, cells, strict=True)
            row = {name: _cell(name, cell) for name, cell in named if name and cell.strip()}
            yield f"line {lines.line_num}", row, None


def _cell(name: str, cell: str) -> object:
    return Decimal(cell.strip()) if name == "attempts" and cell.strip().isdecimal() else cell.strip()
