"""The person who gives a command, for the record."""

import getpass
from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay_cli.stacks.stack import Stack


def operator_name(stack: Stack) -> str:
    """The caller's ARN in the stack's account or, if that is unknown, the name of the login on this machine."""
    try:
        return str(stack.client("sts").get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError):
        with suppress(OSError):  # a user in a container may have no name
            return getpass.getuser()
    return "unknown"
