"""The books: every write can be repeated, the later state counts, and amounts add up to the last digit."""

import decimal
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from wickiepay.effects import Credit, SetPayment, SetResource, set_payment, set_resource
from wickiepay.errors import PermanentFailure, StoreUnavailable
from wickiepay.event import MAX_NUMBER_CHARACTERS, parse
from wickiepay.ledger import CREDIT_ATTEMPTS, Ledger
from wickiepay.money import Money

if TYPE_CHECKING:
    from tests.unit.conftest import Calls, EventOf, FreshLedger, SizeOf
    from types_boto3_dynamodb import DynamoDBClient

D = Decimal
UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
INSTANT = "2026-01-15T10:25:00.000000Z"
MAX_ITEM_BYTES = 400 * 1024
MAX_BODY_BYTES = 256 * 1024

PAYMENT = SetPayment(
    uuid=UUID,
    part="-",
    position="50|…",
    type="IN",
    status="CONFIRMED",
    order_status="PENDING",
    reference="order-1001",
    display=Money("EUR", D("100.00")),
    paid=Money("USDC", D("108.50")),
    event="payment.processing",
    occurred_at=INSTANT,
)
RESOURCE = SetResource("deposit", UUID, "50|…", "CONFIRMED", "{}", "deposit.status_change", INSTANT)
CREDIT = Credit(UUID, "-", "user-1", "EUR", D("0.1"), "channel.payment.confirmed", "channel.payment.confirmed", INSTANT)


@pytest.fixture(autouse=True, scope="module")
def precision_of_dynamodb() -> Iterator[None]:
    """Moto adds in the thread's own precision, DynamoDB in 38 digits."""
    with decimal.localcontext(prec=38):
        yield


def item(dynamodb: "DynamoDBClient", pk: str, sk: str) -> dict[str, str] | None:
    """What stands there, without its types."""
    found = dynamodb.get_item(TableName="LedgerTable", Key={"pk": {"S": pk}, "sk": {"S": sk}}).get("Item")
    return {name: str(*value.values()) for name, value in found.items()} if found else None


def balance(dynamodb: "DynamoDBClient", account: str = "user-1", currency: str = "EUR") -> Decimal | None:
    found = item(dynamodb, f"balance#{account}", currency)
    return D(found["amount"]) if found else None


# --- States -------------------------------------------------------------------------------------------
def test_a_payment_as_it_is_kept(ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime) -> None:
    assert ledger.apply(PAYMENT, now)

    assert item(dynamodb, f"payment#{UUID}", "-") == {
        "pk": f"payment#{UUID}",
        "sk": "-",
        "position": "50|…",
        "uuid": UUID,
        "type": "IN",
        "status": "CONFIRMED",
        "order_status": "PENDING",
        "reference": "order-1001",
        "display_amount": "100",
        "display_currency": "EUR",
        "paid_amount": "108.5",
        "paid_currency": "USDC",
        "event": "payment.processing",
        "updated_at": INSTANT,
    }


def test_a_resource_as_it_is_kept(ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime) -> None:
    assert ledger.apply(RESOURCE, now)

    assert item(dynamodb, f"resource#deposit#{UUID}", "-") == {
        "pk": f"resource#deposit#{UUID}",
        "sk": "-",
        "position": "50|…",
        "status": "CONFIRMED",
        "data": "{}",
        "event": "deposit.status_change",
        "updated_at": INSTANT,
    }


@pytest.mark.parametrize("state", [PAYMENT, RESOURCE])
def test_without_a_time_of_its_own_a_state_is_as_old_as_its_processing(
    state: SetPayment | SetResource, ledger: Ledger, calls: "Calls", now: datetime
) -> None:
    ledger.apply(replace(state, occurred_at=None), now)

    assert calls.of("PutItem")[0]["Item"]["updated_at"] == {"S": "2026-01-15T10:25:01.000000Z"}


