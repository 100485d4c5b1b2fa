"""An operator's day on the local stack, by the command as it is installed: replay, accept, redrive, ask the doctor."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from tests.support.eventually import eventually
from wickiepay import clock
from wickiepay.clock import instant
from wickiepay.decimals import plain
from wickiepay.delivery import Delivery
from wickiepay.event import parse
from wickiepay.event_log import EventLog
from wickiepay.event_record import delivery_of
from wickiepay.identity import Identity
from wickiepay.queue import EventQueue, Message, Replay, encode
from wickiepay.signature import sign
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.store.ledger_records import LedgerRecords
from wickiepay_cli.store.replays import Replayer

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

COMMAND: Final = Path(sys.executable).parent / "wickiepay"
CONFIRMED: Final = "channel.payment.confirmed"
PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Listener:
    """The local stack, and the command `wickiepay` on it."""

    stack: LocalStack
    folder: Path
    secret: str

    def wickiepay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"WICKIEPAY_LOCAL": str(self.folder)}
        return subprocess.run(
            [COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def answer(self, *arguments: str) -> Any:  # noqa: ANN401  JSON
        """What the command prints with --json; it has to succeed."""
        done = self.wickiepay(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def complaints(self, *arguments: str) -> set[str]:
        """The doctor's checks that fail."""
        done = self.wickiepay("doctor", "--json", *arguments)
        failing = {check["name"] for check in json.loads(done.stdout)["checks"] if not check["ok"]}
        assert done.returncode == bool(failing), done
        return failing

    @property
    def events(self) -> EventLog:
        return EventLog(self.stack.client("dynamodb"), self.stack.outputs["EventTableName"])

    def deliver(self, uuid: str, amount: int = 5) -> Identity:
        """Delivers a channel payment through the front door."""
        body = _body(uuid, CONFIRMED, amount)
        headers = {"Content-Type": "application/json", "X-Webhook-Signature": sign(body, self.secret.encode())}
        with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as http:
            answer = http.post(self.stack.webhook_url, content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        return Identity(said["uuid"], said["event_key"])

    def record(self, uuid: str, event: str = CONFIRMED, age: timedelta = timedelta()) -> Identity:
        """Leaves a delivery on record that nothing was done about."""
        body = _body(uuid, event)
        delivery = Delivery(body, "raw", instant(clock.now() - age), "192.0.2.1", "request")
        delivered = parse(body)
        self.events.record(delivery, delivered)
        return delivered.identity

    def fail(self, identity: Identity) -> Identity:
        assert self.events.mark_failed(identity, clock.now(), "Given up.")
        return identity

    def bury(self, message: Message) -> None:
        """Puts a message into the dead-letter queue."""
        url = self.stack.outputs["DeadLetterQueueUrl"]
        self.stack.client("sqs").send_message(QueueUrl=url, MessageBody=encode(message))

    def item(self, identity: Identity) -> dict[str, Any]:
        key = {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}
        answer = self.stack.client("dynamodb").get_item(
            TableName=self.stack.outputs["EventTableName"], Key=key, ConsistentRead=True
        )
        item: dict[str, Any] = answer.get("Item", {})
        return item

    def ends(self, identity: Identity, state: str) -> bool:
        """Whether an event gets into a state while one waits."""
        return eventually(lambda: self.item(identity).get("state") == {"S": state})

    def credits(self, uuid: str) -> list[str]:
        """What the events of a uuid have credited."""
        books = LedgerRecords(self.stack.client("dynamodb"), self.stack.outputs["LedgerTableName"])
        return sorted(plain(credit.amount) for credit in books.credits_of(uuid))


def _body(uuid: str, event: str, amount: int = 5) -> bytes:
    data = {"uuid": uuid, "reference": f"account-{uuid}", "displayCurrency": {"currency": "EUR", "amount": amount}}
    return json.dumps({"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": data}).encode()


@pytest.fixture
def listener(stack: LocalStack, signing_secret: str, tmp_path: Path) -> Listener:
    local_stack.write(stack, tmp_path)
    return Listener(stack, tmp_path, signing_secret)


@pytest.fixture
def uuid() -> str:
    return str(uuid4())


# --- Replays -----------------------------------------------------------------------------------------
def test_a_replayed_event_that_had_failed_is_processed(listener: Listener, uuid: str) -> None:
    identity = listener.fail(listener.record(uuid))
    answer = listener.answer("events", "replay", uuid, "--why", "mended")
    assert (listener.ends(identity, "PROCESSED"), listener.credits(uuid)) == (True, ["5"])
    [shown] = listener.answer("events", "show", uuid)
    assert [(line["id"], line["why"]) for line in shown["replays"]] == [(answer["id"], "mended")]


def test_a_replayed_event_that_was_processed_is_credited_once(listener: Listener, uuid: str) -> None:
    identity = listener.deliver(uuid)
    assert listener.ends(identity, "PROCESSED")
    for _ in range(2):
        assert listener.answer("events", "replay", uuid, "--announce")["replayed"] == 1
    assert eventually(lambda: queue_is_empty(listener))
    assert (listener.ends(identity, "PROCESSED"), listener.credits(uuid)) == (True, ["5"])


def queue_is_empty(listener: Listener) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = listener.stack.outputs["EventQueueUrl"]
    counts = listener.stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return not any(int(counts[name]) for name in names)


def test_all_failed_events_of_a_type_are_replayed(listener: Listener, uuid: str) -> None:
    kind = f"weather.{uuid}"  # nobody handles it: its events end IGNORED
    failed = [listener.fail(listener.record(f"{uuid}-{number}", kind)) for number in range(12)]
    found = ("events", "replay", "--state", "FAILED", "--type", kind, "--since", "1h")
    assert listener.answer(*found, "--dry-run")["matched"] == 12
    assert {listener.item(identity)["state"]["S"] for identity in failed} == {"FAILED"}
    assert listener.answer(*found, "--rate", "100")["replayed"] == 12
    assert all(listener.ends(identity, "IGNORED") for identity in failed)
    assert listener.answer(*found)["matched"] == 0


def test_many_operators_at_once_lose_no_line_of_the_history(listener: Listener, uuid: str) -> None:
    identity = listener.record(uuid)

    def replay(number: int) -> int:
        dynamodb, sqs = listener.stack.client("dynamodb"), listener.stack.client("sqs")
        queue = EventQueue(sqs, listener.stack.outputs["EventQueueUrl"])
        replayer = Replayer(dynamodb, listener.stack.outputs["EventTableName"], queue, clock.now)
        return replayer.replay([identity], Replay(str(number), "somebody", "")).replayed

    with ThreadPoolExecutor(8) as operators:
        assert list(operators.map(replay, range(8))) == [1] * 8
    lines = json.loads(listener.item(identity)["replays"]["S"])
    assert sorted(line["id"] for line in lines) == [str(number) for number in range(8)]
    assert (listener.ends(identity, "PROCESSED"), listener.credits(uuid)) == (True, ["5"])


# --- Accepting a conflict ----------------------------------------------------------------------------
def test_an_accepted_conflict_is_credited_once_besides(listener: Listener, uuid: str) -> None:
    first = listener.deliver(uuid)
    assert listener.ends(first, "PROCESSED")
    listener.deliver(uuid, amount=7)
    with ThreadPoolExecutor(2) as operators:
        answers = list(operators.map(lambda _: listener.answer("events", "accept", uuid, "--second-credit"), range(2)))
    [key] = {answer["accepted_as"] for answer in answers}
    assert [credit["amount"] for credit in answers[0]["credited_before"] if credit["event_key"] != key] == ["5"]
    assert (listener.ends(Identity(uuid, key), "PROCESSED"), listener.credits(uuid)) == (True, ["5", "7"])


# --- Dead letters ------------------------------------------------------------------------------------
@pytest.fixture
def dead_letters(listener: Listener) -> Iterator[None]:
    """A dead-letter queue that nobody else has used, or leaves anything in."""
    assert listener.answer("dlq", "list") == []
    yield
    assert listener.answer("dlq", "list") == []


@pytest.mark.usefixtures("dead_letters")
def test_a_redriven_message_of_a_failed_event_is_processed(listener: Listener, uuid: str) -> None:
    identity = listener.fail(listener.record(uuid))
    listener.bury(Message(identity, delivery_of(listener.item(identity))))
    [letter] = listener.answer("dlq", "list")
    assert (letter["uuid"], letter["state"], letter["error"]) == (uuid, "FAILED", "Given up.")
    shown = listener.answer("dlq", "show", letter["id"])
    assert json.loads(shown["body"])["data"]["uuid"] == uuid
    assert listener.answer("dlq", "redrive", "--id", letter["id"])["redriven"] == 1
    assert (listener.ends(identity, "PROCESSED"), listener.credits(uuid)) == (True, ["5"])


@pytest.mark.usefixtures("dead_letters")
def test_redriven_messages_without_a_record_are_recorded_first(listener: Listener, uuid: str) -> None:
    identities = [Identity(f"{uuid}-{number}", CONFIRMED) for number in range(12)]
    for number, identity in enumerate(identities):
        body = _body(identity.uuid, CONFIRMED)
        delivery = Delivery(body, "raw", instant(clock.now()), "192.0.2.1", "request")
        listener.bury(Message(identity, delivery, unrecorded=number % 2 == 0))
    assert listener.answer("dlq", "redrive", "--all")["redriven"] == 12
    assert all(listener.ends(identity, "PROCESSED") for identity in identities)


# --- The doctor --------------------------------------------------------------------------------------
def test_the_books_add_up_while_the_stack_is_at_work(listener: Listener, uuid: str) -> None:
    with ThreadPoolExecutor(4) as senders:
        deliveries = [senders.submit(listener.deliver, f"{uuid}-{number % 20}") for number in range(40)]
        found = [listener.complaints() for _ in range(3)]
        identities = {delivery.result() for delivery in deliveries}
    assert found == [set()] * 3
    assert all(listener.ends(identity, "PROCESSED") for identity in identities)
    assert listener.complaints() == set()


def test_an_orphan_is_found_and_repaired(listener: Listener, uuid: str) -> None:
    identity = listener.record(uuid, age=timedelta(minutes=16))
    assert eventually(lambda: listener.complaints() == {"no_orphans"})  # once the queue is empty
    report = listener.answer("doctor", "--repair")
    assert (report["repaired"], [orphan["uuid"] for orphan in report["orphans"]]) == (1, [uuid])
    assert (listener.ends(identity, "PROCESSED"), listener.credits(uuid)) == (True, ["5"])
    assert listener.complaints() == set()


def test_a_balance_that_was_tampered_with_is_found(listener: Listener, uuid: str) -> None:
    assert listener.ends(listener.deliver(uuid), "PROCESSED")
    add_to_balance(listener, uuid, "0.000000000000000001")
    found = listener.wickiepay("doctor")
    add_to_balance(listener, uuid, "-0.000000000000000001")
    assert f"account-{uuid} has 5.000000000000000001 EUR, its entries add up to 5" in found.stdout
    assert (found.returncode, listener.complaints()) == (1, set())


def add_to_balance(listener: Listener, uuid: str, amount: str) -> None:
    listener.stack.client("dynamodb").update_item(
        TableName=listener.stack.outputs["LedgerTableName"],
        Key={"pk": {"S": f"balance#account-{uuid}"}, "sk": {"S": "EUR"}},
        UpdateExpression="ADD amount :amount",
        ExpressionAttributeValues={":amount": {"N": amount}},
    )


def test_an_event_that_is_gone_is_missed(listener: Listener, uuid: str) -> None:
    identity = listener.deliver(uuid)
    assert listener.ends(identity, "PROCESSED")
    item, dynamodb, table = listener.item(identity), listener.stack.client("dynamodb"), "EventTableName"
    key = {"uuid": item["uuid"], "event_key": item["event_key"]}
    dynamodb.delete_item(TableName=listener.stack.outputs[table], Key=key)
    found = listener.complaints()
    dynamodb.put_item(TableName=listener.stack.outputs[table], Item=item)
    assert (found, listener.complaints()) == ({"credits_have_events"}, set())
