"""The three functions, in process, on the stores of an emulator; and the sender who tries three times.

What Lambda does around the functions is done here: the queue's messages are handed to the consumer and deleted when it
does not name them, and what a killed function had in hand comes again.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config

from tests.support.faults import Injector, Killed
from tests.support.wiring import Wiring, consumer_on, ingest_on, relay_on
from wickiepay import clock
from wickiepay.bus import EventBus
from wickiepay.event_log import EventLog
from wickiepay.event_record import pending_of
from wickiepay.lambda_events import http_request, sqs_batch
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue, Message, Replay, encode
from wickiepay.signature import sign
from wickiepay.signing_secrets import SigningSecrets

SECRET: Final = b"whsec_of_the_tests"
SENDER_TRIES: Final = 3
SENDER_BACKOFF_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Stores:
    """Where an emulator keeps what the template defines, and `announced_url`, a queue that hears the whole bus."""

    endpoint_url: str
    region: str
    access_key: str
    secret_key: str
    outputs: Mapping[str, str]
    announced_url: str

    def client(self, service: str) -> Any:  # noqa: ANN401
        """A client for the test's own looking and mending; no fault ever strikes it."""
        return _client(service, self.endpoint_url, self.region, self.access_key, self.secret_key)

    def function_client(self, service: str, injector: Injector, connections: int = 10) -> Any:  # noqa: ANN401
        """A client as the functions use it, over at most `connections`; `injector` may make its calls fail."""
        client = botocore.session.get_session().create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 2},
                read_timeout=10,
                max_pool_connections=connections,
            ),
        )
        injector.watch(client)
        return client


@cache
def _client(service: Any, endpoint_url: str, region: str, access_key: str, secret_key: str) -> Any:  # noqa: ANN401
    return boto3.Session(access_key, secret_key, region_name=region).client(service, endpoint_url=endpoint_url)


