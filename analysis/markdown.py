"""The pages: a text with facts in braces, filled in and wrapped; tables and numbers as they show them."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

TEXTS: Final = Path(__file__).parent / "text"
GENERATED: Final = (
    "Made by `make bench` (`analysis`) from `bench/figures.json` and `template.yaml`; a test holds them together."
)
ALONE: Final = re.compile(r"\{\w+\}")
"""A block that is a fact and nothing else, such as a table: what is filled in stays as it is."""


def page(name: str, facts: Mapping[str, str]) -> str:
    """The text `name` with each fact filled in. A fact that is missing is a KeyError."""
    blocks = (TEXTS / name).read_text().strip().split("\n\n")
    return "\n\n".join(_filled(block, {"generated": GENERATED, **facts}) for block in blocks) + "\n"


def _filled(block: str, facts: Mapping[str, str]) -> str:
    filled = block.format_map(facts)
    if ALONE.fullmatch(block):
        return filled
    items = re.split(r"\n(?=- )", filled)
    return "\n".join(wrapped(item, "  " if item.startswith("- ") else "") for item in items)


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph in lines of at most 120 characters."""
    words = " ".join(text.split())
    return textwrap.fill(words, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first row is its head."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """Three digits that count, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def usd(value: float) -> str:
    return f"{value:,.2f}"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def size(value: int) -> str:
    return f"{value // 1024} KiB" if value >= 1024 else f"{value} bytes"


def bill(parts: Mapping[str, float]) -> float:
    """The sum of a bill."""
    return sum(parts.values())
