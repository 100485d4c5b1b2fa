"""Edits of the code while the local stack runs: they take effect at once, and the stack keeps all it holds."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.checkout import COMMAND, checkout, environment
from tests.support.in_a_pipe import PATIENCE_SECONDS, InAPipe, in_a_pipe
from wickiepay_cli.local.deploy import physical_id
from wickiepay_cli.stacks import local_stack

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

HANDLER: Final = "functions/consumer/handlers/deposit.py"
CLOCK: Final = "layers/wickiepay/wickiepay/clock.py"

type Wickiepay = Callable[..., Any]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def listening(project: Path) -> Iterator[InAPipe]:
    """The stack of that checkout."""
    with in_a_pipe([*COMMAND, "listen", "--no-console"], environment(project, PORT="0"), project) as running:
        running.line_with("Listening on")
        yield running
        running.ended()


@pytest.fixture
def wickiepay(project: Path) -> Wickiepay:
    """Gives a command to that stack; what it prints as JSON."""

    def run(*arguments: str) -> Any:  # noqa: ANN401  what a command prints
        done = subprocess.run(
            [*COMMAND, *arguments, "--json"],
            env=environment(project),
            cwd=project,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return json.loads(done.stdout)

    return run


def edit(project: Path, file: str, before: str, after: str) -> None:
    text = (project / file).read_text()
    assert before in text
    (project / file).write_text(text.replace(before, after))


def told(running: InAPipe, lines: int = 1) -> list[str]:
    """The next lines that it tells."""
    return [running.complaint_with().rstrip("\n") for _ in range(lines)]


def kind_of(uuid: str, wickiepay: Wickiepay) -> str:
    """As what kind of resource the books have a deposit, once it is processed."""
    wickiepay("trigger", "deposit.status_change", "--uuid", uuid, "--wait")
    [event] = wickiepay("events", "show", uuid)
    kind: str = event["effects"][0]["kind"]
    return kind


def test_an_edit_takes_effect_and_the_stack_keeps_what_it_holds(
    project: Path, listening: InAPipe, wickiepay: Wickiepay
) -> None:
    assert kind_of("u-1", wickiepay) == "deposit"

    edit(project, HANDLER, '"deposit"', '"deposit_of_ours"')
    assert re.fullmatch(rf"{HANDLER}: runs after \d+\.\d s, in ConsumerFunction\.", told(listening)[0])
    assert kind_of("u-2", wickiepay) == "deposit_of_ours"

    edit(project, HANDLER, "-> list[Effect]:", "-> list[Effect]")
    assert told(listening, 3) == [
        "The code cannot be imported: SyntaxError: expected ':'",
        f"  {HANDLER}:9: def deposit_status_change(event: WebhookEvent, _: Settings) -> list[Effect]",
        "The old code goes on until that line is mended.",
    ]
    assert kind_of("u-3", wickiepay) == "deposit_of_ours"

    edit(project, HANDLER, "-> list[Effect]", "-> list[Effect]:")
    assert told(listening) == [f"{HANDLER}: the code is what runs already."]
    edit(project, CLOCK, '"""Instants', '"""The instants')
    assert "in IngestFunction, ConsumerFunction, RelayFunction, PreTrafficFunction." in told(listening)[0]
    assert kind_of("u-4", wickiepay) == "deposit_of_ours"

    stack = local_stack.read(project / ".local")
    assert stack
    functions = stack.client("lambda")
    consumer = physical_id(stack.aws, stack.stack_name, "ConsumerFunction")
    versions = [each["Version"] for each in functions.list_versions_by_function(FunctionName=consumer)["Versions"]]
    live = functions.get_alias(FunctionName=consumer, Name="live")["FunctionVersion"]
    assert versions == ["$LATEST", "2", live], "for each other one the emulator would keep a process"

    assert {event["uuid"] for event in wickiepay("events", "list")} == {"u-1", "u-2", "u-3", "u-4"}
