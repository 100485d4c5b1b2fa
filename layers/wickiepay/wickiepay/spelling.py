"""One spelling for what is the same: identifiers in an event's data, and the data as a whole."""

import json
from typing import Final

from wickiepay.decimals import plain

_HEX: Final = frozenset("0123456789abcdef")
_UUID_LENGTHS: Final = [8, 4, 4, 4, 12]


def normal_spelling(text: str) -> str:
    """`text` in the normal spelling of a UUID (RFC 9562: lower case) or of a transaction of 64 hexadecimal digits.

    Surrounding blanks, capitals and `0x` do not make a different one. Any other text stays as it is.
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
    """`data` in one JSON form, which does not depend on the order of keys, on escapes, or on trailing zeros."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), default=plain).encode()
