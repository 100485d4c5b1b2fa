"""README's first five minutes, told again: each command as it stands there, and each answer as it is said there.

What differs each time (instants, durations, the port, ids) is compared as what it is, not digit by digit.
"""

import re
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from tests.support.installed import PATIENCE_SECONDS, Installed, Shown
from tests.support.pages import section
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

COLUMNS: Final = 140
POLL_SECONDS: Final = 0.2

_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING: Final = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "INSTANT"),
    (re.compile(r"\d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"just now|\d+ min ago"), "AGO"),
    (re.compile(r"[\d.]+ (ms|s)\b"), "DURATION"),
    (re.compile(r"(?<=accepted|uplicate|mismatch) +\d+"), " MS"),
    (re.compile(r"127\.0\.0\.1:\d+"), "HERE"),
    (re.compile(r"(?<=/\?t=)\S+"), "TOKEN"),
    (re.compile(r"replayed by \S+"), "replayed by SOMEBODY"),
    (re.compile(r"[─━█\s]+"), " "),  # how wide a table gets depends on the rest
)


@dataclass(frozen=True, slots=True)
class Told:
    """A command of the story, and the lines that are said to follow it."""

    command: str
    lines: list[str]


def story() -> list[Told]:
    """All of the section, in its order."""
    blocks = _BLOCK.findall(section(PROJECT / "README.md", "The first five minutes"))
    commands = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part.strip()]
    return [Told(first, rest) for first, *rest in (part.splitlines() for part in commands)]


def steady(lines: list[str]) -> list[str]:
    """Lines without what differs each time, and without the empty ones."""
    for varying, steadily in _VARYING:
        lines = [varying.sub(steadily, line).strip() for line in lines]
    return [line for line in lines if line]


class Screen:
    """The terminal of `make run`, read while the story goes on."""

    def __init__(self, written: Iterator[bytes]) -> None:
        self._written = written
        self._so_far = b""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for some in self._written:
            self._so_far += some

    @property
    def lines(self) -> list[str]:
        return Shown(COLUMNS, self._so_far).screen

    def ends(self) -> None:
        """Waits until nobody can write to it any more."""
        self._reader.join(PATIENCE_SECONDS)


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not met():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


def test_the_first_five_minutes_are_as_readme_tells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "0")
    monkeypatch.chdir(PROJECT)
    run, *others, watched = story()
    assert (run.command, watched.command) == ("make run", "make run")
    nowhere = Installed(tmp_path, LocalStack("", Access("", "", ""), "us-east-1", "", {}, 0))
    with nowhere.running_at_a_terminal(COLUMNS, "listen") as (listening, written):
        screen = Screen(written)
        wait_until(lambda: all(each in "\n".join(screen.lines) for each in ("Send a signed sample", "Console: ")))
        stack = local_stack.read(tmp_path)
        assert stack
        assert set(steady(run.lines)) <= set(steady(screen.lines))
        wickiepay = Installed(tmp_path, stack)
        for told in others:
            _, *arguments = shlex.split(told.command)
            _, shown = wickiepay.at_a_terminal(COLUMNS, *arguments)
            said = steady(shown.screen)
            wait_until(lambda: "RECEIVED" not in "\n".join(screen.lines))
            assert said == steady(told.lines), "\n".join(shown.screen).rstrip()
        table = [line for line in steady(screen.lines) if line.startswith(("time event", "TIME"))]
        assert table == steady(watched.lines), "\n".join(screen.lines)
        listening.send_signal(signal.SIGINT)
        screen.ends()
    assert listening.returncode == 0
