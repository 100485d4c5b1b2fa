"""The reconciler: what is missing is asked for, within bounds, and what a run has no time for is left to the next."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

import reconciler
from reconciler import DAY, MAX_DIFFERENCES, RUN_SECONDS, Reconciler, from_environment
from tests.support.aws import Calls
from tests.support.deliveries import BodyOf, DeliveryOf
from tests.support.deployed import TEMPLATE
from tests.support.printed import Printed
from tests.support.provider import FakeProvider, listing, refusing
from tests.support.reconciling import reconciler_beside
from wickiepay.clock import instant, parse_instant
from wickiepay.errors import StoreUnavailable
from wickiepay.event_log import EventLog
from wickiepay.event_record import RECONCILER, key
from wickiepay.metrics import emitted
from wickiepay_api.client import MAX_REPLAYED, ProviderApi
from wickiepay_api.errors import Forbidden, SettingsUnusable
from wickiepay_api.keys import with_new_key
from wickiepay_api.transport import ANSWER_SECONDS, ATTEMPTS
from wickiepay_cli.project import PROJECT
from wickiepay_reconcile import asking
from wickiepay_reconcile.asking import FEW, PAUSE, TIMES, Limits
from wickiepay_reconcile.comparison import CLOCKS, GRACE, STUCK, OurEvent
from wickiepay_reconcile.dismissals import DISMISSED, LONGEST, Dismissal, dismissals_item
from wickiepay_reconcile.notes import KEPT, MAX_ARRIVALS, Arrival, Notes, Run
from wickiepay_reconcile.our_events import OurEvents

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient

NOW: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


@dataclass
class Provider:
    """A provider with a list, which it filters by time; it notes what it is asked to replay, or refuses it."""

    listed: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refuses: httpx.Response | None = None
    destinations: set[str | None] = field(default_factory=set)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            if self.refuses:
                return self.refuses
            self.asked += json.loads(request.content)["eventIds"]
            return httpx.Response(202)
        self.destinations.add(request.url.params.get("destinationId"))
        since, until = (parse_instant(request.url.params[name]) or "" for name in ("fromDate", "toDate"))
        return listing(*(e for e in self.listed if since <= (parse_instant(e["timestamp"]) or "") <= until))(request)

    def happened(self, *numbers: int, ago: timedelta = 2 * HOUR, status: str = "FAILED") -> None:
        """Lists events that happened so long ago, a second apart from each other."""
        for number in numbers:
            at = instant(NOW - ago + timedelta(seconds=number))
            self.listed.append({"id": f"e-{number}", "event": "payment.created", "timestamp": at, "status": status})


@dataclass
class Stand:
    """A reconciler between a provider and a table, at an hour that a test sets."""

    provider: Provider
    reconciler: Reconciler
    receive: Callable[[int, timedelta], None]
    client: "DynamoDBClient"
    now: datetime = NOW

    def run(self, days: int = 1, **changes: Any) -> Run:  # noqa: ANN401  fields of `Reconciler`
        return replace(self.reconciler, **changes).run(days)

    def recorded(self) -> list[Mapping[str, Any]]:
        """The records of all runs, the oldest first."""
        found = self.client.query(
            TableName="EventTable",
            KeyConditionExpression="#uuid = :uuid AND begins_with(event_key, :run)",
            ExpressionAttributeNames={"#uuid": "uuid"},
            ExpressionAttributeValues={":uuid": {"S": RECONCILER}, ":run": {"S": "run#"}},
        )
        return [json.loads(item["report"]["S"]) for item in found["Items"]]


@pytest.fixture
def stand(events: EventLog, dynamodb: "DynamoDBClient", body_of: BodyOf, delivery_of: DeliveryOf) -> Stand:
    def receive(number: int, ago: timedelta = 2 * HOUR) -> None:
        """Records the delivery of what `happened`."""
        at = NOW - ago + timedelta(seconds=number)
        body = body_of("payment.created", {"uuid": f"u-{number}-{ago}"}, timestamp=instant(at))
        delivery = delivery_of(body, received_at=instant(at + timedelta(seconds=5)))
        events.record(delivery, delivery.event())

    provider = Provider()
    made = Stand(
        provider,
        reconciler_beside(provider.answer, dynamodb, lambda: made.now),
        receive,
        dynamodb,
    )
    return made


def test_what_is_missing_is_asked_for_and_what_is_here_is_not(stand: Stand) -> None:
    stand.provider.happened(1, 2, 3)
    stand.receive(2, 2 * HOUR)
    run = stand.run()
    assert stand.provider.asked == ["e-1", "e-3"]
    assert (run.theirs, run.ours, run.matched, run.missing, run.asked) == (3, 1, 1, 2, 2)


def test_a_run_is_recorded_for_400_days(stand: Stand) -> None:
    stand.provider.happened(1)
    run = stand.run()
    assert stand.recorded() == [json.loads(json.dumps(run, default=vars_of))]
    [item] = stand.client.query(
        TableName="EventTable",
        KeyConditionExpression="#uuid = :uuid AND begins_with(event_key, :run)",
        ExpressionAttributeNames={"#uuid": "uuid"},
        ExpressionAttributeValues={":uuid": {"S": RECONCILER}, ":run": {"S": "run#"}},
    )["Items"]
    assert int(item["expires_at"]["N"]) == (NOW + timedelta(days=400)).timestamp()


def vars_of(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in Run.__slots__}


def test_what_does_not_come_is_asked_for_each_hour_so_often_and_then_given_up(stand: Stand) -> None:
    stand.provider.happened(1, ago=timedelta(minutes=20))
    runs = []
    for number in range(TIMES + 2):
        stand.now = NOW + number * HOUR
        runs.append(stand.run())
    assert stand.provider.asked == ["e-1"] * TIMES
    assert [run.given_up for run in runs] == [0] * TIMES + [1, 1]


def test_two_runs_in_a_row_ask_once(stand: Stand) -> None:
    stand.provider.happened(1)
    stand.run()
    stand.now += timedelta(minutes=20)
    assert (stand.run(days=30).asked, stand.provider.asked) == (0, ["e-1"])


def test_of_two_runs_at_once_only_one_asks_and_its_notes_stay(stand: Stand) -> None:
    stand.provider.happened(1, 2)

    def meets_another(request: httpx.Request) -> httpx.Response:
        if not stand.provider.asked:
            stand.run(notes=Notes(stand.client, "EventTable", stand.reconciler.ours))
        return stand.provider.answer(request)

    with pytest.raises(StoreUnavailable, match="Another run"):
        stand.run(api=FakeProvider(meets_another).made)
    assert stand.provider.asked == ["e-1", "e-2"]
    assert stand.reconciler.notes.read().asked.keys() == {"e-1", "e-2"}


def test_what_has_come_is_told_once(stand: Stand) -> None:
    stand.provider.happened(1)
    stand.run()
    stand.receive(1, 2 * HOUR)
    assert [stand.run().arrived, stand.run().arrived] == [1, 0]


def test_what_the_list_leaves_out_now_and_then_has_not_come_and_is_asked_for_as_often_as_anything(stand: Stand) -> None:
    arrived = 0
    for hour in range(4 * TIMES):
        stand.now = NOW + hour * HOUR
        stand.provider.listed.clear()
        if hour % 2 == 0:
            stand.provider.happened(1)
        arrived += stand.run().arrived
    assert (arrived, stand.provider.asked) == (0, ["e-1"] * TIMES)


def test_the_record_names_what_came_and_when_it_was_asked_for(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "MAX_ARRIVALS", 2)
    stand.provider.happened(1, 2, 3)
    stand.run()
    stand.now += HOUR
    stand.run()
    for number in (1, 2, 3):
        stand.receive(number, 2 * HOUR)
    run = stand.run()
    at = [instant(NOW - 2 * HOUR + timedelta(seconds=number)) for number in (1, 2)]
    assert run.arrivals == [Arrival(f"e-{n + 1}", "payment.created", at[n], instant(NOW), 2) for n in range(2)]
    assert run.arrived == 3


def dismissed(stand: Stand, *ids: str) -> None:
    told = dict.fromkeys(ids, Dismissal("somebody", "It was a duplicate.", instant(stand.now)))
    stand.client.put_item(TableName="EventTable", Item={**key(DISMISSED), **dismissals_item(told)})


def test_what_was_dismissed_is_neither_missing_nor_asked_for(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stand.provider.happened(1, 2)
    dismissed(stand, "e-1", "of another day")
    run = stand.run()
    assert (run.theirs, run.missing, run.dismissed, stand.provider.asked) == (2, 1, 1, ["e-2"])
    assert [getattr(record, "dismissed", None) for record in caplog.records] == [1]
    assert stand.recorded()[0]["dismissed"] == 1


def test_what_was_dismissed_is_awaited_no_longer_and_did_not_come(stand: Stand, printed: Printed) -> None:
    stand.provider.happened(1)
    for hour in range(TIMES + 1):
        stand.now = NOW + hour * HOUR
        stand.run()
    dismissed(stand, "e-1")
    run = stand.run()
    assert (run.given_up, run.arrived, stand.reconciler.notes.read().asked) == (0, 0, {})
    assert printed.metrics()["MissingOldestSeconds"][-1] == 0
    dismissed(stand)
    assert stand.run().asked == 1  # from the beginning, once it was taken back


def test_dismissed_events_do_not_hold_the_brake(stand: Stand) -> None:
    stand.provider.happened(*range(FEW + 1), status="DELIVERED", ago=2 * HOUR)
    dismissed(stand, "e-1")
    assert (stand.run().braked, len(stand.provider.asked)) == ([], FEW)


def test_of_the_first_day_on_record_what_was_dismissed_is_not_compared_either(stand: Stand) -> None:
    stand.provider.happened(*range(FEW + 2), 50, status="DELIVERED", ago=30 * HOUR)
    stand.receive(FEW + 1, 30 * HOUR)
    dismissed(stand, "e-50")
    run = stand.run(days=30)
    assert (run.theirs, run.matched, run.dismissed, stand.provider.asked) == (2, 1, 1, [])


MINUTE: Final = timedelta(minutes=1)
TOLD: Final = (
    f"younger than {GRACE // MINUTE} minutes",
    f"PENDING for more than {STUCK // HOUR} hours",
    f"at most {Limits().asked:,} events in a run",
    f"not twice within {PAUSE // MINUTE} minutes",
    f"waits for at most {asking.MAX_ASKED:,} events at a time",
    f"after {RUN_SECONDS // 60} minutes",
    f"for {KEPT // DAY} days",
    f"the first {MAX_DIFFERENCES} of them",
    f"more than {Limits().unknown_percent:g} % (`ReconcileUnknownPercent`) or more than {Limits().unknown} of",
    f"A dismissal is kept for at least {LONGEST // DAY} days",
    f"at most {MAX_ARRIVALS:,} arrivals",
)


@pytest.mark.parametrize("sentence", TOLD)
def test_the_limits_are_those_of_the_page(sentence: str) -> None:
    assert sentence in " ".join((PROJECT / "docs/reconciling.md").read_text().split())


def test_no_period_reaches_back_beyond_what_the_notes_keep() -> None:
    assert TEMPLATE["Parameters"]["ReconcileDays"]["MaxValue"] == LONGEST.days


def test_what_is_pending_is_never_asked_for(stand: Stand) -> None:
    stand.provider.happened(1, status="PENDING")
    assert (stand.run().under_way, stand.provider.asked) == (1, [])


def test_a_run_asks_for_no_more_than_its_limit(stand: Stand) -> None:
    stand.provider.happened(*range(5))
    stand.provider.happened(*range(10, 15), ago=30 * HOUR)
    stand.receive(100, 30 * HOUR)
    assert stand.run(days=2, limits=Limits(asked=7)).asked == 7


def test_no_more_is_awaited_than_the_notes_hold_and_that_is_asked_for_as_often_as_ever(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MAX_ASKED", 3)
    stand.provider.happened(*range(5))
    stand.run()
    stand.now += HOUR
    stand.run()
    assert stand.provider.asked == ["e-0", "e-1", "e-2"] * 2


def test_where_the_lists_mean_other_things_nothing_is_asked_for(stand: Stand) -> None:
    stand.provider.happened(*range(FEW + 1), status="DELIVERED")
    run = stand.run()
    assert (run.asked, run.missing, len(run.braked), stand.provider.asked) == (0, 0, 1, [])


@pytest.mark.parametrize(
    ("ago", "here", "rings"), [(2 * HOUR, FEW + 1, True), (2 * HOUR, FEW, False), (30 * HOUR, FEW + 1, False)]
)
def test_a_list_of_the_last_day_that_is_empty_rings(stand: Stand, ago: timedelta, here: int, *, rings: bool) -> None:
    for number in range(here):
        stand.receive(number, ago)
    run = stand.run(days=2)
    told = f"The provider lists no event, and the stack has {here} on record: is it the right destination?"
    assert run.braked == ([f"{instant(NOW - timedelta(days=1))[:10]}: {told}"] if rings else [])


def test_one_day_that_is_braked_does_not_brake_the_others(stand: Stand) -> None:
    stand.provider.happened(*range(FEW + 1), status="DELIVERED", ago=30 * HOUR)
    stand.provider.happened(50)
    stand.receive(100, 30 * HOUR)
    stand.receive(100, 50 * HOUR)
    assert (stand.run(days=2).asked, stand.provider.asked) == (1, ["e-50"])


def test_days_before_the_first_event_on_record_are_left_out(stand: Stand) -> None:
    stand.provider.happened(*range(20), ago=timedelta(days=5), status="DELIVERED")
    stand.provider.happened(50)
    stand.receive(50, 2 * HOUR)
    run = stand.run(days=30)
    assert (run.theirs, run.braked, run.cut_short) == (1, [], False)


def test_of_the_first_day_on_record_the_part_before_the_first_event_does_not_brake(stand: Stand) -> None:
    stand.provider.happened(*range(FEW + 2), 50, status="DELIVERED", ago=30 * HOUR)
    stand.receive(FEW + 1, 30 * HOUR)
    assert stand.run(days=1).braked == []
    run = stand.run(days=30)
    assert (run.theirs, run.matched, run.braked, stand.provider.asked) == (2, 1, [], ["e-50"])


def test_a_quiet_day_costs_no_look_at_all_that_is_older(stand: Stand) -> None:
    for day in range(3, 30):
        stand.receive(day, timedelta(days=day))
    read: list[date] = []

    class Counted(OurEvents):
        def received(self, day: date) -> Iterator[OurEvent]:
            read.append(day)
            if len(read) > 10:
                pytest.fail("more days were read than could be compared")
            return super().received(day)

    def out_of_time_on_the_third_day() -> datetime:
        return stand.now + timedelta(seconds=reconciler.RUN_SECONDS * (len(read) > 6))

    ours = Counted(stand.client, "EventTable")
    assert stand.run(days=30, ours=ours, now=out_of_time_on_the_third_day).cut_short


def test_a_day_without_an_event_is_compared_if_there_are_older_ones(stand: Stand) -> None:
    stand.provider.happened(1, ago=30 * HOUR)
    stand.receive(9, timedelta(days=3))
    assert (stand.run(days=5).asked, stand.provider.asked) == (1, ["e-1"])


def test_an_event_that_came_days_later_is_found(
    stand: Stand, events: EventLog, body_of: BodyOf, delivery_of: DeliveryOf
) -> None:
    stand.provider.happened(1, ago=timedelta(days=4))
    stand.receive(2, timedelta(days=4))
    at = instant(NOW - timedelta(days=4) + timedelta(seconds=1))
    delivery = delivery_of(body_of("payment.created", timestamp=at), received_at=instant(NOW))
    events.record(delivery, delivery.event())
    assert stand.run(days=5).missing == 0


@pytest.mark.parametrize("timestamp", [None, instant(NOW), instant(NOW - timedelta(days=5))], ids=str)
def test_an_event_that_names_itself_is_found_whatever_its_time(
    stand: Stand, events: EventLog, body_of: BodyOf, delivery_of: DeliveryOf, timestamp: str | None
) -> None:
    stand.receive(2, timedelta(days=4))
    stand.provider.happened(1, 2, 3, ago=timedelta(days=4))
    for envelope in ({"id": "e-1"}, {}):
        delivery = delivery_of(
            body_of("payment.created", {"uuid": str(envelope)}, timestamp=timestamp, **envelope),
            received_at=instant(NOW),
        )
        events.record(delivery, delivery.event())
    assert (stand.run(days=5).missing, stand.provider.asked) == (1, ["e-3"])


def test_what_the_provider_does_not_know_is_counted_and_not_asked_for_without_end(stand: Stand) -> None:
    stand.provider.happened(1)
    stand.provider.refuses = refusing(404)
    run = stand.run()
    assert (run.asked, run.refused) == (0, 1)


def test_what_the_provider_does_not_know_counts_for_the_most_of_a_run(stand: Stand) -> None:
    stand.provider.happened(*range(3))
    stand.provider.happened(*range(3, 6), ago=30 * HOUR)
    stand.receive(9, 30 * HOUR)
    stand.provider.refuses = refusing(404)
    assert stand.run(days=2, limits=Limits(asked=4)).refused == 4


def test_what_the_provider_refuses_to_send_uses_up_no_attempt(stand: Stand) -> None:
    stand.provider.happened(1)
    stand.provider.refuses = refusing(403)
    for _ in range(TIMES + 1):
        with pytest.raises(Forbidden):
            stand.run()
    stand.provider.refuses = None
    assert stand.run().asked == 1


def test_what_the_provider_took_before_it_refused_the_rest_counts_as_asked_for(stand: Stand) -> None:
    stand.provider.happened(1, 2)

    def takes_the_first_alone(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return stand.provider.answer(request)
        return {"e-1": httpx.Response(202), "e-2": refusing(403)}.get(_only_id(request), refusing(422))

    with pytest.raises(Forbidden):
        stand.run(api=FakeProvider(takes_the_first_alone).made)
    [record] = stand.recorded()
    assert record["asked"] == 1
    stand.run()
    assert stand.provider.asked == ["e-2"]


def _only_id(request: httpx.Request) -> str:
    return str(json.loads(request.content).get("eventId"))


def test_what_cannot_be_noted_is_not_asked_for_and_uses_up_no_attempt(stand: Stand, calls: Calls) -> None:
    stand.provider.happened(1)
    calls.fail("PutItem", times=1)
    with pytest.raises(StoreUnavailable):
        stand.run()
    assert stand.provider.asked == []
    assert stand.run().asked == 1


def test_what_was_noted_with_a_lost_answer_is_no_note_of_another_run(stand: Stand, calls: Calls) -> None:
    stand.provider.happened(1)
    calls.lose_answer("PutItem")
    with pytest.raises(StoreUnavailable, match="did not answer"):
        stand.run()
    assert (len(stand.recorded()), stand.run().asked) == (1, 1)


def test_what_an_error_left_undone_is_left_to_the_next_run_and_what_was_done_is_recorded(stand: Stand) -> None:
    stand.provider.happened(1)
    stand.provider.happened(2, ago=26 * HOUR)
    stand.receive(9, 26 * HOUR)
    stand.receive(9, 50 * HOUR)

    def fails_once_asked(request: httpx.Request) -> httpx.Response:
        failing = stand.provider.asked and request.method == "GET"
        return refusing(403) if failing else stand.provider.answer(request)

    with pytest.raises(Forbidden):
        stand.run(days=2, api=FakeProvider(fails_once_asked).made)
    [recorded] = stand.recorded()
    assert (recorded["asked"], recorded["cut_short"]) == (1, True)
    stand.now += timedelta(seconds=1)
    stand.run()
    assert stand.provider.asked == ["e-1", "e-2"]


def test_what_no_run_looks_at_any_more_takes_no_room_in_the_notes(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MAX_ASKED", 1)
    stand.provider.happened(1)
    stand.run()
    stand.now += LONGEST
    stand.provider.happened(2, ago=HOUR - LONGEST)
    stand.run()
    assert stand.provider.asked == ["e-1", "e-2"]


def test_what_the_table_keeps_no_longer_is_not_asked_for(stand: Stand) -> None:
    stand.provider.happened(1, ago=50 * HOUR, status="DELIVERED")  # it came, and its record has expired
    stand.receive(9, timedelta(days=3))  # one that failed stays
    run = stand.run(days=5, kept=timedelta(days=2))
    assert (run.since, run.theirs, stand.provider.asked) == (instant(NOW - timedelta(days=2) + CLOCKS), 0, [])


def test_what_may_expire_during_the_run_or_was_stamped_by_a_clock_ahead_is_not_asked_for(stand: Stand) -> None:
    kept = timedelta(days=35)
    stand.provider.happened(1, ago=kept - timedelta(minutes=59), status="DELIVERED")
    stand.receive(9, kept - 12 * HOUR)
    stand.run(days=60, kept=kept)
    assert stand.provider.asked == []


def test_only_the_destination_of_this_stack_is_listed(stand: Stand) -> None:
    stand.run(destination="d-1")
    assert stand.provider.destinations == {"d-1"}


def test_what_a_run_has_no_time_for_is_left_to_the_next(stand: Stand) -> None:
    for day in (0, 1, 2):
        stand.provider.happened(day, ago=timedelta(days=day, hours=2))
        stand.receive(50 + day, timedelta(days=day, hours=2))
    end = NOW + timedelta(seconds=reconciler.RUN_SECONDS)

    def out_of_time_once_something_is_asked_for() -> datetime:
        return end if stand.provider.asked else stand.now

    first = stand.run(days=3, now=out_of_time_once_something_is_asked_for)
    assert (first.cut_short, stand.provider.asked) == (True, ["e-0"])
    stand.now += timedelta(minutes=30)
    second = stand.run(days=1)
    assert (second.cut_short, stand.provider.asked) == (False, ["e-0", "e-1", "e-2"])
    stand.now += timedelta(minutes=30)
    assert stand.run(days=1).theirs == 1  # nothing is left


@pytest.mark.parametrize(("slow_day", "is_told"), [(1, True), (2, True), (3, False)])
def test_a_run_that_gets_no_further_than_the_newest_day_is_an_error(stand: Stand, slow_day: int, is_told: bool) -> None:
    stand.receive(1, timedelta(days=5))
    asked: set[str] = set()

    def slow(request: httpx.Request) -> httpx.Response:
        asked.add(request.url.params["fromDate"])
        if len(asked) == slow_day:
            stand.now = NOW + timedelta(seconds=RUN_SECONDS)
            stand.provider.happened(1, ago=(24 * slow_day - 1) * HOUR)
        return stand.provider.answer(request)

    with pytest.raises(reconciler.OutOfTime) if is_told else nullcontext():
        stand.run(days=4, api=FakeProvider(slow).made)
    [record] = stand.recorded()
    assert record["cut_short"]


def test_lists_that_are_slow_and_empty_end_the_run_in_time(stand: Stand) -> None:
    stand.receive(1, timedelta(days=80))

    def slow(request: httpx.Request) -> httpx.Response:
        stand.now += timedelta(seconds=20)
        return stand.provider.answer(request)

    assert stand.run(days=90, api=FakeProvider(slow).made).cut_short
    assert stand.now < NOW + timedelta(seconds=reconciler.RUN_SECONDS + 60)


def test_what_there_is_no_time_to_ask_for_uses_up_no_attempt(stand: Stand) -> None:
    stand.provider.happened(*range(MAX_REPLAYED + 1))

    def slow(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            stand.now += timedelta(seconds=reconciler.RUN_SECONDS)
        return stand.provider.answer(request)

    run = stand.run(api=FakeProvider(slow).made)
    assert (run.asked, run.missing, run.cut_short) == (MAX_REPLAYED, MAX_REPLAYED + 1, True)
    assert len(stand.reconciler.notes.read().asked) == MAX_REPLAYED


def test_what_is_asked_for_one_by_one_ends_in_time_and_the_rest_uses_up_no_attempt(stand: Stand) -> None:
    stand.provider.happened(*range(MAX_REPLAYED))

    def slow(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return stand.provider.answer(request)
        stand.now += timedelta(seconds=ANSWER_SECONDS)
        return httpx.Response(202) if _only_id(request) in ids else refusing(422)

    ids, fake = {f"e-{number}" for number in range(MAX_REPLAYED)}, FakeProvider(slow)

    def api(pause: Callable[[float], None]) -> AbstractContextManager[ProviderApi]:
        fake.sleep = pause
        return fake.made()

    run = stand.run(api=api)
    assert stand.now <= NOW + timedelta(seconds=RUN_SECONDS + ANSWER_SECONDS)
    assert (run.asked, run.cut_short) == (RUN_SECONDS // ANSWER_SECONDS - 1, True)
    assert len(stand.reconciler.notes.read().asked) == run.asked


def test_a_run_ends_before_its_time_out_whatever_the_provider_does_last(
    properties_of: Callable[[str], dict[str, Any]],
) -> None:
    assert properties_of("ReconcilerFunction")["Timeout"] >= reconciler.RUN_SECONDS + ATTEMPTS * ANSWER_SECONDS


def test_a_pause_that_would_take_too_long_ends_the_run_in_time(stand: Stand) -> None:
    slept: list[float] = []

    def api(pause: Callable[[float], None]) -> Any:  # noqa: ANN401
        pause(779)
        pause(780)

    with pytest.raises(reconciler.OutOfTime):  # of which somebody hears: it compared nothing
        stand.run(api=api, sleep=slept.append)
    assert (slept, stand.recorded()[0]["cut_short"]) == ([779], True)


def test_a_table_that_is_out_of_reach_ends_the_run_and_its_figures_are_told(
    stand: Stand, calls: Calls, printed: Printed
) -> None:
    calls.fail("PutItem")
    stand.provider.happened(1)
    with pytest.raises(StoreUnavailable):
        stand.run()
    assert stand.provider.asked == []  # what cannot be noted is not asked for
    assert printed.metrics()["Missing"] == [1]


# --- Figures --------------------------------------------------------------------------------------
def test_a_run_tells_what_is_missing_and_for_how_long(stand: Stand, printed: Printed) -> None:
    stand.provider.happened(1, 2)
    stand.run()
    stand.now += HOUR
    stand.receive(2, 2 * HOUR)
    stand.run()
    metrics = {name: values[-1] for name, values in printed.metrics().items()}
    assert {name: metrics[name] for name in ("Missing", "ReplaysAsked", "MissingOldestSeconds", "ReconcileBraked")} == {
        "Missing": 1,
        "ReplaysAsked": 1,
        "MissingOldestSeconds": 3600,
        "ReconcileBraked": 0,
    }


def test_a_run_logs_one_line_with_all_that_it_found(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)  # as Lambda sets it
    run = stand.run()
    [record] = caplog.records
    assert record.message == "reconciled"
    logged = ("since", "until", "theirs", "matched", "missing", "asked", "refused", "given_up", "arrived", "dismissed")
    assert {name: getattr(record, name, None) for name in (*logged, "braked", "cut_short", "payments")} == {
        **{name: getattr(run, name) for name in logged},
        "braked": [],
        "cut_short": False,
        "payments": None,
    }


def test_lean_monitoring_keeps_what_rings(stand: Stand, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "EMITTED", emitted("lean"))
    stand.run()
    assert {"MissingOldestSeconds", "ReconcileBraked"} == printed.metrics().keys() & {
        *("MissingOldestSeconds", "ReconcileBraked", "Missing", "ReplaysAsked")
    }


# --- Wiring ---------------------------------------------------------------------------------------
def test_the_key_is_read_anew_for_each_run(
    environment: Callable[[str], dict[str, str]],
    cloud: None,  # noqa: ARG001
    secretsmanager: "SecretsManagerClient",
) -> None:
    secretsmanager.create_secret(Name="ProviderApiKeySecret", SecretString="{}")
    wired = from_environment(environment("ReconcilerFunction"))
    with pytest.raises(SettingsUnusable, match="holds no key"):
        wired.api(lambda _: None)


def test_a_secret_with_a_key_makes_a_client(
    environment: Callable[[str], dict[str, str]],
    cloud: None,  # noqa: ARG001
    secretsmanager: "SecretsManagerClient",
) -> None:
    secretsmanager.create_secret(Name="ProviderApiKeySecret", SecretString=with_new_key(None, "")[0])
    told = {"PROVIDER_BASE_URL": "https://api.example", "PROVIDER_CLIENT_ID": "c", "PROVIDER_MERCHANT_ID": "m"}
    with from_environment(environment("ReconcilerFunction") | told).api(lambda _: None) as api:
        assert isinstance(api, ProviderApi)


def test_the_schedule_says_how_many_days(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.provider.happened(1, ago=30 * HOUR)
    stand.receive(5, 30 * HOUR)
    monkeypatch.setattr(reconciler, "reconciler", stand.reconciler)
    assert reconciler.lambda_handler({"days": 1}, None) == {"missing": 0, "asked": 0, "arrived": 0}
    assert reconciler.lambda_handler({"days": 2}, None) == {"missing": 1, "asked": 1, "arrived": 0}
