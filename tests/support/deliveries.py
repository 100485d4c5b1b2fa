"""Events and deliveries, as tests want them."""

import json
from typing import Final, Protocol

from wickiepay.delivery import Delivery
from wickiepay.event import WebhookEvent, parse

PAYMENT: Final = {
    "uuid": "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11",
    "type": "IN",
    "reference": "order-1001",
    "displayCurrency": {"currency": "EUR", "amount": 100},
    "paidCurrency": {"currency": "USDC", "amount": 108.5},
}


class BodyOf(Protocol):
    def __call__(self, event: str = ..., data: object = ..., **envelope: object) -> bytes: ...


class EventOf(Protocol):
    def __call__(self, event: str = ..., data: object = ..., **envelope: object) -> WebhookEvent: ...


class DeliveryOf(Protocol):
    def __call__(self, body: bytes = ..., *, scheme: str = ..., received_at: str = ...) -> Delivery: ...


def make_body(event: str = "payment.completed", data: object = PAYMENT, **envelope: object) -> bytes:
    whole = {"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": data, **envelope}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def make_event(event: str = "payment.completed", data: object = PAYMENT, **envelope: object) -> WebhookEvent:
    body = make_body(event, data, **envelope)
    return parse(body)


def make_delivery(
    body: bytes | None = None, *, scheme: str = "raw", received_at: str = "2026-01-15T10:25:01.000000Z"
) -> Delivery:
    return Delivery(make_body() if body is None else body, scheme, received_at, "203.0.113.7", "request-1")
