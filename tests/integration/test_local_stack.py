"""The local stack: that the real template works in it, and that it comes and goes as `make run` promises."""

import hashlib
import hmac
import json
import os
import signal
import stat
import uuid
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tests.support.eventually import eventually
from tests.support.in_a_pipe import InAPipe, in_a_pipe
from tests.support.installed import COMMAND
from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.proxy import reserved
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import LocalStack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.stack

PATIENCE_SECONDS = 60


def deliver(url: str, body: bytes, secret: str) -> httpx.Response:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Webhook-Signature": signature}
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as http:
        return http.post(url, content=body, headers=headers)


def payment_completed(identifier: str) -> bytes:
    data = {"uuid": identifier, "type": "IN", "status": "COMPLETE", "reference": "order-1"}
    return json.dumps({"event": "payment.completed", "timestamp": "2026-01-15T10:25:00Z", "data": data}).encode()


# --- The template in the emulator ----------------------------------------------------------------


def test_a_signed_delivery_ends_processed(stack: LocalStack, signing_secret: str) -> None:
    identifier = str(uuid.uuid4())
    dynamodb: DynamoDBClient = stack.client("dynamodb")

    def is_processed() -> bool:
        key = {"uuid": {"S": identifier}, "event_key": {"S": "payment.completed"}}
        item = dynamodb.get_item(TableName=stack.outputs["EventTableName"], Key=key)["Item"]
        return item["state"] == {"S": "PROCESSED"}

    assert deliver(stack.webhook_url, payment_completed(identifier), signing_secret).status_code == 200
    assert eventually(is_processed)


def test_a_delivery_signed_with_another_secret_is_refused(stack: LocalStack) -> None:
    assert deliver(stack.webhook_url, payment_completed(str(uuid.uuid4())), "another").status_code == 401


@pytest.mark.parametrize("path", ["/", "/webhooks", "/_ministack/health", "/_ministack/reset"])
def test_no_other_path_leads_anywhere(stack: LocalStack, path: str) -> None:
    assert httpx.post(httpx.URL(stack.webhook_url).join(path), trust_env=False).status_code == 404


def test_who_has_no_policy_may_do_nothing(stack: LocalStack) -> None:
    iam = stack.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    nobody = boto3.client(
        "dynamodb",
        endpoint_url=stack.aws.endpoint_url,
        region_name=stack.region,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(ClientError, match="not authorized"):
        nobody.list_tables()


def test_what_the_user_has_configured_for_aws_has_no_say(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert stack.outputs["EventTableName"] in stack.client("dynamodb").list_tables()["TableNames"]


def test_the_outputs_that_the_command_relies_on_are_there(stack: LocalStack) -> None:
    assert set(stack.outputs) >= {
        *("WebhookUrl", "EventTableName", "LedgerTableName", "EventQueueUrl", "DeadLetterQueueUrl"),
        *("EventBusName", "SigningSecretArn"),
    }


# --- Others on this machine, and the pages in its browser -------------------------------------------

LISTING = "/2015-03-31/functions"
LISTING_WITH_TEST = f"{LISTING}?X-Amz-Credential=test/20261125/us-east-1/lambda/aws4_request"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", LISTING),
        ("GET", LISTING_WITH_TEST),
        ("POST", LISTING_WITH_TEST),
        ("POST", "/?Action=ListQueues&AWSAccessKeyId=test"),
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/health"),
        ("OPTIONS", LISTING),
    ],
)
@pytest.mark.parametrize(
    "who",
    [
        pytest.param({"Origin": "https://page.example", "Content-Type": "text/plain"}, id="page"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="image"),
        pytest.param({"Host": "rebound.example"}, id="rebound"),
        pytest.param({}, id="user"),
    ],
)
def test_a_request_that_any_page_and_any_user_can_make_is_refused(
    stack: LocalStack, method: str, path: str, who: dict[str, str]
) -> None:
    """None of these has a browser ask beforehand, whether it may."""
    response = httpx.request(method, stack.aws.endpoint_url + path, headers=who, trust_env=False)
    assert (response.status_code, response.headers.get("Access-Control-Allow-Origin")) == (403, None)


@pytest.mark.parametrize("key", ["local", "test", "000000000000", "AKIAIOSFODNN7EXAMPLE", "of the run"])
def test_a_user_without_the_secret_of_the_run_may_do_nothing(stack: LocalStack, key: str) -> None:
    named = stack.aws.access_key_id if key == "of the run" else key
    somebody = replace(stack.aws, access_key_id=named, secret_access_key=key)
    attempts: list[tuple[str, str, dict[str, str]]] = [
        ("lambda", "list_functions", {}),
        ("secretsmanager", "get_secret_value", {"SecretId": stack.outputs["SigningSecretArn"]}),
        ("sts", "get_caller_identity", {}),
        ("s3", "list_buckets", {}),
        ("iam", "create_access_key", {"UserName": "me"}),
    ]
    for service, operation, request in attempts:
        with pytest.raises((ClientError, ResponseParserError)):
            getattr(somebody.client(service), operation)(**request)


