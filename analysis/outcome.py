"""The outcome of a simulation."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

LATE_SECONDS: Final = 1
"""An event that waits longer than this is late; the listener has caught up when no event is late any more."""


class Second(NamedTuple):
    """How the queue was at a moment: how many events waited, the oldest for how long."""

    at: float
    waiting: int
    oldest: float


@dataclass(slots=True)
class Outcome:
    """`answers` counts attempts by their answer, `refused` those that were not answered 200 after the outage was over.

    `processed` counts how often each event was worked on. Moments are in seconds from the start.
    """

    sent: int = 0
    accepted: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    processed: Counter[int] = field(default_factory=Counter)
    batches: int = 0
    cold: int = 0
    """Deliveries that had to wait for an environment."""
    ingest_seconds: float = 0.0
    consumer_seconds: float = 0.0
    times_to_200: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    """How long each event waited in the queue."""
    recovered_at: float = 0.0
    """When the last delivery that the outage met was answered 200."""
    relayed_at: float = 0.0
    seconds: list[Second] = field(default_factory=list)

    @property
    def batch(self) -> float:
        return sum(self.processed.values()) / self.batches if self.batches else 0.0

    @property
    def peak_waiting(self) -> int:
        return max((second.waiting for second in self.seconds), default=0)

    @property
    def peak_age(self) -> float:
        return max(self.ages, default=0.0)

    @property
    def caught_up_at(self) -> float:
        """When an event was last late."""
        return max((second.at for second in self.seconds if second.oldest > LATE_SECONDS), default=0.0)

    def slowest(self, share: float) -> float:
        """The time to 200 that all but `share` of the deliveries stay within."""
        times = sorted(self.times_to_200)
        return times[int(len(times) * (1 - share))] if times else 0.0
