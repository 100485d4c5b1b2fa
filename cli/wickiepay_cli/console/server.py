"""Serves the console on 127.0.0.1, on a port of its own: a tunnel to the front door must not publish it."""

import asyncio
import json
import secrets
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from wickiepay_cli.console.desk import Desk
from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.proxy import reserved
from wickiepay_cli.local.serving import configured, in_a_thread
from wickiepay_cli.private_files import private

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

PORT: Final = 4040
TRIED: Final = 20
"""Ports that are tried, from the first one on; after them, any free one will do."""

FILE: Final = "console.json"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a console is, and the token that opens it."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def opening(self) -> str:
        """The address to be opened in a browser."""
        return f"{self.url}/?t={self.token}"


@contextmanager
def serving(desk: Desk, before: Address | None = None) -> Iterator[Address]:
    """Serves the console in a thread until the block ends; at the address of `before`, if that is still free.

    Raises `CommandError` where its packages are not installed.
    """
    try:  # most commands need no server
        from hypercorn.asyncio import serve  # noqa: PLC0415

        from wickiepay_cli.console.app import application  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(f"The console needs {error.name}: install wickiepay-webhook-listener[local].") from error
    with ExitStack() as stack:
        door = _first_free(stack, [before.port] if before else range(PORT, PORT + TRIED))
        port: int = door.getsockname()[1]
        address = Address(port, before.token) if before else Address(port)
        config = configured(door)
        config.graceful_timeout = 1

        async def stay_open(leave: asyncio.Event) -> None:
            await serve(cast("ASGIFramework", application(desk, address, leave)), config, shutdown_trigger=leave.wait)

        stack.enter_context(in_a_thread(door, "console", stay_open))
        yield address


def _first_free(stack: ExitStack, ports: Iterable[int]) -> socket.socket:
    for port in ports:
        with suppress(CommandError):
            return stack.enter_context(reserved(port))
    return stack.enter_context(reserved(0))


@contextmanager
def noted(address: Address, folder: Path) -> Iterator[None]:
    """Notes the address in `folder`, for this user's other commands, until the block ends."""
    file = folder / FILE
    with open(file, "w", opener=private) as note:
        note.write(json.dumps(asdict(address)))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def read(folder: Path) -> Address:
    """The address that is noted in `folder`. Raises `CommandError` if there is none."""
    try:
        return Address(**json.loads((folder / FILE).read_text()))
    except (OSError, TypeError, ValueError) as error:
        raise CommandError(
            "No console is running here: make run serves one, unless it was started with --no-console."
        ) from error
