"""Promise 1 with stores that hang: ingest answers within ten seconds, and as it would if they had failed.

Its real clients, with their real time-outs, on real connections to servers that fall silent.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import pytest

import ingest
from tests.support.deployed import environment_of
from tests.support.hanging import Door, Way, doors
from tests.support.harness import SECRET, Stores
from tests.support.thorough import by_make_check
from wickiepay import sdk
from wickiepay.lambda_events import http_request
from wickiepay.queue import decode
from wickiepay.signature import sign

pytestmark = pytest.mark.stack

MAX_SECONDS: Final = 10
ENDPOINTS: Final = {
    "event table": "AWS_ENDPOINT_URL_DYNAMODB",
    "queue": "AWS_ENDPOINT_URL_SQS",
    "secret": "AWS_ENDPOINT_URL_SECRETS_MANAGER",
}
"""What each store is, and what names its address to the clients."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: Mapping[str, Any]
    seconds: float


@dataclass(slots=True)
class Listener:
    """Ingest as the template wires it, on stores behind doors."""

    ingest: ingest.Ingest
    doors: Mapping[str, Door]

    def __call__(self, uuid: str) -> Answer:
        body = json.dumps({"event": "payment.completed", "data": {"uuid": uuid}}).encode()
        request = http_request(body, sign(body, SECRET))
        begin = time.monotonic()
        answer = self.ingest.handle(request)
        seconds = time.monotonic() - begin
        return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]), seconds)

    def hang(self, names: Collection[str], way: Way) -> None:
        for name in names:
            self.doors[name].hang(way)

    def forget_when_the_secret_was_fetched(self) -> None:
        """As after the time to live: a delivery asks for the secret again."""
        known = self.ingest.secrets._current
        known.fetched_at = known.asked_at = 0


