"""Amounts of money in an event's data: Decimals, never floats."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from wickiepay.decimals import plain
from wickiepay.errors import PermanentFailure
from wickiepay.event import MAX_NUMBER_CHARACTERS

MAX_DIGITS: Final = 18
"""Most digits before the point, and most after it. The sum of very many such amounts fits DynamoDB's 38 digits:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

_CURRENCY = re.compile(r"[A-Za-z0-9._-]{1,20}")
_AMOUNT = re.compile(rf"-?[0-9]{{1,{MAX_NUMBER_CHARACTERS // 2}}}(\.[0-9]{{1,{MAX_NUMBER_CHARACTERS // 2}}})?")
_MAX_AMOUNT = 10**MAX_DIGITS


class Money(NamedTuple):
    currency: str
    amount: Decimal


def money(data: Mapping[str, object], field: str) -> Money | None:
    """The amount and currency in `field` (`displayCurrency` or `paidCurrency`) for display, or None."""
    amount, currency = _named(data, field)
    amount, currency = _amount(amount), _currency(currency)
    return Money(currency, amount) if amount is not None and currency else None


def money_to_credit(data: Mapping[str, object]) -> Money | None:
    """The amount to credit: the displayed one, else the paid one, else the bare amount with its currency or asset.

    The first of them that names an amount counts, and must be above zero and have at most 18 + 18 digits; otherwise
    `PermanentFailure` is raised. None if no amount is named.
    """
    bare = (data.get("amount"), data.get("currency") or data.get("asset"))
    for amount, currency in (_named(data, "displayCurrency"), _named(data, "paidCurrency"), bare):
        if amount is not None:
            code = _currency(currency)
            if code is None:
                raise PermanentFailure("The amount to credit has no currency.")
            return Money(code, _credited_amount(amount))
    return None


def amount_of(text: str) -> Decimal:
    """The amount in plain digits. Raises `PermanentFailure` for anything else, zero, and beyond 18 + 18 digits."""
    amount = _amount(text.removeprefix("+"))
    if amount is None:
        raise PermanentFailure("The amount is not a number.")
    if not amount:
        raise PermanentFailure("The amount is zero.")
    return _of_bounded_digits(amount)


def currency_of(text: object) -> str:
    """A currency's code in its normal spelling. Raises `PermanentFailure` if `text` is not a currency code."""
    currency = _currency(text)
    if currency is None:
        raise PermanentFailure("The currency is not a code of 1 to 20 letters and digits.")
    return currency


def _named(data: Mapping[str, object], field: str) -> tuple[object, object]:
    """The amount and currency in `field`, in either of the two forms that providers of this family use.

    They are one object (`displayCurrency: {currency, amount}`) or two fields (`displayCurrency`, `displayAmount`).
    """
    currency: object = data.get(field)
    amount: object = data.get(field.replace("Currency", "Amount"))
    if isinstance(currency, dict):
        amount = amount if currency.get("amount") is None else currency["amount"]
        currency = currency.get("currency")
    return amount, currency


def _credited_amount(value: object) -> Decimal:
    amount = _amount(value)
    if amount is None:
        raise PermanentFailure("The amount to credit is not a number.")
    if amount <= 0:
        raise PermanentFailure(f"The amount to credit is not above zero: {plain(amount)}.")
    return _of_bounded_digits(amount)


def _of_bounded_digits(amount: Decimal) -> Decimal:
    if amount.copy_abs() >= _MAX_AMOUNT or len(plain(amount).partition(".")[2]) > MAX_DIGITS:
        raise PermanentFailure(f"The amount has more than {MAX_DIGITS} + {MAX_DIGITS} digits.")
    return amount


def _amount(value: object) -> Decimal | None:
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, str) and _AMOUNT.fullmatch(value) else None


def _currency(value: object) -> str | None:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(code := value.strip()):
        return None
    is_prefixed = code[0].islower() and code[1:].isalnum() and code[1:].isupper()  # mBTC is not MBTC
    return code if is_prefixed else code.upper()
