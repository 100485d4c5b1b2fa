"""How the cost of a delivery grows: with the events on record, with those of one payment, with the body.

Stored events are real ones, in an emulator's tables, which template.yaml defines; what is counted is our own process.
"""

from tests.support import deployed  # noqa: F401  imports the functions as Lambda does, before anything else imports them

# isort: split
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from itertools import batched, islice
from pathlib import Path
from typing import Any, Final

import relay
from bench import deliveries
from bench.lambda_folder import LambdaFolder, Place
from bench.measuring import Bench
from bench.running import Plan, counted
from bench.stub_aws import stub_aws
from tests.support.harness import SECRET, Stores
from tests.support.many_events import PERIOD, Caught, ManyEvents
from tests.support.stores import running_stores
from wickiepay import clock
from wickiepay.delivery import Delivery
from wickiepay.event import parse
from wickiepay.event_log import EventLog
from wickiepay.identity import Identity
from wickiepay.queue import EventQueue
from wickiepay_cli.store.event_records import EventRecords

STORED: Final = (1, 1_000, 100_000)
OF_ONE_PAYMENT: Final = (1, 1_000, 10_000)
BODIES: Final = (200, 1024, 4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024)
SOME: Final = 5
LISTED: Final = 50
UNSENT: Final = 20
BATCH_WRITE: Final = 25

type Point = dict[str, float]


class Growth:
    def __init__(self, folder: LambdaFolder, scratch: Path) -> None:
        self._folder = folder
        self._scratch = scratch

    def measure(self) -> dict[str, Any]:
        with running_stores(self._scratch / "stores") as stores:
            stored = list(self._with_stored(stores))
            reads = _reads(stores)
            of_one_payment = list(self._with_events_of_one_payment(stores))
        return {"stored": stored, "of_one_payment": of_one_payment, "body": self._with_body(), "reads": reads}

    # --- Stored events ---------------------------------------------------------------------------

    def _with_stored(self, stores: Stores) -> Iterator[Point]:
        many = ManyEvents(stores, datetime.now(UTC), STORED[-1])
        filled = 0
        for total in STORED:
            many.fill(filled, total)
            filled = total
            yield {"events": total, **self._delivered(stores, f"stored {total}")}

    def _delivered(self, stores: Stores, kind: str) -> Point:
        """First deliveries, the consumer's work on them, and the same deliveries once more."""
        secret = SECRET.decode()
        numbers = range(2 * SOME)
        every = [deliveries.delivery(deliveries.body(deliveries.uuid(kind, n)), secret) for n in numbers]
        plan = Plan("ingest", [every[:SOME], every[SOME:]])
        first = counted(plan, self._place("ingest", stores), stores.endpoint_url, self._scratch / "growth")
        consumed = Plan("consumer", [[deliveries.batch(kind, 0, SOME)], [deliveries.batch(kind, SOME, SOME)]])
        finished = counted(consumed, self._place("consumer", stores), stores.endpoint_url, self._scratch / "growth")
        again = counted(plan, self._place("ingest", stores), stores.endpoint_url, self._scratch / "growth")
        assert first.answers == again.answers == [200, 200], (first.answers, again.answers)
        assert finished.answers == [{"batchItemFailures": []}] * 2, finished.answers
        return {
            "first": first.step(1, SOME),
            "consumer_event": finished.step(1, SOME),
            "duplicate": again.step(1, SOME),
        }

    def _with_events_of_one_payment(self, stores: Stores) -> Iterator[Point]:
        uuid, secret, filled = deliveries.uuid("one payment", 0), SECRET.decode(), 0
        for total in OF_ONE_PAYMENT:
            _fill_one_payment(stores, uuid, filled, total)
            filled = total
            names = [f"payment.note{total}x{number}" for number in range(2 * SOME)]
            every = [deliveries.delivery(deliveries.body(uuid, name=name), secret) for name in names]
            plan = Plan("ingest", [every[:SOME], every[SOME:]])
            run = counted(plan, self._place("ingest", stores), stores.endpoint_url, self._scratch / "growth")
            assert run.answers == [200, 200], run.answers
            yield {"events": total, "first": run.step(1, SOME)}

    def _place(self, function: str, stores: Stores) -> Place:
        outputs = stores.outputs
        given = {
            "EVENT_TABLE": outputs["EventTableName"],
            "LEDGER_TABLE": outputs["LedgerTableName"],
            "EVENT_QUEUE_URL": outputs["EventQueueUrl"],
            "EVENT_BUS": outputs["EventBusName"],
            "SIGNING_SECRET_ARN": outputs["SigningSecretArn"],
            "AWS_ACCESS_KEY_ID": stores.access_key,
            "AWS_SECRET_ACCESS_KEY": stores.secret_key,
            "AWS_SESSION_TOKEN": "",
        }
        place = self._folder.ours(function)
        known = {name: value for name, value in given.items() if name in place.variables}
        return Place(place.launcher, place.path, place.variables | known)

    # --- Body ------------------------------------------------------------------------------------

    def _with_body(self) -> list[Point]:
        warm, warm_batches = deliveries.firsts("warm", SOME), [deliveries.batch("warm", n, 1) for n in range(SOME)]
        delivered = [deliveries.firsts(f"body {size}", SOME, size) for size in BODIES]
        consumed = [[deliveries.batch(f"body {size}", n, 1, size) for n in range(SOME)] for size in BODIES]
        with stub_aws() as stub:
            place = self._folder.ours("ingest")
            ingest = counted(Plan("ingest", [warm, *delivered]), place, stub.url, self._scratch / "growth")
        with stub_aws() as stub:
            place = self._folder.ours("consumer")
            consumer = counted(Plan("consumer", [warm_batches, *consumed]), place, stub.url, self._scratch / "growth")
        bench = Bench(self._folder, self._scratch)
        return [
            {
                "bytes": len(delivered[number][0]["body"]),
                "first": ingest.step(1 + number, SOME),
                "consumer_event": consumer.step(1 + number, SOME),
                "write_units": bench.billed(body_size=size)["write_units"]["total"],
            }
            for number, size in enumerate(BODIES)
        ]


