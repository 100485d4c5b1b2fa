"""What `wickiepay doctor` shows to a person although the books add up."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.aws import Calls
from tests.support.command_line import run
from tests.support.operator_stack import CONFIRMED, OperatorStack
from wickiepay.clock import instant
from wickiepay.event_record import Decision
from wickiepay.ledger_items import Adjustment
from wickiepay_cli.doctor.schemes import only_scheme
from wickiepay_cli.doctor.worth_a_look import KINDS
from wickiepay_reconcile.notes import Notes, PaymentsRun, Run
from wickiepay_reconcile.our_events import OurEvents
from wickiepay_reconcile.payments import ABSENT, Difference

if TYPE_CHECKING:
    from wickiepay.identity import Identity

pytest_plugins = ["tests.support.operator_fixture"]

COMPLETED: Final = "channel.payment.completed"
EUR: Final = {"currency": "EUR", "amount": 5}
A_DAY: Final = timedelta(hours=25)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def told(operator: OperatorStack, event: str, uuid: str = "u-1", **data: Any) -> "Identity":  # noqa: ANN401  as OperatorStack.receive takes it
    return operator.process(operator.receive(uuid, event, **data))


def pay(operator: OperatorStack, name: str, uuid: str = "u-1", **data: Any) -> "Identity":  # noqa: ANN401  as OperatorStack.receive takes it
    """What an event says of a customer's payment of an order."""
    return told(operator, f"payment.{name}", uuid, **{"reference": "order", **data})


def conflict(operator: OperatorStack) -> "Identity":
    pay(operator, "completed")
    return operator.receive("u-1", "payment.completed", note="other content")


def closed(operator: OperatorStack) -> None:
    operator.events.note_decision(conflict(operator), Decision(None, "somebody", "", instant(operator.now)))


def second_credit_question(operator: OperatorStack) -> None:
    told(operator, CONFIRMED)
    told(operator, CONFIRMED, hash="0xab")


def retried(operator: OperatorStack) -> None:
    operator.events.note_retry(operator.receive("u-1"), 3, "why", operator.now)


def adjusted(operator: OperatorStack) -> None:
    told(operator, CONFIRMED)
    made = Adjustment("a-1", "account", "EUR", Decimal(-1), "", "somebody", instant(operator.now), "u-1")
    operator.ledger.adjust(made, below_zero=False)


def retried_and_finished_by_an_older_version(operator: OperatorStack) -> None:
    processed = told(operator, CONFIRMED)
    item = {**operator.item(processed), "tries": {"N": "3"}}
    operator.dynamodb.put_item(TableName="EventTable", Item=item)


# --- What versions up to 0.1 kept, under the uuid as it was sent
UUID: Final = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
LONG_AGO: Final = "2025-12-01T10:00:00.000000Z"


def texts(operator: OperatorStack, item: Mapping[str, str], **numbers: str) -> None:
    values: Any = {name: {"S": text} for name, text in item.items()}
    amounts: Any = {name: {"N": number} for name, number in numbers.items()}
    operator.dynamodb.put_item(TableName="LedgerTable", Item=values | amounts)


def old_payment(
    operator: OperatorStack, event: str, status: str, stage: str = "10", uuid: str = UUID.upper(), **more: str
) -> None:
    item = {"pk": f"payment#{uuid}", "sk": "-", "type": "IN", "status": status, "event": event, "updated_at": LONG_AGO}
    texts(operator, {**item, "position": f"{stage}|{LONG_AGO}|{event}|{'ab' * 32}", **more})


def old_credit(operator: OperatorStack) -> None:
    item = {"pk": f"credit#{UUID.upper()}", "sk": "-", "reference": "account", "uuid": UUID.upper(), "currency": "EUR"}
    texts(operator, {**item, "event": CONFIRMED, "event_key": CONFIRMED, "at": LONG_AGO}, amount="5")
    texts(operator, {"pk": "balance#account", "sk": "EUR"}, amount="5")


def credited_twice_under_two_spellings(operator: OperatorStack) -> None:
    told(operator, CONFIRMED, UUID)
    old_credit(operator)


def underpaid_and_cancelled(operator: OperatorStack) -> None:
    pay(operator, "underpaid")
    operator.process(operator.receive("u-1", "payment.cancelled", age=timedelta(minutes=30), reference="order"))


def several(*steps: Callable[[OperatorStack], object]) -> Callable[[OperatorStack], None]:
    def play(operator: OperatorStack) -> None:
        for step in steps:
            step(operator)

    return play


