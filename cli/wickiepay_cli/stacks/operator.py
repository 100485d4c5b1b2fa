"""Who gives a command, for the record."""

import getpass

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay_cli.stacks.stack import Stack


def operator_name(stack: Stack) -> str:
    """The ARN under which the stack's AWS knows the caller; where it does not tell, the name of the login here."""
    try:
        arn: str = stack.client("sts").get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError):
        return _login()
    return arn


def _login() -> str:
    try:
        return getpass.getuser()
    except OSError:  # a container's user need not have a name
        return "unknown"
