"""Replays: an operator sends events to be processed again. Each record says who, when and why before it is sent."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from wickiepay.dynamodb import Item
from wickiepay.event_log import EventLog
from wickiepay.event_record import State, key, pending_of, state_of
from wickiepay.identity import Identity
from wickiepay.queue import EventQueue, Message, Replay
from wickiepay_cli.store.dynamodb import items_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

REPLAYABLE: Final = frozenset({State.RECEIVED, State.PROCESSED, State.IGNORED, State.FAILED})

TRIGGERED: Final = "sent with wickiepay trigger"
"""Begins the reason on the record of an event that no provider sent, and that was not replayed."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of events: sent to be processed again; gone or in another state; refused by the queue."""

    replayed: int = 0
    skipped: int = 0
    unsent: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.replayed + other.replayed, self.skipped + other.skipped, self.unsent + other.unsent)


class Replayer:
    def __init__(self, client: "DynamoDBClient", table: str, queue: EventQueue, now: Callable[[], datetime]) -> None:
        self._client = client
        self._events = EventLog(client, table)
        self._queue = queue
        self._now = now

    def replay(self, identities: Sequence[Identity], replay: Replay, states: Collection[State] = REPLAYABLE) -> Tally:
        """Notes the replay on each of at most ten events that is in one of `states`, then sends them to the consumer.

        Raises as `note` does. A queue that is out of reach is counted, not an error.
        """
        noted = self.note(identities, replay, states)
        messages = [Message.of(pending_of(item), replay) for item in noted]
        taken = self._queue.send_all(messages)
        return Tally(taken.count(True), len(identities) - len(noted), taken.count(False))

    def note(self, identities: Iterable[Identity], replay: Replay, states: Collection[State]) -> list[Item]:
        """Notes the replay on the events that are in one of `states`, and returns their records.

        Raises `StoreUnavailable` if the table cannot be read, or others write to a record again and again.
        """
        items = items_of(self._client, self._events.table, map(key, identities))
        return [
            item for item in items if state_of(item) in states and self._events.note_replay(item, replay, self._now())
        ]
