"""Files that are for their owner alone: events and keys are in them, and others may use this machine."""

import os
import stat
from contextlib import suppress


def private(path: str, flags: int) -> int:
    """What `open` takes as its opener: nobody else may read a file that it writes, whoever made that."""
    descriptor = os.open(path, flags, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        with suppress(PermissionError):  # it is somebody else's, and so is the choice
            os.fchmod(descriptor, 0o600)
    return descriptor
