"""The command `wickiepay`, run in process on tables named as the template names them."""

import io
import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from subprocess import CompletedProcess
from typing import Any, Final

import boto3
import pytest
import typer.main
import typer.testing
from botocore.config import Config
from typer.testing import CliRunner, Result

from wickiepay_cli.app import app, main
from wickiepay_cli.stacks.stack import Stack

# A run builds the tree of all commands first: once for all tests is enough, for no command changes it.
typer.main.get_command = cache(typer.main.get_command)
typer.testing._get_command = typer.main.get_command  # type: ignore[attr-defined]  # its own name for it

OUTPUTS: Final = {
    "EventTableName": "EventTable",
    "LedgerTableName": "LedgerTable",
    "EventQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/EventQueue",
    "DeadLetterQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/DeadLetterQueue",
    "EventBusName": "EventBus",
    "SigningSecretArn": "SigningSecret",
    "WebhookUrl": "https://listener.example.com/webhooks/wickiepay",
}
PARAMETERS: Final = {"AccountField": "reference", "EventRetentionDays": "30"}


@cache  # botocore takes its time to make one
def client(service: Any) -> Any:  # noqa: ANN401  boto3's own types want to know the service
    return boto3.client(service, config=Config(user_agent="tests"))  # without one, it is put together for each call


def stack(*_: object) -> Stack:
    """In place of `wickiepay_cli.stacks.stack.find`: the stack of the test, whichever is asked for."""
    return Stack("listener", OUTPUTS, client, PARAMETERS)


def run(*arguments: str) -> Result:
    """How the command ends, and what it prints."""
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


class _Keyboard(io.BytesIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def at_a_terminal() -> Iterator[None]:
    """Meanwhile, the input of each command that a `CliRunner` invokes is typed by somebody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "make_input_stream", lambda text, _: _Keyboard((text or "").encode()))
        yield


def run_asked(*arguments: str, answer: str) -> Result:
    """The same at a terminal, where somebody types `answer`."""
    with at_a_terminal():
        return CliRunner().invoke(app, arguments, input=f"{answer}\n", catch_exceptions=False)


def run_json(*arguments: str) -> Any:  # noqa: ANN401  JSON
    """The command's output with --json; it has to succeed."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def ended(*words: str) -> CompletedProcess[str]:
    """How the command ends, whatever happens, as if it ran in its own process."""
    code = 0
    with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
        try:
            main(words)
        except SystemExit as end:
            code = int(end.code or 0)
        except Exception:  # noqa: BLE001  whatever it is, the interpreter would print it
            traceback.print_exc()
            code = 1
    return CompletedProcess(words, code, stdout.getvalue(), stderr.getvalue())
