"""`wickiepay listen`, as it is installed: it runs a stack or attaches to one, and shows what arrives there."""

import json
import os
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

from wickiepay_cli.local import stack_file
from wickiepay_cli.local.stack_file import LocalStack

pytestmark = pytest.mark.stack

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


def local(folder: Path) -> LocalStack:
    found = stack_file.read(folder)
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
    for url in (stack.webhook_url, stack.aws_endpoint_url):
        with pytest.raises(httpx.TransportError):
            httpx.get(url, trust_env=False)


def test_a_second_one_attaches_and_ends_with_the_stack(tmp_path: Path) -> None:
    with listening(tmp_path, "--quiet") as first:
        line_with(first, "Listening on ")
        with listening(tmp_path) as second:
            line_with(second, "of the stack wickiepay-local")
            uuid = trigger(tmp_path)
            assert line_with(second, uuid, "payment.completed", "raw")
            assert ended(first) == (0, "")
            _, problem = second.communicate(timeout=PATIENCE_SECONDS)
            assert (second.returncode, problem.splitlines()[-1]) == (1, "The local stack has stopped.")


def test_attached_it_tells_programs_of_each_event_once(stack: LocalStack, tmp_path: Path) -> None:
    stack_file.write(stack, tmp_path)
    before = trigger(tmp_path)
    with listening(tmp_path, "--json") as process:
        assert process.stderr
        assert process.stderr.readline() == f"Listening to {stack.webhook_url} of the stack wickiepay-local\n"
        uuid = trigger(tmp_path, "--repeat", "2")
        told: list[dict[str, Any]] = [json.loads(line_with(process, uuid))]
        while told[-1]["state"] != "PROCESSED":
            told.append(json.loads(line_with(process, uuid)))
        code, problem = ended(process)
    assert (code, problem) == (0, "")
    assert [each["change"] for each in told] == [False, *(True for _ in told[1:])]
    assert before not in {each["uuid"] for each in told}
