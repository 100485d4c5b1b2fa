"""Compares the provider's list of events with the events on record here.

An event is matched by its id if the envelope had one, and otherwise by name and time stamp. Many events share both, so
they are counted: of three there and two here, one is missing. Each entry is matched at most once, and the order of
the lists does not matter.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

from wickiepay.clock import instant
from wickiepay.identity import bounded
from wickiepay_api.entries import EventEntry, EventStatus

GRACE: Final = timedelta(minutes=15)
"""How long an event may be under way: the provider's three tries, and the pauses between them."""

STUCK: Final = timedelta(hours=6)
"""How long an event may be PENDING. After that it is missing, but still not to be asked for."""

CLOCKS: Final = timedelta(hours=1)
"""How far the sender's time stamps may be ahead of our clock."""


def kept_since(now: datetime, kept: timedelta) -> datetime:
    """From when on no event's record has expired, or does while the lists are compared."""
    return now - kept + CLOCKS


class OurEvent(NamedTuple):
    """An event on record. `at` is the sender's time stamp, and `id` the provider's own id of it, if it gave any."""

    event: str
    at: str | None
    id: str | None
    state: str
    received_at: str


class Period(NamedTuple):
    """From `since` to just before `until`, as `wickiepay.clock.instant` writes them."""

    since: str
    until: str

    @classmethod
    def of(cls, since: datetime, until: datetime) -> Self:
        return cls(instant(since), instant(until))

    def holds(self, at: str) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the provider's entries of a period: each of `theirs` is one of the following.

    It is matched, missing, under way or unreadable, or an operator dismissed it, so that it was not compared.

    `ours` is the number of events on record with a time stamp of the period, by state. `missing` are not here.
    `matched_ids` are the ids of the matched entries that have one.
    `suspects` are those that may be: where fewer are here than there, nobody can tell which of the same name and time
    stamp are missing. `unreadable` name no event or no time, and have no id that is on record.
    """

    period: Period
    theirs: int
    ours: Mapping[str, int]
    matched: int
    matched_ids: Collection[str]
    under_way: Sequence[EventEntry]
    missing: Sequence[EventEntry]
    suspects: Sequence[EventEntry]
    unreadable: Sequence[EventEntry]
    dismissed: Sequence[EventEntry]

    @property
    def failed(self) -> int:
        """How many are missing because the provider gave them up, as it says itself."""
        return sum(entry.status is EventStatus.FAILED for entry in self.missing)

    @property
    def unknown(self) -> int:
        """How many are not here although the provider does not say why not, or cannot be looked for."""
        explained = {EventStatus.FAILED, EventStatus.PENDING}
        return sum(entry.status not in explained for entry in self.missing) + len(self.unreadable)


def compare(
    theirs: Iterable[EventEntry],
    ours: Iterable[OurEvent],
    period: Period,
    now: datetime,
    dismissed: Collection[str] = (),
) -> Comparison:
    """Compares the entries of `period` with events on record, of that period or not. `dismissed` are ids."""
    listed = list(_once(entry for entry in theirs if entry.at is None or period.holds(entry.at)))
    entries = [entry for entry in listed if entry.id not in dismissed]
    here = [event for event in ours if event.id is not None or (event.at is not None and period.holds(event.at))]
    young, stuck = instant(now - GRACE), instant(now - STUCK)

    def is_under_way(entry: EventEntry) -> bool:
        oldest = stuck if entry.status is EventStatus.PENDING else young
        return entry.status is not EventStatus.FAILED and (entry.at or "") >= oldest

    left, events_left = _not_matched_by_id(entries, list(_told_once(here)))
    short = _short(left, events_left, ids_agree=len(left) < len(entries))
    groups: defaultdict[_Key, list[EventEntry]] = defaultdict(list)
    for entry in left:
        if (key := _key(entry)) in short:
            groups[key].append(entry)
    missing, suspects, under_way = list[EventEntry](), list[EventEntry](), list[EventEntry]()
    for key, group in groups.items():
        gone, may_be = _suspected(group, short[key], is_under_way)
        missing += [entry for entry in gone if not is_under_way(entry)]
        under_way += filter(is_under_way, gone)
        suspects += may_be
    unreadable = [entry for entry in left if _key(entry) is None]
    others = {entry.id for entry in (*missing, *under_way, *unreadable)}
    return Comparison(
        period=period,
        theirs=len(listed),
        ours=Counter(event.state for event in here if event.at is not None and period.holds(event.at)),
        matched=len(entries) - len(missing) - len(under_way) - len(unreadable),
        matched_ids={entry.id for entry in entries if entry.id and entry.id not in others},
        under_way=sorted(under_way, key=_in_order),
        missing=sorted(missing, key=_in_order),
        suspects=sorted(suspects, key=_in_order),
        unreadable=sorted(unreadable, key=_in_order),
        dismissed=sorted((entry for entry in listed if entry.id in dismissed), key=_in_order),
    )


type _Key = tuple[str, str]


def _once(entries: Iterable[EventEntry]) -> Iterator[EventEntry]:
    """Each id once, however often it is listed; what has none cannot be told apart."""
    by_id: dict[str, EventEntry] = {}
    for entry in entries:
        if entry.id is None:
            yield entry
        elif entry.id not in by_id or _in_order(entry) < _in_order(by_id[entry.id]):
            by_id[entry.id] = entry
    yield from by_id.values()


def _told_once(events: Iterable[OurEvent]) -> Iterator[OurEvent]:
    """Each event once, also if a delivery that contradicts it is kept beside it. What has no id cannot be told apart.

    The id alone does not suffice: some senders name the payment there.
    """
    seen = set[tuple[str | None, ...]]()
    for event in events:
        key = (event.id, event.event, event.at)
        if event.id is None or key not in seen:
            seen.add(key)
            yield event


def _not_matched_by_id(
    entries: Sequence[EventEntry], events: Sequence[OurEvent]
) -> tuple[list[EventEntry], list[OurEvent]]:
    """The entries and the events that are left when those with the same id are taken away."""
    recorded = {event.id for event in events if event.id}
    ids = {entry.id for entry in entries if entry.id in recorded}
    return [entry for entry in entries if entry.id not in ids], [event for event in events if event.id not in ids]


def _short(entries: Collection[EventEntry], events: Collection[OurEvent], *, ids_agree: bool) -> dict[_Key, int]:
    """By name and time stamp, how many entries have no event.

    If ids are known to mean the same, an entry and an event with two ids are two events: at most as many match as there
    are entries and events without an id.
    """
    recorded = Counter((event.event, event.at) for event in events if event.at)
    if ids_agree:
        without_id = Counter((event.event, event.at) for event in events if event.at and event.id is None)
        without_id.update(key for entry in entries if entry.id is None and (key := _key(entry)))
        recorded &= without_id
    return Counter(key for entry in entries if (key := _key(entry))) - recorded


def _suspected(
    group: Sequence[EventEntry], short: int, is_under_way: Callable[[EventEntry], bool]
) -> tuple[Sequence[EventEntry], Sequence[EventEntry]]:
    """Of entries that look the same, the `short` that are most likely not here, and all that may be missing.

    What the provider gave up is likelier not to be here than what it is still sending, and that than what it delivered.
    """

    def likelihood(entry: EventEntry) -> int:
        if entry.status is EventStatus.FAILED:
            return 0
        return 1 if entry.status is EventStatus.PENDING or is_under_way(entry) else 2

    gone = sorted(group, key=lambda entry: (likelihood(entry), _in_order(entry)))[:short]
    likely = {likelihood(entry) for entry in gone} - {1}
    return gone, [entry for entry in group if likelihood(entry) in likely]


def _key(entry: EventEntry) -> _Key | None:
    """The name as a record has it, and the time stamp; None if one of them cannot be read."""
    return (bounded(entry.event), entry.at) if entry.event and entry.at else None


def _in_order(entry: EventEntry) -> tuple[str, ...]:
    return (entry.at or "", entry.event or "", entry.id or "", entry.status or "", entry.destination or "")
