"""The front door before a stand-in for the HTTP API, which keeps what it is asked, byte for byte."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer

import httpx
import pytest

from wickiepay.signature import sign
from wickiepay_cli.errors import CommandError
from wickiepay_cli.local import proxy as door_module
from wickiepay_cli.local.proxy import ANSWER_SECONDS, BODY_SECONDS, MAX_BODY, proxy, reserved
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.watching.exchange import Exchange


class Api(ThreadingTCPServer):
    """Answers each request with `answer`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ApiConnection)
        self.asked: list[tuple[bytes, bytes]] = []
        self.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        self.leave_open = False


class ApiConnection(StreamRequestHandler):
    server: Api

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.rfile.readline()
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        self.server.asked.append((head, self.rfile.read(int(length[1])) if length else b""))
        self.wfile.write(self.server.answer)
        if self.server.leave_open:
            self.rfile.readline()


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield api
        api.shutdown()
        thread.join()


@pytest.fixture
def seen() -> list[Exchange]:
    return []


@pytest.fixture
def door(api: Api, seen: list[Exchange]) -> Iterator[tuple[str, int]]:
    with reserved(0) as door:
        address: tuple[str, int] = door.getsockname()
        with proxy(door, f"http://127.0.0.1:{api.server_address[1]}/api/$default", seen.append):
            yield address


