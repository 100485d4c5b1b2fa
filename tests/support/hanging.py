"""Stores that hang: doors before an emulator's stores, which pass every request on until they are told not to.

They are real TCP servers on 127.0.0.1, so what is met there is what the real clients make of real silence.
"""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, cast
from urllib.parse import urlsplit


class Way(StrEnum):
    """How a store hangs."""

    SILENT = "takes requests and never answers"
    STALLING = "sends headers and then stalls"
    DEAF = "accepts no connection"
    FORGETFUL = "does as it is asked, and never says so"


class Door(ThreadingHTTPServer):
    """Passes requests on to `upstream`. When told to hang, it takes `passes` more of them; `hung` counts the rest."""

    request_queue_size = 0
    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream: Final = urlsplit(upstream).netloc
        self.url: Final = f"http://127.0.0.1:{self.server_port}"
        self.way: Way | None = None
        self.passes = 0
        self.hung = 0
        self.ended: Final = threading.Event()
        self._connections: list[socket.socket] = []
        self._fillers: list[socket.socket] = []
        self._accepting = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._accepting.start()

    def hang(self, way: Way, passes: int = 0) -> None:
        self.way, self.passes = way, passes
        if way is Way.DEAF:
            self._stop_accepting()
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            # Connections that nobody accepts fill the listener's queue; the kernel drops who comes after them.
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)  # noqa: FBT003  the socket's own word
                filler.connect_ex(self.server_address)
                self._fillers.append(filler)

    def close(self) -> None:
        self.ended.set()
        self._stop_accepting()
        for filler in self._fillers:
            filler.close()
        self.server_close()

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores clients that give up: they are what these tests are about."""

    def _stop_accepting(self) -> None:
        if self._accepting.is_alive():
            self.shutdown()
            self._accepting.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        door = cast("Door", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        way = door.way
        if way and door.passes:
            door.passes -= 1
            way = None
        door.hung += way is not None
        if way in {None, Way.FORGETFUL}:
            upstream = http.client.HTTPConnection(door.upstream)
            upstream.request("POST", self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
            if way is None:
                self._answer(answer.status, answer.headers, content)
                return
        if way is Way.STALLING:
            self._begin_answer()
        door.ended.wait()
        self.close_connection = True

    def _answer(self, status: int, headers: http.client.HTTPMessage, content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _begin_answer(self) -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"{")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  http.server's own name
        """Tells nothing."""


@contextmanager
def doors(upstream: str, *names: str) -> Iterator[dict[str, Door]]:
    """A door for each name, all to the same stores."""
    opened = {name: Door(upstream) for name in names}
    try:
        yield opened
    finally:
        for door in opened.values():
            door.close()
