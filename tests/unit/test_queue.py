"""Queue messages: whole, within their limits, and never misread; and the queue that takes them."""

import base64
import hashlib
import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.aws import Calls
from tests.support.deliveries import DeliveryOf, EventOf
from wickiepay.delivery import Delivery, Received
from wickiepay.errors import MalformedMessage, StoreUnavailable
from wickiepay.identity import Identity
from wickiepay.queue import MAX_REQUEST_BYTES, EventQueue, Message, Replay, decode, encode
from wickiepay.signature import SCHEMES

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

IDENTITY = Identity("5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11", "payment.completed")
INCOMPRESSIBLE = hashlib.shake_256(b"").digest(256 * 1024)


@pytest.fixture
def message(delivery_of: DeliveryOf) -> Message:
    return Message(IDENTITY, delivery_of())


def received(sqs: "SQSClient", queue_url: str = "EventQueue") -> list[Message]:
    url = f"https://sqs.us-east-1.amazonaws.com/123456789012/{queue_url}"
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [decode(one["Body"]) for one in found]


# --- Messages -----------------------------------------------------------------------------------------
TEXT = st.text(st.characters(codec="utf-8"))
KEY = st.text(st.characters(codec="utf-8"), min_size=1)
DELIVERIES = st.builds(
    Delivery,
    body=st.binary(),
    scheme=st.sampled_from(list(SCHEMES)),
    received_at=KEY,
    source=TEXT,
    request_id=TEXT,
    received=st.none() | st.builds(Received, st.integers(0, 300_000), TEXT),
)
MESSAGES = st.builds(
    Message,
    identity=st.builds(Identity, KEY, KEY),
    delivery=DELIVERIES,
    unrecorded=st.booleans(),
    replay=st.none() | st.builds(Replay, id=TEXT, by=TEXT, why=TEXT, announce=st.booleans()),
    place=st.none() | KEY,
    entry=st.none() | KEY,
)


@given(MESSAGES)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    assert decode(encode(message)) == message


def test_a_message_needs_no_table_to_be_understood(message: Message, event_of: EventOf) -> None:
    event = decode(encode(message)).event()
    assert event == replace(event_of(), received_at=message.delivery.received_at)


def test_a_message_has_the_identity_that_it_names(message: Message) -> None:
    accepted = Identity("u", "payment.completed!accepted#ab")
    event = replace(message, identity=accepted, place="a place", entry="-!ab").event()

    assert (event.identity, event.name, event.place, event.entry) == (accepted, "payment.completed", "a place", "-!ab")


def test_the_largest_message_is_under_400_kb_of_plain_text(message: Message) -> None:
    text = encode(replace(message, delivery=replace(message.delivery, body=INCOMPRESSIBLE)))

    assert len(text) < 400 * 1024
    assert text.isascii()
    assert text.isprintable()


def changed(**fields: object) -> str:
    content: dict[str, Any] = {
        "version": 1,
        "uuid": "u",
        "event_key": "k",
        "body": base64.b64encode(zlib.compress(b"{}")).decode(),
        "scheme": "raw",
        "received_at": "2026-01-15T10:25:01.000000Z",
        "source": "",
        "request_id": "",
        "unrecorded": False,
    }
    return json.dumps({name: value for name, value in {**content, **fields}.items() if value is not ...})


NO_TEXTS: list[object] = [..., None, 7, ["u"], {}, True]
REPLAY = {"id": "r", "by": "b", "why": "w", "announce": True}


def test_what_the_malformed_ones_are_changed_from_is_a_message() -> None:
    longest = {"uuid": "k" * 1024, "event_key": "k" * 1024, "source": "t" * 4096}
    message = decode(changed(replay=REPLAY, **longest))
    assert message.replay == Replay("r", "b", "w", announce=True)
    assert message.identity == Identity("k" * 1024, "k" * 1024)
    assert message.delivery.source == "t" * 4096


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "null",
        "[]",
        "7",
        '"text"',
        "{}",
        "[" * 100_000,
        '{"Message": "from somewhere else"}',
        *(
            changed(**{field: value})
            for field in ("uuid", "event_key", "body", "scheme", "received_at", "source", "request_id")
            for value in NO_TEXTS
        ),
        *(changed(**{field: "\ud800"}) for field in ("uuid", "event_key", "received_at", "source", "request_id")),
        # What no table takes as a key would spoil the look-up of the whole batch; what is huge, its announcement.
        *(changed(**{field: text}) for field in ("uuid", "event_key", "received_at") for text in ("", "k" * 1025)),
        *(changed(**{field: "t" * 4097}) for field in ("source", "request_id")),
        changed(body=base64.b64encode(zlib.compress(bytes(256 * 1024 + 1))).decode()),
        *(changed(version=version) for version in (..., None, 0, 2, "1", [1])),
        changed(unrecorded=...),
        changed(scheme="ruby"),
        changed(body="not base64!"),
        changed(body="!" + base64.b64encode(zlib.compress(b"{}")).decode()),
        changed(body=base64.b64encode(b"not packed").decode()),
        changed(body=base64.b64encode(zlib.compress(b"{}")[:-2]).decode()),
        changed(body="\u00e9"),
        changed(replay=None),
        changed(replay=[]),
        changed(replay="again"),
        *(changed(replay={**REPLAY, field: 7}) for field in ("id", "by", "why")),
        *(changed(replay={name: REPLAY[name] for name in REPLAY if name != field}) for field in REPLAY),
    ],
)
def test_what_this_listener_does_not_write_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        decode(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
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


@given(fields=st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1))
def test_any_message_is_read_or_malformed(fields: dict[str, object]) -> None:
    try:
        message = decode(changed(**fields))
    except MalformedMessage:
        return
    assert decode(encode(message)) == message


