"""Payloads are changed without their numbers being touched."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay_cli.sending.exact_json import assign, read, write

numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
texts = st.text()


@given(numbers)
def test_an_amount_that_is_set_goes_out_as_it_is_spelled(amount: str) -> None:
    envelope = read('{"data": {}}')
    assign(envelope, f"data.displayCurrency.amount={amount}")
    assert f'"amount": {amount}\n' in write(envelope)


@given(st.lists(numbers, min_size=1))
def test_amounts_that_are_read_go_out_as_they_were_spelled(amounts: list[str]) -> None:
    assert write(read(f"[{','.join(amounts)}]")).strip("[]").split() == [
        *(f"{amount}," for amount in amounts[:-1]),
        amounts[-1],
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)
    )
)
def test_what_is_written_says_what_was_read(value: object) -> None:
    assert json.loads(write(read(json.dumps(value)))) == value


@given(texts)
def test_a_value_that_is_no_json_is_text(value: str) -> None:
    envelope = read("{}")
    assign(envelope, f"note=§{value}")
    assert json.loads(write(envelope)) == {"note": f"§{value}"}


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("data.amount=0.30", {"data": {"amount": Decimal("0.30"), "list": [{"a": 1}]}}),
        ("data.list.0.a=2", {"data": {"amount": 1, "list": [{"a": 2}]}}),
        ("data.list.0=x", {"data": {"amount": 1, "list": ["x"]}}),
        ("data.new.inner=x", {"data": {"amount": 1, "list": [{"a": 1}], "new": {"inner": "x"}}}),
        ("data=null", {"data": None}),
        ('data={"a": [1]}', {"data": {"a": [1]}}),
        ("data=a=b", {"data": "a=b"}),
        ("data=", {"data": ""}),
        ("data=NaN", {"data": "NaN"}),
    ],
)
def test_an_assignment_changes_what_its_path_names(assignment: str, expected: object) -> None:
    envelope = read('{"data": {"amount": 1, "list": [{"a": 1}]}}')
    assign(envelope, assignment)
    assert json.loads(write(envelope), parse_float=Decimal) == expected


@pytest.mark.parametrize(
    "assignment",
    [
        "data",
        "=1",
        "data..x=1",
        "data.amount.x=1",
        "data.list.x=1",
        "data.list.1=x",
        "data.list.1.x=1",
        "data.list.-1=1",
    ],
)
def test_an_assignment_that_names_no_place_is_refused(assignment: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        assign(read('{"data": {"amount": 1, "list": [{"a": 1}]}}'), assignment)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "NaN", "-Infinity", "[" * 100_000])
def test_what_is_no_json_is_not_read(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own text is as good as any
        read(text)
