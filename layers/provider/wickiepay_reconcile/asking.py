"""Which of the missing events the provider is asked to send again, and when it is asked for none: the brake."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from wickiepay.clock import instant
from wickiepay_api.entries import EventEntry
from wickiepay_reconcile.comparison import Comparison

FEW: Final = 5
"""As many unknown events never hold the brake: of ten events in a day, one may get lost."""

TIMES: Final = 3
"""How often an event is asked for. If it has not come by then, a person has to look."""

PAUSE: Final = timedelta(minutes=45)
"""How long an event that was asked for has to come; an hourly run asks for it again after that."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`unknown_percent` and `unknown` are the most of a period that may be unknown, and `asked` is for one run."""

    unknown_percent: float = 5
    unknown: int = 500
    asked: int = 1000


class Asked(NamedTuple):
    """An event that was asked for: how often, when for the first and the last time, and the event's own time stamp."""

    times: int
    first: str
    last: str
    at: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to `ask` for now, how many a `later` run may ask for, and what is `given_up`: asked for often enough."""

    ask: Sequence[EventEntry]
    later: int
    given_up: Sequence[EventEntry]


def brake(found: Comparison, limits: Limits) -> str | None:
    """Why the two lists do not seem to mean the same, so that nothing may be asked for; None if they do."""
    if found.unknown <= FEW:
        return None
    if found.matched == 0:
        return f"None of {found.theirs} events in the provider's list is on record here."
    if found.unknown > limits.unknown:
        return f"{found.unknown} events in the provider's list are unknown here, which is more than {limits.unknown}."
    if found.unknown * 100 > limits.unknown_percent * found.theirs:
        return (
            f"{found.unknown} of {found.theirs} events in the provider's list are unknown here, "
            f"which is more than {limits.unknown_percent:g} %."
        )
    return None


def plan(suspects: Collection[EventEntry], asked: Mapping[str, Asked], now: datetime, limit: int) -> Plan:
    """What to ask for of `suspects`, at most `limit`, the oldest first. `asked` is by id."""
    recently = instant(now - PAUSE)
    ask, later, given_up = list[EventEntry](), 0, list[EventEntry]()
    for entry in sorted(suspects, key=lambda entry: (entry.at or "", entry.id or "")):
        before = asked.get(entry.id or "")
        if entry.id is None or (before and before.times >= TIMES):
            given_up.append(entry)
        elif (before and before.last > recently) or len(ask) >= limit:
            later += 1
        else:
            ask.append(entry)
    return Plan(ask, later, given_up)


def noted(asked: Mapping[str, Asked], entries: Iterable[EventEntry], now: datetime) -> dict[str, Asked]:
    """What was asked for, with `entries`, which are asked for now."""
    at = instant(now)
    again = {entry.id: entry for entry in entries if entry.id}
    known = {each: asked[each] for each in again if each in asked}
    return {
        **asked,
        **{
            each: Asked(known[each].times + 1, known[each].first, at, known[each].at)
            if each in known
            else Asked(1, at, at, entry.at or "")
            for each, entry in again.items()
        },
    }


def still_awaited(asked: Mapping[str, Asked], found: Comparison) -> dict[str, Asked]:
    """What was asked for and has not come, as far as the comparison can tell: it is of one period alone."""
    absent = {entry.id for entry in (*found.suspects, *found.under_way)}
    return {each: known for each, known in asked.items() if each in absent or not found.period.holds(known.at)}


def missing_since(found: Comparison, asked: Mapping[str, Asked]) -> str | None:
    """Since when the oldest of the missing is known to be missing; for one that was not asked for, when it happened."""
    known = {each: noted.first for each, noted in asked.items()}
    return min((known.get(entry.id or "", entry.at) for entry in found.missing if entry.at), default=None)
