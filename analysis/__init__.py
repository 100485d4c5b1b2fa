"""Cost and capacity on paper: what the benchmark measured and the template says, put together."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from analysis import stack
from analysis.capacity_page import capacity_page
from analysis.cost import Costs
from analysis.cost_page import cost_page
from analysis.figures import Figures
from analysis.plot import plot_storm
from analysis.scenarios import Runs, simulate

COST_PAGE: Final = Path("docs/cost.md")
CAPACITY_PAGE: Final = Path("docs/capacity.md")
STORM_PLOT: Final = Path("docs/capacity-storm.png")


def write_pages(figures: Mapping[str, Any], project: Path) -> None:
    """Writes docs/cost.md, docs/capacity.md and its plot into `project`. `figures` is the content of figures.json."""
    for path, text in pages(figures, project).items():
        (project / path).write_text(text)
    runs = _made(json.dumps(figures), project)[1]
    plot_storm({"as deployed": runs.deployed, "prepared": runs.ready}, project / STORM_PLOT)


def printed(figures: Mapping[str, Any], project: Path) -> str:
    """The pages' text, for a terminal: every figure that they claim."""
    return "\n".join(pages(figures, project).values())


def pages(figures: Mapping[str, Any], project: Path) -> Mapping[Path, str]:
    """What the pages have to say, by their paths in the project. Simulates, once for the same figures."""
    costs, runs = _made(json.dumps(figures), project)
    lean = Costs(stack.read(project, Monitoring="lean"), costs.figures)
    reconciling = Costs(stack.read(project, **stack.RECONCILING), costs.figures)
    return {COST_PAGE: cost_page(costs, lean, reconciling), CAPACITY_PAGE: capacity_page(costs, runs)}


@lru_cache(maxsize=1)
def _made(figures: str, project: Path) -> tuple[Costs, Runs]:
    costs = Costs(stack.read(project), Figures.of(json.loads(figures)))
    return costs, simulate(costs.service)
