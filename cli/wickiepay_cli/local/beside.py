"""Puts stacks of the user's own beside the local one, as `sam deploy` puts them into an account."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.exceptions import ClientError

from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.deploy import CAPABILITIES, complete, translate, upload
from wickiepay_cli.local.emulator_patches import Template, patch_template
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.stacks.stack import outputs_and_parameters

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


def deploy_beside(local: LocalStack, project: Path, name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Makes the stack `name` what the SAM template in `project` says, beside the local stack. Returns its outputs.

    A parameter that is not `given` has the value of the local stack's output or parameter of the same name, otherwise
    its default. Raises `CommandError` if the template cannot be deployed.
    """
    if not (project / "template.yaml").is_file():
        raise CommandError(f"There is no template.yaml in {project}.")
    if name == local.stack_name:
        raise CommandError(f"{name} is the listener's own stack: give another name with --name.")
    template, packages = translate(project)
    values = parameter_values(template, given, {**local.parameters, **local.outputs})
    patch_template(template)
    return apply(local.aws, name, upload(local.aws, template, packages), values)


def parameter_values(template: Template, given: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The values of a template's parameters, without defaults. Raises `CommandError` for one too many or too few."""
    declared = template.get("Parameters", {})
    if unknown := given.keys() - declared.keys():
        raise CommandError(f"The template has no parameter {', '.join(sorted(unknown))}.")
    values = {name: known[name] for name in declared if name in known} | dict(given)
    if missing := [name for name, each in declared.items() if name not in values and "Default" not in each]:
        raise CommandError(f"Give a value for {', '.join(missing)}, with --parameter NAME=VALUE.")
    return values


def apply(aws: Access, name: str, template_url: str, values: Mapping[str, str]) -> dict[str, str]:
    """Creates or updates the stack `name` by a change set. Returns its outputs.

    Raises `CommandError` with the reasons if it fails, and ClientError if it is refused as it stands. A stack that
    could not be created is deleted, so that the next try begins anew.
    """
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    update = exists(cloudformation, name)
    change = f"change-{uuid4()}"
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=change,
        ChangeSetType="UPDATE" if update else "CREATE",
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=CAPABILITIES,
    )
    told = cloudformation.describe_change_set(StackName=name, ChangeSetName=change)
    if "didn't contain changes" not in told.get("StatusReason", ""):
        _execute(cloudformation, name, change, update=update)
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return outputs_and_parameters(stack)[0]


def exists(cloudformation: "CloudFormationClient", name: str) -> bool:
    with suppress(ClientError):
        return bool(cloudformation.describe_stacks(StackName=name)["Stacks"])
    return False


def _execute(cloudformation: "CloudFormationClient", name: str, change: str, *, update: bool) -> None:
    cloudformation.execute_change_set(StackName=name, ChangeSetName=change)
    try:
        complete(cloudformation, name, "stack_update_complete" if update else "stack_create_complete")
    except CommandError:
        if not update:
            cloudformation.delete_stack(StackName=name)
        raise
