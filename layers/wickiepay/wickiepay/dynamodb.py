"""The type of both tables' items, and a query that reads all pages of its answer (1 MB each)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Item = Mapping[str, "AttributeValueTypeDef"]


def text(item: Item, name: str) -> str | None:
    """The text attribute `name` of an item, or None."""
    return item[name]["S"] if name in item else None


def all_items(query: Callable[..., Any], **request: object) -> list[dict[str, "AttributeValueTypeDef"]]:
    """The items on all pages of `query`, a call to DynamoDB. Raises what `query` raises."""
    found: list[dict[str, AttributeValueTypeDef]] = []
    while True:
        answer = query(**request)
        found += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return found
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
