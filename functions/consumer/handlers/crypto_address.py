"""New blockchain addresses."""

from wickiepay.effects import Effect, set_resource
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("crypto.address.created")
def crypto_address_created(event: WebhookEvent, _: Settings) -> list[Effect]:
    return [set_resource(event, "address", stage=10)]
