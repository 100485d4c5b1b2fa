"""How long the functions take: CPU time as measured, by the share of a CPU that each has, and calls as assumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analysis.assumptions import CALL_SECONDS, START_SECONDS, WHOLE_CPU_MB
from analysis.figures import Figures
from analysis.quotas import FIRST_POLLERS
from analysis.stack import Function, Stack

ANNOUNCE: Final = "events:PutEvents"
SECRET: Final = "secretsmanager:GetSecretValue"
BATCHES: Final[Mapping[int, str]] = {1: "batch_of_1", 10: "batch_of_10"}
"""The batches that were measured; another's CPU time lies on the line through them."""


def cpu_share(function: Function) -> float:
    """The part of a CPU that a function has, by its memory."""
    return min(1.0, function.memory_mb / WHOLE_CPU_MB)


@dataclass(frozen=True, slots=True)
class Service:
    """Durations in seconds.

    Waiting for AWS and computing do not overlap here. In the consumer's threads they do a little.
    """

    stack: Stack
    figures: Figures

    def ingest(self, kind: str = "first") -> float:
        """Time of a delivery in a warm environment: `first`, `duplicate` or `forged`."""
        return self._ingest_cpu(kind) + sum(self.ingest_calls(kind))

    def ingest_cold(self) -> float:
        """Time of a first delivery that has to wait for an environment, its imports, clients and the secret."""
        return START_SECONDS + self._ingest_cpu("cold") + sum(self.ingest_calls("cold"))

    @property
    def secret_reads(self) -> int:
        """Calls to read the secret. The previous one is read only where a signature does not match the current one."""
        return self.figures.calls["cold"][SECRET]

    def ingest_calls(self, kind: str) -> list[float]:
        """The durations of the calls that a delivery makes, one after another."""
        calls = self.figures.calls[kind]
        return [CALL_SECONDS[operation] for operation, times in calls.items() for _ in range(times)]

    def consumer(self, batch: float) -> float:
        """Time of a batch in a warm environment."""
        return self.consumer_cpu(batch) + sum(self.consumer_calls())

    def consumer_cold(self) -> float:
        """Time of the first batch of an environment, with one message."""
        return START_SECONDS + self._consumer_seconds("cold") + sum(self.consumer_calls())

    def consumer_cpu(self, batch: float) -> float:
        """CPU time of a batch of any size up to the largest, as wall time."""
        (low, one), (high, ten) = ((size, self._consumer_seconds(name)) for size, name in BATCHES.items())
        return one + (ten - one) * (batch - low) / (high - low)

    def consumer_calls(self) -> list[float]:
        """The waits of a batch. What it calls for each event it calls at once, in as many threads as there are."""
        made = self.figures.calls["consumer_batch_of_1"]
        return [CALL_SECONDS[operation] for operation in made if self.stack.announces or operation != ANNOUNCE]

    def cycle(self, batch: float) -> float:
        """From one batch of a poller to the next, while there is always one: receive, process, delete."""
        return CALL_SECONDS["sqs:ReceiveMessage"] + self.consumer(batch) + CALL_SECONDS["sqs:DeleteMessage"]

    def takes(self) -> float:
        """Events a second that all pollers take with full batches."""
        return self.stack.maximum_concurrency * self.stack.batch_size / self.cycle(self.stack.batch_size)

    def batch(self, rate: float) -> float:
        """How full batches are at so many events a second: as full as they must be for the pollers to keep up.

        A poller takes what is there at once. So it is one event unless all are busy, and above what full batches
        achieve the queue grows.
        """
        pollers, most = self.stack.maximum_concurrency, self.stack.batch_size
        each = (self.cycle(most) - self.cycle(1)) / (most - 1)
        fixed = self.cycle(1) - each
        spare = pollers - rate * each  # pollers that are left for what a batch costs whatever its size
        return float(most) if spare <= 0 else min(float(most), max(1.0, rate * fixed / spare))

    def filled_from(self, window_seconds: float) -> float:
        """Events a second from which so long a window fills batches: each of the first pollers fills its own."""
        return FIRST_POLLERS * self.stack.batch_size / window_seconds

    def _ingest_cpu(self, kind: str) -> float:
        return self.figures.cpu_seconds[f"ingest_{kind}"] / cpu_share(self.stack.ingest)

    def _consumer_seconds(self, kind: str) -> float:
        return self.figures.cpu_seconds[f"consumer_{kind}"] / cpu_share(self.stack.consumer)
