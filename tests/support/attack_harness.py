"""The functions under attack: on an AWS in this process that takes nothing the real one would refuse.

DynamoDB's and SQS's own limits are checked here, on the very requests, because no emulator checks them all.
"""

import io
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from random import Random
from typing import Any, Final, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

import consumer
from tests.support.attacks import Attack, hostile_message
from tests.support.deployed import TEMPLATE
from tests.support.faults import Raw
from tests.support.in_process import Answer, Heard, client, emulated_dynamodb
from tests.support.wiring import Wiring, consumer_on, ingest_on
from wickiepay import clock
from wickiepay.bus import EventBus
from wickiepay.delivery import Delivery
from wickiepay.event_log import EventLog
from wickiepay.identity import Identity
from wickiepay.lambda_events import sqs_batch, sqs_message
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue, Message, encode
from wickiepay.signature import sign
from wickiepay.signing_secrets import SigningSecrets

SECRET: Final = b"whsec_of_the_attacked"
MAX_KEY_BYTES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("uuid", "pk", "day_shard", "unsent", "reference"), 2048),
    **dict.fromkeys(("event_key", "sk", "received_at"), 1024),
}
"""Limits of the keys of tables and indexes: DynamoDB takes text from 1 byte up to these lengths."""
MAX_ITEM_BYTES: Final = 400 * 1024
MAX_MESSAGE_BYTES: Final = 1024 * 1024
MAX_ENTRY_BYTES: Final = 256 * 1024
MAX_DETAIL_TYPE_CHARACTERS: Final = 128
MAX_DIGITS: Final = 38
BATCH_SIZE: Final = 10
NEW_TABLES_AFTER: Final = 2000
"""Attacks; then the tables are emptied, so that memory does not fill up."""

numbers = itertools.count()


class AttackHarness:
    """`inputs` counts the attacks, `outcomes` what became of them.

    Raises AssertionError, or whatever the functions raise, as soon as one of them achieved something.
    """

    def __init__(self) -> None:
        self.inputs = 0
        self.outcomes: Counter[str] = Counter()
        self._calls: list[str] = []
        self._refusals: list[str] = []
        self._heard, self._announced = Heard(), Heard()
        self._printed = io.StringIO()
        self._dynamodb = client("dynamodb", self._guarded(emulated_dynamodb))
        self._prefix = f"attacked-{next(numbers)}"
        secrets: Any = FixedSecret()
        wiring = Wiring(
            events=EventLog(self._dynamodb, f"{self._prefix}-EventTable"),
            queue=EventQueue(
                client("sqs", self._guarded(self._heard.answer)),
                "https://sqs.us-east-1.amazonaws.com/123456789012/queue",
            ),
            ledger=Ledger(self._dynamodb, f"{self._prefix}-LedgerTable", sleep=lambda _: None),
            bus=EventBus(client("events", self._guarded(self._announced.answer)), "bus"),
            secrets=SigningSecrets(secrets, "secret", lambda: 0.0),
        )
        self._ingest = ingest_on(wiring)
        self._consumer = consumer_on(wiring, max_receives=3)
        self._create_tables()

    def close(self) -> None:
        for name in ("EventTable", "LedgerTable"):
            self._dynamodb.delete_table(TableName=f"{self._prefix}-{name}")

    def take(self, attack: Attack) -> None:
        """Delivers an attack; what it makes ingest send goes on to the consumer, some at a time."""
        self._begin()
        with self._hearing():
            answer = self._ingest.handle(attack.event)
        status = answer["statusCode"]
        content = json.loads(answer["body"])
        json.dumps(answer).encode()
        assert status == 200 or 400 <= status < 500, answer
        assert ("status" in content) == (status == 200), answer
        if not attack.signed:
            assert status != 200, "an unsigned delivery was accepted"
            assert not self._calls, f"an unsigned delivery made us call {self._calls}"
        elif attack.intact:
            raw = attack.signature == sign(attack.body, SECRET)
            assert status in _statuses(len(attack.body), raw=raw), answer
        self._check(attack)
        who = "signed" if attack.signed else "unsigned"
        self.outcomes[f"{who}, {status} {content.get('status') or content['error']}"] += 1
        if len(self._heard.texts) >= BATCH_SIZE:
            self.consume()

    def consume(self) -> None:
        """Hands all that was sent to the consumer: nothing that ingest sends may come again."""
        for texts in itertools.batched(self._take_sent(), BATCH_SIZE, strict=False):
            assert self._process(texts) == [], "a signed delivery made a message that comes again"
            self.outcomes["messages finished"] += len(texts)

    def take_messages(self, chance: Random) -> None:
        """A batch of what somebody else put into the queue, with one right message somewhere in it."""
        self._begin()
        right = encode(right_message(chance))
        texts = [hostile_message(chance, encode(right_message(chance))) for _ in range(chance.randrange(1, 10))]
        at = chance.randrange(len(texts) + 1)
        again = self._process([*texts[:at], right, *texts[at:]], refusals=True)
        assert str(at) not in again, "a malformed message kept its batch mate from being processed"
        self.outcomes["malformed messages"] += len(texts)

    def _begin(self) -> None:
        self.inputs += 1
        if self.inputs % NEW_TABLES_AFTER == 0:
            self.close()
            self._create_tables()
        self._calls.clear()

    def _process(self, texts: "list[str] | tuple[str, ...]", *, refusals: bool = False) -> list[str]:
        records = sqs_batch(sqs_message(text, clock.now(), str(number)) for number, text in enumerate(texts))["Records"]
        with self._hearing():
            answer = self._consumer.process(records)
        again = [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]
        assert set(again) <= {record["messageId"] for record in records}
        if refusals:
            self._refusals.clear()
        self._check(None)
        return again

    def _take_sent(self) -> list[str]:
        texts = self._heard.texts[:]
        self._heard.texts.clear()
        self._announced.texts.clear()
        return texts

    def _check(self, attack: Attack | None) -> None:
        """Nothing of it may be printed, and AWS may have had nothing to refuse."""
        assert not self._refusals, self._refusals
        printed = self._printed.getvalue()
        self._printed.seek(0)
        self._printed.truncate()
        printed.encode()
        for line in printed.splitlines():
            json.loads(line)
        assert SECRET.decode() not in printed
        if attack:
            assert attack.signature not in printed.lower()
            body = attack.body.decode("utf-8", "replace")
            assert len(body) < 40 or json.dumps(body)[1:-1] not in printed  # a shorter one may be a name

    @contextmanager
    def _hearing(self) -> Iterator[None]:
        """Hears what the functions print. Loggers hold on to the stdout that they were made with."""
        handlers: list[Any] = list(consumer.logger.handlers)
        before = [(handler, handler.setStream(self._printed)) for handler in handlers]
        try:
            with redirect_stdout(self._printed):
                yield
        finally:
            for handler, stream in before:
                handler.setStream(stream)

    def _create_tables(self) -> None:
        for name in ("EventTable", "LedgerTable"):
            properties = TEMPLATE["Resources"][name]["Properties"]
            wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
            self._dynamodb.create_table(TableName=f"{self._prefix}-{name}", **{key: properties[key] for key in wanted})

    def _guarded(self, answer: Answer) -> Answer:
        def guard(request: AWSPreparedRequest) -> AWSResponse:
            operation = str(request.headers["X-Amz-Target"]).rpartition(".")[2].rstrip("'")
            self._calls.append(operation)
            wrong = list(refused(operation, json.loads(cast("str | bytes", request.body))))
            if not wrong:
                return answer(request)
            self._refusals += wrong
            error = {"__type": "com.amazon.coral.validate#ValidationException", "message": wrong[0]}
            return AWSResponse(request.url, 400, HTTPHeaders(), Raw(json.dumps(error).encode()))

        return guard


