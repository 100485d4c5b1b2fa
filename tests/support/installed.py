"""The command `wickiepay` as it is installed: started as a program of its own, in a pipe or at a terminal."""

import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyte
from rich.text import Text

from tests.support.emulated import variables_of
from wickiepay_cli.stacks.local_stack import LocalStack

COMMAND: Final = Path(sys.executable).parent / "wickiepay"
PATIENCE_SECONDS: Final = 60
ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """The text that was written to a terminal."""

    columns: int
    written: bytes

    @property
    def lines(self) -> list[str]:
        """All that was written, without colours, however long its lines are, and also what was wiped off again."""
        lines = self.written.decode().replace("\r\n", "\n").split("\n")
        return [Text.from_ansi(line).plain for line in lines]

    @property
    def screen(self) -> list[str]:
        """The text on the terminal in the end."""
        screen = pyte.Screen(self.columns, ROWS)
        pyte.ByteStream(screen).feed(self.written)
        return [line.rstrip() for line in screen.display]


@dataclass(frozen=True, slots=True)
class Installed:
    """The command, for which `stack`, known in `folder`, is the local one and all of AWS as well."""

    folder: Path
    stack: LocalStack

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            **variables_of(self.stack.aws),
            "WICKIEPAY_LOCAL": str(self.folder),
        }

    def __call__(self, *arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """The result in a pipe; `given` is its standard input."""
        return subprocess.run(
            [COMMAND, *arguments],
            env=self.environment | environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def answer(self, *arguments: str, given: str = "") -> Any:  # noqa: ANN401  JSON
        """What it prints with --json; it has to succeed, without a word beside it."""
        done = self(*arguments, "--json", given=given)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def at_a_terminal(self, columns: int, *arguments: str) -> tuple[int, Shown]:
        """Its exit code, and what it wrote to a terminal so wide."""
        with self.running_at_a_terminal(columns, *arguments) as (running, written):
            shown = Shown(columns, b"".join(written))
        return running.returncode, shown

    @contextmanager
    def running_at_a_terminal(
        self, columns: int, *arguments: str
    ) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[bytes]]]:
        """The running command, and what it writes to a terminal so wide, which ends when it does; killed in the end."""
        ours, its = pty.openpty()
        termios.tcsetwinsize(its, (ROWS, columns))
        environment = self.environment | {"TERM": "xterm-256color"}
        for narrowing in ("COLUMNS", "NO_COLOR", "CI"):
            environment.pop(narrowing, None)
        with subprocess.Popen([COMMAND, *arguments], env=environment, stdin=its, stdout=its, stderr=its) as running:
            os.close(its)
            try:
                yield running, _read(ours)
                running.wait(PATIENCE_SECONDS)
            finally:
                running.kill()
                os.close(ours)


def _read(terminal: int) -> Iterator[bytes]:
    """All that is written to a terminal, until nobody can write there any more: an error (EIO) on Linux."""
    with suppress(OSError):
        while some := os.read(terminal, 65536):
            yield some
