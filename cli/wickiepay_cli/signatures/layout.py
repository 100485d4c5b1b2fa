"""Rewrites a JSON text in another layout, with its numbers spelled as before."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from wickiepay.reserialise import too_deep
from wickiepay_cli.sending import exact_json
from wickiepay_cli.sending.exact_json import Json

LAYOUTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "without any white space": {"separators": (",", ":")},
    "with a space after each comma and colon": {"separators": (", ", ": ")},
    "indented by two": {"indent": 2},
    "indented by four": {"indent": 4},
    "indented by tabs": {"indent": "\t"},
    "without any white space, in ASCII": {"separators": (",", ":"), "ensure_ascii": True},
    "with a space after each comma and colon, in ASCII": {"separators": (", ", ": "), "ensure_ascii": True},
}
"""The layouts in which programs write JSON, as arguments for `json.dumps`."""

_NUMBER = re.compile(r'"\\u0000([^"]+)"')


def document(body: bytes) -> Json:
    """The object or array in `body` (UTF-8). Raises ValueError for anything else, or if it is nested too deeply."""
    if too_deep(body):
        raise ValueError("nested too deep")
    value = exact_json.read(body.decode())
    if not isinstance(value, (dict, list)):
        raise ValueError("neither an object nor an array")  # noqa: TRY004  as for any other text
    return value


def written(value: Json, layout: str, *, sort_keys: bool = False) -> bytes:
    """`value` as JSON in one of the `LAYOUTS`. A lone surrogate becomes the bytes that it would have in UTF-8."""
    options = {"ensure_ascii": False, "sort_keys": sort_keys, **LAYOUTS[layout]}
    # json.dumps cannot keep a number's spelling. It gets a text unlike any in the document, whose quotes are removed.
    text = json.dumps(value, default=lambda number: f"\0{number.spelling}", **options)
    return _NUMBER.sub(r"\1", text).encode(errors="surrogatepass")


def ordered_as(value: Json, model: Json) -> Json:
    """`value` with the members of its objects in the order of `model`; those that `model` lacks come last."""
    match value, model:
        case dict(), dict():
            ranks = {name: rank for rank, name in enumerate(model)}
            names = sorted(value, key=lambda name: ranks.get(name, len(ranks)))
            return {name: ordered_as(value[name], model.get(name)) for name in names}
        case list(), [first, *_]:
            return [ordered_as(element, first) for element in value]
    return value
