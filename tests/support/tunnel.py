"""Lets containers reach what listens on this machine's loopback alone, and opens no port to anybody else.

A container has a loopback of its own, so connections take a detour: a port of one container, a Unix socket that it
shares with this machine, the loopback. Run as a program (FROM TO), this carries what comes in at FROM on to TO; either
is an address (host:port) or the path of a socket.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.support.container_engine import Engine

PORT: Final = 4566
CHUNK: Final = 65536


@contextmanager
def tunnel(engine: "Engine", image: str, address: str) -> Iterator[str]:
    """The address at which containers of the engine reach `address` of this machine; `image` has to have Python."""
    from tests.support.container_engine import ENDS_WITH_US  # noqa: PLC0415  in the container this file is alone

    with TemporaryDirectory(prefix="tunnel-") as folder, ExitStack() as cleanup:
        outer = subprocess.Popen([*ENDS_WITH_US, sys.executable, __file__, f"{folder}/socket", address])
        cleanup.callback(outer.wait)
        cleanup.callback(outer.terminate)
        container = engine.docker(
            *("run", "--detach", "--rm", "--entrypoint", "python3.13"),
            *("--volume", f"{folder}:/tunnel", "--volume", f"{__file__}:/tunnel.py:ro"),
            *(image, "/tunnel.py", f"0.0.0.0:{PORT}", "/tunnel/socket"),  # every address: of the container's network
        )
        cleanup.callback(engine.docker, "rm", "--force", "--volumes", container)
        shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        yield f"{engine.docker('inspect', '--format', shown, container)}:{PORT}"


async def serve(source: str, target: str) -> None:
    """Carries every connection from `source` to `target`, until it is stopped."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "/" in target:
            far_reader, far_writer = await asyncio.open_unix_connection(target)
        else:
            far_reader, far_writer = await asyncio.open_connection(*target.split(":"))
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    if "/" in source:
        server = await asyncio.start_unix_server(connected, source)
    else:
        server = await asyncio.start_server(connected, *source.split(":"))
    await server.serve_forever()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries one direction of a connection, to its end."""
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
