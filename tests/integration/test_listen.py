"""`wickiepay listen`, as it is installed: it runs a stack or attaches to one, and shows what arrives there."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.emulated import variables_of
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

COMMAND = Path(sys.executable).parent / "wickiepay"
PATIENCE_SECONDS = 60


@contextmanager
def listening(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a pipe; killed in the end if it is still there."""
    process = subprocess.Popen(
        [COMMAND, "listen", *options],
        env=os.environ | {"WICKIEPAY_LOCAL": str(folder), "PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line_with(process: subprocess.Popen[str], *words: str) -> str:
    """The next line of standard output that holds all the words; the test's own time limit bounds the wait."""
    assert process.stdout
    for line in process.stdout:
        if all(word in line for word in words):
            return line
    pytest.fail(f"It ended without {words}: {process.communicate()}")


def trigger(folder: Path, *options: str) -> str:
    """Sends an event to the stack in `folder`; its uuid."""
    uuid = str(uuid4())
    environment = os.environ | {"WICKIEPAY_LOCAL": str(folder)}
    subprocess.run(
        [COMMAND, "trigger", "payment.completed", "--uuid", uuid, *options],
        env=environment,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return uuid


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Stops it as Ctrl-C does: its exit code, and what it complained of."""
    process.send_signal(signal.SIGINT)
    _, problem = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, problem


def emulators_of(process: subprocess.Popen[str]) -> list[int]:
    """The process ids of its children that are emulators."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if "emulator" in Path(f"/proc/{child}/cmdline").read_text()]


def local(folder: Path) -> LocalStack:
    found = local_stack.read(folder)
    assert found
    return found


def test_what_arrives_is_shown_with_its_answer_and_then_its_verdict(tmp_path: Path) -> None:
    with listening(tmp_path) as process:
        line_with(process, "Send a signed sample: ")
        stack = local(tmp_path)
        uuid = trigger(tmp_path)
        assert "200 accepted" in line_with(process, uuid, "payment.completed", " ms")
        assert "raw" in line_with(process, uuid, "PROCESSED")
        trigger(tmp_path, "--secret", "another")
        assert line_with(process, "401 signature_mismatch")
        assert ended(process) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "ministack.log"}
    for url in (stack.webhook_url, stack.aws.endpoint_url):
        with pytest.raises(httpx.TransportError):
            httpx.get(url, trust_env=False)


def test_a_simulated_provider_delivers_to_the_stack_that_it_stands_beside(tmp_path: Path) -> None:
    with listening(tmp_path, "--provider", "simulated") as process:
        told = line_with(process, "The provider's API: http://127.0.0.1:")
        assert local(tmp_path).outputs["ProviderApiKeySecretArn"] in told
        assert line_with(process, "200 accepted")
        assert ended(process) == (0, "")


def test_a_second_one_sees_the_same_and_goes_on_with_the_next_stack(tmp_path: Path) -> None:
    with listening(tmp_path, "--quiet") as first:
        line_with(first, "Listening on ")
        with listening(tmp_path) as second:
            line_with(second, "of the stack wickiepay-local")
            uuid = trigger(tmp_path, "--repeat", "2")
            assert line_with(second, uuid, "payment.completed", "200 accepted", " ms")
            assert line_with(second, uuid, "200 duplicate")
            trigger(tmp_path, "--secret", "another")
            assert line_with(second, "401 signature_mismatch")
            assert ended(first) == (0, "")
            assert line_with(second, "The local stack has stopped: waiting for the next one")
            with listening(tmp_path, "--quiet") as third:
                line_with(third, "Listening on ")
                line_with(second, "of the stack wickiepay-local")
                assert line_with(second, trigger(tmp_path), "200 accepted")
                assert ended(third) == (0, "")
            assert ended(second) == (0, "")


@contextmanager
def opened(line: str) -> Iterator[httpx.Client]:
    """A browser in which the console was opened by the line that the terminal shows."""
    address = httpx.URL(line.removeprefix("Console: ").strip())
    origin = f"http://127.0.0.1:{address.port}"
    headers = {"Origin": origin}
    with httpx.Client(base_url=origin, trust_env=False, headers=headers, timeout=PATIENCE_SECONDS) as browser:
        assert browser.get(address).status_code == 303
        yield browser


def test_the_console_shows_a_refused_delivery_and_why(tmp_path: Path) -> None:
    with listening(tmp_path) as process:
        with opened(line_with(process, "Console: ")) as browser:
            trigger(tmp_path, "--secret", "another")
            [refused] = browser.get("/api/requests").json()["requests"]
            assert (refused["status"], refused["standing"]) == (401, "refused")
            assert "wrong_secret" in browser.get(f"/delivery?n={refused['number']}").text
            assert "Prepared for the emulator" in browser.get("/stack").text
        front_door = local(tmp_path).webhook_url
        assert httpx.get(httpx.URL(front_door).join("/stack"), trust_env=False).status_code == 404
        assert ended(process) == (0, "")


def test_the_console_of_a_deployed_stack_looks_until_its_name_is_typed(stack: LocalStack, tmp_path: Path) -> None:
    local_stack.write(stack, tmp_path)
    uuid = trigger(tmp_path, "--wait")
    command = [str(COMMAND), "console", "--stack", stack.stack_name]
    environment = os.environ | variables_of(stack.aws)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            with opened(line_with(process, "Console: ")) as browser:
                assert uuid in browser.get("/history?since=1h").text
                event = {"uuid": uuid, "key": "payment.completed", "why": "A drill."}
                assert browser.post("/replay", data=event).status_code == 400
                assert browser.post("/unlock", data={"name": stack.stack_name}).status_code == 303
                asked = browser.post("/replay", data=event).text
                [sentence] = re.findall(r'name="agreed" value="([^"]*)"', asked)
                assert "this would have 1 event processed again" in sentence
                assert browser.post("/replay", data={**event, "agreed": sentence}).status_code == 303
                assert "A drill." in browser.get("/delivery", params=event).text
            assert ended(process) == (0, "")
        finally:
            process.kill()


def test_without_a_console_there_is_none(tmp_path: Path) -> None:
    with listening(tmp_path, "--no-console", "--quiet") as process:
        line_with(process, "Listening on ")
        assert not (tmp_path / "console.json").exists()
        assert ended(process) == (0, "")


def test_an_emulator_that_ends_is_followed_by_a_new_stack_at_the_same_address(tmp_path: Path) -> None:
    with listening(tmp_path, "--quiet") as process:
        listening_on = line_with(process, "Listening on ")
        before = local(tmp_path)
        [emulator] = emulators_of(process)
        os.kill(emulator, signal.SIGKILL)
        assert line_with(process, "A new stack is started", "nothing of the old one is kept")
        assert line_with(process, "Listening on ") == listening_on
        assert local(tmp_path).webhook_url == before.webhook_url
        assert httpx.get(local(tmp_path).aws.endpoint_url, trust_env=False).status_code < 500
        assert ended(process) == (0, "")


def test_attached_it_tells_programs_of_each_event_once(stack: LocalStack, tmp_path: Path) -> None:
    local_stack.write(stack, tmp_path)
    before = trigger(tmp_path)
    with listening(tmp_path, "--json") as process:
        assert process.stderr
        assert process.stderr.readline() == f"Listening to {stack.webhook_url} of the stack wickiepay-local\n"
        assert process.stderr.readline().startswith("Answers are not on record there")
        uuid = trigger(tmp_path, "--repeat", "2")
        told: list[dict[str, Any]] = [json.loads(line_with(process, uuid))]
        while told[-1]["state"] != "PROCESSED":
            told.append(json.loads(line_with(process, uuid)))
        code, problem = ended(process)
    assert (code, problem) == (0, "")
    assert [each["change"] for each in told] == [False, *(True for _ in told[1:])]
    assert before not in {each["uuid"] for each in told}
