"""Which event a delivery is: the rules for every event type, and keys that no sender can break."""

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from tests.support.handler_tests import with_own_test
from wickiepay.clock import parse_instant
from wickiepay.identity import Identity, Kind, bounded, event_id, identifier, identify, transaction, unusable
from wickiepay.routing import discover, router
from wickiepay.spelling import canonical, normal_spelling

UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
OTHER = "c51645f4-41f8-444e-8511-2af00b50adc0"
TIME = "2026-01-15T10:25:00Z"
INSTANT = "2026-01-15T10:25:00.000000Z"
CONTENT_HASH = bytes.fromhex("b" * 64)
DIGITS = "b" * 16
TX = "0xabc"

DATA: Mapping[str, object] = {"uuid": UUID}
BY_ID: Mapping[str, object] = {"id": UUID}

TABLE: list[tuple[str, Mapping[str, object], str]] = [
    ("payment.created", DATA, ""),
    ("payment.processing", DATA, ""),
    ("payment.completed", DATA, ""),
    ("payment.underpaid", DATA, ""),
    ("payment.expired", DATA, ""),
    ("payment.cancelled", DATA, ""),
    ("channel.payment.detected", DATA, ""),
    ("channel.payment.confirmed", DATA, ""),
    ("channel.payment.completed", DATA, ""),
    ("channel.payment.detected", {**DATA, "hash": TX}, f"#{TX}"),
    ("channel.payment.confirmed", {**DATA, "txHash": TX}, f"#{TX}"),
    ("channel.payment.confirmed", {**DATA, "channelId": UUID.upper(), "hash": TX}, f"#{TX}"),
    ("channel.payment.confirmed", {**DATA, "channelId": OTHER, "hash": TX}, ""),  # so the uuid is the payment's
    ("channel.payment.completed", {**DATA, "hash": TX, "txHash": "other"}, f"#{TX}"),
    ("deposit.status_change", {**BY_ID, "status": "PENDING"}, "#PENDING"),
    ("withdrawal.status_change", {**BY_ID, "status": "PROCESSING"}, "#PROCESSING"),
    ("consolidation.status_change", {**BY_ID, "status": "COMPLETE"}, "#COMPLETE"),
    ("crypto.address.created", {**BY_ID, "status": "ACTIVE"}, ""),
    ("trade.conversion.created", BY_ID, ""),
    ("trade.conversion.state_changed", {**BY_ID, "state": "EXECUTED"}, "#EXECUTED"),
    ("trade.conversion.state_changed", {**BY_ID, "status": "COMPLETE", "state": "EXECUTED"}, "#COMPLETE"),
    ("approval.request.status_changed", {**BY_ID, "status": "APPROVED"}, "#APPROVED"),
    ("approval.vote_required", BY_ID, f"#{INSTANT}#{DIGITS}"),
    ("balance.updated", BY_ID, f"#{INSTANT}#{DIGITS}"),
    ("audit.api", BY_ID, f"#{INSTANT}#{DIGITS}"),
    ("audit.login", BY_ID, f"#{INSTANT}#{DIGITS}"),
    ("invoice.paid", DATA, f"#{INSTANT}#{DIGITS}"),  # not in the provider's table
    ("payment.refunded", DATA, f"#{INSTANT}#{DIGITS}"),
    ("channel.payment.refunded", {**DATA, "hash": TX}, f"#{INSTANT}#{DIGITS}"),
    ("deposit.status_change", BY_ID, f"#{INSTANT}#{DIGITS}"),  # without its status
    ("payment.completed", {**DATA, "hash": TX}, ""),  # a transaction tells channel payments apart, nothing else
]


def identity_of(
    name: str, data: Mapping[str, object], content_hash: bytes = CONTENT_HASH, **envelope: object
) -> Identity:
    whole = {"event": name, "timestamp": TIME, **envelope}
    return identify(bounded(name), whole, data, parse_instant(whole["timestamp"]), content_hash)


