"""What DynamoDB answers in pages is read to its end."""

from typing import Any

from wickiepay.dynamodb import all_items


def test_the_items_of_all_pages_are_found_each_asked_for_where_the_last_one_ended() -> None:
    first, last = {"pk": {"S": "a"}}, {"pk": {"S": "b"}}
    pages = iter([{"Items": [first], "LastEvaluatedKey": first}, {"Items": [last]}])
    asked: list[dict[str, Any]] = []

    def query(**request: Any) -> Any:  # noqa: ANN401  of a client
        asked.append(request)
        return next(pages)

    assert all_items(query, TableName="table") == [first, last]
    assert asked == [{"TableName": "table"}, {"TableName": "table", "ExclusiveStartKey": first}]
