"""Polls the event table for what `wickiepay_cli.watching.feed` does not know yet."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from wickiepay.event_record import Record, State
from wickiepay.identity import Identity
from wickiepay_cli.errors import EXPECTED, fact
from wickiepay_cli.store.event_records import AHEAD, EventRecords
from wickiepay_cli.watching.feed import Arrival, Feed

PAUSE_SECONDS: Final = 0.5
ARRIVING_SECONDS: Final = 1.0
LEAVE_SECONDS: Final = 2
"""How long to wait at the end for a poll in progress. It changes nothing, and may be abandoned."""

LOOK_BACK: Final = timedelta(seconds=30)
"""How far back each poll looks again, because an index lags behind its table and clocks differ."""

FOLLOWED: Final = 1000
"""Most events that are followed until their outcome is known: the newest."""


class Newcomers[T]:
    """The events that are recorded from now on, each once, as `read` returns them; not those in the index already."""

    def __init__(
        self, records: EventRecords, read: Callable[[list[Identity]], Iterable[T]], now: Callable[[], datetime]
    ) -> None:
        self._records = records
        self._read = read
        self._now = now
        self._since = now() - LOOK_BACK
        self._known = set(records.identities(self._since, now() + AHEAD))

    def __call__(self) -> list[T]:
        """The events since the last successful call, in the order of arrival."""
        now = self._now()
        found = self._records.identities(self._since, now + AHEAD)
        new = list(self._read([identity for identity in found if identity not in self._known]))
        self._since, self._known = now - LOOK_BACK, set(found)
        return new


def look(feed: Feed, records: EventRecords, newcomers: Callable[[], Iterable[Arrival]] = tuple) -> None:
    """Tells `feed` about new events, and about changes of those that it knows."""
    for arrival in newcomers():
        feed.arrived(arrival)
    feed.noticed(records.of(feed.unsettled()))


def with_outcomes(newcomers: Callable[[], list[Record]], records: EventRecords) -> Callable[[], list[Record]]:
    """The newcomers, and again those of them that the consumer has tried since they were told last."""
    waiting: dict[Identity, Record] = {}

    def news() -> list[Record]:
        tried = [each for each in records.of(waiting) if _standing(each) != _standing(waiting[each.identity])]
        told = [*tried, *newcomers()]  # nothing is forgotten before both were read
        for each in told:
            waiting.pop(each.identity, None)
            if each.state is State.RECEIVED:
                waiting[each.identity] = each
        for oldest in [*waiting][:-FOLLOWED]:
            del waiting[oldest]
        return told

    return news


def _standing(record: Record) -> tuple[State, int | None]:
    return record.state, record.tries


def patient[T](once: Callable[[], T], complain: Callable[[str], None]) -> Callable[[], T | None]:
    """Does `once` when called; None where what it asks is out of reach, and `complain` is told of each outage once."""
    out_of_reach = False

    def tried() -> T | None:
        nonlocal out_of_reach
        try:
            result = once()
        except EXPECTED as error:
            if not out_of_reach:
                complain(fact(error))
            out_of_reach = True
            return None
        out_of_reach = False
        return result

    return tried


def arriving[T](
    newcomers: Callable[[], list[T]],
    check: Callable[[], None],
    sleep: Callable[[float], None],
    complain: Callable[[str], None],
) -> Iterator[T]:
    """What `newcomers` returns from time to time, until `check` raises; outages are told to `complain`."""
    look = patient(newcomers, complain)
    while True:
        check()
        yield from look() or ()
        sleep(ARRIVING_SECONDS)


@contextmanager
def looking(feed: Feed, once: Callable[[], None], pause_seconds: float = PAUSE_SECONDS) -> Iterator[None]:
    """Calls `once` again and again, in a thread, until the block ends. `feed` is told once about an outage."""
    leave = threading.Event()
    try_once = patient(once, feed.trouble)

    def keep_looking() -> None:
        while not leave.wait(pause_seconds):
            try_once()

    thread = threading.Thread(target=keep_looking, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leave.set()
        thread.join(LEAVE_SECONDS)
