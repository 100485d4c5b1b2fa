"""What is kept: it outlives the stack, can be restored, is and is encrypted."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.support.cloudformation import Template
from tests.support.observed import observed
from tests.support.template_checks.parameters import PROVIDER, RECONCILING

STATEFUL: Final = {"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"}
KEY: Final = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000"
"""A customer's key."""

KEYS: Final[Mapping[str, Callable[[Mapping[str, Any]], object]]] = {
    "AWS::DynamoDB::Table": lambda table: table.get("SSESpecification", {}).get("KMSMasterKeyId"),
    "AWS::Events::EventBus": lambda bus: bus.get("KmsKeyIdentifier"),
    "AWS::Lambda::Function": lambda function: function.get("KmsKeyArn"),
    "AWS::Logs::LogGroup": lambda group: group.get("KmsKeyId"),
    "AWS::SNS::Topic": lambda topic: topic.get("KmsMasterKeyId"),
    "AWS::SQS::Queue": lambda queue: queue.get("KmsMasterKeyId"),
    "AWS::SecretsManager::Secret": lambda secret: secret.get("KmsKeyId"),
}
"""By which property a resource that keeps something names the key that encrypts it."""


def what_holds_state_outlives_the_stack(template: Template) -> Iterator[str]:
    for name, resource in template.stack(**PROVIDER).resources.items():
        if resource["Type"] in STATEFUL or name == "DeadLetterQueue":
            for policy, kept in {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}.items():
                if resource.get(policy) != kept:
                    yield f"{name} has the {policy} {resource.get(policy)}"


def tables_can_be_restored_to_any_second(template: Template) -> Iterator[str]:
    for name, table in template.stack().of_type("AWS::DynamoDB::Table").items():
        if table.get("PointInTimeRecoverySpecification") != {"PointInTimeRecoveryEnabled": True}:
            yield f"{name} has no point-in-time recovery"


def finished_events_expire(template: Template) -> Iterator[str]:
    table = template.stack().of_type("AWS::DynamoDB::Table")["EventTable"]
    expiry = table.get("TimeToLiveSpecification", {})
    written = [p["UpdateExpression"] for name, p in observed()["ConsumerFunction"].requests if name == "UpdateItem"]
    if not expiry.get("Enabled") or not any(f"{expiry.get('AttributeName')} = " in text for text in written):
        yield f"nothing expires by {expiry}"


def the_indexes_are_those_that_are_queried_and_one_for_operators(template: Template) -> Iterator[str]:
    tables = template.stack().of_type("AWS::DynamoDB::Table").values()
    indexes = {index["IndexName"] for table in tables for index in table.get("GlobalSecondaryIndexes", [])}
    asked = [p for deeds in observed().values() for name, p in deeds.requests if name == "Query"]
    queried = {p["IndexName"] for p in asked if "IndexName" in p}
    for name in indexes ^ (queried | {"by_reference"}):
        yield f"{name} is queried or there, not both"


def everything_is_encrypted_with_the_customers_key(template: Template) -> Iterator[str]:
    for values, key in (({}, None), ({"CustomerKeyArn": KEY}, KEY)):
        stack = template.stack(**RECONCILING, **values)
        for kind, key_of in KEYS.items():
            for name, properties in stack.of_type(kind).items():
                if key_of(properties) != key:
                    yield f"with {list(values)} {name} has the key {key_of(properties)}"


def queues_are_encrypted_without_a_customers_key_too(template: Template) -> Iterator[str]:
    for name, queue in template.stack().of_type("AWS::SQS::Queue").items():
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
