"""The facts of docs/capacity.md that are simulated, each beside what is computed."""

import math
from typing import TYPE_CHECKING, Final

from analysis import assumptions, capacity
from analysis.markdown import ms, number, table, wrapped
from analysis.scenarios import (
    QUEUE_OUT_RATE,
    RATES,
    SEED,
    STEADY_SECONDS,
    STORM_RATE,
    Run,
    Runs,
    relay_run_seconds,
    relaying_seconds,
)
from analysis.service import Service

TOLERANCE: Final = 0.15
BATCH_TOLERANCE: Final = 0.3
"""By which what is simulated may differ from what is computed, of the computed; the second for what hangs on how full
batches are, which is computed as of a flow, without the clumps in which deliveries come."""

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE: Final = 60


def simulated_facts(service: Service, runs: Runs) -> dict[str, str]:
    pauses, stack = assumptions.pauses(), service.stack
    queue_out = runs.queue_out
    return {
        "simulated": f"{max(STEADY_SECONDS):,}",
        "computed_only": f"{max(RATES):,}",
        "tolerance": f"{TOLERANCE:.0%}",
        "batch_tolerance": f"{BATCH_TOLERANCE:.0%}",
        "steady": _steady(runs),
        "pauses": " and ".join(f"{pause:.0f} s" for pause in pauses),
        "given_up_minutes": number((assumptions.OUTAGE_SECONDS - sum(pauses)) / 60),
        "replay_after": number(assumptions.REPLAY_AFTER_SECONDS / 60),
        "replay": str(assumptions.REPLAY_SECONDS),
        "storm_rate": str(STORM_RATE),
        "storm": _storm(runs),
        "storm_judged": _storm_judged(runs),
        "backlogs": _backlogs(service, runs),
        "relay_events": str(stack.relay_events),
        "relay_seconds": str(stack.relay_seconds),
        "run_seconds": str(stack.relay_run_seconds),
        "relay_run": number(relay_run_seconds(service)),
        "relay_timeout": str(stack.relay.timeout_seconds),
        "queue_out_rate": str(QUEUE_OUT_RATE),
        "queue_out_sent": f"{queue_out.outcome.sent:,}",
        "queue_out_done": _after(queue_out, queue_out.outcome.relayed_at),
        "queue_out_computed": _seconds(relaying_seconds(service, QUEUE_OUT_RATE)),
        "relaying": _relaying(service),
        "seed": str(SEED),
    }


def _steady(runs: Runs) -> str:
    rows = []
    for rate, run in runs.steady.items():
        batch, outcome = run.service.batch(rate), run.outcome
        rows.append(
            [
                f"{rate:,}",
                _seconds(run.seconds),
                f"{outcome.sent:,}",
                str(outcome.refused.total()),
                _pair(rate * run.service.ingest(), run.ingest_busy),
                _pair(batch, outcome.batch),
                _pair(rate / batch * run.service.consumer(batch), run.consumer_busy),
                f"{ms(outcome.slowest(0.5))} / {ms(outcome.slowest(0.01))}",
                ms(outcome.peak_age),
            ]
        )
    return table(
        [
            "a second",
            "for",
            "sent",
            "refused",
            "ingest at work",
            "events in a batch",
            "consumer at work",
            "until ingest answers 200: half / 99 of 100",
            "longest in the queue",
        ],
        rows,
    )


def _storm(runs: Runs) -> str:
    shown: dict[str, Callable[[Run], str]] = {
        "ThrottleRate / ThrottleBurst": lambda run: (
            f"{number(run.service.stack.throttle_rate)} / {number(run.service.stack.throttle_burst)}"
        ),
        "deliveries": lambda run: f"{run.outcome.sent:,}",
        "attempts answered 503 during the outage": lambda run: f"{_struck(run):,}",
        "attempts refused after it": lambda run: f"{run.outcome.refused.total():,}",
        "given up for good": lambda run: f"{len(run.outcome.given_up):,}",
        "accepted, and processed once": lambda run: f"{len(run.outcome.processed):,}",
        "the last that the outage met is accepted": lambda run: _after(run, run.outcome.recovered_at),
        "most events in the queue": lambda run: f"{run.outcome.peak_waiting:,}",
        "longest in the queue": lambda run: f"{run.outcome.peak_age:.1f} s",
        "no event waits for a second any more": lambda run: _after(run, run.outcome.caught_up_at),
    }
    both = (runs.deployed, runs.ready)
    return table(
        ["moments are counted from the end of the outage", "as deployed", "prepared"],
        [[name, *(fact(run) for run in both)] for name, fact in shown.items()],
    )


def _storm_judged(runs: Runs) -> str:
    ready, deployed = runs.ready.outcome.refused.total(), runs.deployed.outcome
    lost = len(deployed.given_up)
    return wrapped(
        f"Prepared, {'nothing is' if not ready else f'{ready:,} attempts are'} refused. As deployed, "
        f"{deployed.refused.total():,} attempts are: each costs its delivery one of {assumptions.ATTEMPTS}, and rings "
        f"an alarm. {f'Then {lost:,} need another replay.' if lost else 'None is lost: their next attempts find room.'}"
    )


def _backlogs(service: Service, runs: Runs) -> str:
    rows = []
    for rate in RATES:
        stack, _ = capacity.prepared(service, rate)
        computed = capacity.backlog(Service(stack, service.figures), rate)
        row = [f"{computed.waiting:,.0f}", f"{computed.age_seconds:.1f} s", _seconds(computed.caught_up_seconds)]
        rows.append([f"{rate:,}", *row])
        if rate == STORM_RATE:
            found = runs.ready.outcome
            caught_up = _after(runs.ready, found.caught_up_at)
            rows.append([f"{rate:,}, simulated", f"{found.peak_waiting:,}", f"{found.peak_age:.1f} s", caught_up])
    caught_up = "no event waits for a second any more, after the end of the outage"
    head = ["a second", "most events in the queue", "longest in the queue", caught_up]
    return table(head, rows)


def _relaying(service: Service) -> str:
    return table(
        ["deliveries a second", "left to the relay", "the relay is done after"],
        [
            [
                f"{rate:,}",
                f"{rate * assumptions.OUTAGE_SECONDS:,}",
                f"{relaying_seconds(service, rate) / MINUTE:,.0f} min",
            ]
            for rate in (QUEUE_OUT_RATE, *RATES[1:])
        ],
    )


def _struck(run: Run) -> int:
    return run.outcome.answers.total() - run.outcome.answers[200] - run.outcome.refused.total()


def _pair(computed: float, simulated: float) -> str:
    return f"{computed:.3g} / {simulated:.3g}"


def _after(run: Run, moment: float) -> str:
    return _seconds(max(0.0, moment - run.outage_ends))


def _seconds(seconds: float) -> str:
    return "never" if math.isinf(seconds) else f"{seconds:,.0f} s"
