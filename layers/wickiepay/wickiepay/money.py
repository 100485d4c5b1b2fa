"""Amounts of money in an event's data: Decimals, never floats."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from wickiepay.decimals import plain
from wickiepay.errors import PermanentFailure
from wickiepay.event import MAX_NUMBER_CHARACTERS

MAX_DIGITS: Final = 18
"""Before the point, and after it, at the most: the sum of a great many such amounts still fits DynamoDB's 38 digits."""

_CURRENCY = re.compile(r"[A-Za-z0-9._-]{1,20}")
_AMOUNT = re.compile(rf"-?[0-9]{{1,{MAX_NUMBER_CHARACTERS // 2}}}(\.[0-9]{{1,{MAX_NUMBER_CHARACTERS // 2}}})?")
_MAX_AMOUNT = 10**MAX_DIGITS


@dataclass(frozen=True, slots=True)
class Money:
    currency: str
    amount: Decimal


def money(data: Mapping[str, object], field: str) -> Money | None:
    """The `{currency, amount}` under `field`, for showing; None where there is no such thing."""
    value = data.get(field)
    if not isinstance(value, dict):
        return None
    amount, currency = _amount(value.get("amount")), _currency(value.get("currency"))
    return Money(currency, amount) if amount is not None and currency else None


def money_to_credit(data: Mapping[str, object]) -> Money:
    """What to credit: the displayed currency, else the paid one, else the bare amount with its currency or asset.

    The first of them that names an amount counts, and has to be right: above zero, of at most 18 + 18 digits. Raises
    `PermanentFailure` where it is not, or where there is none.
    """
    bare = {"amount": data.get("amount"), "currency": data.get("currency") or data.get("asset")}
    for value in (data.get("displayCurrency"), data.get("paidCurrency"), bare):
        if isinstance(value, dict) and value.get("amount") is not None:
            break
    else:
        raise PermanentFailure("The event names no amount to credit.")
    amount, currency = _amount(value["amount"]), _currency(value.get("currency"))
    if amount is None:
        raise PermanentFailure("The amount to credit is not a number.")
    if currency is None:
        raise PermanentFailure("The amount to credit has no currency.")
    if amount <= 0:
        raise PermanentFailure(f"The amount to credit is not above zero: {plain(amount)}.")
    if amount >= _MAX_AMOUNT or len(plain(amount).partition(".")[2]) > MAX_DIGITS:
        raise PermanentFailure(f"The amount to credit has more than {MAX_DIGITS} + {MAX_DIGITS} digits.")
    return Money(currency, amount)


def _amount(value: object) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, str) and _AMOUNT.fullmatch(value) else None


def _currency(value: object) -> str | None:
    return value.upper() if isinstance(value, str) and _CURRENCY.fullmatch(value) else None
