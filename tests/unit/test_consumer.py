"""The SQS edge: effects, announcement, mark, in that order; and what may go wrong between them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import consumer
import handlers
from consumer import BATCH_SIZE, Consumer, delay_seconds
from tests.support.actors import SameThread
from tests.support.aws import Calls
from tests.support.deliveries import BodyOf, DeliveryOf
from tests.support.printed import Printed
from tests.support.wiring import Wiring, consumer_on
from wickiepay.bus import EventBus
from wickiepay.effects import Effect
from wickiepay.errors import PermanentFailure, StoreUnavailable
from wickiepay.event import WebhookEvent, accepted_place
from wickiepay.event_log import EventLog
from wickiepay.event_record import Pending, State
from wickiepay.identity import Identity
from wickiepay.lambda_events import sqs_batch, sqs_message
from wickiepay.ledger import Ledger
from wickiepay.metrics import Metric, emitted
from wickiepay.queue import EventQueue, Message, Replay, encode
from wickiepay.routing import Handler, Settings, discover, router

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient

discover(handlers)

UUID: Final = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
CONFIRMED: Final = "channel.payment.confirmed"
PAID: Final = {"uuid": UUID, "reference": "user-1", "amount": 100.10, "currency": "EUR"}
MAX_RECEIVES: Final = 100
URL: Final = "https://sqs.us-east-1.amazonaws.com/123456789012/EventQueue"


@dataclass
class Platform:
    """A consumer, and what Lambda does around it: receives a batch, hands it over, deletes what is finished."""

    consumer: Consumer
    sqs: "SQSClient"
    now: datetime

    def run(self, *messages: Message | str, receives: int = 1, sent_at: datetime | None = None) -> list[bool]:
        """Sends the messages, and has them consumed in one batch; says of each whether it is finished."""
        texts = [message if isinstance(message, str) else encode(message) for message in messages]
        sent = [self.sqs.send_message(QueueUrl=URL, MessageBody=text)["MessageId"] for text in texts]
        received = {one["MessageId"]: one for one in self._receive()}
        assert set(received) == set(sent)
        attributes = {"Attributes": sqs_message("", sent_at or self.now, receives=receives)["Attributes"]}
        batch = sqs_batch(received[message_id] | attributes for message_id in sent)
        answer = self.consumer.process(batch["Records"])
        again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message_id in sent:
            self.sqs.delete_message(QueueUrl=URL, ReceiptHandle=received[message_id]["ReceiptHandle"])
        return [message_id not in again for message_id in sent]

    def _receive(self) -> list[Any]:
        return list(self.sqs.receive_message(QueueUrl=URL, MaxNumberOfMessages=10).get("Messages", []))

    def record(self, message: Message, state: State = State.RECEIVED) -> Message:
        """Brings the message's event on record, in that state."""
        events = self.consumer.events
        events.record(message.delivery, message.event())
        match state:
            case State.PROCESSED:
                events.mark_processed(message.identity, self.now, self.consumer.keep, [])
            case State.IGNORED:
                events.mark_ignored(message.identity, self.now, self.consumer.keep)
            case State.FAILED:
                events.mark_failed(message.identity, self.now, "an earlier reason")
        return message

    def state(self, message: Message) -> State | None:
        return self.consumer.events.states([message.identity])[0].get(message.identity)


@pytest.fixture
def platform(
    events: EventLog, ledger: Ledger, queue: EventQueue, bus: EventBus, sqs: "SQSClient", now: datetime
) -> Platform:
    wiring = Wiring(events, queue, ledger, bus, now=lambda: now)
    made = consumer_on(wiring, keep=timedelta(days=400), max_receives=MAX_RECEIVES)
    return Platform(made, sqs, now)


type MessageOf = Callable[..., Message]


@pytest.fixture
def message_of(body_of: BodyOf, delivery_of: DeliveryOf) -> MessageOf:
    def message(event: str = CONFIRMED, data: Mapping[str, object] = PAID, **more: Any) -> Message:  # noqa: ANN401
        delivery = delivery_of(body_of(event, data))
        made = delivery.event()
        return Message(made.identity, delivery, **more)

    return message


def record_of(dynamodb: "DynamoDBClient", message: Message) -> dict[str, Any]:
    """What is on record of the message's event, without its types."""
    key = {"uuid": {"S": message.identity.uuid}, "event_key": {"S": message.identity.event_key}}
    item = dynamodb.get_item(TableName="EventTable", Key=key).get("Item", {})
    return {name: next(iter(value.values())) for name, value in item.items()}


def books(dynamodb: "DynamoDBClient") -> dict[str, dict[str, Any]]:
    """The ledger's items, by partition key, without their types."""
    items = dynamodb.scan(TableName="LedgerTable")["Items"]
    return {item["pk"]["S"]: {name: next(iter(v.values())) for name, v in item.items()} for item in items}


def balance(dynamodb: "DynamoDBClient", account: str = "user-1") -> str | None:
    amount: str | None = books(dynamodb).get(f"balance#{account}", {}).get("amount")
    return amount


def announced(calls: Calls) -> list[dict[str, Any]]:
    return [json.loads(entry["Detail"]) for call in calls.of("PutEvents") for entry in call["Entries"]]


