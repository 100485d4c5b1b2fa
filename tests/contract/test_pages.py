"""README and the pages of docs/: their links lead somewhere, and the files that they name exist."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.pages import PAGES, anchors, links, names, prose
from wickiepay_cli.local.stack_file import PROJECT

OF_THE_PROJECT: Final = re.compile(r"(cli|docs|events|functions|layers|requirements|tests|\.github)/[\w./-]+")
INDEX: Final = PROJECT / "docs/README.md"

of_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))


@of_each_page
def test_a_link_leads_somewhere(page: Path) -> None:
    for file, place in links(page):
        assert file.exists(), file
        assert not place or place in anchors(file), f"{file.name}#{place}"


@of_each_page
def test_no_two_headings_have_one_anchor(page: Path) -> None:
    assert len(anchors(page)) == len(set(anchors(page)))


@of_each_page
def test_a_file_that_is_named_exists(page: Path) -> None:
    for name in names(prose(page)):
        if OF_THE_PROJECT.fullmatch(name):
            assert (PROJECT / name).exists(), name
        elif re.fullmatch(r"test_\w+\.py", name):
            assert list((PROJECT / "tests").rglob(name)), name


def test_the_index_leads_to_every_page() -> None:
    assert {file for file, _ in links(INDEX)} >= set(PAGES) - {INDEX, PROJECT / "README.md"}
