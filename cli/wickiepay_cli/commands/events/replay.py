"""`wickiepay events replay`: has events processed again."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import batched, islice
from typing import Annotated, Final
from uuid import uuid4

import typer

from wickiepay import clock
from wickiepay.event_record import Record, State
from wickiepay.queue import Replay
from wickiepay_cli.checkout.in_money import processed_again
from wickiepay_cli.commands.options import (
    AsJson,
    DryRun,
    EventType,
    Rate,
    Since,
    Until,
    Why,
    Yes,
    at_stack,
    confirm_change,
    refuse_backwards,
)
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import say, show_json, tell
from wickiepay_cli.pacing import batch_size, paced
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.event_records import EventRecords
from wickiepay_cli.store.filters import Filter
from wickiepay_cli.store.replays import REPLAYABLE, Replayer, Tally

INSTEAD: Final = {
    State.CONFLICT: "A conflict is not processed: make it an event of its own with wickiepay events accept UUID.",
    State.UNUSABLE: "A body that holds no event cannot be processed: have the provider send the event as it should be.",
}
"""What to do about a delivery that cannot be replayed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The events to replay. `records` reads them anew each time, so that none has to be held on to.

    Each is replayed only where it still is in one of `states` when its turn comes.
    """

    records: Callable[[], Iterator[Record]]
    states: Collection[State]


@dataclass(frozen=True, slots=True)
class Done:
    """How far a replay got. Where it was `interrupted`, nothing is done yet of what came before `until`.

    `until` is the receipt of the last event whose batch was finished; None where none was.
    """

    tally: Tally
    interrupted: bool = False
    until: str | None = None


@at_stack
def replay(  # noqa: PLR0913  options
    where: Where,
    uuid: Annotated[
        str | None, typer.Argument(metavar="[UUID]", help="All events of this uuid; else see --state.")
    ] = None,
    *,
    event_key: Annotated[
        str | None, typer.Option("--event-key", metavar="KEY", help="Of the uuid's events only this one.")
    ] = None,
    states: Annotated[
        list[State] | None,
        typer.Option("--state", case_sensitive=False, help="Instead of a UUID: all events in this state; repeatable."),
    ] = None,
    since: Since = None,
    until: Until = None,
    event_type: EventType = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many at the most, the newest.", show_default="all")
    ] = None,
    why: Why = "",
    announce: Annotated[
        bool, typer.Option("--announce", help="Announce also what was announced already, under the replay's id.")
    ] = False,
    dry_run: DryRun = False,
    rate: Rate = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Have events processed again; nothing that they did already is done twice.

    Who, when and why is kept on each event's record (the last ten times). Exit code 1 where the queue did not take all,
    130 after Ctrl-C.
    The newest come first; Ctrl-C says how to go on with the rest. What is FAILED or IGNORED and has been processed by
    then is in another state, and would not be replayed again anyhow.
    """
    if (uuid is None) != bool(states):
        raise typer.BadParameter(
            "give either a UUID, or --state for all events in that state: --state FAILED, perhaps with --state IGNORED."
        )
    if uuid is None and event_key is not None:
        raise typer.BadParameter("--event-key tells the events of one UUID apart.")
    if uuid is not None and (since or until or event_type or limit):
        raise typer.BadParameter("--since, --until, --type and --limit go with --state.")
    for state in states or []:
        if state in INSTEAD:
            raise typer.BadParameter(INSTEAD[state], param_hint="--state")
    refuse_backwards(since, until)
    found = where.find()
    records = found.events()
    if uuid is not None:
        selection = _of_uuid(records, uuid, event_key)
    else:
        wanted = Filter(None, event_type, since, until or clock.now())
        chosen = frozenset(states or [])
        selection = Selection(
            lambda: islice((each for each in wanted.among(records, clock.now()) if each.state in chosen), limit), chosen
        )
    matched = sum(1 for _ in selection.records())
    order = Replay(str(uuid4()), operator_name(found), why, announce)
    done = Done(Tally())
    if not dry_run:
        if matched:
            confirm_change(found, lambda: _what(found, selection, matched), yes=yes)
        done = _replay(found, selection, matched, order, rate)
    if as_json:
        interrupted = {"interrupted": done.interrupted, "until": done.until} if done.interrupted else {}
        show_json({"dry_run": dry_run, "matched": matched, **asdict(done.tally), **asdict(order), **interrupted})
    else:
        _show(selection, matched, None if dry_run else done.tally)
    _complain(done, matched, by_time=uuid is None)


def _what(found: Stack, selection: Selection, matched: int) -> str:
    events = found.events().events_of(record.identity for record in selection.records())
    return processed_again(f"have {'1 event' if matched == 1 else f'{matched} events'} processed again", events, found)


def _of_uuid(records: EventRecords, uuid: str, event_key: str | None) -> Selection:
    """The events of a uuid that can be replayed.

    Raises `CommandError`, with what to do instead, where there is none.
    """
    there = records.of_uuid(uuid)
    chosen = [record for record in there if event_key in {None, record.event_key}]
    if not chosen:
        keys = ", ".join(record.event_key for record in there)
        raise CommandError(f"There is no such event of the uuid {uuid}. {f'There are: {keys}.' if keys else ''}")
    replayable = [record for record in chosen if record.state in REPLAYABLE]
    if not replayable:
        raise CommandError(INSTEAD[chosen[0].state])
    return Selection(lambda: iter(replayable), REPLAYABLE)


def _replay(found: Stack, selection: Selection, matched: int, order: Replay, rate: float | None) -> Done:
    """Replays the selected events, at most as many as were counted; stops where the queue is out of reach."""
    replayer = Replayer(found.dynamodb(), found.output("EventTableName"), found.queue(), clock.now)
    done = Done(Tally(), interrupted=True)
    with suppress(KeyboardInterrupt), progress("Replaying", matched) as advance:
        batches = batched(islice(selection.records(), matched), batch_size(rate), strict=False)
        for batch in paced(batches, rate):
            tally = done.tally + replayer.replay([record.identity for record in batch], order, selection.states)
            done = replace(done, tally=tally, until=batch[-1].received_at)
            advance(len(batch))
            if tally.unsent:
                break
        done = replace(done, interrupted=False)
    return done


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
    """Ends the command, with the way to go on, where not all was done; after Ctrl-C as shells expect it."""
    if done.interrupted:
        again = f"with --until {done.until}" if by_time and done.until else "again"
        tell(f"That was not all of the {matched}: for the rest, give the same command {again}.")
        raise typer.Exit(130)
    if done.tally.unsent:
        raise CommandError(f"The event queue did not take {done.tally.unsent} of them: try again later.")
