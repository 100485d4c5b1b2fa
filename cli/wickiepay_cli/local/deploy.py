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

from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.emulator_patches import Patch, Template, patch_template
from wickiepay_cli.local.packages import function_package, layer_package
from wickiepay_cli.stacks.emulator_access import Access, unconfigured
from wickiepay_cli.stacks.stack import outputs_and_parameters
from wickiepay_cli.store.secret_versions import SecretVersions

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient

logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns about settings that only AWS itself can change

BUCKET: Final = "packages"
TEMPLATE: Final = "template.json"
PACKAGED: Final = {
    "AWS::Serverless::Function": ("CodeUri", function_package),
    "AWS::Serverless::LayerVersion": ("ContentUri", layer_package),
}
"""Resource type → the property that names the folder of its code, and the function that packages that folder."""

RECONCILING: Final = ("ProviderBaseUrl", "ProviderClientId", "ProviderMerchantId")
"""The parameters that the template's condition `Reconciles` asks for."""

DEFAULTS: Final[Mapping[str, str]] = MappingProxyType({})
"""No parameter values, so that each parameter has its default."""


@dataclass(frozen=True, slots=True)
class Deployed:
    outputs: dict[str, str]
    parameters: dict[str, str]
    api_url: str
    """The base URL of the stack's HTTP API, to which the path of a request is appended."""
    patches: list[Patch]


def deploy(  # noqa: PLR0913, PLR0917  a stack, and what it is told
    project: Path,
    aws: Access,
    stack_name: str,
    webhook_url: str,
    signing_secret: str,
    parameters: Mapping[str, str] = DEFAULTS,
) -> Deployed:
    """Creates the stack of `project`'s template, with the signing secret in it. Raises `CommandError` if refused."""
    template, packages = translate(project, parameters)
    patches = patch_template(template, webhook_url)
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    outputs, values = _create(cloudformation, stack_name, upload(aws, template, packages), parameters)
    secrets: SecretsManagerClient = aws.client("secretsmanager")
    SecretVersions(secrets, outputs["SigningSecretArn"]).replace(signing_secret)
    return Deployed(outputs, values, api_url(aws, stack_name), patches)


def translate(project: Path, parameters: Mapping[str, str] = DEFAULTS) -> tuple[Template, dict[str, bytes]]:
    """The template in `project` as plain CloudFormation, and the packages that it expects in the bucket, by key."""
    template = yaml_parse((project / "template.yaml").read_text())
    packages: dict[str, bytes] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] in PACKAGED and _is_left_out(resource, parameters):
            resource["Properties"][PACKAGED[resource["Type"]][0]] = f"s3://{BUCKET}/{name}"
        elif resource["Type"] in PACKAGED:
            folder, package_of = PACKAGED[resource["Type"]]
            package = package_of(project / resource["Properties"][folder])
            key = f"{name}-{sha256(package).hexdigest()}"  # as in sam: an update notices a new address alone
            packages[key] = package
            resource["Properties"][folder] = f"s3://{BUCKET}/{key}"
    return transform(template, parameters), packages


def _is_left_out(resource: Mapping[str, object], parameters: Mapping[str, str]) -> bool:
    """Whether a resource will not be made, so that nobody has to wait for its package."""
    return resource.get("Condition") == "Reconciles" and not all(parameters.get(name) for name in RECONCILING)


def transform(template: Template, parameters: Mapping[str, str] = DEFAULTS) -> Template:
    """The plain CloudFormation template of a SAM template whose code is in a bucket, with some parameters given."""
    translator = Translator({}, Parser(), boto_session=boto3.Session(botocore_session=unconfigured()))
    translated: Template = translator.translate(template, parameter_values=dict(parameters))
    return translated


def upload(aws: Access, template: Template, packages: Mapping[str, bytes]) -> str:
    """Puts a template and its packages into the bucket. Returns the template's address."""
    s3: S3Client = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for key, package in {**packages, TEMPLATE: json.dumps(template).encode()}.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=package)
    return f"{aws.endpoint_url}/{BUCKET}/{TEMPLATE}"


def api_url(aws: Access, stack_name: str) -> str:
    """The base URL of a stack's HTTP API; see `Deployed`."""
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    api = cloudformation.describe_stack_resource(StackName=stack_name, LogicalResourceId="WebhookApi")
    api_id = api["StackResourceDetail"]["PhysicalResourceId"]
    return f"{aws.api_root}/_aws/execute-api/{api_id}/$default"


def _create(
    cloudformation: "CloudFormationClient", stack_name: str, template_url: str, parameters: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Creates a stack. Returns its outputs and the values of its parameters, by name."""
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateURL=template_url,  # the request itself may hold only 51,200 bytes of template
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        OnFailure="DO_NOTHING",
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    except WaiterError as error:
        raise CommandError(
            " ".join(["The emulator refused the stack.", *failures(cloudformation, stack_name)])
        ) from error
    [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    return outputs_and_parameters(stack)


def failures(cloudformation: "CloudFormationClient", stack_name: str) -> list[str]:
    """The resources of a stack that failed, and why, in the order of the failures."""
    events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [e for e in reversed(events) if e["ResourceStatus"].endswith("FAILED") and "ResourceStatusReason" in e]
    return [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in failed]
