"""Whatever is sent: no unhandled exception, no 5xx, nothing stored unless signed, and no message that spoils a batch.

More than a thousand attacks; `make prove` makes two hundred thousand, guided by coverage.
"""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import http_request
import ingest
from tests.support import respelled
from tests.support.attack_harness import SECRET, AttackHarness
from tests.support.attacks import Attack, Bytes, attack, seeded
from wickiepay import clock, identity, queue
from wickiepay.lambda_events import http_request as http_request_of
from wickiepay.signature import Verified, parse_signature, sign

BODY: Final = b'{"event": "payment.completed", "data": {"uuid": "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"}}'


@pytest.fixture(scope="module")
def harness() -> Iterator[AttackHarness]:
    harness = AttackHarness()
    yield harness
    harness.close()


def test_a_thousand_attacks_achieve_nothing(harness: AttackHarness) -> None:
    chance = seeded(0)
    for _ in range(1000):
        harness.take(attack(chance, SECRET))
    harness.consume()


@settings(max_examples=10 * settings().max_examples)
@given(st.binary(max_size=1000))
def test_any_attack_achieves_nothing(harness: AttackHarness, decisions: bytes) -> None:
    harness.take(attack(Bytes(decisions), SECRET, insiders=0.5))
    harness.consume()


def test_malformed_messages_cost_their_batch_mate_nothing(harness: AttackHarness) -> None:
    chance = seeded(0)
    for _ in range(50):
        harness.take_messages(chance)


# --- Found by it ---------------------------------------------------------------------------------


def signed(body: bytes, **request_context: object) -> Attack:
    signature = sign(body, SECRET)
    source = str(request_context.pop("sourceIp", "203.0.113.7"))
    event = http_request_of(body, signature, sourceIp=source)
    event["requestContext"] |= request_context
    return Attack(event, body, signature, signed=True, intact=True)


@pytest.mark.parametrize("field", ["sourceIp", "requestId"])
@pytest.mark.parametrize("text", ["\ud800", "\0", "x" * 500_000, "\u202e"], ids=["surrogate", "nul", "huge", "bidi"])
def test_what_the_envelope_tells_of_a_request_can_be_logged_and_stored(
    harness: AttackHarness, field: str, text: str
) -> None:
    harness.take(signed(BODY, **{field: text}))


# --- That it would be found ----------------------------------------------------------------------


def assault() -> None:
    harness = AttackHarness()
    harness.take(signed(BODY, requestId="\ud800"))
    harness.take(signed(BODY.replace(b"5b0a", b"5b0a" * 1000)))
    for seed in range(60):
        harness.take(attack(seeded(seed), SECRET, insiders=0.5))
        harness.take_messages(seeded(seed))
    harness.consume()
    harness.close()


def everybody_is_let_in(body: bytes, *_: object) -> Verified:
    return Verified("raw", body, "current")


def as_it_is(text: str) -> str:
    return text


def any_text(content: dict[str, Any], field: str) -> str:
    return str(content[field])


def nothing_is_an_event(text: bytes, body: bytes) -> None:  # noqa: ARG001
    raise ValueError


def told(header: str) -> bytes:
    ingest.emf.write(f"signed {header}", {}, (), clock.now())
    return parse_signature(header)


@pytest.mark.thorough
def test_a_listener_without_a_mistake_withstands() -> None:
    assault()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("module", "name", "mistake"),
    [
        pytest.param(ingest, "verify", everybody_is_let_in, id="who is unsigned gets in"),
        pytest.param(ingest, "parse", nothing_is_an_event, id="an exception"),
        pytest.param(ingest, "parse_signature", told, id="a signature in a log line"),
        pytest.param(identity, "bounded", as_it_is, id="a key that the table refuses"),
        pytest.param(http_request, "bounded", as_it_is, id="a record that the table refuses"),
        pytest.param(queue, "_key", any_text, id="a message that spoils its batch"),
    ],
)
def test_a_mistake_would_be_found(
    module: ModuleType, name: str, mistake: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, mistake)
    with pytest.raises(Exception):  # noqa: B017, PT011  whatever the functions raise, or what they have done
        assault()


@pytest.mark.parametrize("seed", range(2))
def test_a_captured_signature_fits_one_event_in_whatever_words(seed: int) -> None:
    _, wrong = respelled.attack(500, seeded(seed))
    assert wrong == []
