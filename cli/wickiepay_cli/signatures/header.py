"""Changes to the text of a signature."""

import base64
import re
from collections.abc import Mapping
from typing import Final

from wickiepay_cli.signatures.change import Change, Changes, Finding

ALGORITHMS: Final[Mapping[int, str]] = {20: "sha1", 32: "sha256", 64: "sha512"}
"""Size of a digest in bytes → the hash function."""

_EXPECTED: Final = "Give it, and compare it, as it was sent: 64 hexadecimal digits and nothing else."
_COUNTS_HERE: Final = "Here it counts for the same; listeners that compare texts refuse it."

_SEVERAL: Final = "There are several signatures where one belongs."
_SET_TWICE: Final = "Find out what adds the header a second time: the client, or a proxy between."

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_NAME = re.compile(r"\s*[\w-]*signature[\w-]*\s*:\s*", re.IGNORECASE)
STRIPES_FORM: Final = re.compile(r"\s*t=[0-9]+\s*,(?:.*,)?\s*v[0-9]=", re.IGNORECASE)
_PREFIX = re.compile(r"\s*(?:(?:hmac[-_]?)?sha[-_]?(?:1|256|512)|hmac|hex|v[0-9]|signature)\s*[=:]\s*", re.IGNORECASE)


def digest_of(text: str) -> bytes | None:
    """The digest of any of the `ALGORITHMS` that `text` is in hexadecimal, or None."""
    return bytes.fromhex(text) if _HEX.fullmatch(text) and len(text) // 2 in ALGORITHMS else None


def _from_base64(text: str) -> str:
    digest = base64.b64decode(text.translate({ord("-"): "+", ord("_"): "/"}), validate=True)
    if len(digest) not in ALGORITHMS:
        raise ValueError("not a digest in base64")
    return digest.hex()


SIGNATURE_CHANGES: Final[Changes[str]] = (
    Change(
        "signature_base64",
        "The signature is in base64, not in hexadecimal.",
        'Write the digest with .digest("hex") in Node, .hexdigest() in Python.',
        _from_base64,
    ),
    Change(
        "signature_prefixed",
        'The name of an algorithm stands before the signature, as in "sha256=…".',
        "WickiePay sends the digits alone: see what else calls this URL, or adds the prefix.",
        lambda text: _PREFIX.sub("", text, count=1),
    ),
    Change("signature_quoted", "The signature is in quotes.", _EXPECTED, lambda text: text.strip("'\"")),
    Change("signature_blanks", "There is white space around the signature.", _EXPECTED, str.strip),
    Change("signature_doubled", _SEVERAL, _SET_TWICE, lambda text: text.split(",", 1)[0]),
    Change("signature_doubled", _SEVERAL, _SET_TWICE, lambda text: text.rsplit(",", 1)[-1].lstrip()),
    Change(
        "signature_named",
        "The name of the header stands before the signature.",
        "Give what follows the colon alone.",
        lambda text: _NAME.sub("", text, count=1),
    ),
)

MISSING: Final = Finding(
    "signature_missing",
    "There is no signature.",
    "Look for the header X-Webhook-Signature where the request came in: proxies drop what they do not know.",
)
MALFORMED: Final = Finding("signature_malformed", "The signature is not one of 64 hexadecimal digits.", _EXPECTED)
STRIPE: Final = Finding(
    "signature_stripe",
    "The signature has Stripe's form (t=…,v1=…): it covers a time and the body, not the body alone.",
    "WickiePay sends 64 hexadecimal digits and nothing else: see whose webhook this is, and which library signs it.",
)


def remarks(text: str) -> list[Finding]:
    """What is unusual, though accepted, about the text of a signature."""
    found = []
    if text != text.strip():
        found.append(Finding("signature_blanks", "There is white space around the signature.", _COUNTS_HERE))
    if text != text.lower():
        found.append(Finding("signature_upper_case", "The signature is in upper case.", _COUNTS_HERE))
    return found


def other_algorithm(digest: bytes) -> list[Finding]:
    """The finding that a digest is too short or too long for HMAC-SHA256, if it is."""
    algorithm = ALGORITHMS[len(digest)]
    if algorithm == "sha256":
        return []
    what = f"The signature has {len(digest) * 2} hexadecimal digits: it is made with {algorithm.upper()}, not SHA256."
    return [Finding(f"signature_{algorithm}", what, "Sign with HMAC-SHA256.")]
