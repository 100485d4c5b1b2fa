"""Requests that several people have to approve: one event per call for a vote, and one per status."""

from wickiepay.effects import Effect, set_resource
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("approval.vote_required")
def approval_vote_required(event: WebhookEvent, _: Settings) -> list[Effect]:
    return [set_resource(event, "approval", stage=10)]


@on("approval.request.status_changed")
def approval_request_status_changed(event: WebhookEvent, _: Settings) -> list[Effect]:
    return [set_resource(event, "approval")]
