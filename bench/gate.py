"""The gate of `make check`: the counts must be those of bench/figures.json, or better."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.figures import Figures
from bench.goals import RATIO_LIMITS, ZIPPED_BYTES

TOLERANCE: Final = 0.05
"""Tolerance by which a ratio may exceed the committed one, on the interpreter that it was counted with."""

TOLERANCE_ELSEWHERE: Final = 0.15
"""The same on another build of the interpreter, which spends its instructions otherwise."""

GATED_RATIOS: Final = ("ingest_cold", "consumer_cold_plain", "first", "duplicate", "forged")
GATED_CALLS: Final = (
    "cold",
    "first",
    "duplicate",
    "first_forged",
    "forged",
    "consumer_batch_of_1",
    "consumer_batch_of_10",
)


@dataclass(frozen=True, slots=True)
class Compared:
    name: str
    committed: float
    counted: float
    limit: float

    @property
    def passes(self) -> bool:
        return self.counted <= self.limit

    @property
    def improved(self) -> bool:
        """So much better that the committed figure no longer guards the ratio."""
        return self.counted < self.committed * (1 - TOLERANCE)


def compare_ratios(committed: Figures, counted: Mapping[str, float], machine: Mapping[str, str]) -> Iterator[Compared]:
    """Each gated ratio beside its committed one. On the interpreter that met a goal, the goal is a limit as well."""
    same = committed["machine"] == machine
    for name in GATED_RATIOS:
        before = committed["ratios"][name]
        limit = before * (1 + (TOLERANCE if same else TOLERANCE_ELSEWHERE))
        goal = RATIO_LIMITS.get(name, limit)
        yield Compared(f"{name}, ratio", before, counted[name], min(limit, goal) if same and before <= goal else limit)


def compare_calls(committed: Figures, counted: Mapping[str, Mapping[str, float]]) -> Iterator[Compared]:
    """Each gated operation. There is no tolerance, and no operation may be new."""
    for name in GATED_CALLS:
        before, now = committed["calls"][name], counted[name]
        for operation in sorted({*before, *now}):
            allowed = before.get(operation, 0)
            yield Compared(f"{name}, {operation}", allowed, now.get(operation, 0), allowed)


def compare_sizes(committed: Figures, sizes: Mapping[str, int]) -> Compared:
    """All packages together."""
    return Compared("zipped, bytes", sum(committed["zip_bytes"].values()), sum(sizes.values()), ZIPPED_BYTES)
