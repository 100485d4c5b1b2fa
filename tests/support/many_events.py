"""Very many finished events in an emulator's tables, put there by the hundred and not one by one.

Each item is what the code itself would have written: the put that `EventLog.record` makes is caught on its way, and
what a verdict adds to it is added here. The credits are made by the ledger itself.
"""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final

import handlers
from tests.support.deployed import SETTINGS
from tests.support.harness import Stores
from wickiepay import clock
from wickiepay.delivery import Delivery
from wickiepay.effects import Credit, describe
from wickiepay.event import WebhookEvent, parse
from wickiepay.event_log import EventLog
from wickiepay.event_record import State
from wickiepay.ledger import Ledger
from wickiepay.routing import discover, router

discover(handlers)

PERIOD: Final = timedelta(days=10)
"""Over which the events came."""

WRITERS: Final = 2
BATCH: Final = 25
"""Most items in one BatchWriteItem."""

CREDIT_EVERY: Final = 100
OTHERS_EVERY: Final = 20
"""Of this many events, one is FAILED and one IGNORED."""


class Caught:
    """In place of a client: keeps what would be put."""

    exceptions = type("exceptions", (), {"ConditionalCheckFailedException": KeyError})

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}

    def put_item(self, *, Item: dict[str, Any], **_: object) -> None:  # noqa: N803  DynamoDB's own name
        self.item = Item


@dataclass(slots=True)
class ManyEvents:
    """Events in `stores`, the last one received at `end`; `states` counts them."""

    stores: Stores
    end: datetime
    total: int
    states: Counter[State] = field(default_factory=Counter)

    def fill(self, first: int, last: int) -> None:
        """Puts the events from `first` to before `last` there."""
        client, table = self.stores.client("dynamodb"), self.stores.outputs["EventTableName"]

        def put(items: tuple[dict[str, Any], ...]) -> None:
            requests = [{"PutRequest": {"Item": item}} for item in items]
            assert not client.batch_write_item(RequestItems={table: requests}).get("UnprocessedItems")

        with ThreadPoolExecutor(WRITERS) as writers:
            for some in batched(self._items(first, last), 100 * BATCH, strict=False):
                list(writers.map(put, batched(some, BATCH, strict=False)))

    def _items(self, first: int, last: int) -> Iterator[dict[str, Any]]:
        ledger = Ledger(self.stores.client("dynamodb"), self.stores.outputs["LedgerTableName"])
        for number in range(first, last):
            at = self.end - PERIOD * (1 - number / self.total)
            event, item = _recorded(number, at)
            state = _state(number)
            self.states[state] += 1
            yield item | _verdict(ledger, event, state, at + timedelta(milliseconds=100 + number % 900))


def _recorded(number: int, at: datetime) -> tuple[WebhookEvent, dict[str, Any]]:
    """An event, and its record as ingest makes it."""
    name = "channel.payment.confirmed" if number % CREDIT_EVERY == 0 else "payment.completed"
    money = {"currency": "EUR", "amount": number % 1000 + 1}
    data = {"uuid": f"many-{number}", "reference": f"order-{number % 50}", "type": "IN", "displayCurrency": money}
    body = json.dumps({"event": name, "timestamp": clock.instant(at), "data": data}).encode()
    event = parse(body)
    caught: Any = Caught()
    EventLog(caught, "events").record(Delivery(body, "raw", clock.instant(at), "192.0.2.1", "request"), event)
    return event, caught.item


def _state(number: int) -> State:
    return {1: State.FAILED, 2: State.IGNORED}.get(number % OTHERS_EVERY, State.PROCESSED)


def _verdict(ledger: Ledger, event: WebhookEvent, state: State, at: datetime) -> dict[str, Any]:
    """What the consumer adds to a record; what an event credits is credited."""
    verdict: dict[str, Any] = {"state": {"S": state}, "processed_at": {"S": clock.instant(at)}}
    if state is State.FAILED:
        return verdict | {"error": {"S": "The event names no account."}, "effects": {"S": "[]"}}
    verdict["expires_at"] = {"N": str(int((at + timedelta(days=400)).timestamp()))}
    if state is State.IGNORED:
        return verdict
    effects = router[event.name](event, SETTINGS)
    for effect in effects:
        if isinstance(effect, Credit):
            assert ledger.apply(effect, {})
    return verdict | {"effects": {"S": json.dumps([describe(effect, stands=True) for effect in effects])}}
