"""Histories: whatever can happen to a handful of events, in every interleaving of AWS calls, checked against a model.

The machine drives the real functions. Each call of each invocation is a step of its own, with a fate of its own;
messages are handed out as often as may be and in whatever order; records expire; operators replay, accept and redrive.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import consumer
import handlers
import ingest
import relay
from actors import Actor, Fate, SameThread
from in_process import Heard, client
from wickiepay.bus import EventBus
from wickiepay.event import WebhookEvent, parse
from wickiepay.event_log import EventLog
from wickiepay.event_record import State, delivery_of
from wickiepay.identity import Identity
from wickiepay.ledger import Ledger
from wickiepay.queue import EventQueue, Message, Replay, encode
from wickiepay.routing import discover, router
from wickiepay.signature import SCHEMES, sign
from wickiepay.signing_secrets import SigningSecrets

SECRET: Final = b"whsec_of_the_histories"
MAX_RECEIVES: Final = 3
SENDER_TRIES: Final = 3
KEEP: Final = timedelta(days=30)
STATUSES: Final = {
    "payment.processing": "PROCESSING",
    "payment.underpaid": "UNDERPAID",
    "payment.completed": "COMPLETE",
}
"""Of the one payment there is, in the order of the stages."""

numbers = itertools.count()
choices = st.integers(0, 1_000_000)
"""A choice of one thing among however many there are by then."""

fates = st.sampled_from([Fate.ANSWERED] * 5 + list(Fate))

SENT, ANNOUNCED = Heard(), Heard()
SQS, BUS = client("sqs", SENT.answer), client("events", ANNOUNCED.answer)
"""One of each for all histories: a client is slow to make."""

discover(handlers)


@dataclass(slots=True)
class Sending:
    """A delivery that the sender wants to get rid of."""

    body: bytes
    event: WebhookEvent
    tries: int = 0
    accepted: bool = False


@dataclass(slots=True)
class Parcel:
    """A message in the queue."""

    text: str
    receives: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Where the tables are."""

    dynamodb: Any
    event_table: str
    ledger_table: str


@dataclass(slots=True)
class FixedSecret:
    """A Secrets Manager that holds one secret and never fails: rotation has tests of its own."""

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": SECRET.decode()}


