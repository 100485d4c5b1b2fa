"""The tree of commands: what a list says of each, and that a command is imported only when it is named."""

import subprocess
import sys
from typing import Any

import pytest
import typer

from tests.support.command_line import run
from wickiepay_cli.app import COMMANDS, GROUPS, app
from wickiepay_cli.whole import app as whole

UNNEEDED = ("botocore", "httpx", "cryptography", "wickiepay_api", "wickiepay_cli.commands.trigger")


def commands(tree: Any, *words: str) -> dict[str, Any]:  # noqa: ANN401  Typer's own copy of click
    found: dict[str, Any] = {}
    for name, command in tree.commands.items():
        inner = commands(command, *words, name) if hasattr(command, "commands") else {" ".join((*words, name)): command}
        found |= inner
    return found


LATER, LOADED = (commands(typer.main.get_command(tree)) for tree in (app, whole))


@pytest.mark.parametrize("words", [words for words, *_ in COMMANDS])
def test_a_list_says_of_a_command_what_its_help_begins_with(words: str) -> None:
    summary = " ".join(LOADED[words].help.partition("\n\n")[0].split())

    assert (LATER[words].help, LATER[words].hidden) == (summary, LOADED[words].hidden)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["events", "--help"]], ids=" ".join)
def test_what_describes_commands_imports_none(arguments: list[str]) -> None:
    program = f"""
import sys
from wickiepay_cli.__main__ import main
sys.argv[1:] = {arguments}
try:
    main()
finally:
    loaded = [name for name in {UNNEEDED} if name in sys.modules]
    assert not loaded, loaded
"""

    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)


def test_listing_events_imports_nothing_that_sends() -> None:
    program = "import sys, wickiepay_cli.commands.events.list; assert 'httpx' not in sys.modules"

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("words", ["", *GROUPS, *(words for words, *_ in COMMANDS)])
def test_help_is_there_under_each_of_its_names_and_flags_have_no_type(words: str) -> None:
    shown = [run(*asked).stdout for asked in ([*words.split(), "-h"], ["help", *words.split()])]
    assert shown == [run(*words.split(), "--help").stdout] * 2
    assert ("Usage:" in shown[0], "<bool>" in shown[0]) == (True, False)


def test_help_is_as_wide_as_the_terminal_and_keeps_the_lines_of_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 200)
    lines = [line.strip() for line in run("trigger", "--help").stdout.splitlines()]
    assert any("Exit code 1 unless each delivery" in line for line in lines)  # its docstring has a new line there
    assert "paid                    A payment, created to completed: the order is PAID." in lines


def test_the_version_is_a_word_too() -> None:
    assert run("version").stdout == run("--version").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["events", "list", "--since", "1h", "--since", "2h"], "given twice"),
        (["events", "list", "--state", "FAILED,LOST", "--state", "WON"], "LOST"),
        (["payments", "list", "--order", "PAID,COMPLETE"], "COMPLETE"),
        (["stacks", "--region", "eu-west-1,,eu-central-1"], "empty"),
        (["help", "event"], "No such command"),
        (["env", "--format", "yaml"], "'--format': 'yaml' is not one of 'shell', 'dotenv'."),
    ],
)
def test_what_would_be_swallowed_is_wrong_usage_and_named(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, said in result.stderr) == (2, True)
