"""Listeners for `wickiepay trigger` to send to: one that answers what a test wants, and the real one, in process."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

import ingest
from wickiepay.lambda_events import http_request
from wickiepay_cli.sending import client as sender


class Listener:
    """Answers each request with the next of `answers`, the last one for ever; keeps what it was sent."""

    def __init__(self) -> None:
        self.answers = [httpx.Response(200, json={"status": "accepted"})]
        self.requests: list[httpx.Request] = []
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def payload(self) -> dict[str, object]:
        payload: dict[str, object] = json.loads(self.requests[-1].content)
        return payload


@contextmanager
def on_loopback(listener: Callable[[httpx.Request], httpx.Response]) -> Iterator[str]:
    """Opens a port of this machine to a listener; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = listener(httpx.Request("POST", self.path, headers=dict(self.headers), content=body))
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its own
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/webhooks"
        finally:
            server.shutdown()
            thread.join()


def ingested(request: httpx.Request) -> httpx.Response:
    """The answer of the function ingest, in this process, to a request."""
    api_event = http_request(request.content, None, method=request.method, headers=dict(request.headers))
    answer = ingest.lambda_handler(api_event, None)
    return httpx.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])


def put_in_place_of_the_network(
    answering: Callable[[httpx.Request], httpx.Response], patch: pytest.MonkeyPatch
) -> None:
    """Lets `answering` answer whatever the command sends, wherever to."""
    transport = httpx.MockTransport(answering)
    patch.setattr(sender, "connection", lambda _: httpx.Client(transport=transport))
