"""`wickiepay dlq`: the dead-letter queue, with the messages that the consumer gave up on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import Annotated
from uuid import uuid4

import typer

from wickiepay.queue import Replay
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
from wickiepay_cli.operations import redriving
from wickiepay_cli.operations.redriving import Letter, with_records
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import say, show_facts, show_json, show_table, stream_json
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.dead_letters import FOREIGN, DeadLetter, message_count, missing


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
        letters = chain.from_iterable(with_records(found, batch) for batch in dead.letters())
        if as_json:
            stream_json(islice(letters, limit))
        elif rows := list(islice(letters, limit or LIMIT_FOR_PEOPLE)):
            show_table(
                ("id", "event key", "uuid", "receives", "age", "state", "error"),
                (
                    (each.id, each.event_key, each.uuid, str(each.receives), _age(each), each.state, each.error)
                    for each in rows
                ),
                else_facts=True,
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
    [known] = with_records(found, [letter])
    whole = _whole(known, letter)
    if as_json:
        show_json(whole)
    else:
        _show_whole(whole)


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
    question = redriving.Question(found, ids or ())
    if not dry_run:
        confirm_change(found, question, yes=yes)
    order = None if dry_run else Replay(str(uuid4()), operator_name(found), why)
    wanted = set(ids or ())
    total = len(wanted) or message_count(found.sqs(), found.output("DeadLetterQueueUrl"))
    show = _show_brief if dry_run and not as_json else _show_nothing
    with progress("Redriving", total, hidden=dry_run) as advance:
        done = redriving.redrive(found, wanted, order, rate, named=question.named, advance=advance, show=show)
    gone = sorted(done.missing)
    if as_json:
        show_json({"dry_run": dry_run, **asdict(done), "missing": gone})
    else:
        say(f"{done.redriven} {'would be ' if dry_run else ''}sent to the event queue again.")
    if gone:
        raise CommandError(missing(gone))
    if done.foreign:
        raise CommandError(f"{done.foreign} stay here: {FOREIGN}")
    if done.unsent:
        raise CommandError(f"The event queue did not accept {done.unsent} of them. They stay here: try again later.")


def _show_nothing(_: Sequence[DeadLetter]) -> None:
    pass


def _show_brief(letters: Sequence[DeadLetter]) -> None:
    for letter in letters:
        assert letter.message
        identity = letter.message.identity
        say(f"{letter.id} {identity.event_key} {identity.uuid}")
