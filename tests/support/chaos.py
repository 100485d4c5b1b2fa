"""Chaos between functions and stores: calls are dropped, delayed, doubled and killed at random."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.support.faults import FAULTS, TRANSACTION_FAULTS, Injector, Send, Strike


def _twice(request: AWSPreparedRequest, send: Send, attempt: int) -> AWSResponse:  # noqa: ARG001
    send()
    return send()


def _late(request: AWSPreparedRequest, send: Send, attempt: int) -> AWSResponse:  # noqa: ARG001
    time.sleep(0.1)
    return send()


STRIKES: Final[Mapping[str, Strike]] = {**FAULTS, **TRANSACTION_FAULTS, "doubled": _twice, "delayed": _late}
RATES: Final[Mapping[str, float]] = {
    "refused": 0.03,
    "answer lost": 0.03,
    "throttled": 0.02,
    "server error": 0.01,
    "killed before": 0.01,
    "killed after": 0.01,
    "doubled": 0.06,
    "delayed": 0.06,
}
"""How likely each of them is for any one sending of any call."""

CONFLICT_RATE: Final = 0.3
"""The same for a transaction, besides."""

FRONT_SECONDS: Final = 1.0
FRONTS: Final = (None, None, None, "DynamoDB", "AmazonSQS", "AWSEvents")
"""For so long at a time one store is out altogether, or none; by what its operations' names begin with."""


def drawn(chance: random.Random, rates: Mapping[str, float]) -> str | None:
    """What strikes this time, each as likely as its rate says, or None."""
    [name] = chance.choices([*rates, None], [*rates.values(), 1 - sum(rates.values())])
    return name


@dataclass(slots=True)
class Chaos(Injector):
    """Strikes by chance at any call of any function, in any thread, until it is calm."""

    chance: random.Random = field(default_factory=random.Random)
    rates: Mapping[str, float] = field(default_factory=lambda: RATES)
    fronts: Sequence[str | None] = FRONTS
    calm: bool = False
    sent: int = 0
    struck_by: Counter[str] = field(default_factory=Counter)
    _front: str | None = None
    _front_until: float = 0.0

    @contextmanager
    def running(self, function: str) -> Iterator[None]:  # noqa: ARG002  it strikes whichever function runs
        yield

    def watch(self, client: Any) -> None:  # noqa: ANN401  a client of any service
        client.meta.events.register("before-send", lambda request, **_: self._send(client, request))

    def _send(self, client: Any, request: AWSPreparedRequest) -> AWSResponse | None:  # noqa: ANN401
        with self._lock:
            self.sent += 1
            name = None if self.calm else self._draw(str(request.headers["X-Amz-Target"]).removeprefix("b'"))
            if name is None:
                return None
            self.struck_by[name] += 1
        return STRIKES[name](request, lambda: client._endpoint.http_session.send(request), 0)

    def _draw(self, operation: str) -> str | None:
        if time.monotonic() > self._front_until:
            self._front, self._front_until = self.chance.choice(self.fronts), time.monotonic() + FRONT_SECONDS
        if self._front and operation.startswith(self._front):
            return "refused"
        conflicts = {"conflict": CONFLICT_RATE} if "TransactWriteItems" in operation else {}
        return drawn(self.chance, {**self.rates, **conflicts})