def ask(door: tuple[str, int], head: bytes, body: bytes = b"") -> bytes:
    """Everything that is answered to a request, up to the end of the connection."""
    with socket.create_connection(door, timeout=ANSWER_SECONDS) as connection:
        connection.sendall(head.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n" + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("method", [b"POST", b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"PURGE"])
@pytest.mark.parametrize(
    "target", [b"/webhooks/wickiepay", b"/", b"//a/./../b%2Fc%7e?x=1&x=%20&y", b"/_ministack/reset"]
)
def test_a_request_reaches_the_api_as_it_was_sent(
    door: tuple[str, int], api: Api, method: bytes, target: bytes
) -> None:
    rest = b" HTTP/1.1\r\nHost: example.org\r\nX-Twice: 1\r\nx-other: \xe9\r\nx-twice: 2\r\nContent-Length: 3\r\n\r\n"
    ask(door, method + b" " + target + rest, b"\x00\xff\n")
    assert api.asked == [(method + b" /api/$default" + target + rest, b"\x00\xff\n")]


def test_a_body_of_a_mebibyte_reaches_the_api_whole(door: tuple[str, int], api: Api) -> None:
    body = bytes(range(256)) * 4096
    ask(door, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    assert [asked for _, asked in api.asked] == [body]


def test_what_concerns_one_connection_stays_with_it(door: tuple[str, int], api: Api) -> None:
    own = b"TE: trailers\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n"
    ask(door, b"POST / HTTP/1.1\r\nHost: a\r\n" + own + b"\r\n", b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert api.asked == [(b"POST /api/$default/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", b"abc")]


def test_an_answer_comes_back_as_it_was_given(door: tuple[str, int], api: Api) -> None:
    headers = b"Set-Cookie: a=1\r\nDate: today\r\nset-cookie: b=2\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n"
    api.answer = b"HTTP/1.1 418 \r\n" + headers + b"Keep-Alive: timeout=5\r\n\r\n\x00\xff\n"
    answer = ask(door, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer == b"HTTP/1.1 418 \r\n" + headers + b"Connection: close\r\n\r\n\x00\xff\n"


def test_an_api_that_does_not_answer_is_unavailable(door: tuple[str, int], api: Api) -> None:
    api.answer = b""
    response = httpx.get(f"http://127.0.0.1:{door[1]}/", trust_env=False)
    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


def test_each_exchange_is_shown_with_its_time(door: tuple[str, int], api: Api, seen: list[Exchange]) -> None:
    api.answer = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok"
    ask(door, b"POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", b"hi")
    [exchange] = seen
    assert 0 < exchange.seconds < ANSWER_SECONDS
    assert exchange == Exchange(
        method="POST",
        target=b"/p?q",
        request_headers=[(b"Host", b"a"), (b"Content-Length", b"2")],
        request_body=b"hi",
        status=200,
        response_headers=[(b"X-A", b"1"), (b"Content-Length", b"2")],
        response_body=b"ok",
        seconds=exchange.seconds,
    )


def test_a_port_in_use_is_refused_in_a_sentence() -> None:
    with reserved(0) as taken:
        taken.listen()
        with (
            pytest.raises(CommandError, match=r"^Port \d+ cannot be used .*PORT\)\.$"),
            reserved(taken.getsockname()[1]),
        ):
            pass


def test_closing_waits_for_no_request_that_is_half_sent(api: Api, seen: list[Exchange]) -> None:
    with reserved(0) as door, socket.create_connection(listening(door)) as client:
        with proxy(door, f"http://127.0.0.1:{api.server_address[1]}", seen.append):
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
            time.sleep(0.2)
            began = time.monotonic()
        assert time.monotonic() - began < 5


def listening(door: socket.socket) -> tuple[str, int]:
    door.listen()
    address: tuple[str, int] = door.getsockname()
    return address


# --- What no HTTP API would take ------------------------------------------------------------------------
JSON = b"HTTP/1.1 %d \r\ncontent-type: application/json\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("status", "head", "body"),
    [
        (413, POST + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1), b""),
        (413, CHUNKED, b"%x\r\n" % (MAX_BODY + 1) + bytes(MAX_BODY + 1)),
        (400, POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"),
    ],
    ids=["too long", "too long, in chunks", "two ends"],
)
def test_a_body_that_no_api_would_take_is_refused(
    door: tuple[str, int], api: Api, seen: list[Exchange], status: int, head: bytes, body: bytes
) -> None:
    assert ask(door, head, body).startswith(JSON % status)
    assert ([exchange.status for exchange in seen], api.asked) == ([status], [])


def test_a_body_of_the_greatest_length_reaches_the_api(door: tuple[str, int], api: Api) -> None:
    ask(door, POST + b"Content-Length: %d\r\n\r\n" % MAX_BODY, bytes(MAX_BODY))
    assert [len(asked) for _, asked in api.asked] == [MAX_BODY]


def test_a_body_that_stops_in_its_midst_is_not_waited_for(
    door: tuple[str, int], api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "BODY_SECONDS", 0.2)
    assert ask(door, POST + b"Content-Length: 10\r\n\r\n", b"half").startswith(JSON % 408)
    assert (api.asked, BODY_SECONDS) == ([], 30)


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b"A" * 22 + b"==\r\n", JSON % 400),
        (b"Upgrade: websocket\r\n", b"HTTP/1.1 400 "),
        (b"Upgrade: TLS/1.3\r\n", JSON % 400),
        (b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", JSON % 400),
        (b"Upgrade: h2c\r\nHTTP2-Settings: !!!\r\n", JSON % 400),
    ],
    ids=["websocket", "no websocket", "TLS", "HTTP/2", "HTTP/2 with bad settings"],
)
def test_no_other_protocol_is_spoken(
    door: tuple[str, int], api: Api, capfd: pytest.CaptureFixture[str], head: bytes, answer: bytes
) -> None:
    with socket.create_connection(door, timeout=ANSWER_SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n" + head + b"\r\n")
        assert connection.recv(65536).startswith(answer)
    assert (api.asked, capfd.readouterr()) == ([], ("", ""))


def test_a_delivery_that_offers_another_protocol_is_taken_as_it_is(door: tuple[str, int], api: Api) -> None:
    """Java's client offers HTTP/2 with its first request."""
    ask(door, POST + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n\r\n", b"{}")
    assert [asked for _, asked in api.asked] == [b"{}"]


def test_no_request_goes_into_a_connection_that_the_api_may_just_be_closing(door: tuple[str, int], api: Api) -> None:
    """The stand-in lets a second request on a connection down, as a server does that closes it for being idle."""
    api.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    api.leave_open = True
    assert [ask(door, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")[:12] for _ in range(3)] == [b"HTTP/1.1 200"] * 3


# --- Behind a tunnel ------------------------------------------------------------------------------------
@pytest.mark.stack
def test_a_delivery_through_a_tunnel_is_taken(stack: LocalStack, signing_secret: str) -> None:
    """docs/sandbox-and-tunnels.md: what tunnels add does no harm."""
    body = b'{"event": "payment.processing", "data": {"uuid": "through-a-tunnel"}}'
    headers = {
        "Host": "abc123.tunnel.example",
        "X-Forwarded-For": "198.51.100.7",
        "X-Forwarded-Host": "abc123.tunnel.example",
        "X-Forwarded-Proto": "https",
        "Content-Type": "application/json",
        "X-Webhook-Signature": sign(body, signing_secret.encode()),
    }
    assert httpx.post(stack.webhook_url, content=body, headers=headers, trust_env=False).status_code == 200
