"""Which events are on record, read from the table: with few attributes, whatever version wrote them."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.aws import Calls
from tests.support.deliveries import BodyOf, DeliveryOf
from wickiepay.errors import StoreUnavailable
from wickiepay.event_log import EventLog
from wickiepay.event_record import Decision, Pending
from wickiepay.identity import Identity
from wickiepay_reconcile import our_events, reading
from wickiepay_reconcile.comparison import OurEvent
from wickiepay_reconcile.our_events import OurEvents

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

DAY: Final = date(2026, 1, 15)
AT: Final = "2026-01-15T10:25:00.000000Z"
RECEIVED_AT: Final = "2026-01-15T10:26:00.000000Z"


@pytest.fixture
def ours(events: EventLog, dynamodb: "DynamoDBClient") -> OurEvents:  # noqa: ARG001  it makes the table
    return OurEvents(dynamodb, "EventTable", sleep=lambda _: None)


type Receive = Callable[..., Identity]


@pytest.fixture
def receive(events: EventLog, body_of: BodyOf, delivery_of: DeliveryOf) -> Receive:
    def receive(uuid: str, at: str = RECEIVED_AT, **envelope: Any) -> Identity:  # noqa: ANN401
        data = {"uuid": uuid, **envelope.pop("data", {})}
        delivery = delivery_of(body_of("payment.created", data, **envelope), received_at=at)
        return events.record(delivery, delivery.event()).identity

    return receive


def test_an_event_is_known_by_its_name_its_time_and_its_id(ours: OurEvents, receive: Receive) -> None:
    receive("u-1", id="E-1")
    receive("u-2")
    receive("u-3", at="2026-01-16T00:00:00.000000Z")
    assert sorted(ours.received(DAY), key=str) == [
        OurEvent("payment.created", AT, "E-1", "RECEIVED", RECEIVED_AT),
        OurEvent("payment.created", AT, None, "RECEIVED", RECEIVED_AT),
    ]


def test_no_body_is_read_of_what_says_when_it_happened(ours: OurEvents, receive: Receive, calls: Calls) -> None:
    receive("u-1")
    list(ours.received(DAY))
    asked = [request for call in calls.of("BatchGetItem") for request in call["RequestItems"].values()]
    assert [set(request["ExpressionAttributeNames"].values()) for request in asked] == [set(our_events.SEEN)]


@pytest.mark.parametrize("gone", [("event", "occurred_at", "event_id"), ("occurred_at", "event_id")], ids=len)
def test_a_record_of_before_the_attributes_is_read_from_its_body(
    ours: OurEvents, receive: Receive, dynamodb: "DynamoDBClient", gone: tuple[str, ...]
) -> None:
    uuid, key = receive("u-1", id="e-1")
    dynamodb.update_item(
        TableName="EventTable",
        Key={"uuid": {"S": uuid}, "event_key": {"S": key}},
        UpdateExpression="REMOVE " + ", ".join(f"#{name}" for name in gone),
        ExpressionAttributeNames={f"#{name}": name for name in gone},
    )
    assert list(ours.received(DAY)) == [OurEvent("payment.created", AT, "e-1", "RECEIVED", RECEIVED_AT)]


def test_an_event_that_says_no_time_has_none(ours: OurEvents, receive: Receive) -> None:
    receive("u-1", timestamp=None)
    assert [event.at for event in ours.received(DAY)] == [None]


def test_a_delivery_is_counted_once_and_what_holds_no_event_is_none(
    ours: OurEvents, receive: Receive, events: EventLog, delivery_of: DeliveryOf, now: datetime
) -> None:
    receive("u-1")
    conflict = delivery_of(
        b'{"event":"payment.created","timestamp":"2026-01-15T10:25:00Z","data":{"uuid":"u-1","x":1}}'
    )
    kept = events.record(conflict, conflict.event()).identity.conflict(conflict.event().content_hash)
    events.record_accepted(Pending(kept, conflict), "place", None)
    events.note_decision(kept, Decision("key", "operator", "why", str(now)))
    unusable = delivery_of(b"[]")
    events.keep_unusable(unusable, unusable.body_hash, "No object.")
    assert sorted(event.state for event in ours.received(DAY)) == ["CONFLICT", "RECEIVED"]


def test_more_than_one_read_takes_are_read(
    ours: OurEvents, receive: Receive, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    monkeypatch.setattr(our_events, "MAX_KEYS", 2)
    for number in range(5):
        receive(f"u-{number}")
    assert len(list(ours.received(DAY))) == 5
    assert len(calls.of("BatchGetItem")) == 3


def test_keys_that_a_busy_table_left_are_read_again(ours: OurEvents, receive: Receive, calls: Calls) -> None:
    uuid, key = receive("u-1")
    left = {"EventTable": {"Keys": [{"uuid": {"S": uuid}, "event_key": {"S": key}}]}}
    calls.answer("BatchGetItem", {"Responses": {}, "UnprocessedKeys": left})
    assert len(list(ours.received(DAY))) == 1


def test_a_table_that_stays_busy_is_an_error_after_growing_pauses(
    dynamodb: "DynamoDBClient", receive: Receive, calls: Calls
) -> None:
    pauses: list[float] = []
    uuid, key = receive("u-1")
    left = {"EventTable": {"Keys": [{"uuid": {"S": uuid}, "event_key": {"S": key}}]}}
    for _ in range(reading.ATTEMPTS):
        calls.answer("BatchGetItem", {"Responses": {}, "UnprocessedKeys": left})
    with pytest.raises(StoreUnavailable, match=r"^The event table is too busy"):
        list(OurEvents(dynamodb, "EventTable", sleep=pauses.append).received(DAY))
    assert pauses == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4])
