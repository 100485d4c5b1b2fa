"""An AWS in process (moto), made from template.yaml's own definitions, and the material the tests are made of."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from tests.support.aws import QUEUE_URL, Calls, FreshLedger, SizeOf, create_queue, create_table, properties
from tests.support.clock import Clock
from tests.support.deliveries import BodyOf, DeliveryOf, EventOf, make_body, make_delivery, make_event
from tests.support.deployed import FUNCTIONS, environment_of
from tests.support.printed import PresentStdout, Printed
from wickiepay import clients
from wickiepay.bus import EventBus
from wickiepay.event_log import EventLog
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

NOW: Final = datetime(2026, 1, 15, 10, 25, 1, tzinfo=UTC)
SECRET: Final = b"the-signing-secret-of-these-tests"


# --- The template: each of its resources is named by its logical id ----------------------------------


@pytest.fixture(scope="session")
def environment() -> Callable[[str], dict[str, str]]:
    """The environment variables that the template gives to a function."""
    return environment_of


@pytest.fixture(scope="session")
def properties_of() -> Callable[[str], dict[str, Any]]:
    """What the template says about a resource."""
    return properties


@pytest.fixture(scope="session")
def alarm() -> Callable[[str], str]:
    """The metric that rings an alarm of the template."""
    return lambda logical_id: str(properties(logical_id)["MetricName"])


@pytest.fixture(scope="session")
def now() -> datetime:
    """The instant at which the tests take place."""
    return NOW


@pytest.fixture(scope="session")
def secret() -> bytes:
    """The signing secret that is in the store."""
    return SECRET


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def dynamodb() -> "DynamoDBClient":
    return clients.dynamodb()


@pytest.fixture(scope="session")
def sqs() -> "SQSClient":
    return clients.sqs()


@pytest.fixture(scope="session")
def eventbridge() -> "EventBridgeClient":
    return clients.events()


@pytest.fixture(scope="session")
def secretsmanager() -> "SecretsManagerClient":
    return clients.secretsmanager()


@pytest.fixture
def cloud() -> Iterator[None]:
    """An AWS with nothing in it yet."""
    with mock_aws():
        yield


@pytest.fixture
def events(cloud: None, dynamodb: "DynamoDBClient") -> EventLog:  # noqa: ARG001
    create_table("EventTable")
    return EventLog(dynamodb, "EventTable")


@pytest.fixture
def ledger(cloud: None, dynamodb: "DynamoDBClient") -> Ledger:  # noqa: ARG001
    create_table("LedgerTable")
    return Ledger(dynamodb, "LedgerTable", sleep=lambda _: None)


@pytest.fixture(scope="session")
def fresh_ledger(dynamodb: "DynamoDBClient") -> FreshLedger:
    """Opens empty books. For property tests, which need many of them."""

    @contextmanager
    def fresh() -> Iterator[Ledger]:
        with mock_aws():
            create_table("LedgerTable")
            yield Ledger(dynamodb, "LedgerTable", sleep=lambda _: None)

    return fresh


@pytest.fixture
def queue(cloud: None, sqs: "SQSClient") -> EventQueue:  # noqa: ARG001
    create_queue(sqs, "DeadLetterQueue")
    create_queue(sqs, "EventQueue")
    return EventQueue(sqs, QUEUE_URL)


@pytest.fixture
def bus(cloud: None, eventbridge: "EventBridgeClient") -> EventBus:  # noqa: ARG001
    eventbridge.create_event_bus(Name="EventBus")
    return EventBus(eventbridge, "EventBus")


@pytest.fixture
def signing_secret(cloud: None, secretsmanager: "SecretsManagerClient") -> str:  # noqa: ARG001
    """The name of the signing secret in the store; its value is `secret`."""
    secretsmanager.create_secret(Name="SigningSecret", SecretString=SECRET.decode())
    return "SigningSecret"


# --- What reaches AWS, and what goes wrong there ------------------------------------------------------


@pytest.fixture
def calls(
    cloud: None,  # noqa: ARG001
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    eventbridge: "EventBridgeClient",
    secretsmanager: "SecretsManagerClient",
) -> Iterator[Calls]:
    calls = Calls()
    with calls.watching(dynamodb, sqs, eventbridge, secretsmanager):
        yield calls


# --- Events and deliveries ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def body_of() -> BodyOf:
    """The body of a delivery of `event`; what is None in the envelope is left out."""
    return make_body


@pytest.fixture(scope="session")
def event_of() -> EventOf:
    return make_event


@pytest.fixture(scope="session")
def delivery_of() -> DeliveryOf:
    return make_delivery


@pytest.fixture(scope="session")
def size_of() -> SizeOf:
    """What an item counts in bytes, by DynamoDB's rule: its names and its values; digits go two to a byte."""

    def size(item: dict[str, Any]) -> int:
        total = 0
        for name, typed in item.items():
            match typed:
                case {"S": text}:
                    total += len(name) + len(text.encode())
                case {"B": data}:
                    total += len(name) + len(data)
                case {"N": digits}:
                    total += len(name) + len(digits) // 2 + 2
        return total

    return size


# --- What the functions print -------------------------------------------------------------------------


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    return Printed(capsys)


for module in FUNCTIONS.keys() - {"ingest"}:  # which prints as it is, without a logger
    for handler in importlib.import_module(module).logger.handlers:
        handler.setStream(PresentStdout())
