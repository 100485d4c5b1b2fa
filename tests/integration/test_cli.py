"""The command `wickiepay` on a local stack, and, as it is installed, on a deployed one."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import run_json
from tests.support.eventually import eventually
from tests.support.in_a_pipe import in_a_pipe
from tests.support.installed import COMMAND, Installed
from tests.support.listener import Listener, on_loopback
from wickiepay.event_record import State
from wickiepay_cli.sending.samples import event_types
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

PROCESSED_SECONDS = 60
POLL_SECONDS = 0.1


@pytest.fixture(autouse=True)
def local(stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `stack` the local one."""
    local_stack.write(stack, tmp_path)
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    monkeypatch.delenv("WICKIEPAY_WEBHOOK_SECRET", raising=False)


def process(*arguments: str) -> str:
    """Triggers an event and waits for the end of its processing; its uuid."""
    return settled(run_json("trigger", *arguments)["uuid"])


def settled(uuid: str) -> str:
    """Waits until all events of a uuid are processed; the uuid."""
    deadline = time.monotonic() + PROCESSED_SECONDS
    while time.monotonic() < deadline:
        if all(event["state"] != State.RECEIVED for event in run_json("events", "show", uuid)):
            return uuid
        time.sleep(POLL_SECONDS)
    pytest.fail(f"{uuid} is still RECEIVED")


@pytest.mark.parametrize("event_type", event_types())
def test_every_sample_is_processed(event_type: str) -> None:
    uuid = process(event_type)
    assert [(each["event"], each["state"]) for each in run_json("events", "show", uuid)] == [(event_type, "PROCESSED")]


@pytest.mark.parametrize("scheme", ["raw", "node", "python"])
def test_the_scheme_is_the_one_on_record(scheme: str) -> None:
    [event] = run_json("events", "show", process("payment.created", "--scheme", scheme))
    assert event["scheme"] == scheme


def test_the_body_on_record_is_the_one_that_was_sent() -> None:
    sent = run_json("trigger", "payment.completed", "--set", "data.displayCurrency.amount=0.300")
    [event] = run_json("events", "show", sent["uuid"])
    assert event["body"] == sent["body"]


def test_repeated_deliveries_are_one_event() -> None:
    sent = run_json("trigger", "payment.completed", "--repeat", "3")
    assert [each["body"]["status"] for each in sent["answers"]] == ["accepted", "duplicate", "duplicate"]


def test_the_newest_event_is_listed_first() -> None:
    uuids = [process("payment.created") for _ in range(3)]
    newest = run_json("events", "list", "--type", "payment.created", "--limit", "3")
    assert [event["uuid"] for event in newest] == uuids[::-1]


def test_a_payment_is_found_by_its_reference() -> None:
    uuid = process("payment.expired", "--set", "data.reference=order-of-test-cli")
    [payment] = run_json("payments", "show", "order-of-test-cli")
    assert (payment["uuid"], payment["status"], payment["order_status"]) == (uuid, "EXPIRED", "EXPIRED")


def test_confirmed_payments_into_a_channel_make_its_balance() -> None:
    arguments = ("channel.payment.confirmed", "--set", "data.reference=account-of-test-cli")
    for amount in ("0.10", "0.20"):
        process(*arguments, "--set", f"data.displayCurrency.amount={amount}")
    account = run_json("balances", "show", "account-of-test-cli")
    assert (account["balances"], [entry["amount"] for entry in account["entries"]]) == ({"EUR": "0.3"}, ["0.1", "0.2"])


# --- As it is installed ---------------------------------------------------------------------------------
@pytest.fixture
def wickiepay(stack: LocalStack, tmp_path: Path) -> Installed:
    return Installed(tmp_path, stack)


def test_a_deployed_stack_is_found_by_its_name(wickiepay: Installed, stack: LocalStack) -> None:
    uuid = process("payment.created")
    done = wickiepay("payments", "show", uuid, "--stack", stack.stack_name, "--json")
    assert (done.returncode, done.stderr, json.loads(done.stdout)[0]["uuid"]) == (0, "", uuid)


def test_a_stack_that_is_not_there_is_said_to_be_so(wickiepay: Installed, stack: LocalStack) -> None:
    done = wickiepay("payments", "show", "order-1", "--stack", "no-such-stack")
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f"There is no stack no-such-stack in {stack.region}.\n",
    )


def test_a_delivery_signed_with_another_secret_ends_in_exit_code_1(wickiepay: Installed) -> None:
    done = wickiepay("trigger", "payment.completed", "--secret", "another")
    assert (done.returncode, '"signature_mismatch"' in done.stdout) == (1, True)


# --- Scenarios, as it is installed ----------------------------------------------------------------------
def played(wickiepay: Installed, stack: LocalStack, *arguments: str) -> dict[str, Any]:
    """What is said of a scenario that was sent to the deployed stack; every answer has to be as it must be."""
    said: dict[str, Any] = wickiepay.answer("trigger", "--scenario", *arguments, "--stack", stack.stack_name, "--yes")
    return said


def test_an_underpaid_payment_that_is_accepted_ends_paid(wickiepay: Installed, stack: LocalStack) -> None:
    uuid = settled(played(wickiepay, stack, "underpaid-then-accepted")["uuid"])
    [payment] = run_json("payments", "show", uuid)
    assert (payment["status"], payment["order_status"]) == ("COMPLETE", "PAID")


def test_a_top_up_that_is_delivered_four_times_is_credited_once(wickiepay: Installed, stack: LocalStack) -> None:
    said = played(wickiepay, stack, "duplicates")
    settled(said["uuid"])
    assert run_json("balances", "show", said["reference"])["balances"] == {"EUR": "100"}


def test_a_storm_is_taken(wickiepay: Installed, stack: LocalStack) -> None:
    said = played(wickiepay, stack, "storm", "--count", "40", "--rate", "20")
    assert (said["sent"], said["as_expected"]) == (40, 40)
    assert sum(each["count"] for each in said["answers"]) == 40


def test_ctrl_c_tells_what_was_sent_of_a_storm() -> None:
    listener = Listener()
    with on_loopback(listener) as url:
        options = ("--rate", "20", "--json", "--url", url, "--secret", "s3cret")
        storm = [str(COMMAND), "trigger", "--scenario", "storm", *options]
        with in_a_pipe(storm, os.environ) as running:
            assert eventually(lambda: len(listener.requests) >= 3)
            ended = running.ended()
    answer = json.loads(ended.told)
    assert (ended.code, answer["planned"]) == (130, 100)
    assert answer["sent"] == answer["as_expected"] == len(listener.requests) < 100
