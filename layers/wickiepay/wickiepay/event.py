"""A webhook event: what the text that a signature covers says, read exactly.

Every JSON number is read as a Decimal, so that no amount ever passes through a binary float.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NoReturn

from wickiepay.clock import parse_instant
from wickiepay.decimals import plain
from wickiepay.errors import UnusableBody
from wickiepay.identity import bounded, identify, sha256_of
from wickiepay.reserialise import MAX_DEPTH, too_deep

MAX_NAME_CHARACTERS: Final = 100
MAX_NUMBER_CHARACTERS: Final = 400
"""As long as the plain spelling of every double; a number longer or larger than this is not an amount of anything."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event: `uuid` and `event_key` are its identity, `data_hash` (SHA-256) its content.

    `occurred_at` is the envelope's time stamp as `wickiepay.clock.instant` writes it; None where there is none.
    """

    name: str
    uuid: str
    event_key: str
    data: Mapping[str, object]
    data_hash: bytes
    occurred_at: str | None


def parse(text: bytes, body: bytes) -> WebhookEvent:
    """The event that `text` holds: what the signature covers of `body`, the bytes as received.

    Raises `UnusableBody`, with a sentence for the sender, where it holds none.
    """
    envelope = _read(text)
    name = envelope.get("event")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARACTERS:
        raise UnusableBody(f'"event" is not a name of 1 to {MAX_NAME_CHARACTERS} characters.')
    data = envelope.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UnusableBody('"data" is not a JSON object.')
    name = bounded(name)
    identity = identify(name, envelope, data, sha256_of(body).hex())
    return WebhookEvent(
        name=name,
        uuid=identity.uuid,
        event_key=identity.event_key,
        data=data,
        data_hash=hashlib.sha256(canonical(data)).digest(),
        occurred_at=parse_instant(envelope.get("timestamp")),
    )


def canonical(data: Mapping[str, object]) -> bytes:
    """`data` in one spelling: the same for the same content, whatever its order of keys, blanks, escapes and zeros."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), default=plain).encode()


def _read(text: bytes) -> dict[str, object]:
    if too_deep(text):
        raise UnusableBody(f"The body is nested more than {MAX_DEPTH} levels deep.")
    try:
        envelope = json.loads(
            text.decode("utf-8-sig"), parse_int=_number, parse_float=_number, parse_constant=_not_a_number
        )
    except ValueError as error:
        raise UnusableBody("The body is not JSON in UTF-8.") from error
    if not isinstance(envelope, dict):
        raise UnusableBody("The body is not a JSON object.")
    return envelope


def _number(token: str) -> Decimal:
    # The length first: what an exponent or a million digits cost is not for a sender to choose.
    if len(token) <= MAX_NUMBER_CHARACTERS:
        exponent = token.lower().partition("e")[2]
        if abs(int(exponent or 0)) <= MAX_NUMBER_CHARACTERS:
            return Decimal(token)
    raise UnusableBody(f"The body holds a number of more than {MAX_NUMBER_CHARACTERS} digits.")


def _not_a_number(token: str) -> NoReturn:
    raise UnusableBody(f"The body holds {token}, which is not JSON.")
