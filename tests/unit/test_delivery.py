"""A delivery keeps its bytes, and is read by the text that its signature covers."""

import hashlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.deliveries import DeliveryOf
from wickiepay.delivery import VOCABULARY, Delivery, unpack
from wickiepay.errors import UnusableBody
from wickiepay.reserialise import NotReserialisable
from wickiepay_cli.sending.samples import event_types, sample

MAX_BODY_BYTES = 256 * 1024


@given(st.binary(max_size=10_000))
def test_a_body_is_unpacked_as_it_was_packed(body: bytes) -> None:
    assert unpack(Delivery(body, "raw", "", "", "").packed_body) == body


def test_an_incompressible_body_hardly_grows() -> None:
    body = hashlib.shake_256(b"").digest(256 * 1024)

    assert len(Delivery(body, "raw", "", "", "").packed_body) < len(body) + 200


@pytest.mark.parametrize("event_type", event_types())
def test_the_vocabulary_saves_a_fifth_of_each_sample_and_more(event_type: str) -> None:
    body = json.dumps(json.loads(sample(event_type))).encode()

    assert len(Delivery(body, "raw", "", "", "").packed_body) < 0.8 * len(zlib.compress(body))


def test_what_is_on_record_can_be_read_as_long_as_the_vocabulary_stays() -> None:
    fingerprint = "3927aae0a87c2366779cd19614228570bdf7b2ac551371f6d173620a4b4ff787"

    assert hashlib.sha256(VOCABULARY).hexdigest() == fingerprint


@pytest.mark.parametrize("body", [bytes(MAX_BODY_BYTES), hashlib.shake_256(b"").digest(MAX_BODY_BYTES)])
def test_the_largest_body_is_unpacked(body: bytes) -> None:
    assert unpack(zlib.compress(body)) == body


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"not packed", id="not packed"),
        pytest.param(zlib.compress(b"body")[:-1], id="cut off"),
        pytest.param(zlib.compress(b"body") + b"more", id="followed by something else"),
        pytest.param(zlib.compress(bytes(MAX_BODY_BYTES + 1)), id="too large"),
        pytest.param(zlib.compress(bytes(16 * MAX_BODY_BYTES)), id="far too large"),
    ],
)
def test_what_was_not_packed_is_no_body(packed: bytes) -> None:
    with pytest.raises(zlib.error):
        unpack(packed)


@pytest.mark.parametrize(
    ("scheme", "acted_on"), [("raw", "9007199254740993"), ("node", "9007199254740992"), ("python", "9007199254740993")]
)
def test_only_the_digits_that_the_signature_covers_are_acted_on(
    scheme: str, acted_on: str, delivery_of: DeliveryOf
) -> None:
    delivery = delivery_of(b'{"event": "a", "data": {"amount": 9007199254740993}}', scheme=scheme)

    assert str(delivery.event().data["amount"]) == acted_on


def test_what_holds_no_event_is_unusable(delivery_of: DeliveryOf) -> None:
    with pytest.raises(UnusableBody):
        delivery_of(b"[]").event()


@pytest.mark.parametrize("scheme", ["node", "python"])
def test_what_no_signature_can_have_covered_is_refused(scheme: str, delivery_of: DeliveryOf) -> None:
    with pytest.raises(NotReserialisable):
        delivery_of(b"not JSON", scheme=scheme).event()
