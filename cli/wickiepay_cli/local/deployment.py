"""Puts the real template into an empty emulator, as `sam deploy` puts it into an account."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import WaiterError
from samtranslator.public.parser import Parser
from samtranslator.public.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from wickiepay_cli.failure import Failure
from wickiepay_cli.local.emulator import client, session
from wickiepay_cli.local.packages import function_package, layer_package
from wickiepay_cli.local.preparation import Prepared, Template, prepare

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient

BUCKET: Final = "packages"
PACKAGED: Final = {
    "AWS::Serverless::Function": ("CodeUri", function_package),
    "AWS::Serverless::LayerVersion": ("ContentUri", layer_package),
}
"""The property by which a resource names the folder of its code, and what becomes of that folder."""


@dataclass(frozen=True, slots=True)
class Deployed:
    outputs: dict[str, str]
    api_url: str
    """Where the stack's HTTP API is to be asked: the path of a request goes right behind it."""
    prepared: list[Prepared]


def deploy(project: Path, endpoint_url: str, stack_name: str, webhook_url: str, signing_secret: str) -> Deployed:
    """Creates the stack of the template in `project`, and gives it the secret that deliveries are signed with.

    Raises `Failure` where the emulator refuses it.
    """
    template, packages = translate(project)
    prepared = prepare(template, webhook_url)
    s3: S3Client = client("s3", endpoint_url)
    s3.create_bucket(Bucket=BUCKET)
    for key, package in packages.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=package())
    cloudformation: CloudFormationClient = client("cloudformation", endpoint_url)
    outputs = _create(cloudformation, stack_name, template)
    secrets: SecretsManagerClient = client("secretsmanager", endpoint_url)
    secrets.put_secret_value(SecretId=outputs["SigningSecretArn"], SecretString=signing_secret)
    api = cloudformation.describe_stack_resource(StackName=stack_name, LogicalResourceId="WebhookApi")
    api_id = api["StackResourceDetail"]["PhysicalResourceId"]
    return Deployed(outputs, f"{endpoint_url}/_aws/execute-api/{api_id}/$default", prepared)


def translate(project: Path) -> tuple[Template, dict[str, Callable[[], bytes]]]:
    """The template in `project` as plain CloudFormation, and the packages it looks for in the bucket, by key."""
    template = yaml_parse((project / "template.yaml").read_text())
    packages: dict[str, Callable[[], bytes]] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] in PACKAGED:
            folder, package = PACKAGED[resource["Type"]]
            packages[name] = partial(package, project / resource["Properties"][folder])
            resource["Properties"][folder] = f"s3://{BUCKET}/{name}"
    translator = Translator({}, Parser(), boto_session=session())
    return translator.translate(template, parameter_values={}), packages


def _create(cloudformation: "CloudFormationClient", stack_name: str, template: Template) -> dict[str, str]:
    """Creates a stack; its outputs by name."""
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        OnFailure="DO_NOTHING",
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
        failed = [e for e in reversed(events) if e["ResourceStatus"].endswith("FAILED") and "ResourceStatusReason" in e]
        reasons = [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in failed]
        raise Failure(" ".join(["The emulator refused the stack.", *reasons])) from error
    [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
