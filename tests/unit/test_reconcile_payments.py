"""Payments in the night: what the provider says otherwise is told once it lasts, and endangers nothing else."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from botocore.exceptions import ClientError

import reconciler
from reconciler import MAX_DIFFERENCES, RUN_SECONDS, UNFINISHED, Reconciler
from tests.support.aws import Calls
from tests.support.deliveries import BodyOf, DeliveryOf
from tests.support.provider import FakeProvider, listing, refusing
from tests.support.reconciling import reconciler_beside
from wickiepay.clock import instant, parse_instant
from wickiepay.effects import set_payment
from wickiepay.errors import StoreUnavailable
from wickiepay.event import parse
from wickiepay.event_log import EventLog
from wickiepay.event_record import key
from wickiepay.ledger import Ledger
from wickiepay.money import Money
from wickiepay_api.entries import payment
from wickiepay_api.errors import Forbidden
from wickiepay_cli.store.reconciler_runs import newest_first
from wickiepay_reconcile import our_payments, reading
from wickiepay_reconcile.asking import FEW
from wickiepay_reconcile.comparison import GRACE
from wickiepay_reconcile.dismissals import DISMISSED, Dismissal, dismissals_item
from wickiepay_reconcile.notes import PaymentsRun, Run
from wickiepay_reconcile.our_payments import OurPayments
from wickiepay_reconcile.payments import MAX_FOLLOWED, Difference, OurPayment, differences, followed, lasting

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from wickiepay_api.entries import Payment

NOW: Final = datetime(2026, 1, 15, 2, 35, tzinfo=UTC)
NIGHT: Final = timedelta(days=1)
UUID: Final = "9204c333-4469-4b29-b7cb-b6c1fb41d1d4"

type Book = Callable[..., None]


@pytest.fixture
def book(ledger: Ledger) -> Book:
    """Has the ledger say something of a payment."""

    def book(uuid: str, status: str = "COMPLETE", event: str = "payment.completed", **data: object) -> None:
        body = json.dumps({"event": event, "data": {"uuid": uuid, **data}}).encode()
        for effect in set_payment(parse(body), 90, status, "all"):
            ledger.apply(effect, {})

    return book


# --- What differs ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("theirs", "ours", "told"),
    [
        ("PROCESSING", "EXPIRED", []),  # it is being paid after all
        ("PROCESSING", "PENDING", []),
        ("PROCESSING", "COMPLETE", ["status"]),
        ("PENDING", "COMPLETE", ["status"]),
        ("EXPIRED", "PROCESSING", ["status"]),
    ],
)
def test_what_is_on_its_way_there_differs_only_from_what_is_complete_here(
    theirs: str, ours: str, told: list[str]
) -> None:
    here = OurPayment(ours, None, "IN", None, None)
    assert [each.what for each in differences(UUID, payment({"uuid": UUID, "status": theirs}), here)] == told


def test_of_a_long_text_the_beginning_is_told() -> None:
    [told] = differences(
        UUID, payment({"uuid": UUID, "reference": "r" * 400}), OurPayment("COMPLETE", "s" * 400, "IN", None, None)
    )
    assert (told.theirs, told.ours) == ("r" * 100, "s" * 100)


def test_no_more_differences_are_followed_than_the_notes_hold_and_the_known_ones_stay() -> None:
    first = [Difference(str(number), "status", "COMPLETE", None) for number in range(MAX_FOLLOWED)]
    known = followed(first, {}, NOW, whole=True)
    more = [Difference(f"another {number}", "status", "COMPLETE", None) for number in range(9)]
    assert followed([*more, *first], known, NOW + NIGHT, whole=True) == known
    assert lasting([*more, *first], known, NOW + NIGHT) == first


def test_what_was_paid_so_far_is_no_difference_while_more_is_on_its_way() -> None:
    theirs = payment({"uuid": UUID, "status": "PROCESSING", "paidCurrency": {"currency": "EUR", "amount": Decimal(2)}})
    here = OurPayment("UNDERPAID", None, "IN", None, Money("EUR", Decimal(1)))
    assert list(differences(UUID, theirs, here)) == []


# --- What the ledger says -------------------------------------------------------------------------
def listed(uuid: str = UUID, **data: object) -> "Payment":
    return payment({"uuid": uuid, "status": "COMPLETE", **data})


def found(dynamodb: "DynamoDBClient", *theirs: "Payment") -> list[OurPayment | None]:
    return [ours for _, ours in OurPayments(dynamodb, "LedgerTable", sleep=lambda _: None).beside(theirs)]


OLD: Final = {
    "type": "OUT",
    "status": "COMPLETE",
    "event": "payment.completed",
    "position": f"90|{instant(NOW)}|payment.completed|{'ab' * 32}",
    "updated_at": instant(NOW),
}


@pytest.mark.parametrize(
    ("keys", "data", "is_found"),
    [
        ({"pk": f"payment#{UUID}", "sk": "-"}, {}, True),
        ({"pk": f"payment#{UUID.upper()}", "sk": "-"}, {}, True),
        ({"pk": f"payment#{UUID}", "sk": "0xAb"}, {"hash": "0xAb"}, True),
        ({"pk": f"payment#{UUID}", "sk": "0xab"}, {"txHash": "0xAb"}, True),
        ({"pk": f"payment#{UUID}", "sk": "0xab"}, {"hash": "0xcd"}, False),
    ],
)
def test_what_an_older_version_kept_is_found(
    ledger: Ledger,  # noqa: ARG001  it makes the table
    dynamodb: "DynamoDBClient",
    keys: dict[str, str],
    data: dict[str, str],
    is_found: bool,
) -> None:
    item: Any = {name: {"S": text} for name, text in {**OLD, **keys}.items()}
    dynamodb.put_item(TableName="LedgerTable", Item=item)
    ours = OurPayment("COMPLETE", None, "OUT", None, None) if is_found else None
    assert found(dynamodb, listed(**data)) == [ours]


@pytest.mark.parametrize("data", [{}, {"channelId": "c-1"}])
def test_a_payment_into_a_channel_is_found_whether_the_list_names_the_channel(
    dynamodb: "DynamoDBClient", book: Book, data: dict[str, str]
) -> None:
    book("p-1", event="channel.payment.completed", reference="r-1")
    assert found(dynamodb, listed("p-1", **data), listed("p-2")) == [
        OurPayment("COMPLETE", "r-1", "IN", None, None),
        None,
    ]


def test_many_are_read_at_once_each_once_and_with_few_attributes(
    dynamodb: "DynamoDBClient", book: Book, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(our_payments, "MAX_KEYS", 2)
    for number in range(3):
        book(f"p-{number}")
    calls.made.clear()
    theirs = [listed("p-0"), listed("p-0"), listed("p-1"), payment({}), listed("p-2")]
    assert [ours is None for ours in found(dynamodb, *theirs)] == [False, False, False, True, False]
    requests = [request for call in calls.of("BatchGetItem") for request in call["RequestItems"].values()]
    assert [len(request["Keys"]) for request in requests] == [1, 1, 1]
    assert {name for request in requests for name in request["ExpressionAttributeNames"].values()} == {
        *our_payments.SEEN
    }


# --- A night --------------------------------------------------------------------------------------
@dataclass
class Provider:
    """What it lists: of each kind the entries, or an answer that is none."""

    events: list[dict[str, Any]] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    channel: list[dict[str, Any]] = field(default_factory=list)
    instead: dict[str, httpx.Response] = field(default_factory=dict)
    asked: list[httpx.URL] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        kind = request.url.path.rpartition("/")[2]
        if kind in self.instead:
            return self.instead[kind]
        lists = {"event": self.events, "summary": self.payments, "channel-payment": self.channel}
        return listing(*lists[kind])(request)


@dataclass
class Desk:
    provider: Provider
    reconciler: Reconciler
    client: "DynamoDBClient"
    now: datetime = NOW

    def night(self, **changes: Any) -> PaymentsRun:  # noqa: ANN401  fields of `Reconciler`
        told = replace(self.reconciler, **changes).run(3, with_payments=True).payments
        assert told
        return told

    def recorded(self) -> list[Run]:
        """The newest first."""
        return [run for _, run in newest_first(self.client, "EventTable")]


@pytest.fixture
def desk(
    events: EventLog,
    ledger: Ledger,  # noqa: ARG001  it makes the table
    dynamodb: "DynamoDBClient",
    body_of: BodyOf,
    delivery_of: DeliveryOf,
) -> Desk:
    """A reconciler of a listener that has been there for a day and a half."""
    at = instant(NOW - timedelta(hours=36))
    delivery = delivery_of(body_of("payment.created", {"uuid": "u-1"}, timestamp=at), received_at=at)
    events.record(delivery, delivery.event())
    provider = Provider()
    made = Desk(
        provider,
        reconciler_beside(provider.answer, dynamodb, lambda: made.now),
        dynamodb,
    )
    return made


def differing(desk: Desk, book: Book, *numbers: int, theirs: str = "UNDERPAID") -> None:
    """Payments that are COMPLETE here, and are listed otherwise."""
    for number in numbers:
        book(f"p-{number}")
        desk.provider.payments.append({"uuid": f"p-{number}", "status": theirs})


def test_a_difference_is_told_when_it_lasts(desk: Desk, book: Book) -> None:
    differing(desk, book, 1)
    first = desk.night()
    assert (first.compared, first.new, first.lasting, first.differences) == (1, 1, 0, [])
    desk.now += NIGHT
    second = desk.night()
    assert (second.new, second.lasting) == (0, 1)
    assert second.differences == [Difference("p-1", "status", "UNDERPAID", "COMPLETE")]
    assert (second.flaws, desk.recorded()[0].payments) == ([], second)


def test_what_is_in_both_lists_or_there_twice_is_told_once(desk: Desk, book: Book) -> None:
    book("p-1", event="channel.payment.completed")
    desk.provider.payments = [{"uuid": "p-1", "status": "UNDERPAID"}]
    desk.provider.channel = [{**desk.provider.payments[0], "hash": f"0x{number}"} for number in range(2)]
    assert desk.night().new == 1


@pytest.mark.parametrize(("later", "lasting"), [(GRACE - timedelta(seconds=1), 0), (GRACE, 1)])
def test_what_may_be_under_way_is_not_told_however_often_it_is_looked_for(
    desk: Desk, book: Book, later: timedelta, lasting: int
) -> None:
    differing(desk, book, 1)
    desk.night()
    desk.now += later
    assert desk.night().lasting == lasting


def test_what_was_dismissed_is_not_told(desk: Desk, book: Book) -> None:
    differing(desk, book, 1, 2)
    told = dismissals_item({"p-1": Dismissal("somebody", "It is of before the listener.", instant(NOW))})
    desk.client.put_item(TableName="EventTable", Item={**key(DISMISSED), **told})
    desk.night()
    desk.now += NIGHT
    assert [each.uuid for each in desk.night().differences] == ["p-2"]


def test_what_changed_in_between_is_another_difference(desk: Desk, book: Book) -> None:
    differing(desk, book, 1)
    desk.night()
    desk.provider.payments[0]["status"] = "EXPIRED"
    desk.now += NIGHT
    told = desk.night()
    assert (told.new, told.lasting) == (1, 0)


def test_a_difference_that_was_gone_begins_anew(desk: Desk, book: Book) -> None:
    differing(desk, book, 1)
    told = []
    for status in ("UNDERPAID", "COMPLETE", "UNDERPAID"):
        desk.provider.payments[0]["status"] = status
        told.append(desk.night())
        desk.now += timedelta(hours=1)
    assert [(each.new, each.lasting) for each in told] == [(1, 0), (0, 0), (1, 0)]


def test_an_hour_compares_no_payments_and_forgets_no_difference(desk: Desk, book: Book) -> None:
    differing(desk, book, 1)
    desk.night()
    asked = len(desk.provider.asked)
    desk.now += timedelta(minutes=30)
    assert desk.reconciler.run(1).payments is None
    assert {url.path for url in desk.provider.asked[asked:]} == {"/api/v1/hook/event"}
    desk.now += NIGHT
    assert desk.night().lasting == 1


def test_payments_of_before_the_listener_are_not_asked_for(desk: Desk) -> None:
    desk.night()
    [since] = {url.params["fromDate"] for url in desk.provider.asked if url.path.endswith("/summary")}
    assert parse_instant(since) == instant(NOW - timedelta(hours=36))


@pytest.mark.parametrize(("absent", "others", "flaws"), [(FEW, 0, 0), (FEW + 1, 0, 1), (6, 114, 0), (6, 113, 1)])
def test_a_list_of_what_the_ledger_never_heard_of_is_one_finding(
    desk: Desk, absent: int, others: int, flaws: int
) -> None:
    desk.provider.channel += [{"uuid": f"c-{each}", "status": "COMPLETE"} for each in range(absent)]
    desk.provider.channel += [{"uuid": f"o-{each}", "status": "PENDING"} for each in range(others)]
    told = desk.night()
    assert (told.compared, told.new, len(told.flaws)) == (absent + others, absent * (1 - flaws), flaws)


def test_the_record_of_a_run_has_room_for_what_it_names(desk: Desk, book: Book) -> None:
    differing(desk, book, *range(MAX_DIFFERENCES + 1))
    desk.night()
    desk.now += NIGHT
    told = desk.night()
    assert (told.lasting, len(told.differences)) == (MAX_DIFFERENCES + 1, MAX_DIFFERENCES)


def test_what_has_no_uuid_is_counted(desk: Desk) -> None:
    desk.provider.payments = [{"status": "COMPLETE"}]
    told = desk.night()
    assert told.flaws == ["Of the payments in the provider's list, 1 of 1 have no uuid that can be read."]
    assert told.compared == 0


# --- What goes wrong ------------------------------------------------------------------------------
def test_a_list_that_cannot_be_read_is_told_and_costs_neither_the_events_nor_the_other_list(
    desk: Desk, book: Book
) -> None:
    differing(desk, book, 1)
    desk.provider.instead = {"channel-payment": refusing(403)}
    desk.provider.events = [
        {"id": "e-1", "event": "payment.expired", "timestamp": instant(NOW - timedelta(hours=2)), "status": "PENDING"}
    ]
    first = desk.night()
    desk.now += NIGHT
    second = desk.night()
    assert (first.compared, second.lasting, len(second.flaws)) == (1, 1, 2)
    assert second.flaws[0] == UNFINISHED
    assert second.flaws[1].startswith("The payments into channels: ")
    assert desk.recorded()[1].under_way == 1


def test_what_was_not_compared_again_is_not_forgotten(desk: Desk, book: Book) -> None:
    differing(desk, book, 1)
    desk.night()
    desk.provider.instead = {"summary": refusing(403)}
    desk.now += NIGHT
    assert desk.night().lasting == 0
    desk.provider.instead = {}
    desk.now += NIGHT
    assert desk.night().lasting == 1


def test_a_ledger_that_is_out_of_reach_is_told(desk: Desk, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    differing(desk, book, 1)
    monkeypatch.setattr(reading, "PAUSE_SECONDS", 0)

    class Busy(OurPayments):
        def beside(self, theirs: Any) -> Iterator[Any]:  # noqa: ANN401
            raise StoreUnavailable(f"The ledger table is busy: {len(list(theirs))}.")

    assert "The ledger table is busy: 1." in " ".join(desk.night(ledger=Busy(desk.client, "LedgerTable")).flaws)


def test_a_run_without_time_for_payments_says_so_and_has_compared_the_events(desk: Desk, book: Book) -> None:
    differing(desk, book, 1)

    def slow(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/summary"):
            desk.now = NOW + timedelta(seconds=RUN_SECONDS)
        return desk.provider.answer(request)

    told = desk.night(api=FakeProvider(slow).made)
    [run] = desk.recorded()
    assert (told.flaws, told.compared, run.cut_short, run.payments) == ([UNFINISHED], 0, False, told)
    assert desk.provider.asked[-1].path.endswith("/summary")  # and the other list is not asked for


def test_a_night_that_ends_before_payments_says_so(desk: Desk) -> None:
    desk.provider.instead = {"event": refusing(403)}
    with pytest.raises(Forbidden):
        desk.night()
    assert desk.recorded()[0].payments == PaymentsRun(flaws=[UNFINISHED])


def test_a_right_that_is_missing_is_an_error_after_the_events_are_recorded(
    desk: Desk, book: Book, calls: Calls
) -> None:
    differing(desk, book, 1)
    calls.refuse("BatchGetItem", "AccessDeniedException", skip=2)  # the notes and the event
    with pytest.raises(ClientError):
        desk.night()
    [run] = desk.recorded()
    assert (run.ours, run.payments) == (1, PaymentsRun(flaws=[UNFINISHED]))


def test_the_schedule_says_whether_payments_are_compared(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "reconciler", desk.reconciler)
    for schedule in ({"days": 1}, {"days": 1, "payments": True}):
        reconciler.lambda_handler(schedule, None)
        desk.now += timedelta(hours=1)
    assert [run.payments is None for run in desk.recorded()] == [False, True]
