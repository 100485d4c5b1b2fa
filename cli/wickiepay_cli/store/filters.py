"""Filters that select the events of a command."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from wickiepay import clock
from wickiepay.clock import instant
from wickiepay.event_record import Record, State
from wickiepay_cli.store.event_records import AHEAD, EventRecords, WholeRecord

_AGE = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS_AGO: Final = {"today": 0, "yesterday": 1}


def moment(text: str) -> datetime:
    """An instant as a person says it: an ISO 8601 time (UTC unless it says otherwise), or an age: 30m, 2h, 3d, 1w.

    `today` and `yesterday` are the beginnings of these days in UTC. Raises ValueError, with a sentence for the user,
    for anything else.
    """
    try:
        if text in _DAYS_AGO:
            midnight = clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            return midnight - timedelta(days=_DAYS_AGO[text])
        if age := _AGE.fullmatch(text):
            return clock.now() - timedelta(**{_UNITS[age[2]]: int(age[1])})
        said = datetime.fromisoformat(text)
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'"{text}" is neither a time (2026-01-15T10:25:00, yesterday) nor an age (2h, 3d).') from None


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects events in one of `states`, of one of the types or patterns, from `since` to `until`.

    None, or none of them, selects all.

    `reference` is in the event's data, `text` anywhere in the body, in any case; `open_alone` means open questions.
    """

    states: Collection[State] | None = None
    types: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    uuid: str | None = None
    reference: str | None = None
    text: str | None = None
    open_alone: bool = False

    @property
    def asks_for_bodies(self) -> bool:
        return self.reference is not None or self.text is not None

    def among(self, records: EventRecords, now: datetime) -> Iterator[Record]:
        """The selected events, the newest first, read lazily."""
        if self.uuid is not None or self.asks_for_bodies:
            return self.whole_among(records, now)
        return filter(self.wants, records.newest_first(*self._time(records, now)))

    def whole_among(self, records: EventRecords, now: datetime) -> Iterator[WholeRecord]:
        """The same with their bodies."""
        if self.uuid is None:
            return filter(self.wants, records.whole_newest_first(*self._time(records, now)))
        return (each for each in reversed(records.of_uuid(self.uuid)) if self.wants(each) and self._is_in_time(each))

    def wants(self, record: Record) -> bool:
        """Whether a record is selected, apart from time and uuid. If bodies are asked for, it must be a whole one."""
        return (
            (not self.states or record.state in self.states)
            and (record.open or not self.open_alone)
            and is_of_type(record.event, self.types)
            and (not self.asks_for_bodies or (isinstance(record, WholeRecord) and self._finds(record)))
        )

    def _time(self, records: EventRecords, now: datetime) -> tuple[datetime, datetime]:
        return self.since or records.beginning(), self.until or now + AHEAD

    def _is_in_time(self, record: Record) -> bool:
        return (self.since is None or record.received_at >= instant(self.since)) and (
            self.until is None or record.received_at <= instant(self.until)
        )

    def _finds(self, record: WholeRecord) -> bool:
        return (self.reference is None or _reference(record.body) == self.reference) and (
            self.text is None or self.text.casefold() in _readable(record.body).casefold()
        )


def is_of_type(event: str | None, types: Collection[str] | None) -> bool:
    """Whether an event's name is one of the types or patterns; without any, each is."""
    return not types or any(fnmatchcase(event or "", each) for each in types)


def _reference(body: str) -> str | None:
    """The reference in an event's data, or None if there is no event or no text."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return None
    data = envelope.get("data") if isinstance(envelope, dict) else None
    reference = data.get("reference") if isinstance(data, dict) else None
    return reference if isinstance(reference, str) else None


def _readable(body: str) -> str:
    """A body, and after it the same without escapes, where it has any: ``ü`` may stand there as ``u00fc``."""
    if "\\" not in body:
        return body
    try:
        return f"{body}\n{json.dumps(json.loads(body), ensure_ascii=False)}"
    except (ValueError, RecursionError):
        return body
