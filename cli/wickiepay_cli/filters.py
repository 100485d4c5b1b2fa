"""Which of the events on record a command is about."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import dropwhile, takewhile

from wickiepay.clock import instant
from wickiepay.event_log import State
from wickiepay_cli.records import EventRecords, Record, WholeRecord


@dataclass(frozen=True, slots=True)
class Filter:
    """Those in `state`, of a type or pattern, received from `since` to `until`; None asks nothing.

    `reference` is that of the event's data, `text` stands somewhere in the body, whatever its case.
    """

    state: State | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    uuid: str | None = None
    reference: str | None = None
    text: str | None = None

    @property
    def asks_for_bodies(self) -> bool:
        return self.reference is not None or self.text is not None

    def among(self, records: EventRecords, now: datetime) -> Iterator[Record]:
        """The events that are wanted, the newest first, read as they are asked for."""
        if self.uuid is not None or self.asks_for_bodies:
            return self.whole_among(records, now)
        return filter(self._includes, self._in_time(records.newest_first(*self._days(records, now))))

    def whole_among(self, records: EventRecords, now: datetime) -> Iterator[WholeRecord]:
        """The same with their bodies."""
        if self.uuid is not None:
            everything: Iterator[WholeRecord] = reversed(records.of_uuid(self.uuid))
        else:
            everything = records.whole_newest_first(*self._days(records, now))
        return (each for each in self._in_time(everything) if self._includes(each) and self._finds(each))

    def _days(self, records: EventRecords, now: datetime) -> tuple[date, date]:
        # From tomorrow backwards, in case the clock here is behind the one that stamped the deliveries.
        first = self.since.astimezone(UTC).date() if self.since else records.first_day()
        return first, (self.until or now + timedelta(days=1)).astimezone(UTC).date()

    def _in_time[R: Record](self, newest_first: Iterator[R]) -> Iterator[R]:
        if self.until is not None:
            until = instant(self.until)
            newest_first = dropwhile(lambda record: record.received_at > until, newest_first)
        if self.since is not None:
            since = instant(self.since)
            newest_first = takewhile(lambda record: record.received_at >= since, newest_first)
        return newest_first

    def _includes(self, record: Record) -> bool:
        return self.state in {None, record.state} and (
            self.event_type is None or fnmatchcase(record.event or "", self.event_type)
        )

    def _finds(self, record: WholeRecord) -> bool:
        return (self.reference is None or _reference(record.body) == self.reference) and (
            self.text is None or self.text.casefold() in record.body.casefold()
        )


def _reference(body: str) -> str | None:
    """The reference in an event's data; None where there is no event, or no text."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return None
    data = envelope.get("data") if isinstance(envelope, dict) else None
    reference = data.get("reference") if isinstance(data, dict) else None
    return reference if isinstance(reference, str) else None
