"""`wickiepay events replay`: has events processed again."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import batched, islice
from typing import Annotated, Any
from uuid import uuid4

import typer

from wickiepay import clock
from wickiepay.event_record import Record, State
from wickiepay.queue import Replay
from wickiepay_cli.commands import completions
from wickiepay_cli.commands.options import (
    AsJson,
    DryRun,
    InStates,
    OfTypes,
    Rate,
    Since,
    Until,
    Wait,
    Why,
    Yes,
    at_stack,
    confirm_change,
    read_by_a_person,
    refuse_backwards,
)
from wickiepay_cli.errors import CommandError
from wickiepay_cli.operations.replaying import INSTEAD, Selection, of_uuid, what_comes_of
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import say, show_json, tell
from wickiepay_cli.pacing import batch_size, paced
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.event_records import EventRecords
from wickiepay_cli.store.filters import Filter
from wickiepay_cli.store.replays import Tally
from wickiepay_cli.watching.ending import MOST, Waiting, ended_well, show_ends


@dataclass(frozen=True, slots=True)
class Done:
    """How far a replay got. Where it was `interrupted`, nothing is done yet of what came before `until`.

    `until` is the receipt of the last event whose batch was finished; None where none was. `waiting` is None where
    nothing has to be waited for.
    """

    tally: Tally
    interrupted: bool = False
    until: str | None = None
    waiting: Waiting | None = None


@at_stack
def replay(  # noqa: PLR0913  options
    where: Where,
    uuid: Annotated[
        str | None,
        typer.Argument(
            metavar="[UUID]",
            help="The uuid whose events to replay. Otherwise, give --state.",
            autocompletion=completions.uuids,
        ),
    ] = None,
    *,
    event_key: Annotated[
        str | None,
        typer.Option(
            "--event-key", metavar="KEY", help="Only this event of the uuid. The beginning of its key is enough."
        ),
    ] = None,
    states: InStates = None,
    since: Since = None,
    until: Until = None,
    types: OfTypes = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Replay at most this many, the newest.", show_default="all")
    ] = None,
    why: Why = "",
    announce: Annotated[
        bool,
        typer.Option("--announce", help="Announce events even if they were announced before, under the replay's id."),
    ] = False,
    dry_run: DryRun = False,
    rate: Rate = None,
    wait: Wait = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Have events processed again. Nothing that they already did is done twice.

    Each event's record keeps who replayed it, when and why (the last ten times). Exit code 1 if the queue did not
    accept all events, 130 after Ctrl-C. At most a thousand events are waited for.

    The newest events come first, and Ctrl-C prints how to continue with the rest. FAILED or IGNORED events that were
    processed by then are in another state, so they are not replayed again.
    """
    _refuse(uuid, event_key, states, narrowed=bool(since or until or types or limit))
    refuse_backwards(since, until)
    found = where.find()
    records = found.events()
    if uuid is not None:
        selection = of_uuid(records, uuid, event_key)
    else:
        wanted = Filter(states, types, since, until or clock.now())
        selection = Selection(lambda: islice(wanted.among(records, clock.now()), limit), states or [])
    matched = sum(1 for _ in selection.records())
    order = Replay(str(uuid4()), operator_name(found), why, announce)
    done = Done(Tally())

    def what() -> str:
        nonlocal selection, matched
        named = {record.identity for record in selection.records()}
        selection, matched = selection.only(named), len(named)
        return what_comes_of(found, named)

    if not dry_run:
        if matched:
            confirm_change(found, what, yes=yes)
        waiting = _waiting(records, matched, where) if read_by_a_person(said=wait) else None
        done = _replay(found, selection, matched, order, rate, waiting=waiting)
    if not as_json:
        _show(selection, matched, None if dry_run else done.tally)
    ends = done.waiting.ends(done.waiting.before) if done.waiting else None
    if as_json:
        facts = {**asdict(done.tally), **asdict(order), **_more(done, ends)}
        show_json({"dry_run": dry_run, "matched": matched, **facts})
    else:
        show_ends(ends or [])
    _complain(done, matched, by_time=uuid is None)
    if not ended_well(ends or []):
        raise typer.Exit(1)


def _refuse(uuid: str | None, event_key: str | None, states: Sequence[State] | None, *, narrowed: bool) -> None:
    """Raises `typer.BadParameter` for options that do not go together, and for deliveries that are not events."""
    if (uuid is None) != bool(states):
        raise typer.BadParameter(
            "give either a UUID, or --state for all events in that state, for example --state FAILED,IGNORED."
        )
    if uuid is None and event_key is not None:
        raise typer.BadParameter("--event-key goes with a UUID.")
    if uuid is not None and narrowed:
        raise typer.BadParameter("--since, --until, --type and --limit go with --state.")
    for state in states or []:
        if state in INSTEAD:
            raise typer.BadParameter(INSTEAD[state], param_hint="--state")


def _waiting(records: EventRecords, matched: int, where: Where) -> Waiting | None:
    """What waits for the events, or None if they are too many, which is told."""
    if matched > MOST:
        tell(f"These are too many to wait for: wickiepay stats{where.options} shows how they end.")
        return None
    return Waiting(records)


def _replay(  # noqa: PLR0913  what replay was told
    found: Stack, selection: Selection, matched: int, order: Replay, rate: float | None, *, waiting: Waiting | None
) -> Done:
    """Replays the selected events, at most as many as were counted. Stops if the queue is out of reach."""
    replayer = found.replayer()
    done = Done(Tally(), interrupted=True)
    with suppress(KeyboardInterrupt), progress("Replaying", matched) as advance:
        batches = batched(islice(selection.records(), matched), batch_size(rate), strict=False)
        for batch in paced(batches, rate):
            if waiting:
                waiting.note(batch)
            tally = done.tally + replayer.replay([record.identity for record in batch], order, selection.states)
            done = replace(done, tally=tally, until=batch[-1].received_at)
            advance(len(batch))
            if tally.unsent:
                break
        done = replace(done, interrupted=False, waiting=None if done.tally.unsent else waiting)
    return done


def _more(done: Done, ends: Sequence[Record] | None) -> dict[str, Any]:
    """Further JSON members if the replay was interrupted, or waited."""
    interrupted = {"interrupted": done.interrupted, "until": done.until} if done.interrupted else {}
    return interrupted if ends is None else {**interrupted, "ended": ends}


def _show(selection: Selection, matched: int, tally: Tally | None) -> None:
    """Says what was done; without a tally, what would be."""
    if tally is None:
        for record in selection.records():
            say(f"{record.event_key} {record.uuid}")
        say(f"{matched} would be processed again.")
    else:
        skipped = f" {tally.skipped} skipped: their state has changed." if tally.skipped else ""
        say(f"{tally.replayed} sent to be processed again.{skipped}")


def _complain(done: Done, matched: int, *, by_time: bool) -> None:
    """If not all was done, says how to go on and ends the command; after Ctrl-C with the code that shells expect."""
    if done.interrupted:
        again = f"with --until {done.until}" if by_time and done.until else "again"
        tell(f"Not all of the {matched} are done: for the rest, run the same command {again}.")
        raise typer.Exit(130)
    if done.tally.unsent:
        raise CommandError(f"The event queue did not accept {done.tally.unsent} of them: try again later.")
