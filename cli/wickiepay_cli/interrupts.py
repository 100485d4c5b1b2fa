"""Ctrl-C while the program starts and ends."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended, as shells have it."""


@contextmanager
def starting() -> Iterator[None]:
    """For imports: Ctrl-C ends the program at once. Nothing needs cleaning up, and an import may lose an exception."""
    changed = leave_at_once()
    try:
        yield
    finally:
        if changed:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def leave_at_once() -> bool:
    """Whether that could be done: who ignores Ctrl-C, or handles it, goes on doing so; only the main thread can."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if can := usual and current_thread() is main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    return can
