"""JSON in which every number keeps its spelling, so that 100.00 is sent as 100.00."""

import json
from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number in its own spelling."""

    spelling: str


type Json = Number | str | bool | list[Json] | dict[str, Json] | None


def read(text: str | bytes) -> Json:
    """The JSON in `text`. Raises ValueError for anything else, including NaN and Infinity."""
    try:
        value: Json = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("It is nested too deeply.") from error
    return value


def write(value: Json, margin: str = "\n") -> str:
    """`value` as JSON in ASCII, indented by two, starting at `margin`.

    Neither Node nor Python would write it in this layout: what is signed under one scheme is never right by another.
    """
    inner = f"{margin}  "
    match value:
        case Number():
            return value.spelling
        case dict() if value:
            members = (f"{inner}{json.dumps(name)}: {write(member, inner)}" for name, member in value.items())
            return f"{{{','.join(members)}{margin}}}"
        case list() if value:
            return f"[{','.join(inner + write(element, inner) for element in value)}{margin}]"
        case _:
            return json.dumps(value)


def assign(document: Json, assignment: str) -> None:
    """Applies `path=value` to `document`: `data.transactions.0.amount=100.00`. Missing objects on the path are added.

    The value is JSON if it can be, otherwise text. Raises ValueError, with a sentence for the user.
    """
    path, equals, text = assignment.partition("=")
    if not equals or not all(path.split(".")):
        raise ValueError(f'"{assignment}" is not of the form data.path=value.')
    try:
        value = read(text)
    except ValueError:
        value = text
    *outer, last = path.split(".")
    holder = document
    for name in outer:
        holder = _member(holder, name, path)
    match holder:
        case dict():
            holder[last] = value
        case list() if last.isdecimal() and int(last) < len(holder):
            holder[int(last)] = value
        case _:
            raise ValueError(f"{path} names no place that can be set.")


def _member(holder: Json, name: str, path: str) -> Json:
    match holder:
        case dict():
            return holder.setdefault(name, {})
        case list() if name.isdecimal() and int(name) < len(holder):
            return holder[int(name)]
    raise ValueError(f"{path} names no place that can be set.")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")
