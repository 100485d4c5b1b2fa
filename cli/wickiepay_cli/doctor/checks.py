"""What is stated about the books, and how a statement is tested."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from wickiepay.dynamodb import Item
from wickiepay.identity import Identity

AT_ONCE: Final = 1000
"""Suspects that are held on to before they are looked at."""

NAMED: Final = 1000
"""Of what is wrong, so much is kept to be named; the rest is counted."""

NAMED_TO_PEOPLE: Final = 5

MOMENT_SECONDS: Final = 1.0
"""Between two looks. Well above what an index lags behind its table, and what the consumer needs for its next step."""


@dataclass(frozen=True, slots=True)
class Check:
    """One statement about the books, by its name: whether it holds, and the figures, or what is wrong."""

    name: str
    ok: bool
    detail: str


class Statement(Protocol):
    """Is shown every item of a table, then says whether it holds."""

    def see(self, item: Item) -> None: ...

    def check(self) -> Check: ...


class Suspects[T]:
    """Takes in what looked wrong. `look` says which of some suspects are wrong, by consistent reads of just those.

    Only what is wrong twice, with a `pause` in between, is `wrong`.
    """

    def __init__(self, look: Callable[[Sequence[T]], Sequence[T]], pause: Callable[[], None]) -> None:
        self._look = look
        self._pause = pause
        self._waiting: list[T] = []
        self.count = 0
        self.wrong: list[T] = []
        """The first of them."""

    def add(self, suspect: T) -> None:
        self._waiting.append(suspect)
        if len(self._waiting) == AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Looks at those that wait."""
        wrong: Sequence[T] = self._look(self._waiting) if self._waiting else ()
        self._waiting = []
        if wrong:
            self._pause()
            wrong = self._look(wrong)
        self.count += len(wrong)
        self.wrong += wrong[: NAMED - len(self.wrong)]


def named(things: Iterable[str], count: int) -> str:
    """The first few of `count` things, for a person."""
    first = ", ".join(islice(things, NAMED_TO_PEOPLE))
    return first if count <= NAMED_TO_PEOPLE else f"{first} and {count - NAMED_TO_PEOPLE} more"


def keys(identities: Iterable[Identity]) -> Iterable[str]:
    """Events as a person finds them again."""
    return (f"{identity.event_key} of {identity.uuid}" for identity in identities)
