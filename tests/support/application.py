"""A merchant's application on this machine, which keeps what it gets and answers as it is told."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import NamedTemporaryFile


@dataclass(frozen=True, slots=True)
class Got:
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Application:
    """What it got, in order. `status`, `text` and `more`, further headers, are its answers.

    With a key and its `certificate` in PEM it speaks TLS.
    """

    status: int = 200
    text: str = '{"ok": true}'
    more: dict[str, str] = field(default_factory=dict)
    certificate: bytes | None = None
    port: int = 0
    got: list[Got] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}/hook"


@contextmanager
def application(app: Application) -> Iterator[Application]:
    """Runs the application on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            app.got.append(Got(dict(self.headers), body))
            self.send_response(app.status)
            for name, value in {**app.more, "Content-Length": str(len(app.text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(app.text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        app.port = server.server_address[1]
        if app.certificate:
            server.socket = _tls(app.certificate).wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield app
        finally:
            server.shutdown()
            thread.join()


def _tls(certificate: bytes) -> ssl.SSLContext:
    with NamedTemporaryFile() as file:
        file.write(certificate)
        file.flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file.name)
        return context
