"""`wickiepay reconcile`: what the provider lists against what is on record and in the ledger."""

import time
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay.clock import instant
from wickiepay_api.client import Replayed
from wickiepay_api.entries import EventEntry, Payment, event_entry, payment
from wickiepay_cli.commands.options import (
    LIMIT_FOR_PEOPLE,
    AsJson,
    Yes,
    confirm_change,
    moment,
    on_stack,
    refuse_backwards,
)
from wickiepay_cli.doctor.checks import STATEMENTS
from wickiepay_cli.doctor.report import audit, retention_days_of
from wickiepay_cli.errors import CommandError
from wickiepay_cli.operations.provider import api_of
from wickiepay_cli.operations.reconciling import Fetched, Tally, compare_events, compare_payments, fetched, notes_of
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import say, seconds, show_facts, show_json, show_table, tell
from wickiepay_cli.private_files import private
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store import listed_file
from wickiepay_reconcile.asking import Asked, Limits, brake, empty_list, plan
from wickiepay_reconcile.comparison import Comparison, Period, kept_since
from wickiepay_reconcile.dismissals import Dismissal

USUALLY: Final = timedelta(days=1)

SinceTold = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        parser=moment,
        metavar="TIME",
        help="Only what happened at this time or later: 2026-01-15T10:00, yesterday, or 2h, 3d ago.",
        show_default="a day ago",
    ),
]
UntilTold = Annotated[
    datetime | None,
    typer.Option(
        "--until", parser=moment, metavar="TIME", help="Only what happened before this time.", show_default="now"
    ),
]
FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        dir_okay=False,
        help="A list that was exported from the portal, CSV with headings or JSON. The provider's API is not asked.",
    ),
]


@dataclass(frozen=True, slots=True)
class Missed:
    """What is known of missing events besides: those that were `fetched`, and what was `asked` of those still missing.

    `dismissed` are those that an operator dismissed, with who did it and why.
    """

    fetched: Sequence[Fetched]
    asked: Mapping[str, Asked]
    dismissed: Sequence[tuple[EventEntry, Dismissal]]


