"""The goals, each with where its figure stands: what a page and a terminal say of them, and whether they are met."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from analysis.figures import INSTRUCTIONS_A_SECOND
from bench.figures import Figures
from bench.first_delivery import A_WHOLE_CPU_MB, MEMORY_MB
from bench.lambda_folder import POWERTOOLS


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal. `figure` finds the value among the figures, and `limit` is its maximum."""

    name: str
    figure: Callable[[Figures], float]
    limit: float
    unit: str = ""
    comparison: Callable[[Figures], str] = lambda _: ""


@dataclass(frozen=True, slots=True)
class Result:
    """A goal and what came of it; `value` is None where nothing was measured."""

    goal: Goal
    value: float | None
    comparison: str

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        return "met" if self.value <= self.goal.limit else "not met"


def results(figures: Figures) -> list[Result]:
    return [Result(goal, _or_none(goal.figure, figures), _or_none(goal.comparison, figures) or "") for goal in GOALS]


def _or_none(find: Callable[[Figures], Any], figures: Figures) -> Any:  # noqa: ANN401  a number or a text
    try:
        return find(figures)
    except KeyError:
        return None


def _units(event: str) -> Callable[[Figures], float]:
    return lambda figures: float(figures[event]["total"])


def _calls(name: str) -> Callable[[Figures], float]:
    return lambda figures: float(sum(figures["calls"][name].values()))


def _growth(function: str) -> Callable[[Figures], float]:
    def mebibytes(figures: Figures) -> float:
        memory = figures["memory_kib"][function]
        return abs(float(memory["after_10000"] - memory["after_1000"])) / 1024

    return mebibytes


def _peak(function: str) -> Callable[[Figures], float]:
    return lambda figures: float(figures["memory_kib"][function]["peak"]) / 1024


def _peers_peak(figures: Figures) -> str:
    return f"careful {_peak('careful')(figures):.0f}; typical {_peak('typical')(figures):.0f}"


def _peers_cold(figures: Figures) -> str:
    careful, typical = (figures["ratios"][f"{name}_cold"] for name in POWERTOOLS)
    return f"careful {careful:.1f}; typical {typical:.1f}"


def _peers(kind: str) -> Callable[[Figures], str]:
    return lambda f: f"careful {f['ratios'][f'careful_{kind}']:.2f}; typical {f['ratios'][f'typical_{kind}']:.2f}"


def _peers_calls(kind: str) -> Callable[[Figures], str]:
    return lambda f: "; ".join(f"{name} {sum(f['calls'][f'{name}_{kind}'].values()):.0f}" for name in POWERTOOLS)


def _first_delivery(what: str, part: str, limit: float) -> Goal:
    return Goal(
        f"first delivery after a cold start: {what}",
        lambda figures: float(figures["first_delivery"]["ingest"][part]),
        limit,
        "ms",
        lambda figures: "; ".join(f"{name} {figures['first_delivery'][name][part]:.0f}" for name in POWERTOOLS),
    )


def _pair(kind: str) -> Callable[[Figures], float]:
    return lambda figures: float(figures["in_pairs"][kind]["ingest"] / figures["in_pairs"][kind]["bare"])


def _billed_forged(figures: Figures) -> float:
    """Milliseconds that Lambda bills, which it rounds up."""
    seconds: float = figures["instructions"]["ingest_forged"] / INSTRUCTIONS_A_SECOND
    return math.ceil(1000 * seconds * A_WHOLE_CPU_MB / MEMORY_MB)


def _worst_shape(figures: Figures) -> str:
    worst: dict[str, float] = figures["worst_forged"]
    return f"of {len(worst)} shapes: {max(worst, key=lambda name: worst[name])}"


def _ratio_goal(name: str, ratio: str, unit: str, comparison: Callable[[Figures], str] = lambda _: "") -> Goal:
    return Goal(name, lambda figures: float(figures["ratios"][ratio]), RATIO_LIMITS[ratio], unit, comparison)


