"""The samples in `events` are right: complete, as they are made, rightly signed, and answered as their names say."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

import consumer
import ingest
import relay
from http_request import HttpRequest
from wickiepay.bus import EventBus
from wickiepay.event import parse
from wickiepay.event_log import EventLog
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue, decode
from wickiepay.routing import router
from wickiepay.signature import parse_signature, verify
from wickiepay.signing_secrets import SigningSecrets
from wickiepay_cli.checkout.sample_events import SECRET, sample_events
from wickiepay_cli.project import EVENTS
from wickiepay_cli.sending.samples import event_types, sample

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

FILES: Final = {
    str(path.relative_to(EVENTS)): json.loads(path.read_text())
    for path in EVENTS.rglob("*.json")
    if path.parent.name not in {"payloads", "saved"}
}

INGEST_ANSWERS: Final = {
    "valid": 200,
    "valid_channel_payment": 200,
    "valid_deposit": 200,
    "valid_node_scheme": 200,
    "valid_python_scheme": 200,
    "duplicate": 200,
    "base64": 200,
    "bad_signature": 401,
    "missing_signature": 401,
    "oversized": 413,
    "wrong_method": 405,
    "other_content_type": 200,
    "unusable": 400,
}

UNSIGNED: Final = {"bad_signature", "missing_signature", "wrong_method"}

SCHEMES: Final = {"valid_node_scheme": "node", "valid_python_scheme": "python"}

CONSUMER_STATES: Final[dict[str, list[str | None]]] = {
    "each_family": ["PROCESSED"] * 10,
    "mixed_with_poison": ["PROCESSED", None, "PROCESSED"],
    "unrecorded": ["PROCESSED"],
    "replay": ["PROCESSED"],
    "unknown_type": ["IGNORED"],
    "no_account": ["FAILED"],
}
"""The state of each message's event afterwards; None for a message that has to come again."""


def with_messages_unpacked(envelope: Any) -> Any:  # noqa: ANN401  JSON
    """`envelope` with its messages read: what they are packed into depends on the machine's zlib."""
    if "Records" not in envelope:
        return envelope
    return [
        {**record, "md5OfBody": None, "body": decode(body) if (body := record["body"]).startswith("{") else body}
        for record in envelope["Records"]
    ]


# --- As they are made -----------------------------------------------------------------------------------
def test_every_event_type_that_is_handled_has_a_sample() -> None:
    assert event_types() == sorted(router)


@pytest.mark.parametrize("event_type", event_types())
def test_a_sample_is_an_event_of_its_type(event_type: str) -> None:
    text = sample(event_type)
    assert parse(text).name == event_type


def test_every_envelope_is_there_and_no_other() -> None:
    assert FILES.keys() == sample_events().keys()


@pytest.mark.parametrize("name", FILES)
def test_an_envelope_is_as_it_is_made(name: str) -> None:
    assert with_messages_unpacked(FILES[name]) == with_messages_unpacked(json.loads(sample_events()[name]))


@pytest.mark.parametrize("name", sorted(INGEST_ANSWERS.keys() - UNSIGNED))
def test_an_envelope_is_signed_with_the_local_secret(name: str) -> None:
    request = HttpRequest(FILES[f"ingest/{name}.json"])
    # The body of the oversized one is refused before anything looks at it.
    body = FILES["ingest/oversized.json"]["body"].encode() if name == "oversized" else request.body()
    signature = parse_signature(request.header("x-webhook-signature"))
    assert verify(body, signature, [SECRET]).scheme == SCHEMES.get(name, "raw")


# --- As they are answered -------------------------------------------------------------------------------
@pytest.fixture
def stores(events: EventLog, ledger: Ledger, queue: EventQueue, bus: EventBus) -> None:
    """All that the functions write to."""


@pytest.fixture
def functions(
    stores: None,  # noqa: ARG001
    signing_secret: str,
    secretsmanager: "SecretsManagerClient",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The functions as deployed, with the local secret in the store, and on one thread, since moto knows no more."""
    secretsmanager.put_secret_value(SecretId=signing_secret, SecretString=SECRET.decode())
    secrets = SigningSecrets(secretsmanager, signing_secret, time.monotonic)
    one_thread = ThreadPoolExecutor(max_workers=1)
    monkeypatch.setattr(ingest, "ingest", replace(ingest.ingest, secrets=secrets))
    monkeypatch.setattr(consumer, "consumer", replace(consumer.consumer, threads=one_thread))


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("name", sorted(path for path in FILES if path.startswith("ingest/")))
def test_ingest_answers_a_request_as_its_name_says(name: str) -> None:
    answer = ingest.lambda_handler(FILES[name], None)
    assert answer["statusCode"] == INGEST_ANSWERS[name.removeprefix("ingest/").removesuffix(".json")]


@pytest.mark.usefixtures("functions")
def test_ingest_calls_the_duplicate_a_duplicate() -> None:
    answers = [ingest.lambda_handler(FILES[f"ingest/{name}.json"], None) for name in ("valid", "duplicate", "base64")]
    assert [json.loads(answer["body"])["status"] for answer in answers] == ["accepted", "duplicate", "duplicate"]


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("name", sorted(path for path in FILES if path.startswith("consumer/")))
def test_the_consumer_does_with_a_batch_what_its_name_says(name: str, events: EventLog) -> None:
    batch = FILES[name]
    expected = CONSUMER_STATES[name.removeprefix("consumer/").removesuffix(".json")]
    answer = consumer.lambda_handler(batch, None)
    again = [record["messageId"] for record, state in zip(batch["Records"], expected, strict=True) if not state]
    assert answer == {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}
    taken = [decode(record["body"]).identity for record in batch["Records"] if record["messageId"] not in again]
    states, _ = events.states(taken)
    assert [states[identity] for identity in taken] == [state for state in expected if state]


@pytest.mark.usefixtures("functions")
def test_the_relay_takes_its_tick() -> None:
    assert relay.lambda_handler(FILES["relay/tick.json"], None) == {"sent": 0}
