"""The whole stack on this machine."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wickiepay import clock
from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.emulator import Emulator, emulator
from wickiepay_cli.local.emulator_patches import Patch
from wickiepay_cli.local.proxy import proxy, reserved
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.emulator_access import REGION
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.watching.delivery_log import DeliveryLog
from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.feed import of_exchange

STACK_NAME: Final = "wickiepay-local"
PATH: Final = "/webhooks/wickiepay"


@dataclass(frozen=True, slots=True)
class Running:
    stack: LocalStack
    patches: list[Patch]
    emulator: Emulator


@contextmanager
def running_stack(
    folder: Path,
    port: int,
    signing_secret: str,
    seen: Callable[[Exchange], None] = lambda _: None,
    parameters: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Runs a stack with its proxy on `port` (0: any free one) and its files in `folder`, until the `with` block ends.

    `parameters` are those of the template that do not have their defaults.
    `seen` is told of every request and answer, in another thread; the delivery log in `folder` tells others of them.
    Raises `CommandError` if the stack cannot run.
    """
    # Imported here because the SAM transform would double the start time of every other command.
    try:
        from wickiepay_cli.local.deploy import deploy  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(f"The local stack needs {error.name}: install wickiepay-webhook-listener[local].") from error

    _make(folder)
    with (
        _alone_in(folder),
        reserved(port) as door,
        emulator(folder) as aws,
        DeliveryLog.kept_in(folder) as delivery_log,
    ):

        def note(exchange: Exchange) -> None:
            delivery_log.note(of_exchange(exchange, clock.now()))
            seen(exchange)

        webhook_url = f"http://127.0.0.1:{door.getsockname()[1]}{PATH}"
        deployed = deploy(PROJECT, aws.access, STACK_NAME, webhook_url, signing_secret, parameters or {})
        stack = LocalStack(
            webhook_url, aws.access, REGION, STACK_NAME, deployed.outputs, os.getpid(), deployed.parameters
        )
        with proxy(door, deployed.api_url, note):
            local_stack.write(stack, folder)
            try:
                yield Running(stack, deployed.patches, aws)
            finally:
                local_stack.remove(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
    except OSError as error:
        raise CommandError(
            f"The local stack cannot keep its files in {folder} ({error.strerror}): have WICKIEPAY_LOCAL name a folder."
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keeps others out of `folder`, by a lock that ends with its process in any case."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  who runs no stack may not have it

    try:
        with FileLock(folder / "lock", timeout=0):
            local_stack.remove(folder)  # left behind by a stack that was killed
            yield
    except Timeout as error:
        other = local_stack.read(folder)
        which = f"process {other.pid}, {other.webhook_url}" if other else "it is still starting"
        raise CommandError(f"A local stack is already running in {folder} ({which}).") from error
