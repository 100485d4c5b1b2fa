"""Changes which listed events are dismissed: see `wickiepay_reconcile.dismissals`."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from wickiepay.clock import instant
from wickiepay.errors import StoreUnavailable
from wickiepay.event_record import key
from wickiepay_cli.errors import CommandError
from wickiepay_cli.store.dynamodb import items_of
from wickiepay_reconcile.dismissals import DISMISSED, LONGEST, MAX_BYTES, Dismissal, dismissals_item, dismissals_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ATTEMPTS: Final = 5

type Dismissals = dict[str, Dismissal]


def change(
    client: "DynamoDBClient", table: str, now: datetime, make: Callable[[Dismissals], Dismissals]
) -> tuple[Dismissals, Dismissals]:
    """The dismissals before and after `make` changed them. If they are too many, the old ones are dropped.

    Raises `CommandError` if they are too many, and `StoreUnavailable` if others change them again and again.
    """
    for _ in range(ATTEMPTS):
        item = next(items_of(client, table, [key(DISMISSED)]), None)
        before = dismissals_of(item) if item else {}
        after = make(before)
        if _size(after) > MAX_BYTES:
            after = {each: known for each, known in after.items() if known.at >= instant(now - LONGEST)}
        if _size(after) > MAX_BYTES:
            raise CommandError(f"So many are dismissed ({len(before)}) that there is no room for more.")
        unchanged: Any = {"ConditionExpression": "attribute_not_exists(notes)"}
        if item:
            unchanged = {
                "ConditionExpression": "notes = :before",
                "ExpressionAttributeValues": {":before": item["notes"]},
            }
        try:
            client.put_item(TableName=table, Item={**key(DISMISSED), **dismissals_item(after)}, **unchanged)
        except client.exceptions.ConditionalCheckFailedException:
            continue
        return before, after
    raise StoreUnavailable("Others are dismissing events at the same time: try again.")


def _size(known: Dismissals) -> int:
    return len(dismissals_item(known)["notes"]["S"])