CASES: list[tuple[str, Callable[[OperatorStack], object], set[str]]] = [
    (
        "paid twice",
        several(lambda d: pay(d, "completed"), lambda d: pay(d, "completed", "u-2")),
        {"two-payments-complete"},
    ),
    ("paid after a try", several(lambda d: pay(d, "expired"), lambda d: pay(d, "completed", "u-2")), set()),
    (
        "paid and paid out",
        several(lambda d: pay(d, "completed"), lambda d: pay(d, "completed", "u-2", type="OUT")),
        set(),
    ),
    ("no order", lambda d: pay(d, "completed", reference=None), {"completed-without-reference"}),
    ("a payout without order", lambda d: pay(d, "completed", reference=None, type="OUT"), set()),
    ("too thin to credit", lambda d: told(d, COMPLETED, displayCurrency=None), {"channel-payment-not-credited"}),
    ("credited on completion", lambda d: told(d, COMPLETED), set()),
    ("a payout into a channel", lambda d: told(d, COMPLETED, type="OUT"), set()),
    (
        "two deposits",
        several(
            lambda d: told(d, CONFIRMED, hash="0xa"),
            lambda d: told(d, CONFIRMED, hash="0xb", displayCurrency={**EUR, "amount": 7}),
        ),
        {"credited-more-than-once", "amounts-differ"},
    ),
    ("adjusted", adjusted, set()),
    ("nothing", lambda d: pay(d, "completed", paidCurrency={**EUR, "amount": 0}), {"completed-with-nothing"}),
    (
        "less than nothing",
        lambda d: pay(d, "completed", displayCurrency={**EUR, "amount": -1}),
        {"completed-with-nothing"},
    ),
    (
        "two directions",
        several(lambda d: pay(d, "created", type="OUT"), lambda d: pay(d, "completed", type="IN")),
        {"direction-differs"},
    ),
    ("a refund", lambda d: pay(d, "completed", type="REFUND"), {"unclear"}),
    (
        "a payout after all",
        several(lambda d: told(d, CONFIRMED), lambda d: told(d, "channel.payment.detected", type="OUT")),
        {"credited-payout"},
    ),
    (
        "open since yesterday",
        lambda d: d.process(d.receive("u-1", "payment.processing", age=A_DAY)),
        {"open-too-long"},
    ),
    ("open since this morning", lambda d: pay(d, "processing"), set()),
    (
        "money and no goods",
        underpaid_and_cancelled,
        {"expired-after-money"},
    ),
    ("never paid", lambda d: pay(d, "expired"), set()),
    ("a conflict", conflict, {"open-conflict"}),
    ("a closed conflict", closed, set()),
    ("a second credit?", second_credit_question, {"open-conflict"}),
    ("unknown and about money", lambda d: pay(d, "refunded"), {"unknown-money-event"}),
    ("unknown", lambda d: told(d, "invoice.sent"), set()),
    ("retried", retried, {"being-retried"}),
    ("retried and finished by an older version", retried_and_finished_by_an_older_version, set()),
    (
        "paid in two parts",
        several(lambda d: pay(d, "underpaid", paidCurrency={**EUR, "amount": 3}), lambda d: pay(d, "completed")),
        set(),
    ),
    ("underpaid since yesterday", lambda d: d.process(d.receive("u-1", "payment.underpaid", age=A_DAY)), set()),
    ("an older open payment", lambda d: old_payment(d, "payment.created", "PENDING"), {"open-too-long"}),
    (
        "an older open payment, completed since",
        several(
            lambda d: old_payment(d, "payment.created", "PENDING", reference="order"),
            lambda d: pay(d, "completed", UUID.upper()),
        ),
        set(),
    ),
    (
        "an older payment, completed and told again",
        several(
            lambda d: old_payment(d, "payment.completed", "COMPLETE", "90", reference="order"),
            lambda d: pay(d, "completed", UUID.upper()),
        ),
        set(),
    ),
    (
        "an older payment that has another reference by now",
        several(
            lambda d: old_payment(d, "payment.created", "PENDING", reference="order", uuid=UUID),
            lambda d: pay(d, "completed", UUID, reference="another order"),
            lambda d: pay(d, "completed"),
        ),
        set(),
    ),
    (
        "an older credit, completed since",
        several(old_credit, lambda d: told(d, COMPLETED, UUID.upper())),
        set(),
    ),
    (
        "an older credit, called a payout since",
        several(old_credit, lambda d: told(d, COMPLETED, UUID.upper(), type="OUT")),
        {"credited-payout"},
    ),
    ("credited under two spellings", credited_twice_under_two_spellings, {"credited-more-than-once"}),
]


