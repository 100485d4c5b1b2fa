"""Conversions of one currency into another: created, then one event for each state."""

from wickiepay.effects import Effect, set_resource
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("trade.conversion.created")
def trade_conversion_created(event: WebhookEvent, _: Settings) -> list[Effect]:
    return [set_resource(event, "conversion", stage=10)]


@on("trade.conversion.state_changed")
def trade_conversion_state_changed(event: WebhookEvent, _: Settings) -> list[Effect]:
    return [set_resource(event, "conversion")]
