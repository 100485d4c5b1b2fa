"""`wickiepay local deploy` where there is nothing to deploy beside, and with what it cannot read."""

from pathlib import Path

import pytest

from tests.support.command_line import run
from wickiepay_cli.errors import CommandError


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which no stack runs."""
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))


def test_it_needs_a_local_stack(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No local stack is running"):
        run("local", "deploy", str(tmp_path))


@pytest.mark.parametrize("words", [["--parameter", "Name"], ["--parameter", "=value"], ["--name"]], ids=" ".join)
def test_a_parameter_has_a_name_and_a_value(words: list[str], tmp_path: Path) -> None:
    assert run("local", "deploy", str(tmp_path), *words).exit_code == 2


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    assert run("local", "deploy", str(tmp_path / "nothing")).exit_code == 2
