"""The templates of docs/examples and examples: clean by cfn-lint, and in keeping with the listener's own template."""

import fnmatch
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.support.lambda_emulator import SAM
from wickiepay_cli.local.deploy import translate
from wickiepay_cli.project import PROJECT

EXAMPLES: Final = [
    path for folders in ("docs/examples/*.yaml", "examples/*/template.yaml") for path in PROJECT.glob(folders)
]
STACK: Final = "the-stack"

type Statement = dict[str, Any]


@pytest.mark.sam
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_an_example_is_clean_by_cfn_lint(path: Path) -> None:
    done = subprocess.run([SAM / "cfn-lint", path], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture(scope="module")
def listener() -> dict[str, Any]:
    """The listener's template as plain CloudFormation, with every resource that a parameter can bring."""
    template, _ = translate(PROJECT)
    return template


def example(name: str) -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((PROJECT / f"docs/examples/{name}.yaml").read_text())["Resources"]
    return template


def filled_in(node: Any, stack: str = STACK) -> Any:  # noqa: ANN401  whatever a template may hold
    """`node` in a listener's stack of that name; of a choice by a parameter, that which is more."""
    values = {
        "AWS::Partition": "aws",
        "AWS::Region": "us-east-1",
        "AWS::AccountId": "123456789012",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack,
        "StackName": stack,
        "ListenerStackName": stack,
    }
    match node:
        case {"Fn::Sub": str(text)}:
            for name, value in values.items():
                text = text.replace(f"${{{name}}}", value)
            return text
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::If": [_, then, _]}:
            return filled_in(then, stack)
        case dict():
            return {name: filled_in(value, stack) for name, value in node.items()}
        case list():
            return [filled_in(value, stack) for value in node]
    return node


def listed(value: Any) -> list[Any]:  # noqa: ANN401  one, or several
    return value if isinstance(value, list) else [value]


# --- deploy-role.yaml ----------------------------------------------------------------------------


def statements(role: str) -> Iterator[Statement]:
    """What a role may do."""
    for policy in filled_in(example("deploy-role")[role]["Properties"]["Policies"]):
        yield from policy["PolicyDocument"]["Statement"]


def actions(role: str) -> set[str]:
    return {action for statement in statements(role) for action in listed(statement["Action"])}


def resources(*prefixes: str) -> list[str]:
    """The ARN patterns that CloudFormation may change with the actions that begin so."""
    return [
        str(resource)
        for statement in statements("ExecutionRole")
        if any(action.startswith(prefixes) for action in listed(statement["Action"]))
        for resource in listed(statement["Resource"])
    ]


NOT_USED: Final = {
    "apigateway:TagResource": "no such action: tags are written by POST and DELETE of /tags",
    "apigateway:UntagResource": "as apigateway:TagResource",
    "codedeploy:RegisterOnPremisesInstance": "no servers",
    "dynamodb:AssociateTableReplica": "no replicas in other regions",
    "dynamodb:BatchWriteItem": "as dynamodb:AssociateTableReplica",
    "dynamodb:CreateTableReplica": "as dynamodb:AssociateTableReplica",
    "dynamodb:DeleteItem": "as dynamodb:AssociateTableReplica",
    "dynamodb:DeleteResourcePolicy": "no resource policies",
    "dynamodb:DescribeImport": "no imports",
    "dynamodb:DisableKinesisStreamingDestination": "no streams",
    "dynamodb:EnableKinesisStreamingDestination": "no streams",
    "dynamodb:GetItem": "as dynamodb:AssociateTableReplica",
    "dynamodb:ImportTable": "no imports",
    "dynamodb:PutItem": "as dynamodb:AssociateTableReplica",
    "dynamodb:PutResourcePolicy": "no resource policies",
    "dynamodb:Query": "as dynamodb:AssociateTableReplica",
    "dynamodb:Scan": "as dynamodb:AssociateTableReplica",
    "dynamodb:UpdateContributorInsights": "none",
    "dynamodb:UpdateItem": "as dynamodb:AssociateTableReplica",
    "dynamodb:UpdateKinesisStreamingDestination": "no streams",
    "ec2:DescribeNetworkInterfaces": "no network of one's own",
    "ec2:DescribeSecurityGroups": "no network of one's own",
    "ec2:DescribeSubnets": "no network of one's own",
    "ec2:DescribeVpcs": "no network of one's own",
    "elasticfilesystem:DescribeMountTargets": "no file systems",
    "events:PutPermission": "nobody else's account",
    "events:RemovePermission": "nobody else's account",
    "firehose:TagDeliveryStream": "no streams",
    "iam:AttachRolePolicy": "no managed policies",
    "iam:DeleteRolePermissionsBoundary": "no boundaries",
    "iam:DetachRolePolicy": "no managed policies",
    "iam:PutRolePermissionsBoundary": "no boundaries",
    "kinesis:DescribeStream": "no streams",
    "kinesis:PutRecords": "no streams",
    "kms:ListAliases": "the key is named by its ARN",
    "kms:ReEncrypt": "no such action: ReEncryptFrom and ReEncryptTo",
    "lambda:AssociateRuntimeAlias": "the runtime is AWS's choice",
    "lambda:DeleteFunctionCodeSigningConfig": "no code signing",
    "lambda:DeleteProvisionedConcurrencyConfig": "none provisioned",
    "lambda:GetCodeSigningConfig": "no code signing",
    "lambda:PassCapacityProvider": "none",
    "lambda:PutFunctionCodeSigningConfig": "no code signing",
    "lambda:PutFunctionRecursionConfig": "as it is",
    "lambda:PutFunctionScalingConfig": "none",
    "lambda:PutProvisionedConcurrencyConfig": "none provisioned",
    "lambda:PutRuntimeManagementConfig": "the runtime is AWS's choice",
    "logs:CreateLogStream": "for imports of tables",
    "logs:DeleteDataProtectionPolicy": "no data protection policies",
    "logs:DeleteIndexPolicy": "no indexes",
    "logs:DeleteResourcePolicy": "API Gateway's, which other APIs use too",
    "logs:DescribeLogStreams": "for imports of tables",
    "logs:PutBearerTokenAuthentication": "none",
    "logs:PutDataProtectionPolicy": "no data protection policies",
    "logs:PutIndexPolicy": "no indexes",
    "logs:PutLogEvents": "for imports of tables",
    "logs:PutLogGroupDeletionProtection": "none",
    "route53:ListHostedZones": "the zone is named by its id",
    "s3:GetObjectMetadata": "for imports of tables",
    "s3:ListBucket": "for imports of tables",
    "s3:REST.PUT.OBJECT": "no such action",
    "s3:getObject": "s3:GetObject, written otherwise",
    "s3files:ListMountTargets": "no file systems",
    "secretsmanager:GetSecretValue": "CloudFormation needs the secret's place, never its value",
    "secretsmanager:RemoveRegionsFromReplication": "no replicas in other regions",
    "secretsmanager:ReplicateSecretToRegions": "no replicas in other regions",
    "sns:PutDataProtectionPolicy": "no data protection policies",
}
"""What CloudFormation's handlers may need, but not for this template, and why."""

BESIDES: Final = {
    "logs:DeleteLogDelivery": "access logs of an HTTP API",
    "logs:GetLogDelivery": "access logs of an HTTP API",
    "logs:ListLogDeliveries": "access logs of an HTTP API",
    "logs:UpdateLogDelivery": "access logs of an HTTP API",
}
"""What none of the handlers names, and why it is needed."""


@pytest.fixture(scope="module")
def needed(listener: dict[str, Any]) -> set[str]:
    """The actions that CloudFormation's handlers name for the types of the template. cfn-lint comes with a copy."""
    [schemas] = SAM.parent.rglob("cfnlint/data/schemas")
    types = json.loads((schemas / "providers/us-east-1.json").read_text())
    return {
        action
        for kind in {resource["Type"] for resource in listener["Resources"].values()}
        for verb, handler in json.loads((schemas / f"resources/{types[kind]}.json").read_text())["handlers"].items()
        if verb in {"create", "read", "update", "delete"}
        for action in handler["permissions"]
    }


@pytest.mark.sam
def test_cloudformation_may_do_what_it_needs(needed: set[str]) -> None:
    assert needed - actions("ExecutionRole") == NOT_USED.keys() & needed


@pytest.mark.sam
def test_cloudformation_may_do_nothing_else(needed: set[str]) -> None:
    assert actions("ExecutionRole") - needed == BESIDES.keys()


@pytest.mark.sam
def test_the_list_of_what_is_not_used_is_not_out_of_date(needed: set[str]) -> None:
    assert NOT_USED.keys() <= needed


@pytest.mark.parametrize("role", ["DeployRole", "ExecutionRole"])
def test_a_role_has_no_action_with_a_wildcard(role: str) -> None:
    assert not [action for action in actions(role) if "*" in action]


BY_NAME: Final = {
    "AWS::Events::EventBus": ("Name", "events:CreateEventBus", "event-bus/"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", "cloudwatch:PutDashboard", "dashboard/"),
    "AWS::Scheduler::Schedule": ("Name", "scheduler:CreateSchedule", "schedule/default/"),
    "AWS::Lambda::LayerVersion": ("LayerName", "lambda:PublishLayerVersion", "layer:"),
}
"""Type → the property that names it, the action that makes it, and what is before the name in its ARN."""


@pytest.mark.parametrize("kind", BY_NAME)
def test_what_the_template_names_has_a_name_that_the_role_covers(listener: dict[str, Any], kind: str) -> None:
    """What the template does not name is named by CloudFormation, with the stack's name first."""
    name_property, action, before = BY_NAME[kind]
    made = [r["Properties"] for r in listener["Resources"].values() if r["Type"] == kind]
    [pattern] = [arn.rpartition(before)[2] for arn in resources(action) if before in arn]

    assert made
    for properties in made:
        name = filled_in(properties.get(name_property, f"{STACK}-made-by-CloudFormation"))
        assert fnmatch.fnmatchcase(str(name), pattern)


def test_only_the_repository_s_jobs_in_the_environment_may_deploy() -> None:
    [trust] = example("deploy-role")["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {"Fn::Sub": "repo:${Repository}:environment:${Environment}"},
        }
    }


def test_who_deploys_reads_no_data_and_has_cloudformation_alone_make_changes() -> None:
    assert {action.partition(":")[0] for action in actions("DeployRole")} == {"cloudformation", "iam", "s3"}
    [passing] = [each for each in statements("DeployRole") if each["Action"] == "iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


# --- customer-key.yaml ---------------------------------------------------------------------------


def key_statements() -> list[Statement]:
    policy: list[Statement] = filled_in(example("customer-key")["Key"]["Properties"]["KeyPolicy"]["Statement"])
    return policy


def test_each_service_that_works_in_its_own_name_may_use_the_key() -> None:
    services = {s["Principal"]["Service"] for s in key_statements() if "Service" in s["Principal"]}

    assert services == {"logs.us-east-1.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"}


@pytest.mark.parametrize("service", ["logs.us-east-1.amazonaws.com", "cloudwatch.amazonaws.com"])
def test_a_service_may_use_the_key_for_this_stack_only(service: str) -> None:
    [statement] = [s for s in key_statements() if s["Principal"].get("Service") == service]

    assert all(f":{STACK}-*" in arn for arn in statement["Condition"]["ArnLike"].values())


def test_the_bus_may_use_the_key_under_the_name_that_it_has(listener: dict[str, Any]) -> None:
    name = filled_in(listener["Resources"]["EventBus"]["Properties"]["Name"])
    [statement] = [s for s in key_statements() if s["Sid"] == "Bus"]

    [arn] = statement["Condition"]["StringEquals"].values()
    assert arn == f"arn:aws:events:us-east-1:123456789012:event-bus/{name}"


def test_nobody_uses_the_key_but_through_a_service() -> None:
    for statement in key_statements():
        using = set(listed(statement["Action"])) & {
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:CreateGrant",
        }
        if using and "AWS" in statement["Principal"]:
            assert "kms:ViaService" in statement["Condition"]["StringEquals"]


def test_a_function_may_do_with_the_key_what_the_key_lets_it(listener: dict[str, Any]) -> None:
    granted = {action for s in key_statements() if "AWS" in s["Principal"] for action in listed(s["Action"])}
    asked = {
        action
        for resource in listener["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in filled_in(resource["Properties"].get("Policies", []))
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
        if action.startswith("kms:")
    }

    assert asked
    assert asked <= granted
