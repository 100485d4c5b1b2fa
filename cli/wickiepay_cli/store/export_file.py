"""Writes events to a file, one after another, so that an interrupted run can be continued.

As long as FILE is not complete, FILE.resume lies next to it: what was asked for, how many bytes of FILE count, and
where to continue. The newest come first and later arrivals are left out, so the place stays right.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from wickiepay_cli.errors import CommandError
from wickiepay_cli.private_files import private, replace
from wickiepay_cli.store.event_records import WholeRecord

type Format = Literal["jsonl", "csv"]

BATCH: Final = 100
"""Number of events after which the place is noted."""

COLUMNS: Final = tuple(each.name for each in fields(WholeRecord))
_FORMULA: Final = re.compile("[\t\r\n]|[\\s\0\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
"""The beginning of a formula in a spreadsheet, which a stranger may have written. Spreadsheets ignore leading blanks,
and some accept the signs in East Asian width. See https://owasp.org/www-community/attacks/CSV_Injection"""


@dataclass(frozen=True, slots=True)
class Place:
    """How far an export of events received from `since` to `until` has got. `asked` has the other conditions."""

    asked: dict[str, Any]
    since: str | None
    until: str
    received_at: str | None = None
    written: int = 0
    events: int = 0
    at_that_time: list[list[str]] = field(default_factory=list)
    """The written events of the instant `received_at`, since others of that instant may not be written yet."""


def line(record: WholeRecord, form: Format) -> bytes:
    """A record as a line of JSON or CSV."""
    if form == "jsonl":
        return json.dumps(asdict(record)).encode() + b"\n"
    return csv_line(getattr(record, name) for name in COLUMNS)


def heading(form: Format) -> bytes:
    return csv_line(COLUMNS) if form == "csv" else b""


def csv_line(cells: Iterable[object]) -> bytes:
    """A line of CSV that no spreadsheet reads as a formula."""
    text = io.StringIO()
    csv.writer(text).writerow([_cell(cell) for cell in cells])
    return text.getvalue().encode(errors="replace")


def place_of(output: Path) -> Path:
    return output.with_name(f"{output.name}.resume")


def read_place(output: Path, asked: dict[str, Any]) -> Place:
    """The place where an export continues. Raises `CommandError` if there is none, or if something else was asked."""
    try:
        place = Place(**json.loads(place_of(output).read_text()))
    except FileNotFoundError:
        raise CommandError(f"There is no export to resume: {place_of(output)} is not there.") from None
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"{place_of(output)} cannot be read: start again with --force.") from error
    if place.asked != asked:
        raise CommandError(f"{output} was started with other options: give the same ones, or start again with --force.")
    if not output.is_file() or output.stat().st_size < place.written:
        raise CommandError(f"{output} is shorter than what was written: start again with --force.")
    return place


def refuse_to_overwrite(output: Path) -> None:
    """Raises `CommandError` if a new export to `output` would destroy something."""
    if place_of(output).exists():
        raise CommandError(f"{output} is an unfinished export: continue with --resume, or start again with --force.")
    if output.exists():
        raise CommandError(f"{output} already exists: name another file, or overwrite it with --force.")


def write(
    output: Path,
    place: Place,
    records: Callable[[datetime], Iterator[WholeRecord]],
    form: Format,
    advance: Callable[[int], None],
) -> int:
    """Writes the rest of an export from `place`. Returns its number of events; `records` gives the newest first."""
    with open(output, "r+b" if place.written else "wb", opener=private) as file:
        file.truncate(place.written)
        file.seek(place.written)
        _keep(place, output)  # replaces what an earlier export to the same file left
        if not place.written:
            file.write(heading(form))
        done = {(uuid, key) for uuid, key in place.at_that_time}
        left = (
            record
            for record in records(datetime.fromisoformat(place.received_at or place.until))
            if not (record.received_at == place.received_at and (record.uuid, record.event_key) in done)
        )
        for batch in batched(left, BATCH, strict=False):
            file.writelines(line(record, form) for record in batch)
            place = _after(place, batch, file)
            _keep(place, output)
            advance(len(batch))
    place_of(output).unlink(missing_ok=True)
    return place.events


def _keep(place: Place, output: Path) -> None:
    replace(place_of(output), json.dumps(asdict(place)))


def _after(place: Place, batch: tuple[WholeRecord, ...], file: BinaryIO) -> Place:
    file.flush()
    last = batch[-1].received_at
    same = [[record.uuid, record.event_key] for record in batch if record.received_at == last]
    earlier = place.at_that_time if place.received_at == last else []
    return Place(place.asked, place.since, place.until, last, file.tell(), place.events + len(batch), [*earlier, *same])


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, default=asdict)
    return f"'{text}" if _FORMULA.match(text) else text
