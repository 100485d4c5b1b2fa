"""A webhook event, read from signed text. Numbers are read as Decimals: no amount ever passes through a float."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final, NoReturn

from wickiepay.clock import ABSENT, parse_instant
from wickiepay.errors import UnusableBody
from wickiepay.identity import Identity, bounded, content_digits, content_hash_of, event_id, identify
from wickiepay.reserialise import MAX_DEPTH, too_deep
from wickiepay.spelling import canonical

MAX_NAME_CHARACTERS: Final = 100
MAX_NUMBER_CHARACTERS: Final = 400
"""Most characters of a number, and its largest exponent. Every double fits in plain digits; no amount is as long."""


@dataclass(frozen=True)
class WebhookEvent:
    """One event, and its place in the books.

    `identity` is that of its record, and `key` the event key that follows from its content. `data_hash` is the SHA-256
    of `data` in canonical form, with identifiers as they were spelled. `occurred_at` is the envelope's time stamp as
    `wickiepay.clock.instant` writes it, or None. `event_id` is the provider's own id of the event, or None.
    `received_at` is when the event was delivered. `stands_at` is a place other than the event's own, or None: an
    operator accepted it there (`accepted_place`), or its content was told before. `entry` is the part of a second
    credit, or None.
    """

    name: str
    identity: Identity
    key: str
    data: Mapping[str, object]
    data_hash: bytes
    occurred_at: str | None
    event_id: str | None
    received_at: str
    stands_at: str | None = None
    entry: str | None = None

    @cached_property
    def content_hash(self) -> bytes:
        """The SHA-256 of `data` with identifiers in their normal spelling. Contents are compared by it."""
        return content_hash_of(self.data, self.data_hash)

    @property
    def place(self) -> str:
        """The text that orders events of the same stage."""
        return self.stands_at or own_place(self.key, self.occurred_at, self.content_hash)

    @property
    def moment(self) -> str:
        """When it happened, by the sender's time stamp; without one, when it was delivered."""
        return self.occurred_at or self.received_at


def parse(text: bytes, received_at: str = ABSENT) -> WebhookEvent:
    """The event in `text`, which a signature covers. Raises `UnusableBody`, with a sentence for the sender."""
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
    occurred_at = parse_instant(envelope.get("timestamp"))
    data_hash = hashlib.sha256(canonical(data)).digest()
    identity = identify(name, envelope, data, occurred_at, data_hash)
    return WebhookEvent(
        name=name,
        identity=identity,
        key=identity.event_key,
        data=data,
        data_hash=data_hash,
        occurred_at=occurred_at,
        event_id=event_id(envelope),
        received_at=received_at,
    )


def own_place(key: str, occurred_at: str | None, content_hash: bytes) -> str:
    """An event's place among all events of its stage: by time, then by key and content, so that no two tie."""
    return f"{occurred_at or ABSENT}|{key}|{content_digits(content_hash)}"


def accepted_place(corrected: str, accepted_at: str, content_hash: bytes) -> str:
    """The place of an accepted conflict: just above that of the delivery that it corrects.

    Later events still come after it, and the later of two acceptances wins. A place has no other "!": keys have none.
    """
    return f"{corrected}!{accepted_at}|{content_digits(content_hash)}"


def place_and_acceptance(place: str) -> tuple[str, str]:
    """The place that an accepted conflict took over, and when it was accepted; for any other event, that is empty."""
    corrected, _, acceptance = place.partition("!")
    return corrected, acceptance.partition("|")[0]


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
    # The length comes first, so that no sender can choose how much work an exponent or a million digits make.
    if len(token) <= MAX_NUMBER_CHARACTERS:
        exponent = token.lower().partition("e")[2]
        if abs(int(exponent or 0)) <= MAX_NUMBER_CHARACTERS:
            return Decimal(token)
    raise UnusableBody(f"The body holds a number of more than {MAX_NUMBER_CHARACTERS} digits.")


def _not_a_number(token: str) -> NoReturn:
    raise UnusableBody(f"The body holds {token}, which is not JSON.")
