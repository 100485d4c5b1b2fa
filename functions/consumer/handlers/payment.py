"""The life of a payment: PENDING → PROCESSING → COMPLETE, or UNDERPAID, EXPIRED, CANCELLED.

The stages order events that arrive out of order: a late event never undoes a final COMPLETE, while a payment that was
UNDERPAID or EXPIRED may still become COMPLETE. `wickiepay_books.order_status` derives the status of an order.
"""

from wickiepay.effects import Effect, set_payment
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("payment.created")
def payment_created(event: WebhookEvent, _: Settings) -> list[Effect]:
    return set_payment(event, stage=10, status="PENDING")


@on("payment.processing")
def payment_processing(event: WebhookEvent, _: Settings) -> list[Effect]:
    return set_payment(event, stage=20, status="PROCESSING")


@on("payment.underpaid")
def payment_underpaid(event: WebhookEvent, _: Settings) -> list[Effect]:
    return set_payment(event, stage=30, status="UNDERPAID", received="part")


@on("payment.expired")
def payment_expired(event: WebhookEvent, _: Settings) -> list[Effect]:
    return set_payment(event, stage=30, status="EXPIRED")


@on("payment.cancelled")
def payment_cancelled(event: WebhookEvent, _: Settings) -> list[Effect]:
    return set_payment(event, stage=30, status="CANCELLED")


@on("payment.completed")
def payment_completed(event: WebhookEvent, _: Settings) -> list[Effect]:
    # This pays an order, not a wallet, so no balance is credited.
    return set_payment(event, stage=90, status="COMPLETE", received="all")
