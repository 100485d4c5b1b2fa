"""Orphans: events that nothing will ever process, because they were never sent or their message is gone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched, chain
from typing import Final

from wickiepay.clock import instant
from wickiepay.dynamodb import Item
from wickiepay.event_record import UNFINISHED, State, pending_of, state_of
from wickiepay.identity import Identity
from wickiepay.queue import MAX_ENTRIES, Message, Replay
from wickiepay_cli.doctor.checks import Check, Suspects, keys, named
from wickiepay_cli.doctor.tables import Tables
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.dead_letters import message_count
from wickiepay_cli.store.replays import Replayer

OVERDUE_AGE: Final = timedelta(minutes=15)
"""Age from which an unfinished event may be an orphan; ingest sends or flags an event within seconds."""


@dataclass(frozen=True, slots=True)
class Orphan:
    uuid: str
    event_key: str
    received_at: str

    @property
    def identity(self) -> Identity:
        return Identity(self.uuid, self.event_key)


class NoOrphans:
    """Every event that is RECEIVED for longer than 15 minutes is flagged unsent, in the queue, or a dead letter.

    The queue's messages cannot be read, only counted. So while it holds any, overdue events are merely late.
    """

    def __init__(self, stack: Stack, tables: Tables, now: datetime, pause: Callable[[], None]) -> None:
        self._stack = stack
        self._tables = tables
        self._now = now
        self._before = instant(now - OVERDUE_AGE)
        self._overdue = Suspects(self._look, pause)
        self.late = self.dead = self.repaired = self._mended = 0

    @property
    def orphans(self) -> Sequence[Orphan]:
        """The first thousand orphans."""
        return self._overdue.wrong

    def see(self, item: Item) -> None:
        if _is_waiting(item) and item["received_at"]["S"] < self._before:
            self._overdue.add(Orphan(item["uuid"]["S"], item["event_key"]["S"], item["received_at"]["S"]))

    def repair(self, order: Callable[[Sequence[Orphan]], Replay]) -> None:
        """Sends the first thousand orphans to the consumer, as ingest would have, and notes the `order` for that.

        Whoever gives it is told of the orphans first, and may raise instead.
        """
        self._overdue.settle()
        if not self.orphans:
            return
        replay, queue = order(self.orphans), self._stack.queue()
        replayer = Replayer(self._tables.client, self._tables.events, queue, lambda: self._now)
        for batch in batched(self.orphans, MAX_ENTRIES, strict=False):
            noted = replayer.note((orphan.identity for orphan in batch), replay, UNFINISHED)
            taken = queue.send_all([Message.of(pending_of(item)) for item in noted])
            self.repaired += taken.count(True)
            self._mended += len(batch) - taken.count(False)

    def check(self) -> Check:
        self._overdue.settle()
        left = self._overdue.count - self._mended
        facts = {
            "in no queue": left,
            "in no queue and sent now": self.repaired,
            "late while the queue is at work": self.late,
            "overdue in the dead-letter queue": self.dead,
        }
        detail = ", ".join(f"{number} {fact}" for fact, number in facts.items() if number) or "none overdue"
        names = named(keys(orphan.identity for orphan in self.orphans), self._overdue.count)
        return Check("no_orphans", not left, f"{detail}: {names}" if names else detail)

    def _look(self, suspects: Sequence[Orphan]) -> list[Orphan]:
        """The suspects in no queue. The queue comes first: what has left it by then is finished, or a dead letter."""
        waiting = self._waiting(suspects)
        if waiting and message_count(self._stack.sqs(), self._stack.output("EventQueueUrl")):
            self.late += len(waiting)
            return []
        dead = self._dead_letters(frozenset(orphan.identity for orphan in waiting))
        self.dead += len(dead)
        return self._waiting([orphan for orphan in waiting if orphan.identity not in dead])

    def _waiting(self, suspects: Sequence[Orphan]) -> list[Orphan]:
        records = self._tables.records((orphan.identity for orphan in suspects), ["state", "unsent"])
        waiting = {identity for identity, item in records.items() if _is_waiting(item)}
        return [orphan for orphan in suspects if orphan.identity in waiting]

    def _dead_letters(self, identities: frozenset[Identity]) -> frozenset[Identity]:
        """The events that have a message in the dead-letter queue."""
        if not identities:
            return identities
        with self._stack.dead_letters() as dead:
            about = (each.message.identity for each in chain.from_iterable(dead.letters()) if each.message)
            return frozenset(identity for identity in about if identity in identities)


def _is_waiting(item: Item) -> bool:
    return state_of(item) is State.RECEIVED and "unsent" not in item
