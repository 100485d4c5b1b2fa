"""Reads a list that is cut by offset and limit, and that may change while it is read.

Nothing says whether new entries come first or last. New ones at the end move nothing. New ones at the beginning move
all others down: these are then listed twice, which their ids tell. Entries that leave the list (one is no longer
PENDING, say) move others up, past the reader. So each page begins with the end of the page before, and one that begins
with something else is read again from further up. At last the beginning is read again, since an entry that changed may
have moved there.

Entries without ids cannot be told apart, so their list is read as a whole, again and again, until two passes agree.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from wickiepay_api.errors import ListUnsettled

LIMIT: Final = 100
"""Entries that are asked for at once."""

OVERLAP: Final = 10
"""Entries of the page before that a page begins with."""

MAX_IDLE: Final = 20
"""Pages in a row that may bring nothing new."""

MAX_PASSES: Final = 5
MAX_PAGES: Final = 50_000
"""A list of more pages never ends."""


class Listed(Protocol):
    """An entry of a list."""

    @property
    def key(self) -> object | None:
        """What tells it from all others, or None if nothing does."""

    @property
    def content(self) -> object:
        """What of it does not change."""


type Page[T] = Callable[[int, int], Sequence[T]]
"""The entries from an offset on, at most a limit of them. Fewer do not mean that the list ends there."""


def entries[T: Listed](page: Page[T], limit: int = LIMIT) -> Iterator[T]:
    """Each entry that was in the list all the time, once, in no particular order; those with ids come as they are read.

    Entries that came or left meanwhile may be among them. Raises `ListUnsettled` if the list changes too fast.
    """
    seen: set[object] = set()
    for got in _overlapping(page, limit, seen):
        if any(entry.key is None for entry in got):
            yield from (entry for entry in _settled(page, limit) if entry.key is None or entry.key not in seen)
            return
        for entry in got:
            if entry.key not in seen:
                seen.add(entry.key)
                yield entry


def _overlapping[T: Listed](page: Page[T], limit: int, seen: set[object]) -> Iterator[Sequence[T]]:
    """The pages with something new in them. Between two of them, all entries of the first are put into `seen`."""
    offset = overlap = idle = size = 0
    again = False
    for _ in range(MAX_PAGES):
        got = page(offset, limit)
        size = max(size, len(got))
        if offset == 0:
            overlap = min(OVERLAP, len(got) // 2)  # a provider may give fewer than it is asked for
        is_new = any(entry.key not in seen for entry in got)
        if offset and overlap and not (got and got[0].key in seen):
            idle, offset = idle + 1, max(0, offset - size)
        elif not is_new and (again or len(got) < size or not got):  # shorter than others, a page is the last one
            if again:
                return
            again, offset = True, 0
        else:
            if is_new:
                yield got
            idle, offset = 0 if is_new else idle + 1, offset + max(1, len(got) - overlap)
        if idle > MAX_IDLE:
            break
    raise ListUnsettled(
        "The provider's list changes faster than it can be read, or its pages ignore the offset: "
        "ask for a shorter period, one that is over."
    )


def _settled[T: Listed](page: Page[T], limit: int) -> Sequence[T]:
    """All entries, once two passes in a row agree about them."""
    before: list[object] | None = None
    for _ in range(MAX_PASSES):
        now: list[T] = []
        while (got := page(len(now), limit)) and len(now) < MAX_PAGES * limit:
            now += got
        contents = [entry.content for entry in now]
        if contents == before and not got:
            return now
        before = contents
    raise ListUnsettled(
        f"The provider's list has entries without ids, and was never the same twice in {MAX_PASSES} readings: "
        "ask for a shorter period, one that is over."
    )
