"""Sends the deliveries of a scenario, one after another or by several senders at once, and sums up the answers."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import batched, islice
from statistics import quantiles
from typing import Final

from wickiepay_cli.pacing import paced
from wickiepay_cli.sending.client import Answer
from wickiepay_cli.sending.steps import Step

MAX_COUNT: Final = 100_000
MAX_SENDERS: Final = 16
"""Limits of a load test, which should stress the listener and not the network in front of it."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a load: `count` deliveries, at most `rate` a second (None: no limit), by `senders` at once."""

    count: int
    rate: float | None = None
    senders: int = 1


@dataclass(frozen=True, slots=True)
class Delivered:
    """A step, and the answers to all attempts to deliver it. The last one counts."""

    step: Step
    answers: Sequence[Answer]

    @property
    def answer(self) -> Answer:
        return self.answers[-1]

    @property
    def as_expected(self) -> bool:
        return self.step.is_met_by(self.answer)


@dataclass(slots=True)
class Summary:
    """The sums of answers to deliveries. Any thread may add to them.

    `answers` counts all of them by status and outcome (without a status: why); `seconds` are what each took.
    """

    deliveries: int = 0
    as_expected: int = 0
    answers: Counter[tuple[int | None, str | None]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, delivered: Delivered) -> None:
        with self._lock:
            self.deliveries += 1
            self.as_expected += delivered.as_expected
            for answer in delivered.answers:
                self.answers[answer.status, answer.text if answer.status is None else answer.outcome] += 1
                if answer.status is not None:
                    self.seconds.append(answer.seconds)

    def percentiles(self) -> Mapping[str, float]:
        """The seconds within which 50 % and 99 % of the answers came, or empty without answers."""
        if not self.seconds:
            return {}
        of_a_hundred = quantiles(self.seconds, n=100, method="inclusive")
        return {"p50": of_a_hundred[49], "p99": of_a_hundred[98]}


def send_all(
    steps: Iterable[Step],
    send: Callable[[Step], None],
    size: Size,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Sends the first `size.count` steps in threads; a single sender keeps their order.

    Takes a step from `steps` only when there is a sender for it. An exception of `send`, or Ctrl-C, ends it once those
    deliveries are answered that are on their way.
    """
    one_by_one = batched(islice(steps, size.count), 1, strict=False)
    with ThreadPoolExecutor(size.senders) as pool:
        busy: set[Future[None]] = set()
        for number, [step] in enumerate(paced(one_by_one, size.rate, clock, sleep)):
            if len(busy) == size.senders:
                done, busy = wait(busy, return_when=FIRST_COMPLETED)
                _raise_from(done)
            if number and step.pause:
                sleep(step.pause)
            busy.add(pool.submit(send, step))
        _raise_from(busy)


def _raise_from(sent: Iterable[Future[None]]) -> None:
    for each in sent:
        each.result()