@pytest.mark.parametrize("value", [0, 1, None, "true", "false", []])
def test_only_true_is_a_yes(value: object) -> None:
    message = decode(changed(unrecorded=value, replay={**REPLAY, "announce": value}))

    assert message.unrecorded is False
    assert message.replay
    assert message.replay.announce is False


# --- The queue ----------------------------------------------------------------------------------------
def test_sending_one(queue: EventQueue, message: Message, sqs: "SQSClient") -> None:
    queue.send(message)

    assert received(sqs) == [message]


def test_sending_the_largest(queue: EventQueue, message: Message, sqs: "SQSClient") -> None:
    largest = replace(message, delivery=replace(message.delivery, body=INCOMPRESSIBLE))
    queue.send(largest)

    assert received(sqs) == [largest]


def numbered(message: Message, count: int) -> list[Message]:
    return [replace(message, identity=Identity(f"u-{number}", "k")) for number in range(count)]


def test_sending_many_takes_a_call_for_ten(queue: EventQueue, message: Message, sqs: "SQSClient", calls: Calls) -> None:
    messages = numbered(message, 25)

    assert queue.send_all(messages) == [True] * 25
    assert calls.names() == ["SendMessageBatch"] * 3
    assert sorted(one.identity.uuid for _ in range(3) for one in received(sqs)) == sorted(
        one.identity.uuid for one in messages
    )


def test_sending_many_large_ones_keeps_each_call_within_bounds(
    queue: EventQueue, message: Message, calls: Calls
) -> None:
    large = replace(message, delivery=replace(message.delivery, body=INCOMPRESSIBLE))

    assert queue.send_all(numbered(large, 5)) == [True] * 5
    sent = [sum(len(entry["MessageBody"]) for entry in call["Entries"]) for call in calls.of("SendMessageBatch")]
    assert len(sent) == 3
    assert max(sent) <= MAX_REQUEST_BYTES == 1024 * 1024


def test_sending_none_takes_no_call(queue: EventQueue, calls: Calls) -> None:
    assert queue.send_all([]) == []
    assert calls.made == []


def test_what_the_queue_refuses_is_told_one_by_one(queue: EventQueue, message: Message, calls: Calls) -> None:
    refused = [{"Id": "1", "Code": "InternalError", "SenderFault": False}]
    calls.answer("SendMessageBatch", {"Successful": [{"Id": "2"}, {"Id": "0"}], "Failed": refused})

    assert queue.send_all(numbered(message, 3)) == [True, False, True]


@pytest.mark.parametrize("content", [{"Successful": []}, {"Failed": []}, {}])
def test_what_the_queue_does_not_mention_is_not_taken(
    content: dict[str, Any], queue: EventQueue, message: Message, calls: Calls
) -> None:
    calls.answer("SendMessageBatch", content)

    assert queue.send_all([message]) == [False]


def test_an_outage_concerns_only_the_calls_that_it_struck(queue: EventQueue, message: Message, calls: Calls) -> None:
    calls.fail("SendMessageBatch", skip=1, times=1)

    assert queue.send_all(numbered(message, 25)) == [True] * 10 + [False] * 10 + [True] * 5


def test_a_delayed_message_stays_away(queue: EventQueue, message: Message, sqs: "SQSClient", calls: Calls) -> None:
    queue.send(message)
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/EventQueue"
    [found] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]

    queue.delay(found["ReceiptHandle"], 900)

    assert received(sqs) == []
    assert [call["VisibilityTimeout"] for call in calls.of("ChangeMessageVisibility")] == [900]


def test_an_outage_of_the_queue(queue: EventQueue, message: Message, calls: Calls) -> None:
    calls.fail("SendMessage")
    calls.fail("ChangeMessageVisibility")

    with pytest.raises(StoreUnavailable, match="The event queue did not answer"):
        queue.send(message)
    with pytest.raises(StoreUnavailable, match="The event queue did not answer"):
        queue.delay("handle", 5)


def test_an_error_of_our_own_is_not_hidden(queue: EventQueue, message: Message, calls: Calls) -> None:
    for operation in ("SendMessage", "SendMessageBatch"):
        calls.refuse(operation, "InvalidMessageContents")

    with pytest.raises(ClientError):
        queue.send(message)
    with pytest.raises(ClientError):
        queue.send_all([message])
