"""Decimals as text: plain, and the same number."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay.decimals import plain


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("100.00", "100"),
        ("1E+2", "100"),
        ("100", "100"),
        ("-1.50", "-1.5"),
        ("0.00", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E+3", "0"),
        ("1E-18", "0.000000000000000001"),
    ],
)
def test_plain(number: str, expected: str) -> None:
    assert plain(Decimal(number)) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers(-(10**30), 10**30).map(Decimal))
def test_a_plain_number_is_the_same_number(number: Decimal) -> None:
    assert Decimal(plain(number)) == number
    assert not {"e", "E", "+"} & set(plain(number))