@on_stack
def events(  # noqa: PLR0913  options
    found: Stack,
    *,
    since: SinceTold = None,
    until: UntilTold = None,
    listed: FromFile = None,
    destination: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Only events for this destination.",
            show_default="the stack's ProviderDestinationId; of a file, all",
        ),
    ] = None,
    ask_replay: Annotated[
        bool, typer.Option("--ask-replay", help="Ask the provider to send again what is missing. You are asked first.")
    ] = False,
    release_brake: Annotated[
        bool,
        typer.Option("--release-brake", help="Ask even if too many are unknown: once you know that they were lost."),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Also write a page (HTML) that the accountant can print."),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Compare the provider's list of events with those on record. Exit code 1 if something is missing.

    Events are matched by the provider's id, or otherwise counted by name and time stamp. What is younger than a quarter
    of an hour, or still PENDING there, may be under way and is not missing. If too many are unknown here, the lists
    do not seem to mean the same: this is the brake, and nothing is asked for. docs/reconciling.md says more.
    """
    now = clock.now()
    refuse_backwards(since, until)
    since, until = since or (until or now) - USUALLY, until or now
    if report and report.exists():  # before anything is asked for
        raise CommandError(f"{report} exists, and no report overwrites a file: name another.")
    kept = int(found.parameters.get("EventRetentionDays", 0))
    if ask_replay and kept and since < kept_since(now, timedelta(days=kept)):
        raise typer.BadParameter(
            f"The stack keeps events for {kept} days: an older one that expired here would come back as a new one.",
            param_hint="--since",
        )
    state = notes_of(found).read()
    with progress("Comparing", None) as advance, _events(found, listed, since, until, destination) as (theirs, flaws):
        compared, tally = compare_events(found, theirs, since, until, now, state.dismissed, advance)
    missed = Missed(
        fetched(found, compared.period, tally.here) if as_json or report else (),
        {each.id: state.asked[each.id] for each in compared.missing if each.id and each.id in state.asked},
        [(each, state.dismissed[each.id or ""]) for each in compared.dismissed],
    )
    limits = Limits(unknown_percent=float(found.parameters.get("ReconcileUnknownPercent", Limits().unknown_percent)))
    braked = brake(compared, limits)
    replayed = None
    asked = plan(compared.suspects, {}, now, limits.asked)
    if ask_replay and asked.given_up:
        tell(f"{_many(len(asked.given_up))} cannot be asked for: the list has no id of them.")
    if ask_replay and asked.ask and (release_brake or not braked):
        confirm_change(found, f"ask the provider to send {_many(len(asked.ask))} again", yes=yes)
        with api_of(found) as api, progress("Asking", None):
            replayed = api.replay([each.id for each in asked.ask if each.id])
        if asked.later:
            tell(f"{asked.later} more may be missing: give the same command again once these have come.")
    if as_json:
        facts = _facts(compared, missed, braked, replayed)
        show_json({"stack": found.name, "at": instant(now), **facts, "bad_lines": flaws})
    else:
        _show(found, compared, instant(now))
        if braked:
            tell(f"{braked} Do the lists mean the same? docs/reconciling.md has the usual causes.")
        _tell(flaws, replayed)
    if report:
        _write_report(found, report, now, compared=compared, missed=missed, brake=braked, tally=tally)
    if compared.missing or compared.unreadable:
        raise typer.Exit(1)


@on_stack
def payments(
    found: Stack,
    *,
    since: SinceTold = None,
    until: UntilTold = None,
    listed: FromFile = None,
    as_json: AsJson = False,
) -> None:
    """Compare the provider's payments with the ledger: status, amounts and reference. Nothing is changed.

    Of payments into channels, the provider lists all, whatever the time. Exit code 1 if something is worth a look.
    """
    now = clock.now()
    refuse_backwards(since, until)
    since, until = since or (until or now) - USUALLY, until or now
    with progress("Comparing", None) as advance, _payments(found, listed, since, until) as (theirs, flaws):
        compared = compare_payments(found, theirs, notes_of(found).read().dismissed, advance)
    if as_json:
        show_json({"stack": found.name, "at": instant(now), "compared": compared, "bad_lines": flaws})
    else:
        read, differ = compared.theirs - compared.unreadable, len(compared.worth_a_look)
        many = "1 payment" if read == 1 else f"{read} payments"
        say(f"Compared {many} with the ledger: {differ or 'no'} difference{'s' * (differ > 1)}.")
        show_table(
            ("uuid", "worth a look", "there", "here"),
            ((each.uuid, each.what, each.theirs, each.ours) for each in compared.worth_a_look),
        )
        _tell(flaws, None)
    if compared.worth_a_look or compared.unreadable:
        raise typer.Exit(1)


@contextmanager
def _events(
    found: Stack, path: Path | None, since: datetime, until: datetime, destination: str | None
) -> Iterator[tuple[Iterable[EventEntry], Sequence[str]]]:
    """The entries, of a file or as they are listed, and what is wrong with the file."""
    if path:
        listed = listed_file.read(path, event_entry, listed_file.EVENTS)
        # What names no destination may be meant: leaving it out would say that nothing is missing.
        wanted = [each for each in listed.entries if not destination or each.destination in {None, destination}]
        period = Period.of(since, until)
        if others := len(listed.entries) - sum(each.at is None or period.holds(each.at) for each in wanted):
            outside = (
                f"of the period ({seconds(period.since)} to {seconds(period.until)}) or the destination: "
                "see --since, --until and --destination."
            )
            if others == len(listed.entries):  # which would say that nothing is missing
                raise CommandError(f"None of the {others} entries in {path} is {outside}")
            listed.flaws.append(
                f"{others} of the {len(listed.entries)} entries are left out, since they are not {outside}"
            )
        yield wanted, listed.flaws
    else:
        destination = destination or found.parameters.get("ProviderDestinationId") or None
        with api_of(found) as api:
            yield api.events(since=since, until=until, destination_id=destination), ()


@contextmanager
def _payments(
    found: Stack, path: Path | None, since: datetime, until: datetime
) -> Iterator[tuple[Iterable[Payment], Sequence[str]]]:
    if path:
        listed = listed_file.read(path, payment, listed_file.PAYMENTS)
        yield listed.entries, listed.flaws
    else:
        with api_of(found) as api:
            yield chain(api.payments(since=since, until=until), api.channel_payments()), ()


def _facts(compared: Comparison, missed: Missed, braked: str | None, replayed: Replayed | None) -> Mapping[str, object]:
    """The result, for programs."""
    return {
        "since": compared.period.since,
        "until": compared.period.until,
        "theirs": compared.theirs,
        "ours": compared.ours,
        "matched": compared.matched,
        "under_way": len(compared.under_way),
        "missing": compared.missing,
        "unreadable": compared.unreadable,
        "dismissed": [
            {"id": each.id, "event": each.event, "timestamp": each.at, **why._asdict()}
            for each, why in missed.dismissed
        ],
        "asked_before": {
            each: {"times": known.times, "first": known.first, "last": known.last}
            for each, known in missed.asked.items()
        },
        "fetched": missed.fetched,
        "brake": braked,
        "asked": replayed.asked if replayed else (),
        "refused": {each: str(why) for each, why in replayed.refused.items()} if replayed else {},
    }


def _show(found: Stack, compared: Comparison, at: str) -> None:
    period = f"events that happened from {seconds(compared.period.since)} to {seconds(compared.period.until)}"
    say(f"{found.name} at {seconds(at)} UTC, {period}")
    states = ", ".join(f"{number} {state}" for state, number in sorted(compared.ours.items()))
    show_facts(
        [
            ("listed there", str(compared.theirs)),
            ("on record", f"{sum(compared.ours.values())}{f' ({states})' if states else ''}"),
            ("matched", str(compared.matched)),
            ("under way", str(len(compared.under_way))),
            ("missing", f"{len(compared.missing)}, of which the provider gave up {compared.failed}"),
            ("unreadable", str(len(compared.unreadable)) if compared.unreadable else None),
            ("dismissed", str(len(compared.dismissed)) if compared.dismissed else None),
        ]
    )
    if empty := empty_list(compared, few=0):
        tell(empty)
    if compared.missing:
        rows = ((each.id, each.event, seconds(each.at or ""), each.status or "?") for each in compared.missing)
        show_table(("id", "missing event", "at", "status there"), islice(rows, LIMIT_FOR_PEOPLE))
        if len(compared.missing) > LIMIT_FOR_PEOPLE:
            tell(f"There are more than these {LIMIT_FOR_PEOPLE}: --json lists all.")


def _write_report(found: Stack, report: Path, now: datetime, tally: Tally, **content: object) -> None:
    """Writes the page, with what the doctor says of the books. Raises `CommandError` if it cannot be written."""
    try:  # most want no page
        from wickiepay_cli.console.rendering import rendered  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(f"The report needs {error.name}: install wickiepay-webhook-listener[local].") from error
    with progress("Looking", None) as advance:
        audited = audit(found, timedelta(days=retention_days_of(found)), now, time.sleep, seen=advance)
    checks = [(STATEMENTS[check.name], check.ok, check.detail) for check in audited.checks]
    plot = _plot(tally.by_day())
    text = rendered(
        "reconciled.html", stack=found.name, at=instant(now), checks=checks, plot=plot, tally=tally, **content
    )
    try:
        with open(report, "x", encoding="utf-8", opener=private) as file:
            file.write(text)
    except OSError as error:
        raise CommandError(f"{report} cannot be written: {error.strerror}.") from error
    tell(f"The report is in {report}.")


def _plot(days: Sequence[tuple[str, int, int]]) -> str | None:
    """A picture of the days as the address of an image, or None if nothing can be drawn."""
    if not days:
        return None
    try:
        from wickiepay_cli.output.plot import by_day  # noqa: PLC0415  as above
    except ModuleNotFoundError as error:
        tell(f"A plot of the days needs {error.name}: install wickiepay-webhook-listener[report].")
        return None
    return f"data:image/png;base64,{b64encode(by_day(days)).decode()}"


def _tell(flaws: Sequence[str], replayed: Replayed | None) -> None:
    for flaw in flaws[:LIMIT_FOR_PEOPLE]:
        tell(flaw)
    if len(flaws) > LIMIT_FOR_PEOPLE:
        tell(f"There are {len(flaws) - LIMIT_FOR_PEOPLE} more of these: --json lists all.")
    if replayed:
        say(f"The provider was asked to send {_many(len(replayed.asked))} again.")
        for each, why in replayed.refused.items():
            tell(f"{each}: {why}")


def _many(events: int) -> str:
    return "1 event" if events == 1 else f"{events} events"
