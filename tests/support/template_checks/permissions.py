"""What the template lets each function, and CodeDeploy, do: no more than what stands here, each with its reason.

Whether it is enough, and what else is refused, is tried in `tests/integration/test_least_privilege.py`; that the
platform finds what it needs of a role (logs, polling) can only be read here, since no emulator asks for it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.support.cloudformation import Template
from tests.support.observed import observed
from tests.support.template_checks.parameters import RECONCILING
from tests.support.template_checks.policies import attributes_named, listed, statements
from tests.support.template_checks.stores import KEY
from wickiepay.event_record import RECONCILER
from wickiepay.ledger_items import PAYMENT

LOGS: Final = {
    "logs:CreateLogStream": "the platform writes the log",
    "logs:PutLogEvents": "the platform writes the log",
}
STORES_KEY: Final = {
    "kms:Decrypt": "reads",
    "kms:DescribeKey": "DynamoDB asks which key it is",
    "kms:Encrypt": "writes",
    "kms:GenerateDataKey": "writes: what is kept is encrypted with keys of its own, and they with this one",
    "kms:ReEncryptFrom": "DynamoDB encrypts its own keys anew",
    "kms:ReEncryptTo": "DynamoDB encrypts its own keys anew",
}
SHIFT: Final = {
    "lambda:GetAlias": "sees where the alias points",
    "lambda:GetProvisionedConcurrencyConfig": "asks before it shifts",
    "lambda:UpdateAlias": "shifts the alias, a part of the deliveries at a time",
}

REASONS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "IngestRole": {
        "EventTable.Arn": {
            "dynamodb:PutItem": "records a delivery; the condition, and the item that fails it, are part of the put",
            "dynamodb:Query": "sees which other contents of an event were told before",
            "dynamodb:UpdateItem": "flags what could not be sent",
        },
        "EventQueue.Arn": {"sqs:SendMessage": "hands an event over"},
        "SigningSecret": {"secretsmanager:GetSecretValue": "verifies signatures"},
        "IngestLogs.Arn": LOGS,
        KEY: STORES_KEY,
    },
    "ConsumerRole": {
        "EventTable.Arn": {
            "dynamodb:BatchGetItem": "looks up the states of a batch",
            "dynamodb:PutItem": "records what ingest could not",
            "dynamodb:Query": "sees which other contents of an event were told before, as ingest does",
            "dynamodb:UpdateItem": "marks what became of an event",
        },
        "LedgerTable.Arn": {
            "dynamodb:BatchGetItem": "reads the payments of a batch, with the states of its events",
            "dynamodb:PutItem": "sets payments and resources; the entry in a credit's transaction",
            "dynamodb:Query": "reads all entries of a payment, and a payment that was written to in the meantime",
            "dynamodb:UpdateItem": "the balance and the payment's version in a credit's transaction",
        },
        "EventBus.Arn": {"events:PutEvents": "announces"},
        "EventQueue.Arn": {
            "sqs:ReceiveMessage": "the platform polls",
            "sqs:DeleteMessage": "the platform takes away what is done",
            "sqs:GetQueueAttributes": "the platform asks how much there is to poll",
            "sqs:ChangeMessageVisibility": "puts off what failed",
        },
        "ConsumerLogs.Arn": LOGS,
        KEY: STORES_KEY,
    },
    "RelayRole": {
        "EventTable.Arn/index/unsent": {"dynamodb:Query": "finds what is flagged; an index is a resource of its own"},
        "EventTable.Arn": {
            "dynamodb:BatchGetItem": "reads the flagged deliveries",
            "dynamodb:UpdateItem": "clears the flag",
        },
        "EventQueue.Arn": {"sqs:SendMessage": "hands events over; SendMessageBatch needs no more"},
        "RelayLogs.Arn": LOGS,
        KEY: STORES_KEY,
    },
    "ReconcilerRole": {
        "EventTable.Arn/index/by_time": {"dynamodb:Query": "finds what was received on a day"},
        "EventTable.Arn": {
            "dynamodb:BatchGetItem": "reads which events those are, and what it asked for before",
            "dynamodb:PutItem": "keeps what it asked for, and a record of each run",
        },
        "LedgerTable.Arn": {"dynamodb:BatchGetItem": "compares payments with what the provider lists"},
        "ProviderApiKeySecret": {"secretsmanager:GetSecretValue": "signs requests to the provider's API"},
        "ReconcilerLogs.Arn": LOGS,
        KEY: STORES_KEY,
    },
    "PreTrafficRole": {
        "IngestFunction.Arn:*": {"lambda:InvokeFunction": "tries a version"},
        "ConsumerFunction.Arn:*": {"lambda:InvokeFunction": "tries a version"},
        "RelayFunction.Arn:*": {"lambda:InvokeFunction": "tries a version"},
        "SigningSecret": {"secretsmanager:GetSecretValue": "signs the probe"},
        "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:ServerlessDeploymentApplication/*": {
            "codedeploy:PutLifecycleEventHookExecutionStatus": "says how the tries went"
        },
        "PreTrafficLogs.Arn": LOGS,
        KEY: {"kms:Decrypt": "reads the secret"},
    },
    "DeploymentRole": {
        "IngestFunction.Arn": SHIFT,
        "IngestFunction.Arn:live": SHIFT,
        "ConsumerFunction.Arn": SHIFT,
        "ConsumerFunction.Arn:live": SHIFT,
        "RelayFunction.Arn": SHIFT,
        "RelayFunction.Arn:live": SHIFT,
        "PreTrafficFunction.Arn": {"lambda:InvokeFunction": "runs the hook"},
        "AlarmTopic": {"sns:Publish": "tells that a version was refused"},
        KEY: {"kms:Decrypt": "publishes", "kms:GenerateDataKey": "publishes"},
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*": {
            "cloudwatch:DescribeAlarms": "asks how the rollback alarms stand"
        },
    },
    "RelayFunctionEveryMinuteRole": {
        "RelayFunctionAliaslive": {"lambda:InvokeFunction": "the schedule runs the relay"}
    },
    "ReconcilerFunctionEveryHourRole": {
        "ReconcilerFunction.Arn": {"lambda:InvokeFunction": "the schedule runs the reconciler"}
    },
    "ReconcilerFunctionEveryNightRole": {
        "ReconcilerFunction.Arn": {"lambda:InvokeFunction": "the schedule runs the reconciler"}
    },
}
"""Role → resource → action → why. The last three are SAM's."""

