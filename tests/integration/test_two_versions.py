"""A stack of version 0.1 keeps its books: what it recorded, credited and accepted counts, before and after an update.

Both versions of ingest and consumer work on the same tables and the same queue, as they do while traffic shifts, and
after the new one was taken back.
"""

import json
import os
import random
import subprocess
import sys
import time
import uuid as uuids
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from tests.support.deployed import environment_of
from tests.support.harness import SECRET, Stores
from tests.support.history import check_out, has_commit
from tests.support.stores import running_stores
from wickiepay.lambda_events import http_request, sqs_batch
from wickiepay.signature import sign
from wickiepay_cli.doctor.report import audit
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.many_stacks]

OLD_COMMIT: Final = "eb0c93af"
"""The last one of version 0.1."""

CONFIRMED: Final = "channel.payment.confirmed"
WORKER: Final = PROJECT / "tests/support/version_worker.py"

type Version = Literal["old", "new"]


class Worker:
    """One version's functions."""

    def __init__(self, project: Path, stores: Stores) -> None:
        outputs = stores.outputs
        folders = ("functions/ingest", "functions/consumer", "layers/wickiepay", "cli")
        environment = {
            **os.environ,
            **environment_of("IngestFunction"),
            **environment_of("ConsumerFunction"),
            "EVENT_TABLE": outputs["EventTableName"],
            "LEDGER_TABLE": outputs["LedgerTableName"],
            "EVENT_QUEUE_URL": outputs["EventQueueUrl"],
            "EVENT_BUS": outputs["EventBusName"],
            "SIGNING_SECRET_ARN": outputs["SigningSecretArn"],
            "AWS_ENDPOINT_URL": stores.endpoint_url,
            "AWS_ACCESS_KEY_ID": stores.access_key,
            "AWS_SECRET_ACCESS_KEY": stores.secret_key,
            "AWS_DEFAULT_REGION": stores.region,
            "AWS_REGION": stores.region,
            "PYTHONPATH": os.pathsep.join(str(project / folder) for folder in folders),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=project,
            text=True,
        )

    def ask(self, **asked: object) -> Any:  # noqa: ANN401  JSON
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, "the worker has ended"
        return json.loads(answer)


