"""What an event does to the books: the effects' own keys, their order, and what they hold."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay.effects import (
    MAX_DATA_CHARACTERS,
    STAGES,
    UNKNOWN_STAGE,
    Credit,
    Effect,
    SetPayment,
    SetResource,
    credit,
    describe,
    position,
    set_payment,
    set_resource,
)
from wickiepay.errors import PermanentFailure
from wickiepay.event import WebhookEvent
from wickiepay.money import Money

if TYPE_CHECKING:
    from tests.unit.conftest import EventOf

UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
INSTANT = "2026-01-15T10:25:00.000000Z"
D = Decimal


def event_with(
    data: Mapping[str, object] | None = None, *, name: str = "channel.payment.confirmed", key: str | None = None
) -> WebhookEvent:
    return WebhookEvent(name, UUID, key or name, data or {}, b"\x00" * 32, INSTANT)


# --- Positions ----------------------------------------------------------------------------------------
EVENTS = st.builds(
    WebhookEvent,
    name=st.just("payment.completed"),
    uuid=st.just(UUID),
    event_key=st.sampled_from(["payment.completed", "payment.completed#a", "payment.created", "p", "p|2026"]),
    data=st.just({}),
    data_hash=st.sampled_from([b"\x00" * 32, b"\x01" * 32, b"\xff" * 32]),
    occurred_at=st.none() | st.sampled_from([INSTANT, "2026-01-15T10:25:00.000001Z", "0001-01-01T00:00:00.000000Z"]),
)
RANKED = st.tuples(st.integers(0, 99), EVENTS)


@given(RANKED, RANKED)
def test_no_two_events_tie(one: tuple[int, WebhookEvent], other: tuple[int, WebhookEvent]) -> None:
    assert (position(*one) == position(*other)) == (one == other)


@given(RANKED, RANKED)
def test_a_later_stage_counts_whatever_the_time(one: tuple[int, WebhookEvent], other: tuple[int, WebhookEvent]) -> None:
    if one[0] != other[0]:
        assert (position(*one) < position(*other)) == (one[0] < other[0])


@given(st.integers(0, 99), EVENTS, EVENTS)
def test_within_a_stage_a_later_time_counts_and_no_time_is_the_earliest(
    stage: int, one: WebhookEvent, other: WebhookEvent
) -> None:
    if one.occurred_at != other.occurred_at:
        earlier = (one.occurred_at or "") < (other.occurred_at or "")
        assert (position(stage, one) < position(stage, other)) == earlier


# --- Payments -----------------------------------------------------------------------------------------
def test_the_state_of_a_payment() -> None:
    data = {
        "type": "IN",
        "reference": "order-1001",
        "displayCurrency": {"currency": "EUR", "amount": D("100.00")},
        "paidCurrency": {"currency": "USDC", "amount": D("108.50")},
        "hash": "0xabc",
    }
    event = event_with(data, name="payment.completed")

    assert set_payment(event, 90, "COMPLETE", "PAID") == SetPayment(
        uuid=UUID,
        part="-",
        position=position(90, event),
        type="IN",
        status="COMPLETE",
        order_status="PAID",
        reference="order-1001",
        display=Money("EUR", D("100.00")),
        paid=Money("USDC", D("108.50")),
        event="payment.completed",
        occurred_at=INSTANT,
    )


def test_a_payment_may_name_nothing_but_itself() -> None:
    payment = set_payment(event_with(name="payment.created"), 10, "PENDING", "PENDING")

    assert (payment.type, payment.reference, payment.display, payment.paid) == ("IN", None, None, None)


def test_a_payout_pays_no_order() -> None:
    payment = set_payment(event_with({"type": "OUT"}, name="payment.completed"), 90, "COMPLETE", "PAID")

    assert (payment.type, payment.order_status) == ("OUT", None)


# --- Parts: what tells two payments of one uuid apart -------------------------------------------------
@pytest.mark.parametrize(
    ("data", "key", "part"),
    [
        ({}, None, "-"),
        ({"hash": "0xabc"}, None, "0xabc"),
        ({"txHash": "0xabc"}, None, "0xabc"),
        ({}, "channel.payment.confirmed!accepted", "-!" + "00" * 32),
        ({"hash": "0xabc"}, "channel.payment.confirmed#0xabc!accepted", "0xabc!" + "00" * 32),
    ],
)
def test_the_part_of_a_channel_payment(data: dict[str, object], key: str | None, part: str) -> None:
    paying: dict[str, object] = {"reference": "a", "amount": D(1), "currency": "EUR"}
    event = event_with({**data, **paying}, key=key)

    assert set_payment(event, 50, "CONFIRMED").part == part
    assert [effect.part for effect in credit(event, "reference")] == [part]


# --- Resources ----------------------------------------------------------------------------------------
def test_the_state_of_a_resource() -> None:
    event = event_with({"status": "CONFIRMED", "amount": D("0.10")}, name="deposit.status_change")

    assert set_resource(event, "deposit") == SetResource(
        kind="deposit",
        id=UUID,
        position=position(50, event),
        status="CONFIRMED",
        data='{"status": "CONFIRMED", "amount": "0.1"}',
        event="deposit.status_change",
        occurred_at=INSTANT,
    )


@pytest.mark.parametrize("filler", ["a" * MAX_DATA_CHARACTERS, "\U0001f600" * 20_000, [D("1e300")] * 1000])
def test_data_that_outgrow_an_item_are_left_to_the_events_record(filler: object) -> None:
    event = event_with({"status": "CONFIRMED", "filler": filler}, name="deposit.status_change")

    resource = set_resource(event, "deposit")
    assert (resource.status, resource.data) == ("CONFIRMED", None)


@pytest.mark.parametrize(
    ("data", "stage"),
    [
        *(({"status": status}, stage) for status, stage in STAGES.items()),
        ({"state": "COMPLETE"}, 90),
        ({"status": "SOMETHING_NEW"}, UNKNOWN_STAGE),
        ({}, UNKNOWN_STAGE),
    ],
)
def test_the_stage_of_a_resource_is_that_of_its_status(data: dict[str, object], stage: int) -> None:
    event = event_with(data)

    assert set_resource(event, "deposit").position == position(stage, event)


def test_a_stage_and_an_identifier_can_be_given() -> None:
    event = event_with({"status": "COMPLETE"})
    resource = set_resource(event, "balance", stage=0, resource_id="BTC#1")

    assert (resource.id, resource.position) == ("BTC#1", position(0, event))


# --- Credits ------------------------------------------------------------------------------------------
PAID = {"reference": "user-topup-1", "metadata": {"customer": {"id": D(7)}}, "amount": D("0.10"), "currency": "eur"}


def test_a_credit() -> None:
    assert credit(event_with({**PAID, "hash": "0xabc"}), "reference") == [
        Credit(
            uuid=UUID,
            part="0xabc",
            account="user-topup-1",
            currency="EUR",
            amount=D("0.10"),
            event="channel.payment.confirmed",
            event_key="channel.payment.confirmed",
            occurred_at=INSTANT,
        )
    ]


def test_the_account_may_stand_deeper_inside() -> None:
    assert [effect.account for effect in credit(event_with(PAID), "metadata.customer.id")] == ["7"]


@pytest.mark.parametrize("data", [{"type": "OUT"}, {**PAID, "type": "OUT"}, {**PAID, "type": "out"}])
def test_a_payout_credits_nobody(data: dict[str, object]) -> None:
    assert credit(event_with(data), "reference") == []


@pytest.mark.parametrize("type_", ["PAYOUT", "BOTH", "7"])
def test_a_payment_of_no_known_type_credits_nobody(type_: str) -> None:
    with pytest.raises(PermanentFailure, match="neither IN nor OUT"):
        credit(event_with({**PAID, "type": type_}), "reference")


@pytest.mark.parametrize(
    "field",
    ["customer", "reference.id", "metadata", "metadata.customer", "metadata.nobody.id", "amount.currency.id"],
)
def test_without_an_account_there_can_be_no_credit(field: str) -> None:
    with pytest.raises(PermanentFailure, match=rf"names no account: data\.{field} is missing"):
        credit(event_with(PAID), field)


def test_without_an_amount_there_can_be_no_credit() -> None:
    with pytest.raises(PermanentFailure, match="no amount"):
        credit(event_with({"reference": "a"}), "reference")


# --- In short -----------------------------------------------------------------------------------------
def test_effects_in_short(event_of: "EventOf") -> None:
    event = event_of("channel.payment.confirmed")
    effects: list[Effect] = [
        set_payment(event, 50, "CONFIRMED"),
        set_resource(event, "deposit"),
        *credit(event, "reference"),
    ]

    assert [describe(effect) for effect in effects] == [
        {"effect": "set_payment", "payment": UUID, "status": "CONFIRMED"},
        {"effect": "set_resource", "kind": "deposit", "id": UUID, "status": None},
        {"effect": "credit", "account": "order-1001", "currency": "EUR", "amount": "100"},
    ]
