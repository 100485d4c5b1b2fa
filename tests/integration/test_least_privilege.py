"""Least privilege, both ways, in an emulator that enforces IAM policies.

Each function is wired as on Lambda and runs in process under a copy of the role that template.yaml gives it. It does
everything it ever does: nothing may be refused. Then one action is taken from the role, or moved to another resource,
and that must be noticed. What it must not do is tried in `test_forbidden.py`.

What this cannot show, since the emulator does not ask for it: that the platform may write the logs and poll the queue
under these roles, which attributes an update or a batch of reads may name, who may assume a role, and that TLS is
demanded. The checks of the template do (`tests/support/template_checks/permissions.py`).
"""

import json
import re
import time
import uuid as uuids
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from botocore.exceptions import ClientError

import consumer
import ingest
import reconciler
import relay
from tests.support.deployed import FUNCTIONS, TEMPLATE, environment_of
from tests.support.harness import SECRET, Stores
from tests.support.provider import FakeProvider, listing
from tests.support.roles import ROLES, Document, policy_of, session_under
from wickiepay import clients, sdk
from wickiepay.clock import instant
from wickiepay.delivery import Delivery
from wickiepay.errors import StoreUnavailable
from wickiepay.event import WebhookEvent
from wickiepay.event_log import EventLog
from wickiepay.identity import Identity
from wickiepay.lambda_events import http_request, sqs_batch
from wickiepay.queue import Message, encode
from wickiepay.signature import sign
from wickiepay_api.client import ProviderApi
from wickiepay_api.keys import with_new_key
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.thorough]

TRIED: Final = ("ingest", "consumer", "relay", "reconciler")
"""The functions that are tried here; the pre-traffic hook is in `test_pre_traffic.py`."""