@pytest.mark.parametrize(("name", "data", "discriminator"), TABLE)
def test_every_event_type(name: str, data: Mapping[str, object], discriminator: str) -> None:
    assert identity_of(name, data) == Identity(UUID, name + discriminator)


def test_the_table_holds_every_event_type_whose_handler_has_no_test_of_its_own() -> None:
    discover(handlers)

    assert set(router) - with_own_test(router) <= {name for name, _, _ in TABLE}


# --- One spelling -------------------------------------------------------------------------------------
HASH_64 = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        (UUID.upper(), UUID),
        (f" {UUID} ", UUID),
        (HASH_64.upper(), HASH_64),
        (f"0x{HASH_64}", HASH_64),
        (f"0X{HASH_64.upper()}\n", HASH_64),
        ("Pay-7", "Pay-7"),
        (UUID.replace("-", ""), UUID.replace("-", "")),
        (f"{{{UUID.upper()}}}", f"{{{UUID.upper()}}}"),
        (HASH_64.upper()[:-1], HASH_64.upper()[:-1]),
        (f"{HASH_64.upper()}A", f"{HASH_64.upper()}A"),
        ("5Kd3NBUAdUnhyzenEwVLy9pBKxSwXvE9FMPyR4UKZvpe6E3AgLrQvVEsJWxLkNoPqRs", None),
    ],
)
def test_a_uuid_and_a_transaction_have_one_spelling(sent: str, normal: str | None) -> None:
    assert normal_spelling(sent) == (sent if normal is None else normal)


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"hash": f" 0x{HASH_64.upper()} "}, HASH_64),
        ({"txHash": "0xABC"}, "0xabc"),
        ({"hash": " AbC "}, "AbC"),  # base58 keeps its case
        ({"hash": "", "txHash": "b"}, "b"),
        ({"hash": "  "}, None),
        ({}, None),
    ],
)
def test_how_a_transaction_is_known(sent: Mapping[str, object], found: str | None) -> None:
    assert transaction(sent) == found


# --- The grammar of keys --------------------------------------------------------------------------------
FIRST = Identity(UUID, f"channel.payment.confirmed#{TX}")


@pytest.mark.parametrize("told", [FIRST, FIRST.revision(INSTANT)])
def test_what_can_be_read_off_a_key(told: Identity) -> None:
    conflict = told.conflict(CONTENT_HASH)
    accepted = conflict.accepted()

    assert [each.kind for each in (told, conflict, accepted)] == [Kind.EVENT, Kind.CONFLICT, Kind.ACCEPTED]
    assert {each.name for each in (told, conflict, accepted)} == {"channel.payment.confirmed"}
    assert {each.first for each in (told, conflict, accepted)} == {FIRST}
    assert {each.corrected for each in (told, conflict, accepted)} == {told}
    assert {each.content_digits for each in (conflict, accepted)} == {CONTENT_HASH.hex()}
    assert told.content_digits == ""
    assert {each.revised_at for each in (told, conflict)} == {None if told == FIRST else INSTANT}


def test_the_spelling_of_keys_never_changes() -> None:
    revision = FIRST.revision(INSTANT)
    assert revision.event_key == f"channel.payment.confirmed#{TX}##{INSTANT}"
    assert revision.conflict(CONTENT_HASH).event_key == f"{revision.event_key}!conflict#{CONTENT_HASH.hex()}"
    assert FIRST.conflict(CONTENT_HASH).accepted().event_key == f"{FIRST.event_key}!accepted#{CONTENT_HASH.hex()}"
    assert unusable(CONTENT_HASH) == Identity(f"sha256:{CONTENT_HASH.hex()}", "!unusable")
    assert unusable(CONTENT_HASH).kind is Kind.UNUSABLE


# --- The trap: one uuid, several events --------------------------------------------------------------
def test_two_stages_of_one_payment_are_two_events() -> None:
    assert identity_of("payment.processing", DATA) != identity_of("payment.completed", DATA)


