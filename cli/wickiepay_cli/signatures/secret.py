"""Changes to a secret between where it is stored and where it is used, and other ways to sign with it."""

import base64
import codecs
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.sending import exact_json
from wickiepay_cli.signatures.change import Change, Changes, Finding

_AS_GIVEN = "Use the secret as WickiePay shows it, as text: its bytes are the key."
_ONE_WAY = "Give both sides the secret in the same form: the text as it is."
_SIGNED_WITH_QUOTES = "The signature was made with the secret and quotes around it."
_UNSET = "Set the secret where the signature is made, and refuse to start without one."


MOST_KEYS: Final = 8
"""Most values that are tried of a secret in JSON."""

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def _unquoted(secret: bytes) -> bytes:
    return secret[1:-1] if secret[:1] == secret[-1:] and secret[:1] in {b"'", b'"'} else secret


def _text_in_json(number: int, secret: bytes) -> bytes:
    match exact_json.read(secret):
        case dict() as members:
            for text in [value for value in members.values() if isinstance(value, str)][number:]:
                return text.encode()
    raise ValueError("not a JSON object of so many texts")


def _from_base64(secret: bytes) -> bytes:
    return base64.b64decode(secret.translate(bytes.maketrans(b"-_", b"+/")), validate=True)


SECRET_CHANGES: Final[Changes[bytes]] = (
    Change("secret_unset", "The signature was made with an empty secret.", _UNSET, lambda _: b""),
    Change("secret_unset", 'The signature was made with "undefined" as the secret.', _UNSET, lambda _: b"undefined"),
    Change("secret_unset", 'The signature was made with "None" as the secret.', _UNSET, lambda _: b"None"),
    Change("secret_unset", 'The signature was made with "null" as the secret.', _UNSET, lambda _: b"null"),
    Change(
        "secret_local",
        "The signature was made with the secret that local stacks have by default.",
        "Sign with this stack's own: wickiepay trigger --stack NAME does.",
        lambda _: DEFAULT_SIGNING_SECRET.encode(),
    ),
    Change("secret_base64", "The signature was made with the secret decoded from base64.", _ONE_WAY, _from_base64),
    Change(
        "secret_hex",
        "The signature was made with the secret decoded from hexadecimal.",
        _ONE_WAY,
        lambda secret: bytes.fromhex(secret.decode("ascii")),
    ),
    Change(
        "secret_without_prefix",
        'The signature was made with the secret without its "whsec_".',
        "The prefix is a part of the secret: sign and verify with all of it.",
        lambda secret: secret.removeprefix(b"whsec_"),
    ),
    Change(
        "secret_with_prefix",
        'The signature was made with "whsec_" before the secret.',
        "The prefix is a part of the secret: sign and verify with all of it.",
        lambda secret: secret if secret.startswith(b"whsec_") else b"whsec_" + secret,
    ),
    Change(
        "secret_newline",
        "The signature was made with the secret and a newline after it.",
        "Strip the secret where the signature is made: it was read from a file, or written with echo.",
        lambda secret: secret + b"\n",
    ),
    Change(
        "secret_bom",
        "The signature was made with the secret and a byte order mark before it.",
        "Read the secret as UTF-8 with a signature (utf-8-sig), or save its file without one.",
        lambda secret: codecs.BOM_UTF8 + secret,
    ),
    Change(
        "secret_bom",
        "There is a byte order mark, or a character without width, around the secret.",
        "Save its file as UTF-8 without one; copy the secret from plain text.",
        lambda secret: secret.decode().strip(_INVISIBLE).encode(),
    ),
    Change("secret_quoted", _SIGNED_WITH_QUOTES, _AS_GIVEN, lambda secret: b'"' + secret + b'"'),
    Change("secret_quoted", _SIGNED_WITH_QUOTES, _AS_GIVEN, lambda secret: b"'" + secret + b"'"),
    Change("secret_quoted", "The quotes around the secret are taken as part of it.", _AS_GIVEN, _unquoted),
    Change(
        "secret_blanks",
        "There is white space around the secret, such as the end of a line.",
        "Write it without: printf '%s', not echo; and strip what is read from a file.",
        bytes.strip,
    ),
    Change(
        "secret_with_name",
        "The name of a variable stands before the secret (NAME=…).",
        "Take what follows the equals sign.",
        lambda secret: re.sub(rb"\A\s*(?:export )?\w+=", b"", secret),
    ),
    *(
        Change(
            "secret_in_json",
            "The secret is kept as JSON; what signs is a value in it.",
            "Store it in Secrets Manager as plain text, not as keys and values.",
            partial(_text_in_json, number),
        )
        for number in range(MOST_KEYS)
    ),
)

NO_HMAC: Final[Mapping[str, Callable[[bytes, bytes], bytes]]] = {
    "HMAC of the secret, with the body as the key": lambda key, body: hmac.digest(body, key, "sha256"),
    "SHA-256 of the body alone": lambda _, body: hashlib.sha256(body).digest(),
    "SHA-256 of secret and body": lambda key, body: hashlib.sha256(key + body).digest(),
    "SHA-256 of body and secret": lambda key, body: hashlib.sha256(body + key).digest(),
}
"""Ways in which signatures are made from a secret and a body by mistake."""

EMPTY: Final = Finding(
    "secret_empty", "The secret is empty: nothing is signed with it.", "Set it: perhaps a variable is not exported."
)
PREVIOUS: Final = Finding(
    "secret_previous",
    "The signature is made with the previous secret: valid until that one is retired.",
    "If the rotation is long over, WickiePay still signs with the old secret: give it the new one.",
)


def no_hmac(way: str) -> Finding:
    """The finding that a signature was made in one of the ways of `NO_HMAC`."""
    return Finding("not_hmac", f"The signature is the {way}.", "Sign with HMAC-SHA256: the secret is the key.")