@pytest.mark.parametrize(("play", "kinds"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_worth_a_look(
    play: Callable[[OperatorStack], object], kinds: set[str], operator: OperatorStack
) -> None:
    play(operator)
    said: dict[str, Any] = json.loads(run("doctor", "--json").stdout)

    assert {finding["kind"] for finding in said["worth_a_look"]} == kinds
    assert all(finding["uuid"] or finding["reference"] for finding in said["worth_a_look"])


def night(operator: OperatorStack, ago: timedelta, *uuids: str, flaws: Iterable[str] = (), lasting: int = 0) -> None:
    """A record of the reconciler's, of a night in which payments differed, and of the hour after it."""
    notes = Notes(operator.dynamodb, "EventTable", OurEvents(operator.dynamodb, "EventTable"))
    differences = [Difference(uuid, "status", "UNDERPAID", "COMPLETE") for uuid in uuids]
    compared = PaymentsRun(9, 0, lasting or len(uuids), differences, list(flaws))
    notes.record(Run(LONG_AGO, LONG_AGO, payments=compared), operator.now - ago)
    notes.record(Run(LONG_AGO, LONG_AGO), operator.now - ago + timedelta(minutes=30))


def test_what_the_provider_says_otherwise_is_that_of_the_last_night(operator: OperatorStack) -> None:
    night(operator, timedelta(days=1), "p-1", flaws=["why"])
    night(operator, timedelta(hours=8), "p-2", "p-3", flaws=["another reason"], lasting=700)
    said = json.loads(run("doctor", "--json").stdout)
    assert [(each["kind"], each["uuid"], each["trouble"]) for each in said["worth_a_look"]] == [
        ("provider-differs", "p-2", "status: UNDERPAID there, COMPLETE here"),
        ("provider-differs", "p-3", "status: UNDERPAID there, COMPLETE here"),
        ("payments-not-compared", None, "another reason"),
    ]
    assert said["counts"]["provider-differs"] == 700
    shown = " ".join(run("doctor").stdout.split())
    assert "p-2 (status: UNDERPAID there, COMPLETE here)" in shown
    assert "another reason" in shown


@pytest.mark.parametrize(
    ("difference", "trouble"),
    [
        (Difference("p-1", "reference", "r-1", None), "reference: r-1 there"),
        (Difference("p-1", ABSENT, None, None), "not in the ledger"),
    ],
)
def test_what_one_side_does_not_say_is_left_out(operator: OperatorStack, difference: Difference, trouble: str) -> None:
    notes = Notes(operator.dynamodb, "EventTable", OurEvents(operator.dynamodb, "EventTable"))
    notes.record(Run(LONG_AGO, LONG_AGO, payments=PaymentsRun(1, 0, 1, [difference])), operator.now)
    [found] = json.loads(run("doctor", "--json").stdout)["worth_a_look"]
    assert found["trouble"] == trouble


def test_what_a_reconciler_said_that_is_gone_counts_no_more(operator: OperatorStack) -> None:
    night(operator, timedelta(days=4), "p-1", flaws=["why"])
    assert "Nothing is worth a look." in run("doctor").stdout


def test_it_is_no_failure_unless_that_is_asked_for(operator: OperatorStack) -> None:
    pay(operator, "completed", reference=None)

    assert [run("doctor").exit_code, run("doctor", "--strict").exit_code] == [0, 1]


def test_people_read_what_it_is_and_where(operator: OperatorStack) -> None:
    pay(operator, "completed", reference=None)

    shown = " ".join(run("doctor").stdout.split())
    assert f"completed-without-reference {KINDS['completed-without-reference']} u-1" in shown


def test_of_very_many_the_first_are_named_and_all_are_counted(
    operator: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_cli.doctor.worth_a_look.NAMED", 6)
    for number in range(8):
        pay(operator, "refunded", f"u-{number}")

    said: dict[str, Any] = json.loads(run("doctor", "--json").stdout)
    assert (len(said["worth_a_look"]), said["counts"]["unknown-money-event"]) == (6, 8)
    assert "and 3 more" in " ".join(run("doctor").stdout.split())


def test_payouts_of_this_version_are_not_looked_up_one_by_one(operator: OperatorStack, calls: Calls) -> None:
    for number in range(3):
        pay(operator, "completed", f"u-{number}", type="OUT", reference=f"order-{number}")
    calls.made.clear()
    run("doctor")

    asked = [call["TableName"] for call in calls.of("Query")]
    assert ("Scan" in calls.names(), asked) == (True, ["EventTable"])  # for the reconciler's runs


def test_where_nothing_is_it_is_said(operator: OperatorStack) -> None:
    pay(operator, "completed")

    assert "Nothing is worth a look." in run("doctor").stdout


class Counted:
    """A CloudWatch in which each scheme was used so often."""

    def __init__(self, **uses: int) -> None:
        self._uses = uses

    def get_metric_statistics(self, MetricName: str, **_: object) -> dict[str, Any]:  # noqa: N803
        uses = self._uses.get(MetricName)
        return {"Datapoints": [] if uses is None else [{"Sum": float(uses)}]}


@pytest.mark.parametrize(
    ("uses", "accepted", "scheme"),
    [
        ({"SchemeRaw": 7}, "raw,node,python", "raw"),
        ({"SchemeRaw": 7, "SchemeNode": 0}, "raw,node,python", "raw"),
        ({"SchemeRaw": 7, "SchemeNode": 1}, "raw,node,python", None),
        ({"SchemeRaw": 7}, "raw", None),
        ({}, "raw,node,python", None),
    ],
)
def test_one_scheme_that_was_always_used_can_be_pinned(
    uses: dict[str, int], accepted: str, scheme: str | None, operator: OperatorStack
) -> None:
    stack = replace(operator.stack(), client=lambda _: Counted(**uses), parameters={"AcceptedSchemes": accepted})
    assert only_scheme(stack, operator.now) == scheme
