"""Reads the records of the reconciler's runs, which `wickiepay_reconcile.notes` writes and keeps for 400 days."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from wickiepay.event_record import RECONCILER
from wickiepay_cli.store.dynamodb import every
from wickiepay_reconcile.notes import RUN, Run, run_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PAGE: Final = 100
"""Most records that are read at once: nobody reads all of 400 days often."""


def newest_first(client: "DynamoDBClient", table: str) -> Iterator[tuple[str, Run]]:
    """When each run was, and its record, read lazily."""
    items = every(
        client,
        "query",
        TableName=table,
        KeyConditionExpression="#uuid = :reconciler AND begins_with(event_key, :run)",
        ExpressionAttributeNames={"#uuid": "uuid"},
        ExpressionAttributeValues={":reconciler": {"S": RECONCILER}, ":run": {"S": RUN}},
        ScanIndexForward=False,
        PaginationConfig={"PageSize": PAGE},
    )
    return map(run_of, items)
