"""Amounts: decimals throughout, and what can be credited."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay.errors import PermanentFailure
from wickiepay.money import Money, amount_of, currency_of, money, money_to_credit

D = Decimal
EUR_100 = {"currency": "EUR", "amount": D(100)}
LARGEST = D("9" * 18 + "." + "9" * 18)
SMALLEST = D("1e-18")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"currency": "EUR", "amount": D("100.00")}, Money("EUR", D("100.00"))),
        ({"currency": "usdc", "amount": D(1)}, Money("USDC", D(1))),
        ({"currency": "EUR", "amount": "0.10"}, Money("EUR", D("0.10"))),
        ({"currency": "EUR", "amount": D(-1)}, Money("EUR", D(-1))),
        ({"currency": "EUR", "amount": f"{'9' * 200}.{'9' * 200}"}, Money("EUR", D(f"{'9' * 200}.{'9' * 200}"))),
        ({"currency": "EUR", "amount": "9" * 201}, None),
        ({"currency": "EUR", "amount": "0." + "9" * 201}, None),
        ({"currency": "EUR"}, None),
        ({"amount": D(1)}, None),
        ({"currency": "EUR", "amount": None}, None),
        ({"currency": "EUR", "amount": True}, None),
        ({"currency": "EUR", "amount": "1e3"}, None),
        ({"currency": "EUR", "amount": " 1"}, None),
        ({"currency": "EUR", "amount": "1\n"}, None),
        ({"currency": "EUR", "amount": "\u0661"}, None),
        ({"currency": "EUR", "amount": "NaN"}, None),
        ({"currency": "EUR", "amount": "1_000"}, None),
        ({"currency": "EUR", "amount": "9" * 100_000}, None),
        ({"currency": "", "amount": D(1)}, None),
        ({"currency": "E R", "amount": D(1)}, None),
        ({"currency": "€", "amount": D(1)}, None),
        ({"currency": "X" * 21, "amount": D(1)}, None),
        ({"currency": 978, "amount": D(1)}, None),
        (["EUR", D(1)], None),
        (D(100), None),
        (None, None),
    ],
)
def test_money_for_showing(value: object, expected: Money | None) -> None:
    assert money({"displayCurrency": value}, "displayCurrency") == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            {"displayCurrency": EUR_100, "paidCurrency": {"currency": "USDC", "amount": D("108.5")}, "amount": D(7)},
            Money("EUR", D(100)),
            id="what is displayed comes first",
        ),
        pytest.param(
            {"paidCurrency": {"currency": "USDC", "amount": D("108.5")}, "amount": D(7), "currency": "EUR"},
            Money("USDC", D("108.5")),
            id="then what was paid",
        ),
        pytest.param({"amount": D(7), "currency": "EUR"}, Money("EUR", D(7)), id="then the bare amount"),
        pytest.param({"amount": D(7), "asset": "BTC"}, Money("BTC", D(7)), id="its asset is its currency"),
        pytest.param({"amount": D(7), "currency": "EUR", "asset": "BTC"}, Money("EUR", D(7)), id="currency over asset"),
        pytest.param(
            {"displayCurrency": {"currency": "EUR"}, "paidCurrency": EUR_100}, Money("EUR", D(100)), id="no amount"
        ),
        pytest.param(
            {"displayCurrency": {"currency": "EUR", "amount": None}, "paidCurrency": EUR_100},
            Money("EUR", D(100)),
            id="null amount",
        ),
        pytest.param({"displayCurrency": "EUR", "paidCurrency": EUR_100}, Money("EUR", D(100)), id="not an object"),
        pytest.param({"displayCurrency": {"currency": "EUR", "amount": "0.1"}}, Money("EUR", D("0.1")), id="as text"),
        pytest.param({"amount": LARGEST, "currency": "EUR"}, Money("EUR", LARGEST), id="18 and 18 digits"),
        pytest.param({"amount": SMALLEST, "currency": "EUR"}, Money("EUR", SMALLEST), id="the smallest"),
        pytest.param({"amount": D("1." + "0" * 30), "currency": "EUR"}, Money("EUR", D(1)), id="zeros are no digits"),
    ],
)
def test_what_is_credited(data: Mapping[str, object], expected: Money) -> None:
    assert money_to_credit(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"currency": "EUR"},
        {"displayCurrency": None, "paidCurrency": [], "amount": None},
        {"displayCurrency": "EUR"},
    ],
)
def test_where_no_amount_is_named_there_is_none(data: Mapping[str, object]) -> None:
    assert money_to_credit(data) is None


@pytest.mark.parametrize(
    ("data", "made"),
    [
        (
            {"displayCurrency": "EUR", "displayAmount": D("32.23"), "paidCurrency": "BTC", "paidAmount": "0.0005"},
            "EUR 32.23",
        ),
        ({"paidCurrency": "BTC", "paidAmount": D("0.015")}, "BTC 0.015"),
        ({"displayCurrency": {"currency": "EUR"}, "displayAmount": D(5)}, "EUR 5"),
        ({"displayCurrency": {"currency": "EUR", "amount": D(6)}, "displayAmount": D(5)}, "EUR 6"),
    ],
)
def test_an_amount_may_stand_beside_its_currency(data: Mapping[str, object], made: str) -> None:
    credited = money_to_credit(data)
    assert credited
    assert f"{credited.currency} {credited.amount}" == made


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("eur", "EUR"),
        ("Eur", "EUR"),
        ("EUr", "EUR"),
        (" eur ", "EUR"),
        ("mBTC", "mBTC"),
        ("MBTC", "MBTC"),
        ("uUSDC2", "uUSDC2"),
        ("usdT", "USDT"),
    ],
)
def test_a_code_has_one_spelling_and_a_prefix_in_a_small_letter_is_another_unit(sent: str, code: str) -> None:
    assert currency_of(sent) == code


@pytest.mark.parametrize("sent", ["", " ", "EUR/USD", "€", "x" * 21, 7, None])
def test_what_is_no_code(sent: object) -> None:
    with pytest.raises(PermanentFailure, match="not a code"):
        currency_of(sent)


@pytest.mark.parametrize(("typed", "amount"), [("12.5", D("12.5")), ("-10", D(-10)), ("+3", D(3))])
def test_an_amount_that_an_operator_types(typed: str, amount: Decimal) -> None:
    assert amount_of(typed) == amount


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("1,5", "not a number"),
        ("", "not a number"),
        ("1e3", "not a number"),
        ("0.00", "zero"),
        ("1" * 19, "more than 18"),
    ],
)
def test_what_is_no_amount_that_an_operator_may_type(typed: str, reason: str) -> None:
    with pytest.raises(PermanentFailure, match=reason):
        amount_of(typed)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"amount": "lots", "currency": "EUR"}, "not a number"),
        ({"amount": True, "currency": "EUR"}, "not a number"),
        ({"amount": {"value": D(1)}, "currency": "EUR"}, "not a number"),
        ({"displayCurrency": {"amount": "lots", "currency": "EUR"}, "paidCurrency": EUR_100}, "not a number"),
        ({"amount": D(1)}, "no currency"),
        ({"amount": D(1), "currency": "", "asset": None}, "no currency"),
        ({"amount": D(1), "currency": ["EUR"]}, "no currency"),
        ({"displayCurrency": {"amount": D(1)}, "currency": "EUR"}, "no currency"),
        ({"amount": D(0), "currency": "EUR"}, "not above zero: 0."),
        ({"amount": D("-0.00"), "currency": "EUR"}, "not above zero: 0."),
        ({"amount": D("-1.50"), "currency": "EUR"}, "not above zero: -1.5."),
        ({"amount": D(10) ** 18, "currency": "EUR"}, "more than 18"),
        ({"amount": D("1e400"), "currency": "EUR"}, "more than 18"),
        ({"amount": D("1e-19"), "currency": "EUR"}, "more than 18"),
        ({"amount": "0." + "0" * 18 + "1", "currency": "EUR"}, "more than 18"),
    ],
)
def test_what_cannot_be_credited(data: Mapping[str, object], reason: str) -> None:
    with pytest.raises(PermanentFailure, match=reason):
        money_to_credit(data)


@given(st.decimals(SMALLEST, LARGEST, allow_nan=False, allow_infinity=False, places=18))
def test_an_amount_of_up_to_18_and_18_digits_is_credited_to_the_last_of_them(amount: Decimal) -> None:
    assert money_to_credit({"amount": amount, "currency": "EUR"}) == Money("EUR", amount)
