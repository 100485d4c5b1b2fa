"""The merchant's own balances at the provider, one for each asset and pool. The latest time stamp wins.

Two events without a time stamp cannot be ordered, so either of them may stay.
"""

from wickiepay.effects import Effect, set_resource
from wickiepay.event import WebhookEvent
from wickiepay.identity import identifier
from wickiepay.routing import Settings, on


@on("balance.updated")
def balance_updated(event: WebhookEvent, _: Settings) -> list[Effect]:
    asset, pool = identifier(event.data, "asset", "currency"), identifier(event.data, "assetPoolId")
    balance = f"{asset or '-'}#{pool or '-'}" if asset or pool else event.identity.uuid
    return [set_resource(event, "balance", stage=0, resource_id=balance)]
