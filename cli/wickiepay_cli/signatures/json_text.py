"""Changes to a body that is read as JSON and written again: the document stays the same, but the text does not."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final

from wickiepay.reserialise import node_text, python_text
from wickiepay_cli.signatures.change import Change, Changes
from wickiepay_cli.signatures.layout import LAYOUTS, document, written

AS_BYTES: Final = "Verify the bytes as they come: express.raw({type: 'application/json'}), Flask's request.get_data()."
RELAY: Final = "A relay that parses, such as smee.io, does this too: use a tunnel instead."

_AMOUNT = re.compile(rb'("\w*(?:[aA]mount|[fF]ee)"\s*:\s*)(-?[0-9]{1,18}(?:\.[0-9]{1,18})?)(?![0-9.eE])')
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_ESCAPES = re.compile(r"(\\\\)|((?:\\u[0-9a-fA-F]{4})+)")


# --- Numbers -----------------------------------------------------------------------------------------
def _two_decimals(number: Decimal) -> str:
    cents = round(number, 2)
    return str(cents) if cents == number else str(number)


def _amounts(spell: Callable[[Decimal], str], body: bytes) -> bytes:
    return _AMOUNT.sub(lambda found: found[1] + spell(Decimal(found[2].decode())).encode(), body)


SPELLINGS: Final[Changes[bytes]] = tuple(
    Change(
        "number_spelling",
        f"Amounts were spelled otherwise when the body was signed: {example}.",
        f"{AS_BYTES} Parsing turns 100.00 into 100. {RELAY}",
        partial(_amounts, spell),
    )
    for example, spell in {
        "with two decimals, as 100.00": _two_decimals,
        "as short as can be, as 100": lambda number: f"{number.normalize():f}",
        "as Python's floats, as 100.0": lambda number: repr(float(number)),
    }.items()
)


# --- Layout ------------------------------------------------------------------------------------------
def _laid_out(layout: str, code: str, body: bytes) -> bytes:
    if code == "pretty_printed" and b"\n" not in body.strip():
        raise ValueError("on one line")
    return written(document(body), layout, sort_keys=code == "keys_reordered")


_SERIALISED: Final[Changes[bytes]] = tuple(
    Change("reserialised", f"What was signed is not the body's bytes but what {program} makes of them.", AS_BYTES, text)
    for program, text in {"JSON.stringify": node_text, "json.dumps": python_text}.items()
)
_LAID_OUT: Final[Changes[bytes]] = tuple(
    Change(code, what.format(layout), f"{AS_BYTES} {remedy}", partial(_laid_out, layout, code))
    for code, what, remedy in (
        (
            "pretty_printed",
            "The body was pretty-printed after it was signed {}.",
            "What shows JSON prettily changes its bytes.",
        ),
        ("reserialised", "The body was parsed and written again: what was signed is {}.", RELAY),
        (
            "keys_reordered",
            "What was signed has its keys in alphabetical order, {}.",
            "And sign what is sent, not a sorted copy.",
        ),
    )
    for layout in LAYOUTS
)


# --- Escapes -----------------------------------------------------------------------------------------
def _escaped(body: bytes) -> bytes:
    def escape(found: re.Match[str]) -> str:
        units = found[0].encode("utf-16-be")
        return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

    return _BEYOND_ASCII.sub(escape, body.decode()).encode()


def _unescaped(body: bytes) -> bytes:
    def unescape(found: re.Match[str]) -> str:
        units = bytes.fromhex((found[2] or "").replace("\\u", ""))
        text = units.decode("utf-16-be")
        return found[0] if found[1] or not text.isprintable() or text.isascii() else text

    return _ESCAPES.sub(unescape, body.decode()).encode()


_ESCAPED: Final[Changes[bytes]] = (
    Change(
        "unicode_escapes",
        r"What was signed has \u… in the place of characters beyond ASCII.",
        f"{AS_BYTES} Node and Python do not escape alike.",
        _escaped,
    ),
    Change(
        "unicode_escapes",
        r"The body has \u… in the place of characters that were signed as they are.",
        f"{AS_BYTES} Node and Python do not escape alike.",
        _unescaped,
    ),
    Change(
        "slash_escapes",
        r"What was signed has \/ for each slash, as PHP's json_encode writes it.",
        AS_BYTES,
        lambda body: body.replace(b"\\/", b"/").replace(b"/", b"\\/"),
    ),
    Change(
        "slash_escapes",
        r"The body has \/ for a slash, as PHP's json_encode writes it; / was signed.",
        AS_BYTES,
        lambda body: body.replace(b"\\/", b"/"),
    ),
)

JSON_CHANGES: Final = _ESCAPED + _LAID_OUT + _SERIALISED + SPELLINGS
