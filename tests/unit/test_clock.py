"""Instants as text: one width, one order, and None for what is no time."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay.clock import ABSENT, instant, now, parse_instant

OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS)  # noqa: DTZ001  timezones gives it


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T10:25:00Z", "2026-01-15T10:25:00.000000Z"),
        ("2026-01-15T10:25:00.5Z", "2026-01-15T10:25:00.500000Z"),
        ("2026-01-15T10:25:00.123456789Z", "2026-01-15T10:25:00.123456Z"),
        ("2026-01-15T12:25:00+02:00", "2026-01-15T10:25:00.000000Z"),
        ("2026-01-14T23:55:00-10:30", "2026-01-15T10:25:00.000000Z"),
        ("2026-01-15T10:25:00", "2026-01-15T10:25:00.000000Z"),
        ("2026-01-15 10:25:00", "2026-01-15T10:25:00.000000Z"),
        ("2026-01-15", "2026-01-15T00:00:00.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_in_any_of_its_spellings(text: str, expected: str) -> None:
    assert parse_instant(text) == expected


def test_a_time_without_an_offset_is_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/New_York")
        time.tzset()
        parsed = parse_instant("2026-01-15T10:25:00")
    time.tzset()

    assert parsed == "2026-01-15T10:25:00.000000Z"


@pytest.mark.parametrize(
    "value",
    [
        None,
        1768472700,
        True,
        ["2026-01-15T10:25:00Z"],
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-01-15T25:00:00Z",
        "2026-01-15T10:25:00+99:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "\ud800",
        "\u0662026-01-15",
        "9" * 100_000,
    ],
)
def test_what_is_no_time(value: object) -> None:
    assert parse_instant(value) is None


@given(MOMENTS, MOMENTS)
def test_the_order_of_texts_is_the_order_of_times(one: datetime, other: datetime) -> None:
    assert (instant(one) < instant(other)) == (one < other)


@given(MOMENTS)
def test_every_instant_has_one_width_and_can_be_read_back(moment: datetime) -> None:
    text = instant(moment)

    assert len(text) == len(ABSENT)
    assert parse_instant(text) == text
    assert datetime.fromisoformat(text) == moment


@given(MOMENTS)
def test_an_absent_time_comes_before_every_other(moment: datetime) -> None:
    assert instant(moment) > ABSENT


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    parsed = parse_instant(text)

    assert parsed is None or parse_instant(parsed) == parsed


def test_now_is_in_utc() -> None:
    assert now().tzinfo is UTC
