"""`wickiepay events tail`: events as they arrive."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay_cli import stack
from wickiepay_cli.display import say, seconds
from wickiepay_cli.failure import EXPECTED, sentence
from wickiepay_cli.filters import Filter
from wickiepay_cli.options import (
    Containing,
    EventType,
    Profile,
    Reference,
    Region,
    StackName,
)
from wickiepay_cli.records import EventRecords, Record

PAUSE_SECONDS: Final = 1.0
LOOK_BACK: Final = timedelta(minutes=1)
"""An index shows an event a moment after the table has it, and clocks differ: so far back is looked again each time."""


def tail(  # noqa: PLR0913  options
    *,
    event_type: EventType = None,
    reference: Reference = None,
    text: Containing = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each event, for programs.")] = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show events as they arrive, until Ctrl-C. Where AWS does not answer for a while, it waits and goes on."""
    found = stack.find(stack_name, profile, region)
    records = EventRecords(found.dynamodb(), found.output("EventTableName"))
    wanted = Filter(event_type=event_type, reference=reference, text=text)
    with suppress(KeyboardInterrupt):
        for record in arriving(records, wanted, clock.now, time.sleep, partial(typer.echo, err=True)):
            _show(record, as_json=as_json)


def arriving(
    records: EventRecords,
    wanted: Filter,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    complain: Callable[[str], None],
) -> Iterator[Record]:
    """The wanted events that are received from now on, each once, without end; outages are told to `complain`."""
    begin = looked = now()
    known: set[tuple[str, str]] = set()
    out_of_reach = False
    while True:
        at = now()
        since = max(begin, looked - LOOK_BACK)
        try:
            newest_first = list(replace(wanted, since=since).among(records, at))
        except EXPECTED as error:
            if not out_of_reach:
                complain(sentence(error))
            out_of_reach = True
        else:
            out_of_reach, looked = False, at
            arrived = [record for record in reversed(newest_first) if _key(record) not in known]
            known = {_key(record) for record in newest_first}
            yield from arrived
        sleep(PAUSE_SECONDS)


def _key(record: Record) -> tuple[str, str]:
    return record.uuid, record.event_key


def _show(record: Record, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(record.brief())))
    else:
        words = (seconds(record.received_at), record.state, record.event, record.uuid, record.error)
        say("  ".join(filter(None, words)))
