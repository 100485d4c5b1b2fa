"""`wickiepay events tail`: events as they arrive."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay.event_record import Record
from wickiepay.identity import Identity
from wickiepay_cli.commands.options import Containing, OfTypes, Reference, at_stack
from wickiepay_cli.output.tables import say, seconds, show_json, tell
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.event_records import EventRecords, brief, trouble_of
from wickiepay_cli.store.filters import Filter
from wickiepay_cli.watching.follow import follow_stack
from wickiepay_cli.watching.poll import Newcomers, patient

PAUSE_SECONDS: Final = 1.0


@at_stack
def tail(
    where: Where,
    *,
    types: OfTypes = None,
    reference: Reference = None,
    text: Containing = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each event, for programs.")] = False,
) -> None:
    """Show events as they arrive, until Ctrl-C.

    Where AWS does not answer for a while, or the local stack is stopped and started again, it waits and goes on.
    """
    wanted = Filter(types=types, reference=reference, text=text)

    def following(found: Stack, check: Callable[[], None]) -> None:
        records = found.events()
        newcomers = Newcomers(records, wanted_of(records, wanted), clock.now)
        for record in arriving(newcomers, check, time.sleep, tell):
            _show(record, as_json=as_json)

    with suppress(KeyboardInterrupt):
        follow_stack(where, following=following, tell=tell)


def arriving(
    newcomers: Callable[[], list[Record]],
    check: Callable[[], None],
    sleep: Callable[[float], None],
    complain: Callable[[str], None],
) -> Iterator[Record]:
    """The events that are received from now on, each once, until `check` raises; outages are told to `complain`."""
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
        words = (seconds(record.received_at), record.state, record.event, record.uuid, trouble_of(record))
        say("  ".join(filter(None, words)))
