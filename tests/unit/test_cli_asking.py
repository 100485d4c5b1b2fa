"""Whoever changes what a deployed stack does with money is asked first, and told what it would do in terms of money."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, NoReturn

import pytest

from tests.support import command_line
from tests.support.aws import Calls
from tests.support.command_line import run, run_asked
from tests.support.listener import Listener, put_in_place_of_the_network
from tests.support.operator_stack import COMPLETED, CONFIRMED, DEAD_LETTERS, OperatorStack
from wickiepay.errors import PermanentFailure
from wickiepay.event import WebhookEvent, parse
from wickiepay.identity import Identity, Kind
from wickiepay.queue import encode
from wickiepay_cli.checkout.handlers import handlers_of
from wickiepay_cli.checkout.in_money import in_money
from wickiepay_cli.commands.options import confirm_change
from wickiepay_cli.sending.scenarios import STORM
from wickiepay_cli.stacks import stack

pytest_plugins = ["tests.support.operator_fixture"]

DEPLOYED: Final = ("--stack", "prod")
URL: Final = "https://listener.example.com/webhooks/wickiepay"


@pytest.fixture(autouse=True)
def listener(operator: OperatorStack, signing_secret: str, monkeypatch: pytest.MonkeyPatch) -> Listener:  # noqa: ARG001
    """The stack's own, which takes everything."""
    listener = Listener()
    put_in_place_of_the_network(listener, monkeypatch)
    monkeypatch.delenv("WICKIEPAY_WEBHOOK_SECRET", raising=False)
    return listener


def everything(operator: OperatorStack, listener: Listener) -> Sequence[object]:
    """All that a command could have changed."""
    tables = [operator.dynamodb.scan(TableName=name)["Items"] for name in ("EventTable", "LedgerTable")]
    return *tables, operator.waiting(), operator.waiting(DEAD_LETTERS), len(listener.requests)


# --- What would be done ------------------------------------------------------------------------------
def failed(operator: OperatorStack) -> None:
    for uuid in ("c-1", "c-2"):
        operator.events.mark_failed(operator.receive(uuid), operator.now, "No account.")


def buried(operator: OperatorStack) -> None:
    operator.bury(encode(operator.message(operator.receive())))


def orphaned(operator: OperatorStack) -> None:
    operator.receive(reference="customer-7")


def in_conflict(operator: OperatorStack) -> None:
    operator.process(operator.receive())
    operator.receive(displayCurrency={"currency": "EUR", "amount": 7})


def nothing(_: OperatorStack) -> None:
    pass


TO_CUSTOMER_7: Final = "data.reference=customer-7"
CHANGES: Final[list[tuple[Callable[[OperatorStack], None], tuple[str, ...], str]]] = [
    (nothing, ("trigger", CONFIRMED, "--set", TO_CUSTOMER_7), "credit 100 EUR to customer-7"),
    (nothing, ("trigger", "payment.completed", "--set", "data.reference=order-7"), "mark order-7 as paid"),
    (nothing, ("trigger", "payment.created"), "change the books, but move no money"),
    (nothing, ("trigger", "--scenario", "topup", "--uuid", "c-7"), "credit 100 EUR to topup-c-7"),
    (nothing, ("trigger", "--scenario", "conflict", "--uuid", "c-7"), "credit 100 EUR to conflict-c-7"),
    (
        nothing,
        ("trigger", "--scenario", STORM, "--count", "7"),
        "send 7 deliveries, which credit accounts and mark orders as paid",
    ),
    (
        failed,
        ("events", "replay", "--state", "FAILED", "--since", "1d"),
        "have 2 events processed again, and so credit 10 EUR to account where that is not done yet",
    ),
    (
        buried,
        ("dlq", "redrive", "--all"),
        "send 1 message to be processed again, and so credit 5 EUR to account where that is not done yet",
    ),
    (
        orphaned,
        ("doctor", "--repair"),
        "send 1 event to be processed, and so credit 5 EUR to customer-7 where that is not done yet",
    ),
    (
        in_conflict,
        ("events", "accept", "c-1", "--second-credit"),
        "accept {conflict}, and so credit 7 EUR to account a second time",
    ),
    (
        in_conflict,
        ("events", "dismiss", "c-1", "--why", "no"),
        "dismiss {conflict}, which would credit 7 EUR to account a second time if it were accepted",
    ),
    (nothing, ("balances", "adjust", "customer-7", "EUR", "-10", "--why", "x"), "add -10 EUR to customer-7"),
]


