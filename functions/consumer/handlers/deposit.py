"""Deposits into the merchant's own wallets: PENDING → CONFIRMED → COMPLETE, with one event for each status."""

from wickiepay.effects import Effect, set_resource
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("deposit.status_change")
def deposit_status_change(event: WebhookEvent, _: Settings) -> list[Effect]:
    return [set_resource(event, "deposit")]
