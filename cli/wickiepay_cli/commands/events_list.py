"""`wickiepay events list`: what is on record, the newest first."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay_cli import stack
from wickiepay_cli.display import ago, say, seconds, show_table, stream_json
from wickiepay_cli.filters import Filter
from wickiepay_cli.options import (
    AsJson,
    Containing,
    EventType,
    InState,
    OfUuid,
    Profile,
    Reference,
    Region,
    Since,
    StackName,
    Until,
)
from wickiepay_cli.records import EventRecords, Record

LIMIT_FOR_PEOPLE: Final = 50


def list_events(  # noqa: PLR0913  options
    *,
    state: InState = None,
    event_type: EventType = None,
    since: Since = None,
    until: Until = None,
    uuid: OfUuid = None,
    reference: Reference = None,
    text: Containing = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="So many at the most.", show_default=f"{LIMIT_FOR_PEOPLE}, with --json all"),
    ] = None,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List events, the newest first."""
    found = stack.find(stack_name, profile, region)
    records = EventRecords(found.dynamodb(), found.output("EventTableName"))
    now = clock.now()
    wanted = Filter(state, event_type, since, until, uuid, reference, text).among(records, now)
    if as_json:
        stream_json(map(Record.brief, islice(wanted, limit)))
    else:
        _show(islice(wanted, limit or LIMIT_FOR_PEOPLE), now)


def _show(records: Iterator[Record], now: datetime) -> None:
    rows = [
        (seconds(each.received_at), ago(each.received_at, now), each.state, each.event, each.uuid, each.error)
        for each in records
    ]
    if rows:
        show_table(("received at", "", "state", "event", "uuid", "error"), rows)
    else:
        say("There are no such events.")
