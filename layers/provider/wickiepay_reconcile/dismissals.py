"""Listed events that an operator dismissed: they can never match, and no longer count as missing.

They are one item of the event table, beside the reconciler's notes. Only the command writes it.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from wickiepay import event_record as records
from wickiepay.dynamodb import Item
from wickiepay.identity import Identity

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

DISMISSED: Final = Identity(records.RECONCILER, "dismissed")

LONGEST: Final = timedelta(days=90)
"""The most that the parameter `ReconcileDays` takes: no run looks for older events, so a dismissal is kept as long.

It is kept for longer while there is room: payments into channels are listed whatever their age.
"""

MAX_BYTES: Final = 350_000
"""Size of all dismissals, which is more than a thousand: an item of the table holds 400 KB."""


class Dismissal(NamedTuple):
    """Who dismissed a listed event, why and when."""

    by: str
    why: str
    at: str


def dismissals_of(item: Item) -> dict[str, Dismissal]:
    """The dismissals by the provider's id of the event."""
    return {each: Dismissal(*values) for each, values in json.loads(item["notes"]["S"]).items()}


def dismissals_item(dismissals: Mapping[str, Dismissal]) -> dict[str, "AttributeValueTypeDef"]:
    """The attributes of the item that holds the dismissals."""
    return {"notes": {"S": json.dumps(dismissals)}}