@pytest.mark.parametrize(("below", "status"), [("/", 200), ("/more", 404), ("x", 404)])
def test_a_slash_at_the_end_is_the_same_address_and_nothing_else_is(
    stack: LocalStack, signing_secret: str, below: str, status: int
) -> None:
    answer = deliver(stack.webhook_url + below, payment_completed(str(uuid.uuid4())), signing_secret)
    assert answer.status_code == status


@pytest.mark.parametrize("account", ["its own", "000000000000"])
def test_the_key_of_a_function_is_no_more_known_than_the_number_of_its_account(
    stack: LocalStack, signing_secret: str, account: str
) -> None:
    """The emulator makes it of names that anybody can work out, and of that."""
    assert deliver(stack.webhook_url, payment_completed(str(uuid.uuid4())), signing_secret).status_code == 200
    functions = stack.client("lambda").list_functions()["Functions"]
    [ingest] = [each for each in functions if "IngestFunction" in each["FunctionName"]]
    made_of = f"{ingest['FunctionArn']}:1:{ingest['Role']}"
    if account != "its own":
        made_of = made_of.replace(ingest["Role"].split(":")[4], account)
    digest = hashlib.sha256(made_of.encode()).hexdigest()
    secret, token = (hashlib.sha256(f"{what}:{digest}".encode()).hexdigest() for what in ("secret", "token"))
    guessed = boto3.Session(f"ASIA{digest[:16].upper()}", secret, token, stack.region)
    client = guessed.client("secretsmanager", endpoint_url=stack.aws.endpoint_url)

    def read() -> str:
        return str(client.get_secret_value(SecretId=stack.outputs["SigningSecretArn"])["SecretString"])

    if account == "its own":
        assert read() == signing_secret
    else:
        with pytest.raises(ClientError, match="keys of its own run"):
            read()


@pytest.mark.usefixtures("stack")
def test_what_a_run_tells_its_own_user_is_for_nobody_else(stack_folder: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in stack_folder.iterdir() if path.name != "lock"}
    assert modes == {"stack.json": 0o600, "ministack.log": 0o600, "deliveries.jsonl": 0o600, "emulator": 0o700}


# --- wickiepay listen ----------------------------------------------------------------------------


def command(folder: Path, port: int = 0) -> AbstractContextManager[InAPipe]:
    return in_a_pipe([COMMAND, "listen"], os.environ | {"WICKIEPAY_LOCAL": str(folder), "PORT": str(port)})


def ready(running: InAPipe, folder: Path) -> LocalStack:
    """The stack, once the command has said that it is ready."""
    running.line_with("Send a signed sample: ")
    stack = local_stack.read(folder)
    assert stack
    return stack


def answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def refused(folder: Path, port: int = 0) -> str:
    """The one line that `wickiepay listen` says where it cannot run."""
    with command(folder, port) as running:
        ended = running.wait()
    assert ended.code == 1
    [line] = ended.complaints.splitlines()
    return line


def test_it_says_where_it_listens_and_what_it_is(stack: LocalStack, stack_folder: Path) -> None:
    said = json.loads((stack_folder / "stack.json").read_text())
    assert set(said) == {"webhook_url", "aws", "region", "stack_name", "outputs", "parameters", "pid"}
    assert (stack.stack_name, stack.pid) == ("wickiepay-local", os.getpid())


@pytest.mark.installed_cli
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_of_it(tmp_path: Path, number: signal.Signals) -> None:
    with command(tmp_path) as running:
        stack = ready(running, tmp_path)
        deliver(stack.webhook_url, payment_completed(str(uuid.uuid4())), DEFAULT_SIGNING_SECRET)
        assert running.ended(number).quietly
    assert not answers(stack.webhook_url)
    assert not answers(stack.aws.endpoint_url)
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "ministack.log"}


@pytest.mark.installed_cli
def test_killed_it_leaves_no_emulator_behind(tmp_path: Path) -> None:
    with command(tmp_path) as running:
        stack = ready(running, tmp_path)
        running.process.kill()
    assert eventually(lambda: not answers(stack.aws.endpoint_url))


@pytest.mark.installed_cli
def test_what_a_killed_one_left_behind_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "emulator").mkdir()
    for name in ("stack.json", "stack.json.new", "lock", "ministack.log", "emulator/anything"):
        (tmp_path / name).write_text("left behind")
    with command(tmp_path) as running:
        assert answers(ready(running, tmp_path).webhook_url)


@pytest.mark.installed_cli
def test_a_second_stack_beside_it_is_refused(tmp_path: Path) -> None:
    with command(tmp_path) as running:
        stack = ready(running, tmp_path)
        with pytest.raises(CommandError) as refusal, running_stack(tmp_path, 0, DEFAULT_SIGNING_SECRET):
            pass
        assert answers(stack.webhook_url)
    assert str(refusal.value) == (
        f"A local stack is already running in {tmp_path} (process {running.process.pid}, {stack.webhook_url})."
    )


def test_a_busy_port_is_refused(tmp_path: Path) -> None:
    with reserved(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert refused(tmp_path, port).startswith(f"Port {port} cannot be used")
    assert {path.name for path in tmp_path.iterdir()} == {"lock"}
