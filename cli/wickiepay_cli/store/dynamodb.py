"""Reads items of DynamoDB: many by their keys, whole partitions, or whole tables."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched, chain, islice
from typing import TYPE_CHECKING, Any, Final, Literal

from wickiepay.dynamodb import Item
from wickiepay.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MAX_KEYS: Final = 100
"""Most keys in one BatchGetItem."""

ATTEMPTS: Final = 8
PAUSE_SECONDS: Final = 0.05
"""Pause before unprocessed keys are read again; it doubles each time."""


def only(names: Sequence[str]) -> Mapping[str, Any]:
    """The arguments of a read that returns only the attributes `names`."""
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in names),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }


def every(client: "DynamoDBClient", operation: Literal["query", "scan"], **request: Any) -> Iterator[Item]:  # noqa: ANN401
    """The items on all pages of a Query or a Scan, read lazily."""
    pages = client.get_paginator(operation).paginate(**request)
    return (item for page in pages for item in page["Items"])


def partition(client: "DynamoDBClient", table: str, name: str, value: str) -> Iterator[Item]:
    """The items whose partition key `name` has a value, read consistently and lazily."""
    return every(
        client,
        "query",
        TableName=table,
        KeyConditionExpression="#name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": {"S": value}},
        ConsistentRead=True,
    )


def items_of(  # noqa: PLR0913  what is wanted of a table, and in what pieces
    client: "DynamoDBClient",
    table: str,
    keys: Iterable[Item],
    projection: Mapping[str, Any] | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    at_first: int = MAX_KEYS,
) -> Iterator[Item]:
    """The items with `keys`, in the order of the keys, without those that do not exist.

    Reads a hundred at a time (the first time `at_first`), consistently and lazily. `projection` has BatchGetItem's
    arguments about attributes. Raises `StoreUnavailable` if the table does not return all of them.
    """
    left = iter(keys)
    first = batched(islice(left, min(at_first, MAX_KEYS)), MAX_KEYS, strict=False)
    for batch in chain(first, batched(left, MAX_KEYS, strict=False)):
        found = {_values(item, batch[0]): item for item in _batch(client, table, batch, projection or {}, sleep)}
        yield from (found[values] for key in batch if (values := _values(key, batch[0])) in found)


def _batch(
    client: "DynamoDBClient",
    table: str,
    keys: Sequence[Item],
    projection: Mapping[str, Any],
    sleep: Callable[[float], None],
) -> Iterator[Item]:
    request: Any = {table: {"Keys": keys, "ConsistentRead": True, **projection}}
    for attempt in range(ATTEMPTS):
        answer = client.batch_get_item(RequestItems=request)
        yield from answer["Responses"].get(table, [])
        request = answer.get("UnprocessedKeys")
        if not request:
            return
        sleep(PAUSE_SECONDS * 2**attempt)
    raise StoreUnavailable(f"The table {table} is too busy to be read now.")


def _values(item: Item, key: Item) -> tuple[str, ...]:
    return tuple(item[name]["S"] for name in key)
