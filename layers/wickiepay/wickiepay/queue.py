"""The event queue, by which ingest, the relay and operators hand events to the consumer."""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from wickiepay import sdk
from wickiepay.batching import batches
from wickiepay.delivery import Delivery, Received, unpack
from wickiepay.errors import MalformedMessage, StoreUnavailable
from wickiepay.event import WebhookEvent
from wickiepay.event_record import Pending
from wickiepay.identity import Identity
from wickiepay.outages import outages
from wickiepay.signature import SCHEMES

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

VERSION: Final = 1
MAX_ENTRIES: Final = 10
MAX_REQUEST_BYTES: Final = 1024 * 1024
"""The limit of one SendMessageBatch call.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

MAX_KEY_BYTES: Final = 1024
"""DynamoDB's limit for a sort key. One message with a longer or an empty key would fail the lookup of its batch."""

MAX_TEXT_BYTES: Final = 4096
"""Longest other text in a message; it fits into every record and announcement."""

_STORE = "The event queue"


@dataclass(frozen=True, slots=True)
class Replay:
    """An operator's request to process an event again: who, why, and whether to announce a processed one again."""

    id: str
    by: str
    why: str
    announce: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One whole event for the consumer, which can read it without any table.

    `identity`, `place` and `entry` are those of its record (`wickiepay.event_record.Pending`); an operator may have set
    them. `unrecorded` says that the event table was out of reach, so the consumer has to record the delivery first.
    """

    identity: Identity
    delivery: Delivery
    unrecorded: bool = False
    replay: Replay | None = None
    place: str | None = None
    entry: str | None = None

    @classmethod
    def of(cls, pending: Pending, replay: Replay | None = None) -> "Message":
        """The message for an event on record that has to be processed."""
        return cls(pending.identity, pending.delivery, replay=replay, place=pending.place, entry=pending.entry)

    def event(self) -> WebhookEvent:
        """The event to process. Raises what `Delivery.event` raises."""
        return Pending(self.identity, self.delivery, self.place, self.entry).event()


def encode(message: Message) -> str:
    """The text of a queue message, for `decode`. It is under 400 KB for a body of 256 KiB."""
    delivery = message.delivery
    content: dict[str, Any] = {
        "version": VERSION,
        "uuid": message.identity.uuid,
        "event_key": message.identity.event_key,
        "body": base64.b64encode(delivery.packed_body).decode(),
        "scheme": delivery.scheme,
        "received_at": delivery.received_at,
        "source": delivery.source,
        "request_id": delivery.request_id,
        "unrecorded": message.unrecorded,
    }
    # Additions to version 1, which a consumer that does not know them ignores.
    if delivery.received:
        content["received"] = asdict(delivery.received)
    if message.replay:
        content["replay"] = asdict(message.replay)
    if message.place:
        content["place"] = message.place
    if message.entry:
        content["entry"] = message.entry
    return json.dumps(content, separators=(",", ":"))


def decode(text: str) -> Message:
    """The message that `encode` wrote. Raises `MalformedMessage` for anything else."""
    try:
        content = json.loads(text)
        if content["version"] != VERSION or content["scheme"] not in SCHEMES:
            raise MalformedMessage("The message is of a version or a scheme that this consumer does not know.")
        return Message(
            identity=Identity(_key(content, "uuid"), _key(content, "event_key")),
            delivery=Delivery(
                body=unpack(base64.b64decode(content["body"], validate=True)),
                scheme=content["scheme"],
                received_at=_key(content, "received_at"),
                source=_text(content, "source"),
                request_id=_text(content, "request_id"),
                received=_received(content["received"]) if "received" in content else None,
            ),
            unrecorded=content["unrecorded"] is True,
            replay=_replay(content["replay"]) if "replay" in content else None,
            place=_key(content, "place") if "place" in content else None,
            entry=_key(content, "entry") if "entry" in content else None,
        )
    except (KeyError, TypeError, ValueError, RecursionError, zlib.error) as error:
        raise MalformedMessage("The message is not one that this listener writes.") from error


class EventQueue:
    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, message: Message) -> None:
        """Hands one event to the consumer. Raises `StoreUnavailable`."""
        with outages(_STORE):
            self._client.send_message(QueueUrl=self._url, MessageBody=encode(message))

    def rehearse(self) -> None:
        """Goes through a call without sending it. No queue would take the message: it is empty."""
        with sdk.rehearsal(self._client):
            self._client.send_message(QueueUrl=self._url, MessageBody="")

    def send_all(self, messages: Sequence[Message]) -> list[bool]:
        """Sends up to ten events per call. Returns for each whether the queue took it; in an outage that is False."""
        taken: list[bool] = []
        everything: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": encode(message)} for number, message in enumerate(messages)
        ]
        for entries in batches(everything, lambda entry: len(entry["MessageBody"]), MAX_ENTRIES, MAX_REQUEST_BYTES):
            try:
                with outages(_STORE):
                    answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            except StoreUnavailable:
                taken += [False] * len(entries)
            else:
                accepted = {success["Id"] for success in answer.get("Successful", [])}
                taken += [entry["Id"] in accepted for entry in entries]
        return taken

    def delay(self, receipt_handle: str, seconds: int) -> None:
        """Keeps a received message from coming again for `seconds`. Raises `StoreUnavailable`."""
        with outages(_STORE):
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )


def _text(content: dict[str, Any], field: str) -> str:
    value = content[field]
    if not isinstance(value, str):
        raise TypeError(field)
    if len(value.encode()) > MAX_TEXT_BYTES:  # a lone surrogate raises a ValueError here; no table accepts one
        raise ValueError(field)
    return value


def _key(content: dict[str, Any], field: str) -> str:
    value = _text(content, field)
    if not 0 < len(value.encode()) <= MAX_KEY_BYTES:
        raise ValueError(field)
    return value


def _replay(content: dict[str, Any]) -> Replay:
    return Replay(
        _text(content, "id"), _text(content, "by"), _text(content, "why"), announce=content["announce"] is True
    )


def _received(content: dict[str, Any]) -> Received:
    return Received(int(content["bytes"]), _text(content, "sha256"))
