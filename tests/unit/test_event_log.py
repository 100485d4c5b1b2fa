"""The event table: every transition between states that there is, and none besides."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tests.support.aws import Calls, SizeOf
from tests.support.deliveries import BodyOf, DeliveryOf, EventOf
from wickiepay.delivery import Delivery, Received
from wickiepay.errors import StoreUnavailable
from wickiepay.event import WebhookEvent
from wickiepay.event_log import EventLog, Recorded, Unsent
from wickiepay.event_record import SHOWN, Decision, Pending, Record, State, decision_of, record_of
from wickiepay.identity import Identity, unusable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
KEY = "payment.completed"
IDENTITY = Identity(UUID, KEY)
KEEP = timedelta(days=400)
MAX_ITEM_BYTES = 400 * 1024
AT = "2026-02-01T00:00:00.000000Z"
UNUSABLE_BODY = b"signed, but not an event"
OTHER_BODY = json.dumps({"event": KEY, "data": {"uuid": UUID, "other": "content"}}).encode()
UNUSABLE_HASH = hashlib.sha256(UNUSABLE_BODY).digest()


def item(dynamodb: "DynamoDBClient", identity: Identity = IDENTITY) -> dict[str, Any] | None:
    """What stands there, without its types."""
    key = {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}
    found = dynamodb.get_item(TableName="EventTable", Key=key).get("Item")
    return {name: next(iter(value.values())) for name, value in found.items()} if found else None


def state_of(dynamodb: "DynamoDBClient", identity: Identity = IDENTITY) -> State | None:
    found = item(dynamodb, identity)
    return State(found["state"]) if found else None


class Table(NamedTuple):
    """The table with one event in it, and what is needed to do anything to it."""

    log: EventLog
    delivery: Delivery
    event: WebhookEvent
    other: WebhookEvent
    now: datetime


@pytest.fixture
def table(events: EventLog, delivery_of: DeliveryOf, event_of: EventOf, now: datetime) -> Table:
    return Table(events, delivery_of(), delivery_of().event(), event_of(KEY, {"uuid": UUID, "other": "content"}), now)


def conflict_key(event: WebhookEvent) -> str:
    return IDENTITY.conflict(event.content_hash).event_key


def bring_to(table: Table, state: State | None) -> Identity:
    """Makes an event of that state, by the ways there are; None makes nothing."""
    log, delivery, event, other, now = table
    identity = IDENTITY
    match state:
        case State.UNUSABLE:
            log.keep_unusable(replace(delivery, body=UNUSABLE_BODY), UNUSABLE_HASH, "not JSON")
            return unusable(UNUSABLE_HASH)
        case State.CONFLICT:
            log.record(delivery, event)
            log.record(delivery, other)
            identity = Identity(UUID, conflict_key(other))
        case State.RECEIVED:
            log.record(delivery, event)
        case State.PROCESSED:
            log.record(delivery, event)
            log.mark_processed(IDENTITY, now, KEEP, [])
        case State.IGNORED:
            log.record(delivery, event)
            log.mark_ignored(IDENTITY, now, KEEP)
        case State.FAILED:
            log.record(delivery, event)
            log.mark_failed(IDENTITY, now, "no amount")
    return identity


type Step = Callable[[Table, Identity], bool]
STEPS: dict[str, Step] = {
    "mark_processed": lambda t, identity: t.log.mark_processed(identity, t.now, KEEP, [{"effect": "credit"}]),
    "mark_ignored": lambda t, identity: t.log.mark_ignored(identity, t.now, KEEP),
    "mark_failed": lambda t, identity: t.log.mark_failed(identity, t.now, "no account"),
    "flag_unsent": lambda t, identity: t.log.flag_unsent(identity),
    "clear_unsent": lambda t, identity: t.log.clear_unsent(identity),
}

ALLOWED: dict[tuple[State | None, str], State] = {
    (State.RECEIVED, "mark_processed"): State.PROCESSED,
    (State.FAILED, "mark_processed"): State.PROCESSED,
    (State.IGNORED, "mark_processed"): State.PROCESSED,
    (State.RECEIVED, "mark_ignored"): State.IGNORED,
    (State.FAILED, "mark_ignored"): State.IGNORED,
    (State.IGNORED, "mark_ignored"): State.IGNORED,
    (State.RECEIVED, "mark_failed"): State.FAILED,
    (State.FAILED, "mark_failed"): State.FAILED,
    (State.IGNORED, "mark_failed"): State.FAILED,
    (State.RECEIVED, "flag_unsent"): State.RECEIVED,
}
FORBIDDEN = [(state, step) for state in (None, *State) for step in STEPS if (state, step) not in ALLOWED]


@pytest.mark.parametrize(("state", "step"), ALLOWED)
def test_a_transition_that_there_is(state: State, step: str, table: Table, dynamodb: "DynamoDBClient") -> None:
    identity = bring_to(table, state)

    assert STEPS[step](table, identity)
    assert state_of(dynamodb, identity) is ALLOWED[state, step]


@pytest.mark.parametrize(("state", "step"), FORBIDDEN)
def test_a_transition_that_there_is_not(
    state: State | None, step: str, table: Table, dynamodb: "DynamoDBClient"
) -> None:
    identity = bring_to(table, state)
    before = item(dynamodb, identity)

    assert not STEPS[step](table, identity)
    assert item(dynamodb, identity) == before


# --- Recording ----------------------------------------------------------------------------------------
def test_a_first_delivery_is_received(table: Table, dynamodb: "DynamoDBClient") -> None:
    assert table.log.record(table.delivery, table.event) == Recorded(
        "accepted", IDENTITY, Pending(IDENTITY, table.delivery)
    )

    assert item(dynamodb) == {
        "uuid": UUID,
        "event_key": KEY,
        "event": "payment.completed",
        "data_hash": table.event.data_hash,
        "body": table.delivery.packed_body,
        "state": "RECEIVED",
        "scheme": "raw",
        "body_hash": hashlib.sha256(table.delivery.body).digest(),
        "received_at": "2026-01-15T10:25:01.000000Z",
        "day_shard": (item(dynamodb) or {})["day_shard"],
        "source": "203.0.113.7",
        "request_id": "request-1",
        "occurred_at": "2026-01-15T10:25:00.000000Z",
    }


def test_the_providers_own_id_of_an_event_is_kept(table: Table, dynamodb: "DynamoDBClient", event_of: EventOf) -> None:
    table.log.record(table.delivery, event_of(KEY, id="evt-1"))

    assert (item(dynamodb) or {})["event_id"] == "evt-1"


@pytest.mark.parametrize(
    ("state", "is_sent_again"),
    [(State.RECEIVED, True), (State.FAILED, True), (State.PROCESSED, False), (State.IGNORED, False)],
)
@pytest.mark.parametrize("outcome", ["duplicate", "conflict"])
def test_a_later_delivery_changes_no_state_and_sends_the_recorded_one_while_it_is_unfinished(
    state: State, is_sent_again: bool, outcome: str, table: Table, dynamodb: "DynamoDBClient"
) -> None:
    bring_to(table, state)
    before = item(dynamodb)
    later = replace(table.delivery, body=b"{}", received_at="2026-01-15T10:30:00.000000Z", request_id="request-2")

    recorded = table.log.record(later, table.event if outcome == "duplicate" else table.other)

    pending = Pending(IDENTITY, table.delivery) if is_sent_again else None
    assert recorded == Recorded(outcome, IDENTITY, pending)  # type: ignore[arg-type]
    assert item(dynamodb) == before


def test_a_delivery_with_other_content_is_kept_beside_the_first(table: Table, dynamodb: "DynamoDBClient") -> None:
    table.log.record(table.delivery, table.event)
    table.log.record(replace(table.delivery, body=b"the other body"), table.other)

    kept = item(dynamodb, Identity(UUID, conflict_key(table.other)))
    assert kept
    assert kept["state"] == "CONFLICT"
    assert kept["event"] == "payment.completed"
    assert kept["content_hash"] == table.other.content_hash
    assert kept["body_hash"] == hashlib.sha256(b"the other body").digest()


def test_a_conflict_that_comes_again_is_kept_once(table: Table, dynamodb: "DynamoDBClient") -> None:
    table.log.record(table.delivery, table.event)

    assert table.log.record(table.delivery, table.other).outcome == "conflict"
    assert table.log.record(table.delivery, table.other).outcome == "conflict"
    assert dynamodb.scan(TableName="EventTable")["Count"] == 2


@pytest.mark.parametrize("accepted_as", ["an event of its own", None])
def test_a_conflict_that_an_operator_has_closed_is_a_duplicate(accepted_as: str | None, table: Table) -> None:
    conflict = bring_to(table, State.CONFLICT)
    decision = Decision(accepted_as, "somebody", "why", AT)

    assert table.log.note_decision(conflict, decision)
    assert table.log.record(table.delivery, table.other).outcome == "duplicate"


@pytest.mark.parametrize(("first", "second"), [(KEY, None), (KEY, KEY), (None, KEY), (None, None)])
def test_what_was_accepted_stays_so_and_what_was_dismissed_can_still_be_accepted(
    first: str | None, second: str | None, table: Table, dynamodb: "DynamoDBClient"
) -> None:
    conflict = bring_to(table, State.CONFLICT)
    table.log.note_decision(conflict, Decision(first, "a", "", AT))

    assert table.log.note_decision(conflict, Decision(second, "b", "", AT), entry="-!ab") is (first is None)
    key = {"uuid": {"S": conflict.uuid}, "event_key": {"S": conflict.event_key}}
    decision = decision_of(dynamodb.get_item(TableName="EventTable", Key=key)["Item"])
    assert decision == Decision(first or second, "b" if first is None else "a", "", AT)


def test_a_decision_on_what_is_gone_is_not_noted(table: Table) -> None:
    assert not table.log.note_decision(IDENTITY, Decision(None, "a", "", AT))
    assert decision_of({}) is None


def test_an_accepted_conflict_is_an_event_of_its_own_until_it_is_processed(table: Table) -> None:
    conflict = Pending(bring_to(table, State.CONFLICT), replace(table.delivery, body=OTHER_BODY))
    accepted = Pending(conflict.identity.accepted(), conflict.delivery, "place", "-!ab")

    assert table.log.record_accepted(conflict, "place", "-!ab") == accepted
    assert table.log.record_accepted(conflict, "place", "-!ab") == accepted
    table.log.mark_processed(accepted.identity, table.now, KEEP, [])
    assert table.log.record_accepted(conflict, "place", "-!ab") is None


def test_a_record_says_whatever_of_it_is_shown() -> None:
    texts: Any = {name: {"S": name} for name in SHOWN} | {"state": {"S": "FAILED"}, "tries": {"N": "3"}}
    received = {"received": {"S": '{"bytes": 7, "sha256": "ab"}'}}

    assert record_of(texts | received) == Record(
        uuid="uuid",
        event="event",
        event_key="event_key",
        state=State.FAILED,
        received_at="received_at",
        processed_at="processed_at",
        scheme="scheme",
        error="error",
        occurred_at="occurred_at",
        event_id="event_id",
        place="place",
        received=Received(7, "ab"),
        tries=3,
        last_error="last_error",
        next_try_at="next_try_at",
        accepted=Decision("accepted_as", "accepted_by", "accepted_why", "accepted_at"),
    )


# --- Revisions ----------------------------------------------------------------------------------------
def told(number: int, minute: int | None) -> Delivery:
    """The content `number`, told at that minute."""
    stamp = None if minute is None else f"2026-01-15T10:{minute:02d}:00Z"
    body = json.dumps({"event": KEY, "timestamp": stamp, "data": {"uuid": UUID, "number": number}}).encode()
    return Delivery(body, "raw", "2026-01-15T10:25:01.000000Z", "203.0.113.7", "request-1")


def record(table: Table, number: int, minute: int | None) -> Recorded:
    delivery = told(number, minute)
    return table.log.record(delivery, delivery.event())


def stamp(minute: int) -> str:
    return f"2026-01-15T10:{minute:02d}:00.000000Z"


def test_other_content_at_another_time_is_a_revision(table: Table, dynamodb: "DynamoDBClient") -> None:
    record(table, 1, 1)
    revision = IDENTITY.revision(stamp(2))

    assert record(table, 2, 2) == Recorded("accepted", revision, Pending(revision, told(2, 2)))
    assert state_of(dynamodb, revision) is State.RECEIVED
    assert record(table, 2, 2) == Recorded("duplicate", revision, Pending(revision, told(2, 2)))


def test_a_revision_may_be_older_than_what_came_first(table: Table) -> None:
    record(table, 1, 2)

    assert record(table, 2, 1).identity == IDENTITY.revision(stamp(1))


@pytest.mark.parametrize(("first", "second"), [(None, None), (1, None), (None, 1), (1, 1)])
def test_without_two_times_that_differ_other_content_is_a_conflict(
    first: int | None, second: int | None, table: Table
) -> None:
    record(table, 1, first)

    assert record(table, 2, second) == Recorded("conflict", IDENTITY, Pending(IDENTITY, told(1, first)))


def test_other_content_at_the_time_of_a_revision_is_in_conflict_with_that(
    table: Table, dynamodb: "DynamoDBClient"
) -> None:
    record(table, 1, 1)
    record(table, 2, 2)
    revision = IDENTITY.revision(stamp(2))

    assert record(table, 3, 2) == Recorded("conflict", revision, Pending(revision, told(2, 2)))
    assert state_of(dynamodb, revision.conflict(told(3, 2).event().content_hash)) is State.CONFLICT


def test_content_that_was_told_first_is_a_duplicate_whatever_its_stamp(table: Table) -> None:
    record(table, 1, 1)
    record(table, 2, 2)

    assert record(table, 1, 3).outcome == "duplicate"


def test_content_that_was_told_before_stands_where_it_was_told_first(table: Table) -> None:
    for number, minute in ((1, 1), (2, 2), (3, 3)):
        record(table, number, minute)
    again = record(table, 2, 4)

    assert (again.outcome, again.identity) == ("accepted", IDENTITY.revision(stamp(4)))
    assert again.to_send
    assert again.to_send.place == told(2, 2).event().place
    assert again.to_send.event().place == told(2, 2).event().place


def test_content_that_was_accepted_stands_where_it_was_accepted(table: Table) -> None:
    record(table, 1, 1)
    conflict = record(table, 2, 1)
    event = told(2, 1).event()
    table.log.record_accepted(Pending(conflict.identity.conflict(event.content_hash), told(2, 1)), "accepted", None)

    again = record(table, 2, 4)
    assert again.to_send
    assert (again.outcome, again.to_send.place) == ("accepted", "accepted")


def test_content_that_is_only_in_conflict_stands_nowhere(table: Table) -> None:
    record(table, 1, 1)
    record(table, 2, 1)

    again = record(table, 2, 4)
    assert again.to_send
    assert (again.outcome, again.to_send.place) == ("accepted", None)


def test_another_event_whose_key_begins_alike_is_not_looked_at(table: Table) -> None:
    confirmed = "channel.payment.confirmed"
    data = {"uuid": UUID, "hash": "0xab"}
    outcomes = []
    for name, member in ((confirmed, {}), (confirmed, {"hash": "0xab"}), (confirmed, {"n": 2})):
        body = json.dumps({"event": name, "timestamp": None, "data": {**data, "hash": None, **member}}).encode()
        delivery = replace(table.delivery, body=body)
        outcomes.append(table.log.record(delivery, delivery.event()).outcome)
    assert outcomes == ["accepted", "accepted", "conflict"]


# --- What versions up to 0.1 recorded ---------------------------------------------------------------------
def make_old(dynamodb: "DynamoDBClient", identity: Identity, **changes: Any) -> None:  # noqa: ANN401
    """Leaves of a record what an older version would have written."""
    key = {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}
    found = dynamodb.get_item(TableName="EventTable", Key=key)["Item"]
    for name in ("content_hash", "occurred_at", "event_id", "place"):
        found.pop(name, None)
    dynamodb.delete_item(TableName="EventTable", Key=key)
    dynamodb.put_item(TableName="EventTable", Item={**found, **changes})


def test_content_and_time_of_an_old_record_are_read_from_its_body(table: Table, dynamodb: "DynamoDBClient") -> None:
    record(table, 1, 1)
    make_old(dynamodb, IDENTITY, data_hash={"B": b"as it was hashed"})

    assert record(table, 1, 3).outcome == "duplicate"
    assert record(table, 2, 2).identity == IDENTITY.revision(stamp(2))
    assert record(table, 3, 1).outcome == "conflict"


def test_an_old_conflict_that_comes_again_is_kept_once(table: Table, dynamodb: "DynamoDBClient") -> None:
    capitals = json.dumps({"event": KEY, "data": {"uuid": UUID, "channelId": UUID.upper()}}).encode()
    other = replace(table.delivery, body=capitals)
    table.log.record(table.delivery, table.event)
    table.log.record(other, other.event())
    old = IDENTITY.conflict(other.event().data_hash)
    make_old(dynamodb, IDENTITY.conflict(other.event().content_hash), event_key={"S": old.event_key})
    table.log.note_decision(old, Decision(KEY, "a", "", AT))

    assert table.log.record(other, other.event()).outcome == "duplicate"
    assert dynamodb.scan(TableName="EventTable")["Count"] == 2


def test_a_revision_beside_an_old_conflict_is_kept(table: Table, dynamodb: "DynamoDBClient") -> None:
    record(table, 1, 1)
    record(table, 2, 1)
    [conflict] = [each for each in dynamodb.scan(TableName="EventTable")["Items"] if each["state"]["S"] == "CONFLICT"]
    make_old(dynamodb, Identity(UUID, conflict["event_key"]["S"]))

    assert record(table, 3, 2).identity == IDENTITY.revision(stamp(2))


def test_conflicts_of_different_content_are_all_kept(
    table: Table, dynamodb: "DynamoDBClient", event_of: EventOf
) -> None:
    table.log.record(table.delivery, table.event)
    for number in range(3):
        table.log.record(table.delivery, event_of(KEY, {"uuid": UUID, "other": number}))

    assert dynamodb.scan(TableName="EventTable")["Count"] == 4


@pytest.mark.parametrize("outcome", ["accepted", "duplicate", "conflict"])
def test_recording_takes_one_call_but_for_a_conflict(outcome: str, table: Table, calls: Calls) -> None:
    if outcome != "accepted":
        bring_to(table, State.PROCESSED)
    calls.made.clear()

    table.log.record(table.delivery, table.other if outcome == "conflict" else table.event)

    assert calls.names() == (["PutItem", "Query", "PutItem"] if outcome == "conflict" else ["PutItem"])
    assert all(call["ConsistentRead"] for call in calls.of("Query"))


def test_a_delivery_whose_recording_was_not_answered_is_a_duplicate_that_is_sent(table: Table, calls: Calls) -> None:
    calls.lose_answer("PutItem")
    with pytest.raises(StoreUnavailable):
        table.log.record(table.delivery, table.event)

    again = table.log.record(table.delivery, table.event)
    assert again == Recorded("duplicate", IDENTITY, Pending(IDENTITY, table.delivery))


def test_an_unusable_body_is_kept_once_with_the_reason(table: Table, dynamodb: "DynamoDBClient") -> None:
    identity = bring_to(table, State.UNUSABLE)
    bring_to(table, State.UNUSABLE)

    kept = item(dynamodb, identity)
    assert kept
    assert (kept["state"], kept["error"]) == ("UNUSABLE", "not JSON")
    assert not {"event", "data_hash"} & set(kept)
    assert dynamodb.scan(TableName="EventTable")["Count"] == 1


# --- Marking ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", State)
def test_only_a_finished_event_expires(state: State, table: Table, dynamodb: "DynamoDBClient") -> None:
    kept = item(dynamodb, bring_to(table, state))

    assert kept
    assert ("expires_at" in kept) == (state in {State.PROCESSED, State.IGNORED})


@pytest.mark.parametrize("step", ["mark_processed", "mark_ignored"])
def test_a_finished_event_expires_when_its_time_to_keep_is_over(
    step: str, table: Table, dynamodb: "DynamoDBClient"
) -> None:
    bring_to(table, State.RECEIVED)
    STEPS[step](table, IDENTITY)

    marked = item(dynamodb)
    assert marked
    assert int(marked["expires_at"]) == int((table.now + KEEP).timestamp())
    assert marked["processed_at"] == "2026-01-15T10:25:01.000000Z"


def test_a_processed_event_tells_its_effects(table: Table, dynamodb: "DynamoDBClient") -> None:
    bring_to(table, State.RECEIVED)
    STEPS["mark_processed"](table, IDENTITY)

    assert json.loads((item(dynamodb) or {})["effects"]) == [{"effect": "credit"}]


def test_a_failed_event_tells_its_reason(table: Table, dynamodb: "DynamoDBClient") -> None:
    bring_to(table, State.FAILED)

    failed = item(dynamodb)
    assert failed
    assert (failed["error"], failed["processed_at"]) == ("no amount", "2026-01-15T10:25:01.000000Z")


def test_an_ignored_event_that_fails_after_all_does_not_expire(table: Table, dynamodb: "DynamoDBClient") -> None:
    bring_to(table, State.IGNORED)
    STEPS["mark_failed"](table, IDENTITY)

    assert "expires_at" not in (item(dynamodb) or {})


@pytest.mark.parametrize("step", ["mark_processed", "mark_ignored", "mark_failed"])
def test_a_verdict_ends_the_tries(step: str, table: Table, dynamodb: "DynamoDBClient") -> None:
    bring_to(table, State.RECEIVED)
    table.log.note_retry(IDENTITY, 3, "why \ud800", table.now)
    tried = item(dynamodb) or {}
    STEPS[step](table, IDENTITY)
    table.log.note_retry(IDENTITY, 4, "too late", table.now)

    assert (tried["tries"], tried["last_error"], tried["next_try_at"]) == (
        "3",
        "why \\ud800",
        "2026-01-15T10:25:01.000000Z",
    )
    assert not {"tries", "last_error", "next_try_at"} & set(item(dynamodb) or {})


@pytest.mark.parametrize("step", ["mark_processed", "mark_ignored"])
def test_an_event_that_is_finished_after_all_has_no_reason_to_fail(
    step: str, table: Table, dynamodb: "DynamoDBClient"
) -> None:
    bring_to(table, State.FAILED)
    STEPS[step](table, IDENTITY)

    assert "error" not in (item(dynamodb) or {})


# --- The flag unsent ----------------------------------------------------------------------------------
def test_a_flag_can_be_set_and_taken_away_once(table: Table, dynamodb: "DynamoDBClient") -> None:
    bring_to(table, State.RECEIVED)

    assert table.log.flag_unsent(IDENTITY)
    assert "unsent" in (item(dynamodb) or {})
    assert table.log.clear_unsent(IDENTITY)
    assert "unsent" not in (item(dynamodb) or {})
    assert not table.log.clear_unsent(IDENTITY)


@pytest.mark.parametrize("step", ["mark_processed", "mark_ignored", "mark_failed"])
def test_a_flag_outlives_the_marking_and_can_be_taken_away_after_it(
    step: str, table: Table, dynamodb: "DynamoDBClient"
) -> None:
    bring_to(table, State.RECEIVED)
    table.log.flag_unsent(IDENTITY)
    STEPS[step](table, IDENTITY)
    state = state_of(dynamodb)

    assert table.log.clear_unsent(IDENTITY)
    assert state_of(dynamodb) is state


def flag_many(table: Table, numbers: Iterable[int]) -> list[Unsent]:
    """Records and flags events that came in the order of their numbers."""
    flagged = []
    for number in numbers:
        identity = Identity(f"u-{number}", KEY)
        delivery = replace(table.delivery, received_at=f"2026-01-15T10:00:00.{number:06d}Z")
        table.log.record(delivery, replace(table.event, identity=identity))
        table.log.flag_unsent(identity)
        flagged.append(Unsent(identity, delivery.received_at))
    return flagged


def test_the_unsent_are_found_the_oldest_first(table: Table) -> None:
    flagged = flag_many(table, [*range(10, 20), *reversed(range(10))])
    bring_to(table, State.RECEIVED)  # not flagged

    assert table.log.unsent(100) == sorted(flagged, key=lambda unsent: unsent.received_at)


@pytest.mark.parametrize(("limit", "most"), [(1, 4), (8, 8), (100, 30)])
def test_the_unsent_are_found_within_bounds(limit: int, most: int, table: Table) -> None:
    flag_many(table, range(30))

    assert 1 <= len(table.log.unsent(limit)) <= most


def test_events_spread_over_all_shards(table: Table, dynamodb: "DynamoDBClient") -> None:
    flag_many(table, range(30))

    shards = {found["unsent"]["S"] for found in dynamodb.scan(TableName="EventTable")["Items"]}
    days = {found["day_shard"]["S"] for found in dynamodb.scan(TableName="EventTable")["Items"]}
    assert shards == {"0", "1", "2", "3"}
    assert days == {f"2026-01-15#{shard}" for shard in shards}


def test_events_are_found_by_their_time(table: Table, dynamodb: "DynamoDBClient") -> None:
    bring_to(table, State.RECEIVED)

    found = dynamodb.query(
        TableName="EventTable",
        IndexName="by_time",
        KeyConditionExpression="day_shard = :day AND received_at >= :since",
        ExpressionAttributeValues={
            ":day": {"S": (item(dynamodb) or {})["day_shard"]},
            ":since": {"S": "2026-01-15T10:25:01.000000Z"},
        },
    )
    assert [found["Items"][0][name]["S"] for name in ("uuid", "event_key")] == [UUID, KEY]


# --- Reading ------------------------------------------------------------------------------------------
def test_the_states_of_events_on_record(table: Table) -> None:
    bring_to(table, State.CONFLICT)
    table.log.mark_failed(IDENTITY, table.now, "no amount")
    conflict = Identity(UUID, conflict_key(table.other))
    absent = Identity(UUID, "payment.created")

    states, _ = table.log.states([IDENTITY, absent, conflict, IDENTITY])

    assert states == {IDENTITY: State.FAILED, conflict: State.CONFLICT}


@pytest.mark.parametrize("state", State)
def test_only_what_is_received_or_failed_is_unfinished(state: State, table: Table) -> None:
    identity = bring_to(table, state)
    expected = [Pending(identity, table.delivery)] if state in {State.RECEIVED, State.FAILED} else []

    assert table.log.unfinished([identity]) == expected


def test_states_are_read_consistently_in_one_call(table: Table, calls: Calls) -> None:
    table.log.states(Identity(f"u-{number}", KEY) for number in range(100))
    table.log.unfinished(Identity(f"u-{number}", KEY) for number in range(10))

    assert calls.names() == ["BatchGetItem", "BatchGetItem"]
    assert all(call["RequestItems"]["EventTable"]["ConsistentRead"] is True for call in calls.of("BatchGetItem"))


def test_nothing_is_asked_for_nothing(table: Table, calls: Calls) -> None:
    assert table.log.states([]) == ({}, {"EventTable": []})
    assert calls.made == []


def test_a_read_that_is_left_undone_is_an_outage(table: Table, calls: Calls) -> None:
    keys = [{"uuid": {"S": UUID}, "event_key": {"S": KEY}}]
    calls.answer("BatchGetItem", {"Responses": {}, "UnprocessedKeys": {"EventTable": {"Keys": keys}}})

    with pytest.raises(StoreUnavailable, match="undone"):
        table.log.states([IDENTITY])


# --- Outages ------------------------------------------------------------------------------------------
ACCESSES: dict[str, tuple[str, Callable[[Table], object]]] = {
    "record": ("PutItem", lambda t: t.log.record(t.delivery, t.event)),
    "keep_unusable": ("PutItem", lambda t: t.log.keep_unusable(t.delivery, b"", "")),
    "states": ("BatchGetItem", lambda t: t.log.states([IDENTITY])),
    "unfinished": ("BatchGetItem", lambda t: t.log.unfinished([IDENTITY])),
    "unsent": ("Query", lambda t: t.log.unsent(10)),
    **{name: ("UpdateItem", lambda t, step=step: step(t, IDENTITY)) for name, step in STEPS.items()},  # type: ignore[misc]
}


@pytest.mark.parametrize("access", ACCESSES)
def test_an_outage(access: str, table: Table, calls: Calls) -> None:
    operation, attempt = ACCESSES[access]
    calls.fail(operation)

    with pytest.raises(StoreUnavailable, match="The event table did not answer"):
        attempt(table)


@pytest.mark.parametrize("access", ACCESSES)
def test_an_error_of_our_own_is_not_hidden(access: str, table: Table, calls: Calls) -> None:
    operation, attempt = ACCESSES[access]
    calls.refuse(operation, "ValidationException")

    with pytest.raises(ClientError, match="ValidationException"):
        attempt(table)


def test_an_outage_while_a_conflict_is_kept_leaves_the_first_delivery_alone(
    table: Table, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    bring_to(table, State.PROCESSED)
    before = item(dynamodb)
    calls.fail("PutItem", skip=1)

    with pytest.raises(StoreUnavailable):
        table.log.record(table.delivery, table.other)
    assert item(dynamodb) == before


# --- Sizes --------------------------------------------------------------------------------------------
def usual_body(body_of: BodyOf) -> bytes:
    """A payment's body of about 1 KiB, with as much randomness in it as identifiers and hashes have."""
    random = hashlib.shake_256(b"").hexdigest(400)
    data = {
        "uuid": f"{random[:8]}-{random[8:12]}-{random[12:16]}-{random[16:20]}-{random[20:32]}",
        "merchantId": random[40:72],
        "type": "IN",
        "status": "COMPLETE",
        "reference": "order-" + random[80:92],
        "displayCurrency": {"currency": "EUR", "amount": 100.25},
        "paidCurrency": {"currency": "USDC", "amount": 108.517342},
        "transactions": [
            {
                "txHash": "0x" + random[100 + at : 164 + at],
                "network": "ETHEREUM",
                "confirmations": 12,
                "amount": 54.258671,
                "currency": "USDC",
            }
            for at in (0, 64)
        ],
        "metadata": {"orderId": random[300:324], "customerId": random[330:354], "campaign": "spring-2026"},
        "description": "Two pairs of walking boots, one rain jacket and a large map of the coastal path",
        "returnUrl": "https://shop.example/orders/" + random[360:384],
    }
    return body_of("payment.completed", data)


