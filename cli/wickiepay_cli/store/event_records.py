"""Reads the event table, which `wickiepay.event_log` writes."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched, islice
from typing import TYPE_CHECKING, Any, Final

from wickiepay.clock import instant
from wickiepay.dynamodb import Item
from wickiepay.event import WebhookEvent
from wickiepay.event_record import (
    SHARDS,
    SHOWN,
    Pending,
    Record,
    State,
    delivery_of,
    effects_of,
    identity_of,
    key,
    pending_of,
    record_of,
    replays_of,
)
from wickiepay.identity import Identity
from wickiepay_books import spellings
from wickiepay_cli.store.dynamodb import items_of, only, partition

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

FIRST_OF_ALL: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""No listener is older."""

AHEAD: Final = timedelta(days=1)
"""How far this machine's clock may lag behind the one that stamped the deliveries."""

PAGE: Final = 1000
"""Most keys of a shard that are read at once: a page of DynamoDB is a whole megabyte."""

ALL: Final = PAGE * SHARDS
"""What is read at first where everything is wanted."""

THREADS: Final = 8
MOST_DAYS: Final = 32
"""Most days that are read together when one after another turns out empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRecord(Record):
    """A record with its body as it is kept (invalid UTF-8 as U+FFFD) and the event's effects.

    `replays` are the last ten by operators, each with `id`, `by`, `why`, `at` and `announce`.
    """

    body: str
    body_sha256: str
    effects: list[dict[str, Any]]
    replays: list[dict[str, Any]]


def with_key(records: Sequence[Record], event_key: str) -> list[Record]:
    """The records with this key or, if there is none, with a key that begins like it."""
    exact = [record for record in records if record.event_key == event_key]
    return exact or [record for record in records if record.event_key.startswith(event_key)]


def trouble_of(record: Record) -> str | None:
    """Why an event FAILED or, while it is retried, the number of tries, the next one, and the last error."""
    if record.state is not State.RECEIVED or record.tries is None or record.next_try_at is None:
        return record.error
    return f"tried {record.tries} times, next at {record.next_try_at[11:19]} UTC: {record.last_error}"


def standing(record: Record) -> str:
    """The state and, if an operator has to decide or has decided, whether that is open, accepted or dismissed."""
    answer = "accepted" if record.accepted else "dismissed" if record.dismissed else "open" if record.open else None
    return " ".join(filter(None, (record.state, answer)))


class EventRecords:
    """Reads the table. A caller that needs only a few events passes their number as `at_first`, to read few more."""

    def __init__(self, client: "DynamoDBClient", table: str, at_first: int = ALL) -> None:
        self._client = client
        self._table = table
        self._at_first = at_first

    def beginning(self) -> datetime:
        """The day (UTC) before which nothing was received: when the table was made, or the first ever if restored."""
        table = self._client.describe_table(TableName=self._table)["Table"]
        if "RestoreSummary" in table:
            return FIRST_OF_ALL
        return table["CreationDateTime"].astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def newest_first(self, since: datetime, until: datetime) -> Iterator[Record]:
        """The events received from `since` to `until`, the newest first, read lazily."""
        return self._records(self._keys(since, until))

    def whole_newest_first(self, since: datetime, until: datetime) -> Iterator[WholeRecord]:
        """The same, with all that is on record of each."""
        return self._whole_records(self._keys(since, until))

    def identities(self, since: datetime, until: datetime) -> list[Identity]:
        """The events received in that time according to the index, in the order of arrival."""
        return [identity_of(each) for each in self._keys(since, until)][::-1]

    def of(self, identities: Iterable[Identity]) -> Iterator[Record]:
        """The events that are on record. Raises `StoreUnavailable` and botocore's errors."""
        return self._records(map(key, identities))

    def whole_of(self, identities: Iterable[Identity]) -> Iterator[WholeRecord]:
        """The same, with all that is on record of each."""
        return self._whole_records(map(key, identities))

    def events_of(self, identities: Iterable[Identity]) -> Iterator[WebhookEvent]:
        """The events themselves, as the consumer gets them from their records."""
        items = items_of(self._client, self._table, map(key, identities), at_first=self._at_first)
        return (pending_of(item).event() for item in items)

    def kept(self, identities: Iterable[Identity]) -> Iterator[tuple[WholeRecord, Pending]]:
        """All that is on record of the events, and beside it what the consumer gets of each."""
        items = items_of(self._client, self._table, map(key, identities), at_first=self._at_first)
        return ((_whole_record(item), pending_of(item)) for item in items)

    def of_uuid(self, uuid: str) -> list[WholeRecord]:
        """All records of a uuid, in the order of arrival."""
        items = (item for text in spellings(uuid) for item in partition(self._client, self._table, "uuid", text))
        return sorted(map(_whole_record, items), key=lambda record: (record.received_at, record.event_key))

    def _records(self, keys: Iterable[Item]) -> Iterator[Record]:
        return map(record_of, items_of(self._client, self._table, keys, only(SHOWN), at_first=self._at_first))

    def _whole_records(self, keys: Iterable[Item]) -> Iterator[WholeRecord]:
        return map(_whole_record, items_of(self._client, self._table, keys, at_first=self._at_first))

    def _keys(self, since: datetime, until: datetime) -> Iterator[Item]:
        """The keys of the events received in that time, the newest first.

        As long as nothing is found, the number of days that are read together doubles: years may be empty.
        """
        days, together = _backwards(since, until), 1
        page_size = min(PAGE, -(-self._at_first // SHARDS))
        with ThreadPoolExecutor(THREADS) as threads:
            while looked_at := list(islice(days, together)):
                shards = [_Shard(self._client, self._table, f"{day}#{n}") for day in looked_at for n in range(SHARDS)]
                first_pages = list(threads.map(lambda shard: shard.page(since, until, page_size), shards))
                for some in batched(zip(shards, first_pages, strict=True), SHARDS, strict=True):
                    entries = (shard.entries(since, until, page_size, page) for shard, page in some)
                    merged = heapq.merge(*entries, key=lambda item: item["received_at"]["S"], reverse=True)
                    yield from (key(identity_of(item)) for item in merged)
                empty = not any(page["Items"] for page in first_pages)
                together = min(together * 2, MOST_DAYS) if empty else 1


@dataclass(frozen=True, slots=True)
class _Shard:
    """A partition of the index `by_time`: one shard of a day."""

    client: "DynamoDBClient"
    table: str
    day_shard: str

    def page(self, since: datetime, until: datetime, size: int, **start: Any) -> Mapping[str, Any]:  # noqa: ANN401
        values = {":day_shard": self.day_shard, ":since": instant(since), ":until": instant(until)}
        return self.client.query(
            TableName=self.table,
            IndexName="by_time",
            KeyConditionExpression="day_shard = :day_shard AND received_at BETWEEN :since AND :until",
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
            ScanIndexForward=False,
            Limit=size,
            **start,
        )

    def entries(self, since: datetime, until: datetime, size: int, page: Mapping[str, Any]) -> Iterator[Item]:
        """The keys on `page`, which has that size, and on the pages after it, each larger than the one before."""
        yield from page["Items"]
        while "LastEvaluatedKey" in page:
            size = min(PAGE, size * 2)
            page = self.page(since, until, size, ExclusiveStartKey=page["LastEvaluatedKey"])
            yield from page["Items"]


def brief(record: Record) -> Record:
    """The plain record, without the additions of a whole one."""
    return Record(**_members(record))


def _members(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__slots__}


def _backwards(since: datetime, until: datetime) -> Iterator[str]:
    """The days (UTC) from that of `until` to that of `since`, as 2026-01-15."""
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    return ((last - timedelta(days=back)).isoformat() for back in range((last - first).days + 1))


def _whole_record(item: Item) -> WholeRecord:
    delivery = delivery_of(item)
    return WholeRecord(
        **_members(record_of(item)),
        body=delivery.body.decode(errors="replace"),
        body_sha256=delivery.body_hash.hex(),
        effects=effects_of(item),
        replays=replays_of(item),
    )
