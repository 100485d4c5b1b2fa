"""The limits that bind at a rate, and the settings by which none of them does."""

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from analysis import assumptions, quotas
from analysis.listener import Account
from analysis.outcome import LATE_SECONDS
from analysis.service import Service
from analysis.stack import Stack

SPARE: Final = 2
"""Behind the door, where what is too much only waits: twice what steady deliveries need, so that a backlog shrinks as
fast as deliveries come."""

THROTTLE_RATE: Final = "ThrottleRate"
THROTTLE_BURST: Final = "ThrottleBurst"
RESERVED: Final = "IngestReservedConcurrency"
POLLERS: Final = "ConsumerMaximumConcurrency"
SHARDS: Final = "SHARDS in event_log.py"
API_RATE: Final = "API requests a second"
CONCURRENCY: Final = "Lambda, concurrent executions"
INVOCATIONS: Final = "Lambda, ten invocations a second for each concurrent execution"


@dataclass(frozen=True, slots=True)
class Limit:
    """`value` of something there is; a delivery a second takes `use` of it, `prepared` with what may come on top.

    `kind` is where it is set, `most` what it can be at most, as things stand.
    """

    kind: Literal["parameter", "code", "quota", "table, not in the template"]
    name: str
    value: float
    use: float
    prepared: float
    most: float = math.inf

    @property
    def allows(self) -> float:
        """Deliveries a second."""
        return self.value / self.use

    def needed(self, rate: float) -> int:
        """The necessary value, including the margin."""
        return math.ceil(rate * self.prepared - 1e-9)


def storm_factor() -> float:
    """How many times the steady rate comes at the worst moment after the outage.

    Right after it, new deliveries come beside the second and third attempts of others (each delivery has a clock of its
    own, so they come as they came). An attempt that waited for a pause can come until that pause after the outage is
    over, so by the time of the replay they may be.
    """
    attempts = sum(pause > assumptions.REPLAY_AFTER_SECONDS for pause in assumptions.pauses())
    return max(assumptions.ATTEMPTS, 1 + attempts + replay_factor())


def replay_factor() -> float:
    """How many times the steady rate the replay comes at, of what was given up during the outage."""
    given_up_seconds = max(0.0, assumptions.OUTAGE_SECONDS - sum(assumptions.pauses()))
    return given_up_seconds / assumptions.REPLAY_SECONDS


def new_account_allows(service: Service) -> float:
    """Deliveries a second in an account that may run only a few functions at once."""
    of_concurrency = (limit for limit in limits(service) if limit.name in {CONCURRENCY, INVOCATIONS})
    return min(quotas.NEW_CONCURRENCY / limit.use for limit in of_concurrency)


def provisioned_pollers(service: Service, rate: float, message_bytes: int) -> int:
    """Pollers that the provisioned mode of the event source needs for a rate, with full batches."""
    batches = rate / service.stack.batch_size
    return math.ceil(
        max(
            batches * service.cycle(service.stack.batch_size) / quotas.PROVISIONED_BATCHES,
            batches / quotas.PROVISIONED_POLLS,
            rate * message_bytes / quotas.PROVISIONED_BYTES,
        )
    )