WILDCARDS: Final[Mapping[tuple[str, str], str]] = {
    ("TryTheNewVersions", "IngestFunction.Arn:*"): "its versions: the next one has no name yet",
    ("TryTheNewVersions", "ConsumerFunction.Arn:*"): "as above",
    ("TryTheNewVersions", "RelayFunction.Arn:*"): "as above",
    (
        "TellCodeDeploy",
        "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:ServerlessDeploymentApplication/*",
    ): "this stack's groups: they wait for the hook, so its role cannot wait for them",
    (
        "WatchTheAlarms",
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*",
    ): "CloudWatch lists alarms to nobody who may see only some of them",
}
"""Statement and what it names → why not in full. There is no other wildcard."""

TRUSTED: Final = {
    "DeploymentRole": "codedeploy.amazonaws.com",
    "RelayFunctionEveryMinuteRole": "scheduler.amazonaws.com",
    "ReconcilerFunctionEveryHourRole": "scheduler.amazonaws.com",
    "ReconcilerFunctionEveryNightRole": "scheduler.amazonaws.com",
}
"""Who takes on a role that is not a function's."""


def roles_allow_what_there_is_a_reason_for_and_nothing_else(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING, CustomerKeyArn=KEY)
    yield from (f"{role} is unknown, or missing" for role in stack.of_type("AWS::IAM::Role").keys() ^ REASONS.keys())
    for role, reasons in REASONS.items():
        allowed = {
            (resource, action)
            for statement in statements(stack, role)
            for resource in listed(statement["Resource"])
            for action in listed(statement["Action"])
        }
        wanted = {(resource, action) for resource, actions in reasons.items() for action in actions}
        yield from (f"{role} allows {action} on {resource}" for resource, action in allowed - wanted)
        yield from (f"{role} does not allow {action} on {resource}" for resource, action in wanted - allowed)


def roles_name_every_action_and_resource_in_full(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING, CustomerKeyArn=KEY)
    for role in stack.of_type("AWS::IAM::Role"):
        for statement in statements(stack, role):
            form = statement.keys() - {"Sid", "Condition"}
            if statement["Effect"] != "Allow" or form != {"Effect", "Action", "Resource"}:
                yield f"{role} has a statement of another form: {statement}"
            for name in [*listed(statement.get("Action")), *listed(statement.get("Resource"))]:
                if re.search(r"[*?]", str(name)) and (statement.get("Sid"), name) not in WILDCARDS:
                    yield f"{role} names {name}"


