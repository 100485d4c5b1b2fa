"""Finds the webhook listeners that are deployed in an account, among its CloudFormation stacks.

Only CloudFormation is asked: a person who may work on a stack may describe it, but perhaps not search by tag.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wickiepay.clock import instant
from wickiepay_cli.stacks.stack import outputs_and_parameters, tags_of

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

APPLICATION: Final = ("application", "wickiepay-webhook-listener")
"""The tag that samconfig.toml gives to a stack."""

OUTPUTS: Final = frozenset({"WebhookUrl", "EventTableName", "LedgerTableName", "SigningSecretArn"})
"""The outputs that identify a listener without that tag, for example from the Serverless Application Repository."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed listener. `environment` is its tag of that name; `webhook_url` is None until it exists."""

    name: str
    region: str
    local: bool
    environment: str | None
    status: str
    updated_at: str
    webhook_url: str | None


def deployments(cloudformation: "CloudFormationClient", *, local: bool = False) -> Iterator[Deployment]:
    """The listeners in a client's account and region. `local` says that this is the emulator."""
    region = cloudformation.meta.region_name
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            tags = tags_of(stack)
            outputs, _ = outputs_and_parameters(stack)
            if tags.get(APPLICATION[0]) == APPLICATION[1] or outputs.keys() >= OUTPUTS:
                yield Deployment(
                    name=stack["StackName"],
                    region=region,
                    local=local,
                    environment=tags.get("environment"),
                    status=stack["StackStatus"],
                    updated_at=instant(stack.get("LastUpdatedTime", stack["CreationTime"])),
                    webhook_url=outputs.get("WebhookUrl"),
                )
