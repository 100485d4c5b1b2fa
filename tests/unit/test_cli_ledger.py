"""`wickiepay payments`, `balances` and `resources` show what is in the books; `balances adjust` adds to them."""

import csv
import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import command_line
from tests.support.command_line import run, run_json
from tests.support.deliveries import EventOf
from tests.support.deployed import SETTINGS
from wickiepay.bus import EventBus
from wickiepay.errors import AdjustmentRefused, PermanentFailure, StoreUnavailable
from wickiepay.ledger import Ledger
from wickiepay.ledger_items import Adjustment, balance_key
from wickiepay.routing import router
from wickiepay_cli.app import main
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack
from wickiepay_cli.store.dynamodb import items_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MONEY = {"displayCurrency": {"currency": "EUR", "amount": Decimal("100.00")}}


@pytest.fixture(autouse=True)
def listener(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setattr(stack, "find", command_line.stack)


type Happen = Callable[..., None]


@pytest.fixture
def happen(ledger: Ledger, event_of: EventOf) -> Happen:
    """Applies the effects of an event, as the consumer does."""

    def happen(
        name: str, uuid: str, reference: str | None, timestamp: str = "2026-01-15T10:00:00Z", **data: object
    ) -> None:
        named = {"reference": reference} if reference else {}
        event = event_of(name, {"uuid": uuid, **named, **data}, timestamp=timestamp)
        with suppress(PermanentFailure):  # of what is UNCLEAR
            for effect in router[name](event, SETTINGS):
                ledger.apply(effect, {})

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
            "transactions": None,
            "metadata": None,
        }
    ]


def test_its_transactions_and_metadata_are_shown_where_they_are_kept(happen: Happen) -> None:
    happen("payment.processing", "p-1", "order-1", transactions=[{"txHash": "0x1"}], metadata={"cart": 7})
    [payment] = payments("p-1")
    assert (payment["transactions"], payment["metadata"]) == ([{"txHash": "0x1"}], {"cart": "7"})


UUID = "6a9d6f3e-0f0b-4c39-8a0f-6f7f0a9b1c2d"


@pytest.mark.parametrize("typed", [UUID, UUID.upper(), f" {UUID} "])
def test_a_payment_is_found_under_each_spelling_of_its_uuid(happen: Happen, typed: str) -> None:
    happen("payment.created", UUID.upper(), "order-1")
    assert [each["uuid"] for each in payments(typed)] == [UUID]


def older(dynamodb: "DynamoDBClient", uuid: str, part: str = "-", reference: str = "order-1", **more: str) -> None:
    """An item as versions up to 0.1 kept a payment."""
    texts = {"pk": f"payment#{uuid}", "sk": part, "uuid": uuid, "type": "IN", "status": "UNDERPAID"}
    place = "2026-01-15T10:00:01.000000Z|payment.underpaid|0123456789abcdef"
    facts = {"event": "payment.underpaid", "updated_at": "2026-01-15T10:00:01.000000Z", "position": f"30|{place}"}
    item: Any = {name: {"S": text} for name, text in {**texts, "reference": reference, **facts, **more}.items()}
    dynamodb.put_item(TableName="LedgerTable", Item=item)


@pytest.mark.parametrize("typed", [UUID, UUID.upper(), "order-1"])
@pytest.mark.parametrize("more", [False, True])
def test_what_older_versions_kept_of_a_payment_is_a_part_of_it(
    dynamodb: "DynamoDBClient", happen: Happen, typed: str, more: bool
) -> None:
    older(dynamodb, UUID.upper())
    if more:
        happen("payment.expired", UUID.upper(), None)
    rows = [{**each, "updated_at": None} for each in payments(typed)]
    assert [(each["uuid"], each["reference"], each["order_status"]) for each in rows] == [
        (UUID, "order-1", "UNDERPAID")
    ]
    assert [each["uuid"] for each in run_json("payments", "list")] == [UUID]


def test_a_reference_that_a_payment_no_longer_has_finds_it_no_more(dynamodb: "DynamoDBClient", happen: Happen) -> None:
    older(dynamodb, "p-1")
    happen("payment.completed", "p-1", "order-2")
    with pytest.raises(CommandError, match="no payment"):
        payments("order-1")


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


def test_all_payments_of_an_order_show_what_all_of_them_say(happen: Happen) -> None:
    happen("payment.completed", "p-1", "order-1")
    happen("payment.expired", "p-2", "order-1", "2026-01-15T11:00:00Z")
    assert [(each["status"], each["order_status"]) for each in payments("p-2")] == [("EXPIRED", "PAID")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("payment.completed", {"type": "OUT"}),
        ("payment.completed", {"type": "SWAP"}),
        ("channel.payment.confirmed", {"amount": 1, "asset": "BTC"}),
    ],
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


