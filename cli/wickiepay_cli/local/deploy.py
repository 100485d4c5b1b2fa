"""Puts the real template into an empty emulator, as `sam deploy` puts it into an account."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

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
    from botocore.waiter import Waiter
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.literals import CapabilityType
    from types_boto3_cloudformation.type_defs import ParameterTypeDef
    from types_boto3_lambda import LambdaClient
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

CAPABILITIES: Final[Sequence["CapabilityType"]] = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")

POLL_SECONDS: Final = 0.1
POLLS: Final = 600

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
    return f"{aws.api_root}/_aws/execute-api/{physical_id(aws, stack_name, 'WebhookApi')}/$default"


def physical_id(aws: Access, stack_name: str, resource: str) -> str:
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    found = cloudformation.describe_stack_resource(StackName=stack_name, LogicalResourceId=resource)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def redeploy(project: Path, aws: Access, stack_name: str, webhook_url: str, parameters: Mapping[str, str]) -> list[str]:
    """Gives a stack of `project`'s template, which has these parameters, the code as it is now.

    The stack keeps all that it holds.

    Returns the names of the functions that this changes. Raises `CommandError` if refused; then the old code stays.
    """
    template, packages = translate(project, parameters)
    patch_template(template, webhook_url)
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    before = _code(cloudformation.get_template(StackName=stack_name)["TemplateBody"])
    there = _resources(cloudformation, stack_name)  # a function that depends on a parameter may not be
    changed = [name for name, code in _code(template).items() if name in there and code != before.get(name)]
    if changed:
        cloudformation.update_stack(
            StackName=stack_name,
            TemplateURL=upload(aws, template, packages),
            Parameters=_given(parameters),
            Capabilities=CAPABILITIES,
        )
        complete(cloudformation, stack_name, "stack_update_complete")
        for name in changed:
            _delete_old_versions(aws, there[name])
    return changed


def _resources(cloudformation: "CloudFormationClient", stack_name: str) -> dict[str, str]:
    """The physical ids of a stack's resources, by their names in its template."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    summaries = (each for page in pages for each in page["StackResourceSummaries"])
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in summaries}


def _code(template: Template) -> dict[str, Any]:
    """What each function of a template runs, by its name."""
    functions = {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::Lambda::Function"}
    return {name: (each["Properties"]["Code"], each["Properties"]["Layers"]) for name, each in functions.items()}


def _delete_old_versions(aws: Access, function: str) -> None:
    """Deletes the versions of a function except for the live one and the one before, which may still be at work.

    The emulator never ends the process of a version that was invoked.
    """
    functions: LambdaClient = aws.client("lambda")
    _latest, *versions = functions.list_versions_by_function(FunctionName=function)["Versions"]
    for version in versions[:-2]:
        functions.delete_function(FunctionName=function, Qualifier=version["Version"])


def _create(
    cloudformation: "CloudFormationClient", stack_name: str, template_url: str, parameters: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Creates a stack. Returns its outputs and the values of its parameters, by name."""
    cloudformation.create_stack(
        StackName=stack_name,
        TemplateURL=template_url,  # the request itself may hold only 51,200 bytes of template
        Parameters=_given(parameters),
        Capabilities=CAPABILITIES,
        OnFailure="DO_NOTHING",
    )
    complete(cloudformation, stack_name, "stack_create_complete")
    [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    return outputs_and_parameters(stack)


def _given(parameters: Mapping[str, str]) -> "list[ParameterTypeDef]":
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]


def complete(
    cloudformation: "CloudFormationClient",
    stack_name: str,
    what: Literal["stack_create_complete", "stack_update_complete"],
) -> None:
    """Waits until a stack is created or updated. Raises `CommandError`, with the reasons, if that fails."""
    waiter: Waiter = cloudformation.get_waiter(what)
    try:
        waiter.wait(StackName=stack_name, WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": POLLS})
    except WaiterError as error:
        reasons = failures(cloudformation, stack_name)
        raise CommandError(" ".join([f"The emulator refused the stack {stack_name}.", *reasons])) from error


def failures(cloudformation: "CloudFormationClient", stack_name: str) -> list[str]:
    """The resources of a stack that failed, and why, in the order of the failures."""
    events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [e for e in reversed(events) if e["ResourceStatus"].endswith("FAILED") and "ResourceStatusReason" in e]
    return [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in failed]
