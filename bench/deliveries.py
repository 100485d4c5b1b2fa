"""The benchmark's deliveries: signed events of a given size, as the provider sends them, and their queue messages."""

import hashlib
import json
from typing import Any, Final

from bench.stub_aws import SECRET
from wickiepay.delivery import Delivery
from wickiepay.event import parse
from wickiepay.queue import Message, encode
from wickiepay.signature import sign

KIB: Final = 1024
RECEIVED_AT: Final = "2026-01-15T17:30:00.000000Z"
REQUEST_ID: Final = "JKJaXmPLvHcESHA="
SENDER: Final = "192.0.2.10"

type ApiEvent = dict[str, Any]


def body(uuid: str, size: int = KIB, name: str = "payment.completed") -> bytes:
    """An event of a payment, of exactly `size` bytes where it is not larger already.

    It grows as a real one does, by transactions, each with a hash that does not compress; a note fills up the rest.
    """
    digest = _digest(uuid)
    data: dict[str, Any] = {"uuid": uuid, "type": "IN", "status": "COMPLETE", "reference": f"order-{digest[:8]}"}
    envelope = {"event": name, "timestamp": "2026-01-15T10:25:00Z", "data": data}
    if size >= KIB:
        data |= {
            "merchantId": uuid[::-1],
            "displayCurrency": {"currency": "EUR", "amount": 100.25},
            "paidCurrency": {"currency": "USDT", "amount": 108.5},
            "transactions": [_transaction(digest)],
            "metadata": {"note": ""},
        }
        transaction_size = len(json.dumps(_transaction(digest))) + len(", ")
        for number in range((size - len(json.dumps(envelope))) // transaction_size):
            data["transactions"].append(_transaction(_digest(f"{digest}{number}")))
        data["metadata"]["note"] = (digest * 4)[: size - len(json.dumps(envelope))]
    return json.dumps(envelope).encode()


def _transaction(digest: str) -> dict[str, Any]:
    return {"txHash": f"0x{digest}", "network": "ETHEREUM", "confirmations": 12, "amount": 108.5, "currency": "USDT"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def delivery(content: bytes, secret: str = SECRET) -> ApiEvent:
    """The event that API Gateway hands to ingest."""
    return {
        "version": "2.0",
        "routeKey": "ANY /webhooks/wickiepay",
        "rawPath": "/webhooks/wickiepay",
        "rawQueryString": "",
        "headers": {
            "accept-encoding": "gzip, br",
            "content-length": str(len(content)),
            "content-type": "application/json",
            "host": "webhooks.example.com",
            "user-agent": "webhooks",
            "x-amzn-trace-id": "Root=1-69690000-000000000000000000000000",
            "x-forwarded-for": SENDER,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-webhook-signature": sign(content, secret.encode()),
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "webhooks.example.com",
            "domainPrefix": "webhooks",
            "http": {
                "method": "POST",
                "path": "/webhooks/wickiepay",
                "protocol": "HTTP/1.1",
                "sourceIp": SENDER,
                "userAgent": "webhooks",
            },
            "requestId": REQUEST_ID,
            "routeKey": "ANY /webhooks/wickiepay",
            "stage": "$default",
            "time": "15/Jan/2026:17:30:00 +0000",
            "timeEpoch": 1768498200000,
        },
        "body": content.decode(),
        "isBase64Encoded": False,
    }


def uuid(kind: str, number: int) -> str:
    """Always the same one, as long as a real one."""
    digest = _digest(f"{kind} {number}")
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def firsts(kind: str, times: int, size: int = KIB) -> list[ApiEvent]:
    """Deliveries of events that were not delivered before."""
    return [delivery(body(uuid(kind, number), size)) for number in range(times)]


def forged(times: int, size: int = KIB) -> list[ApiEvent]:
    return [delivery(body(uuid("forged", number), size), "not the secret") for number in range(times)]


def message(content: bytes) -> str:
    """The message that ingest puts into the queue for a delivery."""
    event = parse(content)
    return encode(Message(event.identity, Delivery(content, "raw", RECEIVED_AT, SENDER, REQUEST_ID)))


def batch(kind: str, first: int, size: int, body_size: int = KIB) -> dict[str, Any]:
    """The event that Lambda hands to the consumer: `size` messages about payments."""
    numbers = range(first, first + size)
    return {"Records": [record(body(uuid(kind, number), body_size), number) for number in numbers]}


def record(content: bytes, number: int = 0) -> dict[str, Any]:
    """A message in a batch, about a delivery."""
    text = message(content)
    return {
        "messageId": uuid("message", number),
        "receiptHandle": f"AQEB{number:020}",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1768498200000",
            "SenderId": "AROAEXAMPLE:ingest",
            "ApproximateFirstReceiveTimestamp": "1768498200020",
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:EventQueue",
        "awsRegion": "us-east-1",
    }
