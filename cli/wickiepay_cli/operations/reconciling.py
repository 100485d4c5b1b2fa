"""Compares what the provider lists with what a stack has on record, and asks for what is missing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from wickiepay.decimals import plain
from wickiepay.money import Money
from wickiepay_api.entries import EventEntry
from wickiepay_api.entries import Payment as ListedPayment
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.event_records import AHEAD
from wickiepay_cli.store.ledger_records import Amount, Payment
from wickiepay_reconcile.comparison import Comparison, OurEvent, Period, compare
from wickiepay_reconcile.our_events import OurEvents

STEP: Final = 100
"""Number of events between two steps of a progress bar."""

CLOCKS: Final = timedelta(hours=1)
"""How far the sender's time stamps may be ahead of our clock."""


def told[T](entries: Iterable[T], advance: Callable[[int], None]) -> Iterator[T]:
    """The same entries; `advance` is called for each few of them."""
    for number, entry in enumerate(entries, 1):
        yield entry
        if number % STEP == 0:
            advance(STEP)


def compare_events(  # noqa: PLR0913, PLR0917  two lists, a time, and who is told
    stack: Stack,
    theirs: Iterable[EventEntry],
    since: datetime,
    until: datetime,
    now: datetime,
    advance: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Compares the provider's entries of a period with all that was received since then: a replay can be late."""
    ours = OurEvents(stack.dynamodb(), stack.output("EventTableName"))
    received = (event for day in _days(_day(since - CLOCKS), _day(now + AHEAD)) for event in ours.received(day))
    period = Period.of(since, until)
    return compare(told(theirs, advance), _wanted(told(received, advance), period), period, now)


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _wanted(events: Iterable[OurEvent], period: Period) -> list[OurEvent]:
    """Those that an entry of the period can be: so many days later, most are others."""
    return [event for event in events if event.id or (event.at and period.holds(event.at))]


# --- Payments ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Difference:
    """What the provider says of a payment and what the ledger says. Both may be right: a person has to look."""

    uuid: str
    what: str
    theirs: str | None
    ours: str | None


@dataclass(frozen=True, slots=True)
class Payments:
    """The payments that were compared, how many of them cannot be, and what is worth a look."""

    theirs: int
    unreadable: int
    worth_a_look: Sequence[Difference]


def compare_payments(
    stack: Stack, theirs: Iterable[ListedPayment], advance: Callable[[int], None] = lambda _: None
) -> Payments:
    """Compares the provider's payments with the ledger. Nothing is changed."""
    ledger = stack.ledger()
    number = unreadable = 0
    found: list[Difference] = []
    for listed in told(theirs, advance):
        number += 1
        if listed.uuid is None:
            unreadable += 1
        else:
            ours = [each for each in ledger.payments(listed.uuid) if each.uuid == listed.uuid]
            found += differences(listed.uuid, listed, ours[0] if ours else None)
    return Payments(number, unreadable, found)


def differences(uuid: str, theirs: ListedPayment, ours: Payment | None) -> Iterator[Difference]:
    """What a person should look at. A payment that only began need not have sent an event yet."""
    if ours is None:
        if theirs.status != "PENDING":
            yield Difference(uuid, "not in the ledger", theirs.status, None)
        return
    pairs = [
        ("status", theirs.status, ours.status),
        ("reference", theirs.reference, ours.reference),
        ("type", theirs.direction, ours.type),
        ("displayed amount", _written(theirs.displayed), _written(ours.display)),
        # Until money has come, the provider says here what is to be paid.
        ("paid amount", _written(theirs.paid) if ours.paid else None, _written(ours.paid)),
    ]
    for what, listed, known in pairs:
        if listed is not None and listed != known:
            yield Difference(uuid, what, listed, known)


def _written(amount: Money | Amount | None) -> str | None:
    return f"{plain(Decimal(amount.amount))} {amount.currency}" if amount else None
