"""Waits for what happens elsewhere: in another thread, another process, the emulator."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 60
POLL_SECONDS: Final = 0.05


def eventually[T](look: Callable[[], T]) -> T:
    """What `look` returns as soon as that is true, or at the end of some patience."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return seen