BY_THE_PLATFORM: Final = frozenset(
    {
        *("logs:CreateLogStream", "logs:PutLogEvents"),
        *("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    }
)
"""Actions in the roles that no code of ours calls."""

NOTHING: Final = "sts:GetCallerIdentity"
"""Everybody may call this one: it allows nothing."""

PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Grant:
    """An action that a statement of a function's role allows."""

    function: str
    statement: str
    action: str

    def __str__(self) -> str:
        return f"{self.function}-{self.statement}-{self.action}"


def grants() -> Iterator[Grant]:
    """All that the template lets the functions do themselves, where there is no customer's key."""
    for function in TRIED:
        [policy] = TEMPLATE["Resources"][ROLES[function]]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            if "Fn::If" in statement:
                continue
            for action in actions_of(statement):
                if action not in BY_THE_PLATFORM:
                    yield Grant(function, statement["Sid"], action)


def actions_of(statement: Mapping[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


every_grant = pytest.mark.parametrize("grant", list(grants()), ids=str)
every_function = pytest.mark.parametrize("function", TRIED)


@dataclass(frozen=True, slots=True)
class Calls:
    """The actions of the calls that a function made, by whether its role allowed them."""

    allowed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def note(self, **answer: Any) -> None:  # noqa: ANN401  botocore's
        """Takes down an answer of AWS's."""
        message = answer["parsed"].get("Error", {}).get("Message", "")
        if named := re.search(r"not authorized to perform: (\S+)", message):
            self.refused.add(as_aws_names_it(named[1]))
        else:
            model = answer["model"]
            self.allowed.add(as_aws_names_it(f"{model.service_model.signing_name}:{model.name}"))


def as_aws_names_it(action: str) -> str:
    """The emulator takes SendMessageBatch for an action of its own; on AWS it is allowed by sqs:SendMessage."""
    return "sqs:SendMessage" if action == "sqs:SendMessageBatch" else action


# --- Being a function ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """Where functions run in process: wired by their own `from_environment`, as whoever `under` says they are."""

    stores: Stores
    patch: pytest.MonkeyPatch

    @contextmanager
    def under(self, policy: Document) -> Iterator[Calls]:
        """What AWS answers to the functions within that may do what `policy` says."""
        calls = Calls()
        with session_under(self.stores, policy) as session, self.patch.context() as patch:
            session.register("after-call", calls.note)
            patch.setattr(sdk, "the_session", lambda: session)
            patch.setattr(clients, "READ_SECONDS", 30.0)  # a busy machine is not what is tested here
            patch.setenv("AWS_ENDPOINT_URL", self.stores.endpoint_url)
            yield calls

    def environment(self, function: str) -> dict[str, str]:
        outputs = self.stores.outputs
        return environment_of(FUNCTIONS[function]) | {
            "EVENT_TABLE": outputs["EventTableName"],
            "LEDGER_TABLE": outputs["LedgerTableName"],
            "EVENT_QUEUE_URL": outputs["EventQueueUrl"],
            "EVENT_BUS": outputs["EventBusName"],
            "SIGNING_SECRET_ARN": outputs["SigningSecretArn"],
            "PROVIDER_API_KEY_SECRET_ARN": outputs["ProviderApiKeySecretArn"],
        }

    @property
    def events(self) -> EventLog:
        """The event table, for preparing and looking."""
        return EventLog(self.stores.client("dynamodb"), self.stores.outputs["EventTableName"])

    def state(self, identity: Identity) -> str | None:
        return self.events.states([identity])[0].get(identity)


@pytest.fixture
def stage(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(stores, monkeypatch)


def delivery(name: str = "channel.payment.confirmed", **data: object) -> tuple[Delivery, WebhookEvent]:
    """A delivery that nobody has seen yet, and its event."""
    whole = {"uuid": str(uuids.uuid4()), **data}
    body = json.dumps({"event": name, "timestamp": "2026-01-15T10:25:00Z", "data": whole}).encode()
    made = Delivery(body, "raw", "2026-01-15T10:25:01.000000Z", "192.0.2.1", "request")
    return made, made.event()


def credit() -> tuple[Delivery, WebhookEvent]:
    return delivery(reference="account", displayCurrency={"currency": "EUR", "amount": 1})


# --- Everything that a function ever does --------------------------------------------------------


class OutOfReach:
    """A queue that is out."""

    def send(self, _message: Message) -> None:
        raise StoreUnavailable("The queue is out.")


def everything_ingest_does(stage: Stage) -> None:
    """A first delivery, a duplicate, a conflict, an unusable body, and a first delivery with the queue out."""
    function = ingest.from_environment(stage.environment("ingest"))
    first, event = credit()
    other = first.body.replace(b'"amount": 1', b'"amount": 2')
    unsent, unsent_event = credit()
    queue: Any = OutOfReach()
    cut_off = replace(function, queue=queue)
    told = [
        taker.handle(http_request(body, sign(body, SECRET)))["statusCode"]
        for taker, body in [
            (function, first.body),
            (function, first.body),
            (function, other),
            (function, b"[]"),
            (cut_off, unsent.body),
        ]
    ]
    assert told == [200, 200, 200, 400, 200]
    assert stage.state(identity(event)) == "RECEIVED"
    assert identity(unsent_event) in {flagged.identity for flagged in stage.events.unsent(1000)}
    stage.events.clear_unsent(identity(unsent_event))


def everything_the_consumer_does(stage: Stage) -> None:
    """A recorded event and other content of it, an unrecorded one, a hopeless one, an unknown one, and no event."""
    function = consumer.from_environment(stage.environment("consumer"))
    recorded, unrecorded, hopeless, unknown = credit(), credit(), delivery(), delivery("weather.changed")
    stage.events.record(*recorded)
    other = replace(recorded[0], body=recorded[0].body.replace(b'"amount": 1', b'"amount": 2'))
    texts = [
        encode(Message(identity(recorded[1]), other, unrecorded=True)),
        *(encode(Message(identity(e), d, unrecorded=True)) for d, e in (unrecorded, hopeless, unknown)),
        encode(Message(identity(recorded[1]), recorded[0])),
        "no event at all",
    ]
    sqs, url = stage.stores.client("sqs"), stage.stores.outputs["EventQueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    for text in texts:
        sqs.send_message(QueueUrl=url, MessageBody=text)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    answer = function.process(sqs_batch(messages)["Records"])
    sqs.purge_queue(QueueUrl=url)

    [malformed] = [message["MessageId"] for message in messages if message["Body"] == "no event at all"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": malformed}]}
    states = [stage.state(identity(event)) for _, event in (recorded, unrecorded, hopeless, unknown)]
    assert states == ["PROCESSED", "PROCESSED", "FAILED", "IGNORED"]


def everything_the_relay_does(stage: Stage) -> None:
    """An event that could not be sent."""
    function = relay.from_environment(stage.environment("relay"))
    flagged, event = credit()
    stage.events.record(flagged, event)
    stage.events.flag_unsent(identity(event))
    try:
        assert function.run() >= 1
        assert identity(event) not in {entry.identity for entry in stage.events.unsent(1000)}
    finally:
        stage.events.clear_unsent(identity(event))


def everything_the_reconciler_does(stage: Stage) -> None:
    """A run that finds an event missing, one whose record does not say when it happened, and payments to compare."""
    secret, _ = with_new_key(None, "")
    stage.stores.client("secretsmanager").put_secret_value(
        SecretId=stage.stores.outputs["ProviderApiKeySecretArn"], SecretString=secret
    )
    function = reconciler.from_environment(stage.environment("reconciler") | {"PROVIDER_CLIENT_ID": "client"})
    body = json.dumps({"event": "payment.created", "data": {"uuid": str(uuids.uuid4())}}).encode()
    timeless = Delivery(body, "raw", instant(function.now()), "192.0.2.1", "request")
    stage.events.record(timeless, timeless.event())
    at = instant(function.now() - timedelta(hours=2))
    listed = {"id": str(uuids.uuid4()), "event": "payment.created", "timestamp": at, "status": "FAILED"}
    answer = listing(listed)

    def provider(*_: object, **__: object) -> ProviderApi:
        return FakeProvider(lambda request: answer(request) if request.method == "GET" else httpx.Response(202)).api

    with stage.patch.context() as patch:
        patch.setattr(reconciler, "ProviderApi", provider)
        run = function.run(1, with_payments=True)
        assert run.asked == 1
        assert run.payments is not None
        assert run.payments.compared


DUTIES: Final[Mapping[str, Callable[[Stage], None]]] = {
    "ingest": everything_ingest_does,
    "consumer": everything_the_consumer_does,
    "relay": everything_the_relay_does,
    "reconciler": everything_the_reconciler_does,
}


def identity(event: WebhookEvent) -> Identity:
    return event.identity


# --- Enough --------------------------------------------------------------------------------------


@every_function
def test_under_its_role_a_function_can_do_everything_it_does(stage: Stage, function: str) -> None:
    with stage.under(policy_of(stage.stores, function)) as calls:
        DUTIES[function](stage)
    assert not calls.refused
    # A transaction is allowed as the writes that it is made of; and nothing is allowed that no code calls.
    assert calls.allowed - {"dynamodb:TransactWriteItems"} == {g.action for g in grants() if g.function == function}


# --- Not more than enough ------------------------------------------------------------------------


@every_grant
def test_without_any_one_action_its_function_is_refused_that_one(stage: Stage, grant: Grant) -> None:
    policy = policy_of(stage.stores, grant.function)
    for statement in policy["Statement"]:
        if statement["Sid"] == grant.statement:
            left = [action for action in actions_of(statement) if as_aws_names_it(action) != grant.action]
            statement["Action"] = left or NOTHING
    with stage.under(policy) as calls, suppress(AssertionError, ClientError):
        DUTIES[grant.function](stage)
    assert calls.refused == {grant.action}


@pytest.mark.parametrize(("function", "statement"), sorted({(grant.function, grant.statement) for grant in grants()}))
def test_on_another_resource_what_a_statement_allows_is_refused(stage: Stage, function: str, statement: str) -> None:
    policy = policy_of(stage.stores, function)
    [moved] = [each for each in policy["Statement"] if each["Sid"] == statement]
    resource, index, _ = moved["Resource"].partition("/index/")
    moved["Resource"] = resource if index else f"{resource}-another"  # of an index even the table is another one
    with stage.under(policy) as calls, suppress(AssertionError, ClientError):
        DUTIES[function](stage)
    assert calls.refused
    assert calls.refused <= {as_aws_names_it(action) for action in actions_of(moved)}


# --- The deployed functions ----------------------------------------------------------------------


def test_the_deployed_functions_do_all_their_work_under_their_roles(stack: LocalStack, signing_secret: str) -> None:
    """Ingest, the queue's poller and the relay as the platform runs them: each way an event can take."""
    events = EventLog(stack.client("dynamodb"), stack.outputs["EventTableName"])
    delivered, unrecorded, unsent, hopeless = credit(), credit(), credit(), delivery()
    other = delivered[0].body.replace(b'"amount": 1', b'"amount": 2')
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as http:
        told = [
            http.post(
                stack.webhook_url,
                content=body,
                headers={
                    "Content-Type": "application/json",
                    "X-Webhook-Signature": sign(body, signing_secret.encode()),
                },
            ).json()
            for body in (delivered[0].body, delivered[0].body, other, b"[]", hopeless[0].body)
        ]
    assert [answer.get("status", answer.get("error")) for answer in told] == [
        *("accepted", "duplicate", "conflict", "unusable_body", "accepted")
    ]
    text = encode(Message(identity(unrecorded[1]), unrecorded[0], unrecorded=True))
    stack.client("sqs").send_message(QueueUrl=stack.outputs["EventQueueUrl"], MessageBody=text)
    events.record(*unsent)
    events.flag_unsent(identity(unsent[1]))
    invoke(stack, "RelayFunction")

    expected = {identity(e): "PROCESSED" for _, e in (delivered, unrecorded, unsent)} | {
        identity(hopeless[1]): "FAILED"
    }
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (states := events.states(expected)[0]) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert states == expected


def test_a_deployed_function_may_do_nothing_that_its_role_does_not_allow(stack: LocalStack) -> None:
    """The role is what decides: emptied, it leaves its function nothing."""
    iam, role = stack.client("iam"), physical(stack, "RelayRole")
    [policy] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    try:
        answer = invoke(stack, "RelayFunction")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    assert "not authorized to perform: dynamodb:Query" in answer["errorMessage"]
    assert "sent" in invoke(stack, "RelayFunction")


def invoke(stack: LocalStack, function: str) -> Any:  # noqa: ANN401  whatever the function answers
    """What a deployed function answers, or how it failed."""
    answer = stack.client("lambda").invoke(FunctionName=physical(stack, function), Payload=b"{}")
    return json.loads(answer["Payload"].read())


def physical(stack: LocalStack, logical_id: str) -> str:
    found = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.stack_name, LogicalResourceId=logical_id
    )
    name: str = found["StackResourceDetail"]["PhysicalResourceId"]
    return name