def limits(service: Service) -> list[Limit]:
    """All there are, with the values of the stack and of a new account."""
    stack, units = service.stack, service.figures.write_units
    storm, batch = storm_factor(), stack.batch_size
    consuming, cycle = service.consumer(batch) / batch, service.cycle(batch) / batch
    found = [
        Limit("parameter", THROTTLE_RATE, stack.throttle_rate, 1, storm),
        # Half a second's at once: the ratio of AWS's own two quotas.
        Limit("parameter", THROTTLE_BURST, stack.throttle_burst, 0.5, storm / 2),
        Limit("quota", API_RATE, quotas.API_RATE, 1, storm),
        Limit(
            "quota",
            CONCURRENCY,
            quotas.CONCURRENCY,
            service.ingest() + consuming,
            storm * service.ingest() + SPARE * consuming,
        ),
        Limit(
            "quota",
            INVOCATIONS,
            quotas.CONCURRENCY,
            (1 + 1 / batch) / quotas.INVOCATIONS_PER_CONCURRENCY,
            (storm + SPARE / batch) / quotas.INVOCATIONS_PER_CONCURRENCY,
        ),
        Limit(
            "parameter", POLLERS, stack.maximum_concurrency, cycle, SPARE * cycle, stack.greatest_maximum_concurrency
        ),
        Limit(
            "code",
            SHARDS,
            stack.shards,
            units.by_time / quotas.PARTITION_WRITES,
            SPARE * units.by_time / quotas.PARTITION_WRITES,
        ),
        _table("event table", units.event_table),
        _table("ledger table", units.ledger),
        Limit(
            "quota",
            "DynamoDB, write units a second of one table",
            quotas.TABLE_WRITES,
            max(units.event_table, units.ledger),
            SPARE * max(units.event_table, units.ledger),
        ),
        Limit("quota", "SQS, messages in flight", quotas.IN_FLIGHT, cycle, SPARE * cycle),
    ]
    if stack.announces:
        # Counted as if no two events shared a request.
        found.append(Limit("quota", "EventBridge, PutEvents requests a second", quotas.PUT_EVENTS, 1, SPARE))
    if stack.reserved_concurrency:
        found.append(
            Limit("parameter", RESERVED, stack.reserved_concurrency, service.ingest(), storm * service.ingest())
        )
    return found


def _table(name: str, units: float) -> Limit:
    return Limit(
        "table, not in the template",
        f"warm throughput of the {name}, write units",
        quotas.NEW_TABLE_WRITES,
        units,
        SPARE * units,
    )


def binding(service: Service, rate: float) -> list[Limit]:
    """The limits that do not allow the rate, the tightest first."""
    return sorted((limit for limit in limits(service) if limit.allows < rate), key=lambda limit: limit.allows)


def nearest(service: Service) -> Limit:
    """The limit that binds first as the rate grows."""
    return min(limits(service), key=lambda limit: limit.allows)


def to_raise(service: Service, rate: float) -> list[Limit]:
    """The limits that are too low for the rate and its margin, in the order in which they would bind."""
    short = (limit for limit in limits(service) if limit.needed(rate) > limit.value)
    return sorted(short, key=lambda limit: limit.value / limit.prepared)


def prepared(service: Service, rate: float) -> tuple[Stack, Account]:
    """The stack and the account with all of that raised, as far as it goes."""
    need = {limit.name: min(limit.needed(rate), limit.most) for limit in to_raise(service, rate)}
    stack = service.stack
    raised = replace(
        stack,
        throttle_rate=need.get(THROTTLE_RATE, stack.throttle_rate),
        throttle_burst=need.get(THROTTLE_BURST, stack.throttle_burst),
        maximum_concurrency=int(need.get(POLLERS, stack.maximum_concurrency)),
        shards=int(need.get(SHARDS, stack.shards)),
        reserved_concurrency=int(need[RESERVED]) if RESERVED in need else stack.reserved_concurrency,
    )
    concurrency = max(need.get(name, quotas.CONCURRENCY) for name in (CONCURRENCY, INVOCATIONS))
    return raised, Account(int(concurrency), need.get(API_RATE, quotas.API_RATE))


def warming_seconds(service: Service, rate: float) -> float:
    """From no environment at all to as many as the rate needs, as fast as AWS makes them."""
    needed = rate * service.ingest() - quotas.SCALING_STEP
    return max(0.0, needed * quotas.SCALING_SECONDS / quotas.SCALING_STEP)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the replay of the outage's deliveries does to the queue, where the door lets all of it in.

    `caught_up_seconds` is when an event is last late, counted from the end of the outage: 0 where none is, infinite
    where steady deliveries alone are too many.
    """

    waiting: float
    age_seconds: float
    caught_up_seconds: float


def backlog(service: Service, rate: float) -> Backlog:
    """As of a flow: what comes each second less what full batches take."""
    takes = service.takes()
    waiting = max(0.0, ((1 + replay_factor()) * rate - takes) * assumptions.REPLAY_SECONDS)
    age = waiting / takes
    # The last that is late comes when as many wait as are taken until it is.
    shrunk = (waiting - LATE_SECONDS * takes) / (takes - rate) if takes > rate else math.inf
    over = assumptions.REPLAY_AFTER_SECONDS + assumptions.REPLAY_SECONDS
    return Backlog(waiting, age, over + shrunk + LATE_SECONDS if age > LATE_SECONDS else 0.0)
