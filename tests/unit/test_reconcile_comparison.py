"""The provider's list of events against the events on record here: what is missing, and what only looks so."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay_api.entries import EventEntry, EventStatus, event_entry
from wickiepay_reconcile.comparison import Comparison, OurEvent, Period, compare

NOW: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY: Final = Period.of(NOW - timedelta(days=1), NOW)
AT: Final = "2026-01-15T10:00:00.000000Z"
LATER: Final = "2026-01-15T10:00:01.000000Z"
YOUNG: Final = "2026-01-15T11:50:00.000000Z"
D, F, P = EventStatus.DELIVERED, EventStatus.FAILED, EventStatus.PENDING


def there(
    id_: str | None, status: EventStatus | None = D, at: str | None = AT, event: str | None = "payment.created"
) -> EventEntry:
    return EventEntry(id_, event, at, "destination", status, 1)


def here(id_: str | None = None, at: str | None = AT, event: str = "payment.created") -> OurEvent:
    return OurEvent(event, at, id_, "PROCESSED", AT)


def compared(theirs: Sequence[EventEntry], ours: Sequence[OurEvent]) -> Comparison:
    return compare(theirs, ours, DAY, NOW)


def ids(entries: Sequence[EventEntry]) -> list[str | None]:
    return [entry.id for entry in entries]


@pytest.mark.parametrize(
    ("theirs", "ours", "missing"),
    [
        ([], [], []),
        ([there("a")], [here()], []),
        ([there("a")], [here("a", at=None)], []),  # the id counts, whatever the time stamp
        ([there("A-1"), there("b", at=LATER)], [here("b", at=AT)], ["A-1"]),
        ([there("a")], [], ["a"]),
        ([there("a")], [here(at=LATER)], ["a"]),
        ([there("a")], [here(event="payment.expired")], ["a"]),
        ([there("a")], [here(at=None)], ["a"]),
        ([there("a")], [here("another kind of id")], []),  # no id of the two lists agrees, so ids say nothing
        ([there("a"), there("b")], [here("b"), here("c")], ["a"]),  # ids agree: c is another event than a
        ([there("a"), there("b")], [here("b"), here()], []),  # what has no id may be any
        ([there("b"), there(None)], [here("b"), here("c")], []),
        ([there("a"), there("a")], [here()], []),  # listed twice
        ([there("a"), there("a", at=LATER)], [here()], []),  # and once with another time
        ([there("a", at="2026-01-14T11:59:59.000000Z")], [], []),  # another day's
        ([there("a", at="2026-01-15T12:00:00.000000Z")], [], []),
        ([there("a", event="odd # name")], [here(event="sha256:" + 64 * "0")], ["a"]),
        ([there("a", None)], [], ["a"]),  # a status that nobody knows
        ([there("a"), there("b")], [here("b"), here("b")], ["a"]),  # delivered twice, with other content
        ([there("a"), there("b")], [here("c"), here("c")], ["a"]),
        ([there("a"), there("b", event="payment.expired")], [here("c"), here("c", event="payment.expired")], []),
    ],
)
def test_what_is_not_on_record_is_missing(
    theirs: Sequence[EventEntry], ours: Sequence[OurEvent], missing: list[str]
) -> None:
    found = compared(theirs, ours)
    assert (ids(found.missing), found.matched) == (missing, found.theirs - len(missing))


@pytest.mark.parametrize(
    ("stamp", "missing"),
    [
        ("2026-01-15T10:00:00Z", 0),
        ("2026-01-15T10:00:00", 0),
        ("2026-01-15T12:00:00.000+02:00", 0),
        ("2026-01-15T10:00:00+02:00", 1),
    ],
)
def test_a_time_stamp_counts_whatever_its_offset(stamp: str, missing: int) -> None:
    listed: Any = {"id": "a", "event": "payment.created", "timestamp": stamp, "status": "DELIVERED"}
    assert len(compared([event_entry(listed)], [here()]).missing) == missing


@pytest.mark.parametrize(
    "listed", [None, "a", {"id": "a"}, {"id": "a", "event": "payment.created", "timestamp": Decimal(5)}, {"event": "x"}]
)
def test_an_entry_that_cannot_be_read_is_counted_as_unknown_and_not_as_missing(listed: object) -> None:
    found = compared([event_entry(listed)], [here()])
    assert (len(found.unreadable), found.unknown, found.missing, found.matched) == (1, 1, [], 0)


def test_an_entry_without_a_time_stamp_is_found_by_its_id() -> None:
    assert compared([there("a", at=None, event=None)], [here("a")]).matched == 1


@pytest.mark.parametrize(
    "entry", [there("a", P), there("a", P, YOUNG), there("a", D, YOUNG), there("a", None, YOUNG)], ids=repr
)
def test_what_may_still_come_is_under_way(entry: EventEntry) -> None:
    found = compared([entry], [])
    assert (found.under_way, found.missing, found.suspects, found.unknown) == ([entry], [], [], 0)


def test_what_is_pending_for_hours_is_missing_and_neither_suspected_nor_unknown() -> None:
    found = compared([there("a", P, "2026-01-15T05:59:59.000000Z"), there("b", P, "2026-01-15T06:00:00.000000Z")], [])
    assert (ids(found.missing), ids(found.under_way), found.suspects, found.unknown) == (["a"], ["b"], [], 0)


def test_what_the_provider_gave_up_is_missing_at_once_and_not_unknown() -> None:
    found = compared([there("a", F, YOUNG)], [])
    assert (ids(found.missing), found.failed, found.unknown) == (["a"], 1, 0)


@pytest.mark.parametrize(
    ("statuses", "recorded", "missing", "suspects", "under_way"),
    [
        ([F, D], 1, ["0"], ["0"], 0),
        ([D, D], 1, ["0"], ["0", "1"], 0),
        ([F, F, D], 2, ["0"], ["0", "1"], 0),
        ([F, D, D], 1, ["0", "1"], ["0", "1", "2"], 0),
        ([P, D], 1, [], [], 1),
        ([P, D, F], 1, ["2"], ["2"], 1),
        ([P, P], 1, [], [], 1),
        ([P, D, D], 1, ["1"], ["1", "2"], 1),
    ],
)
def test_of_those_that_look_the_same_the_likeliest_is_missing_and_all_that_may_be_are_suspected(
    statuses: Sequence[EventStatus], recorded: int, missing: list[str], suspects: list[str], under_way: int
) -> None:
    theirs = [there(str(number), status) for number, status in enumerate(statuses)]
    found = compared(theirs, [here()] * recorded)
    assert (ids(found.missing), ids(found.suspects), len(found.under_way)) == (missing, suspects, under_way)


def test_what_an_operator_dismissed_is_listed_and_not_compared() -> None:
    theirs = [there("a"), there("b", at=LATER), there("c", F, "2026-01-13T10:00:00.000000Z")]
    found = compare(theirs, [here()], DAY, NOW, {"b", "c", "d"})
    assert (found.theirs, found.matched, found.missing, ids(found.dismissed)) == (2, 1, [], ["b"])


def test_what_was_dismissed_takes_the_place_of_no_other_event() -> None:
    assert ids(compare([there("a"), there("b")], [here()], DAY, NOW, {"b"}).missing) == []
    assert ids(compare([there("a"), there("b"), there("c")], [here()], DAY, NOW, {"b"}).missing) == ["a"]


def test_events_on_record_are_counted_by_state_and_by_their_own_time() -> None:
    ours = [here(), here(), OurEvent("payment.created", AT, None, "FAILED", AT), here(at="2026-01-13T10:00:00.000000Z")]
    assert compared([], ours).ours == {"PROCESSED": 2, "FAILED": 1}


# --- Laws ----------------------------------------------------------------------------------------

some_ids = st.none() | st.sampled_from("abcd")
some_names = st.sampled_from(["payment.created", "payment.expired"])
some_times = st.sampled_from([AT, LATER])
entries = st.lists(st.builds(there, some_ids, st.sampled_from([D, F, P, None]), some_times, some_names), max_size=8)
records = st.lists(st.builds(here, some_ids, some_times, some_names), max_size=8)


def without_twins[T: (EventEntry, OurEvent)](listed: Sequence[T]) -> list[T]:
    """Each id once."""
    return [each for n, each in enumerate(listed) if each.id is None or each.id not in {e.id for e in listed[:n]}]


@given(entries, records)
def test_each_is_matched_at_most_once(theirs: list[EventEntry], ours: list[OurEvent]) -> None:
    found = compared(theirs, ours)
    ours_once = [each for n, each in enumerate(ours) if each.id is None or each not in ours[:n]]
    assert 0 <= found.matched <= len(ours_once)
    assert found.theirs == len(without_twins(theirs)) == found.matched + len(found.missing) + len(found.under_way)


@given(entries, records)
def test_matching_is_symmetric(theirs: list[EventEntry], ours: list[OurEvent]) -> None:
    theirs, ours = without_twins(theirs), without_twins(ours)
    turned = compared(
        [there(each.id, at=each.at, event=each.event) for each in ours],
        [here(each.id, each.at, each.event or "") for each in theirs],
    )
    assert compared(theirs, ours).matched == turned.matched


@given(entries, records, st.randoms(use_true_random=False))
def test_the_order_of_the_lists_does_not_matter(
    theirs: list[EventEntry], ours: list[OurEvent], chance: random.Random
) -> None:
    mixed = compared(chance.sample(theirs, len(theirs)), chance.sample(ours, len(ours)))
    assert mixed == compared(theirs, ours)


@given(entries, st.sets(st.integers(0, 7)))
def test_exactly_what_was_taken_away_is_missing_or_under_way(theirs: list[EventEntry], lost: set[int]) -> None:
    listed = without_twins(theirs)
    kept = [here(None, each.at, each.event or "") for number, each in enumerate(listed) if number not in lost]
    found = compared(listed, kept)
    gone = Counter((each.event, each.at) for number, each in enumerate(listed) if number in lost)
    assert len(found.missing) + len(found.under_way) == gone.total()
    assert not Counter((each.event, each.at) for each in found.missing) - gone


# --- Many ----------------------------------------------------------------------------------------

MANY: Final = 100_000
HUNDRED_THOUSAND: Final = f"""
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from wickiepay.clock import instant
from wickiepay_api.entries import event_entry
from wickiepay_reconcile.comparison import OurEvent, Period, compare

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
BEGIN = NOW - timedelta(days=30)

def listed(number):
    return {{
        "id": str(UUID(int=number)),
        "event": ("payment.created", "payment.completed")[number // 7 % 2],
        "timestamp": instant(BEGIN + timedelta(seconds=number // 2)),
        "status": "DELIVERED",
        "attempts": Decimal(1),
    }}

def ours(number):
    each = event_entry(listed(number))
    return OurEvent(each.event, each.at, None, "PROCESSED", each.at)

found = compare(map(event_entry, map(listed, range({MANY}))), [ours(n) for n in range({MANY}) if n % 100],
                Period.of(BEGIN, NOW), NOW)
assert (found.theirs, len(found.missing)) == ({MANY}, {MANY // 100}), found
"""
MEASURE: Final = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
"""A small program that starts it: a child's peak is never below that of its parent."""


@pytest.mark.thorough
def test_a_hundred_thousand_are_compared_in_a_minute_and_150_mb() -> None:
    command = [sys.executable, "-c", MEASURE, HUNDRED_THOUSAND]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, ended.stdout.split())
    print(f"100,000 entries: {seconds:.1f} s of CPU, {megabytes:.0f} MB")
    assert seconds < 60
    assert megabytes < 150
