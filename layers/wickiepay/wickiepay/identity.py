"""Which event a delivery is: the pair (uuid, event_key), the primary key of the event table.

The provider's uuid alone names a payment, not an event: `payment.processing` and `payment.completed` of one payment
carry the same one. So the uuid is the partition, and beside it stands what tells the events of one uuid apart.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from wickiepay.clock import parse_instant
from wickiepay.decimals import plain

ONCE_PER_NAME: Final = frozenset(
    {
        "payment.created",
        "payment.processing",
        "payment.completed",
        "payment.underpaid",
        "payment.expired",
        "payment.cancelled",
        "channel.payment.detected",
        "channel.payment.confirmed",
        "channel.payment.completed",
        "crypto.address.created",
        "trade.conversion.created",
    }
)
"""Sent once for a uuid: the name is all that tells them apart."""

_ONCE_PER_STATE = (".status_change", ".status_changed", ".state_changed")
_CHANNEL = "channel.payment."

# Of DynamoDB's 2,048 bytes for a partition key and 1,024 for a sort key; "#" and "!" separate the parts of a key.
_PLAIN = re.compile(r'[ "$-~]{1,200}')
_HASHED = "sha256:"


@dataclass(frozen=True, slots=True)
class Identity:
    uuid: str
    event_key: str


@lru_cache(maxsize=1)
def sha256_of(body: bytes) -> bytes:
    """The SHA-256 of a body. The last is kept: a log line, a key and a record ask for it."""
    return hashlib.sha256(body).digest()


def bounded(text: str) -> str:
    """`text` where it can stand in a key as it is, else its hash: no sender can make a key that a table refuses."""
    if _PLAIN.fullmatch(text) and not text.startswith(_HASHED):
        return text
    return _HASHED + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def identifier(data: Mapping[str, object], *fields: str) -> str | None:
    """The first of `fields` that holds an identifier (text that is not empty, or a number), bounded; else None."""
    for field in fields:
        value = data.get(field)
        if isinstance(value, Decimal):
            value = plain(value)
        if isinstance(value, str) and value:
            return bounded(value)
    return None


def transaction_hash(data: Mapping[str, object]) -> str | None:
    """The blockchain transaction that `data` names, if any. Hexadecimal is one in either case of letters."""
    transaction = identifier(data, "hash", "txHash")
    return transaction.lower() if transaction and transaction.lower().startswith("0x") else transaction


def identify(name: str, envelope: Mapping[str, object], data: Mapping[str, object], body_sha256: str) -> Identity:
    """The identity of the event `name`, from its envelope, its data and the SHA-256 (hex) of the body it came in.

    `name` is `bounded` already: it becomes part of the key.
    An id of the event's own in the envelope wins over every other rule for the key, except where it only repeats the
    identifier in `data`: then it names the resource and tells no two of its events apart.
    """
    resource = identifier(data, "uuid", "id")
    repeated = {identifier(data, "uuid"), identifier(data, "id")}
    for own in (identifier(envelope, field) for field in ("id", "eventId", "uuid")):
        if own and own not in repeated:
            return Identity(resource or own, f"{name}#{own}")
    return Identity(resource or body_sha256, name + _discriminator(name, envelope, data, body_sha256))


def _discriminator(name: str, envelope: Mapping[str, object], data: Mapping[str, object], body_sha256: str) -> str:
    """What tells apart the events of one name and one uuid; empty for a name that comes once."""
    if name in ONCE_PER_NAME:
        # In case the uuid should turn out to be the channel's: two transactions into it are two events.
        transaction = transaction_hash(data) if name.startswith(_CHANNEL) else None
        return f"#{transaction}" if transaction else ""
    if name.endswith(_ONCE_PER_STATE) and (state := identifier(data, "status", "state")):
        return f"#{state}"
    return f"#{parse_instant(envelope.get('timestamp')) or body_sha256}"
