"""Where the command begins: it takes care of what can go wrong around it, before the rest of it is there."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from threading import current_thread, main_thread

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended, as shells have it."""


def main() -> None:
    """Runs the command on the streams and signals as they are found."""
    gc.set_threshold(100_000)  # imports make as many objects, which stay: nothing is gained by looking at them
    with starting():
        _make_streams_usable()
        from wickiepay_cli.app import main as run  # noqa: PLC0415  it takes its time
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        _let_ctrl_c_leave_at_once()  # the interpreter's end takes a moment as well,
        gc.freeze()  # and less of one without a last collection


@contextmanager
def starting() -> Iterator[None]:
    """For imports: Ctrl-C ends the program at once. Nothing needs cleaning up, and an import may lose an exception."""
    changed = _let_ctrl_c_leave_at_once()
    try:
        yield
    finally:
        if changed:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _let_ctrl_c_leave_at_once() -> bool:
    """Whether that could be done: who ignores Ctrl-C, or handles it, goes on doing so; only the main thread can."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if can := usual and current_thread() is main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    return can


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
