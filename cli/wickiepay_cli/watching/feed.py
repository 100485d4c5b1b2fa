"""The deliveries that `wickiepay listen` shows: as they arrive, and what becomes of each."""

import json
import secrets
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from queue import Empty, Full, Queue
from typing import Final

from wickiepay.clock import instant
from wickiepay.errors import UnusableBody
from wickiepay.event import WebhookEvent, parse
from wickiepay.event_record import Record, State
from wickiepay.identity import Identity
from wickiepay_cli.store.event_records import trouble_of
from wickiepay_cli.watching.exchange import Exchange

REMEMBERED: Final = 10_000
"""Most deliveries in memory. Beyond that, those with a final state are forgotten first, then the oldest."""

LOOKED_UP: Final = 1000
"""Most events that are looked up at once. If more are open, they take turns."""

FINAL: Final = frozenset({State.PROCESSED, State.CONFLICT, State.UNUSABLE})
"""States that do not change any more. (FAILED and IGNORED may change by a replay.)"""

BACKLOG: Final = 10_000
"""Most news that may wait to be shown. More is left out, and reported, so that memory does not fill."""

FORWARDED: Final = 200
"""Most answers of the application in memory: the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is known of a delivery. Instants are as `wickiepay.clock` writes them.

    `request` is its method and target, `outcome` what the listener's answer says in a word. These, `status` and
    `milliseconds` are None where only the record is known; `state` and `scheme` where only the answer is.
    `event_key` is None where nothing was put on record.
    """

    number: int = 0
    at: str
    request: str | None = None
    event: str | None = None
    uuid: str | None = None
    event_key: str | None = None
    scheme: str | None = None
    status: int | None = None
    outcome: str | None = None
    milliseconds: int | None = None
    state: State | None = None
    processed_at: str | None = None
    error: str | None = None

    @property
    def identity(self) -> Identity | None:
        """The identity of the record with the state, or None."""
        return Identity(self.uuid, self.event_key) if self.uuid and self.event_key else None

    @property
    def settled(self) -> bool:
        """Whether the state is final, or there is no record."""
        return self.identity is None or self.state in FINAL


