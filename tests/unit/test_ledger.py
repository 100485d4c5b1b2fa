"""The books: every write can be repeated, a payment joins its events, and amounts add up to the last digit."""

import decimal
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.aws import Calls, FreshLedger, SizeOf
from wickiepay.effects import Credit, Effect, Refuse, SetPayment, SetResource, Spellings, set_payment, set_resource
from wickiepay.errors import AdjustmentRefused, PermanentFailure, StoreUnavailable
from wickiepay.event import parse
from wickiepay.identity import bounded
from wickiepay.ledger import ATTEMPTS, Ledger, Rows
from wickiepay.ledger_items import Adjustment

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

D = Decimal
UUID = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
INSTANT = "2026-01-15T10:25:00.000000Z"
MAX_ITEM_BYTES = 400 * 1024
MAX_BODY_BYTES = 256 * 1024
CONFIRMED = "channel.payment.confirmed"

RESOURCE = SetResource("deposit", UUID, "50|…", "CONFIRMED", "{}", "deposit.status_change", INSTANT)
CREDIT = Credit(
    uuid=UUID,
    family="channel",
    entry="-",
    second=False,
    transaction=None,
    may_be_channels=False,
    if_missing=False,
    direction=None,
    account="user-1",
    currency="EUR",
    amount=D("0.1"),
    flaw=None,
    event=CONFIRMED,
    event_key=CONFIRMED,
    moment=INSTANT,
    spellings=Spellings(UUID, "-"),
)


def told(name: str, time: str = "2026-01-15T10:25:00Z", **data: object) -> SetPayment:
    """What the event `name` says of the payment."""
    event = parse(json.dumps({"event": name, "timestamp": time, "data": {"uuid": UUID, **data}}).encode())
    stage, status = {"created": (10, "PENDING"), "confirmed": (50, "CONFIRMED"), "completed": (90, "COMPLETE")}[
        name.rpartition(".")[2]
    ]
    effect = set_payment(event, stage, status)[0]
    assert isinstance(effect, SetPayment)
    return effect


def another(uuid: str, **changes: Any) -> Credit:  # noqa: ANN401
    """The credit of another payment."""
    return replace(CREDIT, uuid=uuid, spellings=Spellings(uuid, "-"), **changes)


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


def apply(ledger: Ledger, *effects: Effect) -> list[bool]:
    return [ledger.apply(effect, {}) for effect in effects]


