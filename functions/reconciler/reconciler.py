"""The reconciler: it compares what the provider lists with what is on record, and asks for what is missing.

Every hour it looks at the last day, and every night at a month. A period is compared day by day, the newest first, so
that a run that has no more time, or ends in an error, leaves the older days to the next. In the night it then compares
payments with the ledger as well: it only tells what differs, and whatever goes wrong there undoes nothing.
"""

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import batched, chain
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from wickiepay import clients, clock
from wickiepay.clock import instant
from wickiepay.errors import StoreUnavailable
from wickiepay.metrics import Metric, emitted
from wickiepay.outages import outages
from wickiepay_api.client import MAX_REPLAYED, Access, ProviderApi
from wickiepay_api.errors import ProviderError
from wickiepay_api.keys import key_in_use
from wickiepay_reconcile import payments
from wickiepay_reconcile.asking import Limits, brake, empty_list, missing_since, noted, plan, still_awaited
from wickiepay_reconcile.comparison import CLOCKS, Comparison, OurEvent, Period, compare, kept_since
from wickiepay_reconcile.dismissals import LONGEST
from wickiepay_reconcile.notes import MAX_ARRIVALS, Arrival, Notes, PaymentsRun, Run, State
from wickiepay_reconcile.our_events import OurEvents
from wickiepay_reconcile.our_payments import OurPayments

if TYPE_CHECKING:
    from wickiepay_api.entries import EventEntry

RUN_SECONDS: Final = 780
"""A run starts nothing new after this: the longest pause and answer of the provider end before its time-out."""

DAY: Final = timedelta(days=1)

MAX_DIFFERENCES: Final = 100
"""Differences between payments that the record of a run names; an item of the table holds 400 KB."""

UNFINISHED: Final = "The run ended before all payments were compared."

logging.getLogger("httpx").setLevel(logging.WARNING)  # otherwise, a line for each page of the provider's list
logger = Logger()
metrics = Metrics()
EMITTED: Final = emitted(os.environ["MONITORING"])


