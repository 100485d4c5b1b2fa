"""`wickiepay reconcile runs`: what the stack's own reconciler found and did."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import islice, takewhile
from typing import Annotated, Final

import typer

from wickiepay.clock import instant
from wickiepay_cli.commands.options import LIMIT_FOR_PEOPLE, AsJson, Limit, moment, on_stack, tell_of_more
from wickiepay_cli.output.tables import say, seconds, show_table, stream_json
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store import reconciler_runs
from wickiepay_reconcile.notes import Run

HEADINGS: Final = (
    *("run at", "compared from", "to", "there", "here", "missing", "asked", "refused", "given up", "came"),
    *("not done", "brake"),
)


@on_stack
def runs(
    found: Stack,
    *,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="Only runs at this time or later: 2026-01-15T10:00, yesterday, or 2h, 3d ago.",
            show_default="400 days ago",
        ),
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List the runs of the stack's own reconciler, newest first: what was missing, asked for, and came."""
    first = instant(since) if since else ""
    recorded = reconciler_runs.newest_first(found.dynamodb(), found.output("EventTableName"))
    wanted = takewhile(lambda each: each[0] >= first, recorded)
    if as_json:
        stream_json({"at": at, **asdict(run)} for at, run in islice(wanted, limit))
        return
    most = limit or LIMIT_FOR_PEOPLE
    if rows := [tuple(_cells(at, run)) for at, run in islice(wanted, most)]:
        show_table(HEADINGS, rows, else_facts=True)
        tell_of_more(wanted, most)
    else:
        say("No run of the reconciler is on record.")


def _cells(at: str, run: Run) -> Iterator[str | None]:
    yield from (seconds(at), seconds(run.since), seconds(run.until) if run.until != at else None)
    yield from (str(run.theirs), str(run.ours))
    numbers = (run.missing, run.asked, run.refused, run.given_up, run.arrived)
    yield from (str(number) if number else None for number in numbers)
    yield "older days" if run.cut_short else None
    yield "\n".join(run.braked)
