"""Hooking in on the local stack: forwarding, the subscription behind it, and what a program needs to talk to it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.support.application import Application, application
from tests.support.eventually import eventually
from tests.support.in_a_pipe import in_a_pipe
from tests.support.installed import COMMAND, Installed
from wickiepay.signature import sign
from wickiepay_cli.local.run import STACK_NAME
from wickiepay_cli.sending.client import connection, deliver
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.stacks.stack import Stack, of_local
from wickiepay_cli.watching.subscription import PREFIX

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

SECRET: Final = "the secret of the application"


@pytest.fixture
def found(stack: LocalStack) -> Stack:
    return of_local(stack)


@pytest.fixture
def command(stack: LocalStack, stack_folder: Path) -> Installed:
    return Installed(stack_folder, stack)


def pay(stack: LocalStack, secret: str, event: str = "payment.completed") -> tuple[str, bytes]:
    """Delivers an event: its uuid, and its body."""
    uuid = str(uuid4())
    data = {"uuid": uuid, "type": "IN", "status": "COMPLETE", "reference": "order-7"}
    body = json.dumps({"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": data}).encode()
    with connection(stack.webhook_url) as http:
        assert deliver(http, stack.webhook_url, body, sign(body, secret.encode())).accepted
    return uuid, body


def made(found: Stack) -> tuple[set[str], set[str]]:
    """The rules and the queues that subscriptions have made, and that are there."""
    rules = found.client("events").list_rules(EventBusName=found.output("EventBusName"), NamePrefix=PREFIX)["Rules"]
    queues = found.sqs().list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])
    return {rule["Name"] for rule in rules}, {url.rpartition("/")[2] for url in queues}


@pytest.mark.parametrize("where", [(), ("--stack", STACK_NAME, "--yes")], ids=["local", "deployed"])
def test_what_is_announced_is_forwarded_and_nothing_is_left_behind(
    stack: LocalStack, found: Stack, command: Installed, signing_secret: str, where: tuple[str, ...]
) -> None:
    with application(Application()) as app:
        words = ("listen", "--json", "--forward-to", app.url, "--events", "*.completed", *where)
        variables = command.environment | {"WICKIEPAY_FORWARD_SECRET": SECRET}
        with in_a_pipe([COMMAND, *words], variables) as listening:
            listening.complaint_with("Forwarding announcements to")
            pay(stack, signing_secret, "payment.created")
            uuid, _ = pay(stack, signing_secret)
            said = json.loads(listening.line_with('"forwarded"'))["forwarded"]
            assert listening.ended().code == 0
    [got] = app.got
    announcement = json.loads(got.body)
    assert (said["uuid"], said["status"], said["answer"]) == (uuid, 200, app.text)
    assert (announcement["detail-type"], announcement["detail"]["uuid"]) == ("payment.completed", uuid)
    assert got.headers["X-Webhook-Signature"] == sign(got.body, SECRET.encode())
    assert made(found) == (set(), set())


def test_the_stacks_own_secret_signs_a_webhook_if_that_is_asked_for(
    stack: LocalStack, command: Installed, signing_secret: str
) -> None:
    uuid, body = pay(stack, signing_secret)
    with application(Application()) as app:
        words = ("listen", "--as", "webhook", "--use-stack-secret", "--latest", "1", "--forward-to", app.url)
        with in_a_pipe([COMMAND, *words], command.environment) as listening:
            assert uuid in listening.line_with("forwarded")
    [got] = app.got
    assert (got.body, got.headers["X-Webhook-Signature"]) == (body, sign(body, signing_secret.encode()))


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [({"detail": {"data": {"type": ["IN"]}}}, True), ({"detail-type": ["weather.changed"]}, False)],
)
def test_a_rule_is_tried_on_what_was_announced(
    stack: LocalStack, command: Installed, signing_secret: str, pattern: dict[str, Any], *, matches: bool
) -> None:
    uuid, _ = pay(stack, signing_secret)
    assert eventually(lambda: command("announcements", "show", uuid).returncode == 0)
    tried = command("announcements", "match", "--pattern", "-", "--latest", "5", given=json.dumps(pattern))
    assert (tried.returncode, uuid in tried.stdout) == (0 if matches else 1, matches)


@pytest.mark.parametrize("pattern", ["", "source", '{"source": "wickiepay"}'])
def test_a_pattern_that_is_none_is_told(
    stack: LocalStack, command: Installed, signing_secret: str, pattern: str
) -> None:
    uuid, _ = pay(stack, signing_secret)
    assert eventually(lambda: command("announcements", "show", uuid).returncode == 0)
    tried = command("announcements", "match", "--pattern", "-", given=pattern)
    assert (tried.returncode, tried.stdout) == (1, "")
    assert "pattern" in tried.stderr.lower()
    assert "Traceback" not in tried.stderr


PROGRAM: Final = """
import boto3, os
print(boto3.client("dynamodb").describe_table(TableName=os.environ["WICKIEPAY_LEDGER_TABLE"])["Table"]["TableName"])
"""


def test_boto3_reads_the_ledger_with_the_variables(command: Installed) -> None:
    script = f'eval "$({COMMAND} env)" && exec {sys.executable} -c "$PROGRAM"'
    bare = {"PATH": os.environ["PATH"], "WICKIEPAY_LOCAL": str(command.folder), "AWS_SESSION_TOKEN": "another's"}
    read = subprocess.run(
        ["/bin/sh", "-c", script], env=bare | {"PROGRAM": PROGRAM}, capture_output=True, text=True, check=False
    )
    assert read.stdout == f"{command.stack.outputs['LedgerTableName']}\n", read.stderr
