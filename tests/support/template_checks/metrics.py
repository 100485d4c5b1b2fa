"""Which metrics there are: those that the functions emit, those that filters read from logs, and AWS's own."""

from collections.abc import Mapping
from typing import Final

from tests.support.cloudformation import Stack
from tests.support.observed import observed

OF_AWS: Final[Mapping[str, Mapping[frozenset[str], set[str]]]] = {
    "AWS/ApiGateway": {frozenset({"ApiId"}): {"4xx", "5xx", "Count", "IntegrationLatency", "Latency"}},
    "AWS/DynamoDB": {
        frozenset({"TableName"}): {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "TransactionConflict"}
    },
    "AWS/Lambda": {
        frozenset({"FunctionName"}): {"Duration", "Errors", "Invocations", "Throttles"},
        # While an alias sends to two versions: of each of them.
        frozenset({"FunctionName", "Resource", "ExecutedVersion"}): {"Duration", "Errors", "Invocations"},
    },
    "AWS/Logs": {frozenset({"LogGroupName"}): {"IncomingBytes", "IncomingLogEvents"}},
    "AWS/SQS": {
        frozenset({"QueueName"}): {
            *("ApproximateAgeOfOldestMessage", "NumberOfMessagesReceived", "NumberOfMessagesSent"),
            *("ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesVisible"),
        }
    },
}
"""Namespace → names of dimensions → metrics, as AWS documents them; API Gateway's are those of HTTP APIs."""

DIMENSIONS: Final = {
    "ApiId": ("AWS::ApiGatewayV2::Api", ""),
    "FunctionName": ("AWS::Lambda::Function", ""),
    "LogGroupName": ("AWS::Logs::LogGroup", ""),
    "QueueName": ("AWS::SQS::Queue", ".QueueName"),
    "TableName": ("AWS::DynamoDB::Table", ""),
}
"""A dimension of AWS's → the type of resource that it names, and by which of the resource's attributes."""


def exists(stack: Stack, namespace: str, name: str, dimensions: Mapping[str, str]) -> bool:
    """Whether there is a metric with these dimensions (name → value)."""
    if namespace in OF_AWS:
        return name in OF_AWS[namespace].get(frozenset(dimensions), ()) and all(
            value.endswith(DIMENSIONS[dimension][1])
            and stack.type_of(value.removesuffix(DIMENSIONS[dimension][1])) == DIMENSIONS[dimension][0]
            for dimension, value in dimensions.items()
            if dimension in DIMENSIONS
        )
    if not dimensions:
        return (namespace, name) in _filtered(stack)
    return any(
        (namespace, dimensions.get("service")) == _emitter(stack, function)
        and (name, frozenset(dimensions)) in deeds.metrics
        for function, deeds in observed().items()
        if stack.type_of(function)
    )


def by_type(stack: Stack, namespace: str, name: str, dimensions: frozenset[str]) -> bool:
    """Whether some function emits a metric with dimensions of these names and any values."""
    return any(
        namespace == _emitter(stack, function)[0] and (name, dimensions) in deeds.metrics
        for function, deeds in observed().items()
        if stack.type_of(function)
    )


def _emitter(stack: Stack, function: str) -> tuple[str, str]:
    """The namespace and the service under which a function emits."""
    variables = stack.of_type("AWS::Lambda::Function")[function]["Environment"]["Variables"]
    return variables["POWERTOOLS_METRICS_NAMESPACE"], variables["POWERTOOLS_SERVICE_NAME"]


def _filtered(stack: Stack) -> set[tuple[str, str]]:
    return {
        (made["MetricNamespace"], made["MetricName"])
        for metric_filter in stack.of_type("AWS::Logs::MetricFilter").values()
        for made in metric_filter["MetricTransformations"]
    }
