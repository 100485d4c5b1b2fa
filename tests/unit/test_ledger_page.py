"""docs/ledger.md is a contract: what it says of items is what is written, and what `wickiepay_books` reads."""

import re
from contextlib import suppress
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.deliveries import EventOf
from tests.support.deployed import SETTINGS
from tests.support.pages import rows, section
from wickiepay import ledger_items as items
from wickiepay.dynamodb import Item
from wickiepay.effects import Credit, SetPayment
from wickiepay.errors import PermanentFailure
from wickiepay.ledger import Ledger
from wickiepay.payments import Payment
from wickiepay.routing import router
from wickiepay_books import Books
from wickiepay_cli.project import PROJECT
from wickiepay_cli.store.ledger_records import LedgerRecords

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PAGE: Final = PROJECT / "docs/ledger.md"
UUID: Final = "6a9d6f3e-0f0b-4c39-8a0f-6f7f0a9b1c2d"
LONG: Final = "order-" + "é" * 3

type Step = tuple[str, dict[str, Any]]
"""An event's name, and what its data have beside the uuid and the reference."""


def older(uuid: str, event: str, **more: str) -> dict[str, Any]:
    """An item as versions up to 0.1 kept a payment."""
    at = "2026-01-14T10:00:00.000000Z"
    texts = {"pk": f"payment#{uuid}", "sk": "-", "uuid": uuid, "reference": "order-1", "type": "IN", "event": event}
    facts = {"updated_at": at, "position": f"30|{at}|{event}|0123456789abcdef", "order_status": "PAID"}
    return {name: {"S": text} for name, text in {**texts, **facts, **more}.items()}


@pytest.mark.parametrize(
    ("expected", "reference", "old", "happened"),
    [
        ("PAID", "order-1", [], [("payment.expired", {}), ("payment.completed", {"uuid": "p-2"})]),
        ("UNDERPAID", "order-1", [], [("payment.underpaid", {}), ("payment.cancelled", {})]),
        ("PENDING", "order-1", [], [("payment.expired", {}), ("payment.processing", {"uuid": "p-2"})]),
        ("EXPIRED", "order-1", [], [("payment.expired", {}), ("payment.cancelled", {"uuid": "p-2"})]),
        ("CANCELLED", LONG, [], [("payment.cancelled", {})]),
        (None, "order-1", [], [("payment.completed", {"type": "OUT"})]),
        (None, "order-1", [], [("payment.completed", {"type": "REFUND"})]),
        (None, "order-1", [], [("channel.payment.completed", {})]),
        (None, "order-1", [], [("payment.completed", {"reference": "order-2"})]),
        ("EXPIRED", "order-1", [older(UUID.upper(), "payment.expired", status="EXPIRED")], []),
        ("UNDERPAID", "order-1", [older("p-1", "payment.underpaid", status="UNDERPAID")], [("payment.expired", {})]),
        (
            "EXPIRED",
            "order-1",
            [older(UUID.upper(), "payment.processing", status="PROCESSING")],
            [("payment.expired", {"uuid": UUID.upper()})],
        ),
        (None, "order-1", [older("p-1", "payment.completed", status="COMPLETE", type="OUT")], []),
        (None, "order-1", [older("p-1", "channel.payment.completed", status="COMPLETE")], []),
        (
            None,
            "order-1",
            [older("p-1", "payment.processing", status="PROCESSING")],
            [("payment.expired", {"reference": "order-2"})],
        ),
    ],
)
def test_an_order_is_what_the_page_says(
    expected: str | None,
    reference: str,
    old: list[dict[str, Any]],
    happened: list[Step],
    ledger: Ledger,
    dynamodb: "DynamoDBClient",
    event_of: EventOf,
) -> None:
    for item in old:
        dynamodb.put_item(TableName=ledger.table, Item=item)
    for name, data in happened:
        with suppress(PermanentFailure):  # of what is UNCLEAR
            for effect in router[name](event_of(name, {"uuid": "p-1", "reference": reference, **data}), SETTINGS):
                ledger.apply(effect, {})
    shown = {each.order_status for each in LedgerRecords(dynamodb, ledger.table).payments(reference)}

    assert Books.of_table(dynamodb, ledger.table).order(reference).status == expected
    assert shown - {None} == {expected} - {None}


# --- Attributes --------------------------------------------------------------------------------------
KEYS: Final = {"pk", "sk"}
EVERYTHING: Final = {
    "uuid": "p-1",
    "reference": LONG,
    "type": "IN",
    "displayCurrency": {"currency": "EUR", "amount": 100},
    "paidCurrency": {"currency": "USDT", "amount": 108},
    "transactions": [{"txHash": "0x1"}],
    "metadata": {"cart": 7},
}


def documented(title: str) -> dict[str, str]:
    """The attributes that a section of the page names, each with the items that it is of, where it says so."""
    return {
        name: where
        for names, _, where, *_ in rows(section(PAGE, title).partition("```python")[0])
        for name in re.findall(r"`(\w+)`", names)
    }


def written(item: Item) -> set[str]:
    return set(item) - KEYS


def test_every_attribute_of_a_payment_is_described(event_of: EventOf) -> None:
    [effect] = router["payment.underpaid"](event_of("payment.underpaid", EVERYTHING), SETTINGS)
    assert isinstance(effect, SetPayment)
    says = effect.says
    flags = {"underpaid": True, "money_came": True, "credited": True}
    whole = Payment(**{field.name: getattr(says, field.name) for field in fields(says)} | flags)

    assert written(items.payment_item("p-1", "payment", whole, 1)) == set(documented("Payments"))


def test_every_attribute_of_an_entry_is_described(event_of: EventOf) -> None:
    name = "channel.payment.confirmed"
    [effect] = [each for each in router[name](event_of(name, EVERYTHING), SETTINGS) if isinstance(each, Credit)]
    adjustment = items.Adjustment("a-1", LONG, "EUR", Decimal(-1), "why", "who", "when", "p-1")
    of = documented("Entries and balances")

    assert written(items.entry_item(effect)) == {name for name, where in of.items() if where != "adjustment"}
    assert written(items.adjustment_item(adjustment)) == {name for name, where in of.items() if where != "credit"}


def test_every_attribute_of_anything_else_is_described(event_of: EventOf) -> None:
    name = "deposit.status_change"
    [effect] = router[name](event_of(name, {"uuid": "d-1", "status": "COMPLETE"}), SETTINGS)

    assert written(items.resource_item(effect)) == set(documented("Everything else"))  # type: ignore[arg-type]


def test_every_kind_of_item_is_named() -> None:
    kinds = {re.sub("[A-Z].*", "", pk.strip("`")) for pk, *_ in rows(section(PAGE, "Keys"))}
    assert kinds == {items.PAYMENT, items.CREDIT, items.ADJUSTMENT, items.BALANCE, items.RESOURCE}
