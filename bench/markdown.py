"""Figures as text, and tables of them."""

from collections.abc import Iterable, Sequence


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]
    return "\n".join(([title, ""] if title else []) + lines) + "\n"


def milliseconds(seconds: float) -> str:
    return number(seconds * 1000)


def millions(count: float) -> str:
    return number(count / 1e6)


def number(value: float) -> str:
    """Three digits of it, or more where it is large."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
