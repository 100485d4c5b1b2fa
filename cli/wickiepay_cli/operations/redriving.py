"""The messages of the dead-letter queue, with what is on record of their events; sends them to be processed again."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from wickiepay import clock
from wickiepay.queue import Replay
from wickiepay_cli.checkout.in_money import processed_again
from wickiepay_cli.pacing import batch_size, paced
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.dead_letters import FOREIGN, DeadLetter
from wickiepay_cli.store.replays import REPLAYABLE


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


@dataclass(slots=True)
class Redriven:
    """Numbers of messages: sent; not ours, or not taken by the queue, and so kept. `missing` are ids not found."""

    redriven: int = 0
    foreign: int = 0
    unsent: int = 0
    missing: set[str] = field(default_factory=set)


def with_records(stack: Stack, letters: Sequence[DeadLetter]) -> Iterator[Letter]:
    """The letters, each with what the event table says of its event."""
    identities = {letter.message.identity for letter in letters if letter.message}
    records = {record.identity: record for record in stack.events().of(identities)}
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


class Question:
    """What it would do to redrive the messages of these ids (none: all of them), for a person who is asked.

    Others may come meanwhile, so only the messages that the question `named` may be redriven then; None if nobody was
    asked.
    """

    def __init__(self, stack: Stack, wanted: Collection[str]) -> None:
        self._stack = stack
        self._wanted = wanted
        self.named: set[str] | None = None

    def __call__(self) -> str | None:
        """The question; None if there is nothing to redrive."""
        letters = list[DeadLetter]()
        with self._stack.dead_letters() as dead:
            for batch in dead.letters():
                letters += [letter for letter in batch if not self._wanted or letter.id in self._wanted]
                if self._wanted and len(letters) == len(self._wanted):
                    break
        self.named = {letter.id for letter in letters}
        messages = [letter.message for letter in letters if letter.message]
        if not messages:
            return None
        many = "1 message" if len(messages) == 1 else f"{len(messages)} messages"
        events = (each.event() for each in messages)
        return processed_again(f"send {many} to be processed again", events, self._stack)


def redrive(  # noqa: PLR0913  what to send, how, and who is told
    stack: Stack,
    wanted: Collection[str],
    order: Replay | None,
    rate: float | None = None,
    *,
    named: Collection[str] | None = None,
    advance: Callable[[int], None] = lambda _: None,
    show: Callable[[Sequence[DeadLetter]], None] = lambda _: None,
) -> Redriven:
    """Sends the messages of these ids again (none: all of them), and notes `order` on the records of their events.

    If some were `named` when a person was asked, no others are sent. Without an order, nothing is sent or noted. `show`
    is told of what is about to be sent, `advance` of how many were done with. Stops if the event queue takes no more.
    """
    queue, replayer, done = stack.queue(), stack.replayer(), Redriven(missing=set(wanted))
    with stack.dead_letters() as dead:
        for batch in paced(dead.letters(batch_size(rate)), rate):
            chosen = [
                letter
                for letter in batch
                if (not wanted or letter.id in done.missing) and (named is None or letter.id in named)
            ]
            ours = [letter for letter in chosen if letter.message]
            show(ours)
            sent = ours
            if order:
                replayer.note({letter.message.identity for letter in ours if letter.message}, order, REPLAYABLE)
                sent = dead.redrive(ours, queue)
            done.missing -= {letter.id for letter in chosen}
            done.redriven += len(sent)
            done.foreign += len(chosen) - len(ours)
            done.unsent += len(ours) - len(sent)
            advance(len(chosen))
            if done.unsent or (wanted and not done.missing):
                break
    return done
