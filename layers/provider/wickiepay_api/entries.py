"""What the provider lists, read tolerantly: an entry that lacks something is kept, and says what it lacks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from wickiepay.clock import parse_instant
from wickiepay.identity import identifier
from wickiepay.money import Money, money

MAX_TEXT: Final = 500
"""Most characters of a text that is kept of an entry; more of it is somebody's mistake."""

_HAS_OFFSET: Final = re.compile(r"(Z|[+-]\d\d(:?\d\d)?)$", re.IGNORECASE)


class EventStatus(StrEnum):
    """What became of an event's delivery, by the provider's own list."""

    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    PENDING = "PENDING"


class PaymentStatus(StrEnum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETE = "COMPLETE"
    UNDERPAID = "UNDERPAID"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event in the provider's list. `at` is its time stamp as `wickiepay.clock.instant` writes it.

    Whatever is missing or unreadable is None, and `flaws` says so, a sentence each.
    """

    id: str | None
    event: str | None
    at: str | None
    destination: str | None
    status: EventStatus | None
    attempts: int | None
    flaws: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...] | None:
        """What tells this entry from all others, however often it is listed; None if nothing does."""
        return None if self.id is None else (self.id, self.event, self.at)

    @property
    def content(self) -> object:
        """What of it does not change when it is delivered."""
        return (self.id, self.event, self.at, self.destination)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment, into a channel or not, in the provider's list. `data` is all that was listed of it.

    `direction` is IN, OUT or None. `displayed` and `paid` are amounts as the ledger reads them, or None.
    """

    uuid: str | None
    status: str | None
    reference: str | None
    direction: str | None
    channel: str | None
    displayed: Money | None
    paid: Money | None
    data: Mapping[str, object]
    flaws: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...] | None:
        """As `EventEntry.key`: into one channel, a payment may be listed once per transaction."""
        return None if self.uuid is None else (self.uuid, _text(self.data, "hash"), _text(self.data, "txHash"))

    @property
    def content(self) -> object:
        return (self.key, self.reference, self.displayed, self.paid)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the provider sends events. It never says with which secret they are signed."""

    id: str | None
    url: str | None
    events: tuple[str, ...]
    description: str | None
    flaws: tuple[str, ...] = ()


def event_entry(listed: object) -> EventEntry:
    """An entry of the list of events."""
    data, flaws = _object(listed)
    event = _text(data, "event") or _text(data, "eventType")
    at, stamp = parse_instant(data.get("timestamp")), data.get("timestamp")
    if event is None:
        flaws.append("It names no event.")
    if at is None:
        flaws.append("It has no time stamp that can be read.")
    elif not _HAS_OFFSET.search(str(stamp).strip()):
        flaws.append("Its time stamp has no offset, and was read as UTC.")
    status = (_text(data, "status") or "").upper()
    if status not in EventStatus.__members__:
        flaws.append("Its status is none that the documentation knows.")
    attempts = data.get("attempts")
    return EventEntry(
        id=identifier(data, "id"),
        event=event,
        at=at,
        destination=identifier(data, "destination", "destinationId"),
        status=EventStatus.__members__.get(status),
        attempts=int(attempts) if isinstance(attempts, Decimal) and 0 <= attempts < 10**9 else None,
        flaws=tuple(flaws),
    )


def payment(listed: object) -> Payment:
    """An entry of the lists of payments."""
    data, flaws = _object(listed)
    uuid = identifier(data, "uuid", "id")
    if uuid is None:
        flaws.append("It has no uuid.")
    status = (_text(data, "status") or "").upper() or None
    if status not in PaymentStatus.__members__:
        flaws.append("Its status is none that the documentation knows.")
    return Payment(
        uuid=uuid,
        status=status,
        reference=_text(data, "reference"),
        direction=(_text(data, "type") or "").upper() or None,
        channel=identifier(data, "channelId", "channelUuid"),
        displayed=money(data, "displayCurrency"),
        paid=money(data, "paidCurrency"),
        data=data,
        flaws=tuple(flaws),
    )


def destination(listed: object) -> Destination:
    """An entry of the list of destinations."""
    data, flaws = _object(listed)
    events = data.get("events")
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        flaws.append("Its events are no list of names.")
        events = []
    return Destination(
        id=_text(data, "id") or _text(data, "uuid"),
        url=_text(data, "url"),
        events=tuple(events),
        description=_text(data, "description"),
        flaws=tuple(flaws),
    )


def _object(listed: object) -> tuple[Mapping[str, object], list[str]]:
    return (listed, []) if isinstance(listed, dict) else ({}, ["It is not a JSON object."])


def _text(data: Mapping[str, object], field: str) -> str | None:
    value = data.get(field)
    return value[:MAX_TEXT] if isinstance(value, str) and value.strip() else None
