"""`wickiepay reconcile runs` and `dismiss`: what the stack's own reconciler did, and what it is to leave out."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import islice, takewhile
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay.clock import instant
from wickiepay.identity import bounded
from wickiepay.spelling import normal_spelling
from wickiepay_cli.commands.options import (
    LIMIT_FOR_PEOPLE,
    AsJson,
    Limit,
    Why,
    Yes,
    confirm_change,
    moment,
    on_stack,
    tell_of_more,
)
from wickiepay_cli.operations.reconciling import notes_of
from wickiepay_cli.output.tables import say, seconds, show_json, show_table, stream_json, tell
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store import dismissals, reconciler_runs
from wickiepay_cli.store.dismissals import Dismissals
from wickiepay_reconcile.dismissals import Dismissal
from wickiepay_reconcile.notes import Run

HEADINGS: Final = (
    *("run at", "compared from", "to", "there", "here", "missing", "asked", "refused", "given up", "came"),
    *("dismissed", "not done", "brake", "payments"),
)

HASHED: Final = re.compile("sha256:[0-9a-f]{64}")


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
        stream_json(
            {"at": at, **asdict(run), "arrivals": [each._asdict() for each in run.arrivals]}
            for at, run in islice(wanted, limit)
        )
        return
    most = limit or LIMIT_FOR_PEOPLE
    if rows := [tuple(_cells(at, run)) for at, run in islice(wanted, most)]:
        show_table(HEADINGS, rows, else_facts=True)
        tell_of_more(wanted, most)
    else:
        say("No run of the reconciler is on record.")
        if not found.reconciles:
            tell("This stack has no reconciler: docs/reconciling.md says what it needs.")


def _cells(at: str, run: Run) -> Iterator[str | None]:
    yield from (seconds(at), seconds(run.since), seconds(run.until) if run.until != at else None)
    yield from (str(run.theirs), str(run.ours))
    numbers = (run.missing, run.asked, run.refused, run.given_up, run.arrived)
    yield from (str(number) if number else None for number in numbers)
    yield str(run.dismissed) if run.dismissed else None
    yield "older days" if run.cut_short else None
    yield "\n".join(run.braked)
    if run.payments:
        yield "\n".join((f"{run.payments.compared} compared, {run.payments.lasting} differ", *run.payments.flaws))
    else:
        yield None


def _id(text: str) -> str:
    """An id as the lists have it: in its normal spelling, or the hash of what is no plain text."""
    id_ = normal_spelling(text)
    if not text.strip() or (bounded(id_) != id_ and not HASHED.fullmatch(id_)):
        raise typer.BadParameter(f'"{text}" is no id: "wickiepay reconcile events" shows those of missing events.')
    return id_


@on_stack
def dismiss(  # noqa: PLR0913  options
    found: Stack,
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID", parser=_id, help="WickiePay's ids of the events, as reconcile events shows."),
    ],
    *,
    why: Why = "",
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the dismissal back: the events count as missing again.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Leave listed events that can never match out of what is missing, and do not ask for them.

    An example is a repetition with another time stamp: its delivery was a duplicate here. To leave out what differs in
    a payment, give the payment's uuid. A reason is required. It is kept for at least 90 days. What is on record stays
    as it is.
    """
    if bool(why.strip()) is undo:
        raise typer.BadParameter("give either a reason, or --undo to take a dismissal back.", param_hint="--why")
    wanted = dict.fromkeys(ids)
    awaited = notes_of(found).read().asked.keys()
    if not undo and not as_json and (strange := [each for each in wanted if each not in awaited]):
        tell(f"The reconciler has not asked for {', '.join(strange)} so far: is it a missing event or a payment?")
    many = "1 listed event" if len(wanted) == 1 else f"{len(wanted)} listed events"
    confirm_change(found, f"{'count' if undo else 'no longer count'} {many} as missing", yes=yes)
    now = clock.now()
    new = dict.fromkeys(wanted, Dismissal(operator_name(found), why, instant(now)))

    def make(before: Dismissals) -> Dismissals:
        return {each: known for each, known in before.items() if each not in wanted} if undo else new | before

    before, after = dismissals.change(found.dynamodb(), found.output("EventTableName"), now, make)
    known = before | after
    if as_json:
        show_json(
            [
                {
                    "id": each,
                    "dismissed": not undo,
                    "already": (each in before) is not undo,
                    "awaited": each in awaited,
                    **(known[each]._asdict() if each in known else {}),
                }
                for each in wanted
            ]
        )
        return
    for each in wanted:
        if undo:
            say(f"{each} {'counts again' if each in before else 'was not dismissed'}.")
        else:
            first = f"at {seconds(known[each].at)} UTC by {known[each].by}"
            say(
                f"{each} was already dismissed {first}, and that reason stands: {known[each].why}"
                if each in before
                else f"{each} was dismissed {first}."
            )
