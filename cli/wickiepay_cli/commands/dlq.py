"""`wickiepay dlq`: the dead-letter queue, with the messages that the consumer gave up on."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import Annotated
from uuid import uuid4

import typer

from wickiepay import clock
from wickiepay.queue import Replay
from wickiepay_cli.checkout.in_money import processed_again
from wickiepay_cli.commands.options import (
    LIMIT_FOR_PEOPLE,
    SEVERAL,
    AsJson,
    DryRun,
    Limit,
    Rate,
    Why,
    Yes,
    at_stack,
    confirm_change,
    on_stack,
    several,
)
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import say, show_facts, show_json, show_table, stream_json
from wickiepay_cli.pacing import batch_size, paced
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.dead_letters import FOREIGN, DeadLetter, message_count, missing
from wickiepay_cli.store.replays import REPLAYABLE, Replayer


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, and what is on record of its event. `id` is the message's own; `receives` counts every look at it."""

    id: str
    uuid: str | None
    event_key: str | None
    receives: int
    sent_at: str
    age_seconds: int
    state: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class WholeLetter(Letter):
    """With what it holds: how it came to be sent, the event's body as it was received, and the message's own text."""

    unrecorded: bool
    replay: Replay | None
    body: str | None
    message: str


@on_stack
def list_letters(
    found: Stack,
    *,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List the messages and what became of their events. Meanwhile, nobody else sees them."""
    with found.dead_letters() as dead:
        letters = chain.from_iterable(_with_records(found, batch) for batch in dead.letters())
        if as_json:
            stream_json(islice(letters, limit))
        elif rows := list(islice(letters, limit or LIMIT_FOR_PEOPLE)):
            show_table(
                ("id", "event key", "uuid", "receives", "age", "state", "error"),
                (
                    (each.id, each.event_key, each.uuid, str(each.receives), _age(each), each.state, each.error)
                    for each in rows
                ),
            )
        else:
            say("The dead-letter queue is empty.")


@on_stack
def show(
    found: Stack,
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The message's id, as shown by dlq list.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one message in full."""
    with found.dead_letters() as dead:
        wanted = (each for batch in dead.letters() for each in batch if each.id == message_id)
        letter = next(wanted, None)
    if letter is None:
        raise CommandError(missing([message_id]))
    [known] = _with_records(found, [letter])
    whole = _whole(known, letter)
    if as_json:
        show_json(whole)
    else:
        _show_whole(whole)


def _with_records(found: Stack, letters: Sequence[DeadLetter]) -> Iterator[Letter]:
    """The letters, each with what the event table says of its event."""
    identities = {letter.message.identity for letter in letters if letter.message}
    records = {record.identity: record for record in found.events().of(identities)}
    for letter in letters:
        identity = letter.message.identity if letter.message else None
        record = records.get(identity) if identity else None
        yield Letter(
            id=letter.id,
            uuid=identity.uuid if identity else None,
            event_key=identity.event_key if identity else None,
            receives=letter.receives,
            sent_at=clock.instant(letter.sent_at),
            age_seconds=int((clock.now() - letter.sent_at).total_seconds()),
            state=record.state if record else None,
            error=(record.error if record else None) if identity else FOREIGN,
        )


def _whole(known: Letter, letter: DeadLetter) -> WholeLetter:
    message = letter.message
    return WholeLetter(
        **asdict(known),
        unrecorded=message.unrecorded if message else False,
        replay=message.replay if message else None,
        body=message.delivery.body.decode(errors="replace") if message else None,
        message=letter.text,
    )


def _show_whole(letter: WholeLetter) -> None:
    replay = letter.replay
    show_facts(
        [
            ("id", letter.id),
            ("event key", letter.event_key),
            ("uuid", letter.uuid),
            ("state", letter.state or "no record"),
            ("error", letter.error),
            ("receives", str(letter.receives)),
            ("sent at", letter.sent_at),
            ("replayed by", f"{replay.by} {replay.why}" if replay else None),
        ]
    )
    say(f"\n{letter.message if letter.body is None else letter.body}\n", lines=True)


def _age(letter: Letter) -> str:
    return str(timedelta(seconds=letter.age_seconds))


@at_stack
def redrive(  # noqa: PLR0913  options
    where: Where,
    *,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", **several(), metavar="ID", help=f"A message's id, as shown by dlq list. {SEVERAL}"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Send all messages.")] = False,
    dry_run: DryRun = False,
    rate: Rate = None,
    why: Why = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send messages to the event queue again. Each is deleted here once that queue has accepted it.

    Nothing is done twice, however often an event comes. Each event's record keeps who sent it, when and why. Exit
    code 1 if a message is missing or stays in this queue.
    """
    if bool(ids) == everything:
        raise typer.BadParameter("give either --id, for single messages, or --all.")
    found = where.find()
    named = None if dry_run else _agreed(found, ids or (), yes=yes)
    queue = found.queue()
    replayer = Replayer(found.dynamodb(), found.output("EventTableName"), queue, clock.now)
    order = Replay(str(uuid4()), operator_name(found), why)
    wanted, redriven, foreign, unsent = set(ids or ()), 0, 0, 0
    total = len(wanted) or message_count(found.sqs(), found.output("DeadLetterQueueUrl"))
    with found.dead_letters() as dead, progress("Redriving", total, hidden=dry_run) as advance:
        for batch in paced(dead.letters(batch_size(rate)), rate):
            chosen = [
                letter
                for letter in batch
                if (everything or letter.id in wanted) and (named is None or letter.id in named)
            ]
            ours = [letter for letter in chosen if letter.message]
            noted = set() if dry_run else {letter.message.identity for letter in ours if letter.message}
            replayer.note(noted, order, REPLAYABLE)
            sent = ours if dry_run else dead.redrive(ours, queue)
            if dry_run and not as_json:
                _show_brief(ours)
            wanted -= {letter.id for letter in chosen}
            redriven += len(sent)
            foreign += len(chosen) - len(ours)
            unsent += len(ours) - len(sent)
            advance(len(chosen))
            if unsent or not (everything or wanted):
                break
    if as_json:
        outcome = {"redriven": redriven, "foreign": foreign, "unsent": unsent, "missing": sorted(wanted)}
        show_json({"dry_run": dry_run, **outcome})
    else:
        say(f"{redriven} {'would be ' if dry_run else ''}sent to the event queue again.")
    if wanted:
        raise CommandError(missing(sorted(wanted)))
    if foreign:
        raise CommandError(f"{foreign} stay here: {FOREIGN}")
    if unsent:
        raise CommandError(f"The event queue did not accept {unsent} of them. They stay here: try again later.")


def _agreed(found: Stack, wanted: Collection[str], *, yes: bool) -> set[str] | None:
    """The ids of the letters that the question named, since others may come meanwhile; None if nobody was asked."""
    named: set[str] | None = None

    def what() -> str | None:
        nonlocal named
        letters = _letters(found, wanted)
        named = {letter.id for letter in letters}
        return _what(found, letters)

    confirm_change(found, what, yes=yes)
    return named


def _letters(found: Stack, wanted: Collection[str]) -> list[DeadLetter]:
    """The letters of these ids, as far as they are there, or all letters."""
    left, letters = set(wanted), list[DeadLetter]()
    with found.dead_letters() as dead:
        for batch in dead.letters():
            chosen = [letter for letter in batch if not wanted or letter.id in wanted]
            letters += chosen
            left -= {letter.id for letter in chosen}
            if wanted and not left:
                break
    return letters


def _what(found: Stack, letters: Sequence[DeadLetter]) -> str | None:
    """What it would do to redrive these letters; None if none of them is the listener's."""
    messages = [letter.message for letter in letters if letter.message]
    if not messages:
        return None
    many = "1 message" if len(messages) == 1 else f"{len(messages)} messages"
    return processed_again(f"send {many} to be processed again", (each.event() for each in messages), found)


def _show_brief(letters: Sequence[DeadLetter]) -> None:
    for letter in letters:
        assert letter.message
        identity = letter.message.identity
        say(f"{letter.id} {identity.event_key} {identity.uuid}")
