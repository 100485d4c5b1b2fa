"""Faults put into the real calls that botocore clients make, in AWS's own error shapes.

Each call of a function is a *point*: the n-th call that the function makes in a story. A fault strikes at one point,
and either before the call took effect, or after it, with its answer lost.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError


class Killed(BaseException):
    """The process ended here. Not an Exception: no code of ours may catch it."""


@dataclass(frozen=True, slots=True)
class Point:
    """A call: the `number`-th that `function` makes in a story."""

    function: str
    number: int
    operation: str

    def __str__(self) -> str:
        return f"{self.function} call {self.number} ({self.operation})"


type Send = Callable[[], AWSResponse]
type Strike = Callable[[AWSPreparedRequest, Send, int], AWSResponse | None]
"""What happens instead of sending a request for the n-th time (from 0); None sends it after all."""


def _answer(request: AWSPreparedRequest, status: int, content: Mapping[str, object]) -> AWSResponse:
    headers = HTTPHeaders()
    headers["Content-Type"] = "application/x-amz-json-1.0"
    return AWSResponse(request.url, status, headers, Raw(json.dumps(content).encode()))


class Raw:
    """The part of a urllib3 response that botocore reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self._content


def _refused(request: AWSPreparedRequest, send: Send, attempt: int) -> None:  # noqa: ARG001
    raise EndpointConnectionError(endpoint_url=request.url)


def _lost(request: AWSPreparedRequest, send: Send, attempt: int) -> None:  # noqa: ARG001
    send()
    raise ReadTimeoutError(endpoint_url=request.url)


def _killed_before(request: AWSPreparedRequest, send: Send, attempt: int) -> None:  # noqa: ARG001
    raise Killed


def _killed_after(request: AWSPreparedRequest, send: Send, attempt: int) -> None:  # noqa: ARG001
    send()
    raise Killed


def _error(status: int, code: str, **more: object) -> Strike:
    def strike(request: AWSPreparedRequest, send: Send, attempt: int) -> AWSResponse:  # noqa: ARG001
        return _answer(request, status, {"__type": f"com.amazonaws#{code}", "message": "injected", **more})

    return strike


def _once(strike: Strike) -> Strike:
    def first(request: AWSPreparedRequest, send: Send, attempt: int) -> AWSResponse | None:
        return strike(request, send, attempt) if attempt == 0 else None

    return first


_CONFLICT = _error(
    400,
    "TransactionCanceledException",
    CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict", "Message": "injected"}],
)

FAULTS: Final[Mapping[str, Strike]] = {
    "refused": _refused,
    "refused once": _once(_refused),
    "answer lost": _lost,
    "answer lost once": _once(_lost),
    "throttled": _error(400, "ThrottlingException"),
    "server error": _error(500, "InternalServerError"),
    "killed before": _killed_before,
    "killed after": _killed_after,
}
"""What can happen to any call; "once" is mended by botocore's own second attempt."""

TRANSACTION_FAULTS: Final[Mapping[str, Strike]] = {"conflict": _CONFLICT}
"""Further faults that can happen to a TransactWriteItems."""


@dataclass(slots=True)
class Injector:
    """Watches the calls of the clients it is given, and strikes at one point of a story."""

    at: Point | None = None
    strike: Strike | None = None
    down: set[tuple[str, str]] = field(default_factory=set)
    """(function, operation) of the calls that are refused for as long as they stand here."""
    seen: list[Point] = field(default_factory=list)
    struck: bool = False
    _function: str | None = None
    _active: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, at: Point | None = None, strike: Strike | None = None) -> None:
        """Starts a new story, with a fault at one point or without any."""
        self.at, self.strike, self.struck = at, strike, False
        self.seen = []
        self.down.clear()

    @contextmanager
    def running(self, function: str) -> Iterator[None]:
        """Counts the calls within as those of `function`."""
        self._function = function
        try:
            yield
        finally:
            self._function = None

    def watch(self, client: Any) -> None:  # noqa: ANN401  a client of any service
        client.meta.events.register("before-call", self._begin_call)
        client.meta.events.register("before-send", lambda request, **_: self._send(client, request))

    def _begin_call(self, model: Any, **_: object) -> None:  # noqa: ANN401
        self._active.strike = None
        if self._function is None:
            return
        operation = f"{model.service_model.service_name}.{model.name}"
        with self._lock:
            number = sum(point.function == self._function for point in self.seen)
            point = Point(self._function, number, operation)
            self.seen.append(point)
        if self.strike and point == self.at:
            self.struck = True
            self._active.strike, self._active.attempt = self.strike, 0
        elif (point.function, operation) in self.down:
            self._active.strike, self._active.attempt = _refused, 0

    def _send(self, client: Any, request: AWSPreparedRequest) -> AWSResponse | None:  # noqa: ANN401
        strike: Strike | None = getattr(self._active, "strike", None)
        if strike is None:
            return None
        attempt = self._active.attempt
        self._active.attempt += 1
        return strike(request, lambda: client._endpoint.http_session.send(request), attempt)
