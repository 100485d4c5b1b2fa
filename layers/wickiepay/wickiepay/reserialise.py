"""A body parsed and written again, as the provider's example listeners do before they verify its signature.

The Express example signs `JSON.stringify(req.body)`, the Flask example `json.dumps(request.get_json())`. Both functions
here run on bytes that nobody has signed yet: they take linear time, recurse a bounded depth, and raise nothing but
`NotReserialisable`.

The number of digits needs no bound of ours. JavaScript knows doubles alone, and reading one takes linear time; Python
refuses an integer of more than 4,300 digits with a ValueError, in Flask as here.
"""

import json
import re
from json.encoder import encode_basestring
from typing import Final, NoReturn

MAX_DEPTH: Final = 128
"""Levels of arrays and objects that are read: many times what an event needs, an eighth of Python's recursion limit."""

_MAX_ARRAY_INDEX: Final = 2**32 - 2


class NotReserialisable(ValueError):
    """The example listener would have refused this body, or it is nested too deep to be read unverified."""


def node_text(body: bytes) -> bytes:
    """What the Express example signs of `body`: the UTF-8 of `JSON.stringify(JSON.parse(body))`.

    As `express.json()` does, takes an object or an array, drops a byte order mark and reads invalid UTF-8 as U+FFFD.
    (What is not followed is its `{}` for an empty body: that is no JSON.) Raises `NotReserialisable`.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    _refuse_too_deep(body)
    try:
        value = _JSON_PARSE.decode(text)
    except ValueError as error:
        raise NotReserialisable("JSON.parse refuses the body.") from error
    if not isinstance(value, (dict, list)):
        raise NotReserialisable("express.json() refuses a body that is neither an object nor an array.")
    # Only lone surrogates have no UTF-8, and JSON.stringify escapes just them, in the spelling of "backslashreplace".
    return _stringify(value).encode("utf-8", "backslashreplace")


def python_text(body: bytes) -> bytes:
    """What the Flask example signs of `body`: `json.dumps(json.loads(body)).encode()`. Raises `NotReserialisable`."""
    _refuse_too_deep(body)
    try:
        return json.dumps(json.loads(body)).encode()
    except ValueError as error:
        raise NotReserialisable("json.loads refuses the body.") from error


def too_deep(body: bytes) -> bool:
    """Whether reading `body` as JSON, in the encoding that json.loads finds, could nest more than `MAX_DEPTH` levels.

    For a body that is not JSON, this holds as far as a parser gets with it.
    """
    # Hardly a body holds that many brackets at all. (Each one has this byte in it in every encoding of Unicode.)
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _NOT_A_BRACKET.sub("", body.decode(json.detect_encoding(body), "replace")):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


# Strings, also one that never ends, and whatever else is no bracket. Possessive: it never goes over a text twice.
_NOT_A_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[^"\[\]{}]++')


def _refuse_too_deep(body: bytes) -> None:
    if too_deep(body):
        raise NotReserialisable(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _no_such_constant(token: str) -> NoReturn:
    raise ValueError(f"JSON knows no {token}.")


# With these two settings Python's reader takes what JSON.parse takes, and reads it alike.
_JSON_PARSE = json.JSONDecoder(parse_int=float, parse_constant=_no_such_constant)


def _stringify(value: object) -> str:
    """JSON.stringify of what `_JSON_PARSE` reads."""
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
    """ECMAScript's OrdinaryOwnPropertyKeys: array indices first, ascending, then the others as they came."""
    indices = [key for key in members if key.isdecimal() and _is_array_index(key)]
    if not indices:
        return members
    return {key: members[key] for key in sorted(indices, key=int)} | members


def _is_array_index(key: str) -> bool:
    return len(key) <= len(str(_MAX_ARRAY_INDEX)) and int(key) <= _MAX_ARRAY_INDEX and str(int(key)) == key


def _number(number: float) -> str:
    """ECMAScript's Number::toString. Python's repr has the same shortest digits and other borders for an exponent."""
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
