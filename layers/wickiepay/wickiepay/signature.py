"""Signing a body and verifying a signature: HMAC-SHA256 with the shared signing secret, in hexadecimal.

The provider's documentation contradicts itself about what exactly is signed, so three schemes are known:

- `raw`: the bytes of the body as received;
- `node`: the body after `JSON.stringify(JSON.parse(body))`, as the provider's Express example verifies it;
- `python`: the body after `json.dumps(json.loads(body))`, as its Flask example verifies it.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple

from wickiepay.errors import SignatureMalformed, SignatureMismatch, SignatureMissing
from wickiepay.reserialise import NotReserialisable, node_text, python_text

SCHEMES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "raw": lambda body: body,
    "node": node_text,
    "python": python_text,
}
"""Scheme name → the function that returns the text of a body that its signature covers. The cheapest comes first."""

MAX_RESERIALISED_BYTES: Final = 102_400
"""Largest body that is parsed before it is verified, so that a forged one stays cheap: the limit of `express.json()`.
"""

_HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class Verified(NamedTuple):
    """The scheme and secret that matched, and the covered text, which is the only text that may be acted on."""

    scheme: str
    text: bytes
    secret: Literal["current", "previous"]


def covered_text(body: bytes, scheme: str) -> bytes:
    """The text of `body` that a signature under `scheme` covers. Raises `NotReserialisable` if there is none."""
    return SCHEMES[scheme](body)


def sign(body: bytes, secret: bytes, scheme: str = "raw") -> str:
    """The lowercase hex signature of `body`, as the provider sends it in `X-Webhook-Signature`."""
    return hmac.digest(secret, covered_text(body, scheme), hashlib.sha256).hex()


def parse_signature(header: str | None) -> bytes:
    """The 32 bytes of a signature header's value. Surrounding blanks and upper case are accepted.

    Raises `SignatureMissing` without a header, and `SignatureMalformed` for anything but 64 hexadecimal digits.
    """
    if header is None or not header.strip(" \t"):
        raise SignatureMissing("The header X-Webhook-Signature is missing.")
    if not _HEX_DIGEST.fullmatch(digest := header.strip(" \t")):
        raise SignatureMalformed("The header X-Webhook-Signature is not one signature of 64 hexadecimal digits.")
    return bytes.fromhex(digest)


def verify(
    body: bytes, signature: bytes, secrets: Iterable[bytes], schemes: Iterable[str] = tuple(SCHEMES)
) -> Verified:
    """The text of `body` that `signature` covers, under the first of `schemes` and `secrets` that match.

    `secrets` are the current signing secret and, during a rotation, the previous one. Digests are compared in constant
    time. Raises `SignatureMismatch` when none matches; an empty secret never does.
    """
    keys = [(number, secret) for number, secret in enumerate(secrets) if secret]
    for scheme in schemes:
        if scheme != "raw" and len(body) > MAX_RESERIALISED_BYTES:
            continue
        try:
            text = covered_text(body, scheme)
        except NotReserialisable:
            continue
        for number, key in keys:
            if hmac.compare_digest(hmac.digest(key, text, hashlib.sha256), signature):
                return Verified(scheme, text, "previous" if number else "current")
    raise SignatureMismatch("The signature does not match the body.")
