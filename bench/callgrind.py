"""Counting instructions: valgrind's callgrind, told by a system call where one step of a process ends."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

STEP_ENDS: Final = "getpriority"
"""The C function by whose call launch.py says that a step ends. Nothing else calls it."""

MOST_SECONDS: Final = 1200
"""A busy machine takes more than 300 for a function on Powertools; only a process that hangs takes so many."""

HEAD: Final = 4096
"""Number of characters of callgrind's file that contain its sum; the rest may be megabytes."""

_TOTALS: Final = re.compile(r"^summary: (\d+)", re.MULTILINE)


def present() -> bool:
    return shutil.which("valgrind") is not None


def count(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, output: Path | None = None
) -> list[int]:
    """Runs a command; the instructions of each of its steps, what came after the last one included.

    Raises `CalledProcessError` where it fails.
    """
    for old in folder.glob("counted*"):
        old.unlink()
    with (output or folder / "output").open("wb") as stdout:
        valgrind = (
            "valgrind",
            "--tool=callgrind",
            f"--dump-before={STEP_ENDS}",
            "--dump-line=no",
            "--log-file=/dev/null",
        )
        subprocess.run(
            (*valgrind, f"--callgrind-out-file={folder / 'counted'}", *command),
            env=environment,
            stdout=stdout,
            check=True,
            timeout=MOST_SECONDS,
        )
    return steps(folder)


def steps(folder: Path) -> list[int]:
    """The instructions in each of the files that callgrind wrote: counted.1, counted.2 …, and counted for the end."""
    numbered = sorted(folder.glob("counted.*"), key=lambda file: int(file.suffix[1:]))
    return [instructions(_head(file)) for file in (*numbered, folder / "counted")]


def _head(file: Path) -> str:
    with file.open() as lines:
        return lines.read(HEAD)


def instructions(text: str) -> int:
    """The instructions in one file of callgrind's. Raises `ValueError` for a file without a sum."""
    if found := _TOTALS.search(text):
        return int(found[1])
    raise ValueError("no sum in callgrind's file")
