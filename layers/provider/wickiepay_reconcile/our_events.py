"""Reads from the event table which events are on record, with few of their attributes."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import batched
from typing import TYPE_CHECKING, Final

from wickiepay import event_record as records
from wickiepay.dynamodb import Item, all_items, text
from wickiepay.identity import Kind
from wickiepay.outages import outages
from wickiepay_reconcile.comparison import OurEvent
from wickiepay_reconcile.reading import MAX_KEYS, Items

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SEEN: Final = ("uuid", "event_key", "event", "state", "received_at", "occurred_at", "event_id")
"""The attributes that are read of every event."""

OF_OLD_RECORDS: Final = ("uuid", "event_key", "state", "received_at", "source", "request_id", "scheme", "body")
"""What is read of a record that does not say when its event happened, as those of older versions do not."""

_STORE: Final = "The event table"


class OurEvents:
    """The events on record. `sleep` pauses before keys are read again that the table was too busy to read."""

    def __init__(self, client: "DynamoDBClient", table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._items = Items(client, table, _STORE, sleep)

    def received(self, day: date) -> Iterator[OurEvent]:
        """The events received on a day (UTC), conflicts among them. Raises `StoreUnavailable`."""
        for keys in batched(self._keys(day), MAX_KEYS, strict=False):
            found = self.read(keys, SEEN)
            old = [records.key(records.identity_of(item)) for item in found if _lacks_its_time(item)]
            yield from (_event(item) for item in found if not _lacks_its_time(item))
            yield from map(_event_in_body, self.read(old, OF_OLD_RECORDS))

    def read(self, keys: Iterable[Item], names: Sequence[str]) -> list[Item]:
        """The attributes `names` of the items that there are. Raises `StoreUnavailable`."""
        return self._items.read(keys, names)

    def _keys(self, day: date) -> Iterator[Item]:
        """The keys of the events. What an operator accepted is there once more, as a conflict."""
        for shard in range(records.SHARDS):
            with outages(_STORE):
                found = all_items(
                    self._client.query,
                    TableName=self._table,
                    IndexName="by_time",
                    KeyConditionExpression="day_shard = :day_shard",
                    ExpressionAttributeValues={":day_shard": {"S": f"{day.isoformat()}#{shard}"}},
                )
            identities = map(records.identity_of, found)
            yield from (records.key(each) for each in identities if each.kind in {Kind.EVENT, Kind.CONFLICT})


def _lacks_its_time(item: Item) -> bool:
    return "event" not in item or not {"occurred_at", "event_id"} & item.keys()


def _event(item: Item) -> OurEvent:
    at, id_ = text(item, "occurred_at"), text(item, "event_id")
    return OurEvent(item["event"]["S"], at, id_, item["state"]["S"], item["received_at"]["S"])


def _event_in_body(item: Item) -> OurEvent:
    event = records.delivery_of(item).event()
    return OurEvent(event.name, event.occurred_at, event.event_id, item["state"]["S"], event.received_at)
