"""Puts the real template into an empty emulator, as `sam deploy` puts it into an account."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import WaiterError
from samtranslator.public.parser import Parser
from samtranslator.public.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from wickiepay_cli.failure import Failure
from wickiepay_cli.local.access import Access, unconfigured
from wickiepay_cli.local.packages import function_package, layer_package
from wickiepay_cli.local.preparation import Prepared, Template, prepare
from wickiepay_cli.secret_versions import SecretVersions
from wickiepay_cli.stack import outputs_and_parameters

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient

logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of switches that only AWS itself can turn

BUCKET: Final = "packages"
TEMPLATE: Final = "template.json"
PACKAGED: Final = {
    "AWS::Serverless::Function": ("CodeUri", function_package),
    "AWS::Serverless::LayerVersion": ("ContentUri", layer_package),
}
"""The property by which a resource names the folder of its code, and what becomes of that folder."""

DEFAULTS: Final[Mapping[str, str]] = MappingProxyType({})
"""The values of parameters that leave each at its default."""


@dataclass(frozen=True, slots=True)
class Deployed:
    outputs: dict[str, str]
    parameters: dict[str, str]
    api_url: str
    """Where the stack's HTTP API is to be asked: the path of a request goes right behind it."""
    prepared: list[Prepared]


def deploy(project: Path, aws: Access, stack_name: str, webhook_url: str, signing_secret: str) -> Deployed:
    """Creates the stack of the template in `project`, and gives it the secret that deliveries are signed with.

    Raises `Failure` where the emulator refuses it.
    """
    template, packages = translate(project)
    prepared = prepare(template, webhook_url)
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    outputs, values = _create(cloudformation, stack_name, upload(aws, template, packages))
    secrets: SecretsManagerClient = aws.client("secretsmanager")
    SecretVersions(secrets, outputs["SigningSecretArn"]).replace(signing_secret)
    return Deployed(outputs, values, api_url(aws, stack_name), prepared)


def translate(project: Path, parameters: Mapping[str, str] = DEFAULTS) -> tuple[Template, dict[str, bytes]]:
    """The template in `project` as plain CloudFormation, and the packages it looks for in the bucket, by key."""
    template = yaml_parse((project / "template.yaml").read_text())
    packages: dict[str, bytes] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] in PACKAGED:
            folder, package_of = PACKAGED[resource["Type"]]
            package = package_of(project / resource["Properties"][folder])
            key = f"{name}-{sha256(package).hexdigest()}"  # as with sam: an update notices another address, no content
            packages[key] = package
            resource["Properties"][folder] = f"s3://{BUCKET}/{key}"
    return transform(template, parameters), packages


def transform(template: Template, parameters: Mapping[str, str] = DEFAULTS) -> Template:
    """What CloudFormation makes of a template of SAM's whose code is in a bucket, with some parameters given."""
    translator = Translator({}, Parser(), boto_session=boto3.Session(botocore_session=unconfigured()))
    translated: Template = translator.translate(template, parameter_values=dict(parameters))
    return translated


def upload(aws: Access, template: Template, packages: Mapping[str, bytes]) -> str:
    """Puts a template and its packages into the bucket; the template's address."""
    s3: S3Client = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, package in {**packages, TEMPLATE: json.dumps(template).encode()}.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=package)
    return f"{aws.endpoint_url}/{BUCKET}/{TEMPLATE}"


def api_url(aws: Access, stack_name: str) -> str:
    """Where a stack's HTTP API is: see `Deployed`."""
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    api = cloudformation.describe_stack_resource(StackName=stack_name, LogicalResourceId="WebhookApi")
    api_id = api["StackResourceDetail"]["PhysicalResourceId"]
    return f"{aws.api_root}/_aws/execute-api/{api_id}/$default"


def _create(
    cloudformation: "CloudFormationClient", stack_name: str, template_url: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Creates a stack; its outputs and the values of its parameters, by name."""
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateURL=template_url,  # a template of over 51,200 bytes is not taken with the request
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        OnFailure="DO_NOTHING",
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    except WaiterError as error:
        raise Failure(" ".join(["The emulator refused the stack.", *failures(cloudformation, stack_name)])) from error
    [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    return outputs_and_parameters(stack)


def failures(cloudformation: "CloudFormationClient", stack_name: str) -> list[str]:
    """What could not be made of a stack and why, in the order in which that was found."""
    events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [e for e in reversed(events) if e["ResourceStatus"].endswith("FAILED") and "ResourceStatusReason" in e]
    return [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in failed]
