"""The attributes of a record in the event table: a delivery, what became of it, and what operators decided.

Only this module writes and reads them.
"""

import json
import zlib
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wickiepay.delivery import Delivery, Received, unpack
from wickiepay.dynamodb import Item, text
from wickiepay.errors import QUESTIONS
from wickiepay.event import WebhookEvent
from wickiepay.identity import Identity, Kind

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

SHARDS: Final = 4
"""Partitions per day in each index, and for all unsent events. One partition takes 1,000 write units per second.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
"""


RECONCILER: Final = "!reconciler"
"""The partition key of what is no record of a delivery: the reconciler's notes. No uuid of an event contains a "!"."""


class State(StrEnum):
    RECEIVED = "RECEIVED"
    PROCESSED = "PROCESSED"
    IGNORED = "IGNORED"
    FAILED = "FAILED"
    UNUSABLE = "UNUSABLE"
    CONFLICT = "CONFLICT"


UNFINISHED: Final = frozenset({State.RECEIVED, State.FAILED})
"""An event in one of these states goes to the consumer again when it is delivered again."""

TOLD: Final = ("uuid", "event_key", "content_hash", "place", "accepted_at", "dismissed_at")
"""The attributes that tell which contents of an event are on record."""


SHOWN: Final = (
    "uuid",
    "event_key",
    "event",
    "state",
    "received_at",
    "processed_at",
    "scheme",
    "error",
    "occurred_at",
    "event_id",
    "place",
    "received",
    "tries",
    "last_error",
    "next_try_at",
    *(f"accepted_{name}" for name in ("as", "by", "why", "at")),
    *(f"dismissed_{name}" for name in ("by", "why", "at")),
)
"""The attributes that `record_of` reads."""


class Pending(NamedTuple):
    """What the consumer needs from a record.

    `place` is the event's place in the books, and `entry` the part of its credit. Both are None unless they differ from
    the event's own: for an event that an operator accepted, or content that was told before under another time stamp.
    """

    identity: Identity
    delivery: Delivery
    place: str | None = None
    entry: str | None = None

    def event(self) -> WebhookEvent:
        """The event, with its record's key and its place in the books. Raises what `Delivery.event` raises."""
        event = self.delivery.event()
        return replace(event, identity=self.identity, stands_at=self.place, entry=self.entry)


@dataclass(frozen=True, slots=True)
class Decision:
    """An operator's decision on a conflict, or on a credit that may be a second one: who, why and when.

    `accepted_as` is the key of the event that it became, or None if it was dismissed.
    """

    accepted_as: str | None
    by: str
    why: str
    at: str


@dataclass(frozen=True, slots=True)
class Record:
    """The record of a delivery without its body. Instants are as `wickiepay.clock` writes them.

    `event` is the event's name, or None if the body holds no event; `event_key` tells the events of one uuid apart.
    `processed_at` is when it got its verdict, and `error` is why it failed. `occurred_at` is the sender's time stamp,
    and `event_id` the provider's own id of the event. `place` is its place in the books if that is not its own.
    `received` describes the body as received if that was not kept. `tries`, `last_error` and `next_try_at` are set
    while the event is being retried. An operator may have `accepted` or `dismissed` it; `open` says that a decision is
    due.
    """

    uuid: str
    event: str | None
    event_key: str
    state: State
    received_at: str
    processed_at: str | None
    scheme: str
    error: str | None
    occurred_at: str | None = None
    event_id: str | None = None
    place: str | None = None
    received: Received | None = None
    tries: int | None = None
    last_error: str | None = None
    next_try_at: str | None = None
    accepted: Decision | None = None
    dismissed: Decision | None = None
    open: bool = False

    @property
    def identity(self) -> Identity:
        return Identity(self.uuid, self.event_key)


def key(identity: Identity) -> dict[str, "AttributeValueTypeDef"]:
    return {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}


def identity_of(item: Item) -> Identity:
    return Identity(item["uuid"]["S"], item["event_key"]["S"])


def state_of(item: Item) -> State | None:
    """The state of a record, or None if the item has no known state."""
    state = text(item, "state") or ""
    return State(state) if state in State else None


def shard(uuid: str) -> str:
    return str(zlib.crc32(uuid.encode()) % SHARDS)