class Both:
    """The two versions on one stack. `version` says whose turn it is."""

    def __init__(self, stores: Stores, workers: dict[Version, Worker]) -> None:
        self.stores = stores
        self.workers = workers
        self.sqs, self.dynamodb = stores.client("sqs"), stores.client("dynamodb")

    def deliver(self, version: Version, event: str, second: int = 0, /, **data: Any) -> dict[str, Any]:  # noqa: ANN401
        stamp = f"2026-01-15T10:25:{second:02d}Z"
        body = json.dumps({"event": event, "timestamp": stamp, "data": data}).encode()
        answer = self.workers[version].ask(request=http_request(body, sign(body, SECRET)))
        assert answer["statusCode"] == 200, answer
        content: dict[str, Any] = json.loads(answer["body"])
        return content

    def consume(self, choose: Callable[[], Version]) -> None:
        """Hands what is in the queue to the consumer whose turn it is, until nothing is."""
        url = self.stores.outputs["EventQueueUrl"]
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get(
            "Messages"
        ):
            answer = self.workers[choose()].ask(records=sqs_batch(messages)["Records"])
            again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            for message in messages:
                handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
                if message["MessageId"] in again:
                    self.sqs.change_message_visibility(**handle, VisibilityTimeout=0)
                else:
                    self.sqs.delete_message(**handle)

    def replay(self, identity: dict[str, Any]) -> None:
        """An operator of the new version has an event processed again."""
        from wickiepay.event_record import pending_of  # noqa: PLC0415
        from wickiepay.queue import Message, Replay, encode  # noqa: PLC0415

        key = {"uuid": {"S": identity["uuid"]}, "event_key": {"S": identity["event_key"]}}
        item = self.dynamodb.get_item(TableName=self.stores.outputs["EventTableName"], Key=key)["Item"]
        text = encode(Message.of(pending_of(item), Replay("replay", "somebody", "")))
        self.sqs.send_message(QueueUrl=self.stores.outputs["EventQueueUrl"], MessageBody=text)
        self.consume(lambda: "new")

    def balance(self, account: str) -> Decimal:
        key = {"pk": {"S": f"balance#{account}"}, "sk": {"S": "EUR"}}
        item = self.dynamodb.get_item(TableName=self.stores.outputs["LedgerTableName"], Key=key).get("Item")
        return Decimal(item["amount"]["N"]) if item else Decimal()

    def is_right(self) -> list[str]:
        """What the doctor finds wrong."""
        stack = Stack("listener", self.stores.outputs, self.stores.client)
        report = audit(stack, timedelta(days=400), datetime.now(UTC), time.sleep)
        return [f"{check.name}: {check.detail}" for check in report.checks if not check.ok]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Stores of their own: the doctor looks at all that is on record, also at what other tests leave undone."""
    with running_stores(tmp_path_factory.mktemp("stores")) as running:
        yield running


@pytest.fixture(scope="module")
def both(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    if not has_commit(OLD_COMMIT):
        pytest.skip("there is no git history that goes back to version 0.1")
    old = check_out(OLD_COMMIT, tmp_path_factory.mktemp("old"), "cli")
    workers: dict[Version, Worker] = {"old": Worker(old, stores), "new": Worker(PROJECT, stores)}
    yield Both(stores, workers)
    for worker in workers.values():
        with worker.process as process:  # its pipes are closed as well
            process.kill()


TX: Final = "28efb4eef551516731e6d081e47587117c921ea55e24cceac07464dba4262934"
SPELLINGS: Final[dict[str, Callable[[], dict[str, str]]]] = {
    "a hash with 0x": lambda: {"uuid": str(uuids.uuid4()), "hash": f"0x{TX}"},
    "a hash in capitals": lambda: {"uuid": str(uuids.uuid4()), "hash": TX.upper()},
    "a uuid in capitals": lambda: {"uuid": str(uuids.uuid4()).upper(), "hash": f"0x{TX}"},
    "a channel": lambda: {"uuid": str(uuids.uuid4()), "channelId": "the channel", "hash": f"0x{TX}"},
    "no hash": lambda: {"uuid": str(uuids.uuid4())},
}
spelled = pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)


def money(account: str, amount: object = 100) -> dict[str, object]:
    return {"reference": account, "displayCurrency": {"currency": "EUR", "amount": amount}}


@pytest.fixture
def account() -> str:
    return f"customer-{uuids.uuid4()}"


@spelled
def test_what_was_credited_before_the_update_is_not_credited_again(
    spelling: Callable[[], dict[str, str]], account: str, both: Both
) -> None:
    data = {**spelling(), **money(account)}
    first = both.deliver("old", CONFIRMED, **data)
    both.consume(lambda: "old")
    both.deliver("new", CONFIRMED, **data)
    both.deliver("new", CONFIRMED, 7, **data)
    both.deliver("new", "channel.payment.completed", 9, **data)
    both.consume(lambda: "new")
    both.replay(first)

    assert both.balance(account) == 100
    assert both.is_right() == []


@spelled
def test_a_confirmation_that_was_lost_before_the_update_is_made_good(
    spelling: Callable[[], dict[str, str]], account: str, both: Both
) -> None:
    data = {**spelling(), **money(account)}
    both.deliver("old", "channel.payment.detected", **data)
    both.consume(lambda: "old")
    both.deliver("new", "channel.payment.completed", 9, **data)
    both.consume(lambda: "new")
    both.deliver("old", CONFIRMED, 5, **data)  # after the step back it comes after all
    both.consume(lambda: "old")

    assert both.balance(account) == 100
    assert both.is_right() == []


@spelled
@pytest.mark.parametrize("first_amount", [0, 100])
def test_what_was_accepted_before_the_update_is_credited_as_it_was(
    spelling: Callable[[], dict[str, str]], first_amount: int, account: str, both: Both
) -> None:
    data = spelling()
    first = both.deliver("old", CONFIRMED, **data, **money(account, first_amount))
    both.deliver("old", CONFIRMED, **data, **money(account, 70))
    both.consume(lambda: "old")
    table = both.stores.outputs["EventTableName"]
    kept = both.dynamodb.query(
        TableName=table,
        KeyConditionExpression="#uuid = :uuid AND begins_with(event_key, :key)",
        ExpressionAttributeNames={"#uuid": "uuid"},
        ExpressionAttributeValues={":uuid": {"S": first["uuid"]}, ":key": {"S": f"{first['event_key']}!conflict"}},
    )["Items"]
    [conflict] = [item["event_key"]["S"] for item in kept]
    both.workers["old"].ask(accept={"uuid": first["uuid"], "event_key": conflict})
    both.consume(lambda: "old")
    before = both.balance(account)

    both.replay({"uuid": first["uuid"], "event_key": conflict.replace("!conflict", "!accepted")})
    both.replay(first)
    both.deliver("new", CONFIRMED, **data, **money(account, 70))
    both.deliver("new", "channel.payment.completed", 9, **data, **money(account, 70))
    both.consume(lambda: "new")

    assert before == first_amount + 70
    assert both.balance(account) == before
    assert both.is_right() == []


def test_a_payment_that_was_begun_before_the_update_keeps_its_order(account: str, both: Both) -> None:
    payment = str(uuids.uuid4())
    both.deliver("old", "payment.created", uuid=payment, type="IN", reference=account)
    both.consume(lambda: "old")
    both.deliver("new", "payment.completed", 5, uuid=payment)
    both.consume(lambda: "new")

    key = {"pk": {"S": f"payment#{payment}"}, "sk": {"S": "#payment"}}
    item = both.dynamodb.get_item(TableName=both.stores.outputs["LedgerTableName"], Key=key)["Item"]
    assert (item["status"]["S"], item["reference"]["S"]) == ("COMPLETE", account)


def test_both_versions_in_turns_lose_nothing_and_credit_nothing_twice(account: str, both: Both) -> None:
    """While traffic shifts, and with the step back: whose turn it is at ingest and at the consumer is chance."""
    chance = random.Random(11)  # noqa: S311  no secret

    def turn() -> Version:
        return chance.choice(("old", "new"))

    payments = [{**chance.choice(list(SPELLINGS.values()))(), **money(account, 1)} for _ in range(12)]
    deliveries = [
        (event, second, data)
        for data in payments
        for second, event in enumerate(("channel.payment.detected", CONFIRMED, "channel.payment.completed"))
        for _ in range(2)
    ]
    chance.shuffle(deliveries)
    for number, (event, second, data) in enumerate(deliveries):
        both.deliver(turn(), event, second, **data)
        if number % 5 == 0:
            both.consume(turn)
    both.consume(turn)

    assert both.balance(account) == len(payments)
    assert both.is_right() == []
