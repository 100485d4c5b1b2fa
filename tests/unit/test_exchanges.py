"""The exchanges that the proxy keeps: whole, the newest ones, in bounded memory; and what readers of the feed get."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.test_cli_listen import ARRIVAL, verdict
from wickiepay.event_record import State
from wickiepay_cli.watching import feed as feed_module
from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.exchanges import MAX_BYTES, Exchanges, size
from wickiepay_cli.watching.feed import Feed

REFUSED = Exchange(
    "POST", b"/webhooks/wickiepay", [(b"X-Twice", b"\xff"), (b"x-twice", b"2")], b"\x00\xff", 401, [], b"{}", 0.01
)


def test_an_exchange_is_kept_as_it_was_also_a_refused_one() -> None:
    exchanges = Exchanges()
    exchanges.keep(1, "now", REFUSED)
    kept = exchanges.get(1)
    assert kept
    assert kept.exchange == REFUSED


def test_the_oldest_make_room_and_are_counted() -> None:
    exchanges = Exchanges(max_bytes=3 * size(REFUSED))
    for number in range(1, 6):
        exchanges.keep(number, "now", REFUSED)
    assert ([each.number for each in exchanges.newest_first()], exchanges.gone) == ([5, 4, 3], 2)
    assert exchanges.get(2) is None


def test_bodies_headers_and_answers_count() -> None:
    long = b"x" * 100
    changes: list[Any] = [
        {"request_body": long},
        {"response_body": long},
        {"target": long},
        {"request_headers": [(long, long)]},
    ]
    assert all(size(replace(REFUSED, **change)) > size(REFUSED) + 50 for change in changes)


def test_5000_deliveries_of_a_whole_mebibyte_stay_within_the_ring() -> None:
    exchanges, body = Exchanges(), bytes(1024 * 1024)
    for number in range(5000):
        exchanges.keep(number, "now", replace(REFUSED, request_body=body))
    kept = exchanges.newest_first()
    assert sum(size(each.exchange) for each in kept) <= MAX_BYTES
    assert [each.number for each in kept] == list(range(4999, 4999 - len(kept), -1))


# --- Changes of the feed -----------------------------------------------------------------------------
def numbers(feed: Feed, version: int, most: int = 1000) -> list[int]:
    return [arrival.number for _, arrival in feed.changes(version, most)]


def test_a_reader_that_goes_on_where_it_stopped_misses_nothing_and_reads_nothing_twice() -> None:
    feed, version, read = Feed(), 0, list[int]()
    for _ in range(5):
        feed.arrived(ARRIVAL)
        feed.arrived(ARRIVAL)
        for version, arrival in feed.changes(version, most=1):  # noqa: B007, B020  read on after the loop
            read.append(arrival.number)
    read += numbers(feed, version)
    assert read == list(range(1, 11))


def test_what_changed_comes_again_once_as_it_is_now() -> None:
    feed = Feed()
    for _ in range(2):
        feed.arrived(replace(ARRIVAL, uuid="u-2"))
    feed.arrived(ARRIVAL)
    version, _ = feed.changes(0, most=1000)[-1]
    for error in ("once", "twice"):
        feed.noticed([replace(verdict(State.FAILED), error=error)])
    [(_, changed)] = feed.changes(version, most=1000)
    assert (changed.number, changed.error) == (3, "twice")


def test_a_record_that_says_nothing_new_is_no_change() -> None:
    feed = Feed()
    feed.arrived(ARRIVAL)
    feed.noticed([verdict(State.FAILED)])
    version, _ = feed.changes(0, most=1000)[-1]
    feed.noticed([verdict(State.FAILED)])
    assert feed.changes(version, most=1000) == []


def test_what_is_forgotten_is_no_change_and_another_epoch() -> None:
    feed = Feed()
    feed.arrived(ARRIVAL)
    before = feed.epoch
    feed.forget()
    assert (feed.changes(0, most=1000), feed.epoch == before) == ([], False)


def test_what_nobody_reads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "REMEMBERED", 100)
    feed = Feed(backlog=1)
    for _ in range(5000):
        feed.arrived(ARRIVAL)
    assert len(feed.changes(0, most=10_000)) == 100
    assert len(feed._versions) == 100


def test_a_reader_beside_a_busy_proxy_sees_each_delivery_once() -> None:
    feed, seen, version = Feed(), list[int](), 0
    thread = threading.Thread(target=lambda: [feed.arrived(ARRIVAL) for _ in range(2000)])
    thread.start()
    while len(seen) < 2000:
        for version, arrival in feed.changes(version, most=37):  # noqa: B007, B020  as above
            seen.append(arrival.number)
    thread.join()
    assert seen == list(range(1, 2001))