def test_the_usual_item_stays_under_1_kb(
    table: Table, calls: Calls, body_of: BodyOf, size_of: SizeOf, delivery_of: DeliveryOf
) -> None:
    delivery = delivery_of(usual_body(body_of))
    assert 1000 < len(delivery.body) < 1100

    table.log.record(replace(delivery, request_id="Hx9zLiPpPHcEJ7A="), delivery.event())

    assert size_of(calls.of("PutItem")[0]["Item"]) <= 1024


def test_the_largest_incompressible_body_fits_an_item(
    table: Table, calls: Calls, size_of: SizeOf, dynamodb: "DynamoDBClient"
) -> None:
    delivery = replace(table.delivery, body=hashlib.shake_256(b"").digest(256 * 1024))
    table.log.record(table.delivery, table.event)
    table.log.record(delivery, table.other)
    table.log.keep_unusable(delivery, b"", "not JSON")

    assert all(size_of(call["Item"]) < MAX_ITEM_BYTES for call in calls.of("PutItem"))
    assert dynamodb.scan(TableName="EventTable")["Count"] == 3


def test_a_body_is_read_back_as_it_was_kept(table: Table) -> None:
    delivery = replace(table.delivery, body=hashlib.shake_256(b"").digest(256 * 1024), scheme="python")
    table.log.record(delivery, table.event)

    assert table.log.unfinished([IDENTITY]) == [Pending(IDENTITY, delivery)]
