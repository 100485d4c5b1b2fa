"""What a running local stack tells of itself: `stack.json` in its folder, there as long as the stack is ready."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from wickiepay_cli.failure import Failure
from wickiepay_cli.local.access import Access
from wickiepay_cli.private_files import private

CHECKOUT: Final = (Path(__file__).resolve().parents[3] / "template.yaml").exists()
"""Whether this command belongs to a checkout; otherwise it was installed from a wheel."""

PROJECT: Final = Path(__file__).resolve().parents[3 if CHECKOUT else 1] / ("" if CHECKOUT else "shipped")
"""Where template.yaml, the functions and the samples are: the checkout, or what the wheel has of it."""


def checkout() -> Path:
    """The checkout that this command belongs to. Raises `Failure` where it was installed without one."""
    if not CHECKOUT:
        raise Failure("This is for a checkout of the project: clone it, make .venv/.ready, .venv/bin/wickiepay.")
    return PROJECT


class Stopped(Failure):
    """The local stack that somebody follows runs no longer."""


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
        """A client of the stack's AWS that may do everything."""
        return self.aws.client(service)


def state_folder() -> Path:
    """Where the local stack keeps its files: the folder that WICKIEPAY_LOCAL names, otherwise `.local` in the checkout.

    A command without a checkout keeps them in the folder where it runs.
    """
    return Path(os.environ.get("WICKIEPAY_LOCAL") or (PROJECT if CHECKOUT else Path()) / ".local").absolute()


def read(folder: Path) -> LocalStack | None:
    """The stack that runs in `folder`; None where none does, or only one that was killed or cannot be understood."""
    try:
        said = json.loads((folder / "stack.json").read_text())
        stack = LocalStack(**{**said, "aws": Access(**said["aws"])})
        os.kill(stack.pid, 0)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError, KeyError, TypeError, ValueError):
        return None
    return stack


def still_running(folder: Path) -> Callable[[], None]:
    """A check that raises `Stopped` once the stack that runs in `folder` now does so no longer."""
    before = read(folder)

    def check() -> None:
        if before is None or read(folder) != before:
            raise Stopped("The local stack has stopped.")

    return check


def write(stack: LocalStack, folder: Path) -> None:
    """Makes `stack` known, in one step, to this user's other commands."""
    draft = folder / "stack.json.new"
    with open(draft, "w", opener=private) as file:
        file.write(json.dumps(asdict(stack), indent=2) + "\n")
    draft.replace(folder / "stack.json")


def remove(folder: Path) -> None:
    """Takes back what `write` made known, if anything was."""
    (folder / "stack.json").unlink(missing_ok=True)
