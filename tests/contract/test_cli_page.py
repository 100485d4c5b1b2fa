"""docs/cli.md is what the commands say of themselves."""

import subprocess
from pathlib import Path

import pytest

from wickiepay_cli.app import app
from wickiepay_cli.local.stack_file import PROJECT

COMMANDS = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
GROUPS = {str(group.name) for group in app.registered_groups}


def test_the_page_is_as_the_commands_would_have_it_now(tmp_path: Path) -> None:
    made = tmp_path / "cli.md"
    subprocess.run(["make", "-s", "cli-page", f"CLI_PAGE={made}"], cwd=PROJECT, check=True, capture_output=True)
    assert (PROJECT / "docs/cli.md").read_text() == made.read_text()


@pytest.mark.parametrize("name", sorted(COMMANDS | GROUPS))
def test_the_page_has_every_command(name: str) -> None:
    assert f"## `wickiepay {name}" in (PROJECT / "docs/cli.md").read_text()
