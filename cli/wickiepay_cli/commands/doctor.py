"""`wickiepay doctor`: whether the books add up."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Annotated, Final
from uuid import uuid4

import typer

from wickiepay import clock
from wickiepay.queue import Replay
from wickiepay_cli.checkout.in_money import processed_again
from wickiepay_cli.commands.options import AsJson, Why, Yes, confirm_change, on_stack
from wickiepay_cli.doctor.checks import STATEMENTS, named
from wickiepay_cli.doctor.orphans import Orphan
from wickiepay_cli.doctor.report import Report, audit, retention_days_of
from wickiepay_cli.doctor.worth_a_look import KINDS
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import say, scope, show_json, show_table
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack

ALSO: Final = ("conflicts", "unusable", "dead_letters")


@on_stack
def doctor(  # noqa: PLR0913  options
    found: Stack,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Send events that are still RECEIVED and in no queue.")
    ] = False,
    retention_days: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="The number of days that events have been kept. Older credits need no event.",
            show_default="the stack's EventRetentionDays",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 1 also if something is worth a look.")
    ] = False,
    why: Why = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Check the tables: do the books add up? Exit code 1 if not.

    Both tables are read once, in bounded memory, and the stack can be at work meanwhile. Ctrl-C changes nothing, but
    the next run starts from the beginning: half the books prove nothing. If the retention was raised recently, give
    its former value with --retention-days. Each repaired event's record keeps who repaired it, when and why.
    """
    retention = timedelta(days=retention_days or retention_days_of(found))
    with ExitStack() as looking:
        advance = looking.enter_context(progress("Looking", None))

        def order(orphans: Sequence[Orphan]) -> Replay:
            looking.close()  # a bar that moves would spoil the question
            confirm_change(found, lambda: _what(found, orphans), yes=yes)
            return Replay(str(uuid4()), operator_name(found), why)

        report = audit(found, retention, clock.now(), time.sleep, repair=order if repair else None, seen=advance)
    if as_json:
        show_json(report)
    else:
        _show(report)
    if not all(check.ok for check in report.checks) or (strict and report.worth_a_look):
        raise typer.Exit(1)


def _what(found: Stack, orphans: Sequence[Orphan]) -> str:
    many = "1 event" if len(orphans) == 1 else f"{len(orphans)} events"
    events = found.events().events_of(orphan.identity for orphan in orphans)
    return processed_again(f"send {many} to be processed", events, found)


def _show(report: Report) -> None:
    say(scope(report.stack, report.at, report.since, report.at))
    marks = {True: "✓", False: "✗"}
    rows = [(marks[check.ok], STATEMENTS[check.name], check.detail) for check in report.checks]
    show_table(("", "statement", "found"), rows)
    also = ", ".join(f"{name.replace('_', ' ')} {report.counts[name]}" for name in ALSO)
    say(f"Also on record: {also}.")
    _show_worth_a_look(report)
    if report.repaired:
        say(f"{report.repaired} sent to be processed.")


def _show_worth_a_look(report: Report) -> None:
    found = report.worth_a_look
    if not found:
        say("Nothing is worth a look.")
        return
    rows = [
        (kind, KINDS[kind], named((finding.about for finding in found if finding.kind == kind), report.counts[kind]))
        for kind in dict.fromkeys(finding.kind for finding in found)
    ]
    show_table(("worth a look", "what it is", "where"), rows)