class Histories(RuleBasedStateMachine):
    """`account` is set by whoever runs the machine: tables in this process, or those of an emulator."""

    account: ClassVar[Account]

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 15, 10, 25, tzinfo=UTC)
        self.name = f"history-{next(numbers)}"
        self.bodies = bodies(self.name)
        self.sent: list[Sending] = []
        self.queue: list[Parcel] = []
        self.dead: list[Parcel] = []
        self.actors: list[tuple[Actor, Sending | None, list[Parcel]]] = []
        self.accepted_conflicts: set[Identity] = set()
        self.expired: set[Identity] = set()
        SENT.texts.clear()
        ANNOUNCED.texts.clear()
        log = EventLog(self.account.dynamodb, self.account.event_table)
        self.log = log
        queue = EventQueue(SQS, "https://sqs.us-east-1.amazonaws.com/123456789012/queue")
        secrets: Any = FixedSecret()
        self.ingest = ingest.Ingest(
            SigningSecrets(secrets, "secret", lambda: 0.0), log, queue, tuple(SCHEMES), (), lambda: self.now
        )
        self.consumer = consumer.Consumer(
            events=log,
            ledger=Ledger(self.account.dynamodb, self.account.ledger_table, sleep=lambda _: None),
            queue=queue,
            bus=EventBus(BUS, "bus"),
            handlers=router,
            keep=KEEP,
            max_receives=MAX_RECEIVES,
            now=lambda: self.now,
            threads=SameThread(),
        )
        self.relay = relay.Relay(log, queue, lambda: self.now)

    # --- What may happen -------------------------------------------------------------------------

    @rule(which=choices)
    def deliver(self, which: int) -> None:
        body = self.bodies[which % len(self.bodies)]
        self.sent.append(Sending(body, parse(body)))
        self._try(self.sent[-1])

    @precondition(lambda self: any(not sending.accepted and sending.tries < SENDER_TRIES for sending in self.sent))
    @rule(which=choices)
    def send_again(self, which: int) -> None:
        waiting = [sending for sending in self.sent if not sending.accepted and sending.tries < SENDER_TRIES]
        self._try(waiting[which % len(waiting)])

    @rule(which=choices)
    def forge(self, which: int) -> None:
        body = self.bodies[which % len(self.bodies)]
        actor = Actor("ingest", lambda: self.ingest.answer(request(body, sign(body, b"another secret"))))
        assert actor.done, "a forged delivery reached AWS"
        assert actor.result["statusCode"] == 401

    @precondition(lambda self: self.queue)
    @rule(which=choices, size=st.integers(1, 3))
    def receive(self, which: int, size: int) -> None:
        start = which % len(self.queue)
        self._consume(self.queue[start : start + size])

    @rule()
    def tick(self) -> None:
        self.actors.append((Actor("relay", self.relay.run), None, []))

    @precondition(lambda self: self.actors)
    @rule(moves=st.lists(st.tuples(choices, fates), min_size=1, max_size=10))
    def go_on(self, moves: list[tuple[int, Fate]]) -> None:
        for which, fate in moves:
            if self.actors:
                self.actors[which % len(self.actors)][0].go(fate)
                self._reap()

    @rule(which=choices, announce=st.booleans())
    def replay(self, which: int, announce: bool) -> None:
        items = [i for i in self._items() if i["state"]["S"] in {"RECEIVED", "PROCESSED", "IGNORED", "FAILED"}]
        if items:
            item = items[which % len(items)]
            by = Replay("replay", "somebody", "to see", announce)
            self.queue.append(Parcel(encode(Message(identity(item), delivery_of(item), replay=by))))

    @rule(which=choices)
    def accept(self, which: int) -> None:
        conflicts = [item for item in self._items() if item["state"]["S"] == "CONFLICT"]
        if conflicts:
            item = conflicts[which % len(conflicts)]
            delivery, key = delivery_of(item), item["event_key"]["S"].replace("!conflict#", "!accepted#")
            event = replace(delivery.event(), event_key=key)
            self.accepted_conflicts.add(Identity(event.uuid, key))
            recorded = self.log.record(delivery, event)
            if recorded.to_send:
                self.queue.append(Parcel(encode(Message(Identity(event.uuid, key), recorded.to_send))))

    @rule()
    def redrive(self) -> None:
        self.queue += [Parcel(parcel.text) for parcel in self.dead]
        self.dead.clear()

    @rule()
    def a_month_passes(self) -> None:
        self.now += KEEP
        for item in self._items():
            if "expires_at" in item and int(item["expires_at"]["N"]) <= self.now.timestamp():
                self.expired.add(identity(item))
                key = {"uuid": item["uuid"], "event_key": item["event_key"]}
                self.account.dynamodb.delete_item(TableName=self.account.event_table, Key=key)

    # --- How it happens --------------------------------------------------------------------------

    def _try(self, sending: Sending) -> None:
        sending.tries += 1
        call = request(sending.body, sign(sending.body, SECRET))
        self.actors.append((Actor("ingest", lambda: self.ingest.answer(call)), sending, []))
        self._reap()

    def _consume(self, parcels: Sequence[Parcel]) -> None:
        batch = []
        for parcel in parcels:
            parcel.receives += 1
            if parcel.receives > MAX_RECEIVES:
                self.queue.remove(parcel)
                self.dead.append(parcel)
            else:
                batch.append(parcel)
        records = [
            {
                "messageId": str(number),
                "receiptHandle": str(number),
                "body": parcel.text,
                "attributes": {"ApproximateReceiveCount": str(parcel.receives)},
            }
            for number, parcel in enumerate(batch)
        ]
        if records:
            self.actors.append((Actor("consumer", lambda: self.consumer.process(records)), None, batch))
            self._reap()

    def _reap(self) -> None:
        """Draws the consequences of what has ended, and hands out what was sent."""
        for actor, sending, parcels in [entry for entry in self.actors if entry[0].done]:
            if sending and actor.result and actor.result["statusCode"] == 200:
                sending.accepted = True
            if actor.function == "consumer" and actor.result:
                again = {int(failure["itemIdentifier"]) for failure in actor.result["batchItemFailures"]}
                finished = [parcel for number, parcel in enumerate(parcels) if number not in again]
                self.queue = [parcel for parcel in self.queue if not any(parcel is done for done in finished)]
        self.actors = [entry for entry in self.actors if not entry[0].done]
        self.queue += [Parcel(text) for text in SENT.texts]
        SENT.texts.clear()

    def _items(self) -> list[dict[str, Any]]:
        found = []
        for uuid in {parse(body).uuid for body in self.bodies}:
            found += self.account.dynamodb.query(
                TableName=self.account.event_table,
                KeyConditionExpression="#uuid = :uuid",
                ExpressionAttributeNames={"#uuid": "uuid"},
                ExpressionAttributeValues={":uuid": {"S": uuid}},
                ConsistentRead=True,
            )["Items"]
        return found

    def _ledger(self, pk: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.account.dynamodb.query(
            TableName=self.account.ledger_table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )["Items"]
        return items

    # --- How it must end -------------------------------------------------------------------------

    def teardown(self) -> None:
        self._finish()
        for sending in self.sent:
            while not sending.accepted and sending.tries < SENDER_TRIES:
                self._try(sending)
                self._finish()
        while self.queue or self.dead or self._unsent():
            self.redrive()
            for parcel in list(self.queue):
                self._consume([parcel])
                self._finish()
            self.tick()
            self._finish()
        self._check()

    def _finish(self) -> None:
        for actor, _, _ in self.actors:
            actor.finish()
        self._reap()

    def _unsent(self) -> bool:
        return any("unsent" in item for item in self._items())

    def _check(self) -> None:
        accepted = {Identity(s.event.uuid, s.event.event_key) for s in self.sent if s.accepted}
        accepted |= self.accepted_conflicts
        states = {identity(item): item["state"]["S"] for item in self._items()}
        announced = {(detail["uuid"], detail["event_key"]) for detail in map(json.loads, ANNOUNCED.texts)}
        for each in accepted:
            assert each in states or each in self.expired, f"{each} is lost"
            finished = {State.PROCESSED, State.IGNORED}
            if each in self.expired:
                # What it did is no longer on record: another content in its place may find the credit made otherwise.
                finished.add(State.FAILED)
            assert states.get(each, State.PROCESSED) in finished, f"{each} is not finished"
            handled = each.event_key.partition("#")[0] in router
            assert not handled or (each.uuid, each.event_key) in announced, f"{each} was not announced"
        self._check_money(accepted)
        self._check_payment()

    def _check_money(self, accepted: set[Identity]) -> None:
        """Each channel payment is credited once, with an amount that was sent; an accepted conflict once more."""
        balance = sum((Decimal(i["amount"]["N"]) for i in self._ledger(f"balance#{self.name}")), Decimal(0))
        total = Decimal(0)
        for uuid in (f"{self.name}-channel-1", f"{self.name}-channel-2"):
            entries = self._ledger(f"credit#{uuid}")
            total += sum(Decimal(entry["amount"]["N"]) for entry in entries)
            own = sum(each.uuid == uuid and each.event_key == CONFIRMED for each in accepted)
            extra = sum(each.uuid == uuid for each in self.accepted_conflicts if each.event_key.startswith(CONFIRMED))
            tried = any(s.event.uuid == uuid and s.event.name == CONFIRMED for s in self.sent)
            assert own + extra <= len(entries) <= tried + extra, f"{uuid} was credited {len(entries)} times"
        assert balance == total, "the balance is not the sum of its entries"

    def _check_payment(self) -> None:
        """The payment stands at the furthest of its events: of those accepted at least, of those sent at most."""
        stages = list(STATUSES)
        of_payment = [s for s in self.sent if s.event.name in STATUSES]
        sent = max((stages.index(s.event.name) for s in of_payment), default=-1)
        accepted = max((stages.index(s.event.name) for s in of_payment if s.accepted), default=-1)
        found = [item["status"]["S"] for item in self._ledger(f"payment#{self.name}-payment")]
        stage = list(STATUSES.values()).index(found[0]) if found else -1
        assert accepted <= stage <= sent, f"the payment stands at {found}"


CONFIRMED: Final = "channel.payment.confirmed"


def bodies(name: str) -> list[bytes]:
    """What may be sent in one history: two channel payments, one of them in two versions, a payment, and more."""
    one, two, payment = f"{name}-channel-1", f"{name}-channel-2", f"{name}-payment"
    return [
        body(CONFIRMED, one, reference=name, amount=5, currency="EUR"),
        body(CONFIRMED, one, reference=name, amount=7, currency="EUR"),
        body("channel.payment.detected", one, reference=name),
        body("channel.payment.completed", one, reference=name),
        body(CONFIRMED, two, reference=name, amount=0.1, currency="EUR"),
        *(body(status, payment) for status in STATUSES),
        body("weather.changed", payment),
    ]


def body(name: str, uuid: str, **data: object) -> bytes:
    return json.dumps({"event": name, "timestamp": "2026-01-15T10:25:00Z", "data": {"uuid": uuid, **data}}).encode()


def request(body: bytes, signature: str) -> dict[str, object]:
    return {
        "requestContext": {"requestId": "request", "http": {"method": "POST", "sourceIp": "192.0.2.1"}},
        "headers": {"content-type": "application/json", "x-webhook-signature": signature},
        "body": body.decode(),
    }


def identity(item: dict[str, Any]) -> Identity:
    return Identity(item["uuid"]["S"], item["event_key"]["S"])
