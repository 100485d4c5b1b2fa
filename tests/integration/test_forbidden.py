"""Least privilege: what a function must not do is refused under a copy of the role that template.yaml gives it.

That CodeDeploy must not do it either is tried in the same way.
"""

from collections.abc import Mapping
from string import Template
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.support.harness import Stores
from tests.support.roles import ROLES, policy_of, session_under

pytestmark = [pytest.mark.stack, pytest.mark.thorough]

EVENT: Final = {"uuid": {"S": "uuid"}, "event_key": {"S": "key"}}
ENTRY: Final = {"pk": {"S": "pk"}, "sk": {"S": "sk"}}
EVENTS: Final = {"TableName": "$EventTableName"}
LEDGER: Final = {"TableName": "$LedgerTableName"}
QUEUE: Final = {"QueueUrl": "$EventQueueUrl"}
DEAD_LETTERS: Final = {"QueueUrl": "$DeadLetterQueueUrl"}
SECRET_ID: Final = {"SecretId": "$SigningSecretArn"}
ADD: Final = {"UpdateExpression": "ADD amount :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
BY_PARTITION: Final = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "pk"}}}
HANDLE: Final = {"ReceiptHandle": "handle"}
FUNCTION: Final = {"FunctionName": "another"}

type Forbidden = tuple[str, str, Mapping[str, Any]]
"""A service, what is asked of it, and how; after a $ stands the name of an output."""

