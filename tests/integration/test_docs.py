"""The commands that the documents show are commands that work: each is run as it stands, or shown to exist."""

import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from botocore.client import BaseClient
from samtranslator.yaml_helper import yaml_parse
from typer.testing import CliRunner, Result

from tests.support.aws_commands import check
from tests.support.command_line import at_a_terminal, run
from tests.support.emulated import variables_of
from tests.support.pages import OURS, PAGES, Command, commands, in_the_text, of_all_pages, rows, section
from wickiepay import clock
from wickiepay.delivery import Delivery
from wickiepay.queue import Message, encode
from wickiepay_cli.app import app
from wickiepay_cli.project import PROJECT
from wickiepay_cli.simulator.portal import Portal
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import LocalStack

OF_A_NEW_TYPE: Final = ["trigger", "invoice.paid"]
"""Sends what has a sample once the reader of docs/adding-an-event-type.md has added it."""

ENDLESS: Final = (["listen"], ["announcements", "tail"])
"""Commands that go on until Ctrl-C. Tests of their own run them."""

ACCOUNT: Final = "customer-1"
"""One that was credited."""

IN_IAM: Final = {"monitoring": "cloudwatch"}
"""What IAM calls a service that signs its requests by another name."""

AT_ONE_TIME: Final = "timestamp=2026-01-15T10:25:00Z"
PATIENCE_SECONDS: Final = 60


def lines(found: Sequence[Command]) -> list[str]:
    """Commands as text, each once."""
    return list(dict.fromkeys(map(shlex.join, found)))


def test_every_command_is_of_a_kind_that_a_test_looks_at() -> None:
    assert {command[0] for page in PAGES for command in commands(page)} <= {*OURS, "aws", "make", "sam"}


# --- Of other programs -------------------------------------------------------------------------------
@pytest.mark.parametrize("line", lines(of_all_pages("make")))
def test_a_make_target_exists(line: str) -> None:
    make = shutil.which("make")
    assert make
    subprocess.run([make, "--dry-run", *shlex.split(line)[1:]], cwd=PROJECT, check=True, capture_output=True)


@pytest.mark.parametrize("line", lines(of_all_pages("aws")))
def test_the_aws_cli_would_take_it(line: str) -> None:
    check(shlex.split(line))


@pytest.mark.parametrize("line", [line for line in lines(of_all_pages("sam")) if "--parameter-overrides" in line])
def test_the_parameters_that_a_deployment_sets_exist(line: str) -> None:
    words = shlex.split(line)
    template = words[words.index("--template-file") + 1] if "--template-file" in words else "template.yaml"
    parameters = yaml_parse((PROJECT / template).read_text())["Parameters"]
    assert {word.partition("=")[0] for word in words if "=" in word} <= parameters.keys()


# --- Ours --------------------------------------------------------------------------------------------
def ours(*, deployed: bool) -> list[Command]:
    """Our own commands, without the program: those that are shown on a deployed stack, or the others."""
    shown = [command[1:] for command in of_all_pages(*OURS)]
    ending = [each for each in shown if not any(each[: len(words)] == words for words in ENDLESS)]
    return [each for each in ending if each[:2] != OF_A_NEW_TYPE and ("--stack" in each) is deployed]


