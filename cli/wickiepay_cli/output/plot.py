"""Plots for pages to print."""

import io
from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

MOST_NAMES: Final = 12
"""Most days that are named below the plot: more would overlap."""


def by_day(days: Sequence[tuple[str, int, int]]) -> bytes:
    """A PNG of two numbers for each day: events listed there, as bars, and on record here, as points."""
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    axes = figure.subplots()
    names, there, here = zip(*days, strict=True)
    axes.bar(names, there, color="#9db8d2", label="listed by WickiePay")
    axes.plot(names, here, "o", color="#8a1538", markersize=4, label="on record here")
    axes.set_xticks(range(0, len(names), -(-len(names) // MOST_NAMES)))
    axes.tick_params(axis="x", labelrotation=30, labelsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside upper right", ncols=2, fontsize=8, frameon=False)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=150, metadata={"Software": None})
    return png.getvalue()
