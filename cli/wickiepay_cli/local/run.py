"""The whole stack on this machine."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wickiepay import clock
from wickiepay_cli.failure import Failure
from wickiepay_cli.feed import of_exchange
from wickiepay_cli.local import stack_file
from wickiepay_cli.local.access import REGION
from wickiepay_cli.local.emulator import Emulator, emulator
from wickiepay_cli.local.front_door import Exchange, front_door, reserved
from wickiepay_cli.local.preparation import Prepared
from wickiepay_cli.local.stack_file import PROJECT, LocalStack
from wickiepay_cli.logbook import Logbook

STACK_NAME: Final = "wickiepay-local"
PATH: Final = "/webhooks/wickiepay"


@dataclass(frozen=True, slots=True)
class Running:
    stack: LocalStack
    prepared: list[Prepared]
    emulator: Emulator


@contextmanager
def local_stack(
    folder: Path, port: int, signing_secret: str, seen: Callable[[Exchange], None] = lambda _: None
) -> Iterator[Running]:
    """Runs a stack whose front door is `port` (0: any free one) and whose files are in `folder`.

    `seen` is told of every request and answer, in another thread; the logbook in `folder` tells others of them. Raises
    `Failure` where the stack cannot run. However the `with` block ends, nothing of the stack is left running.
    """
    # Here, not above: the SAM transform that it imports would double what every other command takes to start.
    try:
        from wickiepay_cli.local.deployment import deploy  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise Failure(f"The local stack needs {error.name}: install wickiepay-webhook-listener[local].") from error

    _make(folder)
    with (
        _alone_in(folder),
        reserved(port) as door,
        emulator(folder) as aws,
        Logbook.kept_in(folder) as logbook,
    ):

        def note(exchange: Exchange) -> None:
            logbook.note(of_exchange(exchange, clock.now()))
            seen(exchange)

        webhook_url = f"http://127.0.0.1:{door.getsockname()[1]}{PATH}"
        deployed = deploy(PROJECT, aws.access, STACK_NAME, webhook_url, signing_secret)
        stack = LocalStack(
            webhook_url, aws.access, REGION, STACK_NAME, deployed.outputs, os.getpid(), deployed.parameters
        )
        with front_door(door, deployed.api_url, note):
            stack_file.write(stack, folder)
            try:
                yield Running(stack, deployed.prepared, aws)
            finally:
                stack_file.remove(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
    except OSError as error:
        raise Failure(
            f"The local stack cannot keep its files in {folder} ({error.strerror}): have WICKIEPAY_LOCAL name a folder."
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keeps others out of `folder`, by a lock that ends with its process however that ends."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  who runs no stack may not have it

    try:
        with FileLock(folder / "lock", timeout=0):
            stack_file.remove(folder)  # left behind by one that was killed
            yield
    except Timeout as error:
        other = stack_file.read(folder)
        which = f"process {other.pid}, {other.webhook_url}" if other else "it is still starting"
        raise Failure(f"A local stack runs in {folder} already ({which}).") from error
