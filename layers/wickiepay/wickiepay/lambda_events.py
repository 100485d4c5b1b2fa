"""Events as Lambda hands them to the functions, with only what those read: for stand-ins of API Gateway and SQS."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

HTTP: Final = {"method": "POST", "sourceIp": "192.0.2.1"}
"""The default `requestContext.http`. Its address is reserved for documentation (RFC 5737)."""


def http_request(
    body: bytes,
    signature: str | None,
    *,
    headers: Mapping[str, object] | None = None,
    request_id: str = "request",
    **http: str,
) -> dict[str, Any]:
    """A POST to an HTTP API (format 2.0), signed or not; `http` is for fields of `requestContext.http`."""
    signed = {} if signature is None else {"x-webhook-signature": signature}
    return {
        "version": "2.0",
        "requestContext": {"requestId": request_id, "http": HTTP | http},
        "headers": {"content-type": "application/json", **signed, **(headers or {})},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def sqs_batch(messages: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """A batch of messages, each given in the form of SQS's ReceiveMessage."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "eventSource": "aws:sqs",
            }
            for message in messages
        ]
    }


def sqs_message(body: str, sent_at: datetime, message_id: str = "message", receives: int = 1) -> dict[str, Any]:
    """A message in the form of ReceiveMessage that is in no queue."""
    sent_ms = round(sent_at.timestamp() * 1000)
    attributes = {"ApproximateReceiveCount": str(receives), "SentTimestamp": str(sent_ms)}
    return {"MessageId": message_id, "ReceiptHandle": "none", "Body": body, "Attributes": attributes}