@pytest.mark.parametrize(("prepare", "arguments", "would"), CHANGES, ids=[" ".join(each[1][:3]) for each in CHANGES])
def test_one_is_told_what_would_be_done_in_terms_of_money(
    prepare: Callable[[OperatorStack], None],
    arguments: tuple[str, ...],
    would: str,
    operator: OperatorStack,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    prepare(operator)
    before = everything(operator, listener)
    asked = run_asked(*arguments, *DEPLOYED, answer="n")
    keys = (item["event_key"]["S"] for item in operator.dynamodb.scan(TableName="EventTable")["Items"])
    conflict = next((key for key in keys if Identity("c-1", key).kind is Kind.CONFLICT), None)
    assert f"On prod this would {would.format(conflict=conflict)}. Go on?" in asked.stderr
    assert (asked.exit_code, everything(operator, listener)) == (1, before)


def told(event: str, uuid: str = "c-1", **data: object) -> WebhookEvent:
    money = {"reference": "account", "displayCurrency": {"currency": "EUR", "amount": 5}}
    return parse(json.dumps({"event": event, "data": {"uuid": uuid, **money, **data}}).encode())


IN_DOLLARS: Final = {"currency": "USD", "amount": 3}


@pytest.mark.parametrize(
    ("events", "would"),
    [
        ([], None),
        ([told("audit.login")], None),
        ([told(CONFIRMED), told(COMPLETED)], "credit 5 EUR to account"),
        ([told(COMPLETED)], "credit 5 EUR to account"),
        ([told(CONFIRMED), told(CONFIRMED, "c-2", reference="other")], "credit 10 EUR to 2 accounts"),
        ([told(CONFIRMED), told(CONFIRMED, "c-2", displayCurrency=IN_DOLLARS)], "credit 5 EUR and 3 USD to account"),
        ([told(CONFIRMED, displayCurrency={"currency": "EUR", "amount": 0})], "change the books, but move no money"),
        ([told(CONFIRMED), told("payment.completed", "p-1")], "credit 5 EUR to account and mark account as paid"),
        ([told("payment.completed", type="OUT")], "change the books, but move no money"),
        ([told("invoice.paid")], "have invoice.paid processed, which nothing here handles"),
        ([told("a.b"), told("c.d")], "have 2 types of events processed, which nothing here handles"),
    ],
)
def test_money_is_told_in_sums_and_that_of_a_payment_once(events: list[WebhookEvent], would: str | None) -> None:
    assert in_money(events, handlers_of(command_line.stack())) == would


def test_what_would_fail_moves_nothing() -> None:
    def fails(_: WebhookEvent) -> NoReturn:
        raise PermanentFailure("No.")

    assert in_money([told("x.y")], {"x.y": fails}) is None


# --- Whether one is asked ----------------------------------------------------------------------------
def adjusted(operator: OperatorStack, *where: str, answer: str | None, environment: str | None) -> tuple[int, bool]:
    """The exit code of an adjustment, and whether it was made."""
    arguments = ("balances", "adjust", "account", "EUR", "5", "--why", "x", *where)
    found = replace(operator.stack(), environment=environment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "find", lambda *_: found)
        patch.setitem(found.parameters, "Announcements", "off")
        result = run(*arguments) if answer is None else run_asked(*arguments, answer=answer)
    return result.exit_code, operator.balance() is not None


@pytest.mark.parametrize(
    ("where", "environment", "answer", "ended"),
    [
        ((), None, None, (0, True)),
        (DEPLOYED, "sandbox", "y", (0, True)),
        (DEPLOYED, "sandbox", "n", (1, False)),
        (DEPLOYED, "sandbox", None, (2, False)),
        (DEPLOYED, "prod", "y", (1, False)),
        (DEPLOYED, "prod", "prod", (0, True)),
        (DEPLOYED, "Production", "y", (1, False)),
        (DEPLOYED, "prod", None, (2, False)),
        ((*DEPLOYED, "--yes"), "prod", None, (0, True)),
    ],
)
def test_a_deployed_stack_is_changed_by_whoever_means_it_and_in_production_types_its_name(
    where: tuple[str, ...],
    environment: str | None,
    answer: str | None,
    ended: tuple[int, bool],
    operator: OperatorStack,
) -> None:
    assert adjusted(operator, *where, answer=answer, environment=environment) == ended


@pytest.mark.parametrize("more", [(), ("--url", URL, "--secret", "s")])
def test_where_nobody_can_be_asked_the_option_that_says_yes_is_named(more: tuple[str, ...]) -> None:
    refused = run("trigger", CONFIRMED, *DEPLOYED, *more)
    assert (refused.exit_code, "give --yes" in " ".join(refused.stderr.split())) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "host", "ended"),
    [
        ((CONFIRMED, "--set", TO_CUSTOMER_7), "listener.example.com", (2, 0)),
        (("--scenario", "topup"), "listener.example.com", (2, 0)),
        ((CONFIRMED, "--yes"), "listener.example.com", (0, 1)),
        (("audit.login",), "listener.example.com", (0, 1)),
        ((CONFIRMED,), "127.0.0.1:9", (0, 1)),
    ],
)
def test_a_stack_of_which_only_the_url_and_the_secret_are_given_is_not_changed_unasked(
    arguments: tuple[str, ...], host: str, ended: tuple[int, int], listener: Listener
) -> None:
    sent = run("trigger", *arguments, "--url", f"https://{host}/webhooks/wickiepay", "--secret", "s")
    assert (sent.exit_code, len(listener.requests)) == ended


