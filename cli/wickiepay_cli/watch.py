"""Looking at the event table again and again, for what `wickiepay_cli.feed` does not know yet."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from wickiepay.clock import instant
from wickiepay.event_log import SHARDS, State
from wickiepay.identity import Identity
from wickiepay_cli.failure import EXPECTED, sentence
from wickiepay_cli.feed import Arrival, Feed, OnRecord, of_record
from wickiepay_cli.records import identity_of, key_of
from wickiepay_cli.tables import Item, items_of, only

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PAUSE_SECONDS: Final = 0.5
LEAVE_SECONDS: Final = 2
"""How long a look that is under way is waited for in the end; it changes nothing, and may be left."""

LOOK_BACK: Final = timedelta(seconds=30)
"""An index shows an event a moment after the table has it, and clocks differ: so far back is looked again each time."""

_READ: Final = ("uuid", "event_key", "event", "scheme", "state", "received_at", "processed_at", "error")


class EventTable:
    """The records of some events, and which events are new."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def on_record(self, identities: Iterable[Identity]) -> dict[Identity, OnRecord]:
        """Those of the events that are on record, read consistently. Raises `StoreUnavailable` and botocore's."""
        items = items_of(self._client, self._table, map(key_of, identities), only(_READ))
        return {identity_of(item): _on_record(item) for item in items}

    def received_since(self, since: datetime, until: datetime) -> list[Identity]:
        """The events that the index shows as received since then, in that order; `until` names the last day."""
        days = [since.date() + timedelta(days=number) for number in range((until.date() - since.date()).days + 1)]
        found = [item for day in days for shard in range(SHARDS) for item in self._shard(f"{day}#{shard}", since)]
        return [identity_of(item) for item in sorted(found, key=lambda item: item["received_at"]["S"])]

    def _shard(self, day_shard: str, since: datetime) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by_time",
            KeyConditionExpression="day_shard = :day_shard AND received_at >= :since",
            ExpressionAttributeValues={":day_shard": {"S": day_shard}, ":since": {"S": instant(since)}},
        )
        return (item for page in pages for item in page["Items"])


class Newcomers:
    """The events that are put on record from now on, each once. Those of the last `LOOK_BACK` are known already."""

    def __init__(self, table: EventTable, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now
        self._since = now() - LOOK_BACK
        self._known = set(table.received_since(self._since, now() + LOOK_BACK))

    def __call__(self) -> list[Arrival]:
        """Those that came since the last call that succeeded, in the order of arrival."""
        now = self._now()
        found = self._table.received_since(self._since, now + LOOK_BACK)
        new = [identity for identity in found if identity not in self._known]
        records = self._table.on_record(new)
        self._since, self._known = now - LOOK_BACK, set(found)
        return [of_record(identity, records[identity]) for identity in new if identity in records]


def look(feed: Feed, table: EventTable, newcomers: Callable[[], Iterable[Arrival]] = tuple) -> None:
    """Tells `feed` of the newcomers, and of what became of those that it knows."""
    for arrival in newcomers():
        feed.arrived(arrival)
    feed.noticed(table.on_record(feed.unsettled()))


@contextmanager
def looking(feed: Feed, once: Callable[[], None], pause_seconds: float = PAUSE_SECONDS) -> Iterator[None]:
    """Calls `once` again and again, in a thread, until the block ends. Of an outage, `feed` is told once."""
    leave = threading.Event()

    def keep_looking() -> None:
        out_of_reach = False
        while not leave.wait(pause_seconds):
            try:
                once()
            except EXPECTED as error:
                if not out_of_reach:
                    feed.trouble(sentence(error))
                out_of_reach = True
            else:
                out_of_reach = False

    thread = threading.Thread(target=keep_looking, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leave.set()
        thread.join(LEAVE_SECONDS)


def _on_record(item: Item) -> OnRecord:
    def text(name: str) -> str | None:
        return item[name]["S"] if name in item else None

    return OnRecord(
        event=text("event"),
        scheme=item["scheme"]["S"],
        state=State(item["state"]["S"]),
        received_at=item["received_at"]["S"],
        processed_at=text("processed_at"),
        error=text("error"),
    )
