"""What `wickiepay init` writes passes as it is: its own tests, the project's, and the checks of style and types."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.checkout import COMMAND, checkout, environment
from wickiepay_cli.checkout import new_subscriber
from wickiepay_cli.checkout.handlers import HANDLERS
from wickiepay_cli.checkout.new_handler import MAX_CHARACTERS, SAMPLES, TESTS, write
from wickiepay_cli.project import PROJECT

EVENTS: Final = [
    "invoice.paid",
    "payment.refunded",  # of a family that there is
    "import",  # a word of Python's own
    "settlement_of_a_whole_day".ljust(MAX_CHARACTERS - 5, "x") + ".done",
]
RUN_TESTS: Final = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
BIN: Final = Path(sys.executable).parent

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, in which each of EVENTS is begun."""
    copy = checkout(tmp_path_factory.mktemp("project"), "tests", "README.md")
    for event in EVENTS:
        wickiepay(copy, "init", event)
    return copy


def done(project: Path, *command: str | Path) -> str:
    """What a command prints in a copy of the project, whose code it uses; it has to succeed."""
    ended = subprocess.run(
        command,
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def wickiepay(project: Path, *arguments: str) -> str:
    return done(project, *COMMAND, *arguments)


def written(project: Path) -> list[Path]:
    """The Python files that are not in the original."""
    files = [*(project / HANDLERS).glob("*.py"), *(project / TESTS).glob("*.py")]
    return [file for file in files if not (PROJECT / file.relative_to(project)).exists()]


def test_every_event_has_a_handler_a_test_and_a_sample(project: Path) -> None:
    assert len(written(project)) == 2 * len(EVENTS)
    assert {event for event in EVENTS if (project / SAMPLES / f"{event}.json").exists()} == set(EVENTS)


def test_the_tests_pass(project: Path) -> None:
    others = ["tests/unit/test_handlers.py", "tests/unit/test_identity.py", "tests/unit/test_samples.py"]
    printed = done(project, *RUN_TESTS, TESTS, *others)
    assert " passed" in printed


def test_the_style_is_the_project_s_own(project: Path) -> None:
    done(project, BIN / "ruff", "check", "--no-cache", *written(project))
    done(project, BIN / "ruff", "format", "--check", "--no-cache", *written(project))


def test_the_types_are_right(project: Path) -> None:
    done(project, BIN / "mypy", "--cache-dir", os.devnull, *written(project))


def test_the_events_are_known_from_now_on(project: Path) -> None:
    listed = wickiepay(project, "trigger", "--list", "--json")
    assert [event for event in EVENTS if f'"{event}"' in listed] == EVENTS


def test_the_tests_of_a_subscriber_pass_where_there_is_nothing_else(tmp_path: Path) -> None:
    write(new_subscriber.files_for("shop", tmp_path), tmp_path)
    alone = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    ended = subprocess.run(RUN_TESTS, cwd=tmp_path / "shop", env=alone, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout
