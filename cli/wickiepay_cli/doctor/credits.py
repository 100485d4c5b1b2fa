"""The checks of credits: each has its event, and each event that credits has exactly one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import batched, chain
from typing import Final

from wickiepay.clock import instant
from wickiepay.decimals import plain
from wickiepay.dynamodb import Item
from wickiepay.effects import spellings_of
from wickiepay.event_record import State, effects_of, identity_of, pending_of, state_of
from wickiepay.identity import Identity, Kind, bounded
from wickiepay.ledger_items import Entry, entry_of, second_part
from wickiepay.spelling import normal_spelling
from wickiepay_books import spellings
from wickiepay_cli.doctor.checks import Check, Suspects, decided
from wickiepay_cli.doctor.tables import Tables, is_credit
from wickiepay_cli.store.dynamodb import MAX_KEYS

MARGIN: Final = timedelta(days=1)
"""Tolerance for the sender's clock: an entry has the time that the sender gave its event."""


class CreditsHaveEvents:
    """Every entry younger than the retention has its event on record: PROCESSED, about to be, or given up afterwards.

    An event may be given up although it has credited, for example because the bus was down; then its record says so.
    """

    def __init__(self, tables: Tables, retention: timedelta, now: datetime, pause: Callable[[], None]) -> None:
        self._tables = tables
        self._after = instant(now - retention + MARGIN)
        self._unexplained = Suspects(self._look, pause)
        self.credits = self._young = 0

    def see(self, item: Item) -> None:
        if is_credit(item):
            entry = entry_of(item)
            self.credits += 1
            if entry.at > self._after:
                self._young += 1
                self._unexplained.add(made_by(entry))

    def check(self) -> Check:
        older = "; the others are older than events are kept" if self._young < self.credits else ""
        detail = f"{self._young} of {self.credits} credits looked up, and each has its event{older}"
        fault = "No event explains the credit of"
        return decided("credits_have_events", self._unexplained, detail, fault)

    def _look(self, suspects: Sequence[Identity]) -> list[Identity]:
        # A record of an older version has the uuid as it was sent. It is looked for only if there is no other.
        return self._without_event(self._without_event(suspects, lambda uuid: [uuid]), spellings)

    def _without_event(self, suspects: Sequence[Identity], spellings: Callable[[str], Iterable[str]]) -> list[Identity]:
        spelled = {each: [Identity(text, each.event_key) for text in spellings(each.uuid)] for each in suspects}
        records = self._tables.records(chain.from_iterable(spelled.values()), ["state", "effects"])
        explaining = {identity for identity, record in records.items() if _may_have_credited(record)}
        return [each for each in suspects if explaining.isdisjoint(spelled[each])]


class EventsHaveCredits:
    """Every event whose record says that it has credited has its entry, with the same account and amount."""

    def __init__(self, tables: Tables, pause: Callable[[], None]) -> None:
        self._tables = tables
        self._unpaid = Suspects(self._look, pause)
        self._crediting = 0

    def see(self, item: Item) -> None:
        if _credits(item):
            self._crediting += 1
            self._unpaid.add(identity_of(item))

    def check(self) -> Check:
        detail = f"{self._crediting} events have credited"
        return decided("events_have_credits", self._unpaid, detail, "The credit differs from the record of")

    def _look(self, suspects: Sequence[Identity]) -> list[Identity]:
        wrong = []
        for batch in batched(suspects, MAX_KEYS, strict=False):  # whole records, so no more of them than necessary
            records = self._tables.records(batch)
            places = {each: list(_places(item)) for each, item in records.items() if _credits(item)}
            entries = self._tables.entries_at(place for of_event in places.values() for place in of_event)
            for each, of_event in places.items():
                made = [entries[place] for place in of_event if place in entries]
                noted = _credits(records[each])
                if not any((entry.account, entry.currency, plain(entry.amount)) in noted for entry in made):
                    wrong.append(each)
        return wrong


class CreditedOnce:
    """No event has made two entries. This relies on a scan to return the entries of one uuid together."""

    def __init__(self, tables: Tables, pause: Callable[[], None]) -> None:
        self._tables = tables
        self._repeated = Suspects(self._look, pause)
        self._uuid: str | None = None
        self._seen: set[str] = set()
        self._compared = 0

    def see(self, item: Item) -> None:
        if is_credit(item):
            entry = entry_of(item)
            self._compared += 1
            if entry.uuid != self._uuid:
                self._uuid, self._seen = entry.uuid, set()
            event = made_by(entry)
            if event.event_key in self._seen:
                self._repeated.add(event)
            self._seen.add(event.event_key)

    def check(self) -> Check:
        return decided(
            "credited_once", self._repeated, f"{self._compared} credits compared", "Credited more than once:"
        )

    def _look(self, suspects: Sequence[Identity]) -> list[Identity]:
        uuids = {each.uuid for each in suspects}
        made = Counter(made_by(entry) for uuid in uuids for entry in self._tables.books.credits_of(uuid))
        return [each for each in dict.fromkeys(suspects) if made[each] > 1]


def made_by(entry: Entry) -> Identity:
    """The event that made a payment's entry."""
    assert entry.uuid, "an operator's entry is not made by an event"
    assert entry.event_key, "an operator's entry is not made by an event"
    return Identity(entry.uuid, entry.event_key)


def _credits(record: Item) -> list[tuple[str, str, str]]:
    """Account (in the form of keys), currency and amount that an event has credited according to its record."""
    return [
        (bounded(effect["account"]), effect["currency"], effect["amount"])
        for effect in effects_of(record)
        if effect["effect"] == "credit" and not effect.get("superseded")
    ]


def _may_have_credited(record: Item) -> bool:
    state = state_of(record)
    return state in {State.PROCESSED, State.RECEIVED} or (state is State.FAILED and bool(_credits(record)))


def _places(record: Item) -> Iterator[tuple[str, str]]:
    """The keys (uuid and part) that an event's entry may have: its own, and those of older versions."""
    pending = pending_of(record)
    event = pending.event()
    spelled = spellings_of(event)
    parts = [pending.entry or spelled.part]
    if pending.identity.kind is Kind.ACCEPTED:
        parts.append(second_part(spelled.part, event.data_hash))  # as versions up to 0.1 kept an accepted credit
    for uuid in dict.fromkeys((normal_spelling(pending.identity.uuid), spelled.uuid, pending.identity.uuid)):
        for part in parts:
            yield uuid, part
