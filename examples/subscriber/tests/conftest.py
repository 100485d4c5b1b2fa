"""A shop in an AWS account that exists in this process alone (moto)."""

import importlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from moto.ses.models import ses_backends

os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="us-east-1",
    LEDGER_TABLE_NAME="ledger",
    ORDERS_TABLE_NAME="orders",
    IDEMPOTENCY_TABLE_NAME="idempotency",
    EVENT_RETENTION_DAYS="400",
    MAIL_FROM="shop@example.com",
)
CONTEXT = SimpleNamespace(
    function_name="order-updates",
    function_version="1",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:order-updates",
    aws_request_id="a-request",
    get_remaining_time_in_millis=lambda: 0,  # whatever a try that was killed has blocked is free at once
)


@dataclass(frozen=True)
class Shop:
    function: ModuleType
    dynamodb: Any

    def pay(self, uuid: str, order: str | None = "order-7", status: str = "COMPLETE", **more: str) -> None:
        """What the listener has on its books of a payment (its page docs/ledger.md)."""
        texts = {"pk": f"payment#{uuid}", "sk": "#payment", "uuid": uuid, "type": "IN", "status": status}
        facts = {"event": "payment.completed", "updated_at": "2026-01-15T10:25:00.000000Z"}
        of_order = {"reference": order} if order else {}
        self.dynamodb.Table("ledger").put_item(Item={**texts, **facts, **of_order, **more})

    def orders(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.dynamodb.Table("orders").scan()["Items"]
        return items

    def order(self, order: str = "order-7") -> Any:
        return self.dynamodb.Table("orders").get_item(Key={"order": order}).get("Item")

    def place(self, order: str, **row: str) -> None:
        """What the shop itself knows of an order."""
        self.dynamodb.Table("orders").put_item(Item={"order": order, **row})

    def forget(self) -> None:
        """Has all idempotency records expire."""
        table = self.dynamodb.Table("idempotency")
        for item in table.scan()["Items"]:
            table.delete_item(Key={"id": item["id"]})

    def handle(self, *announcements: dict[str, Any]) -> int:
        """Gives the function a batch from its queue. Returns how many of its messages are to come back."""
        return self.handle_bodies(*(json.dumps({"detail": each}) for each in announcements))

    def handle_bodies(self, *bodies: str) -> int:
        messages = [{"messageId": str(uuid4()), "body": body, "eventSource": "aws:sqs"} for body in bodies]
        return len(self.function.lambda_handler({"Records": messages}, CONTEXT)["batchItemFailures"])

    @property
    def mailed(self) -> list[str]:
        """To whom mails went, in order."""
        sent = ses_backends["123456789012"]["us-east-1"].sent_messages
        return [address for message in sent for address in message.destinations["ToAddresses"]]


def announcement(uuid: str, event_key: str = "payment.completed", **more: object) -> dict[str, Any]:
    return {
        "version": "1",
        "uuid": uuid,
        "event_key": event_key,
        "record_key": event_key,
        "revision": None,
        "event": event_key,
        "occurred_at": "2026-01-15T10:25:00.000000Z",
        "received_at": "2026-01-15T10:25:01.000000Z",
        "replay_id": None,
        "outcome": "PROCESSED",
        "effects": [{"effect": "set_payment", "payment": uuid, "status": "COMPLETE"}],
        "data_sha256": "0" * 64,
        "data": {"uuid": uuid, "displayCurrency": {"currency": "EUR", "amount": "100"}},
        **more,
    }


@pytest.fixture
def shop() -> Iterator[Shop]:
    with mock_aws():
        dynamodb = boto3.resource("dynamodb")
        for name, key in (("orders", "order"), ("idempotency", "id")):
            dynamodb.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            )
        dynamodb.create_table(
            TableName="ledger",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "reference")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by_reference",
                    "KeySchema": [
                        {"AttributeName": "reference", "KeyType": "HASH"},
                        {"AttributeName": "pk", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        boto3.client("ses").verify_email_identity(EmailAddress="shop@example.com")
        yield Shop(importlib.import_module("order_updates"), dynamodb)
