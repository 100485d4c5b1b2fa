"""A deposit into a customer's standing channel: detected, confirmed, completed. It pays no order.

The customer's balance is credited once: by `.confirmed`, as in the provider's example, or otherwise by `.completed`.
"""

from wickiepay.effects import Effect, credit, set_payment
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("channel.payment.detected")
def channel_payment_detected(event: WebhookEvent, _: Settings) -> list[Effect]:
    return set_payment(event, stage=10, status="DETECTED")


@on("channel.payment.confirmed")
def channel_payment_confirmed(event: WebhookEvent, settings: Settings) -> list[Effect]:
    confirmed = set_payment(event, stage=50, status="CONFIRMED", received="all")
    return [*confirmed, *credit(event, settings.account_field)]


@on("channel.payment.completed")
def channel_payment_completed(event: WebhookEvent, settings: Settings) -> list[Effect]:
    completed = set_payment(event, stage=90, status="COMPLETE", received="all")
    return [*completed, *credit(event, settings.account_field, if_missing=True)]
