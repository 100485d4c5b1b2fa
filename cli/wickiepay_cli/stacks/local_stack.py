"""The description of a running local stack: `stack.json` in its folder, which exists while the stack is ready."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wickiepay_cli.errors import CommandError
from wickiepay_cli.private_files import replace
from wickiepay_cli.project import CHECKOUT, PROJECT
from wickiepay_cli.stacks.emulator_access import Access


class Stopped(CommandError):
    """The followed local stack no longer runs."""


@dataclass(frozen=True, slots=True)
class LocalStack:
    webhook_url: str
    aws: Access
    region: str
    stack_name: str
    outputs: Mapping[str, str]
    """The template's outputs, by name."""
    pid: int
    """The process that runs the stack, and stops it on SIGTERM."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The values of the template's parameters, by name."""

    def client(self, service: str) -> Any:  # noqa: ANN401  typed by its callers
        """A client of the stack's emulator with all permissions."""
        return self.aws.client(service)


def state_folder() -> Path:
    """The local stack's folder: WICKIEPAY_LOCAL, or `.local` in the checkout or, without one, in the current folder."""
    return Path(os.environ.get("WICKIEPAY_LOCAL") or (PROJECT if CHECKOUT else Path()) / ".local").absolute()


def read(folder: Path) -> LocalStack | None:
    """The stack that runs in `folder`, or None if there is none, or it was killed, or its file cannot be read."""
    try:
        said = json.loads((folder / "stack.json").read_text())
        stack = LocalStack(**{**said, "aws": Access(**said["aws"])})
        os.kill(stack.pid, 0)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError, KeyError, TypeError, ValueError):
        return None
    return stack


def still_running(folder: Path) -> Callable[[], None]:
    """A check that raises `Stopped` once the stack that now runs in `folder` no longer does."""
    before = read(folder)

    def check() -> None:
        if before is None or read(folder) != before:
            raise Stopped("The local stack has stopped.")

    return check


def write(stack: LocalStack, folder: Path) -> None:
    """Publishes `stack`, in one step, to this user's other commands."""
    replace(folder / "stack.json", json.dumps(asdict(stack), indent=2) + "\n")


def remove(folder: Path) -> None:
    """Removes what `write` published, if anything."""
    (folder / "stack.json").unlink(missing_ok=True)
