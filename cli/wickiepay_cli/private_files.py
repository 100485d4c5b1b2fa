"""Files that only their owner may read, because they hold events and keys and others may use this machine."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def private(path: str, flags: int) -> int:
    """An opener for `open`: nobody else may read the file, even if it existed before."""
    descriptor = os.open(path, flags, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        with suppress(PermissionError):  # the file is somebody else's, and so is the choice
            os.fchmod(descriptor, 0o600)
    return descriptor


def replace(path: Path, text: str) -> None:
    """Writes a private file in one step: whoever reads it meanwhile gets all of the old one, or all of the new one."""
    draft = path.with_name(f"{path.name}.new")
    with open(draft, "w", opener=private) as file:
        file.write(text)
    draft.replace(path)
