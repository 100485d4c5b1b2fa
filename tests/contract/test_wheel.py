"""The wheel: built here, installed into a fresh environment, it works on a deployed stack from an empty folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.emulated import variables_of
from wickiepay_cli.checkout.new_subscriber import files_for
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = pytest.mark.installed_cli

type Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the command of a fresh environment that holds the wheel and what it declares, in the locked versions."""
    folder = tmp_path_factory.mktemp("wheel")
    empty = tmp_path_factory.mktemp("empty")

    def pip(python: str | Path, *arguments: str | Path) -> None:
        command = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q", *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=280)

    copy = folder / "project"  # a build leaves its folder behind, of which the next one would take what is gone by then
    for name in ("cli", "events", "examples", "functions", "layers", "requirements"):
        shutil.copytree(PROJECT / name, copy / name, symlinks=True)
    for name in ("LICENSE", "README.md", "pyproject.toml", "template.yaml"):
        shutil.copy(PROJECT / name, copy)
    pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, copy)
    [wheel] = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True, timeout=120)
    locked = re.findall(r"^[a-z0-9._-]+==\S+", (PROJECT / "requirements/run.txt").read_text(), re.MULTILINE)
    (folder / "locked.txt").write_text("\n".join(locked))
    pip(folder / "environment/bin/python", "install", "--constraint", folder / "locked.txt", wheel)

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}}
        return subprocess.run(
            [folder / "environment/bin/wickiepay", *arguments],
            cwd=empty,
            env={**kept, "HOME": str(empty), "COLUMNS": "200", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_it_knows_its_version_and_its_samples(installed: Run) -> None:
    assert installed("--version").stdout == f"wickiepay {version('wickiepay-webhook-listener')}\n"
    assert "channel.payment.confirmed" in installed("trigger", "--list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["events", "list"], "No local stack is running"),
        (["listen"], "The local stack needs "),
        (["init", "invoice.paid"], "This is for a checkout of the project"),
    ],
    ids=" ".join,
)
def test_what_it_has_not_got_it_says_in_a_sentence(installed: Run, arguments: list[str], said: str) -> None:
    done = installed(*arguments)

    assert (done.returncode, done.stderr.startswith(said), done.stderr.count("\n")) == (1, True, 1)


def test_it_begins_a_subscriber_anywhere(installed: Run) -> None:
    done = installed("init", "subscriber", "shop", "--dry-run", "--json")

    written = {each["path"]: each["content"] for each in json.loads(done.stdout)["files"]}
    assert written == {path.as_posix(): text for path, text in files_for("shop", Path("nowhere")).items()}


def test_it_works_on_a_stack_of_an_account(installed: Run, stack: LocalStack) -> None:
    def on_stack(*arguments: str) -> str:
        done = installed(*arguments, "--stack", stack.stack_name, **variables_of(stack.aws))
        assert done.returncode == 0, done.stderr
        return done.stdout

    sent = on_stack("trigger", "payment.completed", "--yes")
    uuid = re.findall(r"[0-9a-f-]{36}", sent)[0]

    assert uuid in on_stack("events", "list")
    assert uuid in on_stack("events", "show", uuid)