def test_three_states_of_one_deposit_are_three_events() -> None:
    states = ("PENDING", "CONFIRMED", "COMPLETE")

    assert len({identity_of("deposit.status_change", {**BY_ID, "status": state}) for state in states}) == 3


def test_the_same_delivery_three_times_is_one_event() -> None:
    assert len({identity_of("deposit.status_change", {**BY_ID, "status": "PENDING"}) for _ in range(3)}) == 1


def test_two_transactions_into_one_channel_are_two_events() -> None:
    hashes = ("0x1", "0x2")

    assert len({identity_of("channel.payment.confirmed", {**DATA, "hash": tx}) for tx in hashes}) == 2


@pytest.mark.parametrize("name", ["payment.completed", "deposit.status_change"])
def test_a_retry_that_restamps_the_envelope_is_the_same_event(name: str) -> None:
    data = {**DATA, "status": "COMPLETE"}

    assert identity_of(name, data) == identity_of(name, data, timestamp="2026-01-15T10:26:00Z")


# --- What names a resource ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "uuid"),
    [
        ({"uuid": "a", "id": "b"}, "a"),
        ({"uuid": "", "id": "b"}, "b"),
        ({"uuid": None, "id": "b"}, "b"),
        ({"uuid": ["a"], "id": "b"}, "b"),
        ({"uuid": True, "id": "b"}, "b"),
        ({"id": Decimal(7)}, "7"),
        ({"id": Decimal(0)}, "0"),
        ({"uuid": " ", "id": "b"}, "b"),
        ({"uuid": UUID.upper()}, UUID),
    ],
)
def test_what_names_the_resource(data: Mapping[str, object], uuid: str) -> None:
    assert identity_of("payment.completed", data).uuid == uuid


@pytest.mark.parametrize("data", [{}, {"uuid": "", "id": None}, {"uuid": {}, "id": False}])
def test_without_a_name_the_content_and_the_events_name_are_known_by_their_hash(data: Mapping[str, object]) -> None:
    uuid = "sha256:" + hashlib.sha256(canonical({"event": "payment.completed", "data": data})).hexdigest()

    assert identity_of("payment.completed", data, timestamp="2026-01-15T10:26:00Z", id="evt-1").uuid == uuid


@pytest.mark.parametrize("spelling", ["700", "700.0", "7e2", "7.00E+2"])
def test_a_number_is_one_identifier_in_every_spelling(spelling: str) -> None:
    assert identifier({"id": Decimal(spelling)}, "id") == "700"


@pytest.mark.parametrize(
    ("envelope", "discriminator"),
    [
        ({"timestamp": "2026-01-15T12:25:00+02:00"}, f"#{INSTANT}#{DIGITS}"),
        ({"timestamp": "2026-01-15T10:25:00.000Z"}, f"#{INSTANT}#{DIGITS}"),
        ({"timestamp": None}, f"#{DIGITS}"),
        ({"timestamp": "soon"}, f"#{DIGITS}"),
        ({"timestamp": 1768472700}, f"#{DIGITS}"),
        ({"id": "evt-1"}, f"#evt-1#{DIGITS}"),
        ({"id": UUID}, f"#{INSTANT}#{DIGITS}"),  # it only repeats the resource
        ({"id": "", "eventId": "evt-2"}, f"#evt-2#{DIGITS}"),
    ],
)
def test_what_tells_apart_events_that_come_at_will(envelope: dict[str, Any], discriminator: str) -> None:
    assert identity_of("balance.updated", DATA, **envelope).event_key == f"balance.updated{discriminator}"


def test_two_contents_at_one_time_are_two_events_that_come_at_will() -> None:
    assert identity_of("audit.login", DATA) != identity_of("audit.login", DATA, bytes.fromhex("c" * 64))


# --- An id of the event's own -------------------------------------------------------------------------
@pytest.mark.parametrize("field", ["id", "eventId", "uuid"])
@pytest.mark.parametrize("name", ["payment.completed", "deposit.status_change", "channel.payment.confirmed"])
def test_an_id_of_the_attempt_makes_no_event_of_its_own(field: str, name: str) -> None:
    data = {**DATA, "status": "COMPLETE"}
    envelope: dict[str, Any] = {field: "evt-1"}

    assert identity_of(name, data, **envelope) == identity_of(name, data)


