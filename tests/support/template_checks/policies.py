"""What a role's policy says, and what a request to DynamoDB is authorised as."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.cloudformation import Stack


def statements(stack: Stack, role: str) -> Iterator[Mapping[str, Any]]:
    for policy in stack.of_type("AWS::IAM::Role")[role].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:  # noqa: ANN401  one thing, or a list of such
    return value if isinstance(value, list) else [value]


def attributes_named(operation: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str, set[str] | None]]:
    """What a request is authorised as: action, table, and the attributes that it names (None: all that there are)."""
    match operation:
        case "UpdateItem":
            expressions = (parameters.get(name, "") for name in ("UpdateExpression", "ConditionExpression"))
            names = _in_expressions(" ".join(expressions), parameters.get("ExpressionAttributeNames", {}))
            yield "dynamodb:UpdateItem", parameters["TableName"], names | parameters["Key"].keys()
        case "BatchGetItem":
            for table, request in parameters["RequestItems"].items():
                projection = request.get("ProjectionExpression")
                names = _in_expressions(projection or "", request.get("ExpressionAttributeNames", {}))
                yield "dynamodb:BatchGetItem", table, names if projection else None
        case "Query" if "IndexName" not in parameters:
            projection = parameters.get("ProjectionExpression")
            names = _in_expressions(
                f"{projection} {parameters['KeyConditionExpression']}", parameters.get("ExpressionAttributeNames", {})
            )
            yield "dynamodb:Query", parameters["TableName"], names if projection else None
        case "TransactWriteItems":
            for write in parameters["TransactItems"]:
                for kind, request in write.items():
                    yield from attributes_named(f"{kind}Item", request)


def _in_expressions(text: str, placeholders: Mapping[str, str]) -> set[str]:
    """The attributes in DynamoDB's expressions: neither values (`:x`), nor functions (`x(`), nor its own words."""
    words = re.findall(r"(?<![\w:#])#?[A-Za-z_]\w*(?!\w*\()", text)
    return {placeholders.get(word, word) for word in words if not word.isupper()}
