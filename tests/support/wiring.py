"""Wires ingest, the consumer and the relay to a test's stores. Only this module knows what they are made of."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import handlers
from consumer import Consumer
from ingest import Ingest
from relay import Relay
from tests.support.actors import SameThread
from tests.support.deployed import SETTINGS
from wickiepay import clock
from wickiepay.bus import EventBus
from wickiepay.event_log import EventLog
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue
from wickiepay.routing import discover, router
from wickiepay.signature import SCHEMES
from wickiepay.signing_secrets import SigningSecrets

KEEP: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts that all functions of one stack share. A function that a test does not run needs no parts."""

    events: EventLog
    queue: EventQueue
    ledger: Ledger | None = None
    bus: EventBus | None = None
    secrets: SigningSecrets | None = None
    now: Callable[[], datetime] = clock.now


def ingest_on(stores: Wiring, **changes: Any) -> Ingest:  # noqa: ANN401  fields of `Ingest`
    """An `Ingest` that accepts every scheme and every address, apart from `changes`."""
    secrets: Any = stores.secrets
    made = Ingest(
        secrets=secrets,
        events=stores.events,
        queue=stores.queue,
        schemes=tuple(SCHEMES),
        allowed_sources=(),
        now=stores.now,
    )
    return replace(made, **changes)


def consumer_on(stores: Wiring, **changes: Any) -> Consumer:  # noqa: ANN401  fields of `Consumer`
    """A `Consumer` with every handler that works in one thread, since moto takes no more, apart from `changes`."""
    discover(handlers)
    ledger: Any = stores.ledger
    made = Consumer(
        events=stores.events,
        ledger=ledger,
        queue=stores.queue,
        bus=stores.bus,
        handlers=router,
        settings=SETTINGS,
        keep=KEEP,
        max_receives=100,
        now=stores.now,
        threads=SameThread(),
    )
    return replace(made, **changes)


def relay_on(stores: Wiring, **changes: Any) -> Relay:  # noqa: ANN401  fields of `Relay`
    """A `Relay`, apart from `changes`."""
    return replace(Relay(events=stores.events, queue=stores.queue, now=stores.now), **changes)
