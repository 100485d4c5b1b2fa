"""The identity of an event: the pair (uuid, event_key), which is the primary key of the event table.

The provider's uuid alone names a payment, not an event: `payment.processing` and `payment.completed` of one payment
have the same uuid. So the uuid is the partition key, and the event key tells the events of one uuid apart. Nothing
outside the signed text counts (books.md, sections 1 and 2 of the design).

Only this module writes or parses a key. Its grammar:

    KEY       = FIRST | REVISION | CONFLICT | ACCEPTED | "!unusable"
    FIRST     = NAME [ "#" DISCRIMINATOR ]*       the first delivery of an event
    REVISION  = FIRST "##" TIME                   the same event, told again at another time with other content
    CONFLICT  = (FIRST | REVISION) "!conflict#" CONTENT-HASH
    ACCEPTED  = (FIRST | REVISION) "!accepted#" CONTENT-HASH

No name and no discriminator is empty or contains "#" or "!" (`bounded`), so a key can be read in only one way.
"""

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum, auto
from typing import Final, NamedTuple

from wickiepay.decimals import plain
from wickiepay.spelling import canonical, normal_spelling, normalised

ONCE_PER_UUID: Final = frozenset(
    {
        "payment.created",
        "payment.processing",
        "payment.completed",
        "payment.underpaid",
        "payment.expired",
        "payment.cancelled",
        "crypto.address.created",
        "trade.conversion.created",
    }
)
"""Sent at most once per uuid, so the name alone identifies the event."""

CHANNEL_PAYMENTS: Final = frozenset(
    {"channel.payment.detected", "channel.payment.confirmed", "channel.payment.completed"}
)
"""Sent at most once per uuid, unless the uuid may be the channel's: then the transaction tells two payments apart."""

_ONCE_PER_STATE = (".status_change", ".status_changed", ".state_changed")

_REVISION = "##"
_CONFLICT = "!conflict#"
_ACCEPTED = "!accepted#"
_UNUSABLE = "!unusable"

# DynamoDB allows 2,048 bytes for a partition key and 1,024 for a sort key:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_PLAIN = re.compile(r'[ "$-~]{1,200}')
_HASHED = "sha256:"
_HASH_DIGITS: Final = 16
"""Number of a content hash's hexadecimal digits that keys and places contain."""


class Kind(Enum):
    """The kind of a record, which its key tells."""

    EVENT = auto()
    CONFLICT = auto()
    ACCEPTED = auto()
    UNUSABLE = auto()


class Identity(NamedTuple):
    uuid: str
    event_key: str

    @property
    def kind(self) -> Kind:
        if _CONFLICT in self.event_key:
            return Kind.CONFLICT
        if _ACCEPTED in self.event_key:
            return Kind.ACCEPTED
        return Kind.UNUSABLE if self.event_key == _UNUSABLE else Kind.EVENT

    @property
    def name(self) -> str:
        """The event's name."""
        return self.first.event_key.partition("#")[0]

    @property
    def about_money(self) -> bool:
        """Whether the event is about a payment. If it has no handler, a person has to look at it."""
        return self.name.startswith(("payment.", "channel.payment."))

    @property
    def discriminators(self) -> str:
        """The rest of the first delivery's key after the name; empty for a name that is sent once."""
        return self.first.event_key.partition("#")[2]

    @property
    def first(self) -> "Identity":
        """The identity of the event's first delivery. A subscriber that must act once per event compares this."""
        return Identity(self.uuid, self.corrected.event_key.partition(_REVISION)[0])

    @property
    def corrected(self) -> "Identity":
        """The delivery that a conflict, or an accepted one, contradicts. For any other identity, the same identity."""
        return Identity(self.uuid, self.event_key.partition(_CONFLICT)[0].partition(_ACCEPTED)[0])

    @property
    def revised_at(self) -> str | None:
        """The sender's time stamp of a revision, or None if it is not a revision."""
        return self.corrected.event_key.partition(_REVISION)[2] or None

    @property
    def content_digits(self) -> str:
        """The content hash in the key of a conflict or an accepted conflict; otherwise empty."""
        return self.event_key.partition(_CONFLICT)[2] or self.event_key.partition(_ACCEPTED)[2]

    def revision(self, occurred_at: str) -> "Identity":
        """The identity of the same event, told again with the time stamp `occurred_at` and other content."""
        return Identity(self.uuid, f"{self.event_key}{_REVISION}{occurred_at}")

    def conflict(self, content_hash: bytes) -> "Identity":
        """The identity of a delivery of this event with other content, but no time stamp that tells the two apart."""
        return Identity(self.uuid, f"{self.event_key}{_CONFLICT}{content_hash.hex()}")

    def accepted(self) -> "Identity":
        """The identity that this conflict gets when an operator accepts it."""
        return Identity(self.uuid, self.event_key.replace(_CONFLICT, _ACCEPTED))


