"""The project's documents, taken apart: their commands, headings and links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wickiepay_cli.project import PROJECT

PAGES: Final = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
OURS: Final = frozenset({"wickiepay", ".venv/bin/wickiepay"})

_FENCED: Final = re.compile(r"^( *)```(\w*).*?\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_HEADING: Final = re.compile(r"^(#+) (.*)$", re.MULTILINE)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")

type Command = list[str]


def commands(page: Path) -> list[Command]:
    """The lines of the shell blocks of a page, as words."""
    blocks = [block for _, language, block in _FENCED.findall(page.read_text()) if language == "sh"]
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line.strip()]


def of_all_pages(*programs: str) -> list[Command]:
    """The commands of all pages that run one of `programs`, in their order."""
    return [command for page in PAGES for command in commands(page) if command[0] in programs]


def in_the_text(*programs: str) -> list[Command]:
    """The commands that the text of a page names in passing."""
    spans = [span for page in PAGES for span in _CODE.findall(prose(page))]
    return [shlex.split(span) for span in spans if span.split()[0] in programs and " " in span]


def prose(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return _FENCED.sub("", page.read_text())


def section(page: Path, title: str) -> str:
    """The text under a heading, including the headings below it."""
    text = page.read_text()
    level, begin = next((len(h[1]), h.end()) for h in _HEADING.finditer(text) if h[2] == title)
    later = (h.start() for h in _HEADING.finditer(text, begin) if len(h[1]) <= level and not _in_a_block(text, h))
    return text[begin : next(later, len(text))]


def subsections(page: Path, title: str) -> dict[str, str]:
    """The sections right below that of a title, each by its own title."""
    parts = re.split(r"^### (.*)\n", section(page, title), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchors(page: Path) -> list[str]:
    """The anchors of a page."""
    return [anchor(title) for _, title in _HEADING.findall(prose(page))]


def anchor(title: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The links of a page into the project: each a file, and the anchor in it or nothing."""
    for name, place in links_in(prose(page)):
        yield (page.parent / name).resolve() if name else page, place


def links_in(text: str) -> list[tuple[str, str]]:
    """The links of a text into the project: each a relative path or nothing, and an anchor or nothing."""
    found = [link.partition("#") for link in _LINK.findall(text) if "://" not in link]
    return [(name, place) for name, _, place in found]


def names(text: str) -> set[str]:
    """The names and other code that a text sets in backticks."""
    return set(_CODE.findall(text))


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [n for n, line in enumerate(lines) if set(line) <= set("|- ")]
    return [row for n, row in enumerate(cells) if n not in rules and n + 1 not in rules]


def _in_a_block(text: str, found: re.Match[str]) -> bool:
    return any(block.start() < found.start() < block.end() for block in _FENCED.finditer(text))