RATIO_LIMITS: Final = {
    "ingest_cold": 37,
    "ingest_cold_to_typical": 0.39,
    "ingest_cold_to_careful": 0.63,
    "consumer_cold_plain": 31,
    "first": 0.90,
    "duplicate": 1.0,
}
"""Of the ratios that are goals. What is met, `make check` does not let slip."""

ZIPPED_BYTES: Final = 1_450_000

_BARE: Final = "times bare interpreter"
_ONE: Final = "times one thread"

GOALS: Final = (
    _ratio_goal("cold ingest: import, clients, first answer", "ingest_cold", _BARE, _peers_cold),
    _ratio_goal("cold ingest", "ingest_cold_to_typical", "times typical function, cold"),
    _ratio_goal("cold ingest", "ingest_cold_to_careful", "times careful function, cold"),
    _ratio_goal("cold consumer, without TLS: import, clients, first batch of one", "consumer_cold_plain", _BARE),
    _first_delivery("handler", "handler", 30),
    _first_delivery("CPU of the handler", "handler_cpu", 8),
    _first_delivery("init and handler", "both", 245),
    _ratio_goal("warm first delivery", "first", "times two bare calls", _peers("first")),
    Goal("warm first delivery, CPU seconds", _pair("first"), 1.05, "times two bare calls"),
    _ratio_goal("warm duplicate", "duplicate", "times one bare call", _peers("duplicate")),
    Goal("forged request of 1 KiB, all three schemes, billed at 512 MB", _billed_forged, 1, "ms"),
    Goal(
        "worst forged request of any size and shape: CPU",
        lambda figures: max(figures["worst_forged"].values()),
        60,
        "ms",
        _worst_shape,
    ),
    Goal("AWS calls of a cold first delivery", _calls("cold"), 3, "calls", _peers_calls("cold")),
    Goal("AWS calls of a first delivery", _calls("first"), 2, "calls", _peers_calls("first")),
    Goal("AWS calls of a duplicate", _calls("duplicate"), 1, "calls", _peers_calls("duplicate")),
    Goal(
        "AWS calls of a forged request, but for the first in ten seconds",
        _calls("forged"),
        0,
        "calls",
        _peers_calls("forged"),
    ),
    Goal("AWS calls of a consumer's batch of 10 payments", _calls("consumer_batch_of_10"), 22, "calls"),
    Goal("DynamoDB writes of a payment's first event of 1 KiB", _units("write_units"), 5, "write units"),
    Goal("DynamoDB writes of each later event of it", _units("later_write_units"), 4, "write units"),
    Goal(
        "batch of 10, calls of 8 ms: time of ten threads",
        lambda f: float(f["in_parallel"]["threads_wall"] / f["in_parallel"]["one_by_one_wall"]),
        0.40,
        _ONE,
    ),
    Goal(
        "batch of 10, calls of 8 ms: CPU of ten threads",
        lambda f: float(f["in_parallel"]["threads_cpu"] / f["in_parallel"]["one_by_one_cpu"]),
        1.1,
        _ONE,
    ),
    Goal("layer and functions, zipped", lambda f: sum(f["zip_bytes"].values()) / 1e6, ZIPPED_BYTES / 1e6, "MB"),
    Goal("ingest's memory, from 1,000 to 10,000 deliveries", _growth("ingest"), 2, "MiB of change"),
    Goal("consumer's memory, from 10,000 to 100,000 events", _growth("consumer"), 2, "MiB of change"),
    Goal("ingest, most memory ever", _peak("ingest"), 40, "MiB", _peers_peak),
    Goal("consumer, most memory ever", _peak("consumer"), 40, "MiB"),
    Goal("log lines of a delivery", lambda f: float(f["log_lines"]["ingest_first"]["log_lines"]), 1, "lines"),
    Goal("metric lines of a delivery", lambda f: float(f["log_lines"]["ingest_first"]["metric_lines"]), 1, "lines"),
)
