"""Withdrawals from the merchant's own wallets: PROCESSING → COMPLETE and more, with one event for each status."""

from wickiepay.effects import Effect, set_resource
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("withdrawal.status_change")
def withdrawal_status_change(event: WebhookEvent, _: Settings) -> list[Effect]:
    return [set_resource(event, "withdrawal")]
