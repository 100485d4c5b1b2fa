"""Which of the missing events the provider is asked to send again, and when it is asked for none: the brake."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from wickiepay.clock import instant
from wickiepay.identity import bounded
from wickiepay_api.entries import EventEntry
from wickiepay_reconcile.comparison import Comparison

FEW: Final = 5
"""As many unknown events never hold the brake: of ten events in a day, one may get lost."""

TIMES: Final = 3
"""How often an event is asked for. If it has not come by then, a person has to look."""

PAUSE: Final = timedelta(minutes=45)
"""How long an event that was asked for has to come; an hourly run asks for it again after that."""

MAX_ASKED: Final = 2000
"""Events that may be awaited at the same time: an item of the table holds 400 KB."""

NEVER: Final = 0, ""
"""How often, and when for the last time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`unknown_percent` and `unknown` are the most of a period that may be unknown, and `asked` is for one run."""

    unknown_percent: float = 5
    unknown: int = 500
    asked: int = 1000


class Asked(NamedTuple):
    """An event that was asked for: how often, when for the first and the last time, its time stamp and its name.

    `times` counts the runs that asked for any event with this name and time stamp: a replay may be listed as another.
    """

    times: int
    first: str
    last: str
    at: str
    event: str = ""


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


def empty_list(found: Comparison, few: int = FEW) -> str | None:
    """Why the provider's list seems to be that of another destination; None if it is not empty, or few are here.

    Of an older day it may be empty because the provider keeps no more.
    """
    here = sum(found.ours.values())
    if found.theirs or here <= few:
        return None
    return f"The provider lists no event, and the stack has {here} on record: is it the right destination?"


def plan(suspects: Collection[EventEntry], asked: Mapping[str, Asked], now: datetime, limit: int) -> Plan:
    """What to ask for of `suspects`, at most `limit`, the oldest first. `asked` is by id.

    If no more can be awaited, only what is awaited already is asked for.
    """
    recently = instant(now - PAUSE)
    before = _before(asked)
    ask, later, given_up = list[EventEntry](), 0, list[EventEntry]()
    room = MAX_ASKED - len(asked)
    for entry in sorted(suspects, key=lambda entry: (entry.at or "", entry.id or "")):
        times, last = before(entry)
        if entry.id is None or times >= TIMES:
            given_up.append(entry)
        elif last > recently or len(ask) >= limit or (entry.id not in asked and room <= 0):
            later += 1
        else:
            ask.append(entry)
            room -= entry.id not in asked
    return Plan(ask, later, given_up)


def noted(asked: Mapping[str, Asked], entries: Iterable[EventEntry], now: datetime) -> dict[str, Asked]:
    """What was asked for, with `entries`, which are asked for now."""
    at, recently = instant(now), instant(now - PAUSE)
    before = _before({each: known for each, known in asked.items() if known.last <= recently})  # not by this same run
    new = {
        entry.id: Asked(
            before(entry)[0] + 1, asked[entry.id].first if entry.id in asked else at, at, *_time_and_name(entry)
        )
        for entry in entries
        if entry.id
    }
    return {**asked, **new}


def still_awaited(asked: Mapping[str, Asked], found: Comparison) -> dict[str, Asked]:
    """What was asked for and has not come: all but what the comparison matched, which is of one period alone.

    What looks like an event that has not come is kept as well: otherwise, a replay that is listed as another event
    would be asked for as often again, and so would the next.
    """
    absent = {entry.id: _time_and_name(entry) for entry in (*found.suspects, *found.under_way)}
    looks = set(absent.values())
    return {
        each: known._replace(at=at, event=name)
        for each, known in asked.items()
        for at, name in [absent.get(each, (known.at, known.event))]
        if (at, name) in looks or each not in found.matched_ids
    }


def missing_since(found: Comparison, asked: Mapping[str, Asked]) -> str | None:
    """Since when the oldest of the missing is known to be missing; for one that was not asked for, when it happened."""
    known = {each: noted.first for each, noted in asked.items()}
    return min((known.get(entry.id or "", entry.at) for entry in found.missing if entry.at), default=None)


def _before(asked: Mapping[str, Asked]) -> Callable[[EventEntry], tuple[int, str]]:
    """Says how often an entry was asked for, itself or one with its name and time stamp, and when for the last time."""
    known: dict[object, tuple[int, str]] = {}
    for id_, each in asked.items():
        for key in (id_, (each.at, each.event)):
            times, last = known.get(key, NEVER)
            known[key] = max(times, each.times), max(last, each.last)

    def before(entry: EventEntry) -> tuple[int, str]:
        (times, last), (of_others, last_of_others) = (
            known.get(key, NEVER) for key in (entry.id, _time_and_name(entry))
        )
        return max(times, of_others), max(last, last_of_others)

    return before


def _time_and_name(entry: EventEntry) -> tuple[str, str]:
    """What an entry and the records of its event have in common. One that is missing has both."""
    return entry.at or "", bounded(entry.event or "")
