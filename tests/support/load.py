"""A load test: many threads deliver, consume and relay at once, while chaos strikes, until all has come to rest.

What is sent, and how often, comes from one seed (`traffic`); what meets what is up to the threads.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING
from unittest.mock import MagicMock, patch

import httpx

import consumer
import ingest
import reconciler
import relay
from tests.support.chaos import Chaos
from tests.support.harness import SENDER_TRIES, Harness
from tests.support.settled_books import scan
from tests.support.traffic import Envelope
from wickiepay.signature import sign

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType


@dataclass(slots=True)
class Metrics:
    """The metrics of functions that share a process, counted together."""

    service: str = "test"
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_metric(self, name: str, _unit: object, value: float) -> None:
        with self._lock:
            self.counts[name] += int(value)

    def write(self, _message: str, _facts: object, counts: Iterable[str], _at: object) -> None:
        """In place of ingest's EMF lines."""
        for name in counts:
            self.add_metric(name, None, 1)

    def add_dimensions(self, **_: str) -> None:
        pass

    def flush_metrics(self) -> None:
        pass


@contextmanager
def functions_in_threads() -> Iterator[Counter[str]]:
    """Gives the functions metrics and logs that threads can share, which no invocations on Lambda do; yields counts."""
    metrics = Metrics()
    with ExitStack() as stack:
        stack.enter_context(patch.object(ingest, "emf", metrics))
        for module in (consumer, relay, reconciler):
            stack.enter_context(patch.object(module, "metrics", metrics))
            stack.enter_context(patch.object(module, "logger", MagicMock()))
        yield metrics.counts


def at_once[T](works: Sequence[Callable[[], T]]) -> tuple[list[T], Counter[str]]:
    """What the works return, each in a thread of its own, all let go together; and what they counted."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait()
        return work()

    with functions_in_threads() as counts, ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works)), counts


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was sent and what of it was answered 200, what the functions counted, and what they were up against."""

    deliveries: Sequence[Envelope]
    accepted: Sequence[Envelope]
    counts: Counter[str]
    calls: int
    faults: Counter[str]

    def __str__(self) -> str:
        """The figures, as a reader wants to see them once nothing was found to be wrong."""
        faults = ", ".join(f"{number} {fault}" for fault, number in self.faults.most_common())
        return (
            f"{len(self.deliveries):,} deliveries, {len(self.accepted):,} answered 200; {self.calls:,} calls, "
            f"{self.faults.total():,} of them struck ({faults}); {self.counts['DeliveryUnsent']} left to the relay, "
            f"{self.counts['DeliveryUnrecorded']} recorded by the consumer; 0 lost, 0 doubled"
        )


@contextmanager
def at_work(harness: Harness, consumers: int) -> Iterator[Counter[str]]:
    """So many consumers and two relays run until the block ends. Yields what the functions count."""
    over = threading.Event()

    def until_over(work: Callable[[], None]) -> None:
        while not over.wait(0.05):
            work()

    with functions_in_threads() as counts, ThreadPoolExecutor(consumers + 2) as pool:
        beside = [pool.submit(until_over, lambda: harness.consume(rounds=20, most=10)) for _ in range(consumers)]
        beside += [pool.submit(until_over, harness.tick) for _ in range(2)]
        try:
            yield counts
        finally:
            over.set()
        for running in beside:
            running.result()


def under_load(
    harness: Harness, deliveries: Sequence[Envelope], senders: int, consumers: int, patience: float
) -> Aftermath:
    """Sends the deliveries, while so many consumers and two relays run; then calms down, and lets all come to rest.

    The harness's injector is a `Chaos`. After `patience` seconds of calm it stops, at rest or not.
    """
    chaos = harness.injector
    assert isinstance(chaos, Chaos)
    with at_work(harness, consumers) as counts, ThreadPoolExecutor(senders) as pool:
        answers = list(pool.map(harness.deliver, deliveries))
        chaos.calm = True
        wait_for(lambda: at_rest(harness), patience)
    accepted = list(compress(deliveries, (answer == 200 for answer in answers)))
    return Aftermath(deliveries, accepted, counts, chaos.sent, chaos.struck_by)


def through_the_front_door(url: str, secret: bytes, deliveries: Sequence[Envelope], senders: int) -> list[Envelope]:
    """Sends the deliveries to a stack, as the provider would; those of them that were answered 200."""

    def is_accepted(http: httpx.Client, envelope: Envelope) -> bool:
        body = json.dumps(envelope).encode()
        headers = {"Content-Type": "application/json", "X-Webhook-Signature": sign(body, secret)}
        return any(http.post(url, content=body, headers=headers).status_code == 200 for _ in range(SENDER_TRIES))

    with httpx.Client(timeout=60, trust_env=False) as http, ThreadPoolExecutor(senders) as pool:
        accepted = list(pool.map(partial(is_accepted, http), deliveries))
    return list(compress(deliveries, accepted))


def wait_for(condition: Callable[[], bool], patience: float) -> None:
    """Waits until the condition holds, or for a number of seconds."""
    deadline = time.monotonic() + patience
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def at_rest(harness: Harness) -> bool:
    """Whether nothing is left to happen by itself: nothing flagged for the relay, nothing in the queue or in hand."""
    url = harness._outputs["EventQueueUrl"]
    if not is_empty(harness.sqs, url):  # it answers at once; a whole table takes its time
        return False
    if any("unsent" in record for record in scan(harness, "EventTableName")):
        return False
    return is_empty(harness.sqs, url)


def is_empty(sqs: "SQSClient", url: str) -> bool:
    """Whether nothing is in a queue or in flight."""
    names: list[QueueAttributeNameType] = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return not any(int(attributes[name]) for name in names)
