"""The addresses at which the AWS console shows the parts of a stack."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks.stack import Stack

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

HOSTS: Final[Mapping[str, str]] = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}
"""Partition → the console's host, which redirects to the region that an address names."""

_LOG_GROUP: Final = "cloudwatch/home?region={region}#logsV2:log-groups/log-group/{name_in_fragment}"
_TABLE: Final = "dynamodbv2/home?region={region}#table?name={name}"
_QUEUE: Final = "sqs/v3/home?region={region}#/queues/{name}"

STACK_ID: Final = "StackId"
"""Used like the name of an output, but stands for the stack itself."""

What = Literal["dashboard", "logs", "tables", "queue", "secret", "stack"]

PAGES: Final[Mapping[What, Mapping[str, tuple[str, str]]]] = {
    "dashboard": {"dashboard": ("DashboardName", "cloudwatch/home?region={region}#dashboards/dashboard/{name}")},
    "logs": {
        "ingest": ("IngestLogGroup", _LOG_GROUP),
        "consumer": ("ConsumerLogGroup", _LOG_GROUP),
        "relay": ("RelayLogGroup", _LOG_GROUP),
        "reconciler": ("ReconcilerLogGroup", _LOG_GROUP),
        "api": ("ApiAccessLogGroup", _LOG_GROUP),
    },
    "tables": {"events": ("EventTableName", _TABLE), "ledger": ("LedgerTableName", _TABLE)},
    "queue": {"events": ("EventQueueUrl", _QUEUE), "dead-letters": ("DeadLetterQueueUrl", _QUEUE)},
    "secret": {"secret": ("SigningSecretArn", "secretsmanager/secret?name={secret_name}&region={region}")},
    "stack": {"stack": (STACK_ID, "cloudformation/home?region={region}#/stacks/stackinfo?stackId={name}")},
}
"""What can be opened → its parts, each with the output that names it and the page that shows it."""


def addresses(stack: Stack, what: What, part: str | None = None) -> dict[str, str]:
    """The addresses of the parts of one of `PAGES` that the stack has, by name; only that of `part` if one is given.

    Raises `CommandError` for an unknown part or partition, and for a stack without the output.
    """
    cloudformation: CloudFormationClient = stack.client("cloudformation")
    partition, region = cloudformation.meta.partition, cloudformation.meta.region_name
    if partition not in HOSTS:
        raise CommandError(f"The console of the partition {partition} is not known.")
    if what == "dashboard" and stack.parameters.get("Monitoring") == "lean":
        raise CommandError(f"The stack {stack.name} has no dashboard, because its parameter Monitoring is lean.")
    if part is not None and part not in PAGES[what]:
        raise CommandError(f"There is no {part} among {what}. There are: {', '.join(PAGES[what])}.")
    absent = None if stack.reconciles else "reconciler"
    if part and part == absent:
        raise CommandError(f"The stack {stack.name} has no reconciler, since it does not know WickiePay's API.")
    return {
        name: f"https://{HOSTS[partition]}/{page.format(region=region, **_names(_name(stack, output)))}"
        for name, (output, page) in PAGES[what].items()
        if part in {None, name} and name != absent
    }


def _name(stack: Stack, output: str) -> str:
    if output != STACK_ID:
        return stack.output(output)
    cloudformation: CloudFormationClient = stack.client("cloudformation")
    [described] = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
    return described["StackId"]


def _names(name: str) -> dict[str, str]:
    """A name in the forms that addresses need. A secret's name is the end of its ARN, without six random characters."""
    quoted = quote(name, safe="")
    return {
        "name": quoted,
        "name_in_fragment": quote(quoted, safe="").replace("%", "$"),  # that page decodes its fragment twice
        "secret_name": quote(name.rpartition(":")[2].rpartition("-")[0], safe=""),
    }
