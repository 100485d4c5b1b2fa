"""The example of docs/bus.md beside the local stack: what is delivered there reaches its queue and its mail."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.support.eventually import eventually
from wickiepay.signature import sign
from wickiepay_cli.sending.client import connection, deliver
from wickiepay_cli.stacks.local_stack import LocalStack

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_sqs import SQSClient

pytestmark = pytest.mark.stack

TEMPLATE: Final = yaml_parse((Path(__file__).parents[2] / "docs/examples/bus-rules.yaml").read_text())
RESOURCES: Final = TEMPLATE["Resources"]
PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads the announcements of a local stack by the rules of the example."""

    stack: LocalStack
    secret: str
    completed_url: str
    mail_url: str
    """A queue in place of the mailbox."""
    bus_arn: str
    received: dict[str, list[Any]] = field(default_factory=dict)
    """Queue → all that came to it so far."""

    def deliver(self, event: str, uuid: str, **data: object) -> None:
        envelope = {"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": {"uuid": uuid, **data}}
        body = json.dumps(envelope).encode()
        with connection(self.stack.webhook_url) as http:
            assert deliver(http, self.stack.webhook_url, body, sign(body, self.secret.encode())).accepted

    def announce(self, detail: Mapping[str, object]) -> None:
        """Puts an announcement on the bus that no delivery makes."""
        events: EventBridgeClient = self.stack.client("events")
        events.put_events(
            Entries=[
                {
                    "EventBusName": self.stack.outputs["EventBusName"],
                    "Source": "wickiepay",
                    "DetailType": "payment.completed",
                    "Detail": json.dumps(detail),
                }
            ]
        )

    def completed(self, uuid: str) -> list[dict[str, Any]]:
        """The announcements about `uuid` that came to the queue of completed payments so far."""
        return [event for event in self._messages(self.completed_url) if event["detail"]["uuid"] == uuid]

    def mails(self, uuid: str) -> list[str]:
        """The mails about `uuid` that were sent so far."""
        return [mail["Message"] for mail in self._messages(self.mail_url) if uuid in mail["Message"]]

    def _messages(self, url: str) -> list[Any]:
        sqs: SQSClient = self.stack.client("sqs")
        seen = self.received.setdefault(url, [])
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            seen.extend(json.loads(message["Body"]) for message in messages)
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return seen


def for_the_emulator() -> dict[str, Any]:
    """The example without what the emulator does not have: archives in a stack, and TLS."""
    template = json.loads(json.dumps(TEMPLATE))
    del template["Resources"]["Archive"], template["Outputs"]["ArchiveArn"]
    policy = template["Resources"]["QueuePolicy"]["Properties"]["PolicyDocument"]
    policy["Statement"] = [statement for statement in policy["Statement"] if statement["Sid"] != "TlsOnly"]
    return dict(template)


@pytest.fixture(scope="module")
def readers(stack: LocalStack, signing_secret: str) -> Iterator[Readers]:
    cloudformation: CloudFormationClient = stack.client("cloudformation")
    name = "bus-rules"
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(for_the_emulator()),
        Parameters=[{"ParameterKey": "EventBusName", "ParameterValue": stack.outputs["EventBusName"]}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    [made] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}

    topic = cloudformation.describe_stack_resource(StackName=name, LogicalResourceId="ExpiredTopic")
    sqs: SQSClient = stack.client("sqs")
    from_sns = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [from_sns | {"Resource": "*"}]}
    mail_url = sqs.create_queue(QueueName="mail", Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    stack.client("sns").subscribe(
        TopicArn=topic["StackResourceDetail"]["PhysicalResourceId"],
        Protocol="sqs",
        Endpoint=sqs.get_queue_attributes(QueueUrl=mail_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"],
    )
    events: EventBridgeClient = stack.client("events")
    bus_arn = events.describe_event_bus(Name=stack.outputs["EventBusName"])["Arn"]

    yield Readers(stack, signing_secret, outputs["CompletedQueueUrl"], mail_url, bus_arn)

    cloudformation.delete_stack(StackName=name)
    sqs.delete_queue(QueueUrl=mail_url)


def test_a_completed_payment_arrives_in_the_queue(readers: Readers) -> None:
    uuid = str(uuid4())

    readers.deliver("payment.completed", uuid, type="IN", reference="order-1", displayCurrency={"amount": 100.10})

    [event] = eventually(lambda: readers.completed(uuid))
    assert (event["source"], event["detail-type"]) == ("wickiepay", "payment.completed")
    assert event["detail"]["data"]["displayCurrency"] == {"amount": "100.1"}


def test_nothing_else_arrives_there(readers: Readers) -> None:
    payout, processing, last = str(uuid4()), str(uuid4()), str(uuid4())

    readers.deliver("payment.completed", payout, type="OUT", reference="payout-1")
    readers.deliver("payment.processing", processing, type="IN", reference="order-2")
    readers.deliver("payment.completed", last, type="IN", reference="order-3")

    assert eventually(lambda: readers.completed(last))
    assert readers.completed(payout) + readers.completed(processing) == []


def test_what_is_announced_without_its_data_arrives_there_too(readers: Readers) -> None:
    uuid = str(uuid4())

    readers.announce({"version": "1", "uuid": uuid, "event_key": "payment.completed"})

    assert eventually(lambda: readers.completed(uuid))


def test_an_expired_payment_is_mailed(readers: Readers) -> None:
    uuid = str(uuid4())

    readers.deliver("payment.expired", uuid, type="IN", reference="order-4")

    [mail] = eventually(lambda: readers.mails(uuid))
    assert mail == f'"Payment {uuid} of order order-4 expired at 2026-01-15T10:25:00.000000Z."'


def test_the_archive_has_it_once_more(readers: Readers) -> None:
    """With an archive that is made by the API, as the example describes it."""
    archive, uuid, began = RESOURCES["Archive"]["Properties"], str(uuid4()), datetime.now(UTC)
    events: EventBridgeClient = readers.stack.client("events")
    archive_arn = events.create_archive(
        ArchiveName="announcements",
        EventSourceArn=readers.bus_arn,
        EventPattern=json.dumps(archive["EventPattern"]),
        RetentionDays=TEMPLATE["Parameters"]["ArchiveDays"]["Default"],
    )["ArchiveArn"]
    readers.deliver("payment.completed", uuid, type="IN", reference="order-5")
    [first] = eventually(lambda: readers.completed(uuid))

    events.start_replay(
        ReplayName="once-more",
        EventSourceArn=archive_arn,
        EventStartTime=began - timedelta(seconds=5),
        EventEndTime=datetime.now(UTC) + timedelta(seconds=5),
        Destination={"Arn": readers.bus_arn},
    )

    assert eventually(lambda: len(readers.completed(uuid)) > 1)
    [_, again] = readers.completed(uuid)
    assert again["detail"] == first["detail"]
    assert again["replay-name"] == "once-more"
