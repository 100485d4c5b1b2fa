"""What the provider knows and does: events, their deliveries and replays, payments, destinations."""

import hashlib
import hmac
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as all_of
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final, Self

import httpx

from wickiepay import clock
from wickiepay_cli.sending import exact_json, steps
from wickiepay_cli.sending.client import Answer, connection, deliver, until_accepted
from wickiepay_cli.sending.exact_json import Json, Number
from wickiepay_cli.sending.samples import data_of
from wickiepay_cli.sending.steps import Cast, Step, fresh_uuid

AT_ONCE: Final = 4
"""Deliveries that are under way at the same time: as many as the local stack takes."""

LIVES: Final = (
    steps.paid,
    steps.underpaid_then_accepted,
    steps.expired_then_paid,
    steps.deposit,
    steps.topup,
    steps.payout,
)
ORDERS: Final = 10
"""Orders and accounts that the payments are for."""

MERCHANT_ID: Final = "5f8e193a-54e8-4a6e-8bf2-bb342eb3181b"
"""The merchant of the sample payloads, which the events are made of."""

DELIVERED, FAILED, PENDING = "DELIVERED", "FAILED", "PENDING"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where events go, and with which secret their deliveries are signed."""

    id: str
    url: str
    events: tuple[str, ...]
    description: str
    secret: bytes = field(repr=False)

    def wants(self, event: str) -> bool:
        return any(fnmatchcase(event, pattern) for pattern in self.events)


@dataclass(slots=True)
class Event:
    """An event for one destination."""

    id: str
    event: str
    timestamp: str
    destination: str
    body: bytes = field(repr=False)
    status: str = PENDING
    attempts: int = 0


@dataclass(slots=True)
class Payment:
    """What the provider knows of a payment, and since when."""

    data: dict[str, Json]
    since: str


@dataclass(frozen=True, slots=True)
class Books:
    """What the merchant should have: the status of each payment, and the sum of the credits by account and currency."""

    payments: dict[str, str]
    credits: dict[tuple[str, str], Decimal]


class Provider:
    """The provider. Any thread may use it; a context manager, it waits for nothing when it is left.

    `lost` is the share of deliveries that it says it made, and did not. `pace` scales the pauses between its tries.
    """

    def __init__(
        self, *, seed: int | None = None, lost: float = 0, pace: float = 1, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._chance = random.Random(seed)  # noqa: S311  chance that can be repeated, not secrets
        self._lost = lost
        self._pace = pace
        self._now = now
        self._lock = threading.RLock()
        self._left = threading.Event()
        self._senders = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="provider")
        self._under_way: set[Future[None]] = set()
        self._http = connection("http://127.0.0.1")
        self._credited: set[str] = set()
        self._credits: dict[tuple[str, str], Decimal] = {}
        self.events: dict[str, Event] = {}
        self.payments: dict[str, Payment] = {}
        self.channel_payments: dict[str, Payment] = {}
        self.destinations: dict[str, Destination] = {}
        self.lost: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._senders.shutdown(cancel_futures=True)
        self._http.close()

    # --- What happens ----------------------------------------------------------------------------
    def happens(self, event: str, body: bytes) -> None:
        """An event: the provider notes it, and delivers it to whom it may concern."""
        envelope = exact_json.read(body)
        data = data_of(envelope)
        assert isinstance(envelope, dict)
        with self._lock:
            stamp = str(envelope.get("timestamp"))
            self._note(event, data, stamp)
            for destination in self.destinations.values():
                if destination.wants(event):
                    entry = Event(fresh_uuid(self._chance), event, stamp, destination.id, body)
                    self.events[entry.id] = entry
                    if self._chance.random() < self._lost:
                        entry.status, entry.attempts = DELIVERED, 1
                        self.lost.append(entry.id)
                    else:
                        self._send(entry)

    def lives(self) -> Iterator[Step]:
        """Events without end: the lives of payments, deposits and top-ups, side by side."""
        under_way: list[Iterator[Step]] = []
        while True:
            while len(under_way) < ORDERS:
                reference = f"simulated-{self._chance.randrange(ORDERS)}"
                cast = Cast(fresh_uuid(self._chance), reference, self._now(), self._chance)
                under_way.append(iter(self._chance.choice(LIVES)(cast)))
            chosen = self._chance.choice(under_way)
            with suppress(StopIteration):
                yield next(chosen)
                continue
            under_way.remove(chosen)

    @contextmanager
    def living(self, rate: float, count: int | None = None) -> Iterator[None]:
        """Has events happen in a thread, so many a second, until the block ends or there were `count`."""

        def live() -> None:
            for step in islice(self.lives(), count):
                self.happens(step.event, step.body)
                if self._left.wait(1 / rate):
                    return

        thread = threading.Thread(target=live, name="lives")
        thread.start()
        try:
            yield
        finally:
            self._left.set()
            thread.join()

    def replay(self, ids: Sequence[str]) -> bool:
        """Delivers events again. Returns whether it knows them all; otherwise it delivers none."""
        with self._lock:
            if not all(each in self.events for each in ids):
                return False
            for each in ids:
                self._send(self.events[each])
        return True

    def settle(self, seconds: float = 60) -> None:
        """Waits until no delivery is under way. Raises `TimeoutError`."""
        while waiting := set(self._under_way):
            done = all_of(waiting, seconds)
            if done.not_done:
                raise TimeoutError
            for each in done.done:
                each.result()

    def books(self) -> Books:
        with self._lock:
            known = self.payments | self.channel_payments
            return Books({uuid: str(payment.data["status"]) for uuid, payment in known.items()}, dict(self._credits))

    # --- Destinations ----------------------------------------------------------------------------
    def register(self, url: str, events: Sequence[str], description: str, secret: bytes) -> Destination:
        with self._lock:
            made = Destination(fresh_uuid(self._chance), url, tuple(events), description, secret)
            self.destinations[made.id] = made
        return made

    def change(self, destination_id: str, **changes: object) -> Destination:
        with self._lock:
            changed = replace(self.destinations[destination_id], **changes)  # type: ignore[arg-type]  # checked before
            self.destinations[destination_id] = changed
        return changed

    def remove(self, destination_id: str) -> None:
        with self._lock:
            del self.destinations[destination_id]

    # --- Deliveries ------------------------------------------------------------------------------
    def _send(self, entry: Event) -> None:
        entry.status = PENDING
        delivery = self._senders.submit(self._deliver, entry)
        self._under_way.add(delivery)
        delivery.add_done_callback(self._under_way.discard)

    def _deliver(self, entry: Event) -> None:
        """The three tries of a delivery, with growing pauses."""

        def attempt() -> Answer:
            if self._left.is_set() or (destination := self.destinations.get(entry.destination)) is None:
                return Answer(None, "the provider has left", 0)
            signature = hmac.new(destination.secret, entry.body, hashlib.sha256).hexdigest()
            entry.attempts += 1
            return deliver(self._http, destination.url, entry.body, signature)

        def pause(seconds: float) -> None:
            self._left.wait(seconds * self._pace)

        answers = until_accepted(attempt, pause)
        entry.status = DELIVERED if answers[-1].status == httpx.codes.OK else FAILED

    # --- Its own books ---------------------------------------------------------------------------
    def _note(self, event: str, data: dict[str, Json], stamp: str) -> None:
        uuid = str(data.get("uuid"))
        if event.startswith("payment."):
            self.payments[uuid] = Payment(data, self.payments[uuid].since if uuid in self.payments else stamp)
        elif event.startswith("channel.payment."):
            known = self.channel_payments.get(uuid)
            self.channel_payments[uuid] = Payment(data, known.since if known else stamp)
            if event == steps.CONFIRMED and uuid not in self._credited:
                self._credited.add(uuid)
                match data["displayCurrency"]:
                    case {"currency": str(currency), "amount": Number() as amount}:
                        account = (str(data["reference"]), currency)
                        self._credits[account] = self._credits.get(account, Decimal()) + Decimal(amount.spelling)
