"""A signed delivery: the bytes as received and how they came, before anything is made of them."""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wickiepay.event import WebhookEvent, parse
from wickiepay.signature import covered_text

MAX_BODY_BYTES: Final = 256 * 1024
"""Of a delivery that is taken, so also of whatever is unpacked."""

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
"""What events are made of, for bodies to be deflated with: the usual record stays under 1 KB, one write unit, even when
it is finished. What was packed with it needs it, to the last byte, so it never changes.
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came in, when and from where.

    `received_at` is an instant as `wickiepay.clock.instant` writes it, `source` the sender's address, `request_id` the
    API's name for the request.
    """

    body: bytes
    scheme: str
    received_at: str
    source: str
    request_id: str

    def event(self) -> WebhookEvent:
        """The event that was delivered: read from the text the signature covered.

        Raises `UnusableBody`, and `NotReserialisable` for a scheme that cannot have matched.
        """
        return parse(covered_text(self.body, self.scheme), self.body)

    def packed_body(self) -> bytes:
        """The body as it is kept and sent: deflated. What does not compress grows by some bytes per 16 KiB."""
        return _packed(self.body)


@lru_cache(maxsize=1)  # a delivery is kept and sent, one after the other
def _packed(body: bytes) -> bytes:
    packing = zlib.compressobj(zdict=VOCABULARY)
    return packing.compress(body) + packing.flush()


def unpack_body(packed: bytes) -> bytes:
    """The body that `packed_body` packed. Raises `zlib.error` for anything else, and above 256 KiB."""
    unpacking = zlib.decompressobj(zdict=VOCABULARY)
    body = unpacking.decompress(packed, MAX_BODY_BYTES + 1)
    if not unpacking.eof or len(body) > MAX_BODY_BYTES:
        raise zlib.error("cut off, or larger than a body may be")
    return body