@pytest.mark.parametrize(
    ("envelope", "own"),
    [
        ({"id": "a", "eventId": "b", "uuid": "c"}, "a"),
        ({"eventId": "b", "uuid": "c"}, "b"),
        ({"uuid": UUID.upper()}, UUID),
        ({"id": ""}, None),
        ({"id": None}, None),
        ({"id": []}, None),
        ({"id": True}, None),
    ],
)
def test_the_providers_own_id_of_an_event(envelope: Mapping[str, object], own: str | None) -> None:
    assert event_id(envelope) == own


# --- Bounds: no sender can make a key that a table refuses, or one that means another event ------------
HOSTILE = [
    pytest.param("x" * 201, id="over-long"),
    pytest.param("x" * 250_000, id="far too long"),
    pytest.param("a#b", id="the separator"),
    pytest.param("a!conflict", id="the mark of a conflict"),
    pytest.param("a!conflict#b", id="a whole conflict"),
    pytest.param("\ud800", id="a lone surrogate"),
    pytest.param("\x00", id="a control character"),
    pytest.param("a\n", id="a newline"),
    pytest.param("é", id="not ASCII"),
    pytest.param("\U0001f600" * 100, id="four bytes each"),
    pytest.param("sha256:" + "0" * 64, id="what looks like a hash of ours"),
]
HASH = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["uuid", "id", "hash", "status"])
def test_an_identifier_that_cannot_stand_in_a_key_is_hashed(text: str, field: str) -> None:
    name = {"hash": "channel.payment.confirmed", "status": "deposit.status_change"}.get(field, "payment.completed")

    identity = identity_of(name, {field: text})

    assert HASH.search(f"{identity.uuid}{identity.event_key}")
    assert text not in f"{identity.uuid}{identity.event_key}"


@pytest.mark.parametrize("text", ["a", "x" * 200, "a b", "user-topup-cust-123", "order/7?x=1&y=2", "|", "~", "$"])
def test_an_ordinary_identifier_stays_as_it_is(text: str) -> None:
    assert bounded(text) == text


@given(st.text(), st.text())
def test_two_texts_are_one_identifier_only_if_they_are_equal(one: str, other: str) -> None:
    assert (bounded(one) == bounded(other)) == (one == other)


TEXT = st.text(st.characters(codec=None), max_size=300)
VALUE = st.none() | st.booleans() | st.decimals() | TEXT | st.lists(TEXT, max_size=2)
FIELDS = st.sampled_from(["uuid", "id", "eventId", "status", "state", "hash", "txHash", "timestamp"])
OBJECT = st.dictionaries(FIELDS, VALUE)
NAME = TEXT | st.sampled_from([name for name, _, _ in TABLE])


@given(name=NAME, envelope=OBJECT, data=OBJECT)
def test_every_key_is_within_the_tables_limits(name: str, envelope: dict[str, Any], data: dict[str, Any]) -> None:
    identity = identify(bounded(name), envelope, data, parse_instant(envelope.get("timestamp")), CONTENT_HASH)
    longest_sort_key = identity.revision(INSTANT).conflict(CONTENT_HASH).event_key

    assert 1 <= len(identity.uuid.encode()) <= 2048
    assert 1 <= len(longest_sort_key.encode()) <= 1024
    assert not {"!", "#"} & set(identity.uuid)
    assert identity.kind is Kind.EVENT
    assert identity.first == identity
    assert "!" not in identity.event_key
    assert "##" not in identity.event_key


@given(first=st.tuples(NAME, OBJECT), second=st.tuples(NAME, OBJECT))
def test_events_of_different_names_never_share_a_key(
    first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]]
) -> None:
    assert first[0] == second[0] or identity_of(*first).event_key != identity_of(*second).event_key
