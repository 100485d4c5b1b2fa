"""The installed command where its surroundings are not as they should be: one sentence, and an exit code that tells."""

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from tests.support.command_line import run
from wickiepay_cli import app
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack

COMMAND = Path(sys.executable).parent / "wickiepay"


def in_a_shell(script: str, **environment: str) -> tuple[int, str, str]:
    """How a line of shell ends in which $W is the command, and what it says."""
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env=os.environ | {"W": str(COMMAND)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('"$W" trigger --list > /dev/full', "No space left on device.\n"),
        ('"$W" trigger --list >&-', "Standard output is closed.\n"),
        ('WICKIEPAY_LOCAL=/dev/null "$W" events list', "No local stack is running: start one with make run"),
        ('WICKIEPAY_LOCAL=/dev/null "$W" listen', "The local stack cannot keep its files in /dev/null"),
    ],
)
def test_a_circumstance_is_told_in_one_line(script: str, said: str) -> None:
    code, _, problem = in_a_shell(script)
    assert (code, problem.startswith(said), problem.count("\n")) == (1, True, 1)


def test_what_a_terminal_cannot_write_is_replaced() -> None:
    code, shown, problem = in_a_shell('"$W" trigger --help', PYTHONIOENCODING="latin-1")
    assert (code, "trigger" in shown, problem) == (0, True, "")


def test_an_endpoint_that_is_none_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "foo")
    with pytest.raises(CommandError, match="Invalid endpoint: foo"):
        stack.find("prod", region="us-east-1")


@pytest.mark.parametrize("seconds", [0.1, 0.3])
def test_ctrl_c_while_it_is_still_starting_ends_it_without_a_word(seconds: float) -> None:
    ready, gate = os.pipe()
    program = f"import os; os.write({gate}, b'.'); from wickiepay_cli.__main__ import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "trigger", "--list"],
        pass_fds=[gate],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as running:
        os.read(ready, 1)
        time.sleep(seconds)
        running.send_signal(signal.SIGINT)
        _, problem = running.communicate(timeout=60)
    os.close(ready)
    os.close(gate)
    assert (running.returncode, problem) == (130, b"")


def test_ctrl_c_at_a_question_is_no_mere_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    asking = typer.Typer()
    asking.command()(lambda: typer.confirm("Really?", abort=True))
    monkeypatch.setattr("builtins.input", interrupted)
    monkeypatch.setattr("typer._click.termui.visible_prompt_func", interrupted)
    monkeypatch.setattr(app, "app", asking)
    with pytest.raises(SystemExit, match="130"):
        app.main([])


def test_the_version_is_the_package_s() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"wickiepay {version('wickiepay-webhook-listener')}\n")
