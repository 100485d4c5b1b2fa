"""What an answer of the provider says: its JSON, the list in it, the code of an error, and what its headers tell."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Final, NoReturn

from wickiepay.event import MAX_NUMBER_CHARACTERS
from wickiepay_api.errors import AnswerUnusable

_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_LISTS: Final = ("events", "payments", "channelPayments", "destinations", "items", "content", "data", "results")
"""The members of an answer that may hold the list. The documentation names the first alone."""

_AGREED_SECONDS: Final = 5
"""Clocks that differ by less say nothing: an answer takes its time."""


def json_in(body: bytes) -> object:
    """The JSON in an answer, its numbers as Decimals. Raises `ValueError` for anything else."""
    try:
        value: object = json.loads(body, parse_int=_number, parse_float=_number, parse_constant=_not_json)
    except RecursionError as error:
        raise ValueError from error
    return value


def code_in(body: bytes) -> str | None:
    """The provider's word for an error, or None. The rest of what it says may repeat what we sent."""
    try:
        answer = json_in(body)
    except ValueError:
        return None
    match answer:
        case {"error": {"code": str(word)}} if _CODE.fullmatch(word):
            return word
    return None


def _number(token: str) -> Decimal:
    try:
        number = Decimal(token)
    except ArithmeticError as error:  # an exponent of twenty digits
        raise ValueError(token) from error
    if abs(number.adjusted()) > MAX_NUMBER_CHARACTERS:  # as plain digits it would fill the memory
        raise ValueError(token)
    return number


def _not_json(token: str) -> NoReturn:
    raise ValueError(token)


def listed(answer: object, path: str) -> Sequence[object]:
    """The entries in an answer: of the array in the member that is known to hold them, or of the array that it is."""
    if isinstance(answer, dict):
        answer = next((answer[name] for name in _LISTS if name in answer), None)
    if not isinstance(answer, list):
        raise AnswerUnusable(
            f"The provider's answer to GET {path} holds no list where one belongs: has the API changed?"
        )
    return answer


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """The seconds that a header `Retry-After` asks for, as a number or as a date; None if it says nothing."""
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", text := retry_after.strip()):
        return float(text)
    moment = _date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _date(text: str) -> datetime | None:
    """The instant in a header, or None if it holds none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def skew(date: str, now: datetime) -> str:
    """What the provider's clock, by its header `Date`, says about ours."""
    theirs = _date(date)
    if theirs is None:
        return "It does not say what its clock shows: see whether the clock here is right."
    seconds = (now - theirs).total_seconds()
    if abs(seconds) < _AGREED_SECONDS:
        return f"The clocks agree to {_AGREED_SECONDS} seconds, so the request was under way too long: try again."
    return (
        f"The clock here is {abs(seconds):.0f} seconds {'ahead of' if seconds > 0 else 'behind'} the provider's: "
        "set it right (on AWS it is; on a machine of your own, switch on NTP)."
    )