@pytest.mark.parametrize("state", [PAYMENT, RESOURCE])
@pytest.mark.parametrize(
    ("position", "counts"), [("49|…", False), ("50|…", False), ("50|….", True), ("51|", True), ("90|", True)]
)
def test_the_higher_position_counts(
    state: SetPayment | SetResource, position: str, counts: bool, ledger: Ledger, calls: "Calls", now: datetime
) -> None:
    ledger.apply(state, now)

    assert ledger.apply(replace(state, position=position), now) is counts
    assert len(calls.made) == 2


def test_the_winner_replaces_the_whole_state(ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime) -> None:
    ledger.apply(PAYMENT, now)
    ledger.apply(replace(PAYMENT, position="90|", display=None, paid=None, reference=None, order_status=None), now)

    found = item(dynamodb, f"payment#{UUID}", "-")
    assert found
    assert not {"display_amount", "paid_currency", "reference", "order_status"} & set(found)


def test_payments_are_found_by_their_reference(ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime) -> None:
    for uuid in ("u-1", "u-2"):
        ledger.apply(replace(PAYMENT, uuid=uuid), now)
    ledger.apply(replace(CREDIT, account="order-1001"), now)

    found = dynamodb.query(
        TableName="LedgerTable",
        IndexName="by_reference",
        KeyConditionExpression="reference = :reference AND begins_with(pk, :payment)",
        ExpressionAttributeValues={":reference": {"S": "order-1001"}, ":payment": {"S": "payment#"}},
    )

    assert [payment["pk"]["S"] for payment in found["Items"]] == ["payment#u-1", "payment#u-2"]


BODIES = [
    pytest.param("é" * 127_000, id="two bytes each"),
    pytest.param("\u65e5" * 87_000, id="three bytes each"),
    pytest.param("\U0001f600" * 65_000, id="four bytes each"),
    pytest.param([json.loads("1e300")] * 36_000, id="numbers that are longer when written out"),
    pytest.param("\\" * 130_000, id="escapes"),
]


@pytest.mark.parametrize("blob", BODIES)
def test_the_largest_event_fits_an_item(
    blob: object, ledger: Ledger, calls: "Calls", now: datetime, size_of: "SizeOf"
) -> None:
    text = json.dumps({"event": "deposit.status_change", "data": {"id": "i", "b": blob}}, ensure_ascii=False)
    body = text.replace("1e+300", "1e300").encode()
    assert 200_000 < len(body) <= MAX_BODY_BYTES

    ledger.apply(set_resource(parse(body), "deposit"), now)

    assert size_of(calls.of("PutItem")[0]["Item"]) <= MAX_ITEM_BYTES


