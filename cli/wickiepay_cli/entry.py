"""Where the command begins: it takes care of what can go wrong around it, before the rest of it is there."""

import os
import signal
import sys
from io import TextIOWrapper
from typing import NoReturn

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended, as shells have it."""


def main() -> None:
    """Runs the command on the streams and signals as they are found."""
    former = signal.getsignal(signal.SIGINT)
    meanwhile = _leave_at_once if former is signal.default_int_handler else former  # who ignores it goes on doing so
    signal.signal(signal.SIGINT, meanwhile)
    _make_streams_usable()
    from wickiepay_cli.app import main as run  # noqa: PLC0415  it takes its time

    signal.signal(signal.SIGINT, former)
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        signal.signal(signal.SIGINT, meanwhile)  # the interpreter's end takes a moment as well


def _leave_at_once(*_: object) -> NoReturn:
    """Nothing is begun yet that had to be ended; an exception in the midst of an import may get lost."""
    os._exit(INTERRUPTED)


def _make_streams_usable() -> None:
    """Has what cannot be written in a terminal's encoding replaced; without standard output, nothing is done."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123  as long as the program
    if sys.stdout is None:
        print("Standard output is closed.", file=sys.stderr)  # noqa: T201  nothing else is there yet
        sys.exit(1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")
