"""Reads items of a table by their keys, with few of their attributes."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from wickiepay.dynamodb import Item
from wickiepay.errors import StoreUnavailable
from wickiepay.outages import outages

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

MAX_KEYS: Final = 100
"""Most keys in one BatchGetItem."""

ATTEMPTS: Final = 8
PAUSE_SECONDS: Final = 0.05
"""Pause before unprocessed keys are read again; it doubles each time."""


class Items:
    """The items of a table. `store` names it to people; `sleep` pauses when the table is too busy to be read."""

    def __init__(
        self, client: "DynamoDBClient", table: str, store: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._store = store
        self._sleep = sleep

    def read(self, keys: Iterable[Item], names: Sequence[str]) -> list[Item]:
        """The attributes `names` of the items that there are. Raises `StoreUnavailable`."""
        return [item for some in batched(keys, MAX_KEYS, strict=False) for item in self._read(some, names)]

    def _read(self, keys: Sequence[Item], names: Sequence[str]) -> list[Item]:
        found: list[Item] = []
        request: Any = {
            self._table: {
                "Keys": keys,
                "ProjectionExpression": ", ".join(f"#{name}" for name in names),
                "ExpressionAttributeNames": {f"#{name}": name for name in names},
            }
        }
        for attempt in range(ATTEMPTS):
            with outages(self._store):
                answer = self._client.batch_get_item(RequestItems=request)
            found += answer["Responses"].get(self._table, [])
            request = answer.get("UnprocessedKeys")
            if not request:
                return found
            self._sleep(PAUSE_SECONDS * 2**attempt)
        raise StoreUnavailable(f"{self._store} is too busy to be read now.")
