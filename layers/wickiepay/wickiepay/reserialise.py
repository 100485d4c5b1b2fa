"""Parses a body and writes it again, as the provider's example listeners do before they verify its signature.

The Express example signs `JSON.stringify(req.body)`, the Flask example `json.dumps(request.get_json())`. Both functions
here run on bytes that are not verified yet: they take linear time, recurse to a bounded depth, and raise only
`NotReserialisable`.

The number of digits needs no bound here. JavaScript reads every number as a double, in linear time; Python refuses an
integer of more than 4,300 digits with a ValueError, in Flask as here:
https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation
"""

import json
import re
from functools import lru_cache
from itertools import accumulate
from json.encoder import encode_basestring
from typing import Final, NoReturn

MAX_DEPTH: Final = 128
"""Most levels of arrays and objects: many times what an event needs, and an eighth of Python's recursion limit."""

_MAX_ARRAY_INDEX: Final = 2**32 - 2


class NotReserialisable(ValueError):
    """The example listener would have refused this body, or it is nested too deeply to be read unverified."""


def node_text(body: bytes) -> bytes:
    """The text that the Express example signs: the UTF-8 of `JSON.stringify(JSON.parse(body))`.

    Like `express.json()`, it accepts an object or an array, drops a byte order mark and reads invalid UTF-8 as U+FFFD.
    Unlike it, it refuses an empty body. Raises `NotReserialisable`.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    _refuse_too_deep(body)
    try:
        value = _JSON_PARSE.decode(text)
    except ValueError as error:
        raise NotReserialisable("JSON.parse refuses the body.") from error
    if not isinstance(value, (dict, list)):
        raise NotReserialisable("express.json() refuses a body that is neither an object nor an array.")
    # Only lone surrogates have no UTF-8. JSON.stringify escapes exactly these, in the spelling of "backslashreplace":
    # https://tc39.es/ecma262/#sec-quotejsonstring
    return _stringify(value).encode("utf-8", "backslashreplace")


def python_text(body: bytes) -> bytes:
    """The text that the Flask example signs: `json.dumps(json.loads(body)).encode()`. Raises `NotReserialisable`."""
    _refuse_too_deep(body)
    try:
        return json.dumps(json.loads(body)).encode()
    except ValueError as error:
        raise NotReserialisable("json.loads refuses the body.") from error


@lru_cache(maxsize=1)  # each scheme asks it of the same body: of the worst forged one that is a seventh
def too_deep(body: bytes) -> bool:
    """Whether `body`, read as JSON in the encoding that json.loads detects, may nest more than `MAX_DEPTH` levels.

    For a body that is not JSON, this covers the part that a parser reads before it fails.
    """
    # Hardly any body contains that many brackets. (A bracket contains this byte in every Unicode encoding.)
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _NOT_A_BRACKET.sub("", body.decode(json.detect_encoding(body), "replace"))
    return max(accumulate(map(_DEEPER.__getitem__, brackets)), default=0) > MAX_DEPTH


_DEEPER: Final = {"[": 1, "{": 1, "]": -1, "}": -1}

# Matches strings (including an unterminated one) and everything else but brackets. The quantifiers are possessive, so
# it takes linear time.
_NOT_A_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[^"\[\]{}]++')


def _refuse_too_deep(body: bytes) -> None:
    if too_deep(body):
        raise NotReserialisable(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _no_such_constant(token: str) -> NoReturn:
    raise ValueError(f"JSON knows no {token}.")


# With these two settings Python's decoder accepts what JSON.parse accepts, and reads it in the same way.
_JSON_PARSE = json.JSONDecoder(parse_int=float, parse_constant=_no_such_constant)


def _stringify(value: object) -> str:
    """The result of JSON.stringify for a value that `_JSON_PARSE` read."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        members = _in_property_order(value).items()
        return "{" + ",".join([f"{encode_basestring(key)}:{_stringify(member)}" for key, member in members]) + "}"
    if isinstance(value, list):
        return "[" + ",".join([_stringify(element) for element in value]) + "]"
    if isinstance(value, float):
        return _number(value)
    return "null" if value is None else "true" if value else "false"


def _in_property_order(members: dict[str, object]) -> dict[str, object]:
    """ECMAScript's OrdinaryOwnPropertyKeys: array indices first, ascending, then other keys in their order of creation.

    https://tc39.es/ecma262/#sec-ordinaryownpropertykeys
    """
    indices = [key for key in members if key.isdecimal() and _is_array_index(key)]
    if not indices:
        return members
    return {key: members[key] for key in sorted(indices, key=int)} | members


def _is_array_index(key: str) -> bool:
    return len(key) <= len(str(_MAX_ARRAY_INDEX)) and int(key) <= _MAX_ARRAY_INDEX and str(int(key)) == key


def _number(number: float) -> str:
    """ECMAScript's Number::toString. Python's repr has the same digits, but uses an exponent for other numbers.

    https://tc39.es/ecma262/#sec-numeric-types-number-tostring
    """
    text = repr(number)
    if text.endswith(".0"):
        return text[:-2] if number else "0"
    if text.endswith("inf"):
        return "null"
    significand, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = int(exponent)
    digits = significand.removeprefix("-").replace(".", "")
    sign = "-" if number < 0 else ""
    if -7 < power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    if 0 < power < 21:
        return f"{sign}{digits:0<{power + 1}}"
    return f"{significand}e{power:+d}"