def test_a_payment_and_one_into_a_channel_of_one_uuid_are_two(happen: Happen) -> None:
    happen("payment.created", "c-1", "order-1")
    for transaction in ("0x1", "0x2"):
        happen("channel.payment.detected", "c-1", "top-up-1", hash=transaction)
    assert [each["status"] for each in payments("c-1")] == ["DETECTED", "PENDING"]


def test_an_uncommon_reference_is_found(happen: Happen) -> None:
    happen("payment.created", "p-1", "Bestellung #7 für März")
    assert [each["reference"] for each in payments("Bestellung #7 für März")] == ["Bestellung #7 für März"]


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
    monkeypatch.setattr("wickiepay_cli.output.tables.WIDE", 80)
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
        (("--order", "paid"), ["p-2", "p-1"]),
        (("--order", "EXPIRED"), []),
        (("--order", "pending,PAID"), ["p-2", "p-1", "p-3"]),
        (("--status", "COMPLETE", "--status", "pending"), ["p-1", "p-3"]),
        (("--since", "2026-01-15T10:00:01"), ["p-2", "p-1"]),
        (("--until", "2026-01-15T10:00:01"), ["p-1", "p-3"]),
    ],
)
def test_the_payments_that_changed_last_are_listed_the_newest_first(options: tuple[str, ...], uuids: list[str]) -> None:
    assert [each["uuid"] for each in run_json("payments", "list", *options)] == uuids


@pytest.mark.usefixtures("three")
def test_a_listed_payment_is_as_it_is_shown() -> None:
    assert run_json("payments", "list", "--limit", "1") == payments("p-2")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(("options", "rows"), [((), 3), (("--limit", "2"), 2), (("--order", "PENDING"), 1)])
def test_spreadsheets_get_csv_of_all_unless_a_limit_is_given(options: tuple[str, ...], rows: int) -> None:
    head, *lines = csv.reader(run("payments", "list", "--csv", *options).stdout.splitlines())
    assert (head[:2], {len(line) for line in lines}, len(lines)) == (["uuid", "reference"], {len(head)}, rows)


def test_no_reference_is_a_formula(happen: Happen) -> None:
    happen("payment.created", "p-1", "=1+1")
    assert ",'=1+1," in run("payments", "list", "--csv").stdout


@pytest.mark.parametrize("options", [("--csv", "--json"), ("--order", "COMPLETE"), ("--since", "2099-01-01")])
def test_what_makes_no_list_of_payments_is_said(options: tuple[str, ...]) -> None:
    assert run("payments", "list", *options).exit_code == 2


def test_people_are_told_that_there_are_no_payments() -> None:
    assert run("payments", "list").stdout == "There are no such payments.\n"


