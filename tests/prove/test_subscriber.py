"""The example subscriber on the local stack: killed, given all again and shuffled, it changes each row once."""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from wickiepay.signature import sign
from wickiepay_cli.local.beside import deploy_beside
from wickiepay_cli.project import PROJECT
from wickiepay_cli.sending.client import connection, deliver
from wickiepay_cli.stacks.local_stack import LocalStack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_sqs import SQSClient

pytestmark = [
    pytest.mark.slow_proof,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the function's processes in /proc"),
]

ORDERS: Final = 100
TIMES: Final = 3
KILL_EVERY: Final = 40
PATIENCE_SECONDS: Final = 400
ENDS: Final = ("payment.completed", "payment.cancelled")
STATUS: Final = {"payment.completed": "PAID", "payment.cancelled": "EXPIRED"}
"""The end of an order's second payment → the status of the order, whose first payment has expired."""


@dataclass
class Subscriber:
    stack: LocalStack
    outputs: dict[str, str]
    chance: random.Random
    killed: int = 0

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self.stack.client("dynamodb")
        return client

    @cached_property
    def sqs(self) -> "SQSClient":
        client: SQSClient = self.stack.client("sqs")
        return client

    def rows(self) -> dict[str, dict[str, Any]]:
        """The orders that changed, by their references."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.outputs["OrdersTableName"])
        return {item["order"]["S"]: dict(item) for page in pages for item in page["Items"] if "changes" in item}

    def forget(self) -> None:
        """Has every idempotency record expire, as Powertools' would within an hour by its default."""
        table = self.outputs["IdempotencyTableName"]
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                self.dynamodb.delete_item(TableName=table, Key={"id": item["id"]})

    def waiting(self, queue: str) -> int:
        """How many messages are in a queue, with those that a function holds."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def announce(self, entries: list[Any]) -> None:
        """Puts each announcement on the bus `TIMES` times, shuffled, and waits until all are handled.

        Meanwhile, kills a process of the function each time `KILL_EVERY` messages have left the queue. (The emulator
        then ends the others, too.)
        """
        events: EventBridgeClient = self.stack.client("events")
        shuffled = entries * TIMES
        self.chance.shuffle(shuffled)
        for some in batched(shuffled, 10, strict=False):
            assert not events.put_events(Entries=some)["FailedEntryCount"]
        deadline, next_kill = time.monotonic() + PATIENCE_SECONDS, len(shuffled)
        while left := self.waiting("QueueUrl"):
            assert time.monotonic() < deadline
            if left <= next_kill and (running := workers()):
                os.kill(self.chance.choice(running), signal.SIGKILL)
                self.killed, next_kill = self.killed + 1, left - KILL_EVERY
            time.sleep(self.chance.random())


def workers() -> list[int]:
    """The processes that run the example's function now."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is another user's
            if "ministack-lambda-subscriber-OrderUpdates" in str((process / "cwd").readlink()):
                found.append(int(process.name))
    return found


@pytest.fixture(scope="module")
def subscriber(stack: LocalStack) -> Subscriber:
    outputs = deploy_beside(stack, PROJECT / "examples/subscriber", "subscriber", {"MailFrom": "shop@example.com"})
    for address in ("shop@example.com", "customer@example.com"):
        stack.client("ses").verify_email_identity(EmailAddress=address)
    described = stack.client("cloudformation").describe_stack_resource(
        StackName="subscriber", LogicalResourceId="OrderUpdates"
    )
    function = described["StackResourceDetail"]["PhysicalResourceId"]
    # What a killed try holds comes back after three minutes otherwise, and is blocked for half a minute. Three
    # processes are enough for two cores: they take long to start.
    stack.client("lambda").update_function_configuration(FunctionName=function, Timeout=10)
    [source] = stack.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    stack.client("lambda").update_event_source_mapping(UUID=source["UUID"], ScalingConfig={"MaximumConcurrency": 3})
    stack.client("sqs").set_queue_attributes(QueueUrl=outputs["QueueUrl"], Attributes={"VisibilityTimeout": "12"})
    return Subscriber(stack, outputs, random.Random(16))  # noqa: S311  no cryptography


@pytest.fixture(scope="module")
def announced(subscriber: Subscriber, signing_secret: str) -> list[Any]:
    """What the listener announced of 200 events, while the subscriber did not hear it: entries for PutEvents."""
    stack, bus = subscriber.stack, subscriber.stack.outputs["EventBusName"]
    events: EventBridgeClient = stack.client("events")
    [rule] = [each["Name"] for each in events.list_rules(EventBusName=bus)["Rules"] if "subscriber" in each["Name"]]
    events.disable_rule(Name=rule, EventBusName=bus)
    heard = subscriber.sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = subscriber.sqs.get_queue_attributes(QueueUrl=heard, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="heard", EventBusName=bus, EventPattern=json.dumps({"source": ["wickiepay"]}))
    events.put_targets(Rule="heard", EventBusName=bus, Targets=[{"Id": "heard", "Arn": arn}])

    with connection(stack.webhook_url) as http:
        for number in range(ORDERS):
            for payment, event in (("first", "payment.expired"), ("second", ENDS[number % 2])):
                data = {"uuid": f"{payment}-{number}", "type": "IN", "reference": f"order-{number}"}
                body = json.dumps({"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": data}).encode()
                assert deliver(http, stack.webhook_url, body, sign(body, signing_secret.encode())).accepted

    told: dict[str, Any] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(told) < 2 * ORDERS and time.monotonic() < deadline:
        for message in subscriber.sqs.receive_message(QueueUrl=heard, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            told[event["detail"]["uuid"]] = event
            subscriber.sqs.delete_message(QueueUrl=heard, ReceiptHandle=message["ReceiptHandle"])
    events.remove_targets(Rule="heard", EventBusName=bus, Ids=["heard"])
    events.delete_rule(Name="heard", EventBusName=bus)
    events.enable_rule(Name=rule, EventBusName=bus)
    assert len(told) == 2 * ORDERS
    return [
        {
            "EventBusName": bus,
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
        }
        for event in told.values()
    ]


def test_each_row_changes_once_under_announcements_repeated_shuffled_and_after_all_records_have_expired(
    subscriber: Subscriber, announced: list[Any], record_property: Callable[[str, object], None]
) -> None:
    for number in range(ORDERS):
        row = {"order": {"S": f"order-{number}"}, "mail": {"S": "customer@example.com"}}
        subscriber.dynamodb.put_item(TableName=subscriber.outputs["OrdersTableName"], Item=row)

    subscriber.announce(announced)
    first = subscriber.rows()
    subscriber.forget()
    subscriber.announce(announced)

    assert {order: (row["status"]["S"], row["changes"]["N"]) for order, row in first.items()} == {
        f"order-{number}": (STATUS[ENDS[number % 2]], "1") for number in range(ORDERS)
    }
    assert subscriber.rows() == first
    assert subscriber.waiting("DeadLettersUrl") == 0
    assert subscriber.killed > 0
    points = subscriber.stack.client("ses").get_send_statistics()["SendDataPoints"]
    mails, paid = sum(point["DeliveryAttempts"] for point in points), ORDERS // 2
    assert mails >= paid
    again = 2 * TIMES * len(announced)
    record_property(
        "figure",
        f"{len(announced)} events announced {again:,} times, {subscriber.killed} kills: each of {ORDERS} rows changed "
        f"once, {mails} mails for {paid} paid orders",
    )
