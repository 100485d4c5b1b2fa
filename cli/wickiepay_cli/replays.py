"""Replays: an operator has events processed again.

Who, when and why stands on the event's record, in the attribute `replays`, before anything is sent: a JSON list, the
last ten of them. What a replay then does, and does not do twice, is the consumer's to know.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from wickiepay.clock import instant
from wickiepay.errors import StoreUnavailable
from wickiepay.event_record import State, delivery_of
from wickiepay.identity import Identity
from wickiepay.queue import EventQueue, Message, Replay
from wickiepay_cli.records import identity_of, key_of
from wickiepay_cli.tables import Item, items_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

REPLAYABLE: Final = frozenset({State.RECEIVED, State.PROCESSED, State.IGNORED, State.FAILED})

HISTORY: Final = 10
ATTEMPTS: Final = 20
"""To add a line to a record; each that fails is another operator's that did not."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Of so many events: sent to be processed again; no longer there, or in another state; refused by the queue."""

    replayed: int = 0
    skipped: int = 0
    unsent: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.replayed + other.replayed, self.skipped + other.skipped, self.unsent + other.unsent)


class Replayer:
    def __init__(self, client: "DynamoDBClient", table: str, queue: EventQueue, now: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._queue = queue
        self._now = now

    def replay(self, identities: Sequence[Identity], replay: Replay, states: Collection[State] = REPLAYABLE) -> Tally:
        """Notes the replay on each of at most ten events that is in one of `states`, then sends them to the consumer.

        Raises `StoreUnavailable` where the table cannot be read or a record is fought over without end; a queue that is
        out of reach is a count, not an error.
        """
        items = items_of(self._client, self._table, map(key_of, identities))
        noted = [item for item in items if State(item["state"]["S"]) in states and self._note(item, replay)]
        messages = [Message(identity_of(item), delivery_of(item), replay=replay) for item in noted]
        taken = self._queue.send_all(messages)
        return Tally(taken.count(True), len(identities) - len(noted), taken.count(False))

    def _note(self, item: Item, replay: Replay) -> bool:
        """Adds a replay to the record's history, and loses nobody else's; says False where the record has expired."""
        line = {**asdict(replay), "at": instant(self._now())}
        key = key_of(identity_of(item))
        for _ in range(ATTEMPTS):
            history = item.get("replays", {"S": "[]"})
            unchanged = "replays = :old" if "replays" in item else "attribute_not_exists(replays)"
            values: dict[str, Any] = {":new": {"S": json.dumps([*json.loads(history["S"]), line][-HISTORY:])}}
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression="SET replays = :new",
                    ConditionExpression=f"attribute_exists(event_key) AND {unchanged}",
                    ExpressionAttributeValues=values | ({":old": history} if "replays" in item else {}),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as failed:
                now_there: Item | None = failed.response.get("Item")  # type: ignore[assignment]  # absent there
                if not now_there:
                    return False
                item = now_there
            else:
                return True
        raise StoreUnavailable("The record is too busy to note the replay on it now.")
