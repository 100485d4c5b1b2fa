"""Compares what the provider lists with what a stack has on record, and asks for what is missing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Final

from wickiepay_api.entries import EventEntry
from wickiepay_api.entries import Payment as ListedPayment
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.event_records import AHEAD
from wickiepay_cli.store.reconciler_runs import newest_first
from wickiepay_reconcile import payments
from wickiepay_reconcile.comparison import CLOCKS, Comparison, OurEvent, Period, compare
from wickiepay_reconcile.notes import Notes
from wickiepay_reconcile.our_events import OurEvents
from wickiepay_reconcile.our_payments import OurPayments
from wickiepay_reconcile.payments import Payments

STEP: Final = 100
"""Number of events between two steps of a progress bar."""


def told[T](entries: Iterable[T], advance: Callable[[int], None]) -> Iterator[T]:
    """The same entries; `advance` is called for each few of them."""
    for number, entry in enumerate(entries, 1):
        yield entry
        if number % STEP == 0:
            advance(STEP)


LATE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """The events of a period by day and type, there and here, and ours themselves, with those that have an id."""

    theirs: Counter[tuple[str, str]] = field(default_factory=Counter)
    ours: Counter[tuple[str, str]] = field(default_factory=Counter)
    here: list[OurEvent] = field(default_factory=list)
    late: list[OurEvent] = field(default_factory=list)

    def by_day(self) -> Sequence[tuple[str, int, int]]:
        """For each day, the number there and here."""
        return self._by(0)

    def by_type(self) -> Sequence[tuple[str, int, int]]:
        """The same for each type."""
        return self._by(1)

    def _by(self, part: int) -> Sequence[tuple[str, int, int]]:
        there, here = (_summed(counts, part) for counts in (self.theirs, self.ours))
        return [(name, there[name], here[name]) for name in sorted(there | here)]


def _summed(counts: Counter[tuple[str, str]], part: int) -> Counter[str]:
    summed: Counter[str] = Counter()
    for key, number in counts.items():
        summed[key[part]] += number
    return summed


def compare_events(  # noqa: PLR0913, PLR0917  two lists, a time, and who is told
    stack: Stack,
    theirs: Iterable[EventEntry],
    since: datetime,
    until: datetime,
    now: datetime,
    dismissed: Collection[str],
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[Comparison, Tally]:
    """Compares the provider's entries of a period with all that was received since then: a replay can be late."""
    tally, period = Tally(), Period.of(since, until)
    ours = OurEvents(stack.dynamodb(), stack.output("EventTableName"))
    received = (event for day in _days(_day(since - CLOCKS), _day(now + AHEAD)) for event in ours.received(day))
    listed = _there(told(theirs, advance), period, tally)
    return compare(listed, _here(told(received, advance), period, tally), period, now, dismissed), tally


def notes_of(stack: Stack) -> Notes:
    """What the stack's reconciler notes."""
    client, table = stack.dynamodb(), stack.output("EventTableName")
    return Notes(client, table, OurEvents(client, table))


@dataclass(frozen=True, slots=True)
class Fetched:
    """An event that was missing and came after the provider was asked for it `times` times, first at `asked`.

    `came` is when, by its id; without one, when each event with its name and time stamp came since then, since nobody
    can tell them apart. It is empty if that is unknown.
    """

    id: str
    event: str
    at: str
    asked: str
    times: int
    came: Sequence[str]


def fetched(stack: Stack, period: Period, ours: Iterable[OurEvent]) -> list[Fetched]:
    """The events of a period that came after the reconciler had asked for them, as its runs noted, the oldest first.

    `ours` are the events on record among which they are.
    """
    recorded = newest_first(stack.dynamodb(), stack.output("EventTableName"))
    since_then = takewhile(lambda each: each[0] >= period.since, recorded)
    arrivals = [each for _, run in since_then for each in run.arrivals if period.holds(each.at)]
    received: defaultdict[object, set[str]] = defaultdict(set)
    for event in ours if arrivals else ():
        for key in (event.id, (event.event, event.at)):
            received[key].add(event.received_at)
    return [
        Fetched(each.id, each.event, each.at, each.first, each.times, [at for at in sorted(came) if at >= each.first])
        for each in sorted(arrivals, key=lambda each: (each.at, each.event, each.id))
        for came in [received.get(each.id) or received.get((each.event, each.at), set())]
    ]


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _there(entries: Iterable[EventEntry], period: Period, tally: Tally) -> Iterator[EventEntry]:
    seen = set[str]()  # a file may list an event twice
    for entry in entries:
        if entry.at and period.holds(entry.at) and entry.id not in seen:
            tally.theirs[entry.at[:10], entry.event or "?"] += 1
        if entry.id:
            seen.add(entry.id)
        yield entry


def _here(events: Iterable[OurEvent], period: Period, tally: Tally) -> list[OurEvent]:
    """The events that an entry of the period can be: of so many days later, most are others."""
    for event in events:
        if event.at and period.holds(event.at):
            tally.ours[event.at[:10], event.event] += 1
            if datetime.fromisoformat(event.received_at) - datetime.fromisoformat(event.at) > LATE:
                tally.late.append(event)
            tally.here.append(event)
        elif event.id:
            tally.here.append(event)
    return tally.here


def compare_payments(
    stack: Stack,
    theirs: Iterable[ListedPayment],
    dismissed: Collection[str] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Payments:
    """Compares the provider's payments with the ledger, but for those `dismissed`. Nothing is changed."""
    ours = OurPayments(stack.dynamodb(), stack.output("LedgerTableName"))
    return payments.compare(ours.beside(each for each in told(theirs, advance) if each.uuid not in dismissed))