def record_item(
    delivery: Delivery, identity: Identity, state: State, event: WebhookEvent | None = None, place: str | None = None
) -> dict[str, "AttributeValueTypeDef"]:
    """A new record; packed, a usual one stays below 1 KB (one write unit). `place` is None for the event's own."""
    texts: dict[str, str | None] = {
        "state": state,
        "scheme": delivery.scheme,
        "received_at": delivery.received_at,
        "day_shard": f"{delivery.received_at[:10]}#{shard(identity.uuid)}",
        "source": delivery.source,
        "request_id": delivery.request_id,
        "place": place,
        "event": event.name if event else None,
        "occurred_at": event.occurred_at if event else None,
        "event_id": event.event_id if event else None,
    }
    item: dict[str, AttributeValueTypeDef] = {
        **key(identity),
        **{name: {"S": value} for name, value in texts.items() if value is not None},
        "body": {"B": delivery.packed_body},
        "body_hash": {"B": delivery.body_hash},
    }
    if event:
        # Versions up to 0.1 compare the hash of `data` as it was spelled. This version compares `content_hash`: later
        # deliveries store it, and that of a first delivery is computed from its body.
        item["data_hash"] = {"B": event.data_hash}
        if identity != event.identity:
            item["content_hash"] = {"B": event.content_hash}
    if delivery.received:
        item["received"] = {"S": json.dumps(asdict(delivery.received))}
    return item


def delivery_of(item: Item) -> Delivery:
    """The delivery that a record keeps."""
    return Delivery(
        body=unpack(item["body"]["B"]),
        scheme=item["scheme"]["S"],
        received_at=item["received_at"]["S"],
        source=item["source"]["S"],
        request_id=item["request_id"]["S"],
        received=_received(item),
    )


def record_of(item: Item) -> Record:
    """The record in an item that has at least the attributes `SHOWN`."""
    decision = decision_of(item)
    accepted = decision is not None and decision.accepted_as is not None
    return Record(
        uuid=item["uuid"]["S"],
        event=text(item, "event"),
        event_key=item["event_key"]["S"],
        state=State(item["state"]["S"]),
        received_at=item["received_at"]["S"],
        processed_at=text(item, "processed_at"),
        scheme=item["scheme"]["S"],
        error=text(item, "error"),
        occurred_at=text(item, "occurred_at"),
        event_id=text(item, "event_id"),
        place=text(item, "place"),
        received=_received(item),
        tries=int(item["tries"]["N"]) if "tries" in item else None,
        last_error=text(item, "last_error"),
        next_try_at=text(item, "next_try_at"),
        accepted=decision if accepted else None,
        dismissed=None if accepted else decision,
        open=is_question(item) and not is_closed(item),
    )


def pending_of(item: Item) -> Pending:
    """What the consumer gets of a record, also when it is sent again."""
    return Pending(identity_of(item), delivery_of(item), text(item, "place"), text(item, "entry"))


def is_question(item: Item) -> bool:
    """Whether a person has to accept or dismiss a record: a conflict, or a credit that may be a second one."""
    if identity_of(item).kind is Kind.CONFLICT:
        return True
    return state_of(item) is State.FAILED and text(item, "error") in QUESTIONS


def is_closed(item: Item) -> bool:
    """Whether an operator has accepted or dismissed a record."""
    return "accepted_at" in item or "dismissed_at" in item


def decision_of(item: Item) -> Decision | None:
    """What an operator decided on a record, or None. An acceptance overrides a dismissal."""
    for verb in ("accepted", "dismissed"):
        if f"{verb}_at" in item:
            by, why, at = (item[f"{verb}_{name}"]["S"] for name in ("by", "why", "at"))
            return Decision(text(item, "accepted_as"), by, why, at)
    return None


def _received(item: Item) -> Received | None:
    return Received(**json.loads(item["received"]["S"])) if "received" in item else None


def decision_item(decision: Decision) -> dict[str, "AttributeValueTypeDef"]:
    """The attributes of a decision, by name."""
    verb = "accepted" if decision.accepted_as else "dismissed"
    texts = {"as": decision.accepted_as, "by": decision.by, "why": decision.why, "at": decision.at}
    return {f"{verb}_{name}": {"S": value} for name, value in texts.items() if value is not None}


def replays_of(item: Item) -> list[dict[str, Any]]:
    """The latest replays of an event, the newest last: who, why, when, and whether to announce it."""
    replays: list[dict[str, Any]] = json.loads(text(item, "replays") or "[]")
    return replays


def effects_of(item: Item) -> list[dict[str, Any]]:
    """What an event has done to the books, in the form of `wickiepay.effects.describe`."""
    effects: list[dict[str, Any]] = json.loads(text(item, "effects") or "[]")
    return effects
