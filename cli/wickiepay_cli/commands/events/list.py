"""`wickiepay events list`: what is on record, the newest first."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated

import typer

from wickiepay import clock
from wickiepay.event_record import Record
from wickiepay_cli.commands.options import (
    LIMIT_FOR_PEOPLE,
    WHICH,
    AsJson,
    Containing,
    InStates,
    Limit,
    OfTypes,
    OfUuid,
    Reference,
    Since,
    Until,
    at_stack,
    refuse_backwards,
    tell_of_more,
)
from wickiepay_cli.output.tables import ago, briefly, is_narrow, say, seconds, show_table, stream_json
from wickiepay_cli.stacks.stack import Where
from wickiepay_cli.store.event_records import brief, standing, trouble_of
from wickiepay_cli.store.filters import Filter


@at_stack
def list_events(  # noqa: PLR0913  options
    where: Where,
    *,
    states: InStates = None,
    types: OfTypes = None,
    since: Since = None,
    until: Until = None,
    uuid: OfUuid = None,
    reference: Reference = None,
    text: Containing = None,
    open_alone: Annotated[
        bool,
        typer.Option("--open", help="Only events that are still to be accepted or dismissed.", rich_help_panel=WHICH),
    ] = False,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List events, newest first."""
    refuse_backwards(since, until)
    found = where.find()
    shown = limit if as_json else limit or LIMIT_FOR_PEOPLE
    records = found.events(shown + 1 if shown else None)  # the one more tells whether there are more
    now = clock.now()
    wanted = Filter(states, types, since, until, uuid, reference, text, open_alone).among(records, now)
    if as_json:
        stream_json(map(brief, islice(wanted, shown)))
    else:
        _show(wanted, limit or LIMIT_FOR_PEOPLE, now)


def _show(records: Iterator[Record], limit: int, now: datetime) -> None:
    listed = list(islice(records, limit))
    if not listed:
        say("There are no such events.")
    elif is_narrow():
        show_table(
            ("", "state", "event key\nuuid"),
            (
                (
                    briefly(each.received_at, now),
                    standing(each).replace(" ", "\n"),
                    "\n".join(filter(None, (each.event_key, each.uuid, trouble_of(each)))),
                )
                for each in listed
            ),
        )
    else:
        show_table(
            ("received at", "", "state", "event key", "uuid", "error"),
            (
                (
                    seconds(each.received_at),
                    ago(each.received_at, now),
                    standing(each),
                    each.event_key,
                    each.uuid,
                    trouble_of(each),
                )
                for each in listed
            ),
        )
    tell_of_more(records, limit)
