"""What the provider is asked to send again: bounded, never without end, and nothing if the lists mean other things."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from wickiepay.clock import instant
from wickiepay_api.entries import EventEntry, EventStatus
from wickiepay_reconcile.asking import (
    FEW,
    PAUSE,
    TIMES,
    Asked,
    Limits,
    brake,
    missing_since,
    noted,
    plan,
    still_awaited,
)
from wickiepay_reconcile.comparison import OurEvent, Period, compare

NOW: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
LIMITS: Final = Limits()
DAY: Final = Period.of(NOW - timedelta(days=1), NOW)


def lost(number: int, status: EventStatus = EventStatus.DELIVERED) -> EventEntry:
    return EventEntry(
        f"lost-{number}", "payment.created", f"2026-01-15T10:00:{number % 60:02}.000000Z", None, status, 1
    )


def known(number: int) -> EventEntry:
    return EventEntry(f"{number}", "payment.expired", "2026-01-15T09:00:00.000000Z", None, EventStatus.DELIVERED, 1)


def braked(unknown: int, matched: int, failed: int = 0, limits: Limits = LIMITS) -> str | None:
    theirs = [
        *map(lost, range(unknown)),
        *(lost(1000 + number, EventStatus.FAILED) for number in range(failed)),
        *map(known, range(matched)),
    ]
    ours = [OurEvent("payment.expired", "2026-01-15T09:00:00.000000Z", None, "PROCESSED", AT)] * matched
    return brake(compare(theirs, ours, DAY, NOW), limits)


@pytest.mark.parametrize(
    ("unknown", "matched", "failed"),
    [(0, 0, 0), (1, 0, 0), (FEW, 0, 0), (FEW, 1, 0), (6, 114, 0), (0, 1, 500), (0, 0, 500), (500, 10_000, 0)],
)
def test_a_few_and_those_that_the_provider_gave_up_do_not_hold_the_brake(
    unknown: int, matched: int, failed: int
) -> None:
    assert braked(unknown, matched, failed) is None


@pytest.mark.parametrize(
    ("unknown", "matched", "limits", "why"),
    [
        (6, 0, Limits(unknown_percent=100), "None of 6 events"),
        (6, 113, LIMITS, "6 of 119 events in the provider's list are unknown here, which is more than 5 %."),
        (6, 20, Limits(unknown_percent=23), "more than 23 %"),
        (501, 10_000, LIMITS, "501 events in the provider's list are unknown here, which is more than 500."),
    ],
)
def test_if_too_many_are_unknown_nothing_is_asked_for(unknown: int, matched: int, limits: Limits, why: str) -> None:
    assert why in (braked(unknown, matched, limits=limits) or "")


def test_entries_that_cannot_be_read_count_as_unknown() -> None:
    flawed = [EventEntry(None, None, None, None, None, None)] * (FEW + 1)
    assert brake(compare(flawed, [], DAY, NOW), LIMITS)


def ago(span: timedelta) -> str:
    return instant(NOW - span)


A_WHILE: Final = timedelta(days=1)
AT: Final = "2026-01-15T10:00:01.000000Z"


@pytest.mark.parametrize(
    ("asked", "ask", "later", "given_up"),
    [
        ({}, ["lost-1"], 0, []),
        ({"lost-1": Asked(1, ago(A_WHILE), ago(PAUSE), AT)}, ["lost-1"], 0, []),
        ({"lost-1": Asked(1, ago(A_WHILE), ago(timedelta(minutes=44)), AT)}, [], 1, []),  # never twice in a row
        ({"lost-1": Asked(TIMES - 1, ago(A_WHILE), ago(A_WHILE), AT)}, ["lost-1"], 0, []),
        ({"lost-1": Asked(TIMES, ago(A_WHILE), ago(A_WHILE), AT)}, [], 0, ["lost-1"]),  # no loop of replay and failure
        ({"another": Asked(TIMES, ago(A_WHILE), ago(A_WHILE), AT)}, ["lost-1"], 0, []),
    ],
)
def test_an_event_is_asked_for_at_times_and_not_for_ever(
    asked: dict[str, Asked], ask: list[str], later: int, given_up: list[str]
) -> None:
    made = plan([lost(1)], asked, NOW, 10)
    assert ([each.id for each in made.ask], made.later, [each.id for each in made.given_up]) == (ask, later, given_up)


def test_a_run_asks_for_so_many_and_begins_with_the_oldest() -> None:
    oldest = replace(lost(1), id="z")
    made = plan([lost(3), replace(lost(2), id="b"), replace(lost(2), id="a"), oldest], {}, NOW, 3)
    assert ([each.id for each in made.ask], made.later) == (["z", "a", "b"], 1)


def test_an_event_without_an_id_cannot_be_asked_for() -> None:
    nameless = EventEntry(None, "payment.created", "2026-01-15T10:00:00.000000Z", None, EventStatus.FAILED, 3)
    assert plan([nameless], {}, NOW, 10).given_up == [nameless]


def test_what_is_asked_for_again_is_counted_and_keeps_the_time_of_the_first() -> None:
    later = NOW + timedelta(hours=1)
    once = noted({}, [lost(1), lost(2)], NOW)
    assert once == {
        f"lost-{n}": Asked(1, instant(NOW), instant(NOW), lost(n).at or "", lost(n).event or "") for n in (1, 2)
    }
    assert noted(once, [lost(1)], later)["lost-1"] == once["lost-1"]._replace(times=2, last=instant(later))


def test_what_has_come_is_not_awaited_and_what_is_under_way_or_of_another_period_is() -> None:
    asked = noted({}, map(lost, range(1, 4)), NOW)
    other = {"old": Asked(1, ago(A_WHILE), ago(A_WHILE), "2026-01-01T00:00:00.000000Z")}
    theirs = [lost(1), lost(2, EventStatus.PENDING), lost(3)]
    found = compare(theirs, [OurEvent("payment.created", lost(3).at, None, "PROCESSED", AT)], DAY, NOW)
    assert still_awaited(asked | other, found).keys() == {"lost-1", "lost-2", "old"}


@dataclass
class Relisting:
    """A provider that lists each replay as another event, `seconds` later and in a state that a test says."""

    status: EventStatus
    seconds: int
    listed: list[EventEntry]
    asked: int = 0

    def replay(self, entry: EventEntry) -> None:
        self.asked += 1
        again = datetime.fromisoformat(entry.at or "") + timedelta(seconds=self.seconds)
        self.listed[self.listed.index(entry)] = replace(entry, status=EventStatus.DELIVERED)
        self.listed.append(replace(entry, id=f"{self.asked}", at=instant(again), status=self.status))

    def hours(self, number: int, ours: list[OurEvent]) -> None:
        """Has the provider asked each hour for what is missing then."""
        asked: dict[str, Asked] = {}
        for now in (NOW + timedelta(hours=hour) for hour in range(number)):
            found = compare(self.listed, ours, DAY, now)
            asked = still_awaited(asked, found)
            wanted = plan(found.suspects, asked, now, LIMITS.asked).ask
            for entry in wanted:
                asked = noted(asked, [entry], now)  # as in batches
                self.replay(entry)


@pytest.mark.parametrize("status", [EventStatus.DELIVERED, EventStatus.FAILED])
@pytest.mark.parametrize("here", [0, 1], ids=["never comes", "came once"])
@pytest.mark.parametrize("lost_", [1, 3])
def test_a_replay_that_is_listed_as_another_event_is_not_asked_for_without_end(
    status: EventStatus, here: int, lost_: int
) -> None:
    listed = [replace(lost(1), id=f"lost-{number}", status=EventStatus.FAILED) for number in range(lost_)]
    provider = Relisting(status, 0, listed)
    ours = [OurEvent("payment.created", lost(1).at, None, "PROCESSED", AT)] * here
    if here:
        provider.listed.append(replace(lost(1), id="came"))
    provider.hours(8, ours)
    assert 0 < provider.asked <= (lost_ + here) * (1 + 2 + 4)  # three rounds, each of which may list as many again


def test_what_looks_the_same_is_asked_for_three_times_each_also_in_batches() -> None:
    same = [replace(lost(1), id=f"lost-{number}") for number in range(3)]
    asked: dict[str, Asked] = {}
    for number in range(TIMES):
        now = NOW + timedelta(hours=number)
        assert plan(same, asked, now, 10).ask == same
        asked = noted(noted(asked, same[:2], now), same[2:], now + timedelta(minutes=10))
    assert plan(same, asked, NOW + A_WHILE, 10).given_up == same


def test_an_entry_whose_time_stamp_changes_is_not_asked_for_as_if_it_were_new() -> None:
    asked = {"lost-1": Asked(TIMES, ago(A_WHILE), ago(A_WHILE), "2026-01-15T09:00:00.000000Z", "payment.created")}
    found = compare([lost(1)], [], DAY, NOW)
    awaited = still_awaited(asked, found)
    assert (awaited["lost-1"].at, plan(found.suspects, awaited, NOW, 10).given_up) == (lost(1).at, [lost(1)])


def test_an_event_is_missing_since_it_was_asked_for_or_otherwise_since_it_happened() -> None:
    found = compare([lost(1), lost(2)], [], DAY, NOW)
    asked = noted({}, [lost(1)], NOW - timedelta(hours=3))
    assert missing_since(found, asked) == ago(timedelta(hours=3))
    assert missing_since(found, {}) == lost(1).at
    assert missing_since(compare([], [], DAY, NOW), {}) is None
