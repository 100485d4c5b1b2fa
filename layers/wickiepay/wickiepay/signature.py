"""Signing a body and verifying a signature: HMAC-SHA256 with the shared signing secret, in hexadecimal.

What exactly the provider signs is contradictory in its own documentation, so three schemes are known:

- `raw`: the bytes of the body as received;
- `node`: the body after `JSON.stringify(JSON.parse(body))`, as the provider's Express example verifies it;
- `python`: the body after `json.dumps(json.loads(body))`, as its Flask example does.

No I/O, no clock, no environment.
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
"""Scheme name → what of a body its signature covers. In the order in which they are tried: raw is the cheapest."""

MAX_RESERIALISED_BYTES: Final = 102_400
"""Largest body that is parsed before it is verified: the limit of `express.json()`. A forged one stays cheap."""

_HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class Verified(NamedTuple):
    """The scheme and the secret that matched, and the text its signature covers: the only one that may be acted on."""

    scheme: str
    text: bytes
    secret: Literal["current", "previous"]


def covered_text(body: bytes, scheme: str) -> bytes:
    """The part of `body` that a signature under `scheme` covers. Raises `NotReserialisable` where there is none."""
    return SCHEMES[scheme](body)


def sign(body: bytes, secret: bytes, scheme: str = "raw") -> str:
    """The lowercase hex signature of `body`, as the provider sends it in `X-Webhook-Signature`."""
    return hmac.digest(secret, covered_text(body, scheme), hashlib.sha256).hex()


def parse_signature(header: str | None) -> bytes:
    """The 32 bytes of a signature header's value. Blanks around it and uppercase are let pass.

    Raises `SignatureMissing` without a header, `SignatureMalformed` for anything but 64 hexadecimal digits.
    """
    if header is None or not header.strip(" \t"):
        raise SignatureMissing("The header X-Webhook-Signature is missing.")
    if not _HEX_DIGEST.fullmatch(digest := header.strip(" \t")):
        raise SignatureMalformed("The header X-Webhook-Signature is not one signature of 64 hexadecimal digits.")
    return bytes.fromhex(digest)


def verify(
    body: bytes, signature: bytes, secrets: Iterable[bytes], schemes: Iterable[str] = tuple(SCHEMES)
) -> Verified:
    """What `signature` covers of `body`, under the first of `schemes` and `secrets` that matches.

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
