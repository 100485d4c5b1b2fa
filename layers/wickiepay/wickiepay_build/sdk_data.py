"""botocore's service descriptions, cut down to what the functions use.

botocore describes each service in megabytes of JSON and reads them on every cold start. What is kept here is taken from
its own files: each operation that is named below, all errors, the shapes that these reach, and every region of every
partition, but no documentation. This saves 250 of the 1,100 million instructions of a cold start.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    "codedeploy": frozenset({"PutLifecycleEventHookExecutionStatus"}),
    "dynamodb": frozenset({"BatchGetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"}),
    "events": frozenset({"PutEvents"}),
    "lambda": frozenset({"Invoke"}),
    "secretsmanager": frozenset({"GetSecretValue"}),
    "sqs": frozenset({"ChangeMessageVisibility", "SendMessage", "SendMessageBatch"}),
}
"""Service → the operations that the functions call. A test holds this against their code."""

ALWAYS_READ: Final = ("_retry", "partitions", "sdk-default-configuration")
"""Small files that botocore reads for every service."""

DOCUMENTATION: Final = frozenset({"documentation", "documentationUrl"})

type Json = dict[str, Any]


def pruned(data: Path) -> Iterator[tuple[str, Json]]:
    """The names and contents of the functions' data files, made from botocore's folder `data`."""
    for name in ALWAYS_READ:
        yield f"{name}.json", _read(data, name)
    yield "endpoints.json", _endpoints(_read(data, "endpoints"))
    for service, operations in OPERATIONS.items():
        version = max(path.parent.name for path in data.glob(f"{service}/*/service-2.json*"))
        model = _service(_read(data, f"{service}/{version}/service-2"), operations)
        yield f"{service}/{version}/service-2.json", model
        ruleset = f"{service}/{version}/endpoint-rule-set-1"
        yield f"{ruleset}.json", _read(data, ruleset)


def _read(data: Path, name: str) -> Json:
    """A file of botocore's, which may be compressed."""
    plain = data / f"{name}.json"
    content = plain.read_bytes() if plain.exists() else gzip.decompress((data / f"{name}.json.gz").read_bytes())
    read: Json = json.loads(content)
    return read


def _endpoints(endpoints: Json) -> Json:
    """Every partition and every region, with only the services that the functions call."""
    return {
        **endpoints,
        "partitions": [
            {**partition, "services": {name: partition["services"].get(name, {"endpoints": {}}) for name in OPERATIONS}}
            for partition in endpoints["partitions"]
        ],
    }


def _service(model: Json, names: frozenset[str]) -> Json:
    """A service with the operations `names`, all of its errors, and the shapes that these reach."""
    operations = {name: operation for name, operation in model["operations"].items() if name in names}
    if missing := names - operations.keys():
        raise LookupError(f"botocore knows no {', '.join(sorted(missing))}.")
    errors = [name for name, shape in model["shapes"].items() if shape.get("exception")]
    waiting = [*errors, *_shapes_named_in(operations)]
    shapes: Json = {}
    while waiting:
        if (name := waiting.pop()) not in shapes:
            shapes[name] = _undocumented(model["shapes"][name])
            waiting += _shapes_named_in(shapes[name])
    kept = {name: value for name, value in model.items() if name not in DOCUMENTATION}
    return {**kept, "operations": _undocumented(operations), "shapes": dict(sorted(shapes.items()))}


def _shapes_named_in(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(shape := node.get("shape"), str):
            yield shape
        for child in node.values():
            yield from _shapes_named_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from _shapes_named_in(child)


def _undocumented(node: Any) -> Any:  # noqa: ANN401  whatever JSON holds
    if isinstance(node, list):
        return [_undocumented(child) for child in node]
    if isinstance(node, dict):
        # A shape may have a member of that name; its value is not text.
        return {k: _undocumented(v) for k, v in node.items() if not (k in DOCUMENTATION and isinstance(v, str))}
    return node
