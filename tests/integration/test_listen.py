"""`wickiepay listen`, as it is installed: it runs a stack or attaches to one, and shows what arrives there."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.emulated import variables_of
from tests.support.in_a_pipe import InAPipe, in_a_pipe
from tests.support.installed import COMMAND, PATIENCE_SECONDS
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]


def listening(folder: Path, *options: str) -> AbstractContextManager[InAPipe]:
    return in_a_pipe([COMMAND, "listen", *options], os.environ | {"WICKIEPAY_LOCAL": str(folder), "PORT": "0"})


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


def emulators_of(pid: int) -> list[int]:
    """The process ids of its children that are emulators."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if "emulator" in Path(f"/proc/{child}/cmdline").read_text()]


def local(folder: Path) -> LocalStack:
    found = local_stack.read(folder)
    assert found
    return found


def test_what_arrives_is_shown_with_its_answer_and_then_its_verdict(tmp_path: Path) -> None:
    with listening(tmp_path) as process:
        process.line_with("Send a signed sample: ")
        stack = local(tmp_path)
        uuid = trigger(tmp_path)
        assert "200 accepted" in process.line_with(uuid, "payment.completed", " ms")
        assert "raw" in process.line_with(uuid, "PROCESSED")
        trigger(tmp_path, "--secret", "another")
        assert process.line_with("401 signature_mismatch")
        assert process.ended().quietly
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "ministack.log"}
    for url in (stack.webhook_url, stack.aws.endpoint_url):
        with pytest.raises(httpx.TransportError):
            httpx.get(url, trust_env=False)


def test_a_simulated_provider_delivers_to_the_stack_that_it_stands_beside(tmp_path: Path) -> None:
    with listening(tmp_path, "--provider", "simulated") as process:
        told = process.line_with("The provider's API: http://127.0.0.1:")
        assert local(tmp_path).outputs["ProviderApiKeySecretArn"] in told
        assert process.line_with("200 accepted")
        assert process.ended().quietly


def test_a_second_one_sees_the_same_and_goes_on_with_the_next_stack(tmp_path: Path) -> None:
    with listening(tmp_path, "--quiet") as first:
        first.line_with("Listening on ")
        with listening(tmp_path) as second:
            second.line_with("of the stack wickiepay-local")
            uuid = trigger(tmp_path, "--repeat", "2")
            assert second.line_with(uuid, "payment.completed", "200 accepted", " ms")
            assert second.line_with(uuid, "200 duplicate")
            trigger(tmp_path, "--secret", "another")
            assert second.line_with("401 signature_mismatch")
            assert first.ended().quietly
            assert second.line_with("The local stack has stopped: waiting for the next one")
            with listening(tmp_path, "--quiet") as third:
                third.line_with("Listening on ")
                second.line_with("of the stack wickiepay-local")
                assert second.line_with(trigger(tmp_path), "200 accepted")
                assert third.ended().quietly
            assert second.ended().quietly


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
        with opened(process.line_with("Console: ")) as browser:
            trigger(tmp_path, "--secret", "another")
            [refused] = browser.get("/api/requests").json()["requests"]
            assert (refused["status"], refused["standing"]) == (401, "refused")
            assert "wrong_secret" in browser.get(f"/delivery?n={refused['number']}").text
            assert "Prepared for the emulator" in browser.get("/stack").text
        front_door = local(tmp_path).webhook_url
        assert httpx.get(httpx.URL(front_door).join("/stack"), trust_env=False).status_code == 404
        assert process.ended().quietly


def test_the_console_of_a_deployed_stack_looks_until_its_name_is_typed(stack: LocalStack, tmp_path: Path) -> None:
    local_stack.write(stack, tmp_path)
    uuid = trigger(tmp_path, "--wait")
    command = [str(COMMAND), "console", "--stack", stack.stack_name]
    with in_a_pipe(command, os.environ | variables_of(stack.aws)) as process:
        with opened(process.line_with("Console: ")) as browser:
            assert uuid in browser.get("/history?since=1h").text
            event = {"uuid": uuid, "key": "payment.completed", "why": "A drill."}
            assert browser.post("/replay", data=event).status_code == 400
            assert browser.post("/unlock", data={"name": stack.stack_name}).status_code == 303
            asked = browser.post("/replay", data=event).text
            [sentence] = re.findall(r'name="agreed" value="([^"]*)"', asked)
            assert "this would have 1 event processed again" in sentence
            assert browser.post("/replay", data={**event, "agreed": sentence}).status_code == 303
            assert "A drill." in browser.get("/delivery", params=event).text
        assert process.ended().quietly


def test_without_a_console_there_is_none(tmp_path: Path) -> None:
    with listening(tmp_path, "--no-console", "--quiet") as process:
        process.line_with("Listening on ")
        assert not (tmp_path / "console.json").exists()
        assert process.ended().quietly


def test_an_emulator_that_ends_is_followed_by_a_new_stack_at_the_same_address(tmp_path: Path) -> None:
    with listening(tmp_path, "--quiet") as process:
        listening_on = process.line_with("Listening on ")
        before = local(tmp_path)
        [emulator] = emulators_of(process.process.pid)
        os.kill(emulator, signal.SIGKILL)
        assert process.line_with("A new stack is started", "nothing of the old one is kept")
        assert process.line_with("Listening on ") == listening_on
        assert local(tmp_path).webhook_url == before.webhook_url
        assert httpx.get(local(tmp_path).aws.endpoint_url, trust_env=False).status_code < 500
        assert process.ended().quietly


def test_attached_it_tells_programs_of_each_event_once(stack: LocalStack, tmp_path: Path) -> None:
    local_stack.write(stack, tmp_path)
    before = trigger(tmp_path)
    with listening(tmp_path, "--json") as process:
        assert process.complaint_with() == f"Listening to {stack.webhook_url} of the stack wickiepay-local\n"
        assert process.complaint_with().startswith("Answers are not on record there")
        uuid = trigger(tmp_path, "--repeat", "2")
        told: list[dict[str, Any]] = [json.loads(process.line_with(uuid))]
        while told[-1]["state"] != "PROCESSED":
            told.append(json.loads(process.line_with(uuid)))
        assert process.ended().quietly
    assert [each["change"] for each in told] == [False, *(True for _ in told[1:])]
    assert before not in {each["uuid"] for each in told}
