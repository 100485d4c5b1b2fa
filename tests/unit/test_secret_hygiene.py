"""No secret, no signature and no body gets where it must not be: and where one does, the test that did it fails.

Every test of this project is watched (tests/conftest.py). Here is what shows that the watching works.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import consumer
import ingest
import relay
from tests.support.aws import Calls
from tests.support.clock import Clock
from tests.support.deliveries import BodyOf
from tests.support.hygiene import Hygiene
from tests.support.wiring import Wiring, consumer_on, ingest_on, relay_on
from wickiepay import clock, delivery, event_record, ledger_items, queue
from wickiepay.bus import Announcement, EventBus
from wickiepay.emf import EmfLog
from wickiepay.event_log import EventLog
from wickiepay.lambda_events import http_request, sqs_batch
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue, Message
from wickiepay.signature import sign
from wickiepay.signing_secrets import SigningSecrets

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

PROJECT: Final = Path(__file__).parents[2]


@dataclass
class Listener:
    """The three functions on one AWS."""

    ingest: ingest.Ingest
    consumer: consumer.Consumer
    relay: relay.Relay
    sqs: "SQSClient"
    secret: bytes

    def deliver(self, body: bytes, signature: str | None = None, scheme: str = "raw") -> None:
        self.ingest.handle(http_request(body, signature or sign(body, self.secret, scheme)))

    def consume(self) -> None:
        url = "https://sqs.us-east-1.amazonaws.com/123456789012/EventQueue"
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get(
            "Messages"
        ):
            self.consumer.process(sqs_batch(messages)["Records"])


@pytest.fixture
def listener(
    events: EventLog,
    ledger: Ledger,
    queue: EventQueue,
    bus: EventBus,
    signing_secret: str,
    secretsmanager: "SecretsManagerClient",
    sqs: "SQSClient",
    clock: Clock,
    secret: bytes,
    now: datetime,
) -> Listener:
    secrets = SigningSecrets(secretsmanager, signing_secret, clock)
    wiring = Wiring(events, queue, ledger, bus, secrets, lambda: now)
    return Listener(ingest_on(wiring), consumer_on(wiring), relay_on(wiring), sqs, secret)


@pytest.fixture
def everything_happens(listener: Listener, body_of: BodyOf, calls: Calls) -> Callable[[], None]:
    """One of each kind of thing that can happen to a delivery."""

    def happen() -> None:
        paid = {"uuid": "uuid-1", "reference": "user-1", "displayCurrency": {"currency": "EUR", "amount": 1}}
        body = body_of("channel.payment.confirmed", paid)
        listener.deliver(body)
        listener.deliver(body)
        listener.deliver(body_of("channel.payment.confirmed", {**paid, "note": "other content"}))
        listener.deliver(body_of("deposit.status_change", {"id": "deposit-1", "status": "COMPLETE"}), scheme="node")
        listener.deliver(body_of("of a kind that nothing handles"), scheme="python")
        listener.deliver(body_of("channel.payment.confirmed", {"uuid": "of nobody's account"}))
        listener.deliver(body_of(data=["signed, and no event", "of any kind", "that we know"]))
        listener.deliver(body, signature=sign(body, b"a secret that nobody has"))
        listener.deliver(body, signature="none of a signature's form")
        calls.fail("PutItem", times=2)
        listener.deliver(body_of(data={"uuid": "while the table is out"}))
        calls.mend()
        calls.fail("SendMessage", times=2)
        listener.deliver(body_of(data={"uuid": "while the queue is out"}))
        calls.mend()
        listener.relay.run()
        listener.consume()
        calls.refuse("PutEvents", "AccessDeniedException")
        listener.deliver(body_of(data={"uuid": "while the bus refuses"}))
        listener.consume()

    return happen


def test_without_a_mistake_nothing_leaks(everything_happens: Callable[[], None], hygiene: Hygiene) -> None:
    everything_happens()

    heard = "\n".join(hygiene.heard())
    for printed_or_stored in (
        *("delivery accepted", "delivery forged", "delivery conflict", "event processed", "event failed"),  # log lines
        *("DeliveryAccepted", "EventProcessed", "Unsent"),  # metrics
        *("credit#uuid-1", "resource#deposit#deposit-1", "attribute_not_exists"),  # tables
        *('"uuid":"uuid-1"', '"uuid": "uuid-1"'),  # queue, bus
    ):
        assert printed_or_stored in heard
    assert hygiene.leaks() == []


# --- Mistakes -----------------------------------------------------------------------------------------
def log(text: object) -> None:
    ingest.emf.write(f"verified {text}", {}, (), clock.now())


def note(facts: dict[str, object]) -> None:
    ingest.emf.write("verified", facts, (), clock.now())


def count(name: str) -> None:
    EmfLog("ingest", "WickiePay/test", {name}).write("verified", {}, (name,), clock.now())


def fail(text: object) -> None:
    raise ValueError(text)


def with_text(item: dict[str, Any], text: str) -> dict[str, Any]:
    return {**item, "more": {"S": text}}


def signature_of(message: Message) -> str:
    return sign(message.delivery.body, SECRET.encode())


def with_member(text: str, member: str) -> str:
    return json.dumps({**json.loads(text), "more": member})


SECRET: Final = "the-signing-secret-of-these-tests"

type Mistake = tuple[str, Any, str, Callable[..., object]]
"""What leaks; a module or class; a function in it; and what that does besides: it is given the result and the
arguments, and returns another result, or None."""

MISTAKES: Final[dict[str, Mistake]] = {
    # Log lines
    "secrets": ("a signing secret", ingest, "verify", lambda _, _body, _signature, secrets, *_more: log(secrets)),
    "a signature": ("a signature", ingest, "verify", lambda _, _body, signature, *_more: log(signature.hex())),
    "a header": ("a signature", ingest, "parse_signature", lambda _, header: log([header.upper()])),
    "the text that is covered": ("a body", ingest, "verify", lambda verified, *_: log(verified.text.decode())),
    "what was verified": ("a body", ingest, "verify", lambda verified, *_: log(verified)),
    "base64": ("a body", ingest, "verify", lambda _, body, *_more: log(base64.b64encode(body))),
    "a field": ("a body", delivery, "covered_text", lambda text, *_: note({"delivery": str(text)})),
    "a queue message": ("a body", queue, "encode", lambda text, _: log(text)),
    "an exception": ("a body", Message, "event", lambda _, message: fail(message.delivery.body)),
    # Elsewhere on the way out
    "a metric": ("a signature", ingest, "parse_signature", lambda _, header: count(header)),
    "a fact": ("a body", ingest, "parse", lambda _, text, _at: note({"of": str(text)})),
    "stdout": ("a body", ingest, "parse", lambda _, text, _at: print(text)),
    "stderr": ("a body", ingest, "parse", lambda _, text, _at: print(text, file=sys.stderr)),
    # What stays
    "a record": (
        "a body",
        event_record,
        "record_item",
        lambda item, delivery, *_: with_text(item, delivery.body.decode()),
    ),
    "a key": ("a signing secret", event_record, "key", lambda key, _: {**key, "event_key": {"S": SECRET}}),
    "the books": ("a signing secret", ledger_items, "resource_item", lambda item, *_: with_text(item, SECRET)),
    "an announcement": ("a signing secret", Announcement, "detail", lambda text, _: with_member(text, SECRET)),
    "a message": ("a signature", queue, "encode", lambda text, made: with_member(text, signature_of(made))),
}


@pytest.mark.thorough
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(
    mistake: str, everything_happens: Callable[[], None], hygiene: Hygiene, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaking, owner, name, does = MISTAKES[mistake]
    right = getattr(owner, name)

    def mistaken(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  whatever the function takes and returns
        result = right(*arguments, **named)
        other = does(result, *arguments, **named)
        return result if other is None else other

    monkeypatch.setattr(owner, name, mistaken)
    everything_happens()

    leaks = hygiene.leaks()
    hygiene.forget()
    assert {leak.partition(":")[0] for leak in leaks} == {leaking}


@pytest.mark.thorough
def test_a_mistake_fails_the_test_that_met_it(tmp_path: Path) -> None:
    test = tmp_path / "test_mistake.py"
    test.write_text(
        f"from wickiepay.signature import sign\ndef test_mistake():\n    print(sign(b'a body', b'{SECRET}'))\n"
    )
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.conftest",
            "-p",
            "no:cacheprovider",
            "-c",
            PROJECT / "pyproject.toml",
            test,
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "AssertionError: a signature: " in run.stdout
    assert "1 failed" in run.stdout