def test_the_most_hostile_payment_fits_an_item(
    ledger: Ledger, calls: "Calls", now: datetime, size_of: "SizeOf", event_of: "EventOf"
) -> None:
    money = {"currency": "X" * 20, "amount": "9" * (MAX_NUMBER_CHARACTERS // 2)}
    data = {"uuid": "é" * 9000, "reference": "é" * 9000, "displayCurrency": money, "paidCurrency": money, "hash": "é"}

    ledger.apply(set_payment(event_of("channel.payment.completed", data), 90, "COMPLETE"), now)

    assert size_of(calls.of("PutItem")[0]["Item"]) < 4096


# --- Credits ------------------------------------------------------------------------------------------
def test_a_credit_is_an_entry_and_a_sum(ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime) -> None:
    assert ledger.apply(CREDIT, now)

    assert balance(dynamodb) == D("0.1")
    assert item(dynamodb, f"credit#{UUID}", "-") == {
        "pk": f"credit#{UUID}",
        "sk": "-",
        "reference": "user-1",
        "uuid": UUID,
        "currency": "EUR",
        "amount": "0.1",
        "event": "channel.payment.confirmed",
        "event_key": "channel.payment.confirmed",
        "at": INSTANT,
    }


def test_a_tenth_and_two_tenths_are_three_tenths(ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime) -> None:
    ledger.apply(CREDIT, now)
    ledger.apply(replace(CREDIT, uuid="u-2", amount=D("0.2")), now)

    assert balance(dynamodb) == D("0.3")


def test_18_and_18_digits_survive_and_add_up(ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime) -> None:
    largest = D("999999999999999999.999999999999999999")
    for number in range(9):
        ledger.apply(replace(CREDIT, uuid=f"u-{number}", amount=largest), now)
    ledger.apply(replace(CREDIT, uuid="u-9", amount=D("0.000000000000000009")), now)

    assert balance(dynamodb) == D("9000000000000000000.000000000000000000")


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(CREDIT, id="the same"),
        pytest.param(replace(CREDIT, amount=D("0.10")), id="in another spelling"),
        pytest.param(replace(CREDIT, event_key="another"), id="by another event"),
    ],
)
def test_one_payment_credits_once(again: Credit, ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime) -> None:
    ledger.apply(CREDIT, now)

    assert not ledger.apply(again, now)
    assert balance(dynamodb) == D("0.1")


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(replace(CREDIT, account="user-2"), id="to another account"),
        pytest.param(replace(CREDIT, currency="USDC"), id="in another currency"),
        pytest.param(replace(CREDIT, amount=D(7)), id="of another amount"),
    ],
)
def test_a_payment_that_was_credited_otherwise_is_for_a_person(
    again: Credit, ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime
) -> None:
    ledger.apply(CREDIT, now)

    with pytest.raises(PermanentFailure, match="credited before"):
        ledger.apply(again, now)
    assert balance(dynamodb) == D("0.1")
    assert balance(dynamodb, again.account, again.currency) in (D("0.1"), None)


@pytest.mark.parametrize("other", [replace(CREDIT, uuid="u-2"), replace(CREDIT, part="0xabc")])
def test_another_payment_credits_again(
    other: Credit, ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime
) -> None:
    ledger.apply(CREDIT, now)

    assert ledger.apply(other, now)
    assert balance(dynamodb) == D("0.2")


def test_each_account_and_currency_has_a_balance_of_its_own(
    ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime
) -> None:
    for number, (account, currency) in enumerate([("user-1", "EUR"), ("user-1", "USDC"), ("user-2", "EUR")]):
        ledger.apply(replace(CREDIT, uuid=f"u-{number}", account=account, currency=currency), now)

    assert [balance(dynamodb, *key) for key in [("user-1", "EUR"), ("user-1", "USDC"), ("user-2", "EUR")]] == [
        D("0.1")
    ] * 3


def test_without_a_time_of_its_own_an_entry_is_as_old_as_its_processing(
    ledger: Ledger, dynamodb: "DynamoDBClient", now: datetime
) -> None:
    ledger.apply(replace(CREDIT, occurred_at=None), now)

    assert (item(dynamodb, f"credit#{UUID}", "-") or {})["at"] == "2026-01-15T10:25:01.000000Z"


# From a thousandth on: moto cannot add to a number that Python would print with an exponent.
AMOUNTS = st.decimals(D("0.001"), D("999999999999999999.999999999999999999"), places=18)


@settings(max_examples=30)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=8), data=st.data())
def test_a_balance_is_the_exact_sum_of_its_entries_whatever_is_repeated(
    amounts: list[Decimal], data: st.DataObject, fresh_ledger: "FreshLedger", dynamodb: "DynamoDBClient", now: datetime
) -> None:
    entries = [replace(CREDIT, uuid=f"u-{number}", amount=amount) for number, amount in enumerate(amounts)]
    repeated = data.draw(st.permutations(entries + data.draw(st.lists(st.sampled_from(entries), max_size=4))))
    with fresh_ledger() as ledger:
        for entry in repeated:
            ledger.apply(entry, now)

        assert balance(dynamodb) == sum(amounts)


