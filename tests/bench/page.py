"""docs/performance.md, from the figures alone."""

from pathlib import Path
from typing import Final

from figures import Figures

FILE: Final = Path(__file__).parents[2] / "docs/performance.md"


def write(figures: Figures, file: Path = FILE) -> None:
    file.write_text(render(figures))


def render(figures: Figures) -> str:
    return f"# Performance\n\n{figures['machine']}\n"


def number(value: float) -> str:
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