def _statuses(length: int, *, raw: bool) -> set[int]:
    """What a signed body of that length is answered. Above 102,400 bytes only the bytes themselves can be signed."""
    if length > 256 * 1024:
        return {413}
    return {200, 400} if raw or length <= 102_400 else {401}


class FixedSecret:
    """A Secrets Manager that holds one secret."""

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": SECRET.decode()}


def right_message(chance: Random) -> Message:
    uuid = f"{chance.getrandbits(64):016x}"
    data = {"uuid": uuid, "reference": "account", "displayCurrency": {"currency": "EUR", "amount": 1}}
    body = json.dumps({"event": "channel.payment.confirmed", "data": data}).encode()
    delivery = Delivery(body, "raw", clock.instant(clock.now()), "203.0.113.7", "request")
    return Message(Identity(uuid, "channel.payment.confirmed"), delivery, unrecorded=chance.random() < 0.5)


# --- What AWS would refuse -----------------------------------------------------------------------


def refused(operation: str, content: Any) -> Iterator[str]:  # noqa: ANN401  a request in JSON
    """Why AWS would refuse a request, as far as a sender could have brought it about."""
    for item in _items(operation, content):
        yield from _wrong_item(item)
    if operation == "SendMessage":
        yield from _wrong_message(content["MessageBody"])
    if operation == "PutEvents":
        for entry in content["Entries"]:
            yield from _wrong_entry(entry)


def _items(operation: str, content: Any) -> list[Any]:  # noqa: ANN401  as above
    """The items, or keys of items, that a request names."""
    match operation:
        case "PutItem":
            return [content["Item"]]
        case "UpdateItem":
            return [content["Key"]]
        case "Query":
            return []
        case "BatchGetItem":
            return [key for table in content["RequestItems"].values() for key in table["Keys"]]
        case "TransactWriteItems":
            writes = content["TransactItems"]
            return [write["Put"]["Item"] if "Put" in write else write["Update"]["Key"] for write in writes]
    return []


def _wrong_item(item: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    size = 0
    for name, typed in item.items():
        [(kind, value)] = typed.items()
        if kind == "BOOL":
            continue
        if kind == "SS":
            value = "".join(value)
        try:
            size += len(name) + len(value.encode())  # of a number or of bytes (in base64) rather too much
        except UnicodeEncodeError:
            yield f"{name} is no text"
            continue
        if name in MAX_KEY_BYTES and not 0 < len(value.encode()) <= MAX_KEY_BYTES[name]:
            yield f"{name} is a key of {len(value.encode())} bytes"
        if kind == "B":
            size -= len(value) // 4
        if kind == "N" and len(value.strip("-").replace(".", "").strip("0")) > MAX_DIGITS:
            yield f"{name} is a number of more than {MAX_DIGITS} digits"
    if size > MAX_ITEM_BYTES:
        yield f"an item of {size} bytes"


def _wrong_message(text: str) -> Iterator[str]:
    if not 0 < len(text) <= MAX_MESSAGE_BYTES or not text.isascii() or not text.isprintable():
        yield f"a message of {len(text)} characters, or of others than ours are made of"


def _wrong_entry(entry: Mapping[str, str]) -> Iterator[str]:
    if not 0 < len(entry["DetailType"]) <= MAX_DETAIL_TYPE_CHARACTERS:
        yield f"a detail type of {len(entry['DetailType'])} characters"
    if len(entry["Detail"].encode()) + 100 > MAX_ENTRY_BYTES:
        yield f"an announcement of {len(entry['Detail'])} characters"
