"""The relay: every minute, it sends the events that ingest recorded but could not send.

Two runs at once do no harm, because an event that is sent twice is processed once.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from wickiepay import clients, clock
from wickiepay.event_log import EventLog
from wickiepay.metrics import Metric, emitted
from wickiepay.queue import MAX_ENTRIES, EventQueue, Message

MAX_EVENTS: Final = 3000
"""Most events that one run looks at; the rest wait for the next run."""

RUN_SECONDS: Final = 40
"""A run starts nothing new after this, so that slow stores cannot drive it into its time-out and raise an alarm."""

logger = Logger()
metrics = Metrics()
EMITTED: Final = emitted(os.environ["MONITORING"])


@dataclass(frozen=True, slots=True)
class Relay:
    events: EventLog
    queue: EventQueue
    now: Callable[[], datetime]

    def run(self) -> int:
        """Sends the events that are flagged unsent, the oldest first. Returns how many the queue accepted.

        Raises `StoreUnavailable` if the event table cannot be read or written; the next run continues from there.
        """
        end = self.now() + timedelta(seconds=RUN_SECONDS)
        unsent = self.events.unsent(MAX_EVENTS)
        oldest = (self.now() - datetime.fromisoformat(unsent[0].received_at)).total_seconds() if unsent else 0
        if Metric.UNSENT in EMITTED:
            metrics.add_metric(Metric.UNSENT, MetricUnit.Count, len(unsent))
        metrics.add_metric(Metric.UNSENT_OLDEST_SECONDS, MetricUnit.Seconds, oldest)
        metrics.flush_metrics()
        sent = 0
        for flagged in batched((entry.identity for entry in unsent), MAX_ENTRIES, strict=False):
            pending = self.events.unfinished(flagged)
            taken = self.queue.send_all([Message.of(each) for each in pending])
            refused = {each.identity for each, was_taken in zip(pending, taken, strict=True) if not was_taken}
            for identity in flagged:
                # An event that is finished or gone by now is not sent, and its flag is cleared as well.
                if identity not in refused:
                    self.events.clear_unsent(identity)
            sent += taken.count(True)
            if refused or self.now() >= end:
                break  # the queue is still out of reach, or time is up
        logger.info("relay run", extra={"unsent": len(unsent), "sent": sent})
        return sent


def from_environment(environment: Mapping[str, str]) -> Relay:
    """Wires a `Relay` to the stack that the template's environment variables name."""
    return Relay(
        events=EventLog(clients.dynamodb(), environment["EVENT_TABLE"]),
        queue=EventQueue(clients.sqs(), environment["EVENT_QUEUE_URL"]),
        now=clock.now,
    )


relay = from_environment(os.environ)


def lambda_handler(event: object, context: object) -> dict[str, int]:  # noqa: ARG001  Lambda passes both
    """Runs once, on the schedule's tick."""
    return {"sent": relay.run()}
