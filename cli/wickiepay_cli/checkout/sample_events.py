"""The sample invocations in `events`, made from the payloads and signed with the local stack's default secret."""

import base64
import hashlib
import json
from typing import Any, Final

from wickiepay.delivery import Delivery
from wickiepay.event import parse
from wickiepay.lambda_events import http_request, sqs_batch
from wickiepay.queue import Message, Replay, encode
from wickiepay.signature import sign
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.sending.samples import sample

SECRET: Final = DEFAULT_SIGNING_SECRET.encode()
REQUEST_ID: Final = "JKJaXmPLvHcESHA="
SENDER: Final = "192.0.2.10"
RECEIVED_AT: Final = "2026-01-15T17:30:00.000000Z"
RECEIVED_MS: Final = 1768498200000
ACCOUNT: Final = "123456789012"
TOO_LARGE: Final = 256 * 1024 + 1

FAMILIES: Final = (
    "payment.completed",
    "channel.payment.confirmed",
    "deposit.status_change",
    "withdrawal.status_change",
    "consolidation.status_change",
    "crypto.address.created",
    "trade.conversion.created",
    "balance.updated",
    "approval.request.status_changed",
    "audit.login",
)
"""One event of each family, as many as a batch holds."""

NO_EVENT: Final = b'{"message": "Rightly signed, and no event."}'
UNKNOWN_TYPE: Final = b'{"event": "refund.created", "timestamp": "2026-01-15T17:29:00Z", "data": {"uuid": "refund-1"}}'
NO_ACCOUNT: Final = (
    b'{"event": "channel.payment.confirmed", "data": {"uuid": "no-account", "amount": 5, "currency": "EUR"}}'
)


def sample_events() -> dict[str, str]:
    """The contents of the files below `events`, by name."""
    contents = {**_ingest(), **_consumer(), "relay/tick.json": _tick()}
    return {name: json.dumps(content, indent=2) + "\n" for name, content in contents.items()}


def _ingest() -> dict[str, Any]:
    completed = sample("payment.completed")
    valid = _request(completed)
    return {
        "ingest/valid.json": valid,
        "ingest/valid_channel_payment.json": _request(sample("channel.payment.confirmed")),
        "ingest/valid_deposit.json": _request(sample("deposit.status_change")),
        "ingest/valid_node_scheme.json": _request(completed, sign(completed, SECRET, "node")),
        "ingest/valid_python_scheme.json": _request(completed, sign(completed, SECRET, "python")),
        "ingest/duplicate.json": valid,
        "ingest/base64.json": {
            **valid,
            "body": base64.b64encode(completed).decode(),
            "isBase64Encoded": True,
        },
        "ingest/bad_signature.json": _request(completed, sign(completed, b"another secret")),
        "ingest/missing_signature.json": _request(completed, None),
        "ingest/oversized.json": _request(_padded(TOO_LARGE)),
        "ingest/wrong_method.json": _request(b"", None, method="GET"),
        "ingest/other_content_type.json": _request(completed, content_type="text/plain"),
        "ingest/unusable.json": _request(NO_EVENT),
    }


def _consumer() -> dict[str, Any]:
    completed, confirmed = sample("payment.completed"), sample("channel.payment.confirmed")
    replay = Replay(id="6f1d0a52-9f0e-4c39-8a53-1c7a0d3a8d11", by="operator", why="The handler was mended.")
    return {
        "consumer/each_family.json": _batch(*(_message(sample(name)) for name in FAMILIES)),
        "consumer/mixed_with_poison.json": _batch(_message(completed), "no message of ours", _message(confirmed)),
        "consumer/unrecorded.json": _batch(_message(confirmed, unrecorded=True)),
        "consumer/replay.json": _batch(_message(completed, replay=replay)),
        "consumer/unknown_type.json": _batch(_message(UNKNOWN_TYPE)),
        "consumer/no_account.json": _batch(_message(NO_ACCOUNT)),
    }


def _request(
    body: bytes, signature: str | None = "", method: str = "POST", content_type: str = "application/json"
) -> dict[str, Any]:
    """The event of an HTTP API for a request with a correct signature, or with `signature`; None leaves it out."""
    if signature == "":
        signature = sign(body, SECRET)
    headers = {"content-length": str(len(body)), "content-type": content_type, "host": "webhooks.example.com"}
    http = {"path": "/webhooks/wickiepay", "protocol": "HTTP/1.1", "userAgent": "sample"}
    request = http_request(
        body, signature, headers=headers, request_id=REQUEST_ID, method=method, sourceIp=SENDER, **http
    )
    return {
        **request,
        "routeKey": "ANY /webhooks/wickiepay",
        "rawPath": "/webhooks/wickiepay",
        "rawQueryString": "",
        "requestContext": {
            **request["requestContext"],
            "accountId": ACCOUNT,
            "apiId": "a1b2c3d4e5",
            "domainName": "webhooks.example.com",
            "domainPrefix": "webhooks",
            "routeKey": "ANY /webhooks/wickiepay",
            "stage": "$default",
            "time": "15/Jan/2026:17:30:00 +0000",
            "timeEpoch": RECEIVED_MS,
        },
    }


def _padded(size: int) -> bytes:
    """An event of exactly `size` bytes."""
    event = b'{"event": "payment.created", "data": {"uuid": "too-large", "metadata": {"note": "%s"}}}'
    return event % (b"x" * (size - len(event % b"")))


def _message(body: bytes, *, unrecorded: bool = False, replay: Replay | None = None) -> str:
    delivery = Delivery(body, "raw", RECEIVED_AT, SENDER, REQUEST_ID)
    event = parse(body)
    return encode(Message(event.identity, delivery, unrecorded, replay))


def _batch(*bodies: str) -> dict[str, Any]:
    """The event that Lambda makes of messages from the queue."""
    messages = [
        {
            "MessageId": f"00000000-0000-4000-8000-{number:012}",
            "ReceiptHandle": f"sample-receipt-handle-{number}",
            "Body": body,
            "Attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": str(RECEIVED_MS),
                "SenderId": "AROAEXAMPLE:ingest",
                "ApproximateFirstReceiveTimestamp": str(RECEIVED_MS + 20),
            },
        }
        for number, body in enumerate(bodies, 1)
    ]
    return {
        "Records": [
            {
                **record,
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest(),
                "eventSourceARN": f"arn:aws:sqs:us-east-1:{ACCOUNT}:wickiepay-EventQueue",
                "awsRegion": "us-east-1",
            }
            for record in sqs_batch(messages)["Records"]
        ]
    }


def _tick() -> dict[str, Any]:
    """The event that EventBridge Scheduler sends if no input is set."""
    return {
        "version": "0",
        "id": "2f9c1c5e-7c43-4b0c-8f25-6a3ad5a1b7c4",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2026-01-15T17:31:00Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/wickiepay-RelayFunctionEveryMinute"],
        "detail": "{}",
    }
