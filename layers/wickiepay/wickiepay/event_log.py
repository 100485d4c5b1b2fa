"""The event table: every signed delivery as it was received, and what became of it.

All writes are conditional. The conditions allow these transitions between states, and no others:

    absent                      → RECEIVED               record
    absent                      → UNUSABLE, CONFLICT     keep_unusable, record (under sort keys of their own)
    RECEIVED, FAILED, IGNORED   → PROCESSED or IGNORED   mark_processed, mark_ignored
    RECEIVED, FAILED, IGNORED   → FAILED                 mark_failed
    RECEIVED                    → the same               note_retry
    RECEIVED, flag unsent       → the same, on or off    flag_unsent, clear_unsent

Operators' notes on a record change no state: `note_replay`, `note_decision`. `wickiepay.event_record` describes what a
record holds.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from wickiepay import event_record as records
from wickiepay import sdk
from wickiepay.clock import instant
from wickiepay.delivery import Delivery
from wickiepay.dynamodb import Item, all_items, text
from wickiepay.errors import StoreUnavailable
from wickiepay.event import WebhookEvent, own_place
from wickiepay.event_record import SHARDS, TOLD, UNFINISHED, Decision, Pending, State
from wickiepay.identity import Identity, Kind, unusable
from wickiepay.outages import outages

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesTypeDef

    from wickiepay.queue import Replay

REPLAYS_KEPT: Final = 10
ATTEMPTS: Final = 20
"""Most tries to add a line to a record. A try fails only if another operator's succeeded."""

_STORE = "The event table"
OF_A_VERDICT: Final = ("error", "expires_at", "tries", "last_error", "next_try_at")
"""The attributes that a new verdict removes unless it sets them."""

type Outcome = Literal["accepted", "duplicate", "conflict"]


class Recorded(NamedTuple):
    """The outcome, the recorded event that it is about, and `to_send`: that event if it still has to be processed."""

    outcome: Outcome
    identity: Identity
    to_send: Pending | None


class Unsent(NamedTuple):
    identity: Identity
    received_at: str