class OutOfTime(ProviderError):
    """The run has no more time to ask the provider."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """`api` makes a client of the provider's API that pauses by the function it is given. `destination` may be None.

    `kept` is how long the table keeps an event. An older one that came once would be new here, so none is asked for.
    """

    ours: OurEvents
    ledger: OurPayments
    notes: Notes
    api: Callable[[Callable[[float], None]], AbstractContextManager[ProviderApi]]
    limits: Limits
    destination: str | None
    kept: timedelta
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep

    def run(self, days: int, *, with_payments: bool = False) -> Run:
        """Compares the last `days` days, then what an earlier run left, and asks for what is missing.

        Compares payments too if `with_payments` says so. What goes wrong with that is in the record of the run.
        Raises `StoreUnavailable` or a `ProviderError`, which is `OutOfTime` if it asked for nothing and got no further
        than the newest day. The next run goes on with what was left.
        """
        begun = self.now()
        end, horizon = begun + timedelta(seconds=RUN_SECONDS), max(kept_since(begun, self.kept), begun - LONGEST)
        whole = Period.of(max(begun - days * DAY, horizon), begun)
        state, run = self.notes.read(), Run(*whole, payments=PaymentsRun(flaws=[UNFINISHED]) if with_payments else None)
        state.asked = {
            each: known
            for each, known in state.asked.items()
            if known.at >= instant(horizon) and each not in state.dismissed
        }
        oldest = instant(begun)
        left = [*_days(whole), *_older(state.rest, whole, instant(horizon))]
        state.rest, planned = _all_of(left), len(left)
        recorded = _Recorded(self.ours, state.dismissed, begun, instant(horizon))
        try:
            with self.api(self._pausing_until(end)) as api:
                while left:
                    found = self._compared(api, left[0], recorded, end, is_newest=left[0].until == whole.until)
                    if found is None:
                        left.clear()
                    else:
                        wanted, since = self._settle(found, state, run)
                        oldest = min(oldest, since)
                        for some in batched(wanted, MAX_REPLAYED, strict=False):
                            self._stop_at(end)
                            self._ask(api, some, state, run)
                        left.pop(0)
                    state.rest = _all_of(left)
                if run.payments:
                    since = max(whole.since, recorded.earliest or whole.until)  # before, the listener was not there
                    self._compare_payments(api, whole._replace(since=since), end, state, run.payments)
        except OutOfTime:
            if not run.asked and planned - len(left) < 2:
                raise  # the next run may get no further: if it stays so, somebody has to hear of it
        finally:
            run.cut_short = bool(left)
            _tell(run, max(0.0, (begun - datetime.fromisoformat(oldest)).total_seconds()))
            self.notes.keep(state)
            self.notes.record(run, begun)
        return run

    def _pausing_until(self, end: datetime) -> Callable[[float], None]:
        def pause(seconds: float) -> None:
            if self.now() + timedelta(seconds=seconds) >= end:
                raise OutOfTime
            self.sleep(seconds)

        return pause

    def _stop_at(self, end: datetime) -> None:
        if self.now() >= end:
            raise OutOfTime

    def _compared(
        self, api: ProviderApi, day: Period, recorded: "_Recorded", end: datetime, *, is_newest: bool
    ) -> Comparison | None:
        """The comparison of a day. Of the first day on record, its part from the first event on, if the rest brakes.

        None for a day of before the listener was there.
        """
        since, until = map(datetime.fromisoformat, day)

        # The list first: what comes while it is read is on record afterwards.
        listed = api.events(since=since, until=until, destination_id=self.destination)
        theirs: list[EventEntry] = list(self._in_time(listed, end))
        ours = list(self._in_time(recorded.within(day), end))
        found = compare(theirs, ours, day, self.now(), recorded.dismissed)
        if is_newest or (found.ours and not brake(found, self.limits)) or recorded.any_before(day):
            return found
        first = min((event.at for event in ours if event.at and day.holds(event.at)), default=None)
        return compare(theirs, ours, day._replace(since=first), self.now(), recorded.dismissed) if first else None

    def _settle(self, found: Comparison, state: State, run: Run) -> tuple[Sequence["EventEntry"], str]:
        """What to ask for now, and since when the oldest of the missing is missing."""
        now = self.now()
        run.theirs += found.theirs
        run.ours += sum(found.ours.values())
        run.matched += found.matched
        run.under_way += len(found.under_way)
        run.unreadable += len(found.unreadable)
        run.dismissed += len(found.dismissed)
        is_newest = found.period.until == run.until
        if braked := brake(found, self.limits) or (is_newest and empty_list(found)):
            run.braked.append(f"{found.period.since[:10]}: {braked}")
            return (), instant(now)
        awaited = still_awaited(state.asked, found)
        came = [
            Arrival(each, known.event, known.at, known.first, known.times)
            for each, known in state.asked.items()
            if each not in awaited
        ]
        run.arrived += len(came)
        run.arrivals += came[: MAX_ARRIVALS - len(run.arrivals)]
        wanted = plan(found.suspects, awaited, now, self.limits.asked - run.asked - run.refused)
        run.missing += len(found.missing)
        run.given_up += len(wanted.given_up)
        state.asked = awaited
        return wanted.ask, missing_since(found, noted(awaited, wanted.ask, now)) or instant(now)

    def _ask(self, api: ProviderApi, some: Sequence["EventEntry"], state: State, run: Run) -> None:
        before, now = state.asked, self.now()
        asked = noted(before, some, now)
        self.notes.keep(replace(state, asked=asked))  # first: a run that is killed here has asked once, not never
        state.asked = asked
        try:
            answer = api.replay([entry.id for entry in some if entry.id])
        except ProviderError as error:
            # Not all: a key without this right would use up all attempts before anybody sees to it.
            state.asked = noted(before, (entry for entry in some if entry.id in error.taken), now)
            run.asked += len(error.taken)
            raise
        run.asked += len(answer.asked)
        run.refused += len(answer.refused)

    def _compare_payments(
        self, api: ProviderApi, period: Period, end: datetime, state: State, told: PaymentsRun
    ) -> None:
        """Tells what the provider says otherwise of payments of a period, and of all payments into channels."""
        since, until = map(datetime.fromisoformat, period)
        lists = {
            "payments": api.payments(since=since, until=until),
            "payments into channels": api.channel_payments(),
        }
        found: dict[payments.Difference, None] = {}  # each once, also if it is in both lists
        whole = True
        for name, theirs in lists.items():
            try:
                wanted = (each for each in self._in_time(theirs, end) if each.uuid not in state.dismissed)
                compared = payments.compare(self.ledger.beside(wanted))
            except OutOfTime:
                whole = False
            except (ProviderError, StoreUnavailable) as error:
                whole = False
                told.flaws.append(f"The {name}: {error}")
            else:
                told.compared += compared.theirs - compared.unreadable
                different, flaws = payments.telling(compared, self.limits.unknown_percent)
                found |= dict.fromkeys(different)
                told.flaws += [f"Of the {name} in the provider's list, {flaw}" for flaw in flaws]
        now = self.now()
        state.differing = payments.followed(found, state.differing, now, whole=whole)
        lasting = payments.lasting(found, state.differing, now)
        told.new, told.lasting, told.differences = len(found) - len(lasting), len(lasting), lasting[:MAX_DIFFERENCES]
        if whole:
            told.flaws.remove(UNFINISHED)

    def _in_time[T](self, entries: Iterable[T], end: datetime) -> Iterator[T]:
        self._stop_at(end)
        for entry in entries:
            self._stop_at(end)
            yield entry


@dataclass(slots=True)
class _Recorded:
    """The events on record by the day (UTC) on which they happened, read from now backwards, as far as is needed.

    `dismissed` are the ids of listed events that an operator dismissed.
    """

    ours: OurEvents
    dismissed: Collection[str]
    now: datetime
    horizon: str
    read_to: date = field(init=False)
    by_day: defaultdict[str, list[OurEvent]] = field(default_factory=lambda: defaultdict(list))
    with_id: list[OurEvent] = field(default_factory=list)
    earliest: str | None = None
    """When the first of the events happened that were read."""

    def __post_init__(self) -> None:
        self.read_to = (self.now + 2 * DAY).astimezone(UTC).date()  # as far as another clock may be ahead

    def within(self, period: Period) -> Iterator[OurEvent]:
        """Those of a period, and those with an id: the provider may list them under another time.

        Periods come backwards, so that no later one without an id is needed any more.
        """
        self._read(period.since)
        first, last = period.since[:10], period.until[:10]
        for day in [day for day in self.by_day if day > last]:
            del self.by_day[day]
        yield from (event for day in dict.fromkeys((first, last)) for event in self.by_day[day])
        yield from self.with_id

    def any_before(self, period: Period) -> bool:
        """Whether there are others of before the period that was asked for last. It reads no more than it has to."""
        horizon = date.fromisoformat(self.horizon[:10])
        while not (found := any(event.at < period.since for event in self._read_so_far() if event.at)):
            if self.read_to <= horizon:
                break
            self._read_day()
        return found

    def _read_so_far(self) -> Iterator[OurEvent]:
        return chain(self.with_id, *self.by_day.values())

    def _read(self, since: str) -> None:
        first = (datetime.fromisoformat(since) - CLOCKS).date()
        while self.read_to > first:
            self._read_day()

    def _read_day(self) -> None:
        self.read_to -= DAY
        for event in self.ours.received(self.read_to):
            at = event.at or event.received_at
            self.earliest = min(self.earliest or at, at)
            if event.id:
                self.with_id.append(event)
            elif event.at:
                self.by_day[event.at[:10]].append(event)


def _days(period: Period) -> Iterator[Period]:
    """A period by days, the newest first."""
    since, until = map(datetime.fromisoformat, period)
    while until > since:
        yield Period.of(max(since, until - DAY), until)
        until -= DAY


def _older(rest: Period | None, whole: Period, horizon: str) -> Iterator[Period]:
    """What an earlier run left of another period, by days."""
    if rest:
        yield from _days(Period(max(rest.since, horizon), min(rest.until, whole.since)))


def _all_of(days: Sequence[Period]) -> Period | None:
    """What is left to compare, as one period."""
    return Period(days[-1].since, days[0].until) if days else None


def _tell(run: Run, oldest_seconds: float) -> None:
    for metric, unit, value in (
        (Metric.MISSING, MetricUnit.Count, run.missing),
        (Metric.REPLAYS_ASKED, MetricUnit.Count, run.asked),
        (Metric.MISSING_OLDEST_SECONDS, MetricUnit.Seconds, oldest_seconds),
        (Metric.RECONCILE_BRAKED, MetricUnit.Count, len(run.braked)),
    ):
        if metric in EMITTED:
            metrics.add_metric(metric, unit, value)
    metrics.flush_metrics()
    logger.info(
        "reconciled",
        extra={
            "since": run.since,
            "until": run.until,
            "theirs": run.theirs,
            "matched": run.matched,
            "missing": run.missing,
            "asked": run.asked,
            "refused": run.refused,
            "given_up": run.given_up,
            "arrived": run.arrived,
            "dismissed": run.dismissed,
            "braked": run.braked,
            "cut_short": run.cut_short,
            "payments": run.payments and {**asdict(run.payments), "differences": len(run.payments.differences)},
        },
    )


def from_environment(environment: Mapping[str, str]) -> Reconciler:
    """Wires a `Reconciler` to the stack and the provider that the template's environment variables name."""
    dynamodb, secrets = clients.dynamodb(), clients.secretsmanager()
    ours = OurEvents(dynamodb, environment["EVENT_TABLE"])

    def api(sleep: Callable[[float], None]) -> ProviderApi:
        """A client with the key that is in the secret now: it may have been rotated."""
        with outages("Secrets Manager"):
            secret = secrets.get_secret_value(SecretId=environment["PROVIDER_API_KEY_SECRET_ARN"])["SecretString"]
        client_id = environment["PROVIDER_CLIENT_ID"]
        access = Access(
            environment["PROVIDER_BASE_URL"],
            client_id,
            environment["PROVIDER_MERCHANT_ID"],
            key_in_use(secret, client_id),
            environment["PROVIDER_ALGORITHM"],
        )
        return ProviderApi(access, sleep=sleep)

    return Reconciler(
        ours=ours,
        ledger=OurPayments(dynamodb, environment["LEDGER_TABLE"]),
        notes=Notes(dynamodb, environment["EVENT_TABLE"], ours),
        api=api,
        limits=Limits(unknown_percent=float(environment["UNKNOWN_PERCENT"])),
        destination=environment["PROVIDER_DESTINATION_ID"] or None,
        kept=int(environment["EVENT_RETENTION_DAYS"]) * DAY,
        now=clock.now,
    )


reconciler = from_environment(os.environ)


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, int]:  # noqa: ARG001  Lambda passes both
    """Runs once, for as many days as the schedule says, and with payments if it says so."""
    run = reconciler.run(int(event["days"]), with_payments=event.get("payments") is True)
    return {"missing": run.missing, "asked": run.asked, "arrived": run.arrived}
