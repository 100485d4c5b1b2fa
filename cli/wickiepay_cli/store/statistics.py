"""What the records say in figures: how many events there were, how they ended, and how long they took.

Summed up as the records go by. What is held on to grows with the number of event types and of hours, days or months
that are told apart, not with the number of events.
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
"""Characters of an instant that name the span in which it lies."""

_BEGINNING: Final = "0000-01-01T00:00:00.000000Z"
"""How the others are at its beginning."""

GROWTH: Final = 1.02
"""From one class of durations to the next. A quantile is right to half of that, 1 %."""

SHORTEST: Final = 0.001
"""Seconds; whatever is shorter is in one class with it."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds: half of the events took `p50` at the most, and so on; `max` is exact."""

    p50: float
    p95: float
    p99: float
    max: float


class Durations:
    """Counts durations by classes, each a little longer than the one before, so that few of them hold any number."""

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self._max = 0.0

    def add(self, seconds: float) -> None:
        """One more; below zero, by two clocks that differ, it counts as none at all."""
        self._classes[math.floor(math.log(max(seconds, SHORTEST) / SHORTEST, GROWTH))] += 1
        self._max = max(self._max, seconds)

    def latency(self) -> Latency | None:
        """None where there was nothing to measure."""
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
    """Events that have something in common. `durations` are of those that are PROCESSED: how long that took."""

    outcomes: Counter[State] = field(default_factory=Counter)
    durations: Durations = field(default_factory=Durations)

    @property
    def received(self) -> int:
        return self.outcomes.total()

    def see(self, record: Record, begun_at: str) -> None:
        self.outcomes[record.state] += 1
        if record.state is State.PROCESSED and record.processed_at:
            took = datetime.fromisoformat(record.processed_at) - datetime.fromisoformat(begun_at)
            self.durations.add(took.total_seconds())


@dataclass(slots=True)
class Statistics:
    """Of all events, of each type (None: of deliveries that hold no event) and of each span, by its beginning."""

    span: Span
    total: Group = field(default_factory=Group)
    types: defaultdict[str | None, Group] = field(default_factory=lambda: defaultdict(Group))
    times: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))

    def see(self, record: Record, begun_at: str) -> None:
        for group in (self.total, self.types[record.event], self.times[_span_of(record.received_at, self.span)]):
            group.see(record, begun_at)

    def by_type(self) -> list[tuple[str | None, Group]]:
        """The types, the most frequent first."""
        return sorted(self.types.items(), key=lambda each: (-each[1].received, each[0] or ""))

    def by_time(self, since: datetime, until: datetime) -> Iterator[tuple[str, Group]]:
        """All spans from `since` to `until`, the empty ones too, and those of events that bear a later time."""
        for beginning in sorted({*_spans(since, until, self.span), *self.times}):
            yield beginning, self.times.get(beginning, Group())


def fitting_span(since: datetime, until: datetime) -> Span:
    """By what to tell events apart, so that they can be taken in at a glance."""
    if until - since <= timedelta(days=2):
        return "hour"
    return "day" if until - since <= timedelta(days=62) else "month"


def statistics(records: Iterable[Record], span: Span, begun_at: Callable[[Record], str]) -> Statistics:
    """Those of the records, each of which is looked at once; `begun_at` says from when on it was to be processed."""
    summed = Statistics(span)
    for record in records:
        summed.see(record, begun_at(record))
    return summed


def _spans(since: datetime, until: datetime, span: Span) -> Iterator[str]:
    step = timedelta(hours=1) if span == "hour" else timedelta(days=1)
    moment = since
    while moment < until:
        yield _span_of(instant(moment), span)
        moment += step
    yield _span_of(instant(until), span)


def _span_of(moment: str, span: Span) -> str:
    """The beginning of the span in which an instant lies."""
    return moment[: _NAMED[span]] + _BEGINNING[_NAMED[span] :]
