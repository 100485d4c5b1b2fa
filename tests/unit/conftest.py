"""An AWS in process (moto), made from template.yaml's own definitions, and the material the tests are made of."""

import importlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from deployed import FUNCTIONS, TEMPLATE, environment_of
from wickiepay import aws
from wickiepay.bus import EventBus
from wickiepay.delivery import Delivery
from wickiepay.event import WebhookEvent, parse
from wickiepay.event_log import EventLog
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

NOW: Final = datetime(2026, 1, 15, 10, 25, 1, tzinfo=UTC)
SECRET: Final = b"the-signing-secret-of-these-tests"
QUEUE_URL: Final = environment_of("IngestFunction")["EVENT_QUEUE_URL"]


# --- The template: each of its resources is named by its logical id ----------------------------------
def properties(logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = TEMPLATE["Resources"][logical_id]["Properties"]
    return found


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


def create_table(client: "DynamoDBClient", logical_id: str) -> None:
    definition = properties(logical_id)
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    client.create_table(TableName=logical_id, **{name: definition[name] for name in names})


def create_queue(client: "SQSClient", logical_id: str) -> None:
    attributes: Any = {name: json.dumps(value) for name, value in properties(logical_id).items()}
    match properties(logical_id):
        case {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": [name, "Arn"]}, **more}}:
            arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
            attributes["RedrivePolicy"] = json.dumps({**more, "deadLetterTargetArn": arn})
    client.create_queue(QueueName=logical_id, Attributes=attributes)


@pytest.fixture(scope="session")
def now() -> datetime:
    """The instant at which the tests take place."""
    return NOW


@pytest.fixture(scope="session")
def secret() -> bytes:
    """The signing secret that is in the store."""
    return SECRET


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def tick(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def dynamodb() -> "DynamoDBClient":
    return aws.dynamodb()


@pytest.fixture(scope="session")
def sqs() -> "SQSClient":
    return aws.sqs()


@pytest.fixture(scope="session")
def eventbridge() -> "EventBridgeClient":
    return aws.events()


@pytest.fixture(scope="session")
def secretsmanager() -> "SecretsManagerClient":
    return aws.secretsmanager()


@pytest.fixture
def cloud() -> Iterator[None]:
    """An AWS with nothing in it yet."""
    with mock_aws():
        yield


@pytest.fixture
def events(cloud: None, dynamodb: "DynamoDBClient") -> EventLog:  # noqa: ARG001
    create_table(dynamodb, "EventTable")
    return EventLog(dynamodb, "EventTable")


@pytest.fixture
def ledger(cloud: None, dynamodb: "DynamoDBClient") -> Ledger:  # noqa: ARG001
    create_table(dynamodb, "LedgerTable")
    return Ledger(dynamodb, "LedgerTable", sleep=lambda _: None)


type FreshLedger = Callable[[], AbstractContextManager[Ledger]]


@pytest.fixture(scope="session")
def fresh_ledger(dynamodb: "DynamoDBClient") -> FreshLedger:
    """Opens empty books. For property tests, which need many of them."""

    @contextmanager
    def fresh() -> Iterator[Ledger]:
        with mock_aws():
            create_table(dynamodb, "LedgerTable")
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
@dataclass
class Fault:
    """`answer` instead of the calls of `operation`: all but the first `skip`, at most `times`."""

    operation: str
    answer: BaseException | dict[str, Any]
    skip: int
    times: int
    after: bool = False

    def strikes(self, operation: str, *, after: bool) -> bool:
        if (operation, after) != (self.operation, self.after):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


def timed_out() -> Exception:
    return ReadTimeoutError(endpoint_url="https://aws.invalid")


@dataclass
class Calls:
    """The calls that the code makes of AWS, in order, with their parameters; and those of them that go wrong.

    They go wrong where botocore's own hooks let them, so the code under test meets the very exceptions of AWS.
    """

    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def names(self) -> list[str]:
        return [name for name, _ in self.made]

    def of(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.made if name == operation]

    def fail(self, operation: str, error: BaseException | None = None, *, skip: int = 0, times: int = 1000) -> None:
        """Calls of `operation` do not get through: they time out, else raise `error`."""
        self.faults.append(Fault(operation, error or timed_out(), skip, times))

    def refuse(
        self, operation: str, code: str, status: int = 400, *, skip: int = 0, times: int = 1000, **more: object
    ) -> None:
        """AWS answers calls of `operation` with an error."""
        answer = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
        self.faults.append(Fault(operation, answer, skip, times))

    def answer(self, operation: str, content: dict[str, Any]) -> None:
        """AWS answers one call of `operation` with `content`."""
        self.faults.append(Fault(operation, {**content, "ResponseMetadata": {"HTTPStatusCode": 200}}, 0, 1))

    def lose_answer(self, operation: str) -> None:
        """One call of `operation` takes effect, but its answer never arrives."""
        self.faults.append(Fault(operation, timed_out(), 0, 1, after=True))

    def mend(self) -> None:
        self.faults.clear()

    @contextmanager
    def watching(self, *clients: "BaseClient") -> Iterator[None]:
        hooks: list[tuple[str, Callable[..., Any]]] = [
            ("provide-client-params", self._note),
            ("before-call", self._before),
            ("after-call", self._after),
        ]
        for client in clients:
            for name, hook in hooks:
                client.meta.events.register(name, hook)
        yield
        for client in clients:
            for name, hook in hooks:
                client.meta.events.unregister(name, hook)

    def _note(self, params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        self.made.append((model.name, params))

    def _before(self, model: Any, **_: object) -> tuple[AWSResponse, dict[str, Any]] | None:  # noqa: ANN401
        answer = self._struck(model.name, after=False)
        if answer is None:
            return None
        return AWSResponse("", answer["ResponseMetadata"]["HTTPStatusCode"], HTTPHeaders(), None), answer

    def _after(self, model: Any, **_: object) -> None:  # noqa: ANN401
        self._struck(model.name, after=True)

    def _struck(self, operation: str, *, after: bool) -> dict[str, Any] | None:
        for fault in self.faults:
            if fault.strikes(operation, after=after):
                if isinstance(fault.answer, BaseException):
                    raise fault.answer
                return fault.answer
        return None


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
PAYMENT: Final = {
    "uuid": "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11",
    "type": "IN",
    "reference": "order-1001",
    "displayCurrency": {"currency": "EUR", "amount": 100},
    "paidCurrency": {"currency": "USDC", "amount": 108.5},
}


class BodyOf(Protocol):
    def __call__(self, event: str = ..., data: object = ..., **envelope: object) -> bytes: ...


class EventOf(Protocol):
    def __call__(self, event: str = ..., data: object = ..., **envelope: object) -> WebhookEvent: ...


class DeliveryOf(Protocol):
    def __call__(self, body: bytes = ..., *, scheme: str = ..., received_at: str = ...) -> Delivery: ...


def _body_of(event: str = "payment.completed", data: object = PAYMENT, **envelope: object) -> bytes:
    whole = {"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": data, **envelope}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def _event_of(event: str = "payment.completed", data: object = PAYMENT, **envelope: object) -> WebhookEvent:
    body = _body_of(event, data, **envelope)
    return parse(body)


def _delivery_of(
    body: bytes | None = None, *, scheme: str = "raw", received_at: str = "2026-01-15T10:25:01.000000Z"
) -> Delivery:
    return Delivery(_body_of() if body is None else body, scheme, received_at, "203.0.113.7", "request-1")


@pytest.fixture(scope="session")
def body_of() -> BodyOf:
    """The body of a delivery of `event`; what is None in the envelope is left out."""
    return _body_of


@pytest.fixture(scope="session")
def event_of() -> EventOf:
    return _event_of


@pytest.fixture(scope="session")
def delivery_of() -> DeliveryOf:
    return _delivery_of


class SizeOf(Protocol):
    def __call__(self, item: dict[str, Any]) -> int: ...


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
class Printed:
    """All that the functions have printed in a test: log lines and metrics."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def text(self) -> str:
        self._text += self._capsys.readouterr().out
        return self._text

    def logs(self) -> list[dict[str, Any]]:
        return [line for line in self._lines() if "level" in line]

    def metrics(self) -> dict[str, list[float]]:
        """Metric → its values, in the order of printing."""
        values: dict[str, list[float]] = {}
        for line in self._lines():
            for about in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in about["Metrics"]:
                    values.setdefault(metric["Name"], []).extend(line[metric["Name"]])
        return values

    def units(self) -> dict[str, str]:
        """Metric → its unit."""
        printed = [about for line in self._lines() for about in line.get("_aws", {}).get("CloudWatchMetrics", [])]
        return {metric["Name"]: metric["Unit"] for about in printed for metric in about["Metrics"]}

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    return Printed(capsys)


class PresentStdout(io.TextIOBase):
    """Loggers hold on to the stdout that they were made with; pytest gives each test one of its own."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


for module in FUNCTIONS.keys() - {"ingest"}:  # which prints as it is, without a logger
    for handler in importlib.import_module(module).logger.handlers:
        handler.setStream(PresentStdout())
