"""The order laws: the same events end in the same books, in whatever order and however often they come."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handlers
from tests.support.aws import FreshLedger
from tests.support.deliveries import EventOf
from tests.support.deployed import SETTINGS
from wickiepay import ledger_items as items
from wickiepay.effects import Family, SetPayment, SetResource
from wickiepay.errors import PermanentFailure
from wickiepay.event import WebhookEvent
from wickiepay.ledger import Ledger
from wickiepay.payments import Payment
from wickiepay.routing import discover, router
from wickiepay_books import Books

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

discover(handlers)

START: Final = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def at(seconds: float | None) -> str | None:
    """A time stamp so long after the start; None for none."""
    return None if seconds is None else (START + timedelta(seconds=seconds)).isoformat()


def apply(ledger: Ledger, events: Sequence[WebhookEvent]) -> None:
    for event in events:
        with suppress(PermanentFailure):  # which leaves the event FAILED
            for effect in router[event.name](event, SETTINGS):
                ledger.apply(effect, {})


def books(dynamodb: "DynamoDBClient") -> dict[tuple[str, str], Any]:
    """What is in the books, but for how often it was written and which of several events made an entry."""
    found = dynamodb.scan(TableName="LedgerTable")["Items"]
    return {
        (pk, item["sk"]["S"]): {name: value for name, value in item.items() if name != "version"}
        for item in found
        if not (pk := item["pk"]["S"]).startswith(items.CREDIT)
    }


def joined(dynamodb: "DynamoDBClient", family: Family = "payment") -> dict[str, Payment]:
    """What all events say of each payment."""
    found = dynamodb.scan(TableName="LedgerTable")["Items"]
    payments = [item for item in found if item["pk"]["S"].startswith(items.PAYMENT)]
    return {items.payment_uuid(item): items.row_of([item], family).payment for item in payments}


def order(reference: str, dynamodb: "DynamoDBClient") -> str | None:
    """The state of an order."""
    return Books.of_table(dynamodb, "LedgerTable").order(reference).status


# --- Histories, and how they must end -----------------------------------------------------------------
type History = list[tuple[str, float | None]]

HISTORIES: dict[str, tuple[History, str]] = {
    "plain": ([("created", 0), ("processing", 60), ("completed", 120)], "PAID"),
    "underpaid, then accepted": (
        [("created", 0), ("processing", 60), ("underpaid", 90), ("completed", 120)],
        "PAID",
    ),
    "paid after its expiry": ([("created", 0), ("expired", 60), ("processing", 90), ("completed", 120)], "PAID"),
    "expired after its payment": ([("created", 0), ("completed", 60), ("expired", 120)], "PAID"),
    "late processing": ([("completed", 60), ("processing", 600)], "PAID"),
    "underpaid, then expired": ([("created", 0), ("underpaid", 60), ("expired", 120)], "UNDERPAID"),
    "expired, then underpaid": ([("created", 0), ("expired", 60), ("underpaid", 120)], "UNDERPAID"),
    "cancelled": ([("created", 0), ("cancelled", 60)], "CANCELLED"),
    "never paid": ([("created", 0), ("processing", 60)], "PENDING"),
    "all in one second": ([("created", 0), ("processing", 0), ("completed", 0)], "PAID"),
    "without any time": ([("created", None), ("processing", None), ("underpaid", None), ("completed", None)], "PAID"),
    "with a time only here and there": ([("created", 600), ("processing", None), ("completed", None)], "PAID"),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_every_order_of_a_history_ends_the_same(
    history: str, ledger: Ledger, event_of: EventOf, dynamodb: "DynamoDBClient"
) -> None:
    steps, ends = HISTORIES[history]
    for number, sequence in enumerate(permutations(steps)):
        data = {"uuid": f"u-{number}", "reference": f"order-{number}"}
        apply(ledger, [event_of(f"payment.{name}", data, timestamp=at(seconds)) for name, seconds in sequence])

        assert order(f"order-{number}", dynamodb) == ends, sequence


def test_a_tie_in_the_same_second_is_settled_the_same_way_in_both_orders(
    fresh_ledger: FreshLedger, event_of: EventOf, dynamodb: "DynamoDBClient"
) -> None:
    data = {"uuid": "u", "reference": "r"}
    tied = [event_of(f"payment.{name}", data) for name in ("underpaid", "expired", "cancelled")]
    found = set()
    for sequence in permutations(tied):
        with fresh_ledger() as ledger:
            apply(ledger, sequence)
            found.add((joined(dynamodb)["u"].value("status"), order("r", dynamodb)))

    assert len(found) == 1


@pytest.mark.parametrize(
    "said", [("OUT", "OUT", "OUT"), ("OUT", None, None), ("IN", " out ", "IN"), (None, None, "SWAP")]
)
def test_what_is_a_payout_or_unclear_pays_no_order_in_any_order(
    fresh_ledger: FreshLedger,
    event_of: EventOf,
    dynamodb: "DynamoDBClient",
    said: tuple[str | None, str | None, str | None],
) -> None:
    payout = [
        event_of(f"payment.{name}", {"uuid": "u", "type": type_, "reference": "r"})
        for name, type_ in zip(("created", "processing", "completed"), said, strict=True)
    ]
    for sequence in permutations(payout):
        with fresh_ledger() as ledger:
            apply(ledger, sequence)

            assert (joined(dynamodb)["u"].value("status"), order("r", dynamodb)) == ("COMPLETE", None)


@pytest.mark.parametrize("names", [("detected", "confirmed", "completed"), ("detected", "completed")])
def test_a_payment_into_a_channel_is_credited_once_in_every_order(
    fresh_ledger: FreshLedger, event_of: EventOf, dynamodb: "DynamoDBClient", names: tuple[str, ...]
) -> None:
    data = {"uuid": "u", "reference": "user-1", "amount": 7, "currency": "EUR"}
    channel = [event_of(f"channel.payment.{name}", data, timestamp=at(seconds)) for seconds, name in enumerate(names)]
    for sequence in permutations(channel):
        with fresh_ledger() as ledger:
            apply(ledger, sequence)

            assert joined(dynamodb, "channel")["u"].value("status") == "COMPLETE"
            assert books(dynamodb)["balance#user-1", "EUR"]["amount"]["N"] == "7"


# --- The laws -----------------------------------------------------------------------------------------
UUIDS = st.sampled_from(["u-1", "u-2"])
SECONDS = st.none() | st.sampled_from([0, 0.000001, 1, 60, 3600])
AMOUNTS = st.sampled_from([1, 7, 100])


def payments(event_of: EventOf) -> st.SearchStrategy[WebhookEvent]:
    """Events of two payments of one reference, and some that only repeat each other in part."""
    names = st.sampled_from(["created", "processing", "underpaid", "expired", "cancelled", "completed"])
    data = st.fixed_dictionaries(
        {"uuid": UUIDS, "reference": st.just("order-1"), "type": st.sampled_from(["IN", "OUT"])},
        optional={"paidCurrency": st.fixed_dictionaries({"currency": st.just("EUR"), "amount": AMOUNTS})},
    )
    return st.builds(lambda name, d, s: event_of(f"payment.{name}", d, timestamp=at(s)), names, data, SECONDS)


def channel_payments(event_of: EventOf) -> st.SearchStrategy[WebhookEvent]:
    """Events of two payments into channels of two accounts; what is credited is the same for one payment."""
    names = st.sampled_from(["detected", "confirmed", "completed"])

    def make(name: str, uuid: str, transaction: str | None, seconds: float | None) -> WebhookEvent:
        money = {"reference": f"user-{uuid}", "amount": 7, "currency": "EUR"}
        data = {"uuid": uuid, "channelId": "channel", "hash": transaction, **money}
        return event_of(f"channel.payment.{name}", data, timestamp=at(seconds))

    return st.builds(make, names, UUIDS, st.sampled_from([None, "0x1", "0x2"]), SECONDS)


def resources(event_of: EventOf) -> st.SearchStrategy[WebhookEvent]:
    names = st.sampled_from(["deposit.status_change", "withdrawal.status_change", "trade.conversion.state_changed"])
    statuses = st.sampled_from(["PENDING", "PROCESSING", "CONFIRMED", "FAILED", "COMPLETE", "SOMETHING_NEW"])

    def make(name: str, resource_id: str, status: str, amount: int, seconds: float | None) -> WebhookEvent:
        return event_of(name, {"id": resource_id, "status": status, "amount": amount}, timestamp=at(seconds))

    return st.builds(make, names, UUIDS, statuses, AMOUNTS, SECONDS)


def balances(event_of: EventOf) -> st.SearchStrategy[WebhookEvent]:
    """With a time stamp: without one there is nothing to order them by, and nothing is promised."""

    def make(asset: str, amount: int, seconds: float) -> WebhookEvent:
        return event_of("balance.updated", {"asset": asset, "amount": amount}, timestamp=at(seconds))

    return st.builds(make, st.sampled_from(["BTC", "ETH"]), AMOUNTS, st.sampled_from([0, 1, 2]))


FAMILIES: dict[str, Callable[[EventOf], st.SearchStrategy[WebhookEvent]]] = {
    "payments": payments,
    "channel payments": channel_payments,
    "resources": resources,
    "balances": balances,
}


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_the_same_events_give_the_same_books_in_every_order_and_however_often(
    family: str, data: st.DataObject, fresh_ledger: FreshLedger, event_of: EventOf, dynamodb: "DynamoDBClient"
) -> None:
    # Unlike in identity: of two deliveries of one event the first counts, and that is for the event table to see to.
    unlike = st.lists(FAMILIES[family](event_of), min_size=1, max_size=6, unique_by=lambda event: event.identity)
    events = data.draw(unlike)
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    other_order = data.draw(st.permutations([*events, *again]))

    with fresh_ledger() as ledger:
        apply(ledger, events)
        expected = books(dynamodb)
    with fresh_ledger() as ledger:
        apply(ledger, other_order)

        assert books(dynamodb) == expected


@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_the_winner_is_the_event_of_the_highest_position(
    data: st.DataObject, fresh_ledger: FreshLedger, event_of: EventOf, dynamodb: "DynamoDBClient"
) -> None:
    events = data.draw(st.lists(payments(event_of) | resources(event_of), min_size=1, max_size=6))
    states = [effect for event in events for effect in router[event.name](event, SETTINGS)]
    highest: dict[str, str] = {}
    for state in states:
        if isinstance(state, SetPayment | SetResource):
            about = state.uuid if isinstance(state, SetPayment) else f"resource#{state.kind}#{state.id}"
            highest[about] = max(highest.get(about, ""), state.position)

    with fresh_ledger() as ledger:
        apply(ledger, events)

        stand = {uuid: payment.fields["status"][0] for uuid, payment in joined(dynamodb).items()}
        others = {pk: item["position"]["S"] for (pk, _), item in books(dynamodb).items() if "position" in item}
        assert stand | others == highest
