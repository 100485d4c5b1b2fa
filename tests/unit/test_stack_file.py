"""Whether a local stack is there, as its file tells it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wickiepay_cli.local import stack_file
from wickiepay_cli.local.access import Access
from wickiepay_cli.local.stack_file import PROJECT, LocalStack


def stack(pid: int) -> LocalStack:
    aws = Access("http://127.0.0.1:4000", "key", "secret")
    return LocalStack("http://127.0.0.1:3000/", aws, "us-east-1", "wickiepay-local", {"A": "b"}, pid)


def test_a_running_stack_is_read_as_it_was_written(tmp_path: Path) -> None:
    stack_file.write(stack(os.getpid()), tmp_path)
    assert stack_file.read(tmp_path) == stack(os.getpid())


def test_a_stack_whose_process_is_gone_is_not_running(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    stack_file.write(stack(process.pid), tmp_path)
    assert stack_file.read(tmp_path) is None


@pytest.mark.parametrize("content", ["", "left behind", "[]", '{"pid": 1}'])
def test_what_tells_of_no_stack_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    assert stack_file.read(tmp_path) is None


def test_a_removed_stack_is_not_running(tmp_path: Path) -> None:
    stack_file.write(stack(os.getpid()), tmp_path)
    stack_file.remove(tmp_path)
    assert stack_file.read(tmp_path) is None


def test_its_folder_is_in_the_project_unless_the_environment_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WICKIEPAY_LOCAL", raising=False)
    assert stack_file.state_folder() == PROJECT / ".local"
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    assert stack_file.state_folder() == tmp_path