@pytest.fixture
def listener(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """A warm one: the secret is cached, and connections to all stores are open."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", stores.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", stores.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", stores.region)
    sdk.the_session.cache_clear()
    with doors(stores.endpoint_url, *ENDPOINTS) as opened:
        for name, variable in ENDPOINTS.items():
            monkeypatch.setenv(variable, opened[name].url)
        wired = ingest.from_environment(
            environment_of("IngestFunction")
            | {
                "EVENT_TABLE": stores.outputs["EventTableName"],
                "EVENT_QUEUE_URL": stores.outputs["EventQueueUrl"],
                "SIGNING_SECRET_ARN": stores.outputs["SigningSecretArn"],
            }
        )
        listener = Listener(wired, opened)
        assert listener(str(uuid4())).status == 200
        yield listener
    sdk.the_session.cache_clear()


@pytest.fixture
def record(stores: Stores) -> Callable[[str], Mapping[str, Any]]:
    """What is on record of an event; nothing where it is not."""

    def look(uuid: str) -> Mapping[str, Any]:
        key = {"uuid": {"S": uuid}, "event_key": {"S": "payment.completed"}}
        item: Mapping[str, Any] = (
            stores.client("dynamodb")
            .get_item(TableName=stores.outputs["EventTableName"], Key=key, ConsistentRead=True)
            .get("Item", {})
        )
        return item

    return look


@pytest.fixture
def queued(stores: Stores) -> Callable[[], dict[str, bool]]:
    """What is in the queue, which it empties: uuid → whether the message says that the event is unrecorded."""

    def take() -> dict[str, bool]:
        sqs, url = stores.client("sqs"), stores.outputs["EventQueueUrl"]
        found = {}
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for each in messages:
                message = decode(each["Body"])
                found[message.identity.uuid] = message.unrecorded
                sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return found

    return take


every_way = pytest.mark.parametrize("way", [Way.SILENT, *by_make_check(Way.STALLING, Way.DEAF)])


# --- One store hangs -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", [Way.FORGETFUL, *by_make_check(Way.DEAF, Way.SILENT, Way.STALLING)])
def test_with_the_event_table_hanging_the_queue_takes_the_whole_record(
    way: Way, listener: Listener, queued: Callable[[], dict[str, bool]]
) -> None:
    listener.hang({"event table"}, way)
    answer = listener(uuid := str(uuid4()))
    assert (answer.status, answer.content["status"]) == (200, "accepted")
    assert queued()[uuid] is True
    assert answer.seconds < MAX_SECONDS


@pytest.mark.parametrize("way", [Way.FORGETFUL, *by_make_check(Way.DEAF, Way.SILENT, Way.STALLING)])
def test_with_the_queue_hanging_the_event_is_left_to_the_relay(
    way: Way, listener: Listener, record: Callable[[str], Mapping[str, Any]]
) -> None:
    listener.hang({"queue"}, way)
    answer = listener(uuid := str(uuid4()))
    assert (answer.status, answer.content["status"]) == (200, "accepted")
    assert "unsent" in record(uuid)
    assert answer.seconds < MAX_SECONDS


@every_way
def test_with_the_secret_store_hanging_the_cached_secret_serves(way: Way, listener: Listener) -> None:
    listener.forget_when_the_secret_was_fetched()
    listener.hang({"secret"}, way)
    answer = listener(str(uuid4()))
    assert answer.status == 200
    assert answer.seconds < MAX_SECONDS


@every_way
def test_with_the_secret_store_hanging_and_none_cached_the_sender_has_to_try_again(
    way: Way, listener: Listener
) -> None:
    listener.forget_when_the_secret_was_fetched()
    listener.ingest.secrets._current.secret = b""
    listener.hang({"secret"}, way)
    answer = listener(str(uuid4()))
    assert (answer.status, answer.content["error"]) == (503, "secret_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.seconds < MAX_SECONDS


# --- Several hang --------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize(
    "names",
    [
        pytest.param({"event table", "queue"}, id="the event table and the queue", marks=pytest.mark.thorough),
        pytest.param({"event table", "queue", "secret"}, id="everything"),
    ],
)
def test_with_both_ways_to_the_consumer_hanging_the_sender_has_to_try_again(
    names: set[str], way: Way, listener: Listener
) -> None:
    listener.forget_when_the_secret_was_fetched()
    listener.hang(names, way)
    answer = listener(str(uuid4()))
    assert (answer.status, answer.content["error"]) == (503, "store_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.seconds < MAX_SECONDS
    # Each is asked once: what a second try would take is the other store's time. A door that is shut counts nothing.
    assert {listener.doors[name].hung for name in names} == {0 if way is Way.DEAF else 1}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param({"event table", "secret"}, id="the event table"),
        pytest.param({"queue", "secret"}, id="the queue", marks=pytest.mark.thorough),
    ],
)
def test_with_the_secret_store_hanging_besides_one_way_is_still_open(names: set[str], listener: Listener) -> None:
    listener.forget_when_the_secret_was_fetched()
    listener.hang(names, Way.SILENT)
    answer = listener(str(uuid4()))
    assert answer.status == 200
    assert answer.seconds < MAX_SECONDS


def test_an_event_table_that_hangs_after_the_put_leaves_a_hanging_queue_no_way_out(
    listener: Listener, record: Callable[[str], Mapping[str, Any]]
) -> None:
    listener.forget_when_the_secret_was_fetched()
    listener.hang({"queue"}, Way.SILENT)
    listener.doors["event table"].hang(Way.SILENT, passes=1)
    listener.doors["secret"].hang(Way.SILENT, passes=1)
    answer = listener(uuid := str(uuid4()))
    assert answer.status == 503
    assert record(uuid)["state"] == {"S": "RECEIVED"}  # the sender's next try finds it, and sends it
    assert answer.seconds < MAX_SECONDS


def test_a_conflict_that_cannot_be_kept_is_handed_over_unrecorded(
    listener: Listener, queued: Callable[[], dict[str, bool]]
) -> None:
    """The most calls that a delivery takes: a put that is refused, one that hangs, and a send."""
    listener(uuid := str(uuid4()))
    queued()
    listener.doors["event table"].hang(Way.SILENT, passes=1)
    body = json.dumps({"event": "payment.completed", "data": {"uuid": uuid, "amount": 1}}).encode()
    begin = time.monotonic()
    answer = listener.ingest.handle(http_request(body, sign(body, SECRET)))
    assert time.monotonic() - begin < MAX_SECONDS
    assert answer["statusCode"] == 200
    assert queued() == {uuid: True}
