"""The checks of the event table alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from wickiepay.clock import instant
from wickiepay.dynamodb import Item
from wickiepay.event_record import State, identity_of, state_of
from wickiepay.identity import Identity, Kind
from wickiepay_cli.doctor.checks import Check, Suspects, decided
from wickiepay_cli.doctor.tables import Tables

SEEN: Final = (
    *("uuid", "event_key", "state", "received_at", "unsent", "effects", "error", "tries"),
    *("accepted_at", "dismissed_at", "scheme", "last_error", "next_try_at"),
)
"""The attributes that the checks read."""

UNSENT_AGE: Final = timedelta(minutes=10)
"""How long an event may be flagged unsent; the relay runs every minute."""

_COUNTED_AS: Final = {
    State.PROCESSED: "processed",
    State.IGNORED: "ignored",
    State.FAILED: "failed",
    State.RECEIVED: "received",
}


class EventsCounted:
    """events = processed + ignored + failed + received: the left side is counted by keys, the right by states."""

    def __init__(self, tables: Tables, pause: Callable[[], None]) -> None:
        self._tables = tables
        self._misplaced = Suspects(self._look, pause)
        self.counts = Counter(
            dict.fromkeys(("deliveries", "events", *_COUNTED_AS.values(), "conflicts", "unusable"), 0)
        )

    def see(self, item: Item) -> None:
        identity, state = identity_of(item), state_of(item)
        self.counts["deliveries"] += 1
        match _belonging(identity):
            case State.CONFLICT:
                self.counts["conflicts"] += 1
            case State.UNUSABLE:
                self.counts["unusable"] += 1
            case _:
                self.counts["events"] += 1
                if state in _COUNTED_AS:
                    self.counts[_COUNTED_AS[state]] += 1
        if not _fits(identity, state):
            self._misplaced.add(identity)

    def check(self) -> Check:
        sum_of_states = " + ".join(f"{self.counts[name]} {name}" for name in _COUNTED_AS.values())
        detail = f"{self.counts['events']} events = {sum_of_states}"
        return decided("events_counted", self._misplaced, detail, "In an unknown state:")

    def _look(self, suspects: Sequence[Identity]) -> list[Identity]:
        records = self._tables.records(suspects, ["state"])
        return [each for each, item in records.items() if not _fits(each, state_of(item))]


class SentInTime:
    """Nothing is flagged unsent for longer than ten minutes."""

    def __init__(self, tables: Tables, now: datetime, pause: Callable[[], None]) -> None:
        self._tables = tables
        self._before = instant(now - UNSENT_AGE)
        self._forgotten = Suspects(self._look, pause)
        self.unsent = 0

    def see(self, item: Item) -> None:
        if "unsent" in item:
            self.unsent += 1
            if item["received_at"]["S"] < self._before:
                self._forgotten.add(identity_of(item))

    def check(self) -> Check:
        return decided("sent_in_time", self._forgotten, f"{self.unsent} wait for the relay", "The relay has not sent")

    def _look(self, suspects: Sequence[Identity]) -> list[Identity]:
        return [each for each, item in self._tables.records(suspects, ["unsent"]).items() if "unsent" in item]


def _belonging(identity: Identity) -> State | None:
    """What a record without an event of its own is, by its key: a conflict, or a body without an event."""
    return {Kind.CONFLICT: State.CONFLICT, Kind.UNUSABLE: State.UNUSABLE}.get(identity.kind)


def _fits(identity: Identity, state: State | None) -> bool:
    belonging = _belonging(identity)
    return state in _COUNTED_AS if belonging is None else state is belonging
