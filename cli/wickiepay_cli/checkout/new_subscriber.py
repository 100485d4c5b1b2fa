"""A subscriber of the user's own, begun as a copy of the example that comes with this command."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wickiepay_cli.errors import CommandError
from wickiepay_cli.project import PROJECT

EXAMPLE: Final = PROJECT / "examples/subscriber"
STACK_NAME: Final = "order-updates"
"""The name of the example's stack, in its samconfig.toml."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


def files_for(name: str, folder: Path) -> Mapping[Path, str]:
    """The files of a subscriber in the new folder `name` of `folder`, by their paths in `folder`.

    The folder is named as its stack will be. Raises `CommandError` if it cannot be, or exists.
    """
    if not _NAME.fullmatch(name):
        raise CommandError(
            f'"{name}" cannot be the name of a stack: a letter, then letters, digits and hyphens, at most 128 in all.'
        )
    if (folder / name).exists():
        raise CommandError(f"{name} already exists: nothing was written.")
    paths = sorted(path for path in EXAMPLE.rglob("*", recurse_symlinks=True) if path.is_file())
    relative = {path.relative_to(EXAMPLE): path for path in paths}
    return {
        name / each: path.read_text().replace(f'stack_name = "{STACK_NAME}"', f'stack_name = "{name}"')
        for each, path in relative.items()
        if not any(part.startswith((".", "__pycache__")) for part in each.parts)
    }
