"""What the deployed functions log and store holds no secret, no signature, and bodies only where they belong.

The tests' own process is watched by tests/conftest.py; the emulator's functions run in processes of their own.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.support.hygiene import Hygiene
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = pytest.mark.stack

PATIENCE_SECONDS = 60
FINISHED = {"PROCESSED", "IGNORED", "FAILED", "UNUSABLE", "CONFLICT"}


def bodies() -> Iterator[bytes]:
    """One for each thing that can become of a delivery."""
    uuid = str(uuid4())
    paid = {"uuid": uuid, "reference": f"user-{uuid}", "displayCurrency": {"currency": "EUR", "amount": 1}}
    for event, data in (
        ("channel.payment.confirmed", paid),
        ("channel.payment.confirmed", paid),
        ("channel.payment.confirmed", {**paid, "note": "other content"}),
        ("channel.payment.confirmed", {"uuid": str(uuid4()), "note": "of nobody's account"}),
        ("deposit.status_change", {"id": uuid, "status": "COMPLETE"}),
        ("of a kind that nothing handles", {"uuid": uuid}),
        (f"{uuid} is no event", [uuid]),
    ):
        yield json.dumps({"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": data}).encode()


def stored(stack: LocalStack, table: str) -> list[dict[str, dict[str, object]]]:
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs[table])
    return [item for page in pages for item in page["Items"]]


def logged(stack: LocalStack) -> list[str]:
    """Every line in every log group."""
    logs = stack.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    return [
        event["message"]
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]


def test_what_the_deployed_functions_log_and_store_tells_no_secrets(stack: LocalStack, signing_secret: str) -> None:
    hygiene = Hygiene()
    sent = list(bodies())
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as http:
        for body in sent:
            digest = hmac.digest(signing_secret.encode(), body, hashlib.sha256)
            hygiene.signed(signing_secret.encode(), body, digest)
            for signature in (digest.hex(), "0" * 64, f"sha256={digest.hex()}"):
                headers = {"Content-Type": "application/json", "X-Webhook-Signature": signature}
                http.post(stack.webhook_url, content=body, headers=headers)

    mine = {hashlib.sha256(body).digest() for body in sent}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(
        item["body_hash"]["B"] in mine and item["state"]["S"] not in FINISHED
        for item in stored(stack, "EventTableName")
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    lines = logged(stack)
    for line in lines:
        hygiene.printed(line)
    for table in ("EventTableName", "LedgerTableName"):
        for item in stored(stack, table):
            hygiene.stored(item)

    assert {"delivery accepted", "delivery conflict", "delivery forged", "delivery unusable", "event failed"} <= {
        json.loads(line).get("message") for line in lines if line.startswith("{")
    }
    assert hygiene.leaks() == []
