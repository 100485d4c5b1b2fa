"""The figures of a run, as bench/figures.json keeps them: what `make check` compares with, and models read."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent / "figures.json"

RATIOS: Final = {
    "ingest_cold": ("ingest_cold", "interpreter"),
    "ingest_cold_to_typical": ("ingest_cold", "typical_cold"),
    "ingest_cold_to_careful": ("ingest_cold", "careful_cold"),
    "consumer_cold_plain": ("consumer_cold_plain", "interpreter"),
    "careful_cold": ("careful_cold", "interpreter"),
    "typical_cold": ("typical_cold", "interpreter"),
    "first": ("ingest_first", "bare_first"),
    "careful_first": ("careful_first", "bare_first"),
    "typical_first": ("typical_first", "bare_first"),
    "duplicate": ("ingest_duplicate", "bare_duplicate"),
    "careful_duplicate": ("careful_duplicate", "bare_duplicate"),
    "typical_duplicate": ("typical_duplicate", "bare_duplicate"),
    "forged": ("ingest_forged", "bare_first"),
}
"""Ratio → the row above and the row below the line."""

type Figures = dict[str, Any]


def ratios(rows: Mapping[str, int]) -> dict[str, float]:
    """The ratios of which both rows were counted."""
    return {
        name: round(rows[above] / rows[below], 3)
        for name, (above, below) in RATIOS.items()
        if above in rows and below in rows
    }


def machine() -> dict[str, str]:
    """What the counts depend on apart from the code: they differ with another build of the interpreter."""
    return {
        "python": platform.python_version(),
        "compiler": platform.python_compiler(),
        "architecture": platform.machine(),
    }


def load(file: Path = FILE) -> Figures:
    figures: Figures = json.loads(file.read_text())
    return figures


def save(figures: Figures, file: Path = FILE) -> None:
    file.write_text(json.dumps(_rounded(figures), indent=1, sort_keys=True) + "\n")


def _rounded(value: Any) -> Any:  # noqa: ANN401  whatever JSON can hold
    match value:
        case dict():
            return {name: _rounded(part) for name, part in value.items()}
        case list():
            return [_rounded(part) for part in value]
        case float():
            return int(value) if value.is_integer() else float(f"{value:.4g}")
    return value
