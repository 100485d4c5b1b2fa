"""How large an event is in each place where it is kept or sent: what the listener's own code makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, cast

from analysis.assumptions import INDEX_ENTRY_BYTES
from analysis.figures import EVENTS_OF_A_PAYMENT
from bench.deliveries import body, uuid
from wickiepay.bus import Announcement
from wickiepay.clock import instant
from wickiepay.delivery import Delivery
from wickiepay.effects import SetPayment, describe, set_payment
from wickiepay.event_log import EventLog
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue, Message

NOW: Final = datetime(2026, 1, 15, 10, 25, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes in bytes.

    `entry` is the event's entry in the index by time, `reference_entry` the payment's in `by_reference`.
    `kept_*` is what is billed as storage. The events of a payment share one item of the ledger and its index entry.
    """

    record: int
    finished: int
    entry: int
    ledger: int
    reference_entry: int
    message: int
    announcement: int

    @property
    def kept_in_tables(self) -> float:
        return self.finished + INDEX_ENTRY_BYTES + (self.ledger + INDEX_ENTRY_BYTES) / EVENTS_OF_A_PAYMENT

    @property
    def kept_in_indexes(self) -> float:
        return self.entry + INDEX_ENTRY_BYTES + (self.reference_entry + INDEX_ENTRY_BYTES) / EVENTS_OF_A_PAYMENT


class _Heard:
    """A client that does nothing and keeps what it was last asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def note(self, **asked: object) -> dict[str, Any]:
        self.asked = asked
        return {}

    put_item = update_item = send_message = note


@cache
def sizes(size: int) -> Sizes:
    """The sizes for a payment's event with a body of `size` bytes: the same body as in the benchmark."""
    heard = _Heard()
    content = body(uuid("sized", size), size)
    delivery = Delivery(content, "raw", instant(NOW), "192.0.2.10", "JKJaXmPLvHcESHA=")
    event = delivery.event()
    identity = event.identity
    [effect] = set_payment(event, stage=90, status="COMPLETE", received="all")
    done = [describe(effect, stands=True)]
    log, ledger = EventLog(cast("Any", heard), "events"), Ledger(cast("Any", heard), "ledger")

    log.record(delivery, event)
    record = heard.asked["Item"]
    log.mark_processed(identity, NOW, timedelta(days=1), done)
    values = heard.asked["ExpressionAttributeValues"]
    verdict = {name: values[f":{name}"] for name in ("processed_at", "expires_at", "effects")}
    ledger.apply(effect, ledger.rows([effect], []) if isinstance(effect, SetPayment) else {})
    payment = heard.asked["Item"]
    EventQueue(cast("Any", heard), "queue").send(Message(identity, delivery))
    return Sizes(
        record=_item_bytes(record),
        finished=_item_bytes({**record, **verdict}) + len("PROCESSED") - len("RECEIVED"),
        entry=_item_bytes({name: record[name] for name in ("uuid", "event_key", "day_shard", "received_at")}),
        ledger=_item_bytes(payment),
        reference_entry=_item_bytes({name: payment[name] for name in ("pk", "sk", "reference")}),
        message=len(heard.asked["MessageBody"]),
        announcement=len(Announcement(event, delivery.received_at, "PROCESSED", done).detail()),
    )


def _item_bytes(item: Mapping[str, Any]) -> int:
    """The size as DynamoDB counts it: names and values, with a number as about half its digits."""
    return sum(len(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return len(content) // 2 + 1
        case "BOOL":
            return 1
        case "SS":
            return sum(map(len, content))
    return len(content)
