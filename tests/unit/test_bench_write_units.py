"""What DynamoDB bills, by its published rules."""

from typing import Any

import pytest

from bench.write_units import Index, Meter, Table, Written, size, tables, updated
from tests.support.deployed import TEMPLATE

pytestmark = pytest.mark.thorough

TABLE = Table(("pk", "sk"), {"by_day": Index(frozenset({"day", "pk"}), frozenset({"pk", "sk", "day"}))})
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def put(**attributes: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "dynamodb:PutItem", {"TableName": "T", "Item": {**KEY, **attributes}}


def update(expression: str, **values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "dynamodb:UpdateItem", {
        "TableName": "T",
        "Key": KEY,
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {"#note": "note"},
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


def written(*requests: tuple[str, Any]) -> list[tuple[int, int]]:
    return [(each.units, each.index_units) for each in Meter({"T": TABLE}).writes(requests)]


@pytest.mark.parametrize(
    ("value", "bytes_of_it"),
    [
        ({"S": "ü€"}, 5),
        ({"B": "AAAA"}, 3),
        ({"N": "0"}, 1),
        ({"N": "1234"}, 3),
        ({"N": "-123.45"}, 5),
        ({"BOOL": True}, 1),
        ({"L": [{"S": "ab"}]}, 6),
        ({"M": {"k": {"S": "v"}}}, 6),
    ],
)
def test_a_value_has_the_size_that_dynamodb_counts(value: dict[str, Any], bytes_of_it: int) -> None:
    assert size({"name": value}) == len("name") + bytes_of_it


def test_a_put_is_billed_by_the_kibibyte_begun() -> None:
    room = 1024 - size(KEY) - len("note")
    assert written(put(note={"S": "x" * room})) == [(1, 0)]
    assert written(put(note={"S": "x" * (room + 1)})) == [(2, 0)]


def test_a_put_over_a_larger_item_is_billed_as_the_larger_one() -> None:
    assert written(put(note={"S": "x" * 3000}), put()) == [(3, 0), (3, 0)]


def test_an_update_is_billed_as_the_whole_item() -> None:
    assert written(put(note={"S": "x" * 1500}), update("SET state = :s", s={"S": "DONE"})) == [(2, 0), (2, 0)]


def test_an_index_is_billed_for_what_comes_into_it_alone() -> None:
    day = {"S": "2026-01-15"}
    requests = [
        put(day=day),
        update("SET state = :s", s={"S": "DONE"}),
        update("REMOVE day"),
        update("SET day = :d", d=day),
    ]
    assert [index_units for _, index_units in written(*requests)] == [1, 0, 1, 1]


def test_an_index_is_billed_twice_where_its_key_changes() -> None:
    assert written(put(day={"S": "1"}), update("SET day = :d", d={"S": "2"})) == [(1, 1), (1, 2)]


def test_a_transaction_is_billed_twice_but_not_its_indexes() -> None:
    _, content = put(day={"S": "1"})
    [each] = Meter({"T": TABLE}).writes([("dynamodb:TransactWriteItems", {"TransactItems": [{"Put": content}]})])
    assert each == Written("T", 2, 1)


def test_an_update_is_followed() -> None:
    _, content = update(
        "SET state = :s, #note = :n REMOVE old, older ADD amount :a", s={"S": "1"}, n={"S": "2"}, a={"N": "3"}
    )
    before = {**KEY, "old": {"S": ""}, "older": {"S": ""}}
    assert updated(before, content) == {**KEY, "state": {"S": "1"}, "note": {"S": "2"}, "amount": {"N": "3"}}


@pytest.mark.parametrize("operation", ["dynamodb:DeleteItem", "dynamodb:BatchWriteItem"])
def test_what_is_not_known_is_not_guessed(operation: str) -> None:
    with pytest.raises(ValueError, match=operation):
        list(Meter({"T": TABLE}).writes([(operation, {})]))


def test_a_function_in_an_update_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="if_not_exists"):
        written(update("SET note = if_not_exists(note, :n)", n={"S": ""}))


def test_a_consistent_read_is_billed_by_four_kibibytes() -> None:
    meter = Meter({"T": TABLE})
    list(meter.writes([put(note={"S": "x" * 5000})]))
    absent = {"pk": {"S": "c"}, "sk": {"S": "d"}}
    asked = {"RequestItems": {"T": {"Keys": [KEY, absent], "ConsistentRead": True}}}
    assert meter.read_units([("dynamodb:BatchGetItem", asked)]) == 2 + 1
    asked["RequestItems"]["T"]["ConsistentRead"] = False
    assert meter.read_units([("dynamodb:BatchGetItem", asked)]) == 1.5


def test_tables_are_read_from_the_template() -> None:
    found = tables(TEMPLATE["Resources"])
    assert found["EventTable"].key == ("uuid", "event_key")
    assert found["EventTable"].indexes["unsent"].key == {"unsent", "received_at"}
