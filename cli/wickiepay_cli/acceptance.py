"""Accepting a conflict: by an operator's word, a delivery that differs from the one on record is an event of its own.

It is recorded under a key of its own, which says so, and its credit is then a separate entry (`wickiepay.effects`).
Who, when and why stands on the conflict's record; once it does, accepting again does nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from wickiepay.clock import instant
from wickiepay.event import WebhookEvent
from wickiepay.event_log import EventLog
from wickiepay.event_record import State, delivery_of
from wickiepay.identity import Identity
from wickiepay.queue import EventQueue, Message
from wickiepay_cli.failure import Failure
from wickiepay_cli.records import Acceptance, WholeRecord, acceptance, key_of
from wickiepay_cli.tables import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CONFLICT: Final = "!conflict#"
ACCEPTED: Final = "!accepted#"
"""Between the key of the first delivery's event and the hash of the data that this one has."""


def original(conflict: Identity) -> Identity:
    """The event with which a delivery is in conflict."""
    return Identity(conflict.uuid, conflict.event_key.partition(CONFLICT)[0])


def one_conflict(records: Sequence[WholeRecord], event_key: str | None) -> Identity:
    """The conflict among the records of a uuid; of several the one whose key, or whose event's key, is `event_key`.

    Raises `Failure` where there is none, or where there are several.
    """
    conflicts = [Identity(each.uuid, each.event_key) for each in records if each.state is State.CONFLICT]
    chosen = [each for each in conflicts if event_key in {None, each.event_key, original(each).event_key}]
    if not chosen:
        raise Failure("There is no such conflict on record.")
    if len(chosen) > 1:
        keys = ", ".join(each.event_key for each in chosen)
        raise Failure(f"There are {len(chosen)} conflicts: say with --event-key which of them to accept: {keys}.")
    return chosen[0]


class Acceptances:
    def __init__(self, client: "DynamoDBClient", table: str, queue: EventQueue) -> None:
        self._client = client
        self._table = table
        self._events = EventLog(client, table)
        self._queue = queue

    def find(self, conflict: Identity) -> Acceptance | None:
        """What is on record of a conflict's acceptance; None where it was not accepted."""
        return acceptance(self._item(conflict))

    def accept(self, conflict: Identity, by: str, why: str, at: datetime) -> Acceptance:
        """Makes a conflict an event of its own, sends it to the consumer, and notes who did; returns what is noted.

        Where a step fails (`StoreUnavailable`, or botocore's errors), doing it again does the rest.
        """
        item = self._item(conflict)
        if done := acceptance(item):
            return done
        delivery, event = delivery_of(item), _event(item, conflict)
        recorded = self._events.record(delivery, event)
        if recorded.to_send:
            self._queue.send(Message(event.identity, recorded.to_send))
        return self._note(conflict, Acceptance(event.event_key, by, why, instant(at)))

    def event(self, conflict: Identity) -> WebhookEvent:
        """The event of its own that a conflict is once it is accepted."""
        return _event(self._item(conflict), conflict)

    def _note(self, conflict: Identity, wanted: Acceptance) -> Acceptance:
        """Keeps an acceptance, or returns the one that another operator noted in the meantime."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key_of(conflict),
                UpdateExpression="SET accepted_as = :key, accepted_by = :by, accepted_why = :why, accepted_at = :at",
                ConditionExpression="attribute_exists(event_key) AND attribute_not_exists(accepted_as)",
                ExpressionAttributeValues={
                    ":key": {"S": wanted.accepted_as},
                    ":by": {"S": wanted.by},
                    ":why": {"S": wanted.why},
                    ":at": {"S": wanted.at},
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return acceptance(self._item(conflict)) or wanted
        return wanted

    def _item(self, conflict: Identity) -> Item:
        answer = self._client.get_item(TableName=self._table, Key=key_of(conflict), ConsistentRead=True)
        return answer["Item"]


def _event(item: Item, conflict: Identity) -> WebhookEvent:
    accepted_key = conflict.event_key.replace(CONFLICT, ACCEPTED)
    return replace(delivery_of(item).event(), uuid=conflict.uuid, event_key=accepted_key)
