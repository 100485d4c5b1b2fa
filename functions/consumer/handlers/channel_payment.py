"""A deposit into a customer's standing channel: detected, confirmed, completed. It pays no order.

The customer's balance is credited once: by `.confirmed`, as the provider's own example does, or by `.completed` where
the confirmation was lost.
"""

import os

from wickiepay.effects import Effect, credit, set_payment
from wickiepay.event import WebhookEvent
from wickiepay.routing import on

ACCOUNT_FIELD = os.environ.get("ACCOUNT_FIELD", "reference")
"""The field of the event's data that names the account to credit; the template's parameter AccountField."""


@on("channel.payment.detected")
def channel_payment_detected(event: WebhookEvent) -> list[Effect]:
    return set_payment(event, stage=10, status="DETECTED")


@on("channel.payment.confirmed")
def channel_payment_confirmed(event: WebhookEvent) -> list[Effect]:
    confirmed = set_payment(event, stage=50, status="CONFIRMED", received="all")
    return [*confirmed, *credit(event, ACCOUNT_FIELD)]


@on("channel.payment.completed")
def channel_payment_completed(event: WebhookEvent) -> list[Effect]:
    completed = set_payment(event, stage=90, status="COMPLETE", received="all")
    return [*completed, *credit(event, ACCOUNT_FIELD, if_missing=True)]
