"""A TAB offers stacks, uuids, types and statuses, quickly, and is silent where it cannot."""

from collections.abc import Callable, Iterator
from threading import Event
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from tests.support.operator_stack import OperatorStack
from wickiepay_cli.app import app
from wickiepay_cli.commands import completions
from wickiepay_cli.stacks import stack

pytest_plugins = ["tests.support.operator_fixture"]


def offered(words: str) -> list[str]:
    """What a TAB behind these words offers, of which the last may be unfinished."""
    environment = {"COMP_WORDS": f"root {words}", "COMP_CWORD": str(len(words.split(" ")))}
    result = CliRunner().invoke(app, env={**environment, "_ROOT_COMPLETE": "complete_bash"}, catch_exceptions=False)
    assert result.stderr == ""
    return result.stdout.split()


@pytest.mark.parametrize(
    ("words", "offer"),
    [
        ("events list --state F", ["FAILED"]),
        ("events list --state FAILED,P", ["FAILED,PROCESSED"]),
        ("events replay --state FAILED,F", []),
        ("stats --type payment.c", ["payment.cancelled", "payment.completed", "payment.created"]),
        ("payments list --order U", ["UNDERPAID"]),
        ("payments list --status PENDING,UNDER", ["PENDING,UNDERPAID"]),
        ("he", ["help"]),
    ],
)
def test_words_are_offered_also_behind_a_comma(words: str, offer: list[str]) -> None:
    assert offered(words) == offer


@pytest.mark.parametrize(
    "command",
    ["events show", "events replay", "events accept", "resources show", "payments show", "events list --uuid"],
)
def test_the_newest_uuids_are_offered_each_once(operator: OperatorStack, command: str) -> None:
    for uuid in ("c-1", "c-2", "other"):
        operator.receive(uuid)
    operator.receive("c-1", "payment.completed")
    assert sorted(offered(f"{command} c-")) == ["c-1", "c-2"]


def test_the_stacks_of_the_region_and_profile_that_are_named_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def session_of(*named: object) -> None:
        asked.append(named)

    monkeypatch.setattr(stack, "session_of", session_of)
    monkeypatch.setattr(stack, "client_of", lambda *_, **__: None)
    found = [SimpleNamespace(name=name) for name in ("wickiepay-prod", "wickiepay-sandbox")]
    monkeypatch.setattr("wickiepay_cli.stacks.discovery.deployments", lambda _: iter(found))
    assert offered("doctor --region eu-west-1 --profile me --stack wickiepay-p") == ["wickiepay-prod"]
    assert asked == [("me", "eu-west-1")]


OVER = Event()


def fails() -> Iterator[str]:
    raise RuntimeError("No credentials.")


def hangs() -> Iterator[str]:
    yield "found-before"
    OVER.wait(60)


@pytest.mark.parametrize(("look", "offer"), [(fails, []), (hangs, ["found-before"])])
def test_a_tab_is_quick_and_silent(
    look: Callable[[], Iterator[str]], offer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completions, "SECONDS", 0.1)
    assert completions._quickly(look) == offer
    OVER.set()
