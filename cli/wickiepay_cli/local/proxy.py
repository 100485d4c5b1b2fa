"""The proxy: one port on this machine that passes each request to the stack's HTTP API, and the answer back.

Nothing that a signature or a rule may depend on is changed: method, path, query, headers (their order, case and
repetitions) and body. Only what concerns one connection stays with it (RFC 9110, section 7.6.1). A tunnel may lead
anybody here, so what no HTTP API would take is refused before it costs anything: see `MAX_BODY`.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

import httpx

from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.serving import configured, in_a_thread
from wickiepay_cli.watching.exchange import Exchange, Headers

if TYPE_CHECKING:
    from h11 import Request
    from hypercorn.protocol.h11 import H11Protocol
    from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

ANSWER_SECONDS: Final = 30
"""How long an HTTP API waits: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""

AT_ONCE: Final = 4
"""Most requests that are passed on at the same time; the others wait.

The emulator starts a process for each: with 32 at once on two cores, every fifth timed out with a 503.
"""

MAX_BODY: Final = 10 * 1024 * 1024
"""Largest body in bytes, as for an HTTP API. A longer one is not read."""

BODY_SECONDS: Final = 30
"""How long a body may take. The connection of a client that stops halfway is closed."""

LEAVE_SECONDS: Final = 1

REFUSALS: Final = {
    400: b'{"message":"Bad Request"}',
    408: b'{"message":"Request Timeout"}',
    413: b'{"message":"Request Entity Too Large"}',
    503: b'{"message":"Service Unavailable"}',
}
"""Status → an HTTP API's own answer, given without calling its function."""

OF_ONE_CONNECTION: Final = frozenset(
    b"connection expect keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)

Answer = tuple[int, Headers, bytes]
"""Status, headers and undecoded body."""


@contextmanager
def reserved(port: int) -> Iterator[socket.socket]:
    """Binds `port` of 127.0.0.1 (0: any free one) by a socket that does not listen yet. Raises `CommandError`."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}): choose another one with --port (make run: PORT)."
            ) from error
        yield door


@contextmanager
def proxy(door: socket.socket, api_url: str, seen: Callable[[Exchange], None]) -> Iterator[None]:
    """Serves the HTTP API at `api_url` on `door`, which it takes over, in a thread that tells `seen` each exchange."""
    # Imported here because other commands need no server.
    from hypercorn.asyncio import serve  # noqa: PLC0415

    _refuse_to_switch()
    config = configured(door)
    config.h11_pass_raw_headers = True

    async def stay_open(leave: asyncio.Event) -> None:
        # Each request has a connection of its own, because the emulator may close an idle one at any moment.
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
        timeout = httpx.Timeout(ANSWER_SECONDS, pool=None)
        async with httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as api:
            serving = asyncio.create_task(serve(_passing_on(api, api_url, seen), config, shutdown_trigger=leave.wait))
            await leave.wait()
        # Clients that still waited for an answer have got a 503 by now. Those that still send are dropped.
        await asyncio.wait({serving}, timeout=LEAVE_SECONDS)

    with in_a_thread(door, "front door", stay_open):
        yield


@cache  # once for the process
def _refuse_to_switch() -> None:
    """Has hypercorn leave requests for another protocol to `_check`. It has no setting for that."""
    from hypercorn.protocol.h11 import H11Protocol  # noqa: PLC0415  as above

    check = H11Protocol._check_protocol  # noqa: SLF001

    async def checked(self: "H11Protocol", event: "Request") -> None:
        if all(name != b"upgrade" for name, _ in event.headers):
            await check(self, event)

    H11Protocol._check_protocol = checked  # type: ignore[method-assign]  # noqa: SLF001


def _passing_on(api: httpx.AsyncClient, api_url: str, seen: Callable[[Exchange], None]) -> "ASGIFramework":
    async def app(scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        if scope["type"] == "websocket":
            status, headers, content = _refusal(400)
            await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
            await send({"type": "websocket.http.response.body", "body": content, "more_body": False})
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        headers, body = _end_to_end(scope["headers"]), b""
        try:
            _check(scope)
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive)
        except _Left:
            return
        except TimeoutError:
            answer = _refusal(408)
        except _Refused as refused:
            answer = _refusal(refused.status)
        else:
            answer = await _pass_on(api, api_url, scope["method"], target, headers, body)
        seen(Exchange(scope["method"], target, headers, body, *answer, seconds=time.perf_counter() - began))
        status, headers, content = answer
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    return app


class _Left(Exception):
    """The client disconnected before the end of its request."""


class _Refused(Exception):
    """An HTTP API would not pass this request to its function."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _check(scope: "HTTPScope") -> None:
    """Raises `_Refused` if the head of a request is reason enough."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    if b"content-length" in headers and b"transfer-encoding" in headers:
        raise _Refused(400)  # RFC 9112, section 6.3: two different ends of one request (request smuggling)
    if b"upgrade" in headers and scope["method"] != "POST":
        raise _Refused(400)  # a delivery that offers an upgrade to HTTP/2 (as Java's client does) is accepted
    if int(headers.get(b"content-length", 0)) > MAX_BODY:
        raise _Refused(413)


async def _body(receive: "ASGIReceiveCallable") -> bytes:
    """The whole body of a request. Raises `_Refused` if it is too long, and `_Left`."""
    body = bytearray()
    while (event := await receive())["type"] == "http.request":
        body += event["body"]
        if len(body) > MAX_BODY:
            raise _Refused(413)
        if not event["more_body"]:
            return bytes(body)
    raise _Left


async def _pass_on(  # noqa: PLR0913, PLR0917  a request, and where to
    api: httpx.AsyncClient, api_url: str, method: str, target: bytes, headers: Headers, body: bytes
) -> Answer:
    """The API's answer or, if there is none, the answer of an HTTP API whose function fails."""
    url = httpx.URL(api_url)
    unchanged = {"target": url.raw_path + target}  # httpx would normalise the path of a URL
    request = httpx.Request(method, url, headers=headers, content=body, extensions=unchanged)
    try:
        response = await api.send(request, stream=True)
        try:
            content = b"".join([part async for part in response.aiter_raw()])
        finally:
            await response.aclose()
    except (httpx.HTTPError, RuntimeError):  # a RuntimeError if the server is closing
        return _refusal(503)
    return response.status_code, _end_to_end(response.headers.raw), content


def _refusal(status: int) -> Answer:
    return status, [(b"content-type", b"application/json")], REFUSALS[status]


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in OF_ONE_CONNECTION]
