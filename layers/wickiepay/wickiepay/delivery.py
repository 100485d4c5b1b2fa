"""A signed delivery: the bytes that came, and how they came, before they are interpreted."""

import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from wickiepay.event import WebhookEvent, parse
from wickiepay.signature import covered_text

MAX_BODY_BYTES: Final = 256 * 1024
"""Largest body that is accepted, and so the most that is ever decompressed."""

MAX_UNSIGNED_BYTES: Final = 4 * 1024
"""A body that exceeds its signed text by more than this is not kept, because nobody signed the excess."""

_COMPACT: Final = (
    b'"walletCurrency"channel.payment.detectedconfirmedcreatedprocessingunderpaidexpiredcancelled.status_change'
    b"PROCESSINGCONFIRMEDUNDERPAIDEXPIREDCANCELLED"
    b'"channelId":"","hash":"","address":{"address":"0x","assetPoolId":"","previousStatus":"","asset":"'
    b'TRONBITCOINUSDC{"event":"payment.completed","timestamp":"2026-01-01T00:00:00Z","data":{"uuid":"","merchantId":"",'
    b'"type":"IN","status":"COMPLETE","reference":"order-","displayCurrency":{"currency":"EUR","amount":100.00},'
    b'"paidCurrency":{"currency":"USDT","amount":0},"transactions":[{"txHash":"0x","network":"ETHEREUM",'
    b'"confirmations":12,"amount":0.00,"currency":"USDT"}],"metadata":{"orderId":"","customerId":""}}}'
)
_SPACED: Final = _COMPACT.replace(b":", b": ").replace(b",", b", ")
VOCABULARY: Final = _COMPACT + _SPACED
"""Preset zlib dictionary: strings that are common in events.

It keeps a usual record under 1 KB (one write unit), even once it is finished. Stored bodies can only be read with
exactly these bytes, so they never change; a test has their hash. Each stored body begins with the checksum of its
dictionary (RFC 1950, DICTID), by which a later version could tell a second dictionary from this one.
"""


@dataclass(frozen=True)
class Received:
    """The size in bytes and the SHA-256 (in hexadecimal) of a body that was not kept as received."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Delivery:
    """What was received, when and from where.

    `received_at` is an instant as `wickiepay.clock` writes it, `source` the sender's address, and `request_id` the name
    of the request. `received` is None if `body` is as received; otherwise `body` is the signed text alone.
    """

    body: bytes
    scheme: str
    received_at: str
    source: str
    request_id: str
    received: Received | None = None

    @classmethod
    def of(  # noqa: PLR0913, PLR0917  what a request says of itself
        cls, body: bytes, text: bytes, scheme: str, received_at: str, source: str, request_id: str
    ) -> "Delivery":
        """The delivery of `body`, of which a signature under `scheme` covers `text`."""
        if len(body) - len(text) <= MAX_UNSIGNED_BYTES:
            return cls(body, scheme, received_at, source, request_id)
        received = Received(len(body), hashlib.sha256(body).hexdigest())
        return cls(text, scheme, received_at, source, request_id, received)

    def event(self) -> WebhookEvent:
        """The delivered event. Raises `UnusableBody`, and `NotReserialisable` if the scheme cannot have matched."""
        return parse(covered_text(self.body, self.scheme), self.received_at)

    @cached_property
    def body_hash(self) -> bytes:
        """The SHA-256 of `body`."""
        return hashlib.sha256(self.body).digest()

    @cached_property
    def packed_body(self) -> bytes:
        """The deflated body, as it is stored and queued. Incompressible content grows by a few bytes per 16 KiB."""
        return pack(self.body)


def pack(content: bytes) -> bytes:
    """`content`, deflated with `VOCABULARY`."""
    packing = zlib.compressobj(zdict=VOCABULARY)
    return packing.compress(content) + packing.flush()


def unpack(packed: bytes) -> bytes:
    """The content that `pack` packed. Raises `zlib.error` for anything else, and above 256 KiB."""
    unpacking = zlib.decompressobj(zdict=VOCABULARY)
    content = unpacking.decompress(packed, MAX_BODY_BYTES + 1)
    if not unpacking.eof or unpacking.unused_data or len(content) > MAX_BODY_BYTES:
        raise zlib.error("cut off, followed by something else, or larger than a body may be")
    return content
