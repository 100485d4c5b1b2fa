"""The commands that the documents show are commands that work: each is run as it stands, or shown to exist."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from command_line import run
from wickiepay_cli.local import stack_file
from wickiepay_cli.local.stack_file import PROJECT, LocalStack

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
OURS = ".venv/bin/wickiepay"
DEPLOYING = {("sam", "build"), ("sam", "deploy", "--guided")}  # need an account, or another environment
NEW_TYPE = "invoice.paid"  # exists once the reader of docs/adding-an-event-type.md has added it


def commands(page: Path) -> list[list[str]]:
    """The lines of the shell blocks of a page."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line.strip()]


def of_all_pages(program: str) -> list[list[str]]:
    return [command for page in PAGES for command in commands(page) if command[0] == program]


def test_every_command_is_of_a_kind_that_a_test_looks_at() -> None:
    shown = {tuple(command) for page in PAGES for command in commands(page)}
    assert {command for command in shown if command[0] not in {OURS, "make"}} <= DEPLOYING


@pytest.mark.parametrize("command", of_all_pages("make"), ids=" ".join)
def test_a_make_target_exists(command: list[str]) -> None:
    make = shutil.which("make")
    assert make
    subprocess.run([make, "--dry-run", *command[1:]], cwd=PROJECT, check=True, capture_output=True)


@pytest.mark.stack
def test_the_commands_for_the_local_stack_work_in_their_order(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_file.write(stack, tmp_path)
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    for command in of_all_pages(OURS):
        if "--stack" not in command and NEW_TYPE not in command:
            result = run(*command[1:])
            assert result.exit_code == 0, f"{shlex.join(command)}: {result.output}"


@pytest.mark.parametrize("command", [c for c in of_all_pages(OURS) if "--stack" in c or NEW_TYPE in c], ids=" ".join)
def test_any_other_of_our_commands_has_options_that_exist(command: list[str]) -> None:
    assert run(*command[1:], "--help").exit_code == 0
