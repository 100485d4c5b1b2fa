"""What the functions answer to the samples in `events`, from the first to the last of a function on one stack."""

from pathlib import Path
from typing import Any, Final

from tests.support.deployed import FUNCTIONS


def _http(status: int) -> dict[str, Any]:
    return {"statusCode": status}


def _again(*numbers: int) -> dict[str, Any]:
    """The messages of a batch, counted from 1, that have to come again."""
    return {"batchItemFailures": [{"itemIdentifier": f"00000000-0000-4000-8000-{number:012}"} for number in numbers]}


ANSWERS: Final = {
    "ingest/wrong_method.json": _http(405),
    "ingest/other_content_type.json": _http(200),
    "ingest/oversized.json": _http(413),
    "ingest/missing_signature.json": _http(401),
    "ingest/bad_signature.json": _http(401),
    "ingest/unusable.json": _http(400),
    "ingest/valid.json": _http(200),
    "ingest/duplicate.json": _http(200),
    "ingest/base64.json": _http(200),
    "ingest/valid_node_scheme.json": _http(200),
    "ingest/valid_python_scheme.json": _http(200),
    "ingest/valid_channel_payment.json": _http(200),
    "ingest/valid_deposit.json": _http(200),
    "consumer/each_family.json": _again(),
    "consumer/mixed_with_poison.json": _again(2),
    "consumer/no_account.json": _again(),
    "consumer/replay.json": _again(),
    "consumer/unknown_type.json": _again(),
    "consumer/unrecorded.json": _again(),
    "relay/tick.json": {"sent": 0},
}
"""File below `events` → what has to be in the answer; there may be more."""


def function_of(sample: str) -> str:
    """The function that a sample is for, by its logical id."""
    return FUNCTIONS[Path(sample).parts[0]]