FORBIDDEN_TO_ALL: Final[list[Forbidden]] = [
    ("dynamodb", "delete_item", {**EVENTS, "Key": EVENT}),
    ("dynamodb", "delete_item", {**LEDGER, "Key": ENTRY}),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Delete": {**EVENTS, "Key": EVENT}}]}),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Delete": {**LEDGER, "Key": ENTRY}}]}),
    ("dynamodb", "batch_write_item", {"RequestItems": {"$EventTableName": [{"DeleteRequest": {"Key": EVENT}}]}}),
    ("dynamodb", "batch_write_item", {"RequestItems": {"$LedgerTableName": [{"DeleteRequest": {"Key": ENTRY}}]}}),
    ("dynamodb", "scan", EVENTS),
    ("dynamodb", "scan", LEDGER),
    ("dynamodb", "delete_table", EVENTS),
    ("dynamodb", "delete_table", LEDGER),
    (
        "dynamodb",
        "update_time_to_live",
        {**EVENTS, "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "x"}},
    ),
    ("sqs", "purge_queue", QUEUE),
    ("sqs", "delete_queue", QUEUE),
    ("sqs", "receive_message", DEAD_LETTERS),
    ("sqs", "send_message", {**DEAD_LETTERS, "MessageBody": "{}"}),
    ("secretsmanager", "put_secret_value", {**SECRET_ID, "SecretString": "mine"}),
    ("events", "put_events", {"Entries": [{"Source": "wickiepay", "DetailType": "of another bus", "Detail": "{}"}]}),
    ("iam", "list_roles", {}),
    ("lambda", "list_functions", {}),
]
NO_BOOKS_AND_NO_EVENTS: Final[list[Forbidden]] = [
    ("dynamodb", "get_item", {**EVENTS, "Key": EVENT}),
    ("dynamodb", "get_item", {**LEDGER, "Key": ENTRY}),
    ("dynamodb", "put_item", {**EVENTS, "Item": EVENT}),
    ("dynamodb", "put_item", {**LEDGER, "Item": ENTRY}),
    ("dynamodb", "update_item", {**LEDGER, "Key": ENTRY, **ADD}),
    ("sqs", "send_message", {**QUEUE, "MessageBody": "{}"}),
    ("sqs", "receive_message", QUEUE),
    ("events", "put_events", {"Entries": [{"EventBusName": "$EventBusName", "Source": "wickiepay"}]}),
]
OTHER_FUNCTIONS: Final[list[Forbidden]] = [
    ("lambda", "invoke", FUNCTION),
    ("lambda", "update_function_code", {**FUNCTION, "ZipFile": b""}),
    ("lambda", "update_alias", {**FUNCTION, "Name": "live", "FunctionVersion": "1"}),
    ("lambda", "delete_function", FUNCTION),
]
FORBIDDEN: Final[Mapping[str, list[Forbidden]]] = {
    "ingest": [
        ("dynamodb", "get_item", {**EVENTS, "Key": EVENT}),
        ("dynamodb", "get_item", {**LEDGER, "Key": ENTRY}),
        ("dynamodb", "query", {**LEDGER, **BY_PARTITION}),
        ("dynamodb", "batch_get_item", {"RequestItems": {"$LedgerTableName": {"Keys": [ENTRY]}}}),
        ("dynamodb", "put_item", {**LEDGER, "Item": ENTRY}),
        ("dynamodb", "update_item", {**LEDGER, "Key": ENTRY, **ADD}),
        ("sqs", "receive_message", QUEUE),
        ("sqs", "delete_message", {**QUEUE, **HANDLE}),
        ("sqs", "change_message_visibility", {**QUEUE, **HANDLE, "VisibilityTimeout": 0}),
        ("events", "put_events", {"Entries": [{"EventBusName": "$EventBusName", "Source": "wickiepay"}]}),
    ],
    "consumer": [
        ("secretsmanager", "get_secret_value", SECRET_ID),
        ("sqs", "send_message", {**QUEUE, "MessageBody": "{}"}),
        ("dynamodb", "get_item", {**LEDGER, "Key": ENTRY}),
        ("dynamodb", "query", {**LEDGER, "IndexName": "by_reference", **BY_PARTITION}),
        ("dynamodb", "query", {**EVENTS, "IndexName": "unsent", **BY_PARTITION}),
    ],
    "relay": [
        ("secretsmanager", "get_secret_value", SECRET_ID),
        ("dynamodb", "put_item", {**LEDGER, "Item": ENTRY}),
        ("dynamodb", "update_item", {**LEDGER, "Key": ENTRY, **ADD}),
        ("dynamodb", "get_item", {**LEDGER, "Key": ENTRY}),
        ("dynamodb", "query", {**LEDGER, **BY_PARTITION}),
        ("dynamodb", "query", {**EVENTS, "IndexName": "by_time", **BY_PARTITION}),
        ("dynamodb", "query", {**EVENTS, **BY_PARTITION}),
        ("dynamodb", "put_item", {**EVENTS, "Item": EVENT}),
        ("sqs", "receive_message", QUEUE),
        ("events", "put_events", {"Entries": [{"EventBusName": "$EventBusName", "Source": "wickiepay"}]}),
    ],
    "reconciler": [  # that it puts no event, the template's checks say: the emulator does not look at a put's key
        ("secretsmanager", "get_secret_value", SECRET_ID),
        ("dynamodb", "update_item", {**EVENTS, "Key": EVENT, **ADD}),
        ("dynamodb", "query", {**EVENTS, **BY_PARTITION}),
        ("dynamodb", "query", {**EVENTS, "IndexName": "unsent", **BY_PARTITION}),
        ("dynamodb", "get_item", {**LEDGER, "Key": ENTRY}),
        ("dynamodb", "query", {**LEDGER, **BY_PARTITION}),
        ("dynamodb", "query", {**LEDGER, "IndexName": "by_reference", **BY_PARTITION}),
        ("dynamodb", "put_item", {**LEDGER, "Item": ENTRY}),
        ("sqs", "send_message", {**QUEUE, "MessageBody": "{}"}),
        ("sqs", "receive_message", QUEUE),
        ("events", "put_events", {"Entries": [{"EventBusName": "$EventBusName", "Source": "wickiepay"}]}),
    ],
    "pre-traffic": [*NO_BOOKS_AND_NO_EVENTS, *OTHER_FUNCTIONS],
    "deployment": [*NO_BOOKS_AND_NO_EVENTS, *OTHER_FUNCTIONS, ("secretsmanager", "get_secret_value", SECRET_ID)],
}


@pytest.mark.parametrize("whose", ROLES)
def test_under_a_role_nobody_may_do_what_is_not_its_business(stores: Stores, whose: str) -> None:
    allowed = []
    with session_under(stores, policy_of(stores, whose)) as session:
        for service, operation, request in FORBIDDEN_TO_ALL + FORBIDDEN[whose]:
            client = session.create_client(service, stores.region, endpoint_url=stores.endpoint_url)
            try:
                getattr(client, operation)(**with_outputs(stores.outputs, request))
            except ClientError as error:
                if "not authorized to perform" in str(error):
                    continue
            allowed.append((operation, request))
    assert not allowed


def with_outputs(outputs: Mapping[str, str], value: Any) -> Any:  # noqa: ANN401  whatever a request may hold
    """`value` with the stack's own names in it."""
    if isinstance(value, Mapping):
        return {with_outputs(outputs, name): with_outputs(outputs, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_outputs(outputs, inner) for inner in value]
    return Template(value).safe_substitute(outputs) if isinstance(value, str) else value
