"""What the template lets each function do: no more than what stands here, each with its reason.

Whether it is enough, and what else is refused, is tried in `tests/integration/test_least_privilege.py`; that the
platform finds what it needs of a role (logs, polling) can only be read here, since no emulator asks for it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from deployed import TEMPLATE
from wickiepay_cli.local.deployment import translate
from wickiepay_cli.local.stack_file import PROJECT

REASONS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "IngestRole": {
        "EventTable": {
            "dynamodb:PutItem": "records a delivery; the condition, and the item that fails it, are part of the put",
            "dynamodb:UpdateItem": "flags what could not be sent",
        },
        "EventQueue": {"sqs:SendMessage": "hands an event over"},
        "SigningSecret": {"secretsmanager:GetSecretValue": "verifies signatures"},
        "IngestLogs": {
            "logs:CreateLogStream": "the platform writes the log",
            "logs:PutLogEvents": "the platform writes the log",
        },
    },
    "ConsumerRole": {
        "EventTable": {
            "dynamodb:BatchGetItem": "looks up the states of a batch",
            "dynamodb:PutItem": "records what ingest could not",
            "dynamodb:UpdateItem": "marks what became of an event",
        },
        "LedgerTable": {
            "dynamodb:PutItem": "sets payments and resources; the entry in a credit's transaction",
            "dynamodb:UpdateItem": "the balance in a credit's transaction",
        },
        "EventBus": {"events:PutEvents": "announces"},
        "EventQueue": {
            "sqs:ReceiveMessage": "the platform polls",
            "sqs:DeleteMessage": "the platform takes away what is done",
            "sqs:GetQueueAttributes": "the platform asks how much there is to poll",
            "sqs:ChangeMessageVisibility": "puts off what failed",
        },
        "ConsumerLogs": {
            "logs:CreateLogStream": "the platform writes the log",
            "logs:PutLogEvents": "the platform writes the log",
        },
    },
    "RelayRole": {
        "EventTable/index/unsent": {"dynamodb:Query": "finds what is flagged; an index is a resource of its own"},
        "EventTable": {
            "dynamodb:BatchGetItem": "reads the flagged deliveries",
            "dynamodb:UpdateItem": "clears the flag",
        },
        "EventQueue": {"sqs:SendMessage": "hands events over; SendMessageBatch needs no more"},
        "RelayLogs": {
            "logs:CreateLogStream": "the platform writes the log",
            "logs:PutLogEvents": "the platform writes the log",
        },
    },
}
"""Role → resource → action → why."""

FUNCTIONS: Final = {"IngestFunction": "IngestRole", "ConsumerFunction": "ConsumerRole", "RelayFunction": "RelayRole"}

every_role = pytest.mark.parametrize("role", REASONS)


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The properties of all resources of `kind`, by logical id."""
    return {n: r.get("Properties", {}) for n, r in template["Resources"].items() if r["Type"] == kind}


def statements(role: str) -> Iterator[Mapping[str, Any]]:
    for policy in of_type(TEMPLATE, "AWS::IAM::Role")[role]["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:  # noqa: ANN401  one thing, or a list of such
    return value if isinstance(value, list) else [value]


def name(resource: Any) -> str:  # noqa: ANN401  a reference of CloudFormation's
    """A resource by its logical id, and what is below it."""
    match resource:
        case {"Fn::GetAtt": [logical_id, "Arn"]} | {"Ref": logical_id}:
            return str(logical_id)
        case {"Fn::Sub": text}:
            return str(text).replace("${", "").replace(".Arn}", "")
    raise AssertionError(f"not a resource of this template: {resource}")


def test_these_are_all_the_roles() -> None:
    assert set(of_type(TEMPLATE, "AWS::IAM::Role")) == set(REASONS)


@every_role
def test_a_role_allows_what_there_is_a_reason_for_and_nothing_else(role: str) -> None:
    allowed = {
        (name(resource), action)
        for statement in statements(role)
        for resource in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert allowed == {(resource, action) for resource, actions in REASONS[role].items() for action in actions}


@every_role
def test_a_role_names_every_action_and_resource_in_full(role: str) -> None:
    for statement in statements(role):
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        assert "*" not in str(statement)
        assert "?" not in str(statement)


@every_role
def test_a_role_has_no_other_source_of_permissions(role: str) -> None:
    properties = of_type(TEMPLATE, "AWS::IAM::Role")[role]
    assert set(properties) == {"AssumeRolePolicyDocument", "Policies"}


@every_role
def test_only_lambda_takes_on_a_role(role: str) -> None:
    [trust] = of_type(TEMPLATE, "AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def test_each_function_has_a_role_of_its_own() -> None:
    functions = of_type(TEMPLATE, "AWS::Serverless::Function")
    assert {function: name(properties["Role"]) for function, properties in functions.items()} == FUNCTIONS
    assert not any("Policies" in properties for properties in functions.values())


def test_no_other_resource_gives_permissions() -> None:
    kinds = {resource["Type"] for resource in TEMPLATE["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith("AWS::IAM::")} - {"AWS::IAM::Role"}
    assert "AWS::Lambda::Permission" not in kinds
    for properties in of_type(TEMPLATE, "AWS::SQS::QueuePolicy").values():
        assert {statement["Effect"] for statement in properties["PolicyDocument"]["Statement"]} == {"Deny"}


def test_what_sam_adds_lets_the_schedule_run_the_relay_and_the_api_call_ingest() -> None:
    template, _ = translate(PROJECT)
    roles = of_type(template, "AWS::IAM::Role")
    [added] = set(roles) - set(REASONS)
    [policy] = roles[added]["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], name(statement["Resource"])) == ("lambda:InvokeFunction", "RelayFunction")
    assert "ManagedPolicyArns" not in roles[added]

    [permission] = of_type(template, "AWS::Lambda::Permission").values()
    assert name(permission["FunctionName"]) == "IngestFunction"
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert "WebhookApi" in str(permission["SourceArn"])
