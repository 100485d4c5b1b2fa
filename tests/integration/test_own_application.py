"""README's application, made in an empty folder as it stands there: it learns from a payment that its order is paid."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.installed import COMMAND, Installed
from tests.support.pages import section
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

STORY: Final = section(PROJECT / "README.md", "Your own application")
PATH: Final = "/wickiepay"


@contextmanager
def going_on(*words: str, folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs until the block ends; its output goes to a file in `folder`."""
    with (
        (folder / f"{Path(words[0]).name}.log").open("wb") as log,
        subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def told(pattern: str) -> str:
    """What README's text says at this place."""
    found = re.search(pattern, STORY, re.MULTILINE | re.DOTALL)
    assert found, pattern
    return found[1]


def test_an_application_marks_an_order_paid(stack: LocalStack, stack_folder: Path, tmp_path: Path) -> None:
    command = Installed(stack_folder, stack)
    (tmp_path / "app.py").write_text(told(r"^```python\n(.*?)^```"))
    with socket.create_server(("127.0.0.1", 0)) as some:
        port = some.getsockname()[1]
    url = f"http://127.0.0.1:{port}{PATH}"
    secret = {"WICKIEPAY_FORWARD_SECRET": told(r"WICKIEPAY_FORWARD_SECRET=(\S+)$")}
    variables = dict(
        line.removeprefix("export ").split("=", 1) for line in command("env").stdout.replace("''", "").splitlines()
    )
    flask = told(r"\.venv/bin/(flask .*?) --port").split()
    options = ("--forward-to", url, "--json")
    with (
        going_on(
            str(Path(sys.executable).parent / flask[0]), *flask[1:], "--port", str(port),
            folder=tmp_path, environment=os.environ | variables | secret,
        ),
        going_on(str(COMMAND), "listen", *options, folder=tmp_path, environment=command.environment | secret),
    ):  # fmt: skip

        def answers_unsigned() -> int:
            with suppress(httpx.TransportError):
                return httpx.post(url, json={}, trust_env=False).status_code
            return 0

        log = tmp_path / "wickiepay.log"
        assert eventually(answers_unsigned) == 401
        assert eventually(lambda: "Forwarding" in log.read_text())
        done = command(*told(r"^\.venv/bin/wickiepay (trigger .*?)$").split())
        assert done.returncode == 0
        assert eventually(lambda: '{\\"order-8\\":\\"PAID\\"}' in log.read_text()), log.read_text()
    assert told(r"`200` and `(.*?)`") == '{"order-8":"PAID"}'