def test_of_such_a_stack_the_url_is_named() -> None:
    asked = run_asked("trigger", CONFIRMED, "--set", TO_CUSTOMER_7, "--url", URL, "--secret", "s", answer="n")
    assert f"At {URL} this would credit 100 EUR to customer-7. Go on?" in asked.stderr


@pytest.mark.parametrize("where", [(*DEPLOYED, "--yes"), ()], ids=["deployed", "local"])
def test_who_sends_to_a_deployed_stack_is_kept_on_the_record(where: tuple[str, ...], operator: OperatorStack) -> None:
    sent = operator.receive()  # as its ingest does it
    run("trigger", CONFIRMED, "--uuid", "c-1", "--why", "a first delivery", *where)
    noted = [(each["by"], each["why"]) for each in operator.replays(sent)]
    by = "arn:aws:sts::123456789012:user/moto"
    told = "sent with wickiepay trigger: a first delivery"
    assert noted == ([(by, told)] if where else [])
    assert (f"{told}, by {by}" in run("events", "show", "c-1").stdout) is bool(where)


def test_where_that_cannot_be_kept_it_is_said(calls: Calls) -> None:
    calls.refuse("BatchGetItem", "AccessDeniedException")
    result = run("trigger", "audit.login", *DEPLOYED)
    assert (result.exit_code, "sender could not be put on record" in result.stderr) == (0, True)


NOTHING_TO_MONEY: Final = [
    ("trigger", "audit.login"),
    ("trigger", "--scenario", "forged"),
    ("trigger", "--scenario", "oversized"),
    ("dlq", "redrive", "--all"),
    ("doctor", "--repair"),
    ("events", "replay", "--state", "FAILED"),
]


@pytest.mark.parametrize("arguments", NOTHING_TO_MONEY, ids=" ".join)
def test_nobody_is_asked_about_what_does_nothing_to_the_books(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert run(*arguments, *DEPLOYED).exit_code != 2  # as where somebody would have to be asked


@pytest.mark.parametrize("named", [0, 1])
def test_a_message_that_comes_after_the_question_is_not_redriven(
    named: int, operator: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = [operator.receive(f"c-{number}") for number in range(named)]
    late = operator.receive("late")
    for identity in identities:
        operator.bury(encode(operator.message(identity)))

    def slowly(*arguments: Any, **options: Any) -> None:  # noqa: ANN401  as it is called
        confirm_change(*arguments, **options)
        operator.bury(encode(operator.message(late)))

    monkeypatch.setattr("wickiepay_cli.commands.dlq.confirm_change", slowly)
    run_asked("dlq", "redrive", "--all", *DEPLOYED, answer="y")
    assert [message.identity for message in operator.consume()] == identities
    assert operator.waiting(DEAD_LETTERS) == 1


def test_an_event_that_fails_after_the_question_is_not_replayed(
    operator: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, asked = operator.receive("late"), operator.receive("c-1", age=timedelta(hours=2))
    operator.events.mark_failed(asked, operator.now, "Given up.")

    def slowly(*arguments: Any, **options: Any) -> None:  # noqa: ANN401  as it is called
        confirm_change(*arguments, **options)
        operator.events.mark_failed(late, operator.now, "Given up.")  # it is newer, so it would come first

    monkeypatch.setattr("wickiepay_cli.commands.events.replay.confirm_change", slowly)
    run_asked("events", "replay", "--state", "FAILED", "--since", "1d", *DEPLOYED, answer="y")
    assert [message.identity for message in operator.consume()] == [asked]
