"""A listener in process, for an operator's commands to work on: tables, queues, and a consumer to be run by hand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import consumer
from tests.support import command_line
from tests.support.wiring import Wiring, consumer_on
from wickiepay.bus import EventBus
from wickiepay.clock import instant
from wickiepay.delivery import Delivery
from wickiepay.event import parse
from wickiepay.event_log import EventLog
from wickiepay.event_record import key, pending_of, replays_of
from wickiepay.identity import Identity
from wickiepay.lambda_events import sqs_batch
from wickiepay.ledger import Ledger
from wickiepay.ledger_items import balance_key
from wickiepay.queue import EventQueue, Message, decode, encode
from wickiepay_cli.stacks.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient

CONFIRMED: Final = "channel.payment.confirmed"
COMPLETED: Final = "channel.payment.completed"
EVENT_QUEUE: Final = command_line.OUTPUTS["EventQueueUrl"]
DEAD_LETTERS: Final = command_line.OUTPUTS["DeadLetterQueueUrl"]
KEEP: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OperatorStack:
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    events: EventLog
    ledger: Ledger
    queue: EventQueue
    bus: EventBus
    now: datetime

    def stack(self, *_: object) -> Stack:
        """In place of `wickiepay_cli.stacks.stack.find`, with the clients that a test may watch and trouble."""
        own: dict[str, Any] = {"dynamodb": self.dynamodb, "sqs": self.sqs}
        listener = command_line.stack()
        return replace(listener, client=lambda service: own.get(service) or listener.client(service))

    # --- What happens ----------------------------------------------------------------------------
    def receive(
        self,
        uuid: str = "c-1",
        event: str = CONFIRMED,
        *,
        age: timedelta = timedelta(hours=1),
        own_id: str | None = None,
        stamped: bool = True,
        **data: object,
    ) -> Identity:
        """Records a delivery that came so long ago, as ingest does, and sends nothing; it would credit 5 EUR."""
        money = {"reference": "account", "displayCurrency": {"currency": "EUR", "amount": 5}}
        at = instant(self.now - age)
        envelope = {"event": event, "timestamp": at if stamped else None, "data": {"uuid": uuid, **money, **data}}
        body = json.dumps({**envelope, "id": own_id} if own_id else envelope).encode()
        delivered = parse(body, at)
        recorded = self.events.record(Delivery(body, "raw", at, "192.0.2.1", "request"), delivered)
        if recorded.outcome == "conflict":
            return recorded.identity.conflict(delivered.content_hash)
        return recorded.identity

    def message(self, identity: Identity) -> Message:
        return Message.of(pending_of(self.item(identity)))

    def process(self, identity: Identity) -> Identity:
        """Has an event on record processed, as it is after ingest has sent it."""
        self.sqs.send_message(QueueUrl=EVENT_QUEUE, MessageBody=encode(self.message(identity)))
        self.consume()
        return identity

    def consume(self) -> list[Message]:
        """Hands the consumer what is in the event queue, and returns it."""
        working = consumer_on(Wiring(self.events, self.queue, self.ledger, self.bus, now=lambda: self.now), keep=KEEP)
        return [message for batch in self._batches() for message in self._consume(working, batch)]

    def _batches(self) -> Iterator[list[Any]]:
        while messages := self.sqs.receive_message(
            QueueUrl=EVENT_QUEUE, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            yield list(messages)

    def _consume(self, working: consumer.Consumer, batch: list[Any]) -> list[Message]:
        records = sqs_batch(batch)["Records"]
        assert working.process(records) == {"batchItemFailures": []}
        for message in batch:
            self.sqs.delete_message(QueueUrl=EVENT_QUEUE, ReceiptHandle=message["ReceiptHandle"])
        return [decode(message["Body"]) for message in batch]

    def bury(self, text: str) -> str:
        """Puts a message into the dead-letter queue; its id."""
        return self.sqs.send_message(QueueUrl=DEAD_LETTERS, MessageBody=text)["MessageId"]

    # --- What became of it -----------------------------------------------------------------------
    def item(self, identity: Identity) -> dict[str, Any]:
        answer = self.dynamodb.get_item(TableName="EventTable", Key=key(identity), ConsistentRead=True)
        item: dict[str, Any] = answer["Item"]
        return item

    def state(self, identity: Identity) -> str:
        state: str = self.item(identity)["state"]["S"]
        return state

    def replays(self, identity: Identity) -> list[dict[str, Any]]:
        """The history of replays on an event's record."""
        return replays_of(self.item(identity))

    def balance(self) -> str | None:
        """Of the account that everything here is credited to, in EUR."""
        item = self.dynamodb.get_item(TableName="LedgerTable", Key=balance_key("account", "EUR")).get("Item")
        return item["amount"]["N"] if item else None

    def waiting(self, url: str = EVENT_QUEUE) -> int:
        """How many messages a queue would hand out now."""
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])
