"""What an event does to the books: positions, what it says of a payment, and what it would credit."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.deliveries import EventOf
from wickiepay.clock import ABSENT
from wickiepay.decimals import plain
from wickiepay.effects import (
    Credit,
    Effect,
    Refuse,
    SetPayment,
    SetResource,
    Spellings,
    credit,
    describe,
    position,
    set_payment,
    set_resource,
)
from wickiepay.event import WebhookEvent, parse
from wickiepay.identity import Identity

UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
INSTANT = "2026-01-15T10:25:00.000000Z"
TX = "ab" * 32
D = Decimal
CONFIRMED = "channel.payment.confirmed"


def event_with(data: Mapping[str, object] | None = None, *, name: str = CONFIRMED) -> WebhookEvent:
    whole = {"event": name, "timestamp": INSTANT, "data": {"uuid": UUID, **(data or {})}}
    return parse(json.dumps(whole, default=plain).encode())


def payment_of(data: Mapping[str, object] | None = None, *, name: str = "payment.completed") -> SetPayment:
    [effect] = [
        each
        for each in set_payment(event_with(data, name=name), 90, "COMPLETE", received="all")
        if isinstance(each, SetPayment)
    ]
    return effect


def refused(effects: list[Effect]) -> list[str]:
    return [effect.reason for effect in effects if isinstance(effect, Refuse)]


# --- Positions ----------------------------------------------------------------------------------------
TIMES = [None, INSTANT, "2026-01-15T10:25:00.000001Z", "0001-01-01T00:00:00.000000Z"]
EVENTS = st.builds(
    lambda name, uuid, time: parse(json.dumps({"event": name, "timestamp": time, "data": {"uuid": uuid}}).encode()),
    st.sampled_from(["payment.completed", "payment.created", "p|2026"]),
    st.sampled_from(["u", "v"]),
    st.sampled_from(TIMES),
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
        earlier = (one.occurred_at or ABSENT) < (other.occurred_at or ABSENT)
        assert (position(stage, one) < position(stage, other)) == earlier


# --- Payments -----------------------------------------------------------------------------------------
def test_what_an_event_says_of_a_payment() -> None:
    data = {
        "type": "IN",
        "reference": "order-1001",
        "displayCurrency": {"currency": "EUR", "amount": 100},
        "paidCurrency": {"currency": "USDC", "amount": "108.50"},
        "metadata": {"b": 1, "a": 2},
    }
    payment = payment_of(data)
    values = {name: value for name, (_, value) in payment.says.fields.items()}

    assert (payment.uuid, payment.family, payment.spellings) == (UUID, "payment", Spellings(UUID, "-"))
    assert {position for position, _ in payment.says.fields.values()} == {payment.position}
    assert payment.position == position(90, event_with(data, name="payment.completed"))
    assert values == {
        "status": "COMPLETE",
        "reference": "order-1001",
        "display": "EUR 100",
        "paid": "USDC 108.5",
        "metadata": '{"a":"2","b":"1"}',
        "last": f"{INSTANT} payment.completed",
    }
    assert payment.says.amounts == {"display EUR 100", "paid USDC 108.5"}


def test_a_payment_is_known_by_its_normal_uuid_and_by_how_older_versions_spelled_it() -> None:
    recorded = replace(
        event_with({"uuid": UUID.upper(), "hash": f"0X{TX.upper()}"}), identity=Identity(UUID.upper(), "")
    )
    [payment] = set_payment(recorded, 50, "CONFIRMED")

    assert isinstance(payment, SetPayment)
    assert (payment.uuid, payment.spellings) == (UUID, Spellings(UUID.upper(), f"0x{TX}"))
    assert payment_of({"hash": "AbC"}, name=CONFIRMED).spellings == Spellings(UUID, "AbC")


@pytest.mark.parametrize("reference", ["#1001", "commande n° 7", "x" * 2048, " order-7 "])
def test_a_reference_is_kept_as_it_was_sent(reference: str) -> None:
    assert payment_of({"reference": reference}).says.value("reference") == reference


@pytest.mark.parametrize(
    ("reference", "shown"),
    [("", None), ("  ", None), (None, None), ([], None), (7, "7"), ("x" * 2049, "sha256:"), ("\ud800", "sha256:")],
)
def test_what_is_no_reference_to_read_is_none_or_its_hash(reference: object, shown: str | None) -> None:
    found = payment_of({"reference": reference}).says.value("reference")
    assert found is None if shown is None else str(found).startswith(shown)


@pytest.mark.parametrize(
    "status", [None, "", " ", "COMPLETE", " completed ", "Confirmed", "PAID", "success", "processing"]
)
def test_a_status_that_agrees_with_the_name(status: object) -> None:
    effects = set_payment(event_with({"status": status}, name="payment.completed"), 90, "COMPLETE", received="all")
    assert refused(effects) == []


@pytest.mark.parametrize("status", ["FAILED", "reversed", "EXPIRED", "PENDING", 7, True, ["COMPLETE"], {}])
def test_a_status_that_contradicts_the_name_is_for_a_person_and_moves_no_money(status: object) -> None:
    event = event_with({"status": status, **PAID})
    [reason] = refused(set_payment(event, 90, "COMPLETE", received="all"))
    assert "contradicts its name" in reason
    assert credit(event, "reference") == []


def test_of_a_long_status_the_reason_quotes_the_beginning() -> None:
    event = event_with({"status": "x" * 99}, name="payment.completed")
    [reason] = refused(set_payment(event, 90, "COMPLETE", received="all"))
    assert reason == f"The status of the event contradicts its name: {'x' * 40}."


@pytest.mark.parametrize("received", ["nothing", "part"])
def test_a_status_says_nothing_against_an_event_that_completes_nothing(received: str) -> None:
    event = event_with({"status": "WHATEVER"}, name="payment.expired")
    assert refused(set_payment(event, 30, "EXPIRED", "part" if received == "part" else "nothing")) == []


@pytest.mark.parametrize("type_", ["PAYOUT", "BOTH", 7, True, ["OUT"], {}])
def test_a_direction_that_is_neither_in_nor_out_is_for_a_person_and_moves_no_money(type_: object) -> None:
    event = event_with({**PAID, "type": type_})
    assert refused(set_payment(event, 50, "CONFIRMED")) == ["The event is of a type that is neither IN nor OUT."]
    assert credit(event, "reference") == []


# --- Resources ----------------------------------------------------------------------------------------
def test_the_state_of_a_resource() -> None:
    event = event_with({"status": "CONFIRMED", "amount": D("0.1")}, name="deposit.status_change")

    assert set_resource(event, "deposit") == SetResource(
        kind="deposit",
        id=UUID,
        position=position(50, event),
        status="CONFIRMED",
        data=f'{{"uuid": "{UUID}", "status": "CONFIRMED", "amount": "0.1"}}',
        event="deposit.status_change",
        moment=INSTANT,
    )


@pytest.mark.parametrize("filler", ["a" * (200 * 1024 - 84), "\U0001f600" * 20_000, [D("1e300")] * 1000])
def test_data_that_outgrow_an_item_are_left_to_the_events_record(filler: object) -> None:
    event = event_with({"status": "CONFIRMED", "filler": filler}, name="deposit.status_change")

    resource = set_resource(event, "deposit")
    assert (resource.status, resource.data) == ("CONFIRMED", None)


def test_data_that_just_fit_an_item_are_kept() -> None:
    event = event_with({"status": "CONFIRMED", "filler": "a" * (200 * 1024 - 85)}, name="deposit.status_change")

    assert len(set_resource(event, "deposit").data or "") == 200 * 1024


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("PENDING", 10),
        ("CREATED", 10),
        ("PROCESSING", 20),
        ("SOMETHING_NEW", 40),
        (None, 40),
        ("CONFIRMED", 50),
        ("APPROVED", 50),
        ("CANCELLED", 80),
        ("EXPIRED", 80),
        ("FAILED", 80),
        ("REJECTED", 80),
        ("COMPLETE", 90),
        ("COMPLETED", 90),
        ("complete", 90),
        (" Failed ", 80),
    ],
)
@pytest.mark.parametrize("field", ["status", "state"])
def test_the_stage_of_a_resource_is_that_of_its_status(field: str, status: str | None, stage: int) -> None:
    event = event_with({field: status})

    assert set_resource(event, "deposit").position == position(stage, event)


def test_a_stage_and_an_identifier_can_be_given() -> None:
    event = event_with({"status": "COMPLETE"})
    resource = set_resource(event, "balance", stage=0, resource_id="BTC#1")

    assert (resource.id, resource.position) == ("BTC#1", position(0, event))


# --- Credits ------------------------------------------------------------------------------------------
PAID = {"reference": "user-topup-1", "metadata": {"customer": {"id": 7}}, "amount": "0.10", "currency": "eur"}


def credited(data: Mapping[str, object], field: str = "reference", *, if_missing: bool = False) -> Credit:
    [effect] = credit(event_with(data), field, if_missing=if_missing)
    assert isinstance(effect, Credit)
    return effect


def test_a_credit() -> None:
    assert credited({**PAID, "hash": f"0x{TX}", "type": "IN"}) == Credit(
        uuid=UUID,
        family="channel",
        entry=f"0x{TX}",
        second=False,
        transaction=TX,
        may_be_channels=True,
        if_missing=False,
        direction="IN",
        account="user-topup-1",
        currency="EUR",
        amount=D("0.10"),
        flaw=None,
        event=CONFIRMED,
        event_key=f"{CONFIRMED}#{TX}",
        moment=INSTANT,
        spellings=Spellings(UUID, f"0x{TX}"),
    )


def test_a_second_credit_has_an_entry_of_its_own() -> None:
    [effect] = credit(replace(event_with(PAID), entry="-!ab"), "reference")
    assert isinstance(effect, Credit)
    assert (effect.entry, effect.second) == ("-!ab", True)


@pytest.mark.parametrize(
    ("channel", "may_be"), [({}, True), ({"channelId": UUID.upper()}, True), ({"channelId": "another"}, False)]
)
def test_where_another_channel_is_named_the_uuid_is_the_payments(channel: dict[str, object], *, may_be: bool) -> None:
    assert credited({**PAID, **channel}).may_be_channels is may_be


def test_a_credit_by_any_other_event_is_its_uuids_whatever_transaction_it_names() -> None:
    [effect] = credit(event_with({**PAID, "hash": TX}, name="payment.completed"), "reference")
    assert isinstance(effect, Credit)
    assert (effect.family, effect.transaction, effect.may_be_channels) == ("payment", None, False)
    assert (effect.entry, effect.spellings) == ("-", Spellings(UUID, "-"))


def test_the_account_may_stand_deeper_inside() -> None:
    assert credited(PAID, "metadata.customer.id").account == "7"


@pytest.mark.parametrize("data", [{"type": "OUT"}, {**PAID, "type": "OUT"}, {**PAID, "type": " out"}])
def test_a_payout_credits_nobody(data: dict[str, object]) -> None:
    assert credit(event_with(data), "reference") == []


@pytest.mark.parametrize(
    "field",
    ["customer", "reference.id", "metadata", "metadata.customer", "metadata.nobody.id", "amount.currency.id"],
)
def test_without_an_account_there_can_be_no_credit(field: str) -> None:
    assert refused(credit(event_with(PAID), field)) == [f"The event names no account: data.{field} is missing."]


def test_without_an_amount_there_can_be_no_credit() -> None:
    assert refused(credit(event_with({"reference": "a"}), "reference")) == ["The event names no amount to credit."]


@pytest.mark.parametrize("uuid", [None, "", " ", []])
@pytest.mark.parametrize("if_missing", [True, False])
def test_without_a_payment_there_can_be_no_credit(uuid: object, *, if_missing: bool) -> None:
    [reason] = refused(credit(event_with({**PAID, "uuid": uuid}), "reference", if_missing=if_missing))
    assert reason.startswith("The event names no payment")


@pytest.mark.parametrize("data", [{}, {"reference": "a"}, {"amount": 1, "currency": "EUR"}])
def test_what_credits_only_where_nothing_was_may_say_too_little(data: dict[str, object]) -> None:
    assert credit(event_with(data), "reference", if_missing=True) == []


@pytest.mark.parametrize("amount", ["1,5", 0, "-5"])
def test_an_amount_that_is_none_is_said_once_it_would_be_credited(amount: object) -> None:
    assert credited({**PAID, "amount": amount}, if_missing=True).flaw


# --- In short -----------------------------------------------------------------------------------------
def test_effects_in_short(event_of: EventOf) -> None:
    event = event_of(CONFIRMED)
    effects: list[Effect] = [
        *set_payment(event, 50, "CONFIRMED"),
        set_resource(event, "deposit"),
        *credit(event, "reference"),
        Refuse("why"),
    ]

    assert [describe(effect, stands=True) for effect in effects] == [
        {"effect": "set_payment", "payment": UUID, "status": "CONFIRMED"},
        {"effect": "set_resource", "kind": "deposit", "id": UUID, "status": None},
        {"effect": "credit", "account": "order-1001", "currency": "EUR", "amount": "100"},
        {"effect": "refuse", "reason": "why"},
    ]
    assert all(describe(effect, stands=False)["superseded"] for effect in effects[:3])
