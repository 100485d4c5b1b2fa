"""What the provider may send to a busy merchant: the lives of payments, channel payments, deposits and more."""

import random
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any, Final

type Envelope = dict[str, Any]

STAGES: Final = {
    "payment.created": (10, "PENDING"),
    "payment.processing": (20, "PROCESSING"),
    "payment.underpaid": (30, "UNDERPAID"),
    "payment.expired": (30, "EXPIRED"),
    "payment.completed": (90, "COMPLETE"),
    "channel.payment.detected": (10, "DETECTED"),
    "channel.payment.confirmed": (50, "CONFIRMED"),
    "channel.payment.completed": (90, "COMPLETE"),
}
"""How far along a payment is by each event, and what it is called then."""

CONFIRMED: Final = "channel.payment.confirmed"
CREDITING: Final = frozenset({CONFIRMED, "channel.payment.completed"})
ACCOUNTS: Final = 3
AMOUNTS: Final = ("0.1", "0.2", "100.1", "7", "0.000000000000000001", "123456.789")
"""No more than 28 digits from the first of a sum to its last: the emulator adds no further (DynamoDB does: 38)."""


def traffic(name: str, events: int, chance: random.Random) -> list[Envelope]:
    """So many events of the lives of payments, channel payments, deposits and more, each once.

    And besides, for some that credit, the same event with another amount. All uuids and accounts begin with `name`.
    """
    lives = (
        life
        for number, make in enumerate(cycle([_payment, _channel_payment, _channel_payment, _others]))
        for life in make(f"{name}-{number}", f"{name}-account-{chance.randrange(ACCOUNTS)}", chance)
    )
    envelopes = list(islice(lives, events))
    crediting = [envelope for envelope in envelopes if envelope["event"] == CONFIRMED]
    return envelopes + [_otherwise(envelope) for envelope in crediting[::4]]


def _payment(uuid: str, reference: str, chance: random.Random) -> Iterator[Envelope]:
    for second, event in enumerate(["created", "processing", chance.choice(["underpaid", "expired"])]):
        yield _envelope(f"payment.{event}", second, uuid=uuid, reference=reference)
    if chance.random() < 0.5:
        yield _envelope("payment.completed", 3, uuid=uuid, reference=reference)


def _channel_payment(uuid: str, account: str, chance: random.Random) -> Iterator[Envelope]:
    money = {"currency": chance.choice(["EUR", "USDC"]), "amount": chance.choice(AMOUNTS)}
    for second, event in enumerate(["detected", "confirmed", "completed"]):
        yield _envelope(f"channel.payment.{event}", second, uuid=uuid, reference=account, displayCurrency=money)


def _others(uuid: str, account: str, chance: random.Random) -> Iterator[Envelope]:  # noqa: ARG001
    for second, status in enumerate(["PENDING", "CONFIRMED", "COMPLETE"]):
        yield _envelope("deposit.status_change", second, id=f"{uuid}-deposit", status=status)
    yield _envelope("weather.changed", 0, uuid=f"{uuid}-weather")
    yield _envelope(CONFIRMED, 0, uuid=f"{uuid}-nobody", displayCurrency={"currency": "EUR", "amount": "1"})


def _envelope(event: str, second: int, **data: object) -> Envelope:
    return {"event": event, "timestamp": f"2026-01-15T10:25:{second:02d}Z", "data": data}


def _otherwise(envelope: Envelope) -> Envelope:
    return envelope | {"data": envelope["data"] | {"displayCurrency": {"currency": "EUR", "amount": "0.3"}}}


def deliveries(
    name: str, chance: random.Random, often: int, once: int, times: tuple[int, int] = (3, 8)
) -> list[Envelope]:
    """`often` events from the one to the other of `times` times each, and `once` events once, all of them shuffled.

    Duplicates mend what went wrong with their event; of what comes only once every single step has to hold.
    """
    copies = [event for event in traffic(f"{name}-often", often, chance) for _ in range(chance.randint(*times))]
    copies += traffic(f"{name}-once", once, chance)
    chance.shuffle(copies)
    return copies
