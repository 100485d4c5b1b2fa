"""Whether a local stack is there, as its file tells it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack


def stack(pid: int) -> LocalStack:
    aws = Access("http://127.0.0.1:4000", "key", "secret")
    return LocalStack("http://127.0.0.1:3000/", aws, "us-east-1", "wickiepay-local", {"A": "b"}, pid)


def test_a_running_stack_is_read_as_it_was_written(tmp_path: Path) -> None:
    local_stack.write(stack(os.getpid()), tmp_path)
    assert local_stack.read(tmp_path) == stack(os.getpid())


def test_a_stack_whose_process_is_gone_is_not_running(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    local_stack.write(stack(process.pid), tmp_path)
    assert local_stack.read(tmp_path) is None


@pytest.mark.parametrize("content", ["", "left behind", "[]", '{"pid": 1}'])
def test_what_tells_of_no_stack_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    assert local_stack.read(tmp_path) is None


def test_a_removed_stack_is_not_running(tmp_path: Path) -> None:
    local_stack.write(stack(os.getpid()), tmp_path)
    local_stack.remove(tmp_path)
    assert local_stack.read(tmp_path) is None


def test_its_folder_is_in_the_project_unless_the_environment_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WICKIEPAY_LOCAL", raising=False)
    assert local_stack.state_folder() == PROJECT / ".local"
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    assert local_stack.state_folder() == tmp_path
