"""A temporary subscription to a stack's event bus: a queue and a rule, made by a command and removed at its end."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wickiepay import clock
from wickiepay.bus import SOURCE
from wickiepay.clock import instant
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.announcements import Announced, of_body

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_sqs import SQSClient

PREFIX: Final = "wickiepay-subscription"

KEPT_SECONDS: Final = 3600
"""How long the queue keeps an announcement that nobody fetches: they are about customers."""

LEASE: Final = timedelta(minutes=5)
"""How long after its last sign of life a subscription counts as left behind by a command that was killed."""

RENEW: Final = timedelta(minutes=1)
ALIVE_UNTIL: Final = "alive-until"
"""The queue's tag with the instant until which others take its command for alive."""

TARGET: Final = "queue"

WAIT_SECONDS: Final = 2
"""How long a request waits for the next announcement. Ctrl-C waits as long."""


@dataclass(slots=True)
class Subscription:
    """Receives what is announced on a bus from now on. AWS may take up to a minute until it hands over the first."""

    sqs: "SQSClient"
    queue_url: str
    now: Callable[[], datetime]
    _renewed: datetime | None = field(default=None)

    def __call__(self) -> list[Announced]:
        """The announcements that have come, at most ten, or none after a while. They are not handed out again."""
        self.renew()
        answer = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS)
        messages = answer.get("Messages", [])
        if messages:
            entries: Any = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            self.sqs.delete_message_batch(QueueUrl=self.queue_url, Entries=entries)
        return [of_body(json.loads(each["Body"])) for each in messages]

    def renew(self) -> None:
        """Notes at the queue that its command is alive, once a minute."""
        now = self.now()
        if self._renewed is None or now - self._renewed >= RENEW:
            self.sqs.tag_queue(QueueUrl=self.queue_url, Tags={ALIVE_UNTIL: instant(now + LEASE)})
            self._renewed = now


@contextmanager
def subscribed(stack: Stack) -> Iterator[Subscription]:
    """A subscription until the block ends. What earlier commands left behind when they were killed is removed first.

    Raises botocore's errors, for example where this identity may make no queue or rule.
    """
    sqs: SQSClient = stack.client("sqs")
    events: EventBridgeClient = stack.client("events")
    bus = events.describe_event_bus(Name=stack.output("EventBusName"))["Arn"]
    _remove_left_behind(sqs, events, bus, clock.now())
    name = f"{_prefix(bus)}-{secrets.token_hex(4)}"
    try:
        yield Subscription(sqs, _subscribe(sqs, events, bus, name), clock.now)
    finally:
        _remove(sqs, events, bus, name)


def _subscribe(sqs: "SQSClient", events: "EventBridgeClient", bus: str, name: str) -> str:
    """Makes a queue and a rule on a bus (its ARN) that fills it; the queue's URL."""
    before, bus_name = bus.split(":event-bus/")
    queue = f"{before.replace(':events:', ':sqs:')}:{name}"
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": f"{before}:rule/{bus_name}/{name}"}},
        },
    }
    # The queue comes first: a rule without one is taken for left behind.
    url = sqs.create_queue(
        QueueName=name,
        Attributes={
            "MessageRetentionPeriod": str(KEPT_SECONDS),
            "SqsManagedSseEnabled": "true",
            "Policy": json.dumps(policy),
        },
        tags={ALIVE_UNTIL: instant(clock.now() + LEASE)},
    )["QueueUrl"]
    pattern = json.dumps({"source": [SOURCE]})
    events.put_rule(
        Name=name, EventBusName=bus_name, EventPattern=pattern, Description="Temporary, of a command wickiepay"
    )
    answer = events.put_targets(Rule=name, EventBusName=bus_name, Targets=[{"Id": TARGET, "Arn": queue}])
    if answer["FailedEntryCount"]:
        failed = answer["FailedEntries"][0]
        why: Any = {"Code": failed.get("ErrorCode", ""), "Message": failed.get("ErrorMessage", "")}
        raise ClientError({"Error": why}, "PutTargets")
    return url


def _remove(sqs: "SQSClient", events: "EventBridgeClient", bus: str, name: str) -> None:
    """Removes a rule and its queue. One that is not there, or that cannot be removed, does not keep the other."""
    with suppress(ClientError):
        events.remove_targets(Rule=name, EventBusName=_bus_name(bus), Ids=[TARGET])
    with suppress(ClientError):
        events.delete_rule(Name=name, EventBusName=_bus_name(bus))
    with suppress(ClientError):
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _remove_left_behind(sqs: "SQSClient", events: "EventBridgeClient", bus: str, now: datetime) -> None:
    """Removes the subscriptions to a bus whose commands have shown no sign of life."""
    queues = sqs.list_queues(QueueNamePrefix=_prefix(bus)).get("QueueUrls", [])
    alive = {
        url.rpartition("/")[2]
        for url in queues
        if sqs.list_queue_tags(QueueUrl=url).get("Tags", {}).get(ALIVE_UNTIL, "") > instant(now)
    }
    rules = events.list_rules(EventBusName=_bus_name(bus), NamePrefix=_prefix(bus))["Rules"]
    all_names = {*(url.rpartition("/")[2] for url in queues), *(rule["Name"] for rule in rules)}
    for name in all_names - alive:
        _remove(sqs, events, bus, name)


def _prefix(bus: str) -> str:
    """The beginning of the names of subscriptions to a bus."""
    return f"{PREFIX}-{sha256(bus.encode()).hexdigest()[:8]}"


def _bus_name(bus: str) -> str:
    return bus.rpartition("/")[2]
