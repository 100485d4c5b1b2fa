"""`wickiepay events tail`: events as they arrive."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Annotated

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
from wickiepay_cli.watching.poll import Newcomers, arriving, with_outcomes


@at_stack
def tail(  # noqa: PLR0913  options
    where: Where,
    *,
    types: OfTypes = None,
    reference: Reference = None,
    text: Containing = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each event and outcome.")] = False,
    with_body: Annotated[
        bool, typer.Option("--with-body", help="With --json: the whole event, with its body and its effects.")
    ] = False,
) -> None:
    """Show events as they arrive, and their outcomes, until Ctrl-C.

    If AWS does not answer for a while, or the local stack is restarted, it waits and then continues.
    """
    if with_body and not as_json:
        raise typer.BadParameter("bodies are only in the JSON: give --json too.", param_hint="--with-body")
    wanted = Filter(types=types, reference=reference, text=text)

    def following(found: Stack, check: Callable[[], None]) -> None:
        records = found.events()
        news = with_outcomes(Newcomers(records, wanted_of(records, wanted), clock.now), records)
        for record in arriving(news, check, time.sleep, tell):
            if with_body:
                show_json(next(records.whole_of([record.identity]), record), indent=None)
            else:
                _show(record, as_json=as_json)

    with suppress(KeyboardInterrupt):
        follow_stack(where, following=following, tell=tell)


def wanted_of(records: EventRecords, wanted: Filter) -> Callable[[list[Identity]], Iterator[Record]]:
    """A reader of the wanted ones among some events. It reads bodies only if the filter asks for them."""
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