@pytest.mark.parametrize("columns", [80, 240])
def test_people_can_copy_a_uuid_from_the_list(happen: Happen, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr("wickiepay_cli.output.tables.WIDE", columns)
    uuid = "6a9d6f3e-0f0b-4c39-8a0f-6f7f0a9b1c2d"
    happen("payment.completed", uuid, "order-1", paidCurrency={"currency": "USDT", "amount": 108.5})
    shown = run("payments", "list").stdout
    assert (uuid in shown, max(map(len, shown.splitlines())) <= columns) == (True, True)


def test_at_80_columns_a_list_has_the_order_s_status_and_a_column_for_each_amount(
    happen: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_cli.output.tables.WIDE", 80)
    asked = {"displayCurrency": {"currency": "EUR", "amount": 100}}
    paid = {"paidCurrency": {"currency": "USDT", "amount": 108.5}}
    happen("payment.completed", UUID, "order-1", **asked, **paid)
    happen("payment.created", UUID.replace("6", "7"), "order-2", "2026-01-15T09:00:00Z", **asked)
    lines = run("payments", "list").stdout.splitlines()
    assert [line.split()[1:] for line in (lines[3], lines[5])] == [
        [UUID, "COMPLETE", "100", "EUR", "108.5", "USDT"],
        [UUID.replace("6", "7"), "PENDING", "100", "EUR"],
    ]
    assert [line.split() for line in (lines[1], lines[4])] == [
        ["reference", "order", "display", "paid"],
        ["order-1", "PAID"],
    ]


# --- balances ----------------------------------------------------------------------------------------
type Credit = Callable[..., None]


@pytest.fixture
def credit(happen: Happen) -> Credit:
    """Credits an account as a payment into a channel does."""

    def credit(
        uuid: str, amount: str, currency: str = "EUR", at: str = "2026-01-15T10:00:00Z", to: str = "top-up"
    ) -> None:
        happen("channel.payment.confirmed", uuid, to, at, amount=amount, currency=currency)

    return credit


def test_an_account_is_shown_with_its_entries_in_time_order(credit: Credit) -> None:
    credit("c-2", "0.2", at="2026-01-15T10:00:02Z")
    credit("c-1", "0.1", at="2026-01-15T10:00:01Z")
    nobody = {"id": None, "by": None, "why": None}
    entry = {"kind": "credit", "event": "channel.payment.confirmed", "currency": "EUR", **nobody}
    assert run_json("balances", "show", "top-up") == {
        "account": "top-up",
        "balances": {"EUR": "0.3"},
        "entries": [
            {"uuid": "c-1", **entry, "amount": "0.1", "at": "2026-01-15T10:00:01.000000Z"},
            {"uuid": "c-2", **entry, "amount": "0.2", "at": "2026-01-15T10:00:02.000000Z"},
        ],
    }


def test_each_currency_has_a_balance_of_its_own(credit: Credit) -> None:
    credit("c-1", "1", "EUR")
    credit("c-2", "2", "USDT")
    assert run_json("balances", "show", "top-up")["balances"] == {"EUR": "1", "USDT": "2"}


@pytest.mark.parametrize(
    "amount", ["999999999999999999.999999999999999999", "0.000000000000000001", "100000000000000000"]
)
def test_amounts_are_exact_and_without_exponent(dynamodb: "DynamoDBClient", credit: Credit, amount: str) -> None:
    credit("c-1", amount)
    # As DynamoDB keeps it: moto's own addition rounds to 28 digits.
    balance: Any = {**balance_key("top-up", "EUR"), "amount": {"N": f"{Decimal(amount):E}"}}
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


def test_people_get_balances_and_entries(credit: Credit) -> None:
    credit("c-1", "99.95")
    credit("c-2", "0.05")
    shown = run("balances", "show", "top-up").stdout
    assert [text in shown for text in ("100", "99.95", "0.05", "c-1", "c-2")] == [True] * 5


def test_accounts_are_listed_as_they_were_sent_with_all_their_balances(credit: Credit) -> None:
    credit("c-1", "99.95", to="Kundin #7 für März")
    credit("c-2", "0.5", "BTC", to="Kundin #7 für März")
    [account] = run_json("balances", "list")
    assert account == {"account": "Kundin #7 für März", "balances": {"BTC": "0.5", "EUR": "99.95"}}


def test_people_get_a_line_for_each_balance(credit: Credit) -> None:
    credit("c-1", "99.95")
    assert run("balances", "list").stdout.splitlines()[-2].split() == ["top-up", "EUR", "99.95"]


def test_people_are_told_that_nothing_was_ever_credited() -> None:
    assert run("balances", "list").stdout == "Nothing was ever credited.\n"


# --- balances adjust -----------------------------------------------------------------------------------
@pytest.fixture
def announced(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> list[Adjustment]:
    """What was announced."""
    heard: list[Adjustment] = []
    adjusted = bus.adjusted

    def listened(_: object, adjustment: Adjustment) -> bool:
        heard.append(adjustment)
        return adjusted(adjustment)

    monkeypatch.setattr(EventBus, "adjusted", listened)
    return heard


def adjust(amount: str, *more: str) -> Any:  # noqa: ANN401  JSON
    return run_json("balances", "adjust", "top-up", "eur", amount, "--why", "credited 100, was 90", *more)


def test_an_adjustment_is_an_entry_that_says_who_and_why(credit: Credit, announced: list[Adjustment]) -> None:
    credit("c-1", "100")
    answer = adjust("-10", "--id", "a-1", "--of", UUID.upper())
    assert (answer["amount"], answer["already"], answer["announced"]) == ("-10", False, True)
    account = run_json("balances", "show", "top-up")
    assert (account["balances"], len(account["entries"])) == ({"EUR": "90"}, 2)
    [entry] = [each for each in account["entries"] if each["kind"] == "adjustment"]
    assert (entry["id"], entry["by"], entry["why"], entry["uuid"], entry["event"], entry["amount"]) == (
        "a-1",
        "arn:aws:sts::123456789012:user/moto",
        "credited 100, was 90",
        UUID,
        "ledger.adjusted",
        "-10",
    )
    assert [each.id for each in announced] == ["a-1"]


def test_given_again_it_adds_nothing_and_is_announced_again_as_it_was(announced: list[Adjustment]) -> None:
    first = adjust("12.50", "--id", "a-1")
    second = run_json("balances", "adjust", "top-up", "EUR", "12.5", "--why", "again", "--id", "a-1")
    assert second == {**first, "already": True}
    assert announced[0] == announced[1]
    assert run_json("balances", "show", "top-up")["balances"] == {"EUR": "12.5"}


@pytest.mark.usefixtures("announced")
def test_without_an_id_each_is_one_of_its_own_and_says_its_id() -> None:
    ids = {adjust("1")["id"] for _ in range(2)}
    assert (len(ids), run_json("balances", "show", "top-up")["balances"]) == (2, {"EUR": "2"})
    told = run("balances", "adjust", "top-up", "EUR", "1", "--why", "x", "--id", "a-1").stdout
    assert told == "1 EUR added to top-up, under the id a-1.\n"
    assert "already" in run("balances", "adjust", "top-up", "EUR", "1", "--why", "x", "--id", "a-1").stdout


@pytest.mark.usefixtures("announced")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["EUR", "13", "--id", "a-1"], AdjustmentRefused),
        (["USDT", "12", "--id", "a-1"], AdjustmentRefused),
        (["EUR", "-12.01"], AdjustmentRefused),
        (["EUR", "0"], PermanentFailure),
        (["EUR", "ten"], PermanentFailure),
        (["EUR", "--typo"], PermanentFailure),
        (["E U R", "10"], PermanentFailure),
    ],
)
def test_what_cannot_be_an_adjustment_is_refused(arguments: list[str], error: type[Exception]) -> None:
    adjust("12", "--id", "a-1")
    with pytest.raises(error):
        run("balances", "adjust", "top-up", *arguments, "--why", "x")
    assert run_json("balances", "show", "top-up")["balances"] == {"EUR": "12"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["top-up", "EUR", "10"],
        ["top-up", "EUR", "10", "--why", "x", "--typo"],
        ["--typo", "EUR", "10", "--why", "x"],
        ["top-up", "-x", "10", "--why", "x"],
    ],
)
def test_an_adjustment_wants_a_reason_and_no_option_that_there_is_not(arguments: list[str]) -> None:
    assert run("balances", "adjust", *arguments).exit_code == 2


