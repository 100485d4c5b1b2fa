"""Announcements: what subscribers get, within the bus's limits."""

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.support.aws import Calls
from tests.support.deliveries import EventOf
from wickiepay.bus import MAX_DETAIL_BYTES, MAX_REQUEST_BYTES, Announcement, EventBus
from wickiepay.ledger_items import Adjustment

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_sqs import SQSClient

RECEIVED_AT = "2026-01-15T10:25:01.000000Z"
UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"


@pytest.fixture
def announcement(event_of: EventOf) -> Announcement:
    return Announcement(
        event_of("payment.completed", {"uuid": UUID, "amount": 100.10}),
        RECEIVED_AT,
        "PROCESSED",
        [{"effect": "credit"}],
    )


def detail_of(announcement: Announcement) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(announcement.detail())
    return found


# --- What is announced --------------------------------------------------------------------------------
def test_the_detail(announcement: Announcement) -> None:
    assert detail_of(announcement) == {
        "version": "1",
        "uuid": UUID,
        "event_key": "payment.completed",
        "record_key": "payment.completed",
        "revision": None,
        "event": "payment.completed",
        "occurred_at": "2026-01-15T10:25:00.000000Z",
        "received_at": RECEIVED_AT,
        "replay_id": None,
        "outcome": "PROCESSED",
        "effects": [{"effect": "credit"}],
        "data_sha256": announcement.event.data_hash.hex(),
        "data": {"uuid": UUID, "amount": "100.1"},
    }


def test_a_replay_is_told_apart_under_the_same_identity(announcement: Announcement) -> None:
    again = detail_of(announcement._replace(replay_id="replay-7"))

    assert again == {**detail_of(announcement), "replay_id": "replay-7"}


def test_the_detail_is_the_same_for_the_same_event(announcement: Announcement) -> None:
    assert announcement.detail() == announcement._replace().detail()


@pytest.mark.parametrize("filler", ["a" * 250_000, "é" * 100_000, "\U0001f600" * 60_000])
def test_a_large_event_is_announced_by_its_hash_and_key(filler: str, event_of: EventOf) -> None:
    large = Announcement(event_of("payment.completed", {"uuid": UUID, "filler": filler}), RECEIVED_AT, "PROCESSED")

    detail = detail_of(large)
    assert "data" not in detail
    assert (detail["uuid"], detail["data_sha256"]) == (UUID, large.event.data_hash.hex())


def test_an_event_within_the_limit_is_announced_whole(event_of: EventOf) -> None:
    almost = Announcement(
        event_of("payment.completed", {"uuid": UUID, "filler": "a" * 203_900}), RECEIVED_AT, "PROCESSED"
    )

    assert 203_900 < len(almost.detail().encode()) <= MAX_DETAIL_BYTES
    assert "data" in detail_of(almost)


# --- The bus ------------------------------------------------------------------------------------------
def test_what_is_announced_reaches_a_subscriber(
    bus: EventBus, announcement: Announcement, eventbridge: "EventBridgeClient", sqs: "SQSClient"
) -> None:
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["wickiepay"], "detail-type": ["payment.completed"]}
    eventbridge.put_rule(Name="completed", EventBusName="EventBus", EventPattern=json.dumps(pattern))
    eventbridge.put_targets(Rule="completed", EventBusName="EventBus", Targets=[{"Id": "1", "Arn": arn}])

    assert bus.announce([announcement]) == [True]

    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["detail"] == detail_of(announcement)


def test_announcing_many_takes_a_call_for_ten(bus: EventBus, announcement: Announcement, calls: Calls) -> None:
    assert bus.announce([announcement] * 25) == [True] * 25
    assert [len(call["Entries"]) for call in calls.of("PutEvents")] == [10, 10, 5]


def test_announcing_large_ones_keeps_each_call_within_bounds(bus: EventBus, event_of: EventOf, calls: Calls) -> None:
    large = Announcement(
        event_of("payment.completed", {"uuid": UUID, "filler": "a" * 100_000}), RECEIVED_AT, "PROCESSED"
    )

    assert bus.announce([large] * 5) == [True] * 5
    sent = [sum(len(entry["Detail"]) for entry in call["Entries"]) for call in calls.of("PutEvents")]
    assert len(sent) == 3
    assert max(sent) <= MAX_REQUEST_BYTES


def test_announcing_nothing_takes_no_call(bus: EventBus, calls: Calls) -> None:
    assert bus.announce([]) == []
    assert calls.made == []


def test_what_the_bus_refuses_is_told_one_by_one(bus: EventBus, announcement: Announcement, calls: Calls) -> None:
    refused = {"ErrorCode": "InternalFailure", "ErrorMessage": "again, please"}
    calls.answer("PutEvents", {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, refused, {"EventId": "3"}]})

    assert bus.announce([announcement] * 3) == [True, False, True]


def test_what_was_announced_before_an_outage_is_announced_and_the_rest_is_not_tried(
    bus: EventBus, announcement: Announcement, calls: Calls
) -> None:
    calls.fail("PutEvents", skip=1, times=1)

    assert bus.announce([announcement] * 25) == [True] * 10 + [False] * 15


def test_an_error_of_our_own_is_not_hidden(bus: EventBus, announcement: Announcement, calls: Calls) -> None:
    calls.refuse("PutEvents", "AccessDeniedException")

    with pytest.raises(ClientError):
        bus.announce([announcement])


@pytest.mark.parametrize(("answer", "taken"), [({"EventId": "1"}, True), ({"ErrorCode": "InternalFailure"}, False)])
def test_an_operators_entry_is_announced(answer: dict[str, str], taken: bool, bus: EventBus, calls: Calls) -> None:
    adjustment = Adjustment("adj-1", "#7", "EUR", Decimal("-10.50"), "why", "who", RECEIVED_AT, UUID)
    calls.answer("PutEvents", {"FailedEntryCount": 0, "Entries": [answer]})

    assert bus.adjusted(adjustment) is taken
    [entry] = calls.of("PutEvents")[0]["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("wickiepay", "ledger.adjusted")
    assert json.loads(entry["Detail"]) == {
        "version": "1",
        "id": "adj-1",
        "account": "#7",
        "currency": "EUR",
        "amount": "-10.5",
        "why": "why",
        "by": "who",
        "at": RECEIVED_AT,
        "uuid": UUID,
    }


def test_largest_details_are_200_kib() -> None:
    assert MAX_DETAIL_BYTES == 204_800
