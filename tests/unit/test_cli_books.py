"""`wickiepay payments` and `wickiepay balances` show what is in the books."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import command_line
from command_line import run, run_json
from wickiepay import effects, identity
from wickiepay.errors import StoreUnavailable
from wickiepay.ledger import Ledger
from wickiepay.routing import router
from wickiepay_cli import stack
from wickiepay_cli.app import main
from wickiepay_cli.tables import items_of

if TYPE_CHECKING:
    from tests.unit.conftest import EventOf
    from types_boto3_dynamodb import DynamoDBClient

MONEY = {"displayCurrency": {"currency": "EUR", "amount": Decimal("100.00")}}


@pytest.fixture(autouse=True)
def listener(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setattr(stack, "find", command_line.stack)


type Happen = Callable[..., None]


@pytest.fixture
def happen(ledger: Ledger, event_of: "EventOf", now: datetime) -> Happen:
    """Applies the effects of an event, as the consumer does."""

    def happen(
        name: str, uuid: str, reference: str | None, timestamp: str = "2026-01-15T10:00:00Z", **data: object
    ) -> None:
        named = {"reference": reference} if reference else {}
        event = event_of(name, {"uuid": uuid, **named, **data}, timestamp=timestamp)
        for effect in router[name](event):
            ledger.apply(effect, now)

    return happen


def payments(uuid_or_reference: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = run_json("payments", "show", uuid_or_reference)
    return answer


# --- payments ----------------------------------------------------------------------------------------
def test_a_payment_is_shown_with_its_order_and_amounts(happen: Happen) -> None:
    happen(
        "payment.completed",
        "p-1",
        "order-1",
        type="IN",
        displayCurrency={"currency": "EUR", "amount": 100},
        paidCurrency={"currency": "USDT", "amount": 108.5},
    )
    assert payments("p-1") == [
        {
            "uuid": "p-1",
            "reference": "order-1",
            "type": "IN",
            "status": "COMPLETE",
            "order_status": "PAID",
            "display": {"currency": "EUR", "amount": "100"},
            "paid": {"currency": "USDT", "amount": "108.5"},
            "updated_at": "2026-01-15T10:00:00.000000Z",
        }
    ]


def test_what_a_payment_does_not_say_is_null(happen: Happen) -> None:
    happen("payment.created", "p-1", None)
    [payment] = payments("p-1")
    assert (payment["reference"], payment["display"], payment["paid"], payment["order_status"]) == (
        None,
        None,
        None,
        "PENDING",
    )


def test_payments_are_found_by_reference_the_last_changed_last(happen: Happen) -> None:
    happen("payment.completed", "p-1", "order-1", "2026-01-15T10:00:01Z")
    happen("payment.expired", "p-2", "order-1", "2026-01-15T10:00:00Z")
    happen("payment.expired", "p-3", "order-2", "2026-01-15T10:00:02Z")
    assert [payment["uuid"] for payment in payments("order-1")] == ["p-2", "p-1"]


def test_all_payments_of_an_order_show_what_the_furthest_of_them_says(happen: Happen) -> None:
    happen("payment.completed", "p-1", "order-1")
    happen("payment.expired", "p-2", "order-1", "2026-01-15T11:00:00Z")
    assert [(each["status"], each["order_status"]) for each in payments("p-2")] == [("EXPIRED", "PAID")]


@pytest.mark.parametrize(
    ("name", "data"),
    [("payment.completed", {"type": "OUT"}), ("channel.payment.confirmed", {"amount": 1, "asset": "BTC"})],
)
def test_a_payment_that_pays_no_order_shows_none_although_its_reference_has_one(
    happen: Happen, name: str, data: dict[str, object]
) -> None:
    happen("payment.created", "p-1", "order-1")
    happen(name, "p-2", "order-1", **data)
    assert ([each["order_status"] for each in payments("p-2")], [each["order_status"] for each in payments("p-1")]) == (
        [None],
        ["PENDING"],
    )


def test_the_payments_of_one_uuid_in_several_transactions_are_all_shown(happen: Happen) -> None:
    for transaction in ("0x1", "0x2"):
        happen("channel.payment.detected", "c-1", "top-up-1", hash=transaction)
    assert len(payments("c-1")) == 2


def test_an_uncommon_reference_is_found(happen: Happen) -> None:
    happen("payment.created", "p-1", "Bestellung #7 für März")
    assert len(payments("Bestellung #7 für März")) == 1


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """What a command prints, and says on standard error, that finds nothing."""
    with pytest.raises(SystemExit, match="1"):
        main(arguments)
    return capsys.readouterr()


def test_no_payment_is_an_empty_array_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    there_is_none = "There is no payment of the uuid or reference p.\n"
    assert refused(capsys, "payments", "show", "p", "--json") == ("[]\n", there_is_none)


def test_people_are_told_that_there_is_no_payment(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "payments", "show", "[p]") == ("", "There is no payment of the uuid or reference [p].\n")


def test_payments_that_do_not_fit_a_terminal_are_shown_one_fact_a_line(
    happen: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_cli.display.WIDE", 80)
    uuid = "6a9d6f3e-0f0b-4c39-8a0f-6f7f0a9b1c2d"
    happen("payment.completed", uuid, "order-1", displayCurrency={"currency": "EUR", "amount": 99.95})
    lines = run("payments", "show", uuid).stdout.splitlines()
    assert [line.split(maxsplit=1) for line in lines[:2]] == [["uuid", uuid], ["reference", "order-1"]]


def test_people_get_a_table_of_payments(happen: Happen) -> None:
    happen("payment.completed", "p-1", "order-1", displayCurrency={"currency": "EUR", "amount": 99.95})
    shown = run("payments", "show", "order-1").stdout
    assert [text in shown for text in ("p-1", "order-1", "COMPLETE", "PAID", "99.95 EUR")] == [True] * 5


# --- payments list -----------------------------------------------------------------------------------
@pytest.fixture
def three(happen: Happen) -> None:
    """Payments that changed one after another."""
    happen("payment.completed", "p-1", "order-1", "2026-01-15T10:00:01Z")
    happen("payment.expired", "p-2", "order-1", "2026-01-15T10:00:02Z")
    happen("payment.created", "p-3", "order-2", "2026-01-15T10:00:00Z")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("options", "uuids"),
    [
        ((), ["p-2", "p-1", "p-3"]),
        (("--limit", "2"), ["p-2", "p-1"]),
        (("--status", "complete"), ["p-1"]),
        (("--status", "LOST"), []),
    ],
)
def test_the_payments_that_changed_last_are_listed_the_newest_first(options: tuple[str, ...], uuids: list[str]) -> None:
    assert [each["uuid"] for each in run_json("payments", "list", *options)] == uuids


@pytest.mark.usefixtures("three")
def test_a_listed_payment_is_as_it_is_shown() -> None:
    assert run_json("payments", "list", "--limit", "1") == payments("p-2")


def test_people_are_told_that_there_are_no_payments() -> None:
    assert run("payments", "list").stdout == "There are no such payments.\n"


@pytest.mark.parametrize("columns", [80, 240])
def test_people_can_copy_a_uuid_from_the_list(happen: Happen, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr("wickiepay_cli.display.WIDE", columns)
    uuid = "6a9d6f3e-0f0b-4c39-8a0f-6f7f0a9b1c2d"
    happen("payment.completed", uuid, "order-1", paidCurrency={"currency": "USDT", "amount": 108.5})
    shown = run("payments", "list").stdout
    assert (uuid in shown, max(map(len, shown.splitlines())) <= columns) == (True, True)


# --- balances ----------------------------------------------------------------------------------------
def credit(
    ledger: Ledger, uuid: str, amount: str, currency: str = "EUR", at: str = "2026-01-15T10:00:00.000000Z"
) -> None:
    name = "channel.payment.confirmed"
    whole = effects.Credit(uuid, effects.WHOLE, identity.bounded("top-up"), currency, Decimal(amount), name, name, at)
    ledger.apply(whole, datetime.fromisoformat(at))


def test_an_account_is_shown_with_its_entries_in_time_order(ledger: Ledger) -> None:
    credit(ledger, "c-2", "0.2", at="2026-01-15T10:00:02.000000Z")
    credit(ledger, "c-1", "0.1", at="2026-01-15T10:00:01.000000Z")
    entry = {"event": "channel.payment.confirmed", "currency": "EUR"}
    assert run_json("balances", "show", "top-up") == {
        "account": "top-up",
        "balances": {"EUR": "0.3"},
        "entries": [
            {"uuid": "c-1", **entry, "amount": "0.1", "at": "2026-01-15T10:00:01.000000Z"},
            {"uuid": "c-2", **entry, "amount": "0.2", "at": "2026-01-15T10:00:02.000000Z"},
        ],
    }


def test_each_currency_has_a_balance_of_its_own(ledger: Ledger) -> None:
    credit(ledger, "c-1", "1", "EUR")
    credit(ledger, "c-2", "2", "USDT")
    assert run_json("balances", "show", "top-up")["balances"] == {"EUR": "1", "USDT": "2"}


@pytest.mark.parametrize(
    "amount", ["999999999999999999.999999999999999999", "0.000000000000000001", "100000000000000000"]
)
def test_amounts_are_exact_and_without_exponent(dynamodb: "DynamoDBClient", ledger: Ledger, amount: str) -> None:
    credit(ledger, "c-1", amount)
    # As DynamoDB keeps it: moto's own addition rounds to 28 digits.
    balance = {"pk": {"S": "balance#top-up"}, "sk": {"S": "EUR"}, "amount": {"N": f"{Decimal(amount):E}"}}
    dynamodb.put_item(TableName="LedgerTable", Item=balance)
    shown = run_json("balances", "show", "top-up")
    assert (shown["balances"]["EUR"], shown["entries"][0]["amount"]) == (amount, amount)


def test_an_account_without_entries_has_no_balance_which_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    printed, said = refused(capsys, "balances", "show", "a", "--json")
    assert (json.loads(printed), said) == (
        {"account": "a", "balances": {}, "entries": []},
        "Nothing was ever credited to a.\n",
    )


def test_people_are_told_that_nothing_was_credited(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "balances", "show", "[a]") == ("", "Nothing was ever credited to [a].\n")


def test_people_get_balances_and_entries(ledger: Ledger) -> None:
    credit(ledger, "c-1", "99.95")
    credit(ledger, "c-2", "0.05")
    shown = run("balances", "show", "top-up").stdout
    assert [text in shown for text in ("100", "99.95", "0.05", "c-1", "c-2")] == [True] * 5


def test_accounts_are_listed_with_all_their_balances(ledger: Ledger) -> None:
    credit(ledger, "c-1", "99.95")
    credit(ledger, "c-2", "0.5", "BTC")
    [account] = run_json("balances", "list")
    assert account == {"account": "top-up", "balances": {"BTC": "0.5", "EUR": "99.95"}}


def test_people_get_a_line_for_each_balance(ledger: Ledger) -> None:
    credit(ledger, "c-1", "99.95")
    assert run("balances", "list").stdout.splitlines()[-2].split() == ["top-up", "EUR", "99.95"]


def test_people_are_told_that_nothing_was_ever_credited() -> None:
    assert run("balances", "list").stdout == "Nothing was ever credited.\n"


# --- Reading many keys ---------------------------------------------------------------------------------
class BusyTable:
    """Hands out one item each time it is asked, or none."""

    def __init__(self, *, stuck: bool = False) -> None:
        self._stuck = stuck

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  botocore's name
        keys = RequestItems["t"]["Keys"]
        given, left = ([], keys) if self._stuck else (keys[:1], keys[1:])
        return {"Responses": {"t": given}, "UnprocessedKeys": {"t": {"Keys": left}} if left else {}}


KEYS: list[Any] = [{"pk": {"S": str(number)}} for number in range(5)]


def read_all(table: Any, pauses: list[float]) -> list[Any]:  # noqa: ANN401  stands for a client
    return list(items_of(table, "t", KEYS, sleep=pauses.append))


def test_what_a_busy_table_leaves_undone_is_asked_for_again_after_a_growing_pause() -> None:
    pauses: list[float] = []
    assert (read_all(BusyTable(), pauses), pauses) == (KEYS, [0.05, 0.1, 0.2, 0.4])


def test_a_table_that_hands_out_nothing_is_given_up() -> None:
    with pytest.raises(StoreUnavailable, match="t is too busy"):
        read_all(BusyTable(stuck=True), [])
