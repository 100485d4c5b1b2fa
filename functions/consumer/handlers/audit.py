"""The provider's audit log: kept and announced, without any state of its own."""

from wickiepay.effects import Effect
from wickiepay.event import WebhookEvent
from wickiepay.routing import on


@on("audit.api", "audit.login")
def audit(event: WebhookEvent) -> list[Effect]:  # noqa: ARG001  a handler takes the event
    return []
