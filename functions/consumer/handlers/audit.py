"""The provider's audit log: kept and announced, without any state of its own."""

from wickiepay.effects import Effect
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("audit.api", "audit.login")
def audit(_event: WebhookEvent, _: Settings) -> list[Effect]:
    return []