@pytest.mark.thorough
@pytest.mark.stack
def test_the_commands_for_the_local_stack_work_in_their_order(
    stack: LocalStack, portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_stack.write(stack, tmp_path)
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    portal.provider.register(stack.webhook_url, ["nothing.*"], "", b"")
    for command in ours(deployed=False):
        result = run(*command)
        assert result.exit_code == 0, f"{shlex.join(command)}: {result.output}"


@pytest.mark.parametrize("line", lines([*of_all_pages(*OURS), *in_the_text(*OURS)]))
def test_any_of_our_commands_has_options_that_exist(line: str) -> None:
    assert run(*shlex.split(line)[1:], "--help").exit_code == 0


@dataclass(frozen=True, slots=True)
class Done:
    """A command that was given, how it ended, and the IAM actions that it took."""

    command: Command
    result: Result
    actions: frozenset[str]

    @property
    def name(self) -> str:
        """`events list`, `doctor`."""
        return " ".join(word for word in self.command[:2] if re.fullmatch("[a-z]+", word))


class Operator:
    """Gives commands to the local stack as to a deployed one: it is known by its name and its outputs alone."""

    def __init__(self, stack: LocalStack, taken: list[str]) -> None:
        self._stack = stack
        self._taken = taken
        self._uuid, self._credited = str(uuid4()), str(uuid4())
        self._question = ""
        for amount in ("100.00", "99.00"):  # an event, and a delivery in conflict with it
            self._send("payment.completed", self._uuid, f"data.paidCurrency.amount={amount}", AT_ONE_TIME)
        self._send("deposit.status_change", self._uuid)
        for transaction in ("a" * 64, "b" * 64):  # of one payment, or of two: the uuid may be the channel's
            self._send(
                "channel.payment.confirmed",
                self._credited,
                f"data.reference={ACCOUNT}",
                f"data.channelId={self._credited}",
                f"data.hash={transaction}",
            )
            self._question = f"channel.payment.confirmed#{transaction}"
            self._wait_for(self._credited, self._question)

    def do(self, command: Command) -> Done:
        """Gives a command, with what the reader has to fill in, and says yes to what it asks."""
        uuid = self._credited if "KEY" in command else self._uuid
        filled_in = {"UUID": uuid, "KEY": self._question, "ACCOUNT": ACCOUNT, "MESSAGE_ID": ""}
        if "MESSAGE_ID" in command:
            filled_in["MESSAGE_ID"] = self._bury()
        self._taken.clear()
        result = self._give(*(filled_in.get(word, word) for word in command))
        return Done(command, result, frozenset(self._taken))

    def _send(self, event: str, uuid: str, *settings: str) -> None:
        result = self._give("trigger", event, "--uuid", uuid, *(f"--set={setting}" for setting in settings))
        assert result.exit_code == 0, result.output

    def _wait_for(self, uuid: str, event_key: str) -> None:
        """Waits until an event has its verdict."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = json.loads(self._give("events", "show", uuid, "--json").stdout or "[]")
            if any(each["event_key"] == event_key and each["state"] != "RECEIVED" for each in found):
                return
            time.sleep(0.2)
        raise AssertionError(event_key)

    def _give(self, *words: str) -> Result:
        """The command on the local stack, whatever stack it names."""
        named = (
            [*words[: words.index("--stack")], *words[words.index("--stack") + 2 :]] if "--stack" in words else words
        )
        with at_a_terminal():
            return CliRunner().invoke(app, [*named, "--stack", self._stack.stack_name], input="y\n")

    def _bury(self) -> str:
        """Puts a message into the dead-letter queue; its id."""
        delivery = Delivery(
            b'{"event": "audit.api", "data": {}}', "raw", clock.instant(clock.now()), "192.0.2.1", "request"
        )
        event = delivery.event()
        letter = encode(Message(event.identity, delivery))
        url = self._stack.outputs["DeadLetterQueueUrl"]
        sent: Mapping[str, str] = self._stack.client("sqs").send_message(QueueUrl=url, MessageBody=letter)
        return sent["MessageId"]


@pytest.fixture(scope="module")
def done(stack: LocalStack, portal: Portal) -> Iterator[list[Done]]:
    """Each command that is shown on a deployed stack, after it was given."""
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's own name
    taken: list[str] = []

    def noted(client: BaseClient, operation: str, request: Any) -> object:  # noqa: ANN401  botocore's own
        if operation == "TransactWriteItems":  # authorised as the writes it is made of
            taken.extend(f"dynamodb:{kind}Item" for write in request["TransactItems"] for kind in write)
        else:
            service = client.meta.service_model.signing_name
            taken.append(f"{IN_IAM.get(service, service)}:{operation.removesuffix('Batch')}")
        return call(client, operation, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", noted)
        for name, value in variables_of(stack.aws).items():
            patch.setenv(name, value)
        operator = Operator(stack, taken)
        portal.provider.destinations.clear()
        yield [operator.do(command) for command in ours(deployed=True)]


@pytest.mark.thorough
@pytest.mark.stack
def test_the_commands_for_a_deployed_stack_work_in_their_order(done: list[Done]) -> None:
    wrong = [
        f"{shlex.join(each.command)}: {each.result.output or each.result.exception}"
        for each in done
        if each.result.exit_code
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.thorough
@pytest.mark.stack
def test_a_command_takes_no_action_that_the_page_does_not_name(done: list[Done]) -> None:
    table = rows(section(PROJECT / "docs/operating.md", "Who may do what"))
    may = {name.strip("`"): set(re.findall(r"`(\w+:\w+)`", " ".join(where))) for name, *where in table}
    everywhere = {"cloudformation:DescribeStacks", "sts:GetCallerIdentity"}  # the second needs no permission
    assert {each.name for each in done} == may.keys()
    assert {(each.name, action) for each in done for action in each.actions - everywhere - may[each.name]} == set()
