"""The goals, each with where its figure stands: what a page and a terminal say of them, and whether they are met."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bench.figures import Figures


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


def _peers_cold(figures: Figures) -> str:
    ratios = figures["ratios"]
    stock, lean, typical = (ratios[f"{name}_cold"] for name in ("stock_sdk", "lean", "typical"))
    return f"on the stock SDK {stock:.1f}; lean {lean:.1f}; typical {typical:.1f}"


def _peers(kind: str) -> Callable[[Figures], str]:
    return lambda f: f"lean {f['ratios'][f'lean_{kind}']:.2f}; typical {f['ratios'][f'typical_{kind}']:.2f}"


def _typical_calls(kind: str) -> Callable[[Figures], str]:
    return lambda figures: f"typical {sum(figures['calls'][f'typical_{kind}'].values()):.0f}"


def _alone(kind: str) -> Callable[[Figures], str]:
    return lambda figures: f"verifying alone {figures['ratios'][f'verify_{kind}']:.2f}"


def _ratio_goal(name: str, ratio: str, unit: str, comparison: Callable[[Figures], str] = lambda _: "") -> Goal:
    return Goal(name, lambda figures: float(figures["ratios"][ratio]), RATIO_LIMITS[ratio], unit, comparison)


RATIO_LIMITS: Final = {
    "ingest_cold": 23,
    "ingest_cold_to_typical": 0.34,
    "consumer_cold": 26,
    "first": 1.06,
    "duplicate": 1.10,
    "forged_raw": 2,
    "forged_all": 15,
}
"""Of the ratios that are goals. Those of cold starts leave botocore's code as it is: see page.HOW.

What is met, `make check` does not let slip.
"""

_BARE: Final = "times bare interpreter"
_READING: Final = "times json.loads of it"

GOALS: Final = (
    _ratio_goal("cold ingest: import, clients, first delivery", "ingest_cold", _BARE, _peers_cold),
    _ratio_goal("cold ingest", "ingest_cold_to_typical", "times typical function, cold"),
    _ratio_goal("cold consumer: import, clients, first batch of one", "consumer_cold", _BARE),
    _ratio_goal("warm first delivery", "first", "times two bare calls", _peers("first")),
    _ratio_goal("warm duplicate", "duplicate", "times one bare call", _peers("duplicate")),
    _ratio_goal("forged request, scheme pinned to raw", "forged_raw", _READING, _alone("raw")),
    _ratio_goal("forged request, all three schemes", "forged_all", _READING, _alone("all")),
    Goal("AWS calls of a first delivery", _calls("first"), 2, "calls", _typical_calls("first")),
    Goal("AWS calls of a duplicate", _calls("duplicate"), 1, "calls", _typical_calls("duplicate")),
    Goal("AWS calls of a forged request", _calls("forged"), 0, "calls", _typical_calls("forged")),
    Goal("AWS calls of a consumer's batch of 10 payments", _calls("consumer_batch_of_10"), 22, "calls"),
    Goal("DynamoDB writes of a payment's first event of 1 KiB", _units("write_units"), 5, "write units"),
    Goal("DynamoDB writes of each later event of it", _units("later_write_units"), 4, "write units"),
    Goal(
        "batch of 10, calls of 8 ms: time",
        lambda f: float(f["in_parallel"]["threads_wall"] / f["in_parallel"]["one_by_one_wall"]),
        0.40,
        "times one after another",
    ),
    Goal(
        "batch of 10, calls of 8 ms: CPU",
        lambda f: float(f["in_parallel"]["threads_cpu"] / f["in_parallel"]["one_by_one_cpu"]),
        1.1,
        "times one after another",
    ),
    Goal("layer and functions, zipped", lambda f: sum(f["zip_bytes"].values()) / 1e6, 1.5, "MB"),
    Goal("ingest, from 1,000 to 10,000 deliveries", _growth("ingest"), 2, "MiB of change"),
    Goal("consumer, from 10,000 to 100,000 events", _growth("consumer"), 2, "MiB of change"),
    Goal(
        "ingest, most memory ever",
        lambda f: float(f["peak_memory_mb"]["ingest"]),
        60,
        "MB",
        lambda f: f"typical {f['peak_memory_mb']['typical']:.0f}",
    ),
    Goal("consumer, most memory ever", lambda f: float(f["peak_memory_mb"]["consumer"]), 60, "MB"),
    Goal("log lines of a delivery", lambda f: float(f["log_lines"]["ingest_first"]["log_lines"]), 1, "lines"),
    Goal("metric lines of a delivery", lambda f: float(f["log_lines"]["ingest_first"]["metric_lines"]), 1, "lines"),
)
