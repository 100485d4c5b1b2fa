"""The latest exchanges at the proxy of a local stack, whole: both sides, headers and exact bytes, also refused ones.

They are in memory alone, and bounded: the oldest go first. The proxy only puts them in, and waits for no reader.
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.feed import Feed, of_exchange

MAX_BYTES: Final = 32 * 1024 * 1024

OVERHEAD: Final = 1024
"""What is counted for each exchange, and OVERHEAD // 8 for each header, beside its bytes: Python's objects."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An exchange under the number of its delivery; `at` is when the request came, as `wickiepay.clock` writes it."""

    number: int
    at: str
    exchange: Exchange


class Exchanges:
    """The latest exchanges. Any thread may use it."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._lock = threading.Lock()
        self._max_bytes = max_bytes
        self._kept: dict[int, Kept] = {}
        self._bytes = 0
        self.gone = 0
        """How many were kept once, and had to make room."""

    def keep(self, number: int, at: str, exchange: Exchange) -> None:
        """Keeps an exchange, and drops the oldest ones if there is no room."""
        with self._lock:
            self._kept[number] = Kept(number, at, exchange)
            self._bytes += size(exchange)
            while self._bytes > self._max_bytes:
                oldest = self._kept.pop(next(iter(self._kept)))
                self._bytes -= size(oldest.exchange)
                self.gone += 1

    def arrived(self, exchange: Exchange, feed: Feed, now: datetime) -> int:
        """Keeps an exchange whose delivery was answered `now`, and notes that in the feed; the delivery's number."""
        arrival = of_exchange(exchange, now)
        number = feed.arrived(arrival)
        self.keep(number, arrival.at, exchange)
        return number

    def get(self, number: int) -> Kept | None:
        """The exchange of that number, or None if it is not kept any more."""
        with self._lock:
            return self._kept.get(number)

    def newest_first(self) -> list[Kept]:
        with self._lock:
            return [*reversed(self._kept.values())]

    def forget(self) -> None:
        """Drops all, because their stack is gone."""
        with self._lock:
            self._kept.clear()
            self._bytes = self.gone = 0


def size(exchange: Exchange) -> int:
    """About what an exchange takes in memory, in bytes."""
    headers = [*exchange.request_headers, *exchange.response_headers]
    parts = (exchange.target, exchange.request_body, exchange.response_body)
    named = sum(len(name) + len(value) + OVERHEAD // 8 for name, value in headers)
    return OVERHEAD + sum(map(len, parts)) + named