@pytest.mark.usefixtures("announced")
def test_below_zero_only_where_that_is_said() -> None:
    adjust("-1", "--below-zero")
    assert run_json("balances", "show", "top-up")["balances"] == {"EUR": "-1"}


def test_an_adjustment_that_is_not_announced_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def out(*_: object) -> None:
        raise StoreUnavailable("The event bus is out.")

    monkeypatch.setattr(EventBus, "adjusted", out)
    with pytest.raises(CommandError, match="not announced: give the same command again with --id a-1"):
        adjust("1", "--id", "a-1")
    monkeypatch.setitem(command_line.PARAMETERS, "Announcements", "off")
    assert adjust("1", "--id", "a-1")["announced"] is None


def test_whether_an_adjustment_was_made_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def out(*_: object, **__: object) -> None:
        raise StoreUnavailable("The ledger table is out.")

    monkeypatch.setattr(Ledger, "adjust", out)
    with pytest.raises(CommandError, match="not known: give the same command again with --id a-1"):
        adjust("1", "--id", "a-1")


# --- resources -----------------------------------------------------------------------------------------
def test_a_resource_is_shown_with_its_kind_and_data(happen: Happen) -> None:
    happen("deposit.status_change", UUID.upper(), None, status="CONFIRMED", amount="1.50")
    [resource] = run_json("resources", "show", UUID)
    assert resource == {
        "kind": "deposit",
        "id": UUID,
        "status": "CONFIRMED",
        "event": "deposit.status_change",
        "updated_at": "2026-01-15T10:00:00.000000Z",
        "data": {"uuid": UUID.upper(), "status": "CONFIRMED", "amount": "1.50"},
    }
    assert [text in run("resources", "show", UUID).stdout for text in ("deposit", "CONFIRMED", '"1.50"')] == [True] * 3


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("approval.vote_required", "approval"),
        ("balance.updated", "balance"),
        ("consolidation.status_change", "consolidation"),
        ("crypto.address.created", "address"),
        ("deposit.status_change", "deposit"),
        ("trade.conversion.created", "conversion"),
        ("withdrawal.status_change", "withdrawal"),
    ],
)
def test_each_kind_that_the_handlers_make_is_found(happen: Happen, name: str, kind: str) -> None:
    happen(name, "r-1", None)
    assert [each["kind"] for each in run_json("resources", "show", "r-1")] == [kind]


def test_a_resource_that_there_is_not_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    printed, said = refused(capsys, "resources", "show", "r", "--json")
    assert (printed, said.startswith("There is nothing of r among these: address, approval")) == ("[]\n", True)


def test_a_resource_whose_data_was_too_large_is_shown_without(happen: Happen) -> None:
    happen("deposit.status_change", "r-1", None, memo="x" * 300_000)
    assert run_json("resources", "show", "r-1")[0]["data"] is None


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
