"""Writing events to a file, one after another, so that a run that was cut off can be gone on with.

Beside FILE lies FILE.resume as long as it is not whole: what was asked for, how many bytes of FILE count, and where to
go on. The newest events come first, and those that arrive after the beginning are left out, so the place stays right.
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
from wickiepay_cli.private_files import private
from wickiepay_cli.store.event_records import WholeRecord

type Format = Literal["jsonl", "csv"]

BATCH: Final = 100
"""Events after which the place is noted."""

COLUMNS: Final = tuple(each.name for each in fields(WholeRecord))
_FORMULA: Final = re.compile("[\t\r\n]|[\\s\0\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet takes for the beginning of a formula: a stranger may have written it. It passes over blanks, and
some of them take the signs of East Asian width."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far an export came. It is about what was received from `since` to `until`; `asked` is what else was asked."""

    asked: dict[str, Any]
    since: str | None
    until: str
    received_at: str | None = None
    written: int = 0
    events: int = 0
    at_that_time: list[list[str]] = field(default_factory=list)
    """The events of `received_at` that are written: others of the same instant may not be."""


def line(record: WholeRecord, form: Format) -> bytes:
    """A record as a line of the export."""
    if form == "jsonl":
        return json.dumps(asdict(record)).encode() + b"\n"
    return csv_line(getattr(record, name) for name in COLUMNS)


def heading(form: Format) -> bytes:
    return csv_line(COLUMNS) if form == "csv" else b""


def csv_line(cells: Iterable[object]) -> bytes:
    """A line of CSV that no spreadsheet takes for a formula."""
    text = io.StringIO()
    csv.writer(text).writerow([_cell(cell) for cell in cells])
    return text.getvalue().encode(errors="replace")


def place_of(output: Path) -> Path:
    return output.with_name(f"{output.name}.resume")


def read_place(output: Path, asked: dict[str, Any]) -> Place:
    """Where an export to `output` has to go on.

    Raises `CommandError` where nowhere, or it was asked for something else.
    """
    try:
        place = Place(**json.loads(place_of(output).read_text()))
    except FileNotFoundError:
        raise CommandError(f"There is nothing to go on with: {place_of(output)} is not there.") from None
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"{place_of(output)} cannot be read: begin anew with --force.") from error
    if place.asked != asked:
        raise CommandError(f"{output} was begun with other options: give the same ones, or begin anew with --force.")
    if not output.is_file() or output.stat().st_size < place.written:
        raise CommandError(f"{output} is shorter than what was written: begin anew with --force.")
    return place


def refuse_to_overwrite(output: Path) -> None:
    """Raises `CommandError` where a new export to `output` would destroy something."""
    if place_of(output).exists():
        raise CommandError(f"{output} is the beginning of an export: go on with --resume, or begin anew with --force.")
    if output.exists():
        raise CommandError(f"{output} is there already: name another file, or overwrite it with --force.")


def write(
    output: Path,
    place: Place,
    records: Callable[[datetime], Iterator[WholeRecord]],
    form: Format,
    advance: Callable[[int], None],
) -> int:
    """Writes what is left of an export from `place` on; how many events are in the file then.

    `records` gives those until an instant, the newest first.
    """
    with open(output, "r+b" if place.written else "wb", opener=private) as file:
        file.truncate(place.written)
        file.seek(place.written)
        _keep(place, output)  # in place of what an earlier export to the same file left
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
    draft = output.with_name(f"{output.name}.resume.new")
    with open(draft, "w", opener=private) as file:
        file.write(json.dumps(asdict(place)))
    draft.replace(place_of(output))


def _after(place: Place, batch: tuple[WholeRecord, ...], file: BinaryIO) -> Place:
    file.flush()
    last = batch[-1].received_at
    same = [[record.uuid, record.event_key] for record in batch if record.received_at == last]
    earlier = place.at_that_time if place.received_at == last else []
    return Place(place.asked, place.since, place.until, last, file.tell(), place.events + len(batch), [*earlier, *same])


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, default=asdict)
    return f"'{text}" if _FORMULA.match(text) else text