# --- A healthy event ----------------------------------------------------------------------------------
def test_a_handler_is_given_the_settings_of_its_consumer(
    platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    platform.consumer = replace(platform.consumer, settings=Settings(account_field="metadata.customerId"))
    message = platform.record(message_of(data={**PAID, "metadata": {"customerId": "c-7"}}))

    platform.run(message)

    assert (balance(dynamodb, "c-7"), balance(dynamodb)) == ("100.1", None)


def test_an_event_is_applied_announced_and_marked_in_this_order(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    calls.made.clear()

    assert platform.run(message) == [True]

    names = [name for name in calls.names() if name not in {"SendMessage", "ReceiveMessage", "DeleteMessage"}]
    assert names == ["BatchGetItem", "PutItem", "Query", "TransactWriteItems", "PutEvents", "UpdateItem"]
    assert platform.state(message) is State.PROCESSED
    assert balance(dynamodb) == "100.1"


def test_what_a_processed_event_tells(platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient") -> None:
    message = platform.record(message_of())
    platform.run(message)

    record = record_of(dynamodb, message)
    assert json.loads(record["effects"]) == [
        {"effect": "set_payment", "payment": UUID, "status": "CONFIRMED"},
        {"effect": "credit", "account": "user-1", "currency": "EUR", "amount": "100.1"},
    ]
    assert record["processed_at"] == "2026-01-15T10:25:01.000000Z"
    assert int(record["expires_at"]) == int((platform.now + timedelta(days=400)).timestamp())


def test_what_is_announced(platform: Platform, message_of: MessageOf, calls: Calls) -> None:
    platform.run(platform.record(message_of()))

    [detail] = announced(calls)
    assert (detail["uuid"], detail["event_key"], detail["event"]) == (UUID, CONFIRMED, CONFIRMED)
    assert (detail["record_key"], detail["revision"], detail["outcome"]) == (CONFIRMED, None, "PROCESSED")
    assert [effect["effect"] for effect in detail["effects"]] == ["set_payment", "credit"]
    assert detail["received_at"] == "2026-01-15T10:25:01.000000Z"
    assert detail["replay_id"] is None


def test_a_revision_is_announced_with_the_key_of_the_first(
    platform: Platform, message_of: MessageOf, calls: Calls, body_of: BodyOf, delivery_of: DeliveryOf
) -> None:
    platform.run(platform.record(message_of()))
    later = delivery_of(body_of(CONFIRMED, {**PAID, "confirmations": 7}, timestamp="2026-01-15T10:26:00Z"))
    recorded = platform.consumer.events.record(later, later.event())
    assert recorded.to_send
    platform.run(Message.of(recorded.to_send))

    detail = announced(calls)[1]
    stamp = "2026-01-15T10:26:00.000000Z"
    assert (detail["event_key"], detail["record_key"]) == (CONFIRMED, f"{CONFIRMED}##{stamp}")
    assert (detail["revision"], detail["occurred_at"]) == (stamp, stamp)
    assert [effect.get("superseded") for effect in detail["effects"]] == [None, True]


@pytest.mark.parametrize(
    ("event", "data", "entries"),
    [
        *(
            (f"payment.{name}", {"uuid": UUID}, {f"payment#{UUID}"})
            for name in ("created", "processing", "underpaid", "expired", "cancelled", "completed")
        ),
        ("channel.payment.detected", PAID, {f"payment#{UUID}"}),
        (CONFIRMED, PAID, {f"payment#{UUID}", f"credit#{UUID}", "balance#user-1"}),
        ("channel.payment.completed", PAID, {f"payment#{UUID}", f"credit#{UUID}", "balance#user-1"}),
        ("deposit.status_change", {"id": "i", "status": "PENDING"}, {"resource#deposit#i"}),
        ("withdrawal.status_change", {"id": "i", "status": "COMPLETE"}, {"resource#withdrawal#i"}),
        ("consolidation.status_change", {"id": "i", "status": "COMPLETE"}, {"resource#consolidation#i"}),
        ("crypto.address.created", {"id": "i"}, {"resource#address#i"}),
        ("trade.conversion.created", {"id": "i"}, {"resource#conversion#i"}),
        ("trade.conversion.state_changed", {"id": "i", "state": "X"}, {"resource#conversion#i"}),
        ("approval.request.status_changed", {"id": "i", "status": "APPROVED"}, {"resource#approval#i"}),
        ("approval.vote_required", {"id": "i"}, {"resource#approval#i"}),
        ("balance.updated", {"asset": "BTC", "assetPoolId": "p"}, {"resource#balance#BTC#p"}),
        ("audit.api", {"id": "i"}, set()),
        ("audit.login", {}, set()),
    ],
)
def test_every_event_type_is_applied_and_announced(
    event: str,
    data: Mapping[str, object],
    entries: set[str],
    platform: Platform,
    message_of: MessageOf,
    calls: Calls,
    dynamodb: "DynamoDBClient",
) -> None:
    message = platform.record(message_of(event, data))

    assert platform.run(message) == [True]
    assert platform.state(message) is State.PROCESSED
    assert set(books(dynamodb)) == entries
    assert [detail["event"] for detail in announced(calls)] == [event]


def test_a_batch_takes_one_look_up_and_one_announcement(
    platform: Platform, message_of: MessageOf, calls: Calls
) -> None:
    messages = [platform.record(message_of(data={**PAID, "uuid": f"u-{number}"})) for number in range(10)]
    calls.made.clear()

    assert platform.run(*messages) == [True] * 10
    assert len(calls.of("BatchGetItem")) == len(calls.of("PutEvents")) == 1
    assert len(announced(calls)) == 10
    tables = calls.of("BatchGetItem")[0]["RequestItems"]
    assert [tables[name]["ConsistentRead"] for name in ("EventTable", "LedgerTable")] == [True, True]
    assert tables["EventTable"]["ProjectionExpression"] == "#uuid, event_key, #state"  # and not the bodies


def test_without_a_bus_an_event_is_marked_without_being_announced(
    platform: Platform, message_of: MessageOf, calls: Calls
) -> None:
    platform.consumer = replace(platform.consumer, bus=None)
    message = platform.record(message_of())

    assert platform.run(message) == [True]
    assert platform.state(message) is State.PROCESSED
    assert calls.of("PutEvents") == []


# --- Nothing twice ------------------------------------------------------------------------------------
def test_a_processed_event_is_looked_up_and_left_alone(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of(), State.PROCESSED)
    before = record_of(dynamodb, message)
    calls.made.clear()

    assert platform.run(message) == [True]
    assert calls.names() == ["SendMessage", "ReceiveMessage", "BatchGetItem", "DeleteMessage"]
    assert record_of(dynamodb, message) == before


def test_a_message_that_comes_ten_times_credits_once(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    for _ in range(10):
        assert platform.run(message) == [True]

    assert balance(dynamodb) == "100.1"
    assert len(announced(calls)) == 1


def test_two_messages_of_one_event_in_one_batch_credit_once(
    platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())

    assert platform.run(message, message) == [True, True]
    assert platform.state(message) is State.PROCESSED
    assert balance(dynamodb) == "100.1"


# --- What is not on record ----------------------------------------------------------------------------
@pytest.mark.parametrize("unrecorded", [True, False])
def test_an_event_without_a_record_is_recorded_first(
    unrecorded: bool,
    platform: Platform,
    message_of: MessageOf,
    dynamodb: "DynamoDBClient",
) -> None:
    message = message_of(unrecorded=unrecorded)

    assert platform.run(message) == [True]
    record = record_of(dynamodb, message)
    assert record["state"] == "PROCESSED"
    assert record["body"] == message.delivery.packed_body
    assert record["received_at"] == message.delivery.received_at
    assert balance(dynamodb) == "100.1"


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (State.RECEIVED, State.PROCESSED),
        (State.FAILED, State.PROCESSED),
        (State.PROCESSED, State.PROCESSED),
        (State.IGNORED, State.IGNORED),
    ],
)
def test_an_unrecorded_message_of_an_event_on_record_is_a_duplicate(
    state: State, ends: State, platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of(), state)

    assert platform.run(replace(message, unrecorded=True)) == [True]
    assert platform.state(message) is ends
    assert balance(dynamodb) == ("100.1" if (state, ends) != (ends, ends) else None)


def test_an_unrecorded_message_with_other_content_is_kept_and_the_first_counts(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    first = platform.record(message_of())
    other = message_of(data={**PAID, "amount": 999}, unrecorded=True)
    later = replace(other, delivery=replace(other.delivery, received_at="2026-01-15T10:26:00.000000Z"))

    assert platform.run(later) == [True]
    assert platform.state(first) is State.PROCESSED
    assert balance(dynamodb) == "100.1"
    [detail] = announced(calls)
    assert (detail["data"]["amount"], detail["received_at"]) == ("100.1", "2026-01-15T10:25:01.000000Z")
    assert dynamodb.scan(TableName="EventTable")["Count"] == 2


def test_an_unrecorded_revision_of_a_processed_event_is_announced(
    platform: Platform, message_of: MessageOf, calls: Calls, body_of: BodyOf, delivery_of: DeliveryOf
) -> None:
    first = platform.record(message_of(), State.PROCESSED)
    later = delivery_of(body_of(CONFIRMED, {**PAID, "confirmations": 7}, timestamp="2026-01-15T10:26:00Z"))

    assert platform.run(Message(first.identity, later, unrecorded=True)) == [True]
    [detail] = announced(calls)
    assert detail["revision"] == "2026-01-15T10:26:00.000000Z"


def test_an_unrecorded_conflict_with_a_processed_event_is_only_kept(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    platform.record(message_of(), State.PROCESSED)

    assert platform.run(message_of(data={**PAID, "amount": 999}, unrecorded=True)) == [True]
    assert sorted(item["state"]["S"] for item in dynamodb.scan(TableName="EventTable")["Items"]) == [
        "CONFLICT",
        "PROCESSED",
    ]
    assert books(dynamodb) == {}
    assert announced(calls) == []


def test_an_unrecorded_conflict_rings_its_alarm(
    platform: Platform, message_of: MessageOf, printed: Printed, alarm: Callable[[str], str]
) -> None:
    platform.record(message_of())

    platform.run(message_of(data={**PAID, "amount": 999}, unrecorded=True))

    assert alarm("ConsumerConflictAlarm") in printed.metrics()


def test_with_the_table_still_out_an_unrecorded_message_comes_again(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = message_of(unrecorded=True)
    calls.fail("PutItem")
    assert platform.run(message) == [False]
    calls.mend()

    assert platform.run(message, receives=2) == [True]
    assert platform.state(message) is State.PROCESSED
    assert balance(dynamodb) == "100.1"


@pytest.mark.parametrize(("entry", "total"), [("-!ab", "101.1"), (None, "100.1")])
def test_an_accepted_conflict_credits_besides_only_where_an_operator_said_so(
    entry: str | None, total: str, platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    platform.run(platform.record(message_of()))
    other = message_of(data={**PAID, "amount": 1})
    event = other.event()
    conflict = Pending(event.identity.conflict(event.content_hash), other.delivery)
    place = accepted_place(event.place, "2026-02-01T00:00:00.000000Z", event.content_hash)
    accepted = platform.consumer.events.record_accepted(conflict, place, entry)
    assert accepted

    assert platform.run(Message.of(accepted)) == [True]
    assert balance(dynamodb) == total


def test_an_event_that_changed_nothing_says_so_on_its_record(
    platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    platform.run(platform.record(message_of("payment.completed")))
    late = platform.record(message_of("payment.created"))
    platform.run(late)

    assert json.loads(record_of(dynamodb, late)["effects"])[0]["superseded"] is True


@pytest.mark.parametrize("receives", [1, 2])
def test_from_the_second_failed_try_on_the_record_tells_why(
    receives: int, platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    calls.fail("TransactWriteItems")
    platform.run(message, receives=receives)
    record = record_of(dynamodb, message)
    calls.mend()
    platform.run(message, receives=receives + 1)

    if receives == 1:
        assert "tries" not in record
    else:
        assert (record["tries"], record["next_try_at"]) == ("2", "2026-01-15T10:25:11.000000Z")
        assert re.fullmatch(
            r"StoreUnavailable in wickiepay/\w+\.py:\d+: The ledger table did not answer: ReadTimeoutError\.",
            record["last_error"],
        )
    assert not {"tries", "last_error", "next_try_at"} & record_of(dynamodb, message).keys()


# --- IGNORED and FAILED -------------------------------------------------------------------------------
def test_an_ignored_event_whose_message_comes_twice_is_announced_once(
    platform: Platform, message_of: MessageOf, calls: Calls
) -> None:
    message = platform.record(message_of("unknown.event"))

    assert [platform.run(message), platform.run(message)] == [[True], [True]]
    assert len(announced(calls)) == 1


def test_an_event_that_nothing_handles_is_ignored_and_counted(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient", printed: Printed
) -> None:
    message = platform.record(message_of("invoice.paid"))

    assert platform.run(message) == [True]
    assert platform.state(message) is State.IGNORED
    assert books(dynamodb) == {}
    assert [detail["outcome"] for detail in announced(calls)] == ["IGNORED"]
    assert printed.metrics()["EventIgnored"] == [1]
    assert "UnknownMoneyEvent" not in printed.metrics()


@pytest.mark.parametrize("name", ["payment.refunded", "channel.payment.reversed"])
def test_an_unknown_event_about_money_rings_its_alarm(
    name: str, platform: Platform, message_of: MessageOf, printed: Printed, alarm: Callable[[str], str]
) -> None:
    platform.run(platform.record(message_of(name)))

    assert printed.metrics()[alarm("UnknownMoneyEventAlarm")] == [1]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"uuid": UUID, "reference": "user-1"}, "The event names no amount to credit."),
        ({"uuid": UUID, "amount": 1, "currency": "EUR"}, "The event names no account: data.reference is missing."),
        ({**PAID, "amount": 0}, "The amount to credit is not above zero: 0."),
        ({**PAID, "amount": -5}, "The amount to credit is not above zero: -5."),
        ({**PAID, "amount": 10**18}, "The amount has more than 18 + 18 digits."),
    ],
)
def test_an_event_that_can_never_be_applied_has_failed_at_once(
    data: Mapping[str, object],
    reason: str,
    platform: Platform,
    message_of: MessageOf,
    calls: Calls,
    dynamodb: "DynamoDBClient",
) -> None:
    message = platform.record(message_of(data=data))

    assert platform.run(message) == [True]
    record = record_of(dynamodb, message)
    assert (record["state"], record["error"]) == ("FAILED", reason)
    assert [effect["effect"] for effect in json.loads(record["effects"])] == ["set_payment"]
    assert (set(books(dynamodb)), announced(calls)) == ({f"payment#{UUID}"}, [])


def test_a_failed_event_rings_its_alarm(
    platform: Platform, message_of: MessageOf, printed: Printed, alarm: Callable[[str], str]
) -> None:
    platform.run(platform.record(message_of(data={})))

    assert printed.metrics()[alarm("EventsFailedAlarm")] == [1]


def test_a_balance_that_outgrows_the_tables_numbers_fails_its_event(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    reasons = [{"Code": "None"}, {"Code": "ValidationError"}]
    calls.refuse("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)

    assert platform.run(message) == [True]
    assert record_of(dynamodb, message)["error"] == "The balance of user-1 in EUR has too many digits."


@pytest.mark.parametrize("state", [State.FAILED, State.IGNORED])
def test_a_message_of_a_failed_event_revives_it(
    state: State, platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of(), state)

    assert platform.run(message) == [True]
    assert record_of(dynamodb, message)["state"] == "PROCESSED"
    assert "error" not in record_of(dynamodb, message)
    assert balance(dynamodb) == "100.1"


# --- Passing failures ---------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", ["BatchGetItem", "PutItem", "TransactWriteItems", "PutEvents", "UpdateItem"])
@pytest.mark.parametrize("answer_is_lost", [False, True])
def test_whatever_fails_the_event_comes_again_and_is_applied_once(
    operation: str,
    answer_is_lost: bool,
    platform: Platform,
    message_of: MessageOf,
    calls: Calls,
    dynamodb: "DynamoDBClient",
) -> None:
    message = platform.record(message_of())
    if answer_is_lost:
        calls.lose_answer(operation)
    else:
        calls.fail(operation, times=1)

    assert platform.run(message) == [False]
    assert platform.run(message, receives=2) == [True]
    assert platform.state(message) is State.PROCESSED
    assert balance(dynamodb) == "100.1"
    assert {(detail["uuid"], detail["event_key"]) for detail in announced(calls)} == {(UUID, CONFIRMED)}


@pytest.mark.parametrize("operation", ["BatchGetItem", "PutItem", "TransactWriteItems", "PutEvents", "UpdateItem"])
@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_an_error_of_our_own_is_an_answer_too(
    operation: str, code: str, platform: Platform, message_of: MessageOf, calls: Calls
) -> None:
    message = platform.record(message_of())
    calls.refuse(operation, code, times=1)

    assert platform.run(message) == [False]
    assert platform.run(message, receives=2) == [True]
    assert platform.state(message) is State.PROCESSED


@pytest.mark.parametrize("operation", ["BatchGetItem", "PutItem", "TransactWriteItems", "PutEvents", "UpdateItem"])
def test_a_batch_in_which_all_fail_is_an_answer(
    operation: str, platform: Platform, message_of: MessageOf, calls: Calls
) -> None:
    messages = [platform.record(message_of(data={**PAID, "uuid": f"u-{number}"})) for number in range(10)]
    calls.fail(operation)

    assert platform.run(*messages) == [False] * 10


@pytest.mark.parametrize(("receives", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (99, 900)])
def test_a_message_that_comes_again_waits_longer_each_time(
    receives: int, seconds: int, platform: Platform, message_of: MessageOf, calls: Calls
) -> None:
    message = platform.record(message_of())
    calls.fail("TransactWriteItems")

    platform.run(message, receives=receives)

    assert [call["VisibilityTimeout"] for call in calls.of("ChangeMessageVisibility")] == [seconds]
    assert platform.state(message) is State.RECEIVED


def test_the_delays_of_all_tries_are_about_a_day() -> None:
    seconds = [delay_seconds(receives) for receives in range(1, MAX_RECEIVES + 1)]

    assert seconds == sorted(seconds)
    assert 23 < sum(seconds) / 3600 < 25


@pytest.mark.parametrize("code", [None, "AWS.SimpleQueueService.MessageNotInflight", "InvalidParameterValue"])
def test_a_message_that_cannot_be_delayed_comes_again_all_the_same(
    code: str | None, platform: Platform, message_of: MessageOf, calls: Calls, printed: Printed
) -> None:
    failing = platform.record(message_of())
    calls.fail("TransactWriteItems")
    if code:
        calls.refuse("ChangeMessageVisibility", code)
    else:
        calls.fail("ChangeMessageVisibility")

    assert platform.run(failing, "malformed") == [False, False]
    assert [line["level"] for line in printed.logs() if line["message"] == "message not delayed"] == ["WARNING"] * 2


@pytest.mark.parametrize("refused", ["TransactWriteItems", "PutEvents"])
def test_the_age_at_the_next_try_passes_the_alarms_threshold_in_time(
    refused: str,
    platform: Platform,
    message_of: MessageOf,
    calls: Calls,
    printed: Printed,
    properties_of: Callable[[str], dict[str, Any]],
) -> None:
    alarm = properties_of("RetryAgeAlarm")
    message, sent_at = platform.record(message_of()), platform.now
    platform.consumer = replace(platform.consumer, now=lambda: platform.now)
    calls.fail(refused)
    receives, age = 0, 0.0
    while age <= alarm["Threshold"]:
        receives += 1
        platform.now += timedelta(seconds=delay_seconds(receives - 1) if receives > 1 else 0)
        assert platform.run(message, receives=receives, sent_at=sent_at) == [False]
        age = printed.metrics()["RetryAgeSeconds"][-1]

    assert platform.now - sent_at < timedelta(minutes=18)  # CloudWatch takes its time: it rings within twenty
    assert alarm["Period"] > delay_seconds(MAX_RECEIVES)  # so that there is a try in each period


def test_an_event_that_is_given_up_has_no_next_try(
    platform: Platform, message_of: MessageOf, calls: Calls, printed: Printed
) -> None:
    calls.fail("TransactWriteItems")
    platform.run(platform.record(message_of()), receives=MAX_RECEIVES)
    assert Metric.RETRY_AGE_SECONDS not in printed.metrics()


def test_the_last_try_gives_the_event_up(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    calls.fail("TransactWriteItems")

    assert platform.run(message, receives=MAX_RECEIVES) == [False]
    record = record_of(dynamodb, message)
    assert record["state"] == "FAILED"
    said = r"Given up after 100 tries\. StoreUnavailable in wickiepay/outages\.py:\d+: The ledger table did not answer"
    assert re.match(said, record["error"])
    assert [effect["effect"] for effect in json.loads(record["effects"])] == ["set_payment"]


def test_a_last_try_that_ends_the_process_leaves_the_event_failed(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    calls.fail("TransactWriteItems", KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        platform.run(message, receives=MAX_RECEIVES)

    record = record_of(dynamodb, message)
    assert (record["state"], record["error"]) == ("FAILED", "Given up after 100 tries. The last one did not end.")


def test_giving_up_keeps_the_effects_that_were_applied(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    calls.fail("PutEvents")

    platform.run(message, receives=MAX_RECEIVES)

    record = record_of(dynamodb, message)
    assert record["state"] == "FAILED"
    assert [effect["effect"] for effect in json.loads(record["effects"])] == ["set_payment", "credit"]


def test_the_last_try_but_one_does_not(platform: Platform, message_of: MessageOf, calls: Calls) -> None:
    message = platform.record(message_of())
    calls.fail("TransactWriteItems")
    platform.run(message, receives=MAX_RECEIVES - 1)

    assert platform.state(message) is State.RECEIVED


@pytest.mark.parametrize("code", [None, "AccessDeniedException"])
@pytest.mark.parametrize(
    ("receives", "said"), [(2, "event not marked as retried"), (MAX_RECEIVES, "event not marked failed")]
)
def test_a_try_that_cannot_be_noted_on_the_record_is_logged_and_its_message_comes_again(
    receives: int,
    said: str,
    code: str | None,
    platform: Platform,
    message_of: MessageOf,
    calls: Calls,
    printed: Printed,
) -> None:
    message = platform.record(message_of())
    calls.fail("TransactWriteItems")
    if code:
        calls.refuse("UpdateItem", code)
    else:
        calls.fail("UpdateItem")

    assert platform.run(message, receives=receives) == [False]
    first, last = printed.logs()
    assert (first["level"], first["message"], last["message"]) == ("WARNING", said, "event retried")


def test_an_event_that_was_given_up_is_processed_when_it_is_redriven(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    calls.fail("TransactWriteItems")
    platform.run(message, receives=MAX_RECEIVES)
    calls.mend()

    assert platform.run(message) == [True]
    assert record_of(dynamodb, message)["state"] == "PROCESSED"


def test_the_reason_quotes_nothing_of_an_error_that_is_not_ours(
    platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    def fail(event: WebhookEvent, _: Settings) -> list[Effect]:
        raise ValueError(event.data)

    message = platform.record(message_of())
    platform.consumer = replace(platform.consumer, handlers={CONFIRMED: fail})
    platform.run(message, receives=MAX_RECEIVES)

    assert record_of(dynamodb, message)["error"] == "Given up after 100 tries. ValueError"


def test_a_very_long_reason_is_cut(platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient") -> None:
    def fail(*_: object) -> list[Effect]:
        raise StoreUnavailable("x" * 100_000)

    message = platform.record(message_of())
    platform.consumer = replace(platform.consumer, handlers={CONFIRMED: fail})
    platform.run(message, receives=MAX_RECEIVES)

    assert len(record_of(dynamodb, message)["error"]) == len("Given up after 100 tries. ") + 300


# --- Batch mates --------------------------------------------------------------------------------------
@pytest.mark.parametrize("poison", ["", "not JSON", "{}", '{"version": 2}', "[" * 10_000])
def test_a_malformed_message_costs_its_batch_mates_nothing(
    poison: str, platform: Platform, message_of: MessageOf, calls: Calls, printed: Printed
) -> None:
    mates = [platform.record(message_of(data={**PAID, "uuid": uuid})) for uuid in ("u-1", "u-2")]

    assert platform.run(mates[0], poison or " ", mates[1]) == [True, False, True]
    assert [platform.state(mate) for mate in mates] == [State.PROCESSED] * 2
    assert [call["VisibilityTimeout"] for call in calls.of("ChangeMessageVisibility")] == [5]
    assert printed.metrics()["MessageMalformed"] == [1]
    [line] = [line for line in printed.logs() if line["message"] == "message malformed"]
    assert (line["level"], bool(line["message_id"])) == ("WARNING", True)
    assert line["reason"].startswith("The message is")


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), KeyError("x"), RecursionError(), MemoryError(), ZeroDivisionError()]
)
def test_a_handler_that_raises_costs_its_batch_mates_nothing(
    error: Exception, platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    def fail(*_: object) -> list[Effect]:
        raise error

    handling: Mapping[str, Handler] = {**router, "poison": fail}
    platform.consumer = replace(platform.consumer, handlers=handling)
    poison = platform.record(message_of("poison"))
    mates = [platform.record(message_of(data={**PAID, "uuid": uuid})) for uuid in ("u-1", "u-2")]

    assert platform.run(mates[0], poison, mates[1]) == [True, False, True]
    assert platform.state(poison) is State.RECEIVED
    assert balance(dynamodb) == "200.2"


def test_a_permanent_failure_costs_its_batch_mates_nothing(platform: Platform, message_of: MessageOf) -> None:
    failing = platform.record(message_of(data={"uuid": "u-1"}))
    mate = platform.record(message_of())

    assert platform.run(failing, mate) == [True, True]
    assert (platform.state(failing), platform.state(mate)) == (State.FAILED, State.PROCESSED)


@pytest.mark.parametrize("body", [b"not JSON", b"[]", b'{"event": ""}'])
@pytest.mark.parametrize("scheme", ["raw", "node", "python"])
def test_a_message_that_holds_no_event_costs_its_batch_mates_nothing(
    body: bytes, scheme: str, platform: Platform, message_of: MessageOf, printed: Printed
) -> None:
    mate = platform.record(message_of())
    delivery = replace(mate.delivery, body=body, scheme=scheme)

    assert platform.run(Message(Identity("u", "k"), delivery), mate) == [False, True]
    assert platform.state(mate) is State.PROCESSED
    assert printed.logs()[0]["exception_name"] in {"UnusableBody", "NotReserialisable"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = [
    "version",
    "uuid",
    "event_key",
    "body",
    "scheme",
    "received_at",
    "source",
    "request_id",
    "unrecorded",
    "replay",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.characters(min_codepoint=32, codec="ascii"), min_size=1) | JSON.map(json.dumps))
def test_any_malformed_message_comes_again_and_changes_nothing(text: str, platform: Platform, calls: Calls) -> None:
    assert platform.run(text) == [False]
    assert not {"PutItem", "UpdateItem", "TransactWriteItems", "PutEvents"} & set(calls.names())


# --- Announcements ------------------------------------------------------------------------------------
def test_an_event_that_the_bus_refuses_is_not_marked(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    messages = [platform.record(message_of(data={**PAID, "uuid": f"u-{number}"})) for number in range(3)]
    entries = [{"EventId": "1"}, {"ErrorCode": "ThrottlingException", "ErrorMessage": "later"}, {"EventId": "3"}]
    calls.answer("PutEvents", {"FailedEntryCount": 1, "Entries": entries})

    assert platform.run(*messages) == [True, False, True]
    assert [platform.state(message) for message in messages] == [State.PROCESSED, State.RECEIVED, State.PROCESSED]
    assert balance(dynamodb) == "300.3"


def test_an_event_whose_marking_fails_is_announced_again_under_the_same_identity(
    platform: Platform, message_of: MessageOf, calls: Calls
) -> None:
    message = platform.record(message_of())
    calls.fail("UpdateItem", times=1)
    platform.run(message)
    platform.run(message, receives=2)

    first, second = announced(calls)
    assert first == second


def test_what_could_not_be_applied_is_not_announced(platform: Platform, message_of: MessageOf, calls: Calls) -> None:
    calls.fail("TransactWriteItems")
    platform.run(platform.record(message_of()))

    assert announced(calls) == []


# --- Races: somebody else was faster ------------------------------------------------------------------
@pytest.fixture
def overtaken(platform: Platform, message_of: MessageOf) -> Iterator[Message]:
    """An event that is FAILED here, after another consumer has processed it."""
    message = platform.record(message_of())

    def fail_late(*_: object) -> list[Effect]:
        platform.consumer.events.mark_processed(message.identity, platform.now, platform.consumer.keep, [])
        raise PermanentFailure("too late")

    platform.consumer = replace(platform.consumer, handlers={CONFIRMED: fail_late})
    return iter([message])


def test_processed_wins_over_a_late_failed(overtaken: Iterator[Message], platform: Platform, printed: Printed) -> None:
    message = next(overtaken)

    assert platform.run(message) == [True]
    assert platform.state(message) is State.PROCESSED
    assert "EventFailed" not in printed.metrics()


def test_processed_wins_over_a_late_giving_up(
    platform: Platform, message_of: MessageOf, calls: Calls, printed: Printed
) -> None:
    message = platform.record(message_of(), State.PROCESSED)
    calls.fail("BatchGetItem", times=1)

    assert platform.run(message, receives=MAX_RECEIVES) == [False]
    assert platform.state(message) is State.PROCESSED
    assert printed.metrics() == {"EventSkipped": [1]}


# --- Replays ------------------------------------------------------------------------------------------
REPLAY: Final = Replay("replay-7", "an operator", "lost by a subscriber")


def test_a_replay_of_a_processed_event_applies_nothing_and_announces_nothing(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    platform.run(message)
    before = (record_of(dynamodb, message), books(dynamodb))
    calls.made.clear()

    assert platform.run(replace(message, replay=REPLAY)) == [True]
    assert (record_of(dynamodb, message), books(dynamodb)) == before
    assert announced(calls) == []


def test_a_replay_of_a_processed_event_announces_it_again_where_that_is_wanted(
    platform: Platform, message_of: MessageOf, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    platform.run(message)
    before = (record_of(dynamodb, message), books(dynamodb))

    assert platform.run(replace(message, replay=replace(REPLAY, announce=True))) == [True]
    assert (record_of(dynamodb, message), books(dynamodb)) == before
    first, second = announced(calls)
    assert second == {**first, "replay_id": "replay-7"}


@pytest.mark.parametrize("announce", [False, True])
@pytest.mark.parametrize("state", [State.RECEIVED, State.FAILED, State.IGNORED])
def test_a_replay_of_any_other_event_processes_it(
    state: State,
    announce: bool,
    platform: Platform,
    message_of: MessageOf,
    calls: Calls,
    dynamodb: "DynamoDBClient",
) -> None:
    message = platform.record(message_of(), state)

    assert platform.run(replace(message, replay=replace(REPLAY, announce=announce))) == [True]
    assert platform.state(message) is State.PROCESSED
    assert balance(dynamodb) == "100.1"
    assert [detail["replay_id"] for detail in announced(calls)] == ["replay-7"]


def test_a_replay_of_an_event_that_has_expired_records_it_and_applies_nothing_twice(
    platform: Platform, message_of: MessageOf, dynamodb: "DynamoDBClient"
) -> None:
    message = platform.record(message_of())
    platform.run(message)
    key = {"uuid": {"S": message.identity.uuid}, "event_key": {"S": message.identity.event_key}}
    dynamodb.delete_item(TableName="EventTable", Key=key)

    assert platform.run(replace(message, replay=REPLAY)) == [True]
    assert platform.state(message) is State.PROCESSED
    assert balance(dynamodb) == "100.1"


def test_a_replay_of_a_processed_event_that_nothing_handles_any_more_leaves_it_processed(
    platform: Platform, message_of: MessageOf
) -> None:
    message = platform.record(message_of(), State.PROCESSED)
    platform.consumer = replace(platform.consumer, handlers={})

    assert platform.run(replace(message, replay=REPLAY)) == [True]
    assert platform.state(message) is State.PROCESSED


# --- What is printed ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "metric", "line"),
    [
        ("processed", "EventProcessed", {"level": "INFO", "message": "event processed"}),
        ("ignored", "EventIgnored", {"level": "INFO", "message": "event ignored"}),
        (
            "failed",
            "EventFailed",
            {
                "level": "ERROR",
                "message": "event failed",
                "reason": "The event names no account: data.reference is missing.",
            },
        ),
        ("retried", "EventRetried", {"level": "WARNING", "message": "event retried", "receives": 1}),
        ("skipped", "EventSkipped", {"level": "INFO", "message": "event skipped"}),
    ],
)
def test_every_outcome_is_logged_and_counted(
    kind: str,
    metric: str,
    line: dict[str, object],
    platform: Platform,
    message_of: MessageOf,
    calls: Calls,
    printed: Printed,
) -> None:
    match kind:
        case "processed":
            message = platform.record(message_of())
        case "ignored":
            message = platform.record(message_of("invoice.paid", {"uuid": UUID}))
        case "failed":
            message = platform.record(message_of(data={"uuid": UUID}))
        case "retried":
            message = platform.record(message_of())
            calls.fail("TransactWriteItems")
        case _:
            message = platform.record(message_of(), State.PROCESSED)

    platform.run(message)

    [log] = printed.logs()
    assert log.items() >= {**line, "uuid": UUID, "event_key": message.identity.event_key}.items()
    assert ("exception_name" in log) == (kind == "retried")
    age = {"RetryAgeSeconds": [5]} if kind == "retried" else {}
    assert printed.metrics() == {metric: [1]} | age
    assert printed.units() == {metric: "Count"} | dict.fromkeys(age, "Seconds")


type Counts = dict[tuple[str, ...], float]
"""Metric and event type, if any, → the sum that CloudWatch makes of it."""


def counts(printed: Printed) -> Counts:
    sums: Counts = {}
    for line in map(json.loads, printed.text().splitlines()):
        for about in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in about["Metrics"]:
                for dimensions in about["Dimensions"]:
                    assert line["service"] == "consumer"
                    assert dimensions[0] == "service"
                    key = (metric["Name"], *(line[dimension] for dimension in dimensions[1:]))
                    sums[key] = sums.get(key, 0) + sum(line[metric["Name"]])
    return sums


def test_what_ends_is_counted_for_its_event_type_as_well(
    platform: Platform, message_of: MessageOf, printed: Printed
) -> None:
    platform.run(
        platform.record(message_of(data={**PAID, "uuid": "u-1"})),
        platform.record(message_of(data={**PAID, "uuid": "u-2"})),
        platform.record(message_of("payment.completed", {"uuid": "u-3"})),
        platform.record(message_of(data={"uuid": "u-4"})),
        platform.record(message_of("invoice.paid", {"uuid": "u-5"})),
    )

    assert counts(printed) == {
        ("EventProcessed",): 3,
        ("EventProcessed", CONFIRMED): 2,
        ("EventProcessed", "payment.completed"): 1,
        ("EventFailed",): 1,
        ("EventFailed", CONFIRMED): 1,
        ("EventIgnored",): 1,
        ("EventIgnored", "other"): 1,
    }


def test_lean_monitoring_counts_what_rings_an_alarm_for_the_service_alone(
    platform: Platform, message_of: MessageOf, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "EMITTED", emitted("lean"))
    platform.run(
        platform.record(message_of(data={**PAID, "uuid": "u-1"})),
        platform.record(message_of(data={"uuid": "u-2"})),
        platform.record(message_of("invoice.paid", {"uuid": "u-3"})),
    )

    assert counts(printed) == {("EventFailed",): 1}


def test_a_healthy_batch_prints_no_metrics_with_lean_monitoring(
    platform: Platform, message_of: MessageOf, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "EMITTED", emitted("lean"))
    platform.run(platform.record(message_of()))

    assert "_aws" not in printed.text()


def test_no_sender_makes_a_metric(platform: Platform, message_of: MessageOf, printed: Printed) -> None:
    platform.run(*(platform.record(message_of(f"made.up.{number}")) for number in range(10)))

    assert counts(printed) == {("EventIgnored",): 10, ("EventIgnored", "other"): 10}


def test_what_does_not_end_is_counted_for_the_service_alone(
    platform: Platform, message_of: MessageOf, calls: Calls, printed: Printed
) -> None:
    conflicting = platform.record(message_of(), State.PROCESSED)
    failing = platform.record(message_of(data={**PAID, "uuid": "u-2"}))
    calls.fail("TransactWriteItems")
    platform.run(replace(message_of(data={**PAID, "amount": 999}), unrecorded=True), conflicting, failing, "malformed")

    assert counts(printed) == {
        ("EventSkipped",): 2,
        ("EventRetried",): 1,
        ("RetryAgeSeconds",): 5,
        ("DeliveryConflict",): 1,
        ("MessageMalformed",): 1,
    }


def test_an_event_that_is_given_up_unlooked_is_counted_for_its_type(
    platform: Platform, message_of: MessageOf, calls: Calls, printed: Printed
) -> None:
    message = platform.record(message_of())
    calls.fail("BatchGetItem")
    platform.run(message, receives=MAX_RECEIVES)

    assert counts(printed) == {("EventFailed",): 1, ("EventFailed", CONFIRMED): 1}


def test_a_batch_of_one_type_takes_one_line_of_metrics(
    platform: Platform, message_of: MessageOf, printed: Printed
) -> None:
    platform.run(*(platform.record(message_of(data={**PAID, "uuid": f"u-{number}"})) for number in range(10)))

    assert len([line for line in printed.text().splitlines() if '"_aws"' in line]) == 1


def test_no_body_is_ever_printed(platform: Platform, message_of: MessageOf, calls: Calls, printed: Printed) -> None:
    data = {**PAID, "private": "content-1"}
    for message in (
        platform.record(message_of(data=data)),
        message_of("invoice.paid", {**data, "uuid": "u-2"}),
        message_of(data={"uuid": "u-3", "private": "content-1"}),
        replace(message_of(data={**data, "amount": 1}), unrecorded=True),
        Message(Identity("u-4", "k"), replace(message_of().delivery, body=b"private content-1, not JSON")),
        "private content-1, no message",
    ):
        platform.run(message)
    calls.fail("PutItem")
    platform.run(message_of(data={**data, "uuid": "u-5"}))

    assert len(printed.logs()) == 7
    assert "content-1" not in printed.text()


# --- As the template wires it -------------------------------------------------------------------------
def test_the_lambda_function(
    platform: Platform,
    message_of: MessageOf,
    environment: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wired = consumer.from_environment(environment("ConsumerFunction"))
    monkeypatch.setattr(consumer, "consumer", replace(wired, threads=SameThread()))
    message = platform.record(message_of())
    batch = sqs_batch([sqs_message(encode(message), platform.now)])

    assert consumer.lambda_handler(batch, None) == {"batchItemFailures": []}
    assert platform.state(message) is State.PROCESSED


def test_the_templates_parameters(environment: Callable[[str], dict[str, str]]) -> None:
    wired = consumer.from_environment({**environment("ConsumerFunction"), "ACCOUNT_FIELD": "metadata.customerId"})

    assert wired.settings == Settings(account_field="metadata.customerId")
    assert wired.keep == timedelta(days=400)
    assert wired.max_receives == MAX_RECEIVES
    assert wired.handlers is router
    assert wired.bus is not None


def test_the_consumer_gives_up_when_the_queue_does(properties_of: Callable[[str], dict[str, Any]]) -> None:
    assert properties_of("EventQueue")["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES


def test_with_announcements_off_there_is_no_bus(environment: Callable[[str], dict[str, str]]) -> None:
    assert consumer.from_environment({**environment("ConsumerFunction"), "EVENT_BUS": ""}).bus is None


def test_the_records_of_a_batch_are_worked_on_at_the_same_time(environment: Callable[[str], dict[str, str]]) -> None:
    wired = consumer.from_environment(environment("ConsumerFunction"))

    assert BATCH_SIZE == wired.threads._max_workers == 10
    for client in (wired.events._client, wired.ledger._client, wired.queue._client):
        assert client.meta.config.max_pool_connections >= BATCH_SIZE  # type: ignore[attr-defined]
