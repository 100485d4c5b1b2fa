"""Serves an ASGI application in a thread of its own, on one socket of this machine."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypercorn.config import Config


def configured(door: socket.socket) -> "Config":
    """Hypercorn's configuration for the socket: it adds no headers of its own, and logs what is wrong only."""
    from hypercorn.config import Config  # noqa: PLC0415  most commands need no server

    config = Config()
    config.include_date_header = config.include_server_header = False
    config.loglevel = "WARNING"
    config.bind = [f"fd://{door.fileno()}"]
    return config


@contextmanager
def in_a_thread(
    door: socket.socket, name: str, serving: Callable[[asyncio.Event], Coroutine[Any, Any, None]]
) -> Iterator[None]:
    """Runs `serving` in a thread, which takes over the socket. When the block ends, its event tells it to leave."""
    leave = asyncio.Event()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        thread = threading.Thread(target=runner.run, args=(serving(leave),), name=name)
        door.listen()  # here, so that every client from now on is served, however late the thread starts
        door.detach()
        thread.start()
        try:
            yield
        finally:
            runner.get_loop().call_soon_threadsafe(leave.set)
            thread.join()