# --- Payments -----------------------------------------------------------------------------------------
def test_a_payment_as_it_is_kept(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    created = told("payment.created", type="IN", reference="#7", displayCurrency={"currency": "EUR", "amount": 100})
    assert apply(ledger, created) == [True]

    found = item(dynamodb, f"payment#{UUID}", "#payment")
    assert found
    assert json.loads(found.pop("sources")) == {created.position: "display last reference status"}
    assert found == {
        "pk": f"payment#{UUID}",
        "sk": "#payment",
        "version": "1",
        "uuid": UUID,
        "type": "IN",
        "status": "PENDING",
        "reference": bounded("#7"),
        "reference_as_sent": "#7",
        "display_amount": "100",
        "display_currency": "EUR",
        "directions": '{"said":["IN"]}',
        "amounts": "['display EUR 100']",
        "event": "payment.created",
        "updated_at": INSTANT,
    }


def test_what_changes_nothing_is_not_written(ledger: Ledger, calls: Calls) -> None:
    rows: Rows = {}
    for effect in (told("payment.created"), told("payment.completed"), told("payment.created")):
        ledger.apply(effect, rows)

    assert calls.names() == ["Query", "PutItem", "PutItem"]


def test_an_event_stands_where_its_status_counts(ledger: Ledger) -> None:
    completed, created = told("payment.completed"), told("payment.created")

    assert apply(ledger, created, completed, created, completed) == [True, True, False, True]


@pytest.mark.parametrize("known", ["nothing", "what was read before somebody else wrote"])
def test_a_lost_race_reads_again_and_loses_no_field(known: str, ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    stale: Rows = {}
    if known != "nothing":
        ledger.apply(told("payment.created", metadata={"orderId": "7"}), stale)
    ledger.apply(told("payment.created", reference="order-7"), {})
    ledger.apply(told("payment.completed"), stale)

    found = item(dynamodb, f"payment#{UUID}", "#payment") or {}
    assert (found["status"], found["reference"]) == ("COMPLETE", "order-7")


def test_a_payment_that_everybody_writes_to_is_not_tried_for_ever(ledger: Ledger, calls: Calls) -> None:
    calls.refuse("PutItem", "ConditionalCheckFailedException")

    with pytest.raises(StoreUnavailable, match="too busy with one payment"):
        apply(ledger, told("payment.created"))
    assert calls.names().count("PutItem") == ATTEMPTS


def test_what_is_read_for_a_batch_spares_reading_it_again(ledger: Ledger, calls: Calls) -> None:
    created, completed = told("payment.created"), told("payment.completed", uuid=UUID.upper())
    reading = ledger.reading([created, completed])
    assert reading
    wanted: Any = reading["Keys"]
    keys = [(key["pk"]["S"], key["sk"]["S"]) for key in wanted]
    rows = ledger.rows([created, completed], [])
    ledger.apply(completed, rows)

    assert keys == [(f"payment#{UUID}", "#payment"), (f"payment#{UUID}", "-"), (f"payment#{UUID.upper()}", "-")]
    assert reading["ConsistentRead"]
    assert calls.names() == ["PutItem"]
    assert ledger.reading([]) is None


def test_payments_are_found_by_their_reference(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    for uuid in ("u-1", "u-2"):
        apply(ledger, told("payment.created", uuid=uuid, reference="order-1001"))
    apply(ledger, replace(CREDIT, account="order-1001"))

    found = dynamodb.query(
        TableName="LedgerTable",
        IndexName="by_reference",
        KeyConditionExpression="reference = :reference AND begins_with(pk, :payment)",
        ExpressionAttributeValues={":reference": {"S": "order-1001"}, ":payment": {"S": "payment#"}},
    )

    assert [payment["pk"]["S"] for payment in found["Items"]] == ["payment#u-1", "payment#u-2"]


# --- What versions up to 0.1 kept -----------------------------------------------------------------------
def old_payment(dynamodb: "DynamoDBClient", part: str = "-", uuid: str = UUID, **attributes: str) -> None:
    texts = {
        "pk": f"payment#{uuid}",
        "sk": part,
        "position": f"10|{INSTANT}|payment.created|{'ab' * 32}",
        "uuid": uuid,
        "type": "IN",
        "status": "PENDING",
        "reference": "order-7",
        "event": "payment.created",
        "updated_at": INSTANT,
        **attributes,
    }
    dynamodb.put_item(TableName="LedgerTable", Item={name: {"S": text} for name, text in texts.items()})


@pytest.mark.parametrize("uuid", [UUID, UUID.upper()])
def test_an_old_payment_is_joined(uuid: str, ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    old_payment(dynamodb, uuid=uuid)
    apply(ledger, told("payment.completed", uuid=uuid))

    found = item(dynamodb, f"payment#{UUID}", "#payment") or {}
    assert (found["status"], found["reference"]) == ("COMPLETE", "order-7")


def test_an_old_payout_credits_nobody(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    old_payment(dynamodb, "0xab", type="OUT", event="channel.payment.detected")

    assert apply(ledger, replace(CREDIT, spellings=Spellings(UUID, "0xab"))) == [False]
    assert balance(dynamodb) is None


def test_what_an_old_version_writes_later_is_joined_as_well(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    apply(ledger, told("payment.created", metadata={"orderId": "7"}))
    old_payment(dynamodb, position=f"20|{INSTANT}|payment.processing|{'ab' * 32}", status="PROCESSING")
    apply(ledger, told("payment.created", "2026-01-15T10:24:00Z"))

    found = item(dynamodb, f"payment#{UUID}", "#payment") or {}
    assert (found["status"], found["reference"]) == ("PROCESSING", "order-7")


# --- Resources ------------------------------------------------------------------------------------------
def test_a_resource_as_it_is_kept(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    assert apply(ledger, RESOURCE) == [True]

    assert item(dynamodb, f"resource#deposit#{UUID}", "-") == {
        "pk": f"resource#deposit#{UUID}",
        "sk": "-",
        "position": "50|…",
        "status": "CONFIRMED",
        "data": "{}",
        "event": "deposit.status_change",
        "updated_at": INSTANT,
    }


@pytest.mark.parametrize(
    ("position", "counts"), [("49|…", False), ("50|…", True), ("50|….", True), ("51|", True), ("90|", True)]
)
def test_the_higher_position_counts(position: str, counts: bool, ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    apply(ledger, RESOURCE)

    assert apply(ledger, replace(RESOURCE, position=position)) == [counts]
    found = item(dynamodb, f"resource#deposit#{UUID}", "-") or {}
    assert found["position"] == max("50|…", position)


def test_a_refusal_is_for_a_person(ledger: Ledger) -> None:
    with pytest.raises(PermanentFailure, match="why"):
        apply(ledger, Refuse("why"))


BODIES = [
    pytest.param("é" * 127_000, id="two bytes each"),
    pytest.param("\u65e5" * 87_000, id="three bytes each"),
    pytest.param("\U0001f600" * 65_000, id="four bytes each"),
    pytest.param([json.loads("1e300")] * 36_000, id="numbers that are longer when written out"),
    pytest.param("\\" * 130_000, id="escapes"),
]


@pytest.mark.parametrize("blob", BODIES)
def test_the_largest_event_fits_an_item(blob: object, ledger: Ledger, calls: Calls, size_of: SizeOf) -> None:
    text = json.dumps({"event": "deposit.status_change", "data": {"id": "i", "b": blob}}, ensure_ascii=False)
    body = text.replace("1e+300", "1e300").encode()
    assert 200_000 < len(body) <= MAX_BODY_BYTES

    apply(ledger, set_resource(parse(body), "deposit"))

    assert size_of(calls.of("PutItem")[0]["Item"]) <= MAX_ITEM_BYTES


# --- Credits ------------------------------------------------------------------------------------------
def test_a_credit_is_an_entry_and_a_sum(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    assert apply(ledger, CREDIT) == [True]

    assert balance(dynamodb) == D("0.1")
    assert (item(dynamodb, f"payment#{UUID}", "#channel") or {})["credited"] == "True"
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


def test_a_tenth_and_two_tenths_are_three_tenths(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    apply(ledger, CREDIT)
    apply(ledger, another("u-2", amount=D("0.2")))

    assert balance(dynamodb) == D("0.3")


def test_18_and_18_digits_survive_and_add_up(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    largest = D("999999999999999999.999999999999999999")
    for number in range(9):
        apply(ledger, another(f"u-{number}", amount=largest))
    apply(ledger, another("u-9", amount=D("0.000000000000000009")))

    assert balance(dynamodb) == D("9000000000000000000.000000000000000000")


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(CREDIT, id="the same"),
        pytest.param(replace(CREDIT, amount=D("0.10")), id="in another spelling"),
        pytest.param(replace(CREDIT, event_key="another"), id="by another event"),
    ],
)
def test_one_payment_credits_once(again: Credit, ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    apply(ledger, CREDIT)

    assert apply(ledger, again) == [again.event_key == CREDIT.event_key]
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
    again: Credit, ledger: Ledger, dynamodb: "DynamoDBClient"
) -> None:
    apply(ledger, CREDIT)

    with pytest.raises(PermanentFailure, match="credited before"):
        apply(ledger, again)
    assert balance(dynamodb) == D("0.1")
    assert balance(dynamodb, again.account, again.currency) in (D("0.1"), None)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(another("u-2"), id="another uuid"),
        pytest.param(replace(CREDIT, entry="-!ab", second=True), id="asked for by an operator"),
    ],
)
def test_another_payment_credits_again(other: Credit, ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    apply(ledger, CREDIT)

    assert apply(ledger, other) == [True]
    assert balance(dynamodb) == D("0.2")


def test_each_account_and_currency_has_a_balance_of_its_own(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    for number, (account, currency) in enumerate([("user-1", "EUR"), ("user-1", "USDC"), ("user-2", "EUR")]):
        apply(ledger, another(f"u-{number}", account=account, currency=currency))

    assert [balance(dynamodb, *key) for key in [("user-1", "EUR"), ("user-1", "USDC"), ("user-2", "EUR")]] == [
        D("0.1")
    ] * 3


OUT = told("channel.payment.confirmed", type="OUT")


def test_a_payment_that_turns_out_to_be_a_payout_after_it_was_credited_is_for_a_person(
    ledger: Ledger, dynamodb: "DynamoDBClient"
) -> None:
    apply(ledger, CREDIT)

    with pytest.raises(PermanentFailure, match="credited before it was called a payout"):
        apply(ledger, OUT)
    assert balance(dynamodb) == D("0.1")
    assert apply(ledger, CREDIT) == [True]


def test_that_a_payment_was_credited_stays_on_it(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    rows: Rows = {}
    for effect in (told("channel.payment.confirmed"), CREDIT, told("channel.payment.completed")):
        ledger.apply(effect, rows)

    found = item(dynamodb, f"payment#{UUID}", "#channel") or {}
    assert (found["status"], found["credited"], found["version"]) == ("COMPLETE", "True", "3")


def test_a_credit_is_decided_again_where_the_payment_was_written_to_since_it_was_read(
    ledger: Ledger, dynamodb: "DynamoDBClient", calls: Calls
) -> None:
    stale: Rows = {}
    ledger.apply(told("channel.payment.confirmed"), stale)
    apply(ledger, OUT)

    assert ledger.apply(CREDIT, stale) is False
    assert balance(dynamodb) is None
    assert calls.names().count("TransactWriteItems") == 1


def test_an_account_that_cannot_stand_in_a_key_is_kept_as_it_was_sent(
    ledger: Ledger, dynamodb: "DynamoDBClient"
) -> None:
    apply(ledger, replace(CREDIT, account="#1001"))

    assert (item(dynamodb, f"credit#{UUID}", "-") or {})["account_as_sent"] == "#1001"
    assert balance(dynamodb, bounded("#1001")) == D("0.1")


# --- Adjustments ------------------------------------------------------------------------------------------
ADJUSTMENT = Adjustment("adj-1", "user-1", "EUR", D("-0.1"), "credited too much", "somebody", INSTANT, UUID)


def test_an_adjustment_is_an_entry_and_a_sum_once(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    apply(ledger, CREDIT)

    assert [ledger.adjust(ADJUSTMENT, below_zero=False) for _ in range(2)] == [True, False]
    assert balance(dynamodb) == D(0)
    assert item(dynamodb, "adjustment#adj-1", "-") == {
        "pk": "adjustment#adj-1",
        "sk": "-",
        "id": "adj-1",
        "reference": "user-1",
        "uuid": UUID,
        "currency": "EUR",
        "amount": "-0.1",
        "event": "ledger.adjusted",
        "at": INSTANT,
        "by": "somebody",
        "why": "credited too much",
    }


@pytest.mark.parametrize(
    "other", [{"amount": D(1)}, {"account": "user-2"}, {"currency": "USDC"}, {"uuid": None}, {"uuid": "u-2"}]
)
def test_one_id_is_for_one_adjustment(other: dict[str, Any], ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    apply(ledger, CREDIT)
    ledger.adjust(ADJUSTMENT, below_zero=False)

    with pytest.raises(AdjustmentRefused, match="The id adj-1 was used for another adjustment"):
        ledger.adjust(replace(ADJUSTMENT, **other), below_zero=True)
    assert balance(dynamodb) == D(0)


def test_a_balance_falls_below_zero_only_where_that_is_said(ledger: Ledger, dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(AdjustmentRefused, match="would fall below zero"):
        ledger.adjust(ADJUSTMENT, below_zero=False)
    assert ledger.adjust(ADJUSTMENT, below_zero=True)
    assert balance(dynamodb) == D("-0.1")


@pytest.mark.parametrize(
    ("codes", "error", "reason"),
    [
        (("None", "ValidationError"), AdjustmentRefused, "too many digits"),
        (("None", "TransactionConflict"), StoreUnavailable, "too busy"),
    ],
)
def test_an_adjustment_that_the_table_does_not_take(
    codes: tuple[str, str], error: type[Exception], reason: str, ledger: Ledger, calls: Calls
) -> None:
    cancelled(calls, *codes)

    with pytest.raises(error, match=reason):
        ledger.adjust(ADJUSTMENT, below_zero=True)


# From a thousandth on: moto cannot add to a number that Python would print with an exponent.
AMOUNTS = st.decimals(D("0.001"), D("999999999999999999.999999999999999999"), places=18)


@settings(max_examples=settings().max_examples // 2)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=8), data=st.data())
def test_a_balance_is_the_exact_sum_of_its_entries_whatever_is_repeated(
    amounts: list[Decimal], data: st.DataObject, fresh_ledger: FreshLedger, dynamodb: "DynamoDBClient"
) -> None:
    entries = [another(f"u-{number}", amount=amount) for number, amount in enumerate(amounts)]
    repeated = data.draw(st.permutations(entries + data.draw(st.lists(st.sampled_from(entries), max_size=4))))
    with fresh_ledger() as ledger:
        for entry in repeated:
            apply(ledger, entry)

        assert balance(dynamodb) == sum(amounts)


# --- What goes wrong ----------------------------------------------------------------------------------
def cancelled(calls: Calls, *codes: str, times: int = 1000) -> None:
    reasons: list[dict[str, Any]] = [{"Code": code} for code in codes]
    calls.refuse("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons, times=times)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def hurried(ledger: Ledger, dynamodb: "DynamoDBClient", pauses: list[float]) -> Ledger:  # noqa: ARG001
    """A ledger whose pauses only are noted; its jitter cuts each by half."""
    return Ledger(dynamodb, "LedgerTable", sleep=pauses.append, jitter=lambda: 0.5)


@pytest.mark.parametrize("codes", [("None", "TransactionConflict", "None"), ("TransactionConflict", "None", "None")])
def test_a_conflict_of_transactions_is_tried_again(
    codes: tuple[str, str, str],
    hurried: Ledger,
    pauses: list[float],
    calls: Calls,
    dynamodb: "DynamoDBClient",
) -> None:
    cancelled(calls, *codes, times=3)

    assert apply(hurried, CREDIT) == [True]
    assert balance(dynamodb) == D("0.1")
    assert pauses == [0.025, 0.05, 0.1]


def test_conflicts_of_transactions_are_not_tried_for_ever(hurried: Ledger, pauses: list[float], calls: Calls) -> None:
    cancelled(calls, "None", "TransactionConflict")

    with pytest.raises(StoreUnavailable, match="too busy"):
        apply(hurried, CREDIT)
    assert calls.names().count("TransactWriteItems") == ATTEMPTS
    assert pauses == [0.025, 0.05, 0.1, 0.2, *[0.4] * (ATTEMPTS - 5)]


def test_a_throttled_transaction_is_tried_again(hurried: Ledger, calls: Calls) -> None:
    cancelled(calls, "None", "ThrottlingError", times=1)

    assert apply(hurried, CREDIT) == [True]


def test_a_credit_whose_answer_was_lost_is_found_to_be_there(
    hurried: Ledger, calls: Calls, dynamodb: "DynamoDBClient"
) -> None:
    calls.lose_answer("TransactWriteItems")

    with pytest.raises(StoreUnavailable):
        apply(hurried, CREDIT)
    assert apply(hurried, CREDIT) == [True]
    assert balance(dynamodb) == D("0.1")


def test_a_balance_that_outgrows_the_tables_numbers_is_a_permanent_failure(hurried: Ledger, calls: Calls) -> None:
    cancelled(calls, "None", "ValidationError")

    with pytest.raises(PermanentFailure, match="The balance of user-1 in EUR has too many digits"):
        apply(hurried, CREDIT)
    assert calls.names().count("TransactWriteItems") == 1


def test_a_transaction_writes_both_or_nothing(hurried: Ledger, calls: Calls, dynamodb: "DynamoDBClient") -> None:
    cancelled(calls, "None", "TransactionConflict")
    with pytest.raises(StoreUnavailable):
        apply(hurried, CREDIT)
    calls.mend()

    assert item(dynamodb, f"credit#{UUID}", "-") is None
    assert balance(dynamodb) is None


WRITES = [
    (told("payment.created"), "Query"),
    (told("payment.created"), "PutItem"),
    (RESOURCE, "PutItem"),
    (CREDIT, "Query"),
    (CREDIT, "TransactWriteItems"),
]


@pytest.mark.parametrize(("effect", "operation"), WRITES)
def test_an_outage(effect: Effect, operation: str, ledger: Ledger, calls: Calls) -> None:
    calls.fail(operation)

    with pytest.raises(StoreUnavailable, match="The ledger table did not answer"):
        apply(ledger, effect)


@pytest.mark.parametrize(("effect", "operation"), WRITES)
def test_an_error_of_our_own_is_not_hidden(effect: Effect, operation: str, ledger: Ledger, calls: Calls) -> None:
    calls.refuse(operation, "ValidationException")

    with pytest.raises(ClientError, match="ValidationException"):
        apply(ledger, effect)


def test_a_credit_of_a_uuid_in_capitals_holds_the_place_that_an_older_version_would_give_it(
    ledger: Ledger, dynamodb: "DynamoDBClient"
) -> None:
    capitals = replace(CREDIT, spellings=Spellings(UUID.upper(), "-"))

    assert apply(ledger, capitals, capitals, CREDIT) == [True, True, True]
    assert item(dynamodb, f"credit#{UUID.upper()}", "-") == {
        "pk": f"credit#{UUID.upper()}",
        "sk": "-",
        "alias_of": UUID,
    }
    assert balance(dynamodb) == D("0.1")
