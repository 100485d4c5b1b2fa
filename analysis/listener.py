"""The listener, event by event: throttle, environments, queue, pollers, relay."""

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import simpy

from analysis import assumptions, quotas
from analysis.gates import Environments, TokenBucket
from analysis.outcome import Outcome, Second
from analysis.service import Service

type Steps[T] = Generator[simpy.Event, Any, T]
type Span = tuple[float, float]
"""From when to when, in seconds."""

type Work = tuple[float, Sequence[float]]
"""Seconds of computing, and of each call on average."""

NEVER: Final[Span] = (0.0, 0.0)
USUAL: Final = (1 - assumptions.SLOW_CALLS * assumptions.SLOWER) / (1 - assumptions.SLOW_CALLS)
"""The mean duration of calls that are not slow, as a share of the assumed mean."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account's limits."""

    concurrency: int = quotas.CONCURRENCY
    api_rate: float = quotas.API_RATE
    api_burst: float = quotas.API_BURST


@dataclass(slots=True)
class Listener:
    """`out` is when every delivery is answered 503, `queue_out` when the queue takes nothing.

    `warm` environments of ingest are there from the start; with any, the consumer's pollers are all at work.
    """

    service: Service
    random: Random
    account: Account = field(default_factory=Account)
    out: Span = NEVER
    queue_out: Span = NEVER
    warm: int = 0
    outcome: Outcome = field(default_factory=Outcome)
    env: simpy.Environment = field(default_factory=simpy.Environment)
    _door: TokenBucket = field(init=False)
    _scaling: TokenBucket = field(init=False)
    _environments: Environments = field(init=False)
    _work: dict[str, Work] = field(init=False)
    _queue: deque[tuple[float, int]] = field(default_factory=deque)
    _unsent: deque[int] = field(default_factory=deque)
    _idle: deque[simpy.Event] = field(default_factory=deque)
    _ingesting: int = 0
    _consuming: int = 0

    def __post_init__(self) -> None:
        stack, account = self.service.stack, self.account
        self._door = TokenBucket(
            min(stack.throttle_rate, account.api_rate), min(stack.throttle_burst, account.api_burst)
        )
        self._scaling = TokenBucket(quotas.SCALING_STEP / quotas.SCALING_SECONDS, quotas.SCALING_STEP)
        self._environments = Environments(assumptions.IDLE_SECONDS)
        self._environments.warm(self.warm)
        self._work = {kind: _work(self.service, kind) for kind in ("first", "duplicate", "cold")}
        for process in (self._scale, self._relay, self._watch):
            self.env.process(process())

    def left(self) -> int:
        """Accepted events that are still in the queue, or wait for the relay."""
        return len(self._queue) + len(self._unsent)

    # --- The API and ingest ----------------------------------------------------------------------

    def answer(self, number: int) -> Steps[int]:
        """Takes a delivery; in the end, the status that it is answered."""
        now = self.env.now
        if not self._door.take(now):
            return 429
        if _within(self.out, now) or not self._has_room():
            return 503
        warm = self._environments.take(now)
        if not warm and not self._scaling.take(now):
            return 503
        self.outcome.cold += not warm
        computing, calls = self._work[("duplicate" if number in self.outcome.accepted else "first") if warm else "cold"]
        seconds = computing + self._waits(calls)
        self._ingesting += 1
        yield self.env.timeout(seconds)
        self._ingesting -= 1
        self._environments.put_back(self.env.now)
        self.outcome.ingest_seconds += seconds
        if number not in self.outcome.accepted:
            self.outcome.accepted.add(number)
            self._hand_over(number)
        return 200

    def _has_room(self) -> bool:
        """Whether Lambda may run ingest once more."""
        reserved = self.service.stack.reserved_concurrency
        if reserved is not None:
            return self._ingesting < reserved
        return self._ingesting + self._consuming < self.account.concurrency

    def _waits(self, calls: Iterable[float]) -> float:
        """How long calls take one after another. Their mean, including the slow ones, is the assumed one."""
        total = 0.0
        for mean in calls:
            slow = self.random.random() < assumptions.SLOW_CALLS
            total += mean * (assumptions.SLOWER if slow else USUAL * (0.5 + self.random.random()))
        return total

    # --- The queue, the relay and the consumer ---------------------------------------------------

    def _hand_over(self, number: int) -> None:
        if _within(self.queue_out, self.env.now):
            self._unsent.append(number)
        else:
            self._enqueue(number)

    def _enqueue(self, number: int) -> None:
        self._queue.append((self.env.now, number))
        if self._idle:
            self._idle.popleft().succeed()

    def _relay(self) -> Steps[None]:
        """Each period, sends as many of the unsent as one run looks at."""
        while True:
            yield self.env.timeout(self.service.stack.relay_seconds)
            if not self._unsent or _within(self.queue_out, self.env.now):
                continue
            for _ in range(min(len(self._unsent), self.service.stack.relay_events)):
                self._enqueue(self._unsent.popleft())
            self.outcome.relayed_at = self.env.now

    def _scale(self) -> Steps[None]:
        """Begins with AWS's first pollers, or, warm, with all; adds more while messages wait."""
        most = self.service.stack.maximum_concurrency
        pollers = most if self.warm else min(most, quotas.FIRST_POLLERS)
        for _ in range(pollers):
            self.env.process(self._poller(cold=not self.warm))
        while pollers < most:
            yield self.env.timeout(60 / quotas.POLLERS_PER_MINUTE)
            if self._queue:
                pollers += 1
                self.env.process(self._poller(cold=True))

    def _poller(self, *, cold: bool) -> Steps[None]:
        calls = self.service.consumer_calls()
        receive, delete = (assumptions.CALL_SECONDS[f"sqs:{does}Message"] for does in ("Receive", "Delete"))
        while True:
            while not self._queue:
                message = self.env.event()
                self._idle.append(message)
                yield message
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self.service.stack.batch_size))]
            self.outcome.ages += [self.env.now - since for since, _ in batch]
            seconds = self._waits(calls) + self.service.consumer_cpu(len(batch))
            if cold:
                seconds, cold = self.service.consumer_cold(), False
            self._consuming += 1
            yield self.env.timeout(self._waits([receive]) + seconds)
            self._consuming -= 1
            self.outcome.consumer_seconds += seconds
            self.outcome.batches += 1
            self.outcome.processed.update(number for _, number in batch)
            yield self.env.timeout(self._waits([delete]))

    def _watch(self) -> Steps[None]:
        while True:
            oldest = self.env.now - self._queue[0][0] if self._queue else 0.0
            self.outcome.seconds.append(Second(self.env.now, len(self._queue), oldest))
            yield self.env.timeout(1)


def _work(service: Service, kind: str) -> Work:
    if kind == "cold":
        calls = service.ingest_calls("cold")
        return service.ingest_cold() - sum(calls), calls
    calls = service.ingest_calls(kind)
    return service.ingest(kind) - sum(calls), calls


def _within(span: Span, now: float) -> bool:
    return span[0] <= now < span[1]
