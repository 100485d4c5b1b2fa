"""A payment is the join of all its events, in whatever order and however often they come."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from tests.support.aws import SizeOf
from tests.support.deployed import SETTINGS
from wickiepay.effects import SetPayment
from wickiepay.event import accepted_place, parse
from wickiepay.ledger_items import details_of, payment_item, row_of
from wickiepay.payments import MANY, Field, Payment, merge
from wickiepay.routing import discover, router
from wickiepay.spelling import canonical
from wickiepay_books import order_status, payments_in

if TYPE_CHECKING:
    from wickiepay.event import WebhookEvent

discover(handlers)
UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
ACCEPTED_AT = "2026-02-01T00:00:00.000000Z"
CONFIRMED = "channel.payment.confirmed"


def event_of(name: str, time: str | None = "2026-04-01T10:00:00Z", **data: object) -> "WebhookEvent":
    return parse(canonical({"event": name, "timestamp": time, "data": {"uuid": UUID, **data}}))


def says(event: "WebhookEvent") -> Payment:
    [effect] = [each for each in router[event.name](event, SETTINGS) if isinstance(each, SetPayment)]
    return effect.says


def told(name: str, time: str | None = "2026-04-01T10:00:00Z", **data: object) -> Payment:
    return says(event_of(name, time, **data))


def joined(*payments: Payment) -> Payment:
    return reduce(merge, payments, Payment())


def money(amount: object, currency: str = "EUR") -> dict[str, object]:
    return {"currency": currency, "amount": amount}


NAMES = [f"payment.{each}" for each in ("created", "processing", "underpaid", "expired", "cancelled", "completed")]
TIMES = [None, "2026-04-01T10:00:00Z", "2026-04-01T10:01:00Z"]

data_of_events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["IN", "OUT", "REFUND", "", None, " in "]),
        "status": st.sampled_from(["COMPLETE", "REVERSED", None]),
        "reference": st.sampled_from(["order-7", "#1001", "x" * 300]),
        "displayCurrency": st.sampled_from([money("100"), money("5"), "EUR"]),
        "paidCurrency": st.sampled_from([money("108.5", "USDT"), money("1", "USDT")]),
        "transactions": st.sampled_from([[], [{"txHash": "0xabc"}], [{"txHash": "x" * 9000}]]),
        "metadata": st.sampled_from([{}, {"orderId": "7"}]),
    },
)


@st.composite
def statements(draw: st.DrawFn) -> Payment:
    """What one event says of the payment; now and then what an operator accepted in place of another."""
    event = event_of(draw(st.sampled_from(NAMES)), draw(st.sampled_from(TIMES)), **draw(data_of_events))
    if draw(st.integers(0, 3)) == 0:
        corrected = event_of(event.name, draw(st.sampled_from(TIMES)), **draw(data_of_events))
        event = replace(event, stands_at=accepted_place(corrected.place, ACCEPTED_AT, event.content_hash))
    return says(event)


@given(statements(), statements())
def test_the_join_is_commutative(one: Payment, other: Payment) -> None:
    assert merge(one, other) == merge(other, one)


@given(st.lists(statements(), max_size=6), st.lists(statements(), max_size=6), st.lists(statements(), max_size=6))
def test_the_join_is_associative(one: list[Payment], two: list[Payment], three: list[Payment]) -> None:
    a, b, c = joined(*one), joined(*two), joined(*three)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(st.lists(statements(), min_size=1, max_size=8), st.data())
def test_neither_order_nor_number_of_events_matters(payments: list[Payment], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(payments), max_size=8))
    shuffled = data.draw(st.permutations([*payments, *again]))
    assert joined(*shuffled) == joined(*payments)


@given(st.lists(statements(), max_size=8), st.lists(statements(), max_size=4))
def test_a_subset_that_comes_again_changes_nothing(payments: list[Payment], more: list[Payment]) -> None:
    whole = joined(*payments, *more)
    assert merge(whole, joined(*more)) == whole


@given(st.lists(statements(), min_size=1, max_size=8))
def test_an_item_says_what_the_join_says(payments: list[Payment]) -> None:
    payment = joined(*payments)
    row = row_of([payment_item(UUID, "payment", payment, 7)], "payment")
    assert (row.version, row.payment, row.stored) == (7, payment, payment)


@pytest.mark.parametrize(
    ("events", "field", "value"),
    [
        ([told("payment.created", reference="order-7"), told("payment.completed")], "reference", "order-7"),
        ([told("payment.created", displayCurrency=money(100)), told("payment.expired")], "display", "EUR 100"),
        ([told("payment.completed"), told("payment.created")], "status", "COMPLETE"),
        ([told("payment.created", paidCurrency=money(5))], "paid", None),
        ([told("payment.processing", paidCurrency=money(5), transactions=[{"txHash": "a"}])], "paid", "EUR 5"),
        ([told("payment.underpaid", paidCurrency=money(5)), told("payment.expired")], "paid", "EUR 5"),
        (
            [told("payment.underpaid", paidCurrency=money(5)), told("payment.expired", paidCurrency=money(9))],
            "paid",
            "EUR 5",
        ),
        ([told("payment.completed", status="EXPIRED")], "status", None),
        ([told("payment.completed", status="EXPIRED", paidCurrency=money(5))], "paid", None),
        (
            [told("payment.created", metadata={"orderId": "7"}), told("payment.completed", metadata={})],
            "metadata",
            None,
        ),
    ],
)
def test_a_later_event_that_says_less_takes_nothing_away(
    events: Sequence[Payment], field: Field, value: str | None
) -> None:
    found = joined(*events).value(field)
    assert found == (value if field != "metadata" else '{"orderId":"7"}')


DIRECTIONS = [
    ([], None),
    ([None], None),
    (["IN"], "IN"),
    ([" in "], "IN"),
    (["OUT "], "OUT"),
    (["out", None], "OUT"),
    (["OUT", "IN"], "OUT"),
    (["REFUND", "IN"], "UNCLEAR"),
    (["REFUND", "OUT"], "OUT"),
    ([2], "UNCLEAR"),
    ([["OUT"]], "UNCLEAR"),
    (["", "IN"], "IN"),
]


@pytest.mark.parametrize(("types", "direction"), DIRECTIONS)
def test_a_direction_sticks_in_every_order(types: list[object], direction: str | None) -> None:
    events = [
        told(name, type=each) if each is not None else told(name)
        for name, each in zip(("payment.created", "payment.completed"), types, strict=False)
    ]
    for order in itertools.permutations(events):
        assert joined(*order).directions.effective == direction


def test_events_that_call_a_payment_in_and_out_differ() -> None:
    assert joined(told("payment.created", type="OUT"), told("payment.completed", type="IN")).directions.differ
    assert not joined(told("payment.created", type="OUT"), told("payment.completed")).directions.differ


def test_a_status_that_contradicts_leaves_the_payment_unclear() -> None:
    assert joined(told("payment.completed", status="REVERSED"), told("payment.completed")).directions.unclear


def test_an_accepted_correction_takes_the_place_of_a_direction() -> None:
    wrong, right = event_of("payment.completed", type="OUT"), event_of("payment.completed", type="IN")
    accepted = replace(right, stands_at=accepted_place(wrong.place, ACCEPTED_AT, right.content_hash))
    for order in itertools.permutations([says(wrong), says(accepted)]):
        assert joined(*order).directions.effective == "IN"


def test_of_two_corrections_the_later_acceptance_counts() -> None:
    first = event_of("payment.completed", reference="a")
    later = "2026-02-02T00:00:00.000000Z"
    corrections = [
        replace(event, stands_at=accepted_place(first.place, at, event.content_hash))
        for event, at in (
            (event_of("payment.completed", reference="b", type="OUT"), later),
            (event_of("payment.completed", reference="c"), ACCEPTED_AT),
        )
    ]
    payment = joined(says(first), *map(says, corrections))
    assert (payment.value("reference"), payment.directions.effective) == ("b", "OUT")


def test_what_comes_later_stands_above_a_correction() -> None:
    first = event_of("payment.completed", reference="a")
    corrected = event_of("payment.completed", reference="b")
    accepted = replace(corrected, stands_at=accepted_place(first.place, ACCEPTED_AT, corrected.content_hash))
    later = event_of("payment.completed", "2026-04-01T10:00:01Z", reference="c")
    assert joined(says(later), says(accepted), says(first)).value("reference") == "c"


def test_the_directions_of_very_many_events_are_counted_for_good() -> None:
    many = [told("payment.created", f"2026-04-01T10:00:{n:02d}Z", type="OUT") for n in range(17)]
    assert len(joined(*many[:16]).directions.slots or ()) == 16
    assert joined(*many).directions.slots is None
    assert joined(*many).directions.effective == "OUT"
    assert joined(*many, told("payment.completed", type="REFUND")).directions.unclear


def test_very_many_events_that_contradict_themselves_leave_the_payment_unclear() -> None:
    many = [told("payment.completed", f"2026-04-01T10:00:{n:02d}Z", status="FAILED") for n in range(17)]
    assert joined(*many, told("payment.completed", type="IN")).directions.effective == "UNCLEAR"


def test_very_many_amounts_are_known_to_differ_and_no_longer_kept() -> None:
    many = [told("payment.completed", displayCurrency=money(n)) for n in range(17)]
    assert len(joined(*many[:16]).amounts) == 16
    assert joined(*many).amounts == MANY
    assert joined(*many).amounts_differ


@pytest.mark.parametrize(
    ("events", "differ"),
    [
        (
            [told("payment.created", displayCurrency=money(1)), told("payment.completed", displayCurrency=money(2))],
            True,
        ),
        (
            [
                told("payment.created", displayCurrency=money(1)),
                told("payment.completed", displayCurrency=money("1.0")),
            ],
            False,
        ),
        (
            [
                told("payment.created", displayCurrency=money(1)),
                told("payment.completed", displayCurrency=money(2, "USD")),
            ],
            False,
        ),
        ([told("payment.underpaid", paidCurrency=money(1)), told("payment.completed", paidCurrency=money(2))], False),
        ([told("payment.created", paidCurrency=money(1)), told("payment.completed", paidCurrency=money(2))], False),
    ],
)
def test_amounts_of_one_kind_and_currency_can_differ(events: Sequence[Payment], *, differ: bool) -> None:
    assert joined(*events).amounts_differ is differ


COMPLETE, UNDERPAID, EXPIRED, CANCELLED, CREATED, PROCESSING = (
    told(f"payment.{each}") for each in ("completed", "underpaid", "expired", "cancelled", "created", "processing")
)


@pytest.mark.parametrize(
    ("payments", "status"),
    [
        ([], None),
        ([COMPLETE, UNDERPAID, EXPIRED], "PAID"),
        ([UNDERPAID, PROCESSING], "UNDERPAID"),
        ([joined(UNDERPAID, EXPIRED)], "UNDERPAID"),
        ([joined(UNDERPAID, CANCELLED), CREATED], "UNDERPAID"),
        ([EXPIRED, CREATED], "PENDING"),
        ([CANCELLED, PROCESSING], "PENDING"),
        ([EXPIRED, CANCELLED], "EXPIRED"),
        ([CANCELLED], "CANCELLED"),
        ([joined(COMPLETE, told("payment.created", type="OUT"))], None),
        ([joined(COMPLETE, told("payment.created", type="REFUND")), CREATED], "PENDING"),
    ],
)
def test_an_order_is_what_its_payments_say(payments: Sequence[Payment], status: str | None) -> None:
    of_order = [payments_in([payment_item(UUID, "payment", each, 1)])[0] for each in payments]
    for order in itertools.permutations(of_order):
        assert order_status(order) == status


@pytest.mark.parametrize("type_", ["IN", "OUT"])
@pytest.mark.parametrize(
    "name", ["payment.processing", "payment.expired", "payment.underpaid", "payment.completed", CONFIRMED]
)
def test_an_item_of_an_older_version_says_what_its_event_says(name: str, type_: str) -> None:
    display, paid = money(100), money("108.5", "USDT")
    event = event_of(name, type=type_, reference="order-7", displayCurrency=display, paidCurrency=paid)
    now = says(event)
    stage = now.fields["status"][0].partition("|")[0]
    texts = {
        "pk": f"payment#{UUID}",
        "sk": "-",
        "position": f"{stage}|{event.occurred_at}|{name}|{event.content_hash.hex()}",
        "type": type_,
        "status": now.value("status"),
        "reference": "order-7",
        "display_amount": "100",
        "display_currency": "EUR",
        "paid_amount": "108.5",
        "paid_currency": "USDT",
        "event": name,
        "updated_at": event.occurred_at,
    }
    old = row_of(
        [{field: {"S": text or ""} for field, text in texts.items()}], "channel" if name == CONFIRMED else "payment"
    ).payment

    assert old.fields == now.fields
    assert old.directions.slots == now.directions.slots
    assert (old.underpaid, old.money_came) == (now.underpaid, now.money_came)


@pytest.mark.parametrize(("length", "kept"), [(8 * 1024, True), (8 * 1024 + 1, False)])
def test_long_details_are_kept_as_their_hash(length: int, *, kept: bool) -> None:
    details = {"note": "x" * (length - len('{"note":""}'))}
    item = payment_item(UUID, "payment", told("payment.completed", transactions=details), 1)
    assert (details_of(item)["transactions"] == details) is kept
    assert list(details_of(item)["transactions"]) == (["note"] if kept else ["sha256"])


def test_the_largest_body_fits_into_an_item(size_of: SizeOf) -> None:
    body = told("payment.completed", reference="r" * 250_000, metadata={"note": "m" * 8000})
    assert size_of(payment_item(UUID, "payment", body, 1)) < 100 * 1024
