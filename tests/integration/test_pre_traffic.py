"""The pre-traffic hook against the functions as they are deployed, and a CodeDeploy of its own."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, cast, override
from uuid import uuid4

import pytest

import pre_traffic
from tests.support.deployed import environment_of
from tests.support.emulated import variables_of
from wickiepay import sdk
from wickiepay_cli.stacks.local_stack import LocalStack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.stack

PATIENCE_SECONDS = 60


class CodeDeploy(HTTPServer):
    """Keeps what it is told: the operation, and its parameters."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.told: list[tuple[str, dict[str, str]]] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        cast("CodeDeploy", self.server).told.append((operation, content))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"lifecycleEventHookExecutionId": "execution-1"}).encode())

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Tells nothing."""


@pytest.fixture
def codedeploy() -> Iterator[CodeDeploy]:
    with CodeDeploy() as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def environment(stack: LocalStack) -> dict[str, str]:
    """What the template tells the hook of a stack."""
    cloudformation = stack.client("cloudformation")

    def named(logical_id: str) -> str:
        found = cloudformation.describe_stack_resource(StackName=stack.stack_name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    return environment_of("PreTrafficFunction") | {
        "INGEST_VERSION": named("IngestFunction"),
        "CONSUMER_VERSION": named("ConsumerFunction"),
        "RELAY_VERSION": named("RelayFunction"),
        "SIGNING_SECRET_ARN": stack.outputs["SigningSecretArn"],
    }


@pytest.fixture
def clients(stack: LocalStack, codedeploy: CodeDeploy, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The hook's clients lead to the stack."""
    for name, value in variables_of(stack.aws).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CODEDEPLOY", codedeploy.url)
    sdk.the_session.cache_clear()
    yield
    sdk.the_session.cache_clear()


type Run = Callable[..., list[str]]


@pytest.fixture
def run(
    clients: None,  # noqa: ARG001
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Runs the hook, with some of its environment changed; returns the uuids of its probes."""

    def run(**changed: str) -> list[str]:
        probes: list[str] = []

        def new_uuid() -> str:
            probes.append(str(uuid4()))
            return probes[-1]

        wired = pre_traffic.from_environment(environment | changed)
        object.__setattr__(wired, "new_uuid", new_uuid)
        monkeypatch.setattr(pre_traffic, "pre_traffic", wired)
        pre_traffic.lambda_handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "execution-1"}, None)
        return probes

    return run


def told(status: str) -> list[tuple[str, dict[str, str]]]:
    word = {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "execution-1", "status": status}
    return [("PutLifecycleEventHookExecutionStatus", word)]


def states(stack: LocalStack, probes: list[str]) -> list[str]:
    """The states that the probes' events are on record in."""
    dynamodb: DynamoDBClient = stack.client("dynamodb")
    found = []
    for probe in probes:
        answer = dynamodb.query(
            TableName=stack.outputs["EventTableName"],
            KeyConditionExpression="#uuid = :uuid",
            ExpressionAttributeNames={"#uuid": "uuid"},
            ExpressionAttributeValues={":uuid": {"S": probe}},
        )
        found += [item["state"]["S"] for item in answer["Items"] if item["event"] == {"S": "listener.probe"}]
    return found


def test_the_deployed_functions_are_let_through_and_the_books_not_touched(
    stack: LocalStack, codedeploy: CodeDeploy, run: Run
) -> None:
    probes = run()

    assert codedeploy.told == told("Succeeded")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while states(stack, probes) != ["IGNORED", "IGNORED"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert states(stack, probes) == ["IGNORED", "IGNORED"]
    ledger = str(stack.client("dynamodb").scan(TableName=stack.outputs["LedgerTableName"])["Items"])
    assert not [probe for probe in probes if probe in ledger]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"INGEST_VERSION": "no-such-function"}, id="no ingest"),
        pytest.param({"SIGNING_SECRET_ARN": "no-such-secret"}, id="no secret"),
        pytest.param({"CONSUMER_VERSION": "relay"}, id="another function"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused(
    changed: dict[str, str], environment: dict[str, str], codedeploy: CodeDeploy, run: Run
) -> None:
    run(**{name: environment["RELAY_VERSION"] if value == "relay" else value for name, value in changed.items()})

    assert codedeploy.told == told("Failed")
