"""Functions that run side by side, one AWS call at a time: a test picks whose call comes next, and its fate.

Each invocation is a thread that stops before every call. Only one of them ever runs, so what happens is the order of
the calls that was picked, and nothing else.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from queue import SimpleQueue
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.support.faults import Killed


class Fate(StrEnum):
    """The fate of a call."""

    ANSWERED = "answered"
    REFUSED = "refused"
    LOST = "took effect, answer lost"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


class Actor:
    """One invocation of a function. `result` is what it returned; None where it was killed or raised."""

    _running = threading.local()

    def __init__(self, function: str, invoke: Callable[[], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.at: str | None = None
        self._invoke = invoke
        self._fates: SimpleQueue[Fate] = SimpleQueue()
        self._stops: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.at = self._stops.get()

    @property
    def done(self) -> bool:
        return self.at is None

    def go(self, fate: Fate = Fate.ANSWERED) -> None:
        """Lets the call that it stopped at happen, and runs it up to the next one, or to its end."""
        self._fates.put(fate)
        self.at = self._stops.get()

    def finish(self) -> None:
        while not self.done:
            self.go()

    def _run(self) -> None:
        Actor._running.actor = self
        try:
            self.result = self._invoke()
        except (Killed, Exception):  # noqa: BLE001  Lambda reports it and goes on
            self.result = None
        self._stops.put(None)

    @classmethod
    def call(cls, operation: str, request: AWSPreparedRequest, send: Callable[[], AWSResponse]) -> AWSResponse:
        """A call of whichever actor runs now; outside of one it just happens."""
        actor: Actor | None = getattr(cls._running, "actor", None)
        if actor is None:
            return send()
        actor._stops.put(operation)
        match actor._fates.get():
            case Fate.ANSWERED:
                return send()
            case Fate.REFUSED:
                raise EndpointConnectionError(endpoint_url=request.url)
            case Fate.LOST:
                send()
                raise ReadTimeoutError(endpoint_url=request.url)
            case Fate.KILLED_BEFORE:
                raise Killed
            case Fate.KILLED_AFTER:
                send()
                raise Killed


class SameThread(ThreadPoolExecutor):
    """Does everything at once where it is asked, one thing after another."""

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **_: Any) -> Iterator[Any]:  # noqa: ANN401
        return iter([fn(*arguments) for arguments in zip(*iterables, strict=False)])
