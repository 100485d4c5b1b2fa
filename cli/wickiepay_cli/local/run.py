"""`wickiepay local run`: the whole stack on this machine, until Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer
from filelock import FileLock, Timeout

from wickiepay_cli.failure import Failure
from wickiepay_cli.local import DEFAULT_SIGNING_SECRET, stack_file
from wickiepay_cli.local.emulator import REGION, Emulator, emulator
from wickiepay_cli.local.front_door import Exchange, front_door, reserved
from wickiepay_cli.local.preparation import Prepared
from wickiepay_cli.local.stack_file import PROJECT, LocalStack, state_folder

STACK_NAME: Final = "wickiepay-local"
PATH: Final = "/webhooks/wickiepay"

local_app = typer.Typer(help="The whole stack on this machine.", no_args_is_help=True)


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

    `seen` is told of every request and answer, in another thread. Raises `Failure` where the stack cannot run. However
    the `with` block ends, nothing of the stack is left running.
    """
    # Here, not above: the SAM transform that it imports would double what every other command takes to start.
    from wickiepay_cli.local.deployment import deploy  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder), reserved(port) as door, emulator(folder) as aws:
        webhook_url = f"http://127.0.0.1:{door.getsockname()[1]}{PATH}"
        deployed = deploy(PROJECT, aws.endpoint_url, STACK_NAME, webhook_url, signing_secret)
        stack = LocalStack(webhook_url, aws.endpoint_url, REGION, STACK_NAME, deployed.outputs, os.getpid())
        with front_door(door, deployed.api_url, seen):
            stack_file.write(stack, folder)
            try:
                yield Running(stack, deployed.prepared, aws)
            finally:
                stack_file.remove(folder)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keeps others out of `folder`, by a lock that ends with its process however that ends."""
    try:
        with FileLock(folder / "lock", timeout=0):
            stack_file.remove(folder)  # left behind by one that was killed
            yield
    except Timeout as error:
        other = stack_file.read(folder)
        which = f"process {other.pid}, {other.webhook_url}" if other else "it is still starting"
        raise Failure(f"A local stack runs in {folder} already ({which}).") from error


@local_app.callback()
def _group() -> None:
    """Keeps `run` a command with a name, although it is the only one."""


@local_app.command()
def run(
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="Where deliveries are taken.")] = 3000,
    signing_secret: Annotated[
        str, typer.Option(envvar="WICKIEPAY_WEBHOOK_SECRET", help="What deliveries are signed with.")
    ] = DEFAULT_SIGNING_SECRET,
) -> None:
    """Run the stack in an emulator of AWS until Ctrl-C; nothing of it is kept.

    Its files are in .local, or in the folder that the environment variable WICKIEPAY_LOCAL names.
    """
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _leave)
    try:
        with local_stack(state_folder(), port, signing_secret, _show) as running:
            for (what, why), alike in groupby(running.prepared, key=lambda prepared: (prepared.what, prepared.why)):
                typer.echo(f"prepared: {', '.join(prepared.resource for prepared in alike)}: {what} ({why})")
            told = signing_secret if signing_secret == DEFAULT_SIGNING_SECRET else "what WICKIEPAY_WEBHOOK_SECRET says"
            typer.echo(f"Signing secret: {told}")
            typer.echo(f"Listening on {running.stack.webhook_url}")
            typer.echo(f"Send a signed sample: {sys.argv[0]} trigger payment.completed")
            running.emulator.watch()
    except KeyboardInterrupt:
        return


def _leave(_signal_number: int, _frame: FrameType | None) -> None:
    """Unwinds every `with`. Stopping takes moments; a second signal must not leave it half done."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _show(exchange: Exchange) -> None:
    target = exchange.target.decode("latin-1")
    typer.echo(f"{exchange.method} {target} {exchange.status} ({exchange.seconds * 1000:.0f} ms)")
