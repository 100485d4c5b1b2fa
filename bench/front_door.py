"""What a delivery takes at the local stack's front door while nobody looks, and while pages of the console follow it.

The API behind the door answers at once, so that all the time is the door's, the console's and the sender's. Both are
measured in turns, because a machine is not equally quick at all times.
"""

import http.client
import multiprocessing
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any, Final, override

from wickiepay import clock
from wickiepay_cli.console import server
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.console.server import Address
from wickiepay_cli.local.proxy import proxy, reserved
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.exchanges import Exchanges
from wickiepay_cli.watching.feed import Feed

PAGES: Final = 3
ROUNDS: Final = 15
DELIVERIES: Final = 200
"""In each turn, one after another."""

BODY: Final = b'{"event": "payment.completed", "data": {"uuid": "u-1", "reference": "order-7"}}'
ANSWER: Final = b'{"status": "accepted", "uuid": "u-1", "event_key": "payment.completed"}'

_PROCESSES: Final = multiprocessing.get_context("spawn")  # each has an interpreter of its own, as browsers have


def front_door(rounds: int = ROUNDS, deliveries: int = DELIVERIES) -> dict[str, dict[str, float]]:
    """Without pages and with them: the median time of a delivery, that of the slowest in twenty, and the rate."""
    taken: dict[str, list[list[float]]] = {"alone": [], "pages": []}
    with _served() as (port, address), ProcessPoolExecutor(1, _PROCESSES) as sender:

        def send() -> list[float]:
            return sender.submit(_deliver, port, deliveries).result()

        send()
        for _ in range(rounds):
            taken["alone"].append(send())
            with ExitStack() as pages:
                for _ in range(PAGES):
                    pages.enter_context(_page(address))
                taken["pages"].append(send())
    return {name: _summary(turns) for name, turns in taken.items()}


def _summary(turns: list[list[float]]) -> dict[str, float]:
    """Medians of all turns, in seconds and deliveries a second."""
    return {
        "seconds": median(median(turn) for turn in turns),
        "slow_seconds": median(quantiles(turn, n=20)[-1] for turn in turns),
        "a_second": median(len(turn) / sum(turn) for turn in turns),
    }


@contextmanager
def _served() -> Iterator[tuple[int, Address]]:
    """The port of a front door, and the address of its console, both in this process as `wickiepay listen` has them."""
    feed, exchanges = Feed(backlog=1), Exchanges()

    def seen(exchange: Exchange) -> None:
        exchanges.arrived(exchange, feed, clock.now())

    desk = Desk(Stack("bench", {}, lambda _: None), feed, exchanges)
    with (
        _another(_answer) as api_port,
        reserved(0) as door,
        server.serving(desk) as address,
    ):
        port: int = door.getsockname()[1]
        with proxy(door, f"http://127.0.0.1:{api_port}", seen):
            yield port, address


@contextmanager
def _page(address: Address) -> Iterator[None]:
    """A page that follows the deliveries, from where the block begins."""
    with _another(_follow, address):
        yield


@contextmanager
def _another(work: Callable[..., None], *arguments: object) -> Iterator[Any]:
    """Runs `work` in another process until the block ends; the value is what it sends as it is ready."""
    ours, theirs = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


# --- In other processes ------------------------------------------------------------------------------
def _answer(ready: Connection) -> None:
    """The stack's API."""

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Tells nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        ready.send(api.server_port)
        api.serve_forever()


def _follow(ready: Connection, address: Address) -> None:
    """Reads the stream of deliveries as a page does."""
    headers = {"Authorization": f"Bearer {address.token}"}
    with urllib.request.urlopen(urllib.request.Request(f"{address.url}/stream", headers=headers)) as stream:  # noqa: S310
        ready.send(stream.readline())
        while stream.readline():
            pass


def _deliver(port: int, deliveries: int) -> list[float]:
    """The seconds of each of so many deliveries."""
    taken = []
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(deliveries):
        began = time.perf_counter()
        connection.request("POST", "/webhooks/wickiepay", BODY)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, ANSWER)
        taken.append(time.perf_counter() - began)
    connection.close()
    return taken
