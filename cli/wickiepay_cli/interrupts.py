"""Ctrl-C while the program starts and ends, and other signals to stop."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

INTERRUPTED = 130
"""The exit code after Ctrl-C, by the convention of shells."""


@contextmanager
def starting() -> Iterator[None]:
    """For imports: Ctrl-C ends the program at once, as nothing needs cleaning up and imports may swallow exceptions."""
    changed = leave_at_once()
    try:
        yield
    finally:
        if changed:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def leave_at_once() -> bool:
    """Makes Ctrl-C end the program at once. Returns False if it is ignored or handled, or off the main thread."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if can := usual and current_thread() is main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    return can


@contextmanager
def until_told() -> Iterator[None]:
    """Runs its block until a signal to stop unwinds every `with` in it."""
    former = {number: signal.signal(number, _leave) for number in TO_STOP}
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _leave(_signal_number: int, _frame: FrameType | None) -> None:
    """Stopping takes moments; a second signal must not leave it half done."""
    for each in TO_STOP:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
