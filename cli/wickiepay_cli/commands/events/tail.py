"""`wickiepay events tail`: events as they arrive."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay.event_record import Record, State
from wickiepay.identity import Identity
from wickiepay_cli.commands.options import Containing, OfTypes, Reference, at_stack
from wickiepay_cli.output.tables import say, seconds, show_json, tell
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.event_records import EventRecords, brief, trouble_of
from wickiepay_cli.store.filters import Filter
from wickiepay_cli.watching.follow import follow_stack
from wickiepay_cli.watching.poll import Newcomers, patient

PAUSE_SECONDS: Final = 1.0

FOLLOWED: Final = 1000
"""Most events that are followed until their outcome is known: the newest."""


@at_stack
def tail(
    where: Where,
    *,
    types: OfTypes = None,
    reference: Reference = None,
    text: Containing = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each event and outcome.")] = False,
) -> None:
    """Show events as they arrive, and their outcomes, until Ctrl-C.

    Where AWS does not answer for a while, or the local stack is stopped and started again, it waits and goes on.
    """
    wanted = Filter(types=types, reference=reference, text=text)

    def following(found: Stack, check: Callable[[], None]) -> None:
        records = found.events()
        news = with_outcomes(Newcomers(records, wanted_of(records, wanted), clock.now), records)
        for record in arriving(news, check, time.sleep, tell):
            _show(record, as_json=as_json)

    with suppress(KeyboardInterrupt):
        follow_stack(where, following=following, tell=tell)


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


def arriving(
    newcomers: Callable[[], list[Record]],
    check: Callable[[], None],
    sleep: Callable[[float], None],
    complain: Callable[[str], None],
) -> Iterator[Record]:
    """What `newcomers` returns from time to time, until `check` raises; outages are told to `complain`."""
    look = patient(newcomers, complain)
    while True:
        check()
        yield from look() or ()
        sleep(PAUSE_SECONDS)


def wanted_of(records: EventRecords, wanted: Filter) -> Callable[[list[Identity]], Iterator[Record]]:
    """Reads of some events those that are wanted, and their bodies only where those have to be looked into."""
    read = records.whole_of if wanted.asks_for_bodies else records.of
    return lambda identities: filter(wanted.wants, read(identities))


def _show(record: Record, *, as_json: bool) -> None:
    if as_json:
        show_json(brief(record), indent=None)
    else:
        words = (
            seconds(record.processed_at or record.received_at),
            record.state,
            record.event,
            record.uuid,
            trouble_of(record),
        )
        say("  ".join(filter(None, words)))
