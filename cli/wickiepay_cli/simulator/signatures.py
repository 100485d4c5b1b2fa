"""Whether a request to the API is signed as the documentation says. It is strict: what it does not name is refused."""

import base64
import hashlib
import re
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

WINDOW: Final = timedelta(minutes=5)
"""How far the time of a signature may be from ours."""

INVALID_SIGNATURE: Final = "INVALID_SIGNATURE"
EXPIRED_SIGNATURE: Final = "EXPIRED_SIGNATURE"
INVALID_CLIENT_ID: Final = "INVALID_CLIENT_ID"

COVERED: Final = '("@method" "@target-uri" "content-digest" "date")'
_INPUT: Final = re.compile(
    rf'sig=({re.escape(COVERED)};created=(\d{{1,12}});keyid="([^"\\]{{1,200}})"(?:;alg="([^"\\]*)")?)'
)
_SIGNATURE: Final = re.compile(r"sig=:([A-Za-z0-9+/=]+):")

type Headers = Mapping[str, Sequence[str]]
"""Name in lower case → the values of the headers of that name."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is answered 401, as the documentation puts it."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    target_uri: str
    headers: Headers
    body: bytes


def refusal(  # noqa: PLR0911  one for each reason
    asked: Asked, keys: Mapping[str, RSAPublicKey], algorithm: str, now: datetime
) -> Refusal | None:
    """Why the signature of a request does not count, or None. `keys` are the registered ones by their client ids."""
    given = {name: asked.headers.get(name, ()) for name in ("signature-input", "signature", "content-digest", "date")}
    if any(len(values) != 1 for values in given.values()):
        return Refusal(INVALID_SIGNATURE, "A header of the signature is missing, or is there twice.")
    signature_input, signature, digest, date = (values[0].strip() for values in given.values())
    covered, value = _INPUT.fullmatch(signature_input), _SIGNATURE.fullmatch(signature)
    if covered is None or value is None:
        return Refusal(INVALID_SIGNATURE, f"The signature is not labelled sig, over {COVERED}, with created and keyid.")
    parameters, created, client_id, named = covered.groups()
    if client_id not in keys:
        return Refusal(INVALID_CLIENT_ID, "No key is registered under this client id.")
    if digest != f"sha-256=:{base64.b64encode(hashlib.sha256(asked.body).digest()).decode()}:":
        return Refusal(INVALID_SIGNATURE, "The digest is not that of the body.")
    base = "\n".join(
        (
            f'"@method": {asked.method}',
            f'"@target-uri": {asked.target_uri}',
            f'"content-digest": {digest}',
            f'"date": {date}',
            f'"@signature-params": {parameters}',
        )
    )
    if named not in {None, algorithm} or not _is_signed(keys[client_id], algorithm, value[1], base):
        return Refusal(INVALID_SIGNATURE, "The signature is not of this request, or of another key.")
    if not (_is_near(created, now) and _is_near(date, now)):
        return Refusal(EXPIRED_SIGNATURE, "The signature is not of the last five minutes.")
    return None


def _is_signed(key: RSAPublicKey, algorithm: str, signature: str, base: str) -> bool:
    try:
        value = base64.b64decode(signature, validate=True)
        if algorithm == "rsa-pss-sha512":
            key.verify(value, base.encode(), PSS(MGF1(hashes.SHA512()), salt_length=64), hashes.SHA512())
        else:
            key.verify(value, base.encode(), PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, NotBase64):
        return False
    return True


def _is_near(text: str, now: datetime) -> bool:
    """Whether a time, in seconds or as a header has it, is within the window."""
    try:
        moment = datetime.fromtimestamp(int(text), now.tzinfo) if text.isdecimal() else parsedate_to_datetime(text)
        return abs(now - moment) <= WINDOW
    except (ValueError, TypeError, OverflowError):  # TypeError: it has no offset
        return False
