"""A command that goes on until it is told to stop, with its output in pipes."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple

PATIENCE_SECONDS: Final = 60


class Ended(NamedTuple):
    """How a command ended: its exit code, and what of its output and its complaints was not read before."""

    code: int
    told: str
    complaints: str

    @property
    def quietly(self) -> bool:
        """Whether all is well, and there is nothing to complain of."""
        return (self.code, self.complaints) == (0, "")


@dataclass(frozen=True, slots=True)
class InAPipe:
    """The running command. The test's own time limit bounds the wait for a line."""

    process: subprocess.Popen[str]
    out: IO[str]
    err: IO[str]

    def line_with(self, *words: str) -> str:
        """The next line of its output that holds all the words. It fails if there is none until the end."""
        return self._line_with(words, self.out)

    def complaint_with(self, *words: str) -> str:
        """The same of its complaints, which is where a program with --json tells people of itself."""
        return self._line_with(words, self.err)

    def ended(self, number: signal.Signals = signal.SIGINT) -> Ended:
        """How it ends when it is told to."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> Ended:
        """How it ends by itself. `communicate` would lose what was read ahead for `line_with`."""
        told, complaints = self.out.read(), self.err.read()
        return Ended(self.process.wait(PATIENCE_SECONDS), told, complaints)

    def _line_with(self, words: Sequence[str], stream: IO[str]) -> str:
        read = []
        for line in stream:
            if all(word in line for word in words):
                return line
            read.append(line)
        raise AssertionError(f"It ended without {words}: {''.join(read)}{self.out.read()}{self.err.read()}")


@contextmanager
def in_a_pipe(
    words: Sequence[str | Path], environment: Mapping[str, str], folder: Path | None = None
) -> Iterator[InAPipe]:
    """Starts a command in `folder`, or here; killed in the end if it is still there."""
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        try:
            yield InAPipe(process, process.stdout, process.stderr)
        finally:
            process.kill()
