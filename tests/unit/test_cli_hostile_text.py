"""What a stranger wrote, in every output of the command: it is shown, and commands neither terminal nor line."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest

from tests.support.operator_stack import OperatorStack
from wickiepay_cli.app import main
from wickiepay_cli.output.tables import escaped

pytest_plugins = ["tests.support.operator_fixture"]

SINCE: Final = ("--since", "2026-01-01")

SEQUENCES: Final = {
    "clear the screen": ("\x1b[2J", r"\x1b[2J"),
    "set the title (OSC)": ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
    "fill the clipboard (C1)": ("\x9d52;c;cm0K\x9c", r"\x9d52;c;cm0K\x9c"),
    "go back in the line": ("\r\x08\x7f", r"\r\x08\x7f"),
    "turn the direction round": ("\u202e\u2066\u200f", r"\u202e\u2066\u200f"),
    "be seen by nobody": ("\u200b\ufeff\U000e0041", r"\u200b\ufeff\U000e0041"),
    "be no text": ("\ud800", r"\ud800"),
}
HOSTILE: Final = "".join(text for name, (text, _) in SEQUENCES.items() if name != "be no text")


@pytest.mark.parametrize(("text", "shown"), SEQUENCES.values(), ids=SEQUENCES)
def test_what_would_command_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert escaped(f"é {text} 😀") == f"é {shown} 😀"


def test_only_a_text_of_several_lines_has_several() -> None:
    assert (escaped("a\nb"), escaped("a\nb", lines=True)) == (r"a\nb", "a\nb")


def harmless(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


@pytest.fixture
def strangers(operator: OperatorStack) -> OperatorStack:
    """A listener whose records say what a stranger wants them to say, wherever they hold text."""
    identity = operator.receive("c-1", reference=HOSTILE, status=HOSTILE, note=HOSTILE)
    operator.events.mark_failed(identity, operator.now, HOSTILE)
    for key in ({}, {"uuid": {"S": HOSTILE}}, {"event_key": {"S": HOSTILE}}):
        words = {name: {"S": HOSTILE} for name in ("event", "error", "source_ip", "reference")}
        operator.dynamodb.put_item(TableName="EventTable", Item={**operator.item(identity), **words, **key})
    operator.process(operator.receive("p-1", "payment.completed", reference=HOSTILE, type="IN", status="COMPLETE"))
    operator.bury(HOSTILE)
    return operator


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """All that a command prints, however it ends."""

    def printed(*arguments: str) -> str:
        with suppress(SystemExit):
            main(arguments)
        return "".join(capsys.readouterr())

    return printed


type Printed = Callable[..., str]


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    "command",
    [
        ("events", "list", *SINCE),
        ("events", "show", "c-1"),
        ("events", "show", "c-1", "--raw"),
        ("events", "replay", *SINCE, "--state", "FAILED", "--dry-run"),
        ("dlq", "list"),
        ("dlq", "redrive", "--all", "--dry-run"),
        ("payments", "list"),
        ("payments", "show", "p-1"),
        ("balances", "list"),
        ("stats", *SINCE),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_what_is_on_record_is_shown_harmless(printed: Printed, command: tuple[str, ...], form: tuple[str, ...]) -> None:
    assert harmless(printed(*command, *form))


@pytest.mark.usefixtures("strangers")
def test_it_can_be_seen_what_was_written(printed: Printed) -> None:
    assert escaped(HOSTILE) in printed("events", "list", *SINCE)


@pytest.mark.parametrize(
    "command",
    [
        ("events", "show", HOSTILE),
        ("events", "list", f"--{HOSTILE}"),
        ("events", "list", "--since", HOSTILE),
        ("events", HOSTILE),
        (HOSTILE,),
        ("trigger", HOSTILE),
        ("trigger", "payment.completed", "--secret", "s", "--url", f"http://127.0.0.1:9/{HOSTILE}"),
        ("verify", "--request", HOSTILE),
    ],
    ids=range(8),
)
@pytest.mark.usefixtures("operator")
def test_what_was_pasted_is_harmless_in_a_sentence_as_well(printed: Printed, command: tuple[str, ...]) -> None:
    assert harmless(said := printed(*command))
    assert r"\x1b" in said


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize(
    "command",
    [("events", "export", *SINCE, "--format", "csv"), ("events", "export", *SINCE), ("payments", "list", "--csv")],
    ids=" ".join,
)
def test_an_export_is_harmless_on_a_terminal(
    printed: Printed, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe it is what was written: other programs are to have that."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert harmless(printed(*command))
