"""`wickiepay stats` counts events and says how long they took."""

import json
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command_line import run, run_json
from tests.support.operator_stack import CONFIRMED, OperatorStack
from wickiepay.clock import instant
from wickiepay.delivery import Delivery
from wickiepay.event_record import Record, State
from wickiepay_cli.commands.stats import _short
from wickiepay_cli.output import tables
from wickiepay_cli.store.statistics import Durations, Span, fitting_span, statistics

pytest_plugins = ["tests.support.operator_fixture"]

COMPLETED: Final = "payment.completed"
KEEP: Final = timedelta(days=30)


def processed(operator: OperatorStack, uuid: str, event: str = COMPLETED, *, age: timedelta, after: timedelta) -> None:
    """An event that was received so long ago, and processed after so long a time."""
    identity = operator.receive(uuid, event, age=age)
    assert operator.events.mark_processed(identity, operator.now - age + after, KEEP, [])


@pytest.fixture
def busy(operator: OperatorStack) -> OperatorStack:
    """A stack with one of everything."""
    hour = timedelta(hours=1)
    processed(operator, "u-1", age=hour, after=timedelta(seconds=0.25))
    processed(operator, "u-2", age=2 * hour, after=timedelta(seconds=4))
    processed(operator, "u-3", "deposit.status_change", age=3 * hour, after=timedelta(hours=2.5))
    operator.events.mark_failed(operator.receive("u-4", COMPLETED, age=hour), operator.now, "No account.")
    operator.events.mark_ignored(operator.receive("u-5", "refund.created", age=hour), operator.now, KEEP)
    operator.receive("u-6", COMPLETED, age=timedelta())
    operator.receive("u-6", COMPLETED, age=timedelta(), note="other content")
    delivery = Delivery(b"[]", "raw", instant(operator.now), "192.0.2.1", "request")
    operator.events.keep_unusable(delivery, delivery.body_hash, "No object.")
    processed(operator, "u-7", age=timedelta(days=3), after=timedelta(seconds=1))
    return operator


# --- What is counted ---------------------------------------------------------------------------------
@pytest.mark.usefixtures("busy")
def test_every_outcome_is_counted() -> None:
    answer = run_json("stats")
    assert answer["deliveries"] == 8
    assert answer["outcomes"] == {
        "RECEIVED": 1,
        "PROCESSED": 3,
        "FAILED": 1,
        "IGNORED": 1,
        "CONFLICT": 1,
        "UNUSABLE": 1,
    }


@pytest.mark.usefixtures("busy")
def test_every_type_is_counted_the_most_frequent_first() -> None:
    types = run_json("stats")["types"]
    assert [(each["type"], each["deliveries"]) for each in types] == [
        (COMPLETED, 5),
        (None, 1),
        ("deposit.status_change", 1),
        ("refund.created", 1),
    ]
    assert types[0]["outcomes"] == {"RECEIVED": 1, "PROCESSED": 2, "FAILED": 1, "CONFLICT": 1}


@pytest.mark.usefixtures("busy")
def test_every_hour_is_counted_the_empty_ones_too() -> None:
    times = run_json("stats")["times"]
    counts = {each["from"]: each["deliveries"] for each in times if each["deliveries"]}
    assert (len(times), counts) == (
        25,
        {
            "2026-01-15T07:00:00.000000Z": 1,
            "2026-01-15T08:00:00.000000Z": 1,
            "2026-01-15T09:00:00.000000Z": 3,
            "2026-01-15T10:00:00.000000Z": 3,
        },
    )


@pytest.mark.usefixtures("busy")
def test_what_was_processed_is_timed_and_nothing_else() -> None:
    types = {each["type"]: each["latency_seconds"] for each in run_json("stats")["types"]}
    assert (types["refund.created"], types[None]) == (None, None)
    assert types["deposit.status_change"] == pytest.approx(
        {"p50": 9000, "p95": 9000, "p99": 9000, "max": 9000}, rel=0.03
    )
    assert types[COMPLETED] == pytest.approx({"p50": 0.25, "p95": 4, "p99": 4, "max": 4}, rel=0.011)


def test_an_accepted_conflict_is_timed_from_its_acceptance(operator: OperatorStack) -> None:
    for note in ("first", "second"):
        operator.receive(age=timedelta(hours=5), note=note)
    run("events", "accept", "c-1")
    operator.consume()
    assert run_json("stats")["latency_seconds"]["max"] == 0


def test_the_chart_begins_with_the_first_event_and_ends_with_the_last(operator: OperatorStack) -> None:
    for hours in (5, 3):
        operator.receive(f"u-{hours}", age=timedelta(hours=hours))
    shown = run("stats").stdout.splitlines()
    assert [line.split()[1] for line in shown if line.split()[:1] == ["2026-01-15"]] == ["05:00", "06:00", "07:00"]


