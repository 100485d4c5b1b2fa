"""The webhook listeners that are deployed in an account, found among its CloudFormation stacks.

CloudFormation alone is asked: whoever may work on a stack may describe it, and need not be allowed to search by tag.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wickiepay.clock import instant

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

APPLICATION: Final = ("application", "wickiepay-webhook-listener")
"""The tag that samconfig.toml gives to a stack."""

OUTPUTS: Final = frozenset({"WebhookUrl", "EventTableName", "LedgerTableName", "SigningSecretArn"})
"""What tells a listener that was deployed without that tag, from the Serverless Application Repository say."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack of this project's template. `environment` is its tag of that name; `updated_at` is when it changed last.

    `webhook_url` is None until it is made.
    """

    name: str
    region: str
    local: bool
    environment: str | None
    status: str
    updated_at: str
    webhook_url: str | None


def deployments(cloudformation: "CloudFormationClient", *, local: bool = False) -> Iterator[Deployment]:
    """The listeners in the account and the region of a client; `local` says that this is the emulator."""
    region = cloudformation.meta.region_name
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
            outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
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