class Harness:
    """One stack. `cold` forgets what a new container would not know.

    With one of the consumer's `threads` the calls of a story keep their order. `raised` keeps what functions raised.
    """

    def __init__(
        self,
        stores: Stores,
        max_receives: int = 100,
        injector: Injector | None = None,
        threads: int = 1,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.injector = injector or Injector()
        self.raised: list[Exception] = []
        self._seconds = 0.0
        self._stores = stores
        self._outputs = stores.outputs
        dynamodb, sqs, events, self._secrets = (
            stores.function_client(service, self.injector, connections=10 + threads)
            for service in ("dynamodb", "sqs", "events", "secretsmanager")
        )
        wiring = Wiring(
            events=EventLog(dynamodb, self._outputs["EventTableName"]),
            queue=EventQueue(sqs, self._outputs["EventQueueUrl"]),
            ledger=Ledger(dynamodb, self._outputs["LedgerTableName"], sleep=lambda _: None),
            bus=EventBus(events, self._outputs["EventBusName"]),
            secrets=self._new_secrets(),
            now=now,
        )
        pool = ThreadPoolExecutor(max_workers=threads)
        self._ingest = ingest_on(wiring)
        self._consumer = consumer_on(wiring, max_receives=max_receives, threads=pool)
        self._relay = relay_on(wiring)
        self.dynamodb = stores.client("dynamodb")
        self.sqs = stores.client("sqs")

    def _new_secrets(self) -> SigningSecrets:
        return SigningSecrets(self._secrets, self._outputs["SigningSecretArn"], lambda: self._seconds)

    def cold(self) -> None:
        """The next delivery meets a new container."""
        self._ingest = replace(self._ingest, secrets=self._new_secrets())

    # --- What happens ----------------------------------------------------------------------------

    def deliver(self, envelope: object) -> int | None:
        """The sender sends, and tries again on anything but a 200, three times in all; the last status it saw."""
        body = json.dumps(envelope).encode()
        status = None
        for _ in range(SENDER_TRIES):
            status = self.post(body, sign(body, SECRET))
            if status == 200:
                break
        return status

    def post(self, body: bytes, signature: str, after: float = SENDER_BACKOFF_SECONDS) -> int | None:
        """The sender tries once, so many seconds after the last try; the status it saw."""
        self._seconds += after
        request = http_request(body, signature)
        answer = self._run("ingest", lambda: self._ingest.handle(request))
        return answer["statusCode"] if answer else None

    def consume(self, rounds: int = 50, most: int = 1) -> None:
        """Hands the queue's messages to the consumer, `most` at a time, until it is empty or the rounds are over."""
        url = self._outputs["EventQueueUrl"]
        for _ in range(rounds):
            received = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most, AttributeNames=["All"])
            messages = received.get("Messages", [])
            if not messages:
                return
            records = sqs_batch(messages)["Records"]
            answer = self._run("consumer", partial(self._consumer.process, records))
            again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]} if answer else None
            for message in messages:
                handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
                if again is None or message["MessageId"] in again:
                    self.sqs.change_message_visibility(**handle, VisibilityTimeout=0)  # no test waits for a delay
                else:
                    self.sqs.delete_message(**handle)

    def tick(self) -> None:
        """The relay's schedule fires."""
        self._run("relay", self._relay.run)

    def replay(self, uuid: str, event_key: str, replay: Replay) -> None:
        """An operator has an event processed again."""
        item = self.dynamodb.get_item(
            TableName=self._outputs["EventTableName"], Key={"uuid": {"S": uuid}, "event_key": {"S": event_key}}
        )["Item"]
        text = encode(Message.of(pending_of(item), replay))
        self.sqs.send_message(QueueUrl=self._outputs["EventQueueUrl"], MessageBody=text)

    def settle(self) -> None:
        """All that happens by itself, until nothing more does."""
        self.consume()
        for _ in range(2):  # the schedule goes on, whatever befell one run
            self.tick()
            self.consume()

    def _run[T](self, function: str, invoke: Callable[[], T]) -> T | None:
        """One invocation; None where it was killed, or failed as a whole."""
        with self.injector.running(function):
            try:
                return invoke()
            except Killed:
                return None
            except Exception as error:  # noqa: BLE001  Lambda reports it and goes on
                self.raised.append(error)
                return None

    # --- What became of it -----------------------------------------------------------------------

    def states(self, uuid: str) -> dict[str, str]:
        """Event key → state, of all that is on record for `uuid`."""
        items = self.dynamodb.query(
            TableName=self._outputs["EventTableName"],
            KeyConditionExpression="#uuid = :uuid",
            ExpressionAttributeNames={"#uuid": "uuid"},
            ExpressionAttributeValues={":uuid": {"S": uuid}},
            ConsistentRead=True,
        )["Items"]
        return {item["event_key"]["S"]: item["state"]["S"] for item in items}

    def unsent(self, uuid: str) -> bool:
        """Whether anything of `uuid` is still flagged for the relay."""
        items = self.dynamodb.query(
            TableName=self._outputs["EventTableName"],
            KeyConditionExpression="#uuid = :uuid",
            ExpressionAttributeNames={"#uuid": "uuid"},
            ExpressionAttributeValues={":uuid": {"S": uuid}},
        )["Items"]
        return any("unsent" in item for item in items)

    def ledger(self, pk: str) -> list[dict[str, str]]:
        """The ledger's items under a partition key, as plain text."""
        items = self.dynamodb.query(
            TableName=self._outputs["LedgerTableName"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )["Items"]
        return [{name: next(iter(value.values())) for name, value in item.items()} for item in items]

    def announcements(self) -> Counter[tuple[str, str]]:
        """(uuid, record key) → how often it was announced since the last look."""
        heard: Counter[tuple[str, str]] = Counter()
        url = self._stores.announced_url
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                detail = json.loads(message["Body"])["detail"]
                heard[detail["uuid"], detail["record_key"]] += 1
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return heard
