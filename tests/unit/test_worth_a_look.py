"""What `wickiepay doctor` shows to a person although the books add up."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from command_line import run
from desk import CONFIRMED, Desk
from wickiepay.clock import instant
from wickiepay.event_record import Decision
from wickiepay.ledger_items import Adjustment
from wickiepay_cli.audit.schemes import only_scheme
from wickiepay_cli.audit.worth_a_look import KINDS

if TYPE_CHECKING:
    from tests.unit.conftest import Calls

    from wickiepay.identity import Identity

pytest_plugins = ["desk_fixture"]

COMPLETED: Final = "channel.payment.completed"
EUR: Final = {"currency": "EUR", "amount": 5}
A_DAY: Final = timedelta(hours=25)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def told(desk: Desk, event: str, uuid: str = "u-1", **data: Any) -> "Identity":  # noqa: ANN401  as Desk.receive takes it
    return desk.process(desk.receive(uuid, event, **data))


def pay(desk: Desk, name: str, uuid: str = "u-1", **data: Any) -> "Identity":  # noqa: ANN401  as Desk.receive takes it
    """What an event says of a customer's payment of an order."""
    return told(desk, f"payment.{name}", uuid, **{"reference": "order", **data})


def conflict(desk: Desk) -> "Identity":
    pay(desk, "completed")
    return desk.receive("u-1", "payment.completed", note="other content")


def closed(desk: Desk) -> None:
    desk.events.note_decision(conflict(desk), Decision(None, "somebody", "", instant(desk.now)))


def second_credit_question(desk: Desk) -> None:
    told(desk, CONFIRMED)
    told(desk, CONFIRMED, hash="0xab")


def retried(desk: Desk) -> None:
    desk.events.note_retry(desk.receive("u-1"), 3, "why", desk.now)


def adjusted(desk: Desk) -> None:
    told(desk, CONFIRMED)
    made = Adjustment("a-1", "account", "EUR", Decimal(-1), "", "somebody", instant(desk.now), "u-1")
    desk.ledger.adjust(made, below_zero=False)


def retried_and_finished_by_an_older_version(desk: Desk) -> None:
    processed = told(desk, CONFIRMED)
    item = {**desk.item(processed), "tries": {"N": "3"}}
    desk.dynamodb.put_item(TableName="EventTable", Item=item)


# --- What versions up to 0.1 kept, under the uuid as it was sent
UUID: Final = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
LONG_AGO: Final = "2025-12-01T10:00:00.000000Z"


def texts(desk: Desk, item: Mapping[str, str], **numbers: str) -> None:
    values: Any = {name: {"S": text} for name, text in item.items()}
    amounts: Any = {name: {"N": number} for name, number in numbers.items()}
    desk.dynamodb.put_item(TableName="LedgerTable", Item=values | amounts)


def old_payment(desk: Desk, event: str, status: str, stage: str = "10", uuid: str = UUID.upper(), **more: str) -> None:
    item = {"pk": f"payment#{uuid}", "sk": "-", "type": "IN", "status": status, "event": event, "updated_at": LONG_AGO}
    texts(desk, {**item, "position": f"{stage}|{LONG_AGO}|{event}|{'ab' * 32}", **more})


def old_credit(desk: Desk) -> None:
    item = {"pk": f"credit#{UUID.upper()}", "sk": "-", "reference": "account", "uuid": UUID.upper(), "currency": "EUR"}
    texts(desk, {**item, "event": CONFIRMED, "event_key": CONFIRMED, "at": LONG_AGO}, amount="5")
    texts(desk, {"pk": "balance#account", "sk": "EUR"}, amount="5")


def credited_twice_under_two_spellings(desk: Desk) -> None:
    told(desk, CONFIRMED, UUID)
    old_credit(desk)


def underpaid_and_cancelled(desk: Desk) -> None:
    pay(desk, "underpaid")
    desk.process(desk.receive("u-1", "payment.cancelled", age=timedelta(minutes=30), reference="order"))


def several(*steps: Callable[[Desk], object]) -> Callable[[Desk], None]:
    def play(desk: Desk) -> None:
        for step in steps:
            step(desk)

    return play


CASES: list[tuple[str, Callable[[Desk], object], set[str]]] = [
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
def test_what_is_worth_a_look(play: Callable[[Desk], object], kinds: set[str], desk: Desk) -> None:
    play(desk)
    said: dict[str, Any] = json.loads(run("doctor", "--json").stdout)

    assert {finding["kind"] for finding in said["worth_a_look"]} == kinds
    assert all(finding["uuid"] or finding["reference"] for finding in said["worth_a_look"])


def test_it_is_no_failure_unless_that_is_asked_for(desk: Desk) -> None:
    pay(desk, "completed", reference=None)

    assert [run("doctor").exit_code, run("doctor", "--strict").exit_code] == [0, 1]


def test_people_read_what_it_is_and_where(desk: Desk) -> None:
    pay(desk, "completed", reference=None)

    shown = " ".join(run("doctor").stdout.split())
    assert f"completed-without-reference {KINDS['completed-without-reference']} u-1" in shown


def test_of_very_many_the_first_are_named_and_all_are_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.audit.worth_a_look.NAMED", 6)
    for number in range(8):
        pay(desk, "refunded", f"u-{number}")

    said: dict[str, Any] = json.loads(run("doctor", "--json").stdout)
    assert (len(said["worth_a_look"]), said["counts"]["unknown-money-event"]) == (6, 8)
    assert "and 3 more" in " ".join(run("doctor").stdout.split())


def test_payouts_of_this_version_are_not_looked_up_one_by_one(desk: Desk, calls: "Calls") -> None:
    for number in range(3):
        pay(desk, "completed", f"u-{number}", type="OUT", reference=f"order-{number}")
    calls.made.clear()
    run("doctor")

    assert ("Scan" in calls.names(), "Query" in calls.names()) == (True, False)


def test_where_nothing_is_it_is_said(desk: Desk) -> None:
    pay(desk, "completed")

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
    uses: dict[str, int], accepted: str, scheme: str | None, desk: Desk
) -> None:
    stack = replace(desk.stack(), client=lambda _: Counted(**uses), parameters={"AcceptedSchemes": accepted})
    assert only_scheme(stack, desk.now) == scheme
