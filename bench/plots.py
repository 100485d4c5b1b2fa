"""The plots of docs/performance.md, from the figures alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.figures import Figures

FOLDER: Final = Path(__file__).parents[1] / "docs"
MILLION: Final = 1e6
UNTOLD: Final = {"Software": None}
"""Otherwise the file would contain the version of the library that drew it."""

mpl.use("agg")


def draw(figures: Figures, folder: Path = FOLDER) -> None:
    shares = figures["attribution"]
    _stacked(shares["cold"], "Cold: import, clients, first delivery, over TLS", folder / "performance-cold.png")
    _stacked(shares["warm"], "Warm: a first delivery, over TLS", folder / "performance-warm.png")
    _growth(figures["growth"], folder / "performance-growth.png")


def _stacked(shares: Mapping[str, Mapping[str, int]], title: str, file: Path) -> None:
    """A bar for each function, cut into what its instructions were for; the largest part of all comes first."""
    sums = {label: sum(each.get(label, 0) for each in shares.values()) for each in shares.values() for label in each}
    functions = list(shares)[::-1]
    figure, axes = plt.subplots(figsize=(10, 1.4 + 0.6 * len(functions)), layout="constrained")
    left = [0.0] * len(functions)
    colours = mpl.colormaps["tab20"].colors  # type: ignore[attr-defined]  # a list of colours has them
    for colour, label in zip(colours, sorted(sums, key=lambda name: -sums[name]), strict=False):
        widths = [shares[function].get(label, 0) / MILLION for function in functions]
        axes.barh(functions, widths, left=left, color=colour, label=label)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for position, total in enumerate(left):
        axes.text(total, position, f" {total:,.0f}" if total > 100 else f" {total:.1f}", va="center")
    axes.set(title=title, xlabel="million instructions", xlim=(0, max(left) * 1.08))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small", frameon=False)
    _save(figure, file)


def _growth(growth: Mapping[str, Sequence[Mapping[str, float]]], file: Path) -> None:
    figure, (stored, of_one, body) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for kind, label in (("first", "first"), ("duplicate", "duplicate"), ("consumer_event", "consumer")):
        _line(stored, growth["stored"], "events", kind, label)
    _line(of_one, growth["of_one_payment"], "events", "first", "first")
    for kind, label in (("first", "first"), ("consumer_event", "consumer")):
        _line(body, [{**point, "KiB": point["bytes"] / 1024} for point in growth["body"]], "KiB", kind, label)
    stored.set(title="events on record", xscale="log")
    of_one.set(title="events of one payment", xscale="log")
    body.set(title="KiB of body")
    for axes in (stored, of_one, body):
        axes.set(ylabel="million instructions", ylim=(0, axes.dataLim.y1 * 1.1))
        axes.legend(fontsize="small", frameon=False)
    _save(figure, file)


def _line(axes: Any, points: Sequence[Mapping[str, float]], across: str, up: str, label: str) -> None:  # noqa: ANN401
    axes.plot([p[across] for p in points], [p[up] / MILLION for p in points], marker="o", label=label)


def _save(figure: Any, file: Path) -> None:  # noqa: ANN401
    figure.savefig(file, dpi=110, metadata=UNTOLD)
    plt.close(figure)
