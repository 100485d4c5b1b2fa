"""Announcements as subscribers get them: read from a queue, or made again from the records of their events."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from wickiepay.bus import SOURCE, Announcement
from wickiepay.event_record import Pending, State
from wickiepay.identity import Identity
from wickiepay_cli.store.event_records import EventRecords, WholeRecord

ANNOUNCED: Final = frozenset({State.PROCESSED, State.IGNORED})
"""The states of events that were announced, unless the stack announces nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """An announcement: its time, what it is about, and as `body` the whole event as EventBridge hands it over.

    An operator's adjustment of a balance has no keys and no outcome.
    """

    at: str
    event: str
    uuid: str | None
    event_key: str | None
    record_key: str | None
    outcome: str | None
    body: dict[str, Any]

    @property
    def detail(self) -> dict[str, Any]:
        detail: dict[str, Any] = self.body["detail"]
        return detail


def of_body(body: dict[str, Any]) -> Announced:
    """The announcement in an event of EventBridge."""
    detail = body["detail"]
    names = ("uuid", "event_key", "record_key", "outcome")
    return Announced(
        at=body["time"], event=body["detail-type"], body=body, **{name: detail.get(name) for name in names}
    )


def of_record(record: WholeRecord, pending: Pending, account: str, region: str) -> Announced:
    """The announcement of an event, made again from its record. The `id`, which AWS gives, is made up."""
    event = pending.event()
    detail = Announcement(event, record.received_at, record.state, record.effects).detail()
    at = record.processed_at or record.received_at
    body = {
        "version": "0",
        "id": str(uuid5(NAMESPACE_URL, f"{record.uuid}#{record.event_key}")),
        "detail-type": event.name,
        "source": SOURCE,
        "account": account,
        "time": f"{at[:19]}Z",
        "region": region,
        "resources": [],
        "detail": json.loads(detail),
    }
    return of_body(body)


def of_events(records: EventRecords, identities: Iterable[Identity], account: str, region: str) -> Iterator[Announced]:
    """The announcements of those events that were announced, made again from their records."""
    kept = records.kept(identities)
    return (of_record(record, pending, account, region) for record, pending in kept if record.state in ANNOUNCED)
