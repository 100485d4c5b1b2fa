"""`wickiepay dlq`: the dead-letter queue, where messages lie that the consumer gave up."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay.queue import Replay
from wickiepay_cli import stack
from wickiepay_cli.dead_letters import FOREIGN, DeadLetter, missing, of_stack
from wickiepay_cli.display import say, show_facts, show_json, show_table, stream_json
from wickiepay_cli.failure import Failure
from wickiepay_cli.options import AsJson, Profile, Region, StackName
from wickiepay_cli.records import EventRecords
from wickiepay_cli.stack import Stack

LIMIT_FOR_PEOPLE: Final = 50


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


def list_letters(
    *,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="So many at the most.", show_default=f"{LIMIT_FOR_PEOPLE}, with --json all"),
    ] = None,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List the messages, and what became of their events. Nobody else sees them in the meantime."""
    found = stack.find(stack_name, profile, region)
    with of_stack(found) as dead:
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


def show(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The message, as dlq list shows it.")],
    *,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show one message whole."""
    found = stack.find(stack_name, profile, region)
    with of_stack(found) as dead:
        wanted = (each for batch in dead.letters() for each in batch if each.id == message_id)
        letter = next(wanted, None)
    if letter is None:
        raise Failure(missing([message_id]))
    [known] = _with_records(found, [letter])
    whole = _whole(known, letter)
    if as_json:
        show_json(whole)
    else:
        _show_whole(whole)


def _with_records(found: Stack, letters: Sequence[DeadLetter]) -> Iterator[Letter]:
    """The letters, each with what the event table says of its event."""
    identities = {letter.message.identity for letter in letters if letter.message}
    events = EventRecords(found.dynamodb(), found.output("EventTableName"))
    records = {record.identity: record for record in events.of(identities)}
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
