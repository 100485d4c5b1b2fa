"""One spelling for what is the same: identifiers in an event's data, and the data as a whole."""

import json
import re

from wickiepay.decimals import plain

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRANSACTION = re.compile(r"(?:0x)?([0-9a-f]{64})")


def normal_spelling(text: str) -> str:
    """`text` in the one spelling that a UUID (RFC 9562: small letters) or a transaction of 64 digits has.

    Blanks beside it, capitals and `0x` say nothing about which one it is. Any other text stays as it is.
    """
    if 36 <= len(text) <= 100:  # cheapest test first: hardly any other text is as long as these
        folded = text.strip().lower()
        if _UUID.fullmatch(folded):
            return folded
        if transaction := _TRANSACTION.fullmatch(folded):
            return transaction[1]
    return text


def normalised(value: object) -> object:
    """`value`, read from JSON, with each identifier in it in its normal spelling."""
    if isinstance(value, str):
        return normal_spelling(value)
    if isinstance(value, dict):
        return {name: normalised(member) for name, member in value.items()}
    if isinstance(value, list):
        return [normalised(element) for element in value]
    return value


def canonical(data: object) -> bytes:
    """`data` as JSON in one form: the same for the same content, whatever its order of keys, escapes and zeros."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), default=plain).encode()