# --- What goes wrong ----------------------------------------------------------------------------------
def cancelled(calls: "Calls", *codes: str, times: int = 1000) -> None:
    reasons: list[dict[str, Any]] = [{"Code": code} for code in codes]
    calls.refuse("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons, times=times)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def hurried(ledger: Ledger, dynamodb: "DynamoDBClient", pauses: list[float]) -> Ledger:  # noqa: ARG001
    """A ledger whose pauses only are noted; its jitter cuts each by half."""
    return Ledger(dynamodb, "LedgerTable", sleep=pauses.append, jitter=lambda: 0.5)


@pytest.mark.parametrize("codes", [("None", "TransactionConflict"), ("TransactionConflict", "None")])
def test_a_conflict_of_transactions_is_tried_again(
    codes: tuple[str, str],
    hurried: Ledger,
    pauses: list[float],
    calls: "Calls",
    dynamodb: "DynamoDBClient",
    now: datetime,
) -> None:
    cancelled(calls, *codes, times=3)

    assert hurried.apply(CREDIT, now)
    assert balance(dynamodb) == D("0.1")
    assert pauses == [0.025, 0.05, 0.1]


def test_conflicts_of_transactions_are_not_tried_for_ever(
    hurried: Ledger, pauses: list[float], calls: "Calls", now: datetime
) -> None:
    cancelled(calls, "None", "TransactionConflict")

    with pytest.raises(StoreUnavailable, match="too busy"):
        hurried.apply(CREDIT, now)
    assert len(calls.made) == CREDIT_ATTEMPTS
    assert pauses == [0.025, 0.05, 0.1, 0.2]


def test_a_throttled_transaction_is_tried_again(hurried: Ledger, calls: "Calls", now: datetime) -> None:
    cancelled(calls, "None", "ThrottlingError", times=1)

    assert hurried.apply(CREDIT, now)


def test_a_credit_whose_answer_was_lost_is_found_to_be_there(
    hurried: Ledger, calls: "Calls", dynamodb: "DynamoDBClient", now: datetime
) -> None:
    calls.lose_answer("TransactWriteItems")

    with pytest.raises(StoreUnavailable):
        hurried.apply(CREDIT, now)
    assert not hurried.apply(CREDIT, now)
    assert balance(dynamodb) == D("0.1")


def test_a_balance_that_outgrows_the_tables_numbers_is_a_permanent_failure(
    hurried: Ledger, calls: "Calls", now: datetime
) -> None:
    cancelled(calls, "None", "ValidationError")

    with pytest.raises(PermanentFailure, match="The balance of user-1 in EUR has too many digits"):
        hurried.apply(CREDIT, now)
    assert len(calls.made) == 1


def test_a_transaction_writes_both_or_nothing(
    hurried: Ledger, calls: "Calls", dynamodb: "DynamoDBClient", now: datetime
) -> None:
    cancelled(calls, "None", "TransactionConflict")
    with pytest.raises(StoreUnavailable):
        hurried.apply(CREDIT, now)
    calls.mend()

    assert item(dynamodb, f"credit#{UUID}", "-") is None
    assert balance(dynamodb) is None


WRITES = [(PAYMENT, "PutItem"), (RESOURCE, "PutItem"), (CREDIT, "TransactWriteItems")]


@pytest.mark.parametrize(("effect", "operation"), WRITES)
def test_an_outage(
    effect: SetPayment | SetResource | Credit, operation: str, ledger: Ledger, calls: "Calls", now: datetime
) -> None:
    calls.fail(operation)

    with pytest.raises(StoreUnavailable, match="The ledger table did not answer"):
        ledger.apply(effect, now)


@pytest.mark.parametrize(("effect", "operation"), WRITES)
def test_an_error_of_our_own_is_not_hidden(
    effect: SetPayment | SetResource | Credit, operation: str, ledger: Ledger, calls: "Calls", now: datetime
) -> None:
    calls.refuse(operation, "ValidationException")

    with pytest.raises(ClientError, match="ValidationException"):
        ledger.apply(effect, now)