@pytest.mark.usefixtures("operator")
def test_nothing_is_counted_as_such() -> None:
    answer = run_json("stats")
    assert (answer["deliveries"], answer["outcomes"], answer["latency_seconds"], answer["types"]) == (0, {}, None, [])
    assert run("stats").stdout == (
        "listener at 2026-01-15 10:25:01 UTC, deliveries from 2026-01-14 10:25:01 to 2026-01-15 10:25:01\n"
        "0 deliveries on record.\n"
    )


# --- The same as the doctor --------------------------------------------------------------------------
@pytest.mark.usefixtures("busy")
def test_the_doctor_counts_the_same_under_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    ours, doctors = run_json("stats", "--since", "30d"), json.loads(run("doctor", "--json").stdout)
    same = {name: ours[name] for name in ("deliveries", "being_retried")}
    outcomes = {state.lower(): count for state, count in ours["outcomes"].items()}
    outcomes["conflicts"] = outcomes.pop("conflict")
    counted = {**doctors["counts"], "being_retried": doctors["counts"].get("being-retried", 0)}
    assert {**same, **outcomes} == {name: counted[name] for name in {**same, **outcomes}}
    assert [ours[name] for name in ("stack", "at", "since")] == [doctors[name] for name in ("stack", "at", "since")]


# --- What is being retried ---------------------------------------------------------------------------
def test_what_is_being_retried_is_named_with_its_tries_the_next_one_and_the_last_error(operator: OperatorStack) -> None:
    for number in range(7):
        identity = operator.receive(f"r-{number}", age=timedelta(minutes=number))
        operator.events.note_retry(identity, 3, "ValueError: No.", operator.now)
    answer = run_json("stats")
    first = {"uuid": "r-0", "event_key": CONFIRMED, "tries": 3, "last_error": "ValueError: No."}
    assert answer["retried"][0] == {**first, "next_try_at": instant(operator.now)}
    assert (answer["being_retried"], len(answer["retried"])) == (7, 5)
    trouble = "tried 3 times, next at 10:25:01 UTC: ValueError: No."
    shown = run("stats").stdout
    assert (shown.count(trouble), "2 more are being retried." in shown) == (5, True)
    assert run("doctor").stdout.count(f"({trouble})") == 5


# --- Of what -----------------------------------------------------------------------------------------
@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ((), 8),
        (("--since", "7d"), 9),
        (("--since", "2026-01-15T09:00"), 6),
        (("--until", "2026-01-15T09:00"), 2),
        (("--since", "7d", "--until", "2d"), 1),
        (("--type", "payment.*"), 5),
        (("--type", "payment"), 0),
    ],
)
def test_a_period_or_a_type_alone_can_be_counted(arguments: tuple[str, ...], received: int) -> None:
    assert run_json("stats", *arguments)["deliveries"] == received


def test_an_event_stamped_by_a_clock_that_is_ahead_is_counted(operator: OperatorStack) -> None:
    operator.receive(age=timedelta(minutes=-50))
    answer = run_json("stats")
    assert (answer["deliveries"], answer["times"][-1]["from"]) == (1, "2026-01-15T11:00:00.000000Z")


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("arguments", "by", "first", "last", "count"),
    [
        ((), "hour", "2026-01-14T10:00", "2026-01-15T10:00", 25),
        (("--since", "2d"), "hour", "2026-01-13T10:00", "2026-01-15T10:00", 49),
        (("--since", "3d"), "day", "2026-01-12T00:00", "2026-01-15T00:00", 4),
        (("--since", "3d", "--by", "hour"), "hour", "2026-01-12T10:00", "2026-01-15T10:00", 73),
        (("--by", "day"), "day", "2026-01-14T00:00", "2026-01-15T00:00", 2),
        (("--since", "2025-10-31"), "month", "2025-10-01T00:00", "2026-01-01T00:00", 4),
    ],
)
def test_the_period_is_cut_into_hours_days_or_months(
    arguments: tuple[str, ...], by: str, first: str, last: str, count: int
) -> None:
    answer = run_json("stats", *arguments)
    times = [each["from"] for each in answer["times"]]
    assert (answer["by"], times[0][:16], times[-1][:16], len(times)) == (by, first, last, count)
    assert sum(each["deliveries"] for each in answer["times"]) == answer["deliveries"]


@pytest.mark.parametrize("arguments", [("--since", "tomorrow"), ("--by", "week"), ("--until", "soon")])
def test_nonsense_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run("stats", *arguments).exit_code == 2