def unusable(text_hash: bytes) -> Identity:
    """The identity of a correctly signed text without an event, made from its SHA-256."""
    return Identity(_HASHED + text_hash.hex(), _UNUSABLE)


def bounded(text: str) -> str:
    """`text` if it can be part of a key as it is, otherwise its hash. So no sender can cause a key that is refused."""
    if _PLAIN.fullmatch(text) and not text.startswith(_HASHED):
        return text
    return _HASHED + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def text_of(data: Mapping[str, object], *fields: str) -> str | None:
    """The first of `fields` that holds a number or text that is not blank, as it was sent, or None."""
    for field in fields:
        value = data.get(field)
        if isinstance(value, Decimal):
            value = plain(value)
        if isinstance(value, str) and value.strip():
            return value
    return None


def identifier(data: Mapping[str, object], *fields: str) -> str | None:
    """The first of `fields` that holds an identifier, in its normal spelling and bounded, or None."""
    text = text_of(data, *fields)
    return None if text is None else bounded(normal_spelling(text))


def resource(data: Mapping[str, object]) -> str | None:
    """The uuid of the payment or resource that the event is about: the first identifier in `uuid` and `id`, or None."""
    return identifier(data, "uuid", "id")


def transaction(data: Mapping[str, object]) -> str | None:
    """The blockchain transaction that `data` names, or None: hex digits in lower case, base58 with its own."""
    text = text_of(data, "hash", "txHash")
    if text is None:
        return None
    text = normal_spelling(text.strip())
    return bounded(text.lower() if text.lower().startswith("0x") else text)


def may_be_channels(data: Mapping[str, object]) -> bool:
    """Whether the uuid of a channel payment may be the channel's, because no other channel is named."""
    return identifier(data, "channelId") in {None, resource(data)}


def event_id(envelope: Mapping[str, object]) -> str | None:
    """The provider's own id of the event in the envelope, or None."""
    return identifier(envelope, "id", "eventId", "uuid")


def identify(
    name: str, envelope: Mapping[str, object], data: Mapping[str, object], occurred_at: str | None, data_hash: bytes
) -> Identity:
    """The identity of an event with that `bounded` name and time stamp, whose canonical `data` has `data_hash`."""
    # Without a uuid, name and content identify an event. The time stamp is left out: a retry may have a new one.
    uuid = resource(data)
    if uuid is None:
        uuid = _HASHED + hashlib.sha256(canonical({"event": name, "data": normalised(data)})).hexdigest()
    return Identity(uuid, name + _discriminator(name, envelope, data, occurred_at, data_hash))


def _discriminator(
    name: str, envelope: Mapping[str, object], data: Mapping[str, object], occurred_at: str | None, data_hash: bytes
) -> str:
    """The text that tells apart the events of one name and one uuid; empty for a name that is sent once."""
    if name in ONCE_PER_UUID:
        return ""
    if name in CHANNEL_PAYMENTS:
        paid_by = transaction(data) if may_be_channels(data) else None
        return f"#{paid_by}" if paid_by else ""
    if name.endswith(_ONCE_PER_STATE) and (state := identifier(data, "status", "state")):
        return f"#{state}"
    # Sent any number of times: each id (without one, each time stamp) is a separate event, and so is each content.
    own = event_id(envelope)
    if own in {identifier(data, "uuid"), identifier(data, "id")}:
        own = None  # it names the resource, and does not tell its events apart
    stamp = own or occurred_at
    return (f"#{stamp}" if stamp else "") + f"#{content_digits(content_hash_of(data, data_hash))}"


def content_digits(content_hash: bytes) -> str:
    """The digits of a content hash that keys and places contain."""
    return content_hash.hex()[:_HASH_DIGITS]


def content_hash_of(data: Mapping[str, object], data_hash: bytes) -> bytes:
    """The SHA-256 of `data` with identifiers in their normal spelling. `data_hash` is that of `data` as it is."""
    normal = normalised(data)
    return data_hash if normal == data else hashlib.sha256(canonical(normal)).digest()
