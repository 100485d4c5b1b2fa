"""Lists of the provider are read whole, although they change while they are read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay_api.errors import ListUnsettled
from wickiepay_api.listing import OVERLAP, entries

LIMIT = 30


@dataclass(frozen=True)
class Entry:
    key: int | None
    content: object = None


class Changing:
    """A list that changes after each page that was read of it, for as long as `change` is told to."""

    def __init__(self, length: int, change: Callable[["Changing"], None] = lambda _: None, most: int = LIMIT) -> None:
        self.entries = [Entry(number) for number in range(length)]
        self.all_the_time = set(range(length))
        self.made = length
        self.pages = 0
        self._change = change
        self._most = most

    def page(self, offset: int, limit: int) -> Sequence[Entry]:
        got = self.entries[offset : offset + min(limit, self._most)]
        self.pages += 1
        self._change(self)
        return got

    def add(self, where: int) -> None:
        self.entries.insert(where, Entry(self.made))
        self.made += 1

    def remove(self, where: int) -> None:
        self.all_the_time.discard(self.entries.pop(where).key or 0)

    def move(self, where: int, to: int) -> None:
        self.entries.insert(to, self.entries.pop(where))


def read(changing: Changing) -> list[int | None]:
    return [entry.key for entry in entries(changing.page, LIMIT)]


def at_random(seed: int, at_first: int, at_last: int, leaving: int) -> Callable[[Changing], None]:
    """After each page of the first 40, as many new entries at both ends, and as many that leave from anywhere."""
    random = Random(seed)  # noqa: S311  of a test

    def change(changing: Changing) -> None:
        if changing.pages > 40:
            return
        for _ in range(random.randint(0, at_first)):
            changing.add(0)
        for _ in range(random.randint(0, at_last)):
            changing.add(len(changing.entries))
        for _ in range(random.randint(0, leaving)):
            if changing.entries:
                changing.remove(random.randrange(len(changing.entries)))

    return change


@given(
    length=st.integers(0, 400),
    most=st.integers(2, LIMIT),
    seed=st.integers(0, 2**32),
    at_first=st.integers(0, 12),
    at_last=st.integers(0, 12),
    leaving=st.integers(0, 40),
)
def test_what_was_in_the_list_all_the_time_is_read_once(
    length: int, most: int, seed: int, at_first: int, at_last: int, leaving: int
) -> None:
    change = at_random(seed, min(at_first, most // 4), at_last, min(leaving, 4 * most))  # not faster than it is read
    changing = Changing(length, change, most)

    got = read(changing)

    assert len(got) == len(set(got))
    assert set(got) >= changing.all_the_time


def test_an_entry_that_moves_to_the_beginning_is_read_all_the_same() -> None:
    """As in a list that has what changed last at first."""
    changing = Changing(200, lambda it: it.move(150, 0) if it.pages == 2 else None)

    assert set(read(changing)) == set(range(200))


@pytest.mark.parametrize("length", [0, 1, 2, OVERLAP, LIMIT - 1, LIMIT, LIMIT + 1, 10 * LIMIT])
def test_a_list_that_does_not_change_takes_few_pages(length: int) -> None:
    changing = Changing(length)

    assert read(changing) == list(range(length))
    assert changing.pages <= 3 + length // (LIMIT - OVERLAP)


@pytest.mark.parametrize("length", [LIMIT, 5 * LIMIT])
def test_a_provider_that_ignores_offsets_is_told_from_a_long_list(length: int) -> None:
    changing = Changing(length)

    with pytest.raises(ListUnsettled, match="ignore the offset"):
        list(entries(lambda _, __: changing.page(0, length), LIMIT))
    assert changing.pages < 50


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_api.listing.MAX_PAGES", 30)

    with pytest.raises(ListUnsettled):
        list(entries(lambda offset, limit: [Entry(number) for number in range(offset, offset + limit)], LIMIT))


# --- Entries without ids ------------------------------------------------------------------------------
def without_ids(*contents: str) -> list[Entry]:
    return [Entry(None, content) for content in contents]


def test_entries_that_look_alike_and_have_no_ids_are_all_read() -> None:
    listed = without_ids(*["alike"] * 70, "other")

    assert list(entries(lambda offset, limit: listed[offset : offset + limit], LIMIT)) == listed


def test_a_list_with_and_without_ids_is_read_once_each() -> None:
    listed = [*(Entry(number) for number in range(40)), *without_ids("a", "a")]

    assert list(entries(lambda offset, limit: listed[offset : offset + limit], LIMIT)) == listed


def test_a_list_without_ids_is_read_until_it_stays_the_same() -> None:
    listed = without_ids(*map(str, range(50)))
    pages = 0

    def page(offset: int, limit: int) -> Sequence[Entry]:
        nonlocal pages
        pages += 1
        if pages in {3, 4}:  # within the first passes
            listed.insert(0, Entry(None, f"new {pages}"))
        return listed[offset : offset + limit]

    assert list(entries(page, LIMIT)) == listed


@pytest.mark.parametrize("grows", [True, False], ids=["it grows", "it never ends"])
def test_a_list_without_ids_that_does_not_settle_is_given_up(monkeypatch: pytest.MonkeyPatch, *, grows: bool) -> None:
    monkeypatch.setattr("wickiepay_api.listing.MAX_PAGES", 5)
    listed = without_ids(*map(str, range(20)))

    def page(offset: int, limit: int) -> Sequence[Entry]:
        if grows:
            listed.append(Entry(None, len(listed)))
            return listed[offset : offset + limit]
        return without_ids(*map(str, range(offset, offset + limit)))

    with pytest.raises(ListUnsettled, match="without ids"):
        list(entries(page, LIMIT))
