"""One spelling for what is the same: identifiers in an event's data, and the data as a whole."""

import json
from typing import Final

from wickiepay.decimals import plain

_HEX: Final = frozenset("0123456789abcdef")
_UUID_LENGTHS: Final = [8, 4, 4, 4, 12]


def normal_spelling(text: str) -> str:
    """`text` in the one spelling that a UUID (RFC 9562: small letters) or a transaction of 64 digits has.

    Blanks beside it, capitals and `0x` say nothing about which one it is. Any other text stays as it is.
    """
    if 36 <= len(text) <= 100:  # cheapest test first: hardly any other text is as long as these
        folded = text.strip().lower()
        digits = folded.removeprefix("0x")
        if len(digits) == 64 and _HEX.issuperset(digits):
            return digits
        parts = folded.split("-")
        if [len(part) for part in parts] == _UUID_LENGTHS and _HEX.issuperset("".join(parts)):
            return folded
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
