"""The event table: every signed delivery as it was received, and what became of it.

All writes are conditional; the conditions are the only transitions between states that there are:

    absent                      → RECEIVED               record
    absent                      → UNUSABLE, CONFLICT     keep_unusable, record (under sort keys of their own)
    RECEIVED, FAILED, IGNORED   → PROCESSED or IGNORED   mark_processed, mark_ignored
    RECEIVED, FAILED, IGNORED   → FAILED                 mark_failed
    RECEIVED, flag unsent       → the same, on or off    flag_unsent, clear_unsent
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from wickiepay.aws import outages
from wickiepay.clock import instant
from wickiepay.delivery import Delivery, unpack_body
from wickiepay.errors import StoreUnavailable
from wickiepay.event import WebhookEvent
from wickiepay.identity import Identity, sha256_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

SHARDS: Final = 4
"""Partitions that each index spreads one day, or all that is unsent, over: an index key takes 1,000 writes a second."""

_STORE = "The event table"
Item = Mapping[str, "AttributeValueTypeDef"]


class State(StrEnum):
    RECEIVED = "RECEIVED"
    PROCESSED = "PROCESSED"
    IGNORED = "IGNORED"
    FAILED = "FAILED"
    UNUSABLE = "UNUSABLE"
    CONFLICT = "CONFLICT"


UNFINISHED: Final = frozenset({State.RECEIVED, State.FAILED})
"""A delivery of an event in one of these sends it to the consumer again."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `record` found. `to_send` is the delivery on record, where it still has to be (or be again) processed."""

    outcome: Literal["accepted", "duplicate", "conflict"]
    to_send: Delivery | None


@dataclass(frozen=True, slots=True)
class Unsent:
    identity: Identity
    received_at: str


