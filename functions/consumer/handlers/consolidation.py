"""Consolidations of the funds of many addresses into one wallet, with one event for each status."""

from wickiepay.effects import Effect, set_resource
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("consolidation.status_change")
def consolidation_status_change(event: WebhookEvent, _: Settings) -> list[Effect]:
    return [set_resource(event, "consolidation")]