# --- How it is summed up -----------------------------------------------------------------------------
@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=200))
def test_a_quantile_is_right_to_one_per_cent(seconds: list[float]) -> None:
    durations = Durations()
    for each in seconds:
        durations.add(each)
    latency = durations.latency()
    assert latency
    ordered = sorted(seconds)
    for share, found in ((50, latency.p50), (95, latency.p95), (99, latency.p99)):
        exact = ordered[-(-share * len(ordered) // 100) - 1]
        assert found == pytest.approx(exact, rel=0.0101)
    assert latency.max == ordered[-1]


def test_what_was_processed_before_it_was_received_took_no_time() -> None:
    durations = Durations()
    durations.add(-5)
    latency = durations.latency()
    assert latency
    assert latency.p50 == latency.max == 0


def test_memory_does_not_grow_with_the_number_of_events(now: datetime) -> None:
    def records(count: int) -> Iterator[Record]:
        for number in range(count):
            took = timedelta(milliseconds=number % 1_000)
            yield Record("u", COMPLETED, COMPLETED, State.PROCESSED, instant(now), instant(now + took), "raw", None)

    def peak(count: int) -> int:
        tracemalloc.start()
        statistics(records(count), "hour", lambda record: record.received_at)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(2_000)  # what is made once and kept
    assert peak(8_000) < peak(2_000) * 1.2


@pytest.mark.parametrize(
    ("period", "span"),
    [
        (timedelta(days=2), "hour"),
        (timedelta(days=3), "day"),
        (timedelta(days=62), "day"),
        (timedelta(days=63), "month"),
    ],
)
def test_the_cut_fits_the_period(period: timedelta, span: Span, now: datetime) -> None:
    assert fitting_span(now - period, now) == span


# --- What people see ---------------------------------------------------------------------------------
SHOWN: Final = {
    80: """\
listener at 2026-01-15 10:25:01 UTC, deliveries from 2026-01-15 07:25:01 to 2026-01-15 10:25:01
8 deliveries on record.
  outcome     deliveries   share
 ───────────────────────────────────────────────────────────
  RECEIVED    1            12.5%   ████████
  PROCESSED   3            37.5%   ████████████████████████
  IGNORED     1            12.5%   ████████
  FAILED      1            12.5%   ████████
  UNUSABLE    1            12.5%   ████████
  CONFLICT    1            12.5%   ████████

  type                    deliveries                  failed   p50      p95
 ──────────────────────────────────────────────────────────────────────────────
  payment.completed       5            ████████████   1        248 ms   3.97 s
  (no event)              1            ██▍
  deposit.status_change   1            ██▍                     2.49 h   2.49 h
  refund.created          1            ██▍

  hour (UTC)         deliveries                       failed   p50      p95
 ──────────────────────────────────────────────────────────────────────────────
  2026-01-15 07:00   1            █████▋                       2.49 h   2.49 h
  2026-01-15 08:00   1            █████▋                       3.97 s   3.97 s
  2026-01-15 09:00   3            █████████████████   1        248 ms   248 ms
  2026-01-15 10:00   3            █████████████████
""",
    160: """\
listener at 2026-01-15 10:25:01 UTC, deliveries from 2026-01-15 07:25:01 to 2026-01-15 10:25:01
8 deliveries on record.
  outcome     deliveries   share
 ───────────────────────────────────────────────────────────
  RECEIVED    1            12.5%   ████████
  PROCESSED   3            37.5%   ████████████████████████
  IGNORED     1            12.5%   ████████
  FAILED      1            12.5%   ████████
  UNUSABLE    1            12.5%   ████████
  CONFLICT    1            12.5%   ████████

  type                    deliveries                              failed   p50      p95
 ──────────────────────────────────────────────────────────────────────────────────────────
  payment.completed       5            ████████████████████████   1        248 ms   3.97 s
  (no event)              1            ████▊
  deposit.status_change   1            ████▊                               2.49 h   2.49 h
  refund.created          1            ████▊

  hour (UTC)         deliveries                              failed   p50      p95
 ─────────────────────────────────────────────────────────────────────────────────────
  2026-01-15 07:00   1            ████████                            2.49 h   2.49 h
  2026-01-15 08:00   1            ████████                            3.97 s   3.97 s
  2026-01-15 09:00   3            ████████████████████████   1        248 ms   248 ms
  2026-01-15 10:00   3            ████████████████████████
""",
}


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("columns", SHOWN)
def test_people_see_charts(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "WIDE", columns)
    lines = [line.rstrip() for line in run("stats", "--since", "3h").stdout.rstrip().splitlines()]
    assert lines == SHOWN[columns].splitlines()


def test_a_long_type_is_not_cut_off(operator: OperatorStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "WIDE", 80)
    name = "".join(f"part{number:03}." for number in range(12))
    operator.receive(event=name)
    lines = run("stats").stdout.splitlines()
    assert max(map(len, lines[1:])) <= 80  # the first is no table
    assert all(any(part in line for line in lines) for part in ("part000", "part011"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0125, "12 ms"),
        (0.25, "250 ms"),
        (1, "1 s"),
        (4.126, "4.13 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (9000, "2.5 h"),
        (200_000, "2.31 d"),
    ],
)
def test_a_duration_is_short(seconds: float, text: str) -> None:
    assert _short(seconds) == text
