"""The pre-traffic hook: versions that work are let through, others refused, and nothing secret is told of either."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

import pre_traffic
from consumer import Consumer
from ingest import Ingest
from tests.support.aws import Calls
from tests.support.clock import Clock
from tests.support.printed import Printed
from tests.support.wiring import Wiring, consumer_on, ingest_on, relay_on
from wickiepay import clients
from wickiepay.errors import StoreUnavailable
from wickiepay.event_log import EventLog
from wickiepay.lambda_events import sqs_batch
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue, decode
from wickiepay.routing import router
from wickiepay.signing_secrets import SigningSecrets

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

ENVIRONMENT: Final = {
    "INGEST_VERSION": "arn:aws:lambda:us-east-1:123456789012:function:ingest:7",
    "CONSUMER_VERSION": "arn:aws:lambda:us-east-1:123456789012:function:consumer:8",
    "RELAY_VERSION": "arn:aws:lambda:us-east-1:123456789012:function:relay:9",
    "SIGNING_SECRET_ARN": "SigningSecret",
    "ACCEPTED_SCHEMES": "raw,node,python",
    "SOURCE_ALLOW_LIST": "",
    "POWERTOOLS_SERVICE_NAME": "pre-traffic",
}
INGEST, CONSUMER, RELAY = (ENVIRONMENT[f"{function}_VERSION"] for function in ("INGEST", "CONSUMER", "RELAY"))
STATUS: Final = "PutLifecycleEventHookExecutionStatus"

type Version = Callable[[dict[str, Any]], Any]
"""A version of a function: from an event to its answer."""


@dataclass
class Platform:
    """Lambda with a version of each function, and CodeDeploy. What the hook asks of either is kept.

    `refusal` is the error that CodeDeploy answers with.
    """

    hook: pre_traffic.PreTraffic
    versions: dict[str, Version]
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    told: list[dict[str, str]] = field(default_factory=list)
    refusal: str | None = None

    def judge(self) -> str:
        return self.hook.judge("d-1", "execution-1")

    @contextmanager
    def running(self) -> Iterator[None]:
        hooks: list[tuple[Any, str, Callable[..., Any]]] = [
            (self.hook.functions.meta.events, "before-call.lambda.Invoke", self._invoke),
            (self.hook.deployments.meta.events, f"before-call.codedeploy.{STATUS}", self._tell),
        ]
        for client, call, answer in hooks:
            client.register(call, answer)
        yield
        for client, call, answer in hooks:
            client.unregister(call, answer)

    def _invoke(self, params: dict[str, Any], **_: object) -> tuple[AWSResponse, dict[str, Any]]:
        [name] = re.findall("/functions/(.+)/invocations", unquote(params["url_path"]))
        event = json.loads(params["body"])
        self.invoked.append((name, event))
        failure = {"FunctionError": "Unhandled"}
        try:
            content = self.versions[name](event)
            failure = {}
        except (BotoCoreError, ClientError):
            raise  # of Lambda itself
        except TimeoutError:
            content = {"errorMessage": "Task timed out"}  # the platform's own word: it has no type
        except Exception as error:  # noqa: BLE001  whatever a function raises
            content = {"errorType": type(error).__name__, "errorMessage": str(error)}
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        return _answered(200, {"Payload": io.BytesIO(payload), **failure})

    def _tell(self, params: dict[str, Any], **_: object) -> tuple[AWSResponse, dict[str, Any]]:
        self.told.append(json.loads(params["body"]))
        if self.refusal:
            return _answered(400, {"Error": {"Code": self.refusal, "Message": "no"}})
        return _answered(200, {})


def _answered(status: int, content: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
    about = {"HTTPStatusCode": status, "RequestId": "request-1"}
    return AWSResponse("", status, HTTPHeaders(), None), {**content, "ResponseMetadata": about}


@pytest.fixture
def hook(secretsmanager: "SecretsManagerClient", signing_secret: str, clock: Clock, now: datetime) -> Any:  # noqa: ANN401
    uuids = iter(f"probe-{number}" for number in range(100))
    return replace(
        pre_traffic.from_environment(ENVIRONMENT),
        secrets=SigningSecrets(secretsmanager, signing_secret, clock),
        now=lambda: now,
        new_uuid=lambda: next(uuids),
    )


@pytest.fixture
def ingest(
    secretsmanager: "SecretsManagerClient",
    signing_secret: str,
    clock: Clock,
    events: EventLog,
    queue: EventQueue,
    now: datetime,
) -> Ingest:
    secrets = SigningSecrets(secretsmanager, signing_secret, clock)
    return ingest_on(Wiring(events, queue, secrets=secrets, now=lambda: now))


@pytest.fixture
def consumer(events: EventLog, ledger: Ledger, queue: EventQueue, now: datetime) -> Consumer:
    return consumer_on(Wiring(events, queue, ledger, now=lambda: now))


@pytest.fixture
def platform(
    hook: pre_traffic.PreTraffic, ingest: Ingest, consumer: Consumer, events: EventLog, queue: EventQueue, now: datetime
) -> Iterator[Platform]:
    """All three versions as they are here: they work."""
    relay = relay_on(Wiring(events, queue, now=lambda: now))
    versions: dict[str, Version] = {
        INGEST: ingest.handle,
        CONSUMER: lambda event: consumer.process(event["Records"]),
        RELAY: lambda _: {"sent": relay.run()},
    }
    platform = Platform(hook, versions)
    with platform.running():
        yield platform


def states(dynamodb: "DynamoDBClient") -> dict[str, str]:
    """The event table: uuid → state."""
    items = dynamodb.scan(TableName="EventTable")["Items"]
    return {item["uuid"]["S"]: item["state"]["S"] for item in items}


# --- Versions that work -------------------------------------------------------------------------------
def test_versions_that_work_are_let_through(platform: Platform) -> None:
    assert platform.judge() == "Succeeded"
    assert platform.told == [
        {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "execution-1", "status": "Succeeded"}
    ]


def test_all_three_are_probed(platform: Platform) -> None:
    platform.judge()

    assert [version for version, _ in platform.invoked] == [INGEST, INGEST, CONSUMER, RELAY]


def test_both_probes_end_ignored_and_expire(
    platform: Platform, consumer: Consumer, sqs: "SQSClient", dynamodb: "DynamoDBClient"
) -> None:
    platform.judge()
    assert states(dynamodb) == {"probe-0": "RECEIVED", "probe-1": "IGNORED"}

    url = "https://sqs.us-east-1.amazonaws.com/123456789012/EventQueue"
    received = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    consumer.process(sqs_batch(received)["Records"])  # the live one

    assert states(dynamodb) == {"probe-0": "IGNORED", "probe-1": "IGNORED"}
    assert all("expires_at" in item for item in dynamodb.scan(TableName="EventTable")["Items"])


def test_the_books_stay_as_they_are(platform: Platform, dynamodb: "DynamoDBClient") -> None:
    platform.judge()

    assert dynamodb.scan(TableName="LedgerTable")["Items"] == []


def test_nothing_handles_a_probe() -> None:
    assert pre_traffic.PROBE not in router


def test_every_run_has_probes_of_its_own(platform: Platform, dynamodb: "DynamoDBClient") -> None:
    assert [platform.judge() for _ in range(3)] == ["Succeeded"] * 3
    assert len(states(dynamodb)) == 6


def test_the_refused_delivery_is_the_accepted_one_but_for_its_signature(platform: Platform) -> None:
    platform.judge()

    (_, accepted), (_, refused), *_ = platform.invoked
    assert accepted["headers"].pop("x-webhook-signature") != refused["headers"].pop("x-webhook-signature")
    assert accepted == refused


def test_the_consumer_has_to_record_its_message_first(platform: Platform) -> None:
    platform.judge()

    [record] = [record for version, event in platform.invoked if version == CONSUMER for record in event["Records"]]
    message = decode(record["body"])
    assert (message.unrecorded, message.event().name) == (True, "listener.probe")


@pytest.mark.parametrize("schemes", ["raw", "node", "python", "python,raw", "node,python"])
def test_a_probe_is_signed_under_a_scheme_that_is_accepted(schemes: str, platform: Platform, ingest: Ingest) -> None:
    platform.versions[INGEST] = replace(ingest, schemes=schemes.split(",")).handle
    scheme = pre_traffic.from_environment({**ENVIRONMENT, "ACCEPTED_SCHEMES": schemes}).scheme
    platform.hook = replace(platform.hook, scheme=scheme)

    assert platform.judge() == "Succeeded"


@pytest.mark.parametrize(
    "networks", ["203.0.113.0/24", "203.0.113.7", "203.0.113.77/24,10.0.0.0/8", "2001:db8::/32,203.0.113.0/24"]
)
def test_a_probe_comes_from_an_address_that_may_deliver(networks: str, platform: Platform, ingest: Ingest) -> None:
    allowed = [ip_network(network, strict=False) for network in networks.split(",")]
    platform.versions[INGEST] = replace(ingest, allowed_sources=allowed).handle
    source = pre_traffic.from_environment({**ENVIRONMENT, "SOURCE_ALLOW_LIST": networks}).source
    platform.hook = replace(platform.hook, source=source)

    assert platform.judge() == "Succeeded"


# --- Versions that do not -----------------------------------------------------------------------------
def raises(error: Exception) -> Version:
    def version(_: object) -> None:
        raise error

    return version


def answers(code: int, **content: str) -> Version:
    return lambda _: {"statusCode": code, "body": json.dumps(content)}


def first(version: Version, then: Version) -> Version:
    """Answers once as `version` does, and from then on as `then` does."""
    turns = [version]

    def answer(event: dict[str, Any]) -> Any:  # noqa: ANN401  whatever it answers
        return (turns.pop() if turns else then)(event)

    return answer


ACCEPTS: Final = answers(200, status="accepted")
UNANSWERED: Final = ReadTimeoutError(endpoint_url="https://lambda.invalid")
DENIED: Final = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")


FAULTY: Final[dict[str, tuple[str, Version, str]]] = {
    "cannot reach its stores": (INGEST, answers(503, error="store_unavailable"), "(503, 'store_unavailable')"),
    "answers 500": (INGEST, answers(500), "ingest:7 answered (500, None)"),
    "takes what is new for a duplicate": (INGEST, answers(200, status="duplicate"), "not (200, 'accepted')"),
    "refuses everybody": (INGEST, answers(401, error="signature_mismatch"), "not (200, 'accepted')"),
    "accepts everybody": (INGEST, answers(200, status="accepted"), "not (401, 'signature_mismatch')"),
    "refuses in the wrong way": (
        INGEST,
        first(ACCEPTS, then=answers(400, error="unusable_body")),
        "(400, 'unusable_body')",
    ),
    "ingest fails": (INGEST, raises(KeyError("EVENT_TABLE")), "ingest:7 failed: KeyError, request request-1."),
    "ingest fails on a forged delivery": (
        INGEST,
        first(ACCEPTS, then=raises(ValueError())),
        "ingest:7 failed: ValueError",
    ),
    "ingest runs out of time": (INGEST, raises(TimeoutError()), "ingest:7 failed: no type of error"),
    "ingest does not answer": (INGEST, raises(UNANSWERED), "Read timeout"),
    "ingest may not be invoked": (INGEST, raises(DENIED), "AccessDeniedException"),
    "no status": (INGEST, lambda _: {"body": "{}"}, "statusCode"),
    "a body that is not JSON": (INGEST, lambda _: {"statusCode": 200, "body": "accepted"}, "Expecting value"),
    "a body of another kind": (INGEST, lambda _: {"statusCode": 200, "body": "[]"}, "has no attribute"),
    "ingest says nothing": (INGEST, lambda _: None, "not subscriptable"),
    "an answer that is not JSON": (INGEST, lambda _: b"<html>", "Expecting value"),
    "reports a failure": (
        CONSUMER,
        lambda event: {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]},
        "consumer:8 did not finish its message.",
    ),
    "consumer says nothing": (CONSUMER, lambda _: None, "consumer:8 did not finish its message."),
    "reports in the wrong way": (CONSUMER, lambda _: {}, "consumer:8 did not finish its message."),
    "consumer fails": (CONSUMER, raises(ImportError("handlers")), "consumer:8 failed: ImportError, request request-1."),
    "consumer does not answer": (CONSUMER, raises(UNANSWERED), "Read timeout"),
    "relay fails": (RELAY, raises(StoreUnavailable("no")), "relay:9 failed: StoreUnavailable, request request-1."),
    "relay does not answer": (RELAY, raises(UNANSWERED), "Read timeout"),
    "relay says something else": (RELAY, lambda _: {}, "relay:9 did not say how many events it sent."),
    "relay says nothing": (RELAY, lambda _: None, "not iterable"),
}


@pytest.mark.parametrize(("name", "version", "reason"), FAULTY.values(), ids=FAULTY.keys())
def test_a_version_that_does_not_work_is_refused(
    name: str, version: Version, reason: str, platform: Platform, printed: Printed
) -> None:
    platform.versions[name] = version

    assert platform.judge() == "Failed"
    assert [told["status"] for told in platform.told] == ["Failed"]
    line = printed.logs()[-1]
    assert (line["message"], line["deployment"], line["level"]) == ("versions refused", "d-1", "ERROR")
    assert reason in line["reason"]


def test_a_consumer_that_cannot_reach_its_tables_is_refused(platform: Platform, calls: Calls) -> None:
    calls.refuse("BatchGetItem", "AccessDeniedException")

    assert platform.judge() == "Failed"


# --- What the hook itself cannot do -------------------------------------------------------------------
def test_without_the_signing_secret_nothing_is_let_through(platform: Platform, calls: Calls, printed: Printed) -> None:
    calls.refuse("GetSecretValue", "AccessDeniedException")

    assert platform.judge() == "Failed"
    assert platform.invoked == []
    assert re.match("The signing secret cannot be read now. .*AccessDenied", printed.logs()[0]["reason"])


def test_where_codedeploy_refuses_the_word_the_hook_fails(platform: Platform) -> None:
    platform.refusal = "LifecycleEventAlreadyCompletedException"

    with pytest.raises(ClientError, match="LifecycleEventAlreadyCompletedException"):
        platform.judge()


# --- What is printed ----------------------------------------------------------------------------------
def test_what_is_told_of_versions_that_work(platform: Platform, printed: Printed) -> None:
    platform.judge()

    [line] = [line for line in printed.logs() if line["service"] == "pre-traffic"]
    assert (line["message"], line["deployment"]) == ("versions proven", "d-1")


@pytest.mark.parametrize("name", [INGEST, CONSUMER, RELAY])
def test_what_a_faulty_version_quotes_is_not_repeated(name: str, platform: Platform, printed: Printed) -> None:
    def quoting(event: object) -> None:
        raise ValueError(f"{event} quoted")

    platform.versions[name] = quoting
    platform.judge()

    said = json.dumps([line for line in printed.logs() if line["service"] == "pre-traffic"])
    assert "failed: ValueError" in said
    assert "quoted" not in said
    assert "probe-" not in said


# --- As the template wires it -------------------------------------------------------------------------
def test_the_lambda_function(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pre_traffic, "pre_traffic", platform.hook)
    event = {"DeploymentId": "d-2", "LifecycleEventHookExecutionId": "execution-2"}

    assert pre_traffic.lambda_handler(event, None) == {"status": "Succeeded"}
    assert platform.told == [
        {"deploymentId": "d-2", "lifecycleEventHookExecutionId": "execution-2", "status": "Succeeded"}
    ]


def test_what_it_is_told_by_the_template(environment: Callable[[str], dict[str, str]]) -> None:
    wired = pre_traffic.from_environment(told := environment("PreTrafficFunction"))

    assert told.keys() == ENVIRONMENT.keys()
    assert (wired.ingest, wired.consumer) == ("IngestFunction.Version", "ConsumerFunction.Version")
    assert wired.relay == "RelayFunction.Version"
    assert (wired.scheme, wired.source) == ("raw", "127.0.0.1")
    assert wired.new_uuid() != wired.new_uuid()


@pytest.mark.parametrize("function", ["IngestFunction", "ConsumerFunction", "RelayFunction"])
def test_a_version_is_waited_for_until_lambda_ends_it(
    function: str, properties_of: Callable[[str], dict[str, Any]]
) -> None:
    longest_start = 10

    assert longest_start + properties_of(function)["Timeout"] < clients.INVOKE_SECONDS