def roles_are_taken_on_by_one_service_each(template: Template) -> Iterator[str]:
    for name, role in template.stack(**RECONCILING).of_type("AWS::IAM::Role").items():
        trusted = [
            service
            for statement in role["AssumeRolePolicyDocument"]["Statement"]
            for service in listed(statement["Principal"].get("Service", str(statement["Principal"])))
        ]
        if trusted != [TRUSTED.get(name, "lambda.amazonaws.com")]:
            yield f"{name} is taken on by {trusted}"


def permissions_come_from_roles_alone(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING)
    functions = [function["Role"] for function in stack.of_type("AWS::Lambda::Function").values()]
    for name, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"].startswith("AWS::IAM::") and resource["Type"] != "AWS::IAM::Role":
            yield f"{name} gives permissions"
        if "ManagedPolicyArns" in properties:
            yield f"{name} allows {properties['ManagedPolicyArns']}"
        if resource["Type"] == "AWS::Lambda::Function" and functions.count(properties["Role"]) > 1:
            yield f"{name} shares its role"
    for name, permission in stack.of_type("AWS::Lambda::Permission").items():
        if permission["Principal"] != "apigateway.amazonaws.com" or ":WebhookApi/" not in permission["SourceArn"]:
            yield f"{name} lets {permission['Principal']} in"
    for name, policy in stack.of_type("AWS::SQS::QueuePolicy").items():
        if {statement["Effect"] for statement in policy["PolicyDocument"]["Statement"]} != {"Deny"}:
            yield f"{name} allows something"


def roles_allow_the_attributes_that_the_code_names_and_no_others(template: Template) -> Iterator[str]:
    """Where the code names what it reads or changes. No emulator sees this of a change, or of a batch of reads."""
    stack = template.stack(**RECONCILING)
    for function, deeds in observed().items():
        role = stack.of_type("AWS::Lambda::Function")[function]["Role"].removesuffix(".Arn")
        named: dict[tuple[str, str], set[str] | None] = {}
        for operation, parameters in deeds.requests:
            for action, table, attributes in attributes_named(operation, parameters):
                before = named.get((action, table), set())
                named[action, table] = None if attributes is None or before is None else before | attributes
        for (action, table), expected in named.items():
            found = _allowed_attributes(statements(stack, role), action, table)
            if found != expected:
                yield f"{role} allows {action} on {table} with {found}, the code uses {expected}"


def the_reconcilers_writes_touch_no_event(template: Template) -> Iterator[str]:
    """It puts nothing but under the one key that no event has."""
    for statement in statements(template.stack(**RECONCILING), "ReconcilerRole"):
        condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [RECONCILER]}}
        if "dynamodb:PutItem" in listed(statement["Action"]) and statement.get("Condition") != condition:
            yield f"the reconciler may put what it likes: {statement.get('Condition')}"
    for operation, parameters in observed()["ReconcilerFunction"].requests:
        if operation == "PutItem" and parameters["Item"]["uuid"] != {"S": RECONCILER}:
            yield f"the reconciler puts {parameters['Item']['uuid']}"


def the_reconciler_sees_nothing_of_the_ledger_but_payments(template: Template) -> Iterator[str]:
    """Neither what was credited to whom, nor what anybody has."""
    for statement in statements(template.stack(**RECONCILING), "ReconcilerRole"):
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        if statement["Resource"] == "LedgerTable.Arn" and keys != [f"{PAYMENT}*"]:
            yield f"the reconciler may read of the ledger what it likes: {statement}"
    for operation, parameters in observed()["ReconcilerFunction"].requests:
        for key in parameters.get("RequestItems", {}).get("LedgerTable", {}).get("Keys", ()):
            if operation != "BatchGetItem" or not key["pk"]["S"].startswith(PAYMENT):
                yield f"the reconciler asks for {key}"


def _allowed_attributes(of_role: Iterator[Mapping[str, Any]], action: str, table: str) -> set[str] | None:
    """The attributes that an action is limited to, or None if it is not limited."""
    [statement] = [s for s in of_role if action in listed(s["Action"]) and s["Resource"] == f"{table}.Arn"]
    condition = statement.get("Condition", {})
    if action in {"dynamodb:BatchGetItem", "dynamodb:Query"} and condition.get("StringEqualsIfExists") != {
        "dynamodb:Select": "SPECIFIC_ATTRIBUTES"
    }:
        return None  # a read that names nothing is of everything
    if action == "dynamodb:UpdateItem" and condition.get("StringEqualsIfExists") != {
        "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]
    }:
        return None  # the answer to an update may be the whole item
    names = condition.get("ForAllValues:StringEquals", {}).get("dynamodb:Attributes")
    return None if names is None else set(names)
