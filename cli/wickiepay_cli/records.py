"""Reading the event table: what `wickiepay.event_log` wrote of each delivery."""

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any, Final

from wickiepay.event_log import SHARDS, State, stored_delivery
from wickiepay.identity import Identity
from wickiepay_cli.tables import Item, items_of, key_texts, only

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

FIRST_OF_ALL: Final = date(2026, 1, 1)
"""No listener is older."""

PAGE: Final = 1000
"""Keys of a shard that are read at once: whoever wants the first few events should not pay for a whole megabyte."""

_SHOWN: Final = ("uuid", "event_key", "event", "state", "received_at", "processed_at", "scheme", "error")


@dataclass(frozen=True, slots=True)
class Record:
    """A delivery on record. `event` is None where it holds none; `event_key` tells the events of one uuid apart.

    Instants are as `wickiepay.clock` writes them. `processed_at` is when it got its verdict, `error` why it failed.
    """

    uuid: str
    event: str | None
    event_key: str
    state: State
    received_at: str
    processed_at: str | None
    scheme: str
    error: str | None

    def brief(self) -> "Record":
        """What any record says, without what a whole one adds."""
        return Record(*(getattr(self, name) for name in Record.__slots__))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That a conflict was made the event `accepted_as` of its own: by whom, why and when."""

    accepted_as: str
    by: str
    why: str
    at: str


@dataclass(frozen=True, slots=True)
class WholeRecord(Record):
    """With the body as it was received (what is not UTF-8 in it as U+FFFD), and the effects that the event had.

    And what operators did: `replays` are the last ten of them, each with `id`, `by`, `why`, `at` and `announce`.
    """

    body: str
    body_sha256: str
    effects: list[dict[str, str | None]]
    replays: list[dict[str, Any]]
    accepted: Acceptance | None


class EventRecords:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def first_day(self) -> date:
        """A day (UTC) before which nothing was received: when the table was made; of a restored one, our own first."""
        table = self._client.describe_table(TableName=self._table)["Table"]
        return FIRST_OF_ALL if "RestoreSummary" in table else table["CreationDateTime"].astimezone(UTC).date()

    def newest_first(self, first: date, last: date) -> Iterator[Record]:
        """The records of the days from `first` to `last` (UTC), the newest first, read as they are asked for."""
        return map(_record, items_of(self._client, self._table, self._keys_of_days(first, last), only(_SHOWN)))

    def whole_newest_first(self, first: date, last: date) -> Iterator[WholeRecord]:
        """The same, with all that is on record of each."""
        return map(_whole_record, items_of(self._client, self._table, self._keys_of_days(first, last)))

    def _keys_of_days(self, first: date, last: date) -> Iterator[Item]:
        return (key for day in _backwards(first, last) for key in self._keys(day))

    def of_uuid(self, uuid: str) -> list[WholeRecord]:
        """All that is on record under a uuid, in the order of arrival."""
        found = [record for text in key_texts(uuid) for record in self._partition(text)]
        return sorted(found, key=lambda record: (record.received_at, record.event_key))

    def _partition(self, uuid: str) -> Iterator[WholeRecord]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#uuid = :uuid",
            ExpressionAttributeNames={"#uuid": "uuid"},
            ExpressionAttributeValues={":uuid": {"S": uuid}},
            ConsistentRead=True,
        )
        return (_whole_record(item) for page in pages for item in page["Items"])

    def _keys(self, day: date) -> Iterator[Item]:
        """The keys of what was received on `day`, the newest first."""
        shards = (self._shard(f"{day.isoformat()}#{shard}") for shard in range(SHARDS))
        entries: Iterable[Item] = heapq.merge(*shards, key=lambda entry: entry["received_at"]["S"], reverse=True)
        return ({"uuid": entry["uuid"], "event_key": entry["event_key"]} for entry in entries)

    def _shard(self, day_shard: str) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by_time",
            KeyConditionExpression="day_shard = :day_shard",
            ExpressionAttributeValues={":day_shard": {"S": day_shard}},
            ScanIndexForward=False,
            PaginationConfig={"PageSize": PAGE},
        )
        return (item for page in pages for item in page["Items"])


def key_of(identity: Identity) -> Item:
    """The primary key of an event's record."""
    return {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}


def identity_of(item: Item) -> Identity:
    """Whose record an item is."""
    return Identity(item["uuid"]["S"], item["event_key"]["S"])


def acceptance(item: Item) -> Acceptance | None:
    """What a conflict's record says of its acceptance; None where it was not accepted."""
    if "accepted_as" not in item:
        return None
    return Acceptance(*(item[name]["S"] for name in ("accepted_as", "accepted_by", "accepted_why", "accepted_at")))


def _backwards(first: date, last: date) -> Iterator[date]:
    return (last - timedelta(days=back) for back in range((last - first).days + 1))


def _text(item: Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _record(item: Item) -> Record:
    return Record(
        uuid=item["uuid"]["S"],
        event=_text(item, "event"),
        event_key=item["event_key"]["S"],
        state=State(item["state"]["S"]),
        received_at=item["received_at"]["S"],
        processed_at=_text(item, "processed_at"),
        scheme=item["scheme"]["S"],
        error=_text(item, "error"),
    )


def _whole_record(item: Item) -> WholeRecord:
    brief = _record(item)
    return WholeRecord(
        **{name: getattr(brief, name) for name in _SHOWN},
        body=stored_delivery(item).body.decode(errors="replace"),
        body_sha256=item["body_hash"]["B"].hex(),
        effects=json.loads(_text(item, "effects") or "[]"),
        replays=json.loads(_text(item, "replays") or "[]"),
        accepted=acceptance(item),
    )
