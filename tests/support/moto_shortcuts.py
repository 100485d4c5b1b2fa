"""What moto works out anew for every request, although it is the same each time, is worked out once.

Moto took half of the time of all tests, and most of that went there. What it answers is the same.
"""

import base64
import json
from functools import cache
from typing import Any, Final

from moto import backend_index
from moto.core import base_backend, models, responses, utils
from moto.dynamodb.responses import DynamoHandler, DynamoResult

ON_ITEMS: Final = frozenset(
    {
        *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"),
        *("BatchGetItem", "BatchWriteItem", "TransactWriteItems"),
    }
)
"""DynamoDB's operations whose results are JSON as they are, but for bytes."""


def take_shortcuts() -> None:
    """Holds for the whole process. It comes before the first `mock_aws`."""
    models.RESPONSES_METHODS.clear()  # answers for the package requests, which nobody uses: 5 ms of each `mock_aws`
    backend_index.backend_url_patterns.sort(key=lambda pattern: pattern[0] not in {"dynamodb", "sqs"})
    every_backend: Any = base_backend.BaseBackend
    every_backend.urls = property(cache(every_backend.urls.fget))
    for name in ("camelcase_to_underscores", "method_names_from_class"):
        once = cache(getattr(utils, name))
        for module in (utils, responses):
            setattr(module, name, once)
    handler: Any = DynamoHandler
    serialized = handler.serialized

    def plainly(self: Any, result: Any) -> Any:  # noqa: ANN401  moto's own types
        if not isinstance(result, DynamoResult) or self._get_action() not in ON_ITEMS:
            return serialized(self, result)
        found: Any = result.result
        text = json.dumps({name: value for name, value in found.items() if value is not None}, default=_as_text)
        return 200, {"Content-Type": "application/x-amz-json-1.0", **self.response_headers}, text

    handler.serialized = plainly


def _as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()
