"""Statistics of the records: how many events there were, how they ended, and how long they took.

Memory grows with the number of event types and of hours, days or months, but not with the number of events.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final, Literal

from wickiepay.clock import instant
from wickiepay.event_record import Record, State

Span = Literal["hour", "day", "month"]

_NAMED: Final[Mapping[Span, int]] = {"hour": len("2026-01-15T10"), "day": len("2026-01-15"), "month": len("2026-01")}
"""Number of an instant's characters that name its span."""

_BEGINNING: Final = "0000-01-01T00:00:00.000000Z"
"""The remaining characters of an instant at the beginning of a span."""

GROWTH: Final = 1.02
"""Factor from one class of durations to the next. The error of a quantile is half of that, 1 %."""

NAMED: Final = 5
"""How many of the events that are being retried are named."""

SHORTEST: Final = 0.001
"""Seconds; all shorter durations are in one class."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles in seconds: half of the events took at most `p50`, and so on. `max` is exact."""

    p50: float
    p95: float
    p99: float
    max: float


class Durations:
    """Counts durations in classes that grow by a factor, so that a few classes hold any number of durations."""

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self._max = 0.0

    def add(self, seconds: float) -> None:
        """Adds a duration. A negative one, from two clocks that differ, counts as zero."""
        self._classes[math.floor(math.log(max(seconds, SHORTEST) / SHORTEST, GROWTH))] += 1
        self._max = max(self._max, seconds)

    def latency(self) -> Latency | None:
        """The quantiles, or None without durations."""
        if not self._classes:
            return None
        return Latency(self._quantile(0.5), self._quantile(0.95), self._quantile(0.99), self._max)

    def _quantile(self, share: float) -> float:
        numbers = sorted(self._classes)
        counts = accumulate(self._classes[number] for number in numbers)
        wanted = share * self._classes.total()
        number = next(number for number, count in zip(numbers, counts, strict=True) if count >= wanted)
        middle: float = SHORTEST * GROWTH ** (number + 0.5)
        return min(middle, self._max)


@dataclass(slots=True)
class Group:
    """A group of events. `durations` says how long those took that are PROCESSED."""

    outcomes: Counter[State] = field(default_factory=Counter)
    durations: Durations = field(default_factory=Durations)

    @property
    def deliveries(self) -> int:
        return self.outcomes.total()

    def see(self, record: Record, begun_at: str) -> None:
        self.outcomes[record.state] += 1
        if record.state is State.PROCESSED and record.processed_at:
            took = datetime.fromisoformat(record.processed_at) - datetime.fromisoformat(begun_at)
            self.durations.add(took.total_seconds())


@dataclass(slots=True)
class Statistics:
    """Counts of all events, by type (None: deliveries without an event), and by the beginning of each span."""

    span: Span
    total: Group = field(default_factory=Group)
    types: defaultdict[str | None, Group] = field(default_factory=lambda: defaultdict(Group))
    times: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    retried: list[Record] = field(default_factory=list)
    """The first few events that are being retried; `retried_count` counts them all."""
    retried_count: int = 0

    def by_type(self) -> list[tuple[str | None, Group]]:
        """The types, the most frequent first."""
        return sorted(self.types.items(), key=lambda each: (-each[1].deliveries, each[0] or ""))

    def by_time(self, since: datetime, until: datetime) -> Iterator[tuple[str, Group]]:
        """All spans from `since` to `until`, including empty ones, and those of events with a later time."""
        for beginning in sorted({*_spans(since, until, self.span), *self.times}):
            yield beginning, self.times.get(beginning, Group())


def fitting_span(since: datetime, until: datetime) -> Span:
    """The span by which events are best grouped for a chart."""
    if until - since <= timedelta(days=2):
        return "hour"
    return "day" if until - since <= timedelta(days=62) else "month"


def statistics(records: Iterable[Record], span: Span, begun_at: Callable[[Record], str]) -> Statistics:
    """The statistics of the records, which are read once. `begun_at` returns when processing could begin."""
    summed = Statistics(span)
    for record in records:
        # Versions up to 0.1 do not remove the tries when they finish an event.
        if record.state is State.RECEIVED and record.tries is not None:
            summed.retried_count += 1
            summed.retried += [record][: NAMED - len(summed.retried)]
        time = _span_of(record.received_at, span)
        for group in (summed.total, summed.types[record.event], summed.times[time]):
            group.see(record, begun_at(record))
    return summed


def _spans(since: datetime, until: datetime, span: Span) -> Iterator[str]:
    step = timedelta(hours=1) if span == "hour" else timedelta(days=1)
    moment = since
    while moment < until:
        yield _span_of(instant(moment), span)
        moment += step
    yield _span_of(instant(until), span)


def _span_of(moment: str, span: Span) -> str:
    """The beginning of an instant's span."""
    return moment[: _NAMED[span]] + _BEGINNING[_NAMED[span] :]
