"""The front door: one port on this machine that passes each request on to the stack's HTTP API, and the answer back.

Nothing is changed on the way, since a signature or a rule may depend on it: method, path, query, headers (their order,
case and repetitions) and body bytes. Only what concerns one connection (RFC 9110, section 7.6.1) stays with its own.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from wickiepay_cli.failure import Failure

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

ANSWER_SECONDS: Final = 30
"""An HTTP API waits no longer for its function."""

AT_ONCE: Final = 4
"""Requests that are passed on at the same time; the others wait. The emulator starts a process for each of them, and a
machine that is busy with that answers the functions too late: 32 at once on two cores, and every fifth was told 503."""

LEAVE_SECONDS: Final = 1

OF_ONE_CONNECTION: Final = frozenset(
    b"connection expect keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer as they went through, and the seconds between them."""

    method: str
    target: bytes
    request_headers: Headers
    request_body: bytes
    status: int
    response_headers: Headers
    response_body: bytes
    seconds: float


@contextmanager
def reserved(port: int) -> Iterator[socket.socket]:
    """Holds `port` of 127.0.0.1 (0: any free one) by a socket that takes no connections yet. Raises `Failure`."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failure(f"Port {port} cannot be used ({error.strerror}): choose another one with PORT.") from error
        yield door


@contextmanager
def front_door(door: socket.socket, api_url: str, seen: Callable[[Exchange], None]) -> Iterator[None]:
    """Opens `door`, which it takes over, onto the HTTP API at `api_url`; `seen` is told of every exchange.

    Serves in a thread of its own, and calls `seen` there.
    """
    # Here, not above: every other command would pay for a server that it does not open.
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    config = Config()
    config.include_date_header = config.include_server_header = False  # those of the API are passed on
    config.h11_pass_raw_headers = True
    config.loglevel = "WARNING"
    config.bind = [f"fd://{door.fileno()}"]
    leave = asyncio.Event()

    async def stay_open() -> None:
        limits, timeout = httpx.Limits(max_connections=AT_ONCE), httpx.Timeout(ANSWER_SECONDS, pool=None)
        async with httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as api:
            serving = asyncio.create_task(serve(_passing_on(api, api_url, seen), config, shutdown_trigger=leave.wait))
            await leave.wait()
        # Whoever still waited for an answer has been told 503 by now, whoever is still sending is left.
        await asyncio.wait({serving}, timeout=LEAVE_SECONDS)

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        thread = threading.Thread(target=runner.run, args=(stay_open(),), name="front door")
        door.listen()  # here, so that whoever comes from now on is served, however late the thread begins
        door.detach()
        thread.start()
        try:
            yield
        finally:
            runner.get_loop().call_soon_threadsafe(leave.set)
            thread.join()


def _passing_on(api: httpx.AsyncClient, api_url: str, seen: Callable[[Exchange], None]) -> "ASGIFramework":
    async def app(scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        if scope["type"] != "http" or (body := await _body(receive)) is None:
            return
        exchange = await _pass_on(api, api_url, scope, body)
        seen(exchange)
        await send({"type": "http.response.start", "status": exchange.status, "headers": exchange.response_headers})
        await send({"type": "http.response.body", "body": exchange.response_body, "more_body": False})

    return app


async def _body(receive: "ASGIReceiveCallable") -> bytes | None:
    """All of a request's body; None where the client left before its end."""
    body = b""
    while (event := await receive())["type"] == "http.request":
        body += event["body"]
        if not event["more_body"]:
            return body
    return None


async def _pass_on(api: httpx.AsyncClient, api_url: str, scope: "HTTPScope", body: bytes) -> Exchange:
    began = time.perf_counter()
    url = httpx.URL(api_url)
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers = _end_to_end(scope["headers"])
    unchanged = {"target": url.raw_path + target}  # httpx would tidy up the path of a URL
    request = httpx.Request(scope["method"], url, headers=headers, content=body, extensions=unchanged)
    answer = await _answer(api, request)
    return Exchange(scope["method"], target, headers, body, *answer, seconds=time.perf_counter() - began)


async def _answer(api: httpx.AsyncClient, request: httpx.Request) -> tuple[int, Headers, bytes]:
    """The API's status, headers and undecoded body; where it has none, those of an HTTP API without its function."""
    try:
        response = await api.send(request, stream=True)
        try:
            body = b"".join([part async for part in response.aiter_raw()])
        finally:
            await response.aclose()
    except (httpx.HTTPError, RuntimeError):  # a RuntimeError: the door is closing
        return 503, [(b"content-type", b"application/json")], b'{"message":"Service Unavailable"}'
    return response.status_code, _end_to_end(response.headers.raw), body


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in OF_ONE_CONNECTION]
