"""The fixture `operator`, for test modules that name this one in `pytest_plugins`."""

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.operator_stack import OperatorStack
from wickiepay import clock
from wickiepay.bus import EventBus
from wickiepay.event_log import EventLog
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue
from wickiepay_cli.stacks import stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient


@pytest.fixture
def operator(
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    events: EventLog,
    ledger: Ledger,
    queue: EventQueue,
    bus: EventBus,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> OperatorStack:
    """A listener that every command finds, whatever stack it is told to look for, at the instant of the tests."""
    operator = OperatorStack(dynamodb, sqs, events, ledger, queue, bus, now)
    monkeypatch.setattr(stack, "find", operator.stack)
    monkeypatch.setattr(clock, "now", lambda: now)
    # moto hides nothing from who asks in a hurry
    monkeypatch.setattr("wickiepay_cli.store.dead_letters.WAIT_SECONDS", 0)
    return operator