class EventLog:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def record(self, delivery: Delivery, event: WebhookEvent) -> Recorded:
        """Keeps a delivery: as the event's record, or, where that exists with other content, beside it as a conflict.

        One call for a first delivery or a duplicate. Raises `StoreUnavailable`.
        """
        identity = Identity(event.uuid, event.event_key)
        existing = self._put_if_absent(_item(delivery, identity, State.RECEIVED, event))
        if existing is None:
            return Recorded("accepted", delivery)
        pending = stored_delivery(existing) if State(existing["state"]["S"]) in UNFINISHED else None
        if existing["data_hash"]["B"] == event.data_hash:
            return Recorded("duplicate", pending)
        conflict = Identity(event.uuid, f"{event.event_key}!conflict#{event.data_hash.hex()}")
        kept = self._put_if_absent(_item(delivery, conflict, State.CONFLICT, event))
        if kept and "accepted_as" in kept:
            return Recorded("duplicate", pending)  # an operator has made it an event of its own
        return Recorded("conflict", pending)

    def keep_unusable(self, delivery: Delivery, reason: str) -> None:
        """Keeps a rightly signed body that holds no event, under its SHA-256. Raises `StoreUnavailable`."""
        identity = Identity(sha256_of(delivery.body).hex(), "!unusable")
        self._put_if_absent({**_item(delivery, identity, State.UNUSABLE), "error": {"S": reason}})

    def flag_unsent(self, identity: Identity) -> bool:
        """Leaves a RECEIVED event to the relay; says False where it is not RECEIVED. Raises `StoreUnavailable`."""
        return self._update(
            identity,
            "SET unsent = :shard",
            "#state = :received",
            {":shard": {"S": _shard(identity.uuid)}, ":received": {"S": State.RECEIVED}},
        )

    def clear_unsent(self, identity: Identity) -> bool:
        """Takes the flag away; says False where there was none. Raises `StoreUnavailable`."""
        return self._update(identity, "REMOVE unsent", "attribute_exists(unsent)", {})

    def mark_processed(self, identity: Identity, at: datetime, keep: timedelta, effects: Sequence[object]) -> bool:
        """Notes that an event is applied and announced; says False where it was PROCESSED already, or is gone.

        `keep` is how long the record stays from `at` on. Raises `StoreUnavailable`.
        """
        return self._conclude(
            identity,
            "SET #state = :state, processed_at = :at, expires_at = :expires, effects = :effects REMOVE #error",
            State.PROCESSED,
            at,
            {":expires": _expiry(at, keep), ":effects": {"S": json.dumps(effects)}},
        )

    def mark_ignored(self, identity: Identity, at: datetime, keep: timedelta) -> bool:
        """Notes that nothing handles such events; says False where it was PROCESSED. Raises `StoreUnavailable`."""
        return self._conclude(
            identity,
            "SET #state = :state, processed_at = :at, expires_at = :expires REMOVE #error",
            State.IGNORED,
            at,
            {":expires": _expiry(at, keep)},
        )

    def mark_failed(self, identity: Identity, at: datetime, reason: str, effects: Sequence[object] = ()) -> bool:
        """Notes why an event cannot be finished; says False where it was PROCESSED, or is gone.

        `effects` are those that are applied all the same. A failed event does not expire: somebody has to look at it.
        Raises `StoreUnavailable`.
        """
        return self._conclude(
            identity,
            "SET #state = :state, processed_at = :at, #error = :reason, effects = :effects REMOVE expires_at",
            State.FAILED,
            at,
            {":reason": {"S": _encodable(reason)}, ":effects": {"S": json.dumps(effects)}},
        )

    def states(self, identities: Iterable[Identity]) -> dict[Identity, State]:
        """The states of those of at most 100 events that are on record, consistently. Raises `StoreUnavailable`."""
        names = {"#uuid": "uuid", "#state": "state"}
        request = {"ProjectionExpression": "#uuid, event_key, #state", "ExpressionAttributeNames": names}
        return {identity: State(item["state"]["S"]) for identity, item in self._read(identities, request).items()}

    def unfinished(self, identities: Iterable[Identity]) -> dict[Identity, Delivery]:
        """The deliveries on record of those of at most 10 events that the consumer still has to process.

        Read consistently. Raises `StoreUnavailable`.
        """
        items = self._read(identities, {})
        return {i: stored_delivery(item) for i, item in items.items() if State(item["state"]["S"]) in UNFINISHED}

    def unsent(self, limit: int) -> list[Unsent]:
        """At most about `limit` of the events that are flagged unsent, the oldest first. Raises `StoreUnavailable`."""
        flagged: list[Unsent] = []
        for shard in range(SHARDS):
            with outages(_STORE):
                answer = self._client.query(
                    TableName=self._table,
                    IndexName="unsent",
                    KeyConditionExpression="unsent = :shard",
                    ExpressionAttributeValues={":shard": {"S": str(shard)}},
                    Limit=-(-limit // SHARDS),
                )
            flagged += [
                Unsent(Identity(item["uuid"]["S"], item["event_key"]["S"]), item["received_at"]["S"])
                for item in answer["Items"]
            ]
        return sorted(flagged, key=lambda unsent: unsent.received_at)

    def _put_if_absent(self, item: Item) -> Item | None:
        """Puts `item`, or returns the one that stands there already."""
        with outages(_STORE):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(event_key)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as failed:
                existing: Item = failed.response["Item"]  # type: ignore[typeddict-item]  # absent there
                return existing
        return None

    def _conclude(self, identity: Identity, update: str, state: State, at: datetime, values: dict[str, Any]) -> bool:
        """Gives an event a verdict, unless it is PROCESSED; a conflict or an unusable body gets none."""
        before = {f":{word.lower()}": {"S": word} for word in (State.RECEIVED, State.FAILED, State.IGNORED)}
        return self._update(
            identity,
            update,
            f"#state IN ({', '.join(before)})",
            {**before, **values, ":state": {"S": state}, ":at": {"S": instant(at)}},
        )

    def _update(self, identity: Identity, update: str, condition: str, values: dict[str, Any]) -> bool:
        names = {f"#{name}": name for name in ("state", "error") if f"#{name}" in update + condition}
        request: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        if values:
            request["ExpressionAttributeValues"] = values
        with outages(_STORE):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(identity),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    **request,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _read(self, identities: Iterable[Identity], projection: dict[str, Any]) -> dict[Identity, Item]:
        keys = [_key(identity) for identity in dict.fromkeys(identities)]
        if not keys:
            return {}
        request: Any = {"Keys": keys, "ConsistentRead": True, **projection}
        with outages(_STORE):
            answer = self._client.batch_get_item(RequestItems={self._table: request})
        if answer.get("UnprocessedKeys"):
            raise StoreUnavailable(f"{_STORE} left some reads undone.")
        return {Identity(i["uuid"]["S"], i["event_key"]["S"]): i for i in answer["Responses"][self._table]}


def _key(identity: Identity) -> dict[str, "AttributeValueTypeDef"]:
    return {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}


def _expiry(at: datetime, keep: timedelta) -> "AttributeValueTypeDef":
    return {"N": str(int((at + keep).timestamp()))}


def _encodable(text: str) -> str:
    """`text` without what no table takes: an error may quote half a character from a body."""
    return text.encode("utf-8", "backslashreplace").decode()


def _shard(uuid: str) -> str:
    return str(zlib.crc32(uuid.encode()) % SHARDS)


def _item(delivery: Delivery, identity: Identity, state: State, event: WebhookEvent | None = None) -> Item:
    """A record. With its body packed the usual one stays under 1 KB, one write unit."""
    content: Item = {"event": {"S": event.name}, "data_hash": {"B": event.data_hash}} if event else {}
    return {
        **_key(identity),
        **content,
        "body": {"B": delivery.packed_body()},
        "state": {"S": state},
        "scheme": {"S": delivery.scheme},
        "body_hash": {"B": sha256_of(delivery.body)},
        "received_at": {"S": delivery.received_at},
        "day_shard": {"S": f"{delivery.received_at[:10]}#{_shard(identity.uuid)}"},
        "source": {"S": delivery.source},
        "request_id": {"S": delivery.request_id},
    }


def stored_delivery(item: Item) -> Delivery:
    """The delivery that a record keeps."""
    return Delivery(
        body=unpack_body(item["body"]["B"]),
        scheme=item["scheme"]["S"],
        received_at=item["received_at"]["S"],
        source=item["source"]["S"],
        request_id=item["request_id"]["S"],
    )
