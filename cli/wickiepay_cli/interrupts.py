"""Ctrl-C while the program starts and ends."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread

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
