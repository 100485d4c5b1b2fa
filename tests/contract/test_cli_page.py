"""docs/cli.md is what the commands say of themselves."""

import subprocess
from pathlib import Path

import pytest

from wickiepay_cli.app import COMMANDS
from wickiepay_cli.local.stack_file import PROJECT


def test_the_page_is_as_the_commands_would_have_it_now(tmp_path: Path) -> None:
    made = tmp_path / "cli.md"
    subprocess.run(["make", "-s", "cli-page", f"CLI_PAGE={made}"], cwd=PROJECT, check=True, capture_output=True)
    assert (PROJECT / "docs/cli.md").read_text() == made.read_text()


@pytest.mark.parametrize("words", [words for words, *_ in COMMANDS])
def test_the_page_has_every_command(words: str) -> None:
    assert f"## `wickiepay {words}`" in (PROJECT / "docs/cli.md").read_text()