@dataclass(frozen=True, slots=True)
class Delivered:
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Changed(Delivered):
    """The delivery's state has changed. `first` is False if another delivery of the event has told the same."""

    first: bool = True


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line that says why some deliveries or states are unknown at present, or what happened to the stack."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """An attempt at sending an event to an application, and the answer. `answer` is its text, or why there is none.

    `again` says whether another attempt follows.
    """

    at: str
    event: str
    uuid: str | None
    event_key: str | None
    attempt: int
    status: int | None
    milliseconds: int
    answer: str
    again: bool


type News = Delivered | Trouble | Forwarded


class Feed:
    """What arrived and what became of it. Any thread may add to it. One takes the `news`; many may read `changes`."""

    def __init__(self, backlog: int = BACKLOG) -> None:
        self._lock = threading.Lock()
        self._arrivals: dict[int, Arrival] = {}
        self._number = 0
        self._looked_up = 0
        self._news: Queue[News] = Queue(backlog)
        self._left_out = 0
        self._version = 0
        self._versions: dict[int, int] = {}  # of each delivery, the last changed ones at the end
        self.epoch = secrets.token_hex(4)
        """Changes when all deliveries are forgotten: versions of another epoch say nothing."""
        self.latest_trouble: str | None = None
        self._forwarded: deque[Forwarded] = deque(maxlen=FORWARDED)

    def arrived(self, arrival: Arrival) -> int:
        """Notes a delivery, and returns the number that it gets."""
        with self._lock:
            self._number += 1
            self._arrivals[self._number] = numbered = replace(arrival, number=self._number)
            if len(self._arrivals) > REMEMBERED:
                settled = (number for number, each in self._arrivals.items() if each.settled)
                forgotten = next(settled, next(iter(self._arrivals)))
                del self._arrivals[forgotten], self._versions[forgotten]
            self._has_changed(self._number)
            self._tell(Delivered(numbered))
            return self._number

    def unsettled(self) -> list[Identity]:
        """Events whose records may still change, without repetition: each call returns the next ones to look up."""
        with self._lock:
            waiting = {number: each.identity for number, each in self._arrivals.items() if not each.settled}
            after = [number for number in waiting if number > self._looked_up]
            before = [number for number in waiting if number <= self._looked_up]
            turn = [*after, *before][:LOOKED_UP]
            self._looked_up = turn[-1] if turn else 0
        return list(dict.fromkeys(identity for number in turn if (identity := waiting[number])))

    def noticed(self, records: Iterable[Record]) -> None:
        """Notes the records of the `unsettled` events."""
        found = {record.identity: record for record in records}
        with self._lock:
            told = {each.identity: _standing(each) for each in self._arrivals.values() if each.state}
            for number, arrival in self._arrivals.items():
                record = found.get(arrival.identity) if arrival.identity and not arrival.settled else None
                if record:
                    self._arrivals[number] = updated = _updated(arrival, record)
                    if updated != arrival:
                        self._has_changed(number)
                    if (standing := _standing(updated)) != _standing(arrival):
                        self._tell(Changed(updated, first=told.get(updated.identity) != standing))
                        told[updated.identity] = standing
            self.latest_trouble = None

    def trouble(self, text: str) -> None:
        """Notes why some deliveries or states are unknown at present."""
        with self._lock:
            self.latest_trouble = text
            self._tell(Trouble(text))

    def forwarded(self, answer: Forwarded) -> None:
        """Notes what an application answered."""
        with self._lock:
            self._forwarded.append(answer)
            self._tell(answer)

    def answers(self) -> list[Forwarded]:
        """The latest answers of the application that events are forwarded to, the newest first."""
        with self._lock:
            return [*self._forwarded][::-1]

    def notice(self, text: str) -> None:
        """Passes on a line that is about the stack and no delivery."""
        with self._lock:
            self._tell(Trouble(text))

    def news(self, seconds: float) -> News | None:
        """The next news, or None if there is none for some seconds."""
        with self._lock:
            left_out = self._left_out if self._news.empty() else 0
            self._left_out -= left_out
        if left_out:
            return Trouble(f"{left_out} deliveries and changes are not shown: they came faster than they were read.")
        try:
            return self._news.get(timeout=seconds)
        except Empty:
            return None

    def after(self, number: int) -> list[Arrival]:
        """The deliveries after that number (0: all of them), as they are now, in the order of arrival."""
        with self._lock:
            return list(takewhile(lambda each: each.number > number, reversed(self._arrivals.values())))[::-1]

    def get(self, number: int) -> Arrival | None:
        """The delivery of that number as it is now, or None if it is not remembered."""
        with self._lock:
            return self._arrivals.get(number)

    @property
    def place(self) -> str:
        """How far a reader has read that knows all of this moment: `EPOCH.VERSION`."""
        with self._lock:
            return f"{self.epoch}.{self._version}"

    def changes(self, version: int, most: int) -> list[tuple[int, Arrival]]:
        """The deliveries that came or changed after a version (0: all), each once, as they are now.

        They come with their versions, in the order of these, the first `most` of them. A reader that goes on with the
        last version misses nothing and reads nothing twice, however slow it is, and nothing waits for it.
        """
        with self._lock:
            changed = list(takewhile(lambda each: each[1] > version, reversed(self._versions.items())))[::-1]
            return [(at, self._arrivals[number]) for number, at in changed[:most]]

    def forget(self) -> None:
        """Stops following earlier deliveries, since their records are gone with their stack."""
        with self._lock:
            self._arrivals.clear()
            self._versions.clear()
            self.epoch = secrets.token_hex(4)

    def _has_changed(self, number: int) -> None:
        self._version += 1
        self._versions.pop(number, None)
        self._versions[number] = self._version

    def _tell(self, news: News) -> None:
        try:
            self._news.put_nowait(news)
        except Full:
            self._left_out += 1


def of_exchange(exchange: Exchange, now: datetime) -> Arrival:
    """A delivery that was answered `now`. What it says about itself is shown even if it is not signed."""
    answer, event = _answer(exchange.response_body), _event(exchange.request_body)
    taken = exchange.status == 200
    outcome = answer.get("status") if taken else answer.get("error") or answer.get("message")
    state = {"accepted": State.RECEIVED, "conflict": State.CONFLICT}.get(outcome or "") if taken else None
    return Arrival(
        at=instant(now - timedelta(seconds=exchange.seconds)),
        request=f"{exchange.method} {exchange.target.decode('latin-1')}",
        event=event.name if event else None,
        uuid=answer.get("uuid") if taken else event.identity.uuid if event else None,
        event_key=answer.get("event_key") if taken else None,
        status=exchange.status,
        outcome=outcome,
        milliseconds=round(exchange.seconds * 1000),
        state=state,
    )


def of_record(found: Record) -> Arrival:
    """A delivery of which only the record is known."""
    return _updated(Arrival(at=found.received_at, uuid=found.uuid, event_key=found.event_key), found)


def _updated(arrival: Arrival, found: Record) -> Arrival:
    return replace(
        arrival,
        event=found.event,
        scheme=found.scheme,
        state=found.state,
        processed_at=found.processed_at,
        error=trouble_of(found),
    )


def _standing(arrival: Arrival) -> tuple[State | None, str | None, str | None]:
    return arrival.state, arrival.processed_at, arrival.error


def _answer(body: bytes) -> dict[str, str]:
    """The text members of an answer; empty if it is not a JSON object."""
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    members = content.items() if isinstance(content, dict) else ()
    return {name: text for name, text in members if isinstance(text, str)}


def _event(body: bytes) -> WebhookEvent | None:
    try:
        return parse(body)
    except UnusableBody:
        return None
