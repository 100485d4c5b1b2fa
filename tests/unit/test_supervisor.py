"""What outlives a stack: the `listen` that runs it starts another, the one that follows it waits for the next."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import command_line
from wickiepay_cli.errors import CommandError
from wickiepay_cli.local import supervisor
from wickiepay_cli.local.emulator import EmulatorEnded
from wickiepay_cli.stacks import local_stack, stack
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.watching.follow import follow_stack

ENDED = EmulatorEnded("The emulator of AWS has ended.")
REFUSED = CommandError("The emulator refused the stack.")
STEADY = supervisor.STEADY_SECONDS


class Runs:
    """Stacks that run for so many seconds each, and end in that way; the last one by Ctrl-C."""

    def __init__(self, *ends: tuple[float, Exception]) -> None:
        self._ends = list(ends)
        self.now = 0.0
        self.told: list[str] = []

    def __call__(self) -> None:
        if not self._ends:
            raise KeyboardInterrupt
        seconds, end = self._ends.pop(0)
        self.now += seconds
        raise end

    def again_and_again(self) -> None:
        supervisor.supervise(self, self.told.append, lambda: self.now)


def test_when_its_emulator_ends_another_stack_is_started_and_that_is_said_in_a_line() -> None:
    runs = Runs((STEADY, ENDED))
    with pytest.raises(KeyboardInterrupt):
        runs.again_and_again()
    assert runs.told == [
        "The emulator of AWS has ended. A new stack is started in its place; nothing of the old one is kept."
    ]


def test_a_first_start_that_fails_is_not_tried_again() -> None:
    runs = Runs((1, REFUSED))
    with pytest.raises(CommandError, match=r"^The emulator refused the stack\.$"):
        runs.again_and_again()
    assert runs.told == []


@pytest.mark.parametrize("ends", [[(STEADY, ENDED), (1, REFUSED), (1, REFUSED)], [(1, ENDED)] * 3])
def test_three_failures_in_a_row_end_it(ends: list[tuple[float, Exception]]) -> None:
    with pytest.raises(CommandError, match="third time in a row"):
        Runs(*ends).again_and_again()


def test_failures_with_a_stack_between_them_that_runs_do_not_add_up() -> None:
    with pytest.raises(KeyboardInterrupt):
        Runs(*[(STEADY, ENDED), (1, REFUSED)] * 5).again_and_again()


# --- Following somebody else's ------------------------------------------------------------------------
@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    monkeypatch.setattr(stack, "find", command_line.stack)
    return tmp_path


def local(number: int) -> LocalStack:
    aws = Access(f"http://127.0.0.1:{number}", "key", "secret")
    return LocalStack("http://127.0.0.1:3000/", aws, "us-east-1", "local", {}, os.getpid())


class Followed:
    """Follows two local stacks: the first is gone at the second look, the other is there after a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stacks = 0
        self.told: list[str] = []

    def __call__(self, _: Stack, check: Callable[[], None]) -> None:
        self.stacks += 1
        check()
        if self.stacks == 2:
            raise KeyboardInterrupt
        local_stack.remove(self.folder)
        check()

    def sleep(self, _: float) -> None:
        local_stack.write(local(2), self.folder)


def test_whoever_follows_a_local_stack_goes_on_with_the_next_one(folder: Path) -> None:
    local_stack.write(local(1), folder)
    followed = Followed(folder)
    with pytest.raises(KeyboardInterrupt):
        follow_stack(Where(), following=followed, tell=followed.told.append, sleep=followed.sleep)
    assert (followed.stacks, followed.told) == (
        2,
        ["The local stack has stopped: waiting for the next one, until Ctrl-C."],
    )


@pytest.mark.parametrize("name", [None, "prod"])
def test_what_is_wrong_while_the_stack_runs_is_raised(folder: Path, name: str | None) -> None:
    def fail(*_: object) -> None:
        raise REFUSED

    local_stack.write(local(1), folder)
    with pytest.raises(CommandError, match="refused"):
        follow_stack(Where(name), following=fail, tell=print)
