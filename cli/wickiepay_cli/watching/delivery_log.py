"""The running `listen` logs each delivery in its folder, for a second `listen` that attaches to its stack.

A line of JSON has what is shown of a delivery: no body, header or secret. A full file is replaced by an empty one,
and whoever reads it still has the old one open.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final, Self

from wickiepay.event_record import State
from wickiepay_cli.private_files import replace
from wickiepay_cli.watching.feed import Arrival

FILE: Final = "deliveries.jsonl"
MAX_BYTES: Final = 4_000_000


class DeliveryLog:
    """Writes deliveries to `folder`, without earlier ones."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = folder / FILE
        self._max_bytes = max_bytes
        replace(self._path, "")

    @classmethod
    @contextmanager
    def kept_in(cls, folder: Path) -> Iterator[Self]:
        """One that is there as long as the block runs."""
        log = cls(folder)
        try:
            yield log
        finally:
            log._path.unlink(missing_ok=True)

    def note(self, arrival: Arrival) -> None:
        """Writes a delivery if there is room: a full disk is no reason to answer it differently."""
        with suppress(OSError):
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(arrival)) + "\n")
                full = file.tell() > self._max_bytes
            if full:
                replace(self._path, "")


class Reader:
    """The deliveries that are logged in `folder` from now on."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._file = self._path.open()
        self._file.seek(0, os.SEEK_END)
        self._unfinished = ""

    def close(self) -> None:
        self._file.close()

    def __call__(self) -> list[Arrival]:
        """The deliveries since the last call, in the order of arrival."""
        return list(self._new())

    def _new(self) -> Iterator[Arrival]:
        yield from self._rest()
        with suppress(FileNotFoundError):
            if not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno())):
                yield from self._rest()  # what was written before the new file replaced this one
                self._file.close()
                self._file, self._unfinished = self._path.open(), ""
                yield from self._rest()

    def _rest(self) -> Iterator[Arrival]:
        *lines, self._unfinished = (self._unfinished + self._file.read()).split("\n")
        for line in lines:
            noted = json.loads(line)
            yield Arrival(**{**noted, "state": noted["state"] and State(noted["state"])})


def is_kept_in(folder: Path) -> bool:
    """Whether deliveries are logged there."""
    return (folder / FILE).exists()