def _fill_one_payment(stores: Stores, uuid: str, first: int, last: int) -> None:
    caught: Any = Caught()
    log = EventLog(caught, "events")
    client, table = stores.client("dynamodb"), stores.outputs["EventTableName"]
    for numbers in batched(range(first, last), BATCH_WRITE, strict=False):
        requests = []
        for number in numbers:
            content = deliveries.body(uuid, name=f"payment.past{number}")
            received_at = clock.instant(clock.now())
            log.record(Delivery(content, "raw", received_at, "192.0.2.1", "request"), parse(content))
            requests.append({"PutRequest": {"Item": caught.item}})
        client.batch_write_item(RequestItems={table: requests})


# --- What the relay and the command read ---------------------------------------------------------


class _Reads:
    """What DynamoDB read for a client, and what it gave back."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401
        self.index_entries = self.records = 0
        client.meta.events.register("after-call.dynamodb", self._note)

    def _note(self, parsed: dict[str, Any], **_: object) -> None:
        self.index_entries += parsed.get("ScannedCount", 0)
        self.records += sum(map(len, parsed.get("Responses", {}).values()))


def _reads(stores: Stores) -> dict[str, Point]:
    """Over all that is stored by now."""
    table = stores.outputs["EventTableName"]
    client = stores.client("dynamodb")
    reads = _Reads(client)
    now = clock.now()
    records = EventRecords(client, table, LISTED + 1)  # as the command does, which says whether there are more
    listed = list(islice(records.newest_first(now - 2 * PERIOD, now), LISTED))
    of_list: Point = {"wanted": len(listed), "index_entries": reads.index_entries, "records": reads.records}
    log = EventLog(client, table)
    for identity in _received(log):
        log.flag_unsent(identity)
    reads = _Reads(client)
    queue = EventQueue(stores.client("sqs"), stores.outputs["EventQueueUrl"])
    relay.logger.setLevel("CRITICAL")
    with redirect_stdout(io.StringIO()):  # its metrics are nobody's here
        sent = relay.Relay(events=log, queue=queue, now=clock.now).run()
    return {
        "events_list": of_list,
        "relay": {"wanted": sent, "index_entries": reads.index_entries, "records": reads.records},
    }


def _received(log: EventLog) -> Iterator[Identity]:
    """Records events that then wait for the consumer."""
    for number in range(UNSENT):
        content = deliveries.body(deliveries.uuid("unsent", number))
        event = parse(content)
        log.record(Delivery(content, "raw", clock.instant(clock.now()), "192.0.2.1", "request"), event)
        yield event.identity
