"""Which event a delivery is: the rules for every event type, and keys that no sender can break."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from handler_tests import with_own_test
from wickiepay.identity import Identity, bounded, identifier, identify
from wickiepay.routing import discover, router

UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
TIME = "2026-01-15T10:25:00Z"
INSTANT = "2026-01-15T10:25:00.000000Z"
BODY_HASH = "b" * 64
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
    ("channel.payment.completed", {**DATA, "hash": TX, "txHash": "other"}, f"#{TX}"),
    ("deposit.status_change", {**BY_ID, "status": "PENDING"}, "#PENDING"),
    ("withdrawal.status_change", {**BY_ID, "status": "PROCESSING"}, "#PROCESSING"),
    ("consolidation.status_change", {**BY_ID, "status": "COMPLETE"}, "#COMPLETE"),
    ("crypto.address.created", {**BY_ID, "status": "ACTIVE"}, ""),
    ("trade.conversion.created", BY_ID, ""),
    ("trade.conversion.state_changed", {**BY_ID, "state": "EXECUTED"}, "#EXECUTED"),
    ("trade.conversion.state_changed", {**BY_ID, "status": "COMPLETE", "state": "EXECUTED"}, "#COMPLETE"),
    ("approval.request.status_changed", {**BY_ID, "status": "APPROVED"}, "#APPROVED"),
    ("approval.vote_required", BY_ID, f"#{INSTANT}"),
    ("balance.updated", BY_ID, f"#{INSTANT}"),
    ("audit.api", BY_ID, f"#{INSTANT}"),
    ("audit.login", BY_ID, f"#{INSTANT}"),
    ("invoice.paid", DATA, f"#{INSTANT}"),  # not in the provider's table
    ("deposit.status_change", BY_ID, f"#{INSTANT}"),  # without its status
    ("payment.completed", {**DATA, "hash": TX}, ""),  # a transaction tells channel payments apart, nothing else
]


def identity_of(name: str, data: Mapping[str, object], body_hash: str = BODY_HASH, **envelope: object) -> Identity:
    return identify(bounded(name), {"event": name, "timestamp": TIME, **envelope}, data, body_hash)


@pytest.mark.parametrize(("name", "data", "discriminator"), TABLE)
def test_every_event_type(name: str, data: Mapping[str, object], discriminator: str) -> None:
    assert identity_of(name, data) == Identity(UUID, name + discriminator)


def test_the_table_holds_every_event_type_whose_handler_has_no_test_of_its_own() -> None:
    discover(handlers)

    assert set(router) - with_own_test(router) <= {name for name, _, _ in TABLE}


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

    assert identity_of(name, data) == identity_of(name, data, body_hash="c" * 64, timestamp="2026-01-15T10:26:00Z")


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
        ({}, BODY_HASH),
        ({"uuid": "", "id": None}, BODY_HASH),
        ({"uuid": {}, "id": False}, BODY_HASH),
    ],
)
def test_what_names_the_resource(data: Mapping[str, object], uuid: str) -> None:
    assert identity_of("payment.completed", data).uuid == uuid


@pytest.mark.parametrize("spelling", ["700", "700.0", "7e2", "7.00E+2"])
def test_a_number_is_one_identifier_in_every_spelling(spelling: str) -> None:
    assert identifier({"id": Decimal(spelling)}, "id") == "700"


@pytest.mark.parametrize(
    ("timestamp", "discriminator"),
    [
        ("2026-01-15T12:25:00+02:00", INSTANT),
        ("2026-01-15T10:25:00.000Z", INSTANT),
        (None, BODY_HASH),
        ("soon", BODY_HASH),
        (1768472700, BODY_HASH),
    ],
)
def test_what_tells_apart_events_that_repeat_at_will(timestamp: object, discriminator: str) -> None:
    assert identity_of("balance.updated", DATA, timestamp=timestamp).event_key == f"balance.updated#{discriminator}"


# --- An id of the event's own -------------------------------------------------------------------------
@pytest.mark.parametrize("field", ["id", "eventId", "uuid"])
@pytest.mark.parametrize("name", ["payment.completed", "deposit.status_change", "balance.updated"])
def test_an_id_of_the_events_own_wins(field: str, name: str) -> None:
    data = {**DATA, "status": "COMPLETE"}

    assert identity_of(name, data, **{field: "evt-1"}) == Identity(UUID, f"{name}#evt-1")


def test_an_id_of_the_events_own_also_names_what_nothing_else_names() -> None:
    assert identity_of("audit.login", {}, id="evt-1") == Identity("evt-1", "audit.login#evt-1")


@pytest.mark.parametrize("field", ["id", "eventId", "uuid"])
@pytest.mark.parametrize("data", [{"uuid": UUID}, {"id": UUID}, {"uuid": "other", "id": UUID}])
def test_an_id_that_only_repeats_the_resource_tells_no_events_apart(field: str, data: Mapping[str, object]) -> None:
    states = ("PENDING", "CONFIRMED")
    keys = {identity_of("deposit.status_change", {**data, "status": s}, **{field: UUID}).event_key for s in states}

    assert keys == {"deposit.status_change#PENDING", "deposit.status_change#CONFIRMED"}


@pytest.mark.parametrize("repeating", ["id", "uuid"])
def test_an_id_of_the_events_own_wins_also_beside_a_repeated_one(repeating: str) -> None:
    identity = identity_of("payment.completed", DATA, **{repeating: UUID}, eventId="evt-1")

    assert identity.event_key == "payment.completed#evt-1"


@pytest.mark.parametrize("own", ["", None, [], {}, True])
def test_what_is_no_id_is_none_of_the_events_own(own: object) -> None:
    assert identity_of("payment.completed", DATA, id=own).event_key == "payment.completed"


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
    identity = identify(bounded(name), envelope, data, BODY_HASH)
    longest_sort_key = f"{identity.event_key}!conflict#{'c' * 64}"

    assert 1 <= len(identity.uuid.encode()) <= 2048
    assert 1 <= len(longest_sort_key.encode()) <= 1024
    assert not {"!", "#"} & set(identity.uuid)
    assert "!" not in identity.event_key
    assert identity.event_key.count("#") <= 1


@given(first=st.tuples(NAME, OBJECT), second=st.tuples(NAME, OBJECT))
def test_events_of_different_names_never_share_a_key(
    first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]]
) -> None:
    assert first[0] == second[0] or identity_of(*first).event_key != identity_of(*second).event_key