class EventLog:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self.table = table

    # --- Writes by ingest ------------------------------------------------------------------------
    def record(self, delivery: Delivery, event: WebhookEvent) -> Recorded:
        """Stores a delivery as an event's record, or as a revision or a conflict beside a record with other content.

        A first delivery or a duplicate takes one call. Raises `StoreUnavailable`.
        """
        first = self._put_if_absent(records.record_item(delivery, event.identity, State.RECEIVED, event))
        if first is None:
            return Recorded("accepted", event.identity, Pending(event.identity, delivery))
        # Compared as spelled, then in normal spelling. An older record has its content and time in its body alone.
        if first["data_hash"]["B"] == event.data_hash:
            return _found("duplicate", first)
        told_first = records.delivery_of(first).event()
        if told_first.content_hash == event.content_hash:
            return _found("duplicate", first)
        told = self._told(event.identity)
        stamps = {event.occurred_at, told_first.occurred_at}
        if event.occurred_at is None or None in stamps or len(stamps) == 1:
            return self._keep_conflict(delivery, event, first, told)
        return self._keep_revision(delivery, event, event.identity.revision(event.occurred_at), told)

    def _keep_revision(
        self, delivery: Delivery, event: WebhookEvent, identity: Identity, told: Sequence["Item"]
    ) -> Recorded:
        place = _place_of(event.content_hash, told)
        existing = self._put_if_absent(records.record_item(delivery, identity, State.RECEIVED, event, place))
        if existing is None:
            return Recorded("accepted", identity, Pending(identity, delivery, place))
        if existing["content_hash"]["B"] == event.content_hash:
            return _found("duplicate", existing)
        return self._keep_conflict(delivery, event, existing, told)

    def _keep_conflict(
        self, delivery: Delivery, event: WebhookEvent, standing: "Item", told: Sequence["Item"]
    ) -> Recorded:
        """Stores a delivery as a conflict with the `standing` record, which is returned with the outcome."""
        corrected = records.identity_of(standing)
        known = {records.identity_of(item): item for item in told}
        as_spelled = corrected.conflict(event.data_hash)  # the key that versions up to 0.1 gave it
        conflict = as_spelled if as_spelled in known else corrected.conflict(event.content_hash)
        kept = self._put_if_absent(records.record_item(delivery, conflict, State.CONFLICT, event))
        return _found("duplicate" if kept and records.is_closed(kept) else "conflict", standing)

    def _told(self, first: Identity) -> list["Item"]:
        """The other records of an event besides its first delivery, without their bodies."""
        names = {f"#{name}": name for name in TOLD}
        with outages(_STORE):
            found = all_items(
                self._client.query,
                TableName=self.table,
                KeyConditionExpression="#uuid = :uuid AND begins_with(#event_key, :key)",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":uuid": {"S": first.uuid}, ":key": {"S": first.event_key}},
                ProjectionExpression=", ".join(names),
                ConsistentRead=True,
            )
        return [item for item in found if (each := records.identity_of(item)).first == first and each != first]

    def keep_unusable(self, delivery: Delivery, text_hash: bytes, reason: str) -> None:
        """Stores a correctly signed text without an event under its SHA-256. Raises `StoreUnavailable`."""
        item = records.record_item(delivery, unusable(text_hash), State.UNUSABLE)
        self._put_if_absent({**item, "error": {"S": reason}})

    def flag_unsent(self, identity: Identity) -> bool:
        """Leaves a RECEIVED event to the relay. Returns False if it is not RECEIVED. Raises `StoreUnavailable`."""
        return self._update(
            identity,
            "SET unsent = :shard",
            "#state = :received",
            {":shard": {"S": records.shard(identity.uuid)}, ":received": {"S": State.RECEIVED}},
            ("state",),
        )

    def clear_unsent(self, identity: Identity) -> bool:
        """Removes the flag. Returns False if there was none. Raises `StoreUnavailable`."""
        return self._update(identity, "REMOVE unsent", "attribute_exists(unsent)", {})

    def rehearse(self) -> None:
        """Goes through a write without sending it. No table would take the item: it has no key."""
        with sdk.rehearsal(self._client):
            self._put_if_absent({})

    # --- Writes by the consumer ------------------------------------------------------------------
    def mark_processed(self, identity: Identity, at: datetime, keep: timedelta, effects: Sequence[object]) -> bool:
        """Marks an event PROCESSED, to expire after `keep`; False if it was, or is gone. Raises `StoreUnavailable`."""
        done = {"S": json.dumps(effects)}
        return self._conclude(identity, State.PROCESSED, at, {"expires_at": _expiry(at, keep), "effects": done})

    def mark_ignored(self, identity: Identity, at: datetime, keep: timedelta) -> bool:
        """Marks an event without a handler IGNORED. Returns False if it was PROCESSED. Raises `StoreUnavailable`."""
        return self._conclude(identity, State.IGNORED, at, {"expires_at": _expiry(at, keep)})

    def mark_failed(self, identity: Identity, at: datetime, reason: str, effects: Sequence[object] = ()) -> bool:
        """Marks an event FAILED, never to expire. False if it was PROCESSED, or is gone. Raises `StoreUnavailable`.

        `effects` are those that were applied nevertheless.
        """
        done = {"S": json.dumps(effects)}
        return self._conclude(identity, State.FAILED, at, {"error": {"S": _encodable(reason)}, "effects": done})

    def note_retry(self, identity: Identity, tries: int, error: str, next_try_at: datetime) -> None:
        """Notes how often an unfinished event was tried, and why the last try failed. Raises `StoreUnavailable`."""
        self._update(
            identity,
            "SET tries = :tries, last_error = :error, next_try_at = :at",
            "#state = :received",
            {
                ":tries": {"N": str(tries)},
                ":error": {"S": _encodable(error)},
                ":at": {"S": instant(next_try_at)},
                ":received": {"S": State.RECEIVED},
            },
            ("state",),
        )

    # --- Writes by operators ---------------------------------------------------------------------
    def record_accepted(self, conflict: Pending, place: str, entry: str | None) -> Pending | None:
        """Records a conflict as an event at `place`; returns it if it is unfinished. Raises `StoreUnavailable`."""
        event = conflict.delivery.event()
        accepted = Pending(conflict.identity.accepted(), conflict.delivery, place, entry)
        item = records.record_item(conflict.delivery, accepted.identity, State.RECEIVED, event, place)
        existing = self._put_if_absent(item | ({"entry": {"S": entry}} if entry else {}))
        return _to_send(existing) if existing else accepted

    def note_decision(self, identity: Identity, decision: Decision, entry: str | None = None) -> bool:
        """Notes what an operator decided on a conflict, or on a second credit (then with its `entry`).

        Returns False if it was accepted before, or is gone. Raises `StoreUnavailable`.
        """
        noted = {**records.decision_item(decision), **({"entry": {"S": entry}} if entry else {})}
        return self._update(
            identity,
            "SET " + ", ".join(f"{name} = :{name}" for name in noted),
            "attribute_exists(event_key) AND attribute_not_exists(accepted_at)",
            {f":{name}": value for name, value in noted.items()},
        )

    def note_replay(self, item: "Item", replay: "Replay", at: datetime) -> bool:
        """Adds a replay to a record's history without losing anybody else's. Returns False if the record has expired.

        Raises `StoreUnavailable`, also if others write to the record again and again.
        """
        line = {**asdict(replay), "at": instant(at)}
        for _ in range(ATTEMPTS):
            history = records.replays_of(item)
            unchanged = "replays = :old" if "replays" in item else "attribute_not_exists(replays)"
            values: dict[str, Any] = {":new": {"S": json.dumps([*history, line][-REPLAYS_KEPT:])}}
            if "replays" in item:
                values[":old"] = item["replays"]
            with outages(_STORE):
                try:
                    self._client.update_item(
                        TableName=self.table,
                        Key=records.key(records.identity_of(item)),
                        UpdateExpression="SET replays = :new",
                        ConditionExpression=f"attribute_exists(event_key) AND {unchanged}",
                        ExpressionAttributeValues=values,
                        ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    )
                except self._client.exceptions.ConditionalCheckFailedException as failed:
                    now_there: Item | None = failed.response.get("Item")  # type: ignore[assignment]  # absent there
                    if not now_there:
                        return False
                    item = now_there
                else:
                    return True
        raise StoreUnavailable("The record is too busy to note the replay on it now.")

    # --- Reading ---------------------------------------------------------------------------------
    def states(
        self, identities: Iterable[Identity], beside: Mapping[str, "KeysAndAttributesTypeDef"] | None = None
    ) -> tuple[dict[Identity, State], Mapping[str, list[dict[str, Any]]]]:
        """The states of the events that are on record, read consistently, and the items that `beside` asks for.

        `beside`, and its part of the answer, are keyed by table. One BatchGetItem reads at most 100 items:
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html. Raises `StoreUnavailable`.
        """
        names = {"#uuid": "uuid", "#state": "state"}
        request = {"ProjectionExpression": "#uuid, event_key, #state", "ExpressionAttributeNames": names}
        found = self._read(identities, request, beside or {})
        states = {records.identity_of(item): State(item["state"]["S"]) for item in found[self.table]}
        return states, found

    def unfinished(self, identities: Iterable[Identity]) -> list[Pending]:
        """The events, of at most 10, that are still to be processed, read consistently. Raises `StoreUnavailable`."""
        items = self._read(identities, {}, {})[self.table]
        return [records.pending_of(item) for item in items if records.state_of(item) in UNFINISHED]

    def unsent(self, limit: int) -> list[Unsent]:
        """About `limit` events at most that are flagged unsent, the oldest first. Raises `StoreUnavailable`."""
        flagged: list[Unsent] = []
        for shard in range(SHARDS):
            with outages(_STORE):
                answer = self._client.query(
                    TableName=self.table,
                    IndexName="unsent",
                    KeyConditionExpression="unsent = :shard",
                    ExpressionAttributeValues={":shard": {"S": str(shard)}},
                    Limit=-(-limit // SHARDS),
                )
            flagged += [Unsent(records.identity_of(item), item["received_at"]["S"]) for item in answer["Items"]]
        return sorted(flagged, key=lambda unsent: unsent.received_at)

    # --- One call each ---------------------------------------------------------------------------
    def _put_if_absent(self, item: "Item") -> "Item | None":
        """Puts `item` and returns None, or returns the item that already has its key."""
        with outages(_STORE):
            try:
                self._client.put_item(
                    TableName=self.table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(event_key)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as failed:
                existing: Item = failed.response["Item"]  # type: ignore[typeddict-item]  # absent there
                return existing
        return None

    def _conclude(self, identity: Identity, state: State, at: datetime, facts: dict[str, Any]) -> bool:
        """Gives an event a verdict unless it is PROCESSED. A conflict or an unusable body gets none."""
        before = {f":{word.lower()}": {"S": word} for word in (State.RECEIVED, State.FAILED, State.IGNORED)}
        facts = {"state": {"S": state}, "processed_at": {"S": instant(at)}, **facts}
        gone = [name for name in OF_A_VERDICT if name not in facts]
        return self._update(
            identity,
            f"SET {', '.join(f'#{name} = :{name}' for name in facts)} REMOVE {', '.join(f'#{name}' for name in gone)}",
            f"#state IN ({', '.join(before)})",
            {**before, **{f":{name}": value for name, value in facts.items()}},
            (*facts, *gone),
        )

    def _update(
        self, identity: Identity, update: str, condition: str, values: dict[str, Any], names: Sequence[str] = ()
    ) -> bool:
        """Updates a record. Returns False if `condition` does not hold.

        `names` are the attributes that the expressions write with a `#`, above all those that are reserved words.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
        """
        request: dict[str, Any] = {}
        if names:
            request["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        if values:
            request["ExpressionAttributeValues"] = values
        with outages(_STORE):
            try:
                self._client.update_item(
                    TableName=self.table,
                    Key=records.key(identity),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    **request,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _read(
        self,
        identities: Iterable[Identity],
        projection: dict[str, Any],
        beside: Mapping[str, "KeysAndAttributesTypeDef"],
    ) -> Mapping[str, list[dict[str, Any]]]:
        """The records of `identities` and the items that `beside` asks for, by table."""
        keys = [records.key(identity) for identity in dict.fromkeys(identities)]
        if not keys:
            return {self.table: []}
        request: Any = {self.table: {"Keys": keys, "ConsistentRead": True, **projection}, **beside}
        with outages(_STORE):
            answer: Any = self._client.batch_get_item(RequestItems=request)
        if answer.get("UnprocessedKeys"):
            raise StoreUnavailable(f"{_STORE} left some reads undone.")
        responses: Mapping[str, list[dict[str, Any]]] = answer["Responses"]
        return {self.table: [], **responses}


def _found(outcome: Outcome, item: "Item") -> Recorded:
    return Recorded(outcome, records.identity_of(item), _to_send(item))


def _to_send(item: "Item") -> Pending | None:
    return records.pending_of(item) if records.state_of(item) in UNFINISHED else None


def _place_of(content_hash: bytes, told: Iterable["Item"]) -> str | None:
    """The place of content that was told before, other than in the first delivery, or None for new content."""
    places = [_place(item) for item in told if _content(item) == content_hash.hex()]
    return min((place for place in places if place), default=None)


def _content(item: "Item") -> str:
    """The content hash in hexadecimal. Records of versions up to 0.1 have it in the key alone."""
    return item["content_hash"]["B"].hex() if "content_hash" in item else records.identity_of(item).content_digits


def _place(item: "Item") -> str | None:
    identity = records.identity_of(item)
    if identity.kind is Kind.CONFLICT:
        return None  # it does not count
    if identity.kind is Kind.EVENT and "place" not in item:
        return own_place(identity.first.event_key, identity.revised_at, item["content_hash"]["B"])
    return text(item, "place")


def _expiry(at: datetime, keep: timedelta) -> "AttributeValueTypeDef":
    return {"N": str(int((at + keep).timestamp()))}


def _encodable(text: str) -> str:
    """`text` with lone surrogates escaped, since no table accepts them and an error may quote one from a body."""
    return text.encode("utf-8", "backslashreplace").decode()
