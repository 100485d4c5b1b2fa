"""The simulated scenarios: steady deliveries at each rate, the storm after an outage, and the queue out of reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from analysis import assumptions
from analysis.capacity import prepared
from analysis.listener import Account, Listener
from analysis.outcome import Outcome
from analysis.service import Service, cpu_share
from analysis.simulation import poisson, run
from analysis.stack import Stack

SEED: Final = 2026
RATES: Final = (1, 100, 1_000, 10_000, 100_000)
STEADY_SECONDS: Final[Mapping[int, int]] = {1: 1_200, 100: 60, 1_000: 12, 10_000: 3}
"""How long each rate is simulated; the highest is computed only."""

STORM_RATE: Final = 100
QUEUE_OUT_RATE: Final = 30
BEFORE_SECONDS: Final = 30
AFTER_SECONDS: Final = 480
RELAYING_SECONDS: Final = 1_200


@dataclass(frozen=True, slots=True)
class Run:
    """A simulation that has ended; `seconds` is how long deliveries came."""

    service: Service
    rate: float
    seconds: float
    outcome: Outcome
    left: int
    outage_ends: float = 0.0

    @property
    def ingest_busy(self) -> float:
        """Environments of ingest that had work, on average."""
        return self.outcome.ingest_seconds / self.seconds

    @property
    def consumer_busy(self) -> float:
        return self.outcome.consumer_seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Runs:
    """All that the page shows: `deployed` and `ready` are the storm's, as deployed and prepared for it."""

    steady: Mapping[int, Run]
    deployed: Run
    ready: Run
    queue_out: Run


def simulate(service: Service) -> Runs:
    """Runs them all; some seconds of work."""
    return Runs(
        steady={rate: steady(service, rate) for rate in STEADY_SECONDS},
        deployed=storm(service, as_deployed=True),
        ready=storm(service, as_deployed=False),
        queue_out=queue_out(service),
    )


def _chance() -> Random:
    return Random(SEED)  # noqa: S311  a simulation's


def _service(service: Service, stack: Stack) -> Service:
    return Service(stack, service.figures)


def steady(service: Service, rate: int, random: Random | None = None) -> Run:
    """Deliveries at a steady rate, with everything set for it and nothing cold."""
    stack, account = prepared(service, rate)
    random, seconds = random or _chance(), STEADY_SECONDS[rate]
    ready = _service(service, stack)
    warm = 5 + round(3 * rate * service.ingest())
    listener = Listener(ready, random, account, warm=warm)
    outcome = run(listener, poisson(rate, seconds, random), until=seconds)
    return Run(ready, rate, seconds, outcome, listener.left())


def storm(service: Service, rate: int = STORM_RATE, *, as_deployed: bool, random: Random | None = None) -> Run:
    """An outage in which every delivery is answered 503, what follows, and the replay of what was given up."""
    stack, account = (service.stack, Account()) if as_deployed else prepared(service, rate)
    random = random or _chance()
    out = (BEFORE_SECONDS, BEFORE_SECONDS + assumptions.OUTAGE_SECONDS)
    until = out[1] + AFTER_SECONDS
    listener = Listener(_service(service, stack), random, account, out=out)
    # The clock goes on for as long as attempts may still come.
    outcome = run(listener, poisson(rate, until, random), until=until + sum(assumptions.pauses()) + AFTER_SECONDS)
    return Run(listener.service, rate, until, outcome, listener.left(), out[1])


def queue_out(service: Service, rate: int = QUEUE_OUT_RATE, random: Random | None = None) -> Run:
    """The queue takes nothing for as long as the outage lasts: all is recorded, and left to the relay."""
    random = random or _chance()
    out = (BEFORE_SECONDS, BEFORE_SECONDS + assumptions.OUTAGE_SECONDS)
    listener = Listener(service, random, queue_out=out)
    outcome = run(listener, poisson(rate, out[1], random), until=out[1] + RELAYING_SECONDS)
    return Run(service, rate, out[1], outcome, listener.left(), out[1])


def relaying_seconds(service: Service, rate: float) -> float:
    """How long the relay needs for what came while the queue was out of reach, at its number of events for each run."""
    return rate * assumptions.OUTAGE_SECONDS / service.stack.relay_events * service.stack.relay_seconds


def relay_run_seconds(service: Service) -> float:
    """How long a full run of the relay takes, ten events at a time: read, send, and clear one by one."""
    ten = 10 * assumptions.RELAYED_CPU_SECONDS / cpu_share(service.stack.relay)
    ten += sum(assumptions.CALL_SECONDS[name] for name in ("dynamodb:BatchGetItem", "sqs:SendMessageBatch"))
    ten += 10 * assumptions.CALL_SECONDS["dynamodb:UpdateItem"]
    return service.stack.relay_events / 10 * ten
