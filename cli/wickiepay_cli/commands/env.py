"""`wickiepay env`: what a program needs to talk to a stack."""

import json
import shlex
from enum import StrEnum
from typing import Annotated, Final

import typer

from wickiepay_cli.commands.options import AsJson, on_stack
from wickiepay_cli.output.tables import say, show_json
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.stack import Stack

OUTPUTS: Final = {
    "WebhookUrl": "WICKIEPAY_WEBHOOK_URL",
    "EventTableName": "WICKIEPAY_EVENT_TABLE",
    "LedgerTableName": "WICKIEPAY_LEDGER_TABLE",
    "EventQueueUrl": "WICKIEPAY_EVENT_QUEUE_URL",
    "DeadLetterQueueUrl": "WICKIEPAY_DEAD_LETTER_QUEUE_URL",
    "EventBusName": "WICKIEPAY_EVENT_BUS",
}
"""Output of the template → environment variable."""


class Format(StrEnum):
    SHELL = "shell"
    DOTENV = "dotenv"


@on_stack
def env(
    found: Stack,
    *,
    form: Annotated[Format, typer.Option("--format", help="How to print the variables.")] = Format.SHELL,
    as_json: AsJson = False,
) -> None:
    """Print what a program needs to talk to the stack: address, region, names of tables, queues and bus.

    For the local stack, these include the endpoint and the credentials of this run, so that boto3 and the AWS CLI use
    it. For a deployed stack, a program has its own credentials, and none are printed.
    """
    variables = _variables(found)
    if as_json:
        show_json(variables)
        return
    for name, value in variables.items():
        say(f"export {name}={shlex.quote(value)}" if form is Format.SHELL else f"{name}={json.dumps(value)}")


def _variables(found: Stack) -> dict[str, str]:
    local = None if found.deployed else local_stack.read(local_stack.state_folder())
    access = local and {
        "AWS_ENDPOINT_URL": local.aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": local.aws.access_key_id,
        "AWS_SECRET_ACCESS_KEY": local.aws.secret_access_key,
        "AWS_SESSION_TOKEN": "",  # one that the shell has belongs to other keys
    }
    return {
        **(access or {}),
        "AWS_REGION": found.region,
        "AWS_DEFAULT_REGION": found.region,
        **{name: found.output(output) for output, name in OUTPUTS.items()},
    }
