"""Checks of the books, and how a suspected fault is confirmed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from wickiepay.identity import Identity

AT_ONCE: Final = 1000
"""Most suspects that are collected before they are looked at."""

NAMED: Final = 1000
"""How many faulty items are named; the rest are only counted."""

NAMED_TO_PEOPLE: Final = 5

MOMENT_SECONDS: Final = 1.0
"""Pause between two looks: well above an index's lag and the time that the consumer needs for its next step."""


STATEMENTS: Final = {
    "events_counted": "events = processed + ignored + failed + received",
    "credits_have_events": "every credit has its event",
    "events_have_credits": "every event that has credited has its credit",
    "credited_once": "no event has credited twice",
    "balances_add_up": "every balance is the sum of its entries",
    "no_orphans": "every event that is still RECEIVED is in a queue",
    "sent_in_time": "no event has been unsent for ten minutes",
}
"""The checks, in a person's words."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: its name, whether it holds, and the figures or what is wrong."""

    name: str
    ok: bool
    detail: str


class Suspects[T]:
    """Collects what looked wrong. `look` returns the suspects that are wrong, by consistent reads of just those.

    Only what is wrong twice, with a `pause` in between, counts as `wrong`.
    """

    def __init__(self, look: Callable[[Sequence[T]], Sequence[T]], pause: Callable[[], None]) -> None:
        self._look = look
        self._pause = pause
        self._waiting: list[T] = []
        self.count = 0
        self.wrong: list[T] = []
        """The first faulty items, which are named."""

    def add(self, suspect: T) -> None:
        self._waiting.append(suspect)
        if len(self._waiting) == AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Looks at the waiting suspects."""
        wrong: Sequence[T] = self._look(self._waiting) if self._waiting else ()
        self._waiting = []
        if wrong:
            self._pause()
            wrong = self._look(wrong)
        self.count += len(wrong)
        self.wrong += wrong[: NAMED - len(self.wrong)]


def named(things: Iterable[str], count: int) -> str:
    """The first few of `count` things, as text for a person."""
    first = ", ".join(islice(things, NAMED_TO_PEOPLE))
    return first if count <= NAMED_TO_PEOPLE else f"{first} and {count - NAMED_TO_PEOPLE} more"


def decided(name: str, suspects: Suspects[Identity], holds: str, fault: str) -> Check:
    """The check `name` once all its suspects are looked at, told by what `holds`, or by the `fault` and its events."""
    suspects.settle()
    wrong = suspects.count
    return Check(name, not wrong, f"{fault} {named(keys(suspects.wrong), wrong)}" if wrong else holds)


def keys(identities: Iterable[Identity]) -> Iterable[str]:
    """Events as text by which a person can find them."""
    return (f"{identity.event_key} of {identity.uuid}" for identity in identities)
