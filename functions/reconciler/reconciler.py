"""The reconciler: it compares what the provider lists with what is on record, and asks for what is missing.

Every hour it looks at the last day, and every night at a month. A period is compared day by day, the newest first, so
that a run that has no more time leaves the older days to the next.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from wickiepay import clients, clock
from wickiepay.clock import instant
from wickiepay.metrics import Metric, emitted
from wickiepay.outages import outages
from wickiepay_api.client import Access, ProviderApi
from wickiepay_api.keys import key_in_use
from wickiepay_reconcile.asking import Limits, brake, missing_since, noted, plan, still_awaited
from wickiepay_reconcile.comparison import Comparison, OurEvent, Period, compare
from wickiepay_reconcile.notes import MAX_ASKED, Notes, Run, State
from wickiepay_reconcile.our_events import OurEvents

if TYPE_CHECKING:
    from wickiepay_api.entries import EventEntry

RUN_SECONDS: Final = 780
"""A run starts nothing new after this: the longest pause and answer of the provider end before its time-out."""

DAY: Final = timedelta(days=1)
CLOCKS: Final = timedelta(hours=1)
"""How far the sender's time stamps may be ahead of our clock."""

logger = Logger()
metrics = Metrics()
EMITTED: Final = emitted(os.environ["MONITORING"])


class OutOfTime(Exception):
    """The run has no more time."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """`api` makes a client of the provider's API that pauses by the function it is given. `destination` may be None."""

    ours: OurEvents
    notes: Notes
    api: Callable[[Callable[[float], None]], AbstractContextManager[ProviderApi]]
    limits: Limits
    destination: str | None
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep

    def run(self, days: int) -> Run:
        """Compares the last `days` days, then what an earlier run left, and asks for what is missing.

        Raises `StoreUnavailable` or a `ProviderError`; the next run sees the same again.
        """
        begun = self.now()
        end, whole = begun + timedelta(seconds=RUN_SECONDS), Period.of(begun - days * DAY, begun)
        state, run = self.notes.read(), Run(*whole)
        oldest = instant(begun)
        left = [*_days(whole), *_older(state.rest, whole)]
        state.rest = None
        recorded = _Recorded(self.ours, begun)
        try:
            with self.api(self._pausing_until(end)) as api:
                while left:
                    found = self._compared(api, left[0], recorded, end)
                    if not found.ours and left[0].until != whole.until and not recorded.any_since(left[-1].since):
                        break  # of before the listener was there
                    oldest = min(oldest, self._settle(api, found, state, run))
                    left.pop(0)
        except OutOfTime:
            run.cut_short = True
            state.rest = Period(left[-1].since, left[0].until)
        self.notes.keep(state)
        self.notes.record(run, begun)
        _tell(run, max(0.0, (begun - datetime.fromisoformat(oldest)).total_seconds()))
        return run

    def _pausing_until(self, end: datetime) -> Callable[[float], None]:
        def pause(seconds: float) -> None:
            if self.now() + timedelta(seconds=seconds) >= end:
                raise OutOfTime
            self.sleep(seconds)

        return pause

    def _compared(self, api: ProviderApi, day: Period, recorded: "_Recorded", end: datetime) -> Comparison:
        since, until = map(datetime.fromisoformat, day)

        def in_time[T](each: Iterable[T]) -> Iterator[T]:
            for one in each:
                if self.now() >= end:
                    raise OutOfTime
                yield one

        # The list first: what comes while it is read is on record afterwards.
        theirs: list[EventEntry] = list(in_time(api.events(since=since, until=until, destination_id=self.destination)))
        return compare(theirs, list(in_time(recorded.within(day))), day, self.now())

    def _settle(self, api: ProviderApi, found: Comparison, state: State, run: Run) -> str:
        """Asks for what is missing. Returns since when the oldest of it is missing."""
        now = self.now()
        run.theirs += found.theirs
        run.ours += sum(found.ours.values())
        run.matched += found.matched
        run.under_way += len(found.under_way)
        run.unreadable += len(found.unreadable)
        if braked := brake(found, self.limits):
            run.braked.append(f"{found.period.since[:10]}: {braked}")
            return instant(now)
        awaited = still_awaited(state.asked, found)
        run.arrived += len(state.asked) - len(awaited)
        wanted = plan(found.suspects, awaited, now, min(self.limits.asked - run.asked, MAX_ASKED - len(awaited)))
        state.asked = noted(awaited, wanted.ask, now)
        if wanted.ask:
            self.notes.keep(state)  # before it is asked for: a run that breaks off here has asked once, not never
            answer = api.replay([entry.id for entry in wanted.ask if entry.id])
            run.asked += len(answer.asked)
            run.refused += len(answer.refused)
        run.missing += len(found.missing)
        run.given_up += len(wanted.given_up)
        return missing_since(found, state.asked) or instant(now)


@dataclass(slots=True)
class _Recorded:
    """The events on record by the day (UTC) on which they happened, read from now backwards, as far as is needed."""

    ours: OurEvents
    now: datetime
    read_to: date = field(init=False)
    by_day: defaultdict[str, list[OurEvent]] = field(default_factory=lambda: defaultdict(list))
    without_time: list[OurEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.read_to = (self.now + 2 * DAY).astimezone(UTC).date()  # as far as another clock may be ahead

    def within(self, period: Period) -> Iterator[OurEvent]:
        """Those of a period, and those without a time. No later one is needed any more: periods come backwards."""
        self._read(period.since)
        first, last = period.since[:10], period.until[:10]
        for day in [day for day in self.by_day if day > last]:
            del self.by_day[day]
        yield from (event for day in dict.fromkeys((first, last)) for event in self.by_day[day])
        yield from self.without_time

    def any_since(self, since: str) -> bool:
        """Whether there are others, before the period that was asked for last."""
        self._read(since)
        return any(self.by_day.values())

    def _read(self, since: str) -> None:
        first = (datetime.fromisoformat(since) - CLOCKS).date()
        while self.read_to > first:
            self.read_to -= DAY
            for event in self.ours.received(self.read_to):
                if event.at:
                    self.by_day[event.at[:10]].append(event)
                elif event.id:
                    self.without_time.append(event)


def _days(period: Period) -> Iterator[Period]:
    """A period by days, the newest first."""
    since, until = map(datetime.fromisoformat, period)
    while until > since:
        yield Period.of(max(since, until - DAY), until)
        until -= DAY


def _older(rest: Period | None, whole: Period) -> Iterator[Period]:
    """What an earlier run left of another period, by days."""
    if rest:
        yield from _days(Period(rest.since, min(rest.until, whole.since)))


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
            "braked": run.braked,
            "cut_short": run.cut_short,
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
        notes=Notes(dynamodb, environment["EVENT_TABLE"], ours),
        api=api,
        limits=Limits(unknown_percent=float(environment["UNKNOWN_PERCENT"])),
        destination=environment["PROVIDER_DESTINATION_ID"] or None,
        now=clock.now,
    )


reconciler = from_environment(os.environ)


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, int]:  # noqa: ARG001  Lambda passes both
    """Runs once, for as many days as the schedule says."""
    run = reconciler.run(int(event["days"]))
    return {"missing": run.missing, "asked": run.asked, "arrived": run.arrived}
