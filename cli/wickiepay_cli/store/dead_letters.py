"""The dead-letter queue: messages that the consumer gave up.

SQS can move them back by itself, but does not show what it moves. Here they are received, which hides them from
everybody else for a while, and then either sent to the event queue and deleted, or put back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Final, Self

from wickiepay.errors import MalformedMessage
from wickiepay.queue import MAX_ENTRIES, EventQueue, Message, decode

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType
    from types_boto3_sqs.type_defs import MessageTypeDef

HIDDEN_SECONDS: Final = 60
"""How long a received message stays hidden if it is never put back."""

WAIT_SECONDS: Final = 1
"""Wait for messages. Long polling asks all SQS servers, so an empty answer means an empty queue.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""

FOREIGN: Final = "The listener did not write this message."

COUNTS: Final[Sequence["QueueAttributeNameType"]] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in the queue. `receives` counts every look; `message` is None if this listener did not write it."""

    id: str
    text: str
    message: Message | None
    receives: int
    sent_at: datetime


class DeadLetters:
    """The messages of a dead-letter queue. When its `with` block ends, those that are still there are put back."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url
        self._handles: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handles in batched(self._handles.values(), MAX_ENTRIES, strict=False):
            self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0} for n, handle in enumerate(handles)
                ],
            )

    def letters(self, at_once: int = MAX_ENTRIES) -> Iterator[list[DeadLetter]]:
        """The messages in batches of at most `at_once` (ten), each of them once."""
        while messages := self._receive(at_once):
            new = [message for message in messages if message["MessageId"] not in self._handles]
            self._handles |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
            if not new:
                return  # so many that the first ones are visible again
            yield [_dead_letter(message) for message in new]

    def redrive(self, letters: Sequence[DeadLetter], queue: EventQueue) -> list[DeadLetter]:
        """Sends at most ten messages to the event queue, and deletes and returns those that it took.

        A message that cannot be deleted afterwards comes again in both queues, but is still processed once.
        """
        sendable = [(letter, letter.message) for letter in letters if letter.message]
        taken = queue.send_all([message for _, message in sendable])
        sent = [letter for (letter, _), was_taken in zip(sendable, taken, strict=True) if was_taken]
        if sent:
            self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(n), "ReceiptHandle": self._handles[each.id]} for n, each in enumerate(sent)],
            )
        for letter in sent:
            del self._handles[letter.id]
        return sent

    def _receive(self, at_once: int) -> list["MessageTypeDef"]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=at_once,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        return answer.get("Messages", [])


def missing(ids: Sequence[str]) -> str:
    """The sentence about messages that were not found."""
    return f"Not in the dead-letter queue now: {', '.join(ids)}. What somebody looks at is hidden for up to a minute."


def message_count(client: "SQSClient", url: str) -> int:
    """The approximate number of messages in a queue: waiting, in flight, and delayed."""
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
    return sum(int(attributes[name]) for name in COUNTS)


def _dead_letter(message: "MessageTypeDef") -> DeadLetter:
    try:
        content = decode(message["Body"])
    except MalformedMessage:
        content = None
    return DeadLetter(
        id=message["MessageId"],
        text=message["Body"],
        message=content,
        receives=int(message["Attributes"]["ApproximateReceiveCount"]),
        sent_at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
    )
