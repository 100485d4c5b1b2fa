"""What both tables have in common: an item, its texts, and a read that comes in pages (of 1 MB each)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wickiepay.outages import outages

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Item = Mapping[str, "AttributeValueTypeDef"]


def text(item: Item, name: str) -> str | None:
    """The attribute `name` of an item; None where it has none."""
    return item[name]["S"] if name in item else None


def all_items(query: Callable[..., Any], store: str, **request: object) -> list[dict[str, "AttributeValueTypeDef"]]:
    """The items on all pages of a query. Raises `StoreUnavailable`, which names `store`."""
    found: list[dict[str, AttributeValueTypeDef]] = []
    while True:
        with outages(store):
            answer = query(**request)
        found += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return found
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
