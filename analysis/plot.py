"""docs/capacity-storm.png: the queue during the storm, as deployed and prepared for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

from analysis import assumptions
from analysis.scenarios import BEFORE_SECONDS, Run

COLOURS: Final = ("#d62728", "#1f77b4")


def plot_storm(runs: Mapping[str, Run], path: Path) -> None:
    """Draws how many events wait, and the age of the oldest, over minutes since the outage began."""
    with mpl.rc_context({"svg.hashsalt": "", "axes.grid": True, "grid.alpha": 0.3, "font.size": 9}):
        figure = Figure(figsize=(9, 5), layout="constrained")
        waiting, oldest = figure.subplots(2, 1, sharex=True)
        for (label, run), colour in zip(runs.items(), COLOURS, strict=True):
            minutes = [(second.at - BEFORE_SECONDS) / 60 for second in run.outcome.seconds]
            waiting.plot(minutes, [second.waiting for second in run.outcome.seconds], color=colour, label=label)
            oldest.plot(minutes, [second.oldest for second in run.outcome.seconds], color=colour, label=label)
        for axes in (waiting, oldest):
            axes.axvspan(0, assumptions.OUTAGE_SECONDS / 60, color="#888888", alpha=0.2)
            axes.set_ylim(bottom=0)
        waiting.set_ylabel("events in the queue")
        oldest.set_ylabel("age of the oldest, s")
        oldest.set_xlabel("minutes since the outage began (grey: every delivery is answered 503)")
        waiting.legend(loc="upper left")
        figure.savefig(path, dpi=110, metadata={"Software": None})
