"""Deliveries as they arrive, and what becomes of each: what `wickiepay listen` shows."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from queue import Empty, Full, Queue
from typing import Final

from wickiepay.clock import instant
from wickiepay.errors import UnusableBody
from wickiepay.event import WebhookEvent, parse
from wickiepay.event_log import UNFINISHED, State
from wickiepay.identity import Identity
from wickiepay_cli.local.front_door import Exchange

FOLLOWED: Final = 1000
"""So many of the last deliveries are remembered, and their states followed."""

BACKLOG: Final = 10_000
"""What may wait to be shown. More is left out, and told of, rather than that memory fills or a delivery waits."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery, as far as it is known. Instants are as `wickiepay.clock` writes them.

    `request` is its method and target, `outcome` what the listener's answer says in a word. These, `status` and
    `milliseconds` are None where only the record is known; `state` and `scheme` where only the answer is.
    `event_key` is None where nothing was put on record.
    """

    number: int
    at: str
    request: str | None
    event: str | None
    uuid: str | None
    event_key: str | None
    scheme: str | None
    status: int | None
    outcome: str | None
    milliseconds: int | None
    state: State | None
    processed_at: str | None
    error: str | None

    @property
    def identity(self) -> Identity | None:
        """Whose record tells the state; None where none does."""
        return Identity(self.uuid, self.event_key) if self.uuid and self.event_key else None

    @property
    def settled(self) -> bool:
        """No other state is to be expected: there is no record, or there was a verdict since the delivery.

        An earlier FAILED is none, because a delivery has a failed event processed again.
        """
        if self.identity is None:
            return True
        failed_now = self.state is State.FAILED and (self.processed_at or "") >= self.at
        return failed_now or (self.state is not None and self.state not in UNFINISHED)


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What the event table holds of an event now."""

    event: str | None
    scheme: str
    state: State
    received_at: str
    processed_at: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivered:
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Changed:
    """The delivery's state is another one."""

    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why less is known at present than should be, in a sentence."""

    text: str


type News = Delivered | Changed | Trouble


class Feed:
    """What arrived and what became of it. Any thread may tell it, one takes the `news`."""

    def __init__(self, backlog: int = BACKLOG) -> None:
        self._lock = threading.Lock()
        self._arrivals: dict[int, Arrival] = {}
        self._number = 0
        self._news: Queue[News] = Queue(backlog)
        self._left_out = 0

    def arrived(self, arrival: Arrival) -> None:
        """Notes a delivery, and gives it its number."""
        with self._lock:
            self._number += 1
            self._arrivals[self._number] = numbered = replace(arrival, number=self._number)
            if len(self._arrivals) > FOLLOWED:
                del self._arrivals[next(iter(self._arrivals))]
            self._tell(Delivered(numbered))

    def unsettled(self) -> list[Identity]:
        """Whose records may still bring news, each once."""
        with self._lock:
            waiting = [arrival.identity for arrival in self._arrivals.values() if not arrival.settled]
        return list(dict.fromkeys(identity for identity in waiting if identity))

    def noticed(self, records: Mapping[Identity, OnRecord]) -> None:
        """Notes what is on record of the `unsettled`."""
        with self._lock:
            for number, arrival in self._arrivals.items():
                found = records.get(arrival.identity) if arrival.identity and not arrival.settled else None
                if found:
                    self._arrivals[number] = updated = _updated(arrival, found)
                    if updated.state is not arrival.state:
                        self._tell(Changed(updated))

    def trouble(self, text: str) -> None:
        """Notes why less is known at present than should be."""
        with self._lock:
            self._tell(Trouble(text))

    def news(self, seconds: float) -> News | None:
        """The next news; None where there is none for so many seconds."""
        with self._lock:
            left_out = self._left_out if self._news.empty() else 0
            self._left_out -= left_out
        if left_out:
            return Trouble(f"{left_out} deliveries and changes are not shown: they came faster than they were read.")
        try:
            return self._news.get(timeout=seconds)
        except Empty:
            return None

    def last(self, count: int) -> list[Arrival]:
        """The last so many deliveries, as they are now, in the order of arrival."""
        with self._lock:
            return list(islice(reversed(self._arrivals.values()), count))[::-1]

    def _tell(self, news: News) -> None:
        try:
            self._news.put_nowait(news)
        except Full:
            self._left_out += 1


def of_exchange(exchange: Exchange, now: datetime) -> Arrival:
    """A delivery whose answer is there `now`. What it says of itself is shown even where it is not signed."""
    answer, event = _answer(exchange.response_body), _event(exchange.request_body)
    taken = exchange.status == 200
    outcome = answer.get("status") if taken else answer.get("error") or answer.get("message")
    state = {"accepted": State.RECEIVED, "conflict": State.CONFLICT}.get(outcome or "") if taken else None
    return Arrival(
        number=0,
        at=instant(now - timedelta(seconds=exchange.seconds)),
        request=f"{exchange.method} {exchange.target.decode('latin-1')}",
        event=event.name if event else None,
        uuid=answer.get("uuid") if taken else event.uuid if event else None,
        event_key=answer.get("event_key") if taken else None,
        scheme=None,
        status=exchange.status,
        outcome=outcome,
        milliseconds=round(exchange.seconds * 1000),
        state=state,
        processed_at=None,
        error=None,
    )


def of_record(identity: Identity, found: OnRecord) -> Arrival:
    """A delivery that only its record tells of."""
    return Arrival(
        number=0,
        at=found.received_at,
        request=None,
        event=found.event,
        uuid=identity.uuid,
        event_key=identity.event_key,
        scheme=found.scheme,
        status=None,
        outcome=None,
        milliseconds=None,
        state=found.state,
        processed_at=found.processed_at,
        error=found.error,
    )


def _updated(arrival: Arrival, found: OnRecord) -> Arrival:
    return replace(
        arrival,
        event=found.event,
        scheme=found.scheme,
        state=found.state,
        processed_at=found.processed_at,
        error=found.error,
    )


def _answer(body: bytes) -> dict[str, str]:
    """The members of an answer that are text; none where it is no JSON object."""
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    members = content.items() if isinstance(content, dict) else ()
    return {name: text for name, text in members if isinstance(text, str)}


def _event(body: bytes) -> WebhookEvent | None:
    try:
        return parse(body, body)
    except UnusableBody:
        return None
