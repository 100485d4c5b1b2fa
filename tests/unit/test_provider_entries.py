"""What the provider lists is read tolerantly: what is missing or strange is said, and the rest is kept."""

from decimal import Decimal
from typing import Any

import pytest

from wickiepay.money import Money
from wickiepay_api.entries import EventEntry, EventStatus, destination, event_entry, payment

EVENT = {
    "id": "9204C333-4469-4B29-B7CB-B6C1FB41D1D4",
    "event": "payment.completed",
    "timestamp": "2026-01-15T10:25:00Z",
    "destination": "D1",
    "status": "DELIVERED",
    "attempts": Decimal(1),
}
PAYMENT = {
    "uuid": "9204C333-4469-4B29-B7CB-B6C1FB41D1D4",
    "type": "in",
    "status": "complete",
    "reference": "order-7",
    "displayCurrency": {"currency": "EUR", "amount": Decimal("100.00")},
    "paidCurrency": {"currency": "USDC", "amount": Decimal("108.50")},
    "transactions": [],
}


def test_an_entry_as_it_is_documented_has_no_flaws() -> None:
    assert event_entry(EVENT) == EventEntry(
        id="9204c333-4469-4b29-b7cb-b6c1fb41d1d4",
        event="payment.completed",
        at="2026-01-15T10:25:00.000000Z",
        destination="D1",
        status=EventStatus.DELIVERED,
        attempts=1,
    )


NO_TIME = "It has no time stamp that can be read."
NO_STATUS = "Its status is none that the documentation knows."


@pytest.mark.parametrize(
    ("change", "read", "flaw"),
    [
        ({"timestamp": "2026-01-15T12:25:00+02:00"}, {"at": "2026-01-15T10:25:00.000000Z"}, None),
        (
            {"timestamp": "2026-01-15T10:25:00"},
            {"at": "2026-01-15T10:25:00.000000Z"},
            "Its time stamp has no offset, and was read as UTC.",
        ),
        ({"timestamp": "yesterday"}, {"at": None}, NO_TIME),
        ({"timestamp": Decimal(1768472700)}, {"at": None}, NO_TIME),
        ({"timestamp": None}, {"at": None}, NO_TIME),
        ({"status": "delivered"}, {"status": EventStatus.DELIVERED}, None),
        ({"status": "LOST"}, {"status": None}, NO_STATUS),
        ({"status": None}, {"status": None}, NO_STATUS),
        ({"event": None, "eventType": "payment.expired"}, {"event": "payment.expired"}, None),
        ({"event": ""}, {"event": None}, "It names no event."),
        ({"event": "x" * 900}, {"event": "x" * 500}, None),
        ({"id": Decimal(7)}, {"id": "7"}, None),
        ({"id": None}, {"id": None, "key": None}, None),
        ({"attempts": "many"}, {"attempts": None}, None),
        ({"attempts": Decimal(-1)}, {"attempts": None}, None),
        ({"attempts": Decimal(999_999_999)}, {"attempts": 999_999_999}, None),
        ({"attempts": Decimal(1_000_000_000)}, {"attempts": None}, None),
    ],
    ids=str,
)
def test_an_entry_that_is_not_as_documented_says_so(
    change: dict[str, Any], read: dict[str, object], flaw: str | None
) -> None:
    entry = event_entry(EVENT | change)

    assert {name: getattr(entry, name) for name in read} == read
    assert entry.flaws == ((flaw,) if flaw else ())


@pytest.mark.parametrize("listed", [None, "E1", [], Decimal(1)], ids=repr)
def test_what_is_no_object_is_an_entry_without_anything(listed: object) -> None:
    for entry in (event_entry(listed), payment(listed), destination(listed)):
        assert "It is not a JSON object." in entry.flaws
        assert getattr(entry, "key", None) is None


def test_an_id_with_another_time_is_another_entry() -> None:
    """A list that gives an id twice lies, but nothing of it is dropped."""
    entry, twin = event_entry(EVENT), event_entry(EVENT | {"timestamp": "2026-01-15T10:26:00Z"})

    assert entry.key != twin.key


def test_an_entry_that_was_delivered_meanwhile_is_the_same_one() -> None:
    pending, delivered = event_entry(EVENT | {"status": "PENDING"}), event_entry(EVENT)

    assert (pending.key, pending.content) == (delivered.key, delivered.content)


def test_a_payment_is_read_as_the_ledger_reads_it() -> None:
    read = payment(PAYMENT)

    assert (read.uuid, read.status, read.direction) == ("9204c333-4469-4b29-b7cb-b6c1fb41d1d4", "COMPLETE", "IN")
    assert (read.displayed, read.paid) == (Money("EUR", Decimal(100)), Money("USDC", Decimal("108.5")))
    assert (read.reference, read.data, read.flaws) == ("order-7", PAYMENT, ())


def test_a_payment_into_a_channel_is_read_as_the_sister_product_lists_it() -> None:
    flat = {"displayCurrency": "EUR", "displayAmount": Decimal(5), "channelId": "C1", "hash": "0xAB", "id": "P1"}

    read = payment({**flat, "status": "COMPLETE"})

    assert (read.uuid, read.channel, read.displayed) == ("P1", "C1", Money("EUR", Decimal(5)))
    assert read.content == (("P1", "0xAB", None), None, Money("EUR", Decimal(5)), None)


def test_a_payment_that_lacks_uuid_and_status_says_so() -> None:
    assert payment({}).flaws == ("It has no uuid.", NO_STATUS)


def test_a_destination_is_read_as_it_is_documented() -> None:
    read = destination({"id": "D1", "url": "https://example.com", "events": ["payment.*"], "description": "ours"})

    assert (read.id, read.url, read.events, read.description) == ("D1", "https://example.com", ("payment.*",), "ours")


def test_a_destination_without_events_says_so() -> None:
    assert destination({"uuid": "D1", "events": "all"}).flaws == ("Its events are no list of names.",)
