"""Histories: whatever can happen to a handful of events, in every interleaving of AWS calls, checked against a model.

The machine drives the real functions. Each call of each invocation is a step of its own, with a fate of its own;
messages are handed out as often as may be and in whatever order; records expire; operators replay, accept and redrive.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.support.actors import Actor, Fate
from tests.support.deployed import SETTINGS
from tests.support.in_process import Heard, client
from tests.support.wiring import Wiring, consumer_on, ingest_on, relay_on
from wickiepay import clock
from wickiepay.bus import EventBus
from wickiepay.clock import instant
from wickiepay.effects import SetPayment
from wickiepay.event import WebhookEvent, accepted_place, parse
from wickiepay.event_log import EventLog
from wickiepay.event_record import Decision, State, identity_of, pending_of
from wickiepay.identity import Identity
from wickiepay.lambda_events import http_request, sqs_batch, sqs_message
from wickiepay.ledger import Ledger
from wickiepay.ledger_items import Adjustment, row_of, second_part
from wickiepay.payments import Payment, merge
from wickiepay.queue import EventQueue, Message, Replay, encode
from wickiepay.routing import router
from wickiepay.signature import sign
from wickiepay.signing_secrets import SigningSecrets

SECRET: Final = b"whsec_of_the_histories"
MAX_RECEIVES: Final = 3
SENDER_TRIES: Final = 3
KEEP: Final = timedelta(days=30)
numbers = itertools.count()
choices = st.integers(0, 1_000_000)
"""A choice of one thing among however many there are by then."""

fates = st.sampled_from([Fate.ANSWERED] * 5 + list(Fate))

SENT, ANNOUNCED = Heard(), Heard()
SQS, BUS = client("sqs", SENT.answer), client("events", ANNOUNCED.answer)
"""One of each for all histories: a client is slow to make."""


@dataclass(slots=True)
class Sending:
    """A delivery that the sender wants to get rid of. `accepted` is the event that it was answered to be."""

    body: bytes
    event: WebhookEvent
    tries: int = 0
    accepted: Identity | None = None


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
        self.second_credits = 0
        self.adjusted = Decimal(0)
        self.adjustments: set[int] = set()
        self.expired: set[Identity] = set()
        SENT.texts.clear()
        ANNOUNCED.texts.clear()
        log = EventLog(self.account.dynamodb, self.account.event_table)
        self.log = log
        self.ledger = Ledger(self.account.dynamodb, self.account.ledger_table, sleep=lambda _: None)
        secrets: Any = FixedSecret()
        wiring = Wiring(
            events=log,
            queue=EventQueue(SQS, "https://sqs.us-east-1.amazonaws.com/123456789012/queue"),
            ledger=self.ledger,
            bus=EventBus(BUS, "bus"),
            secrets=SigningSecrets(secrets, "secret", lambda: 0.0),
            now=lambda: self.now,
        )
        self.ingest = ingest_on(wiring)
        self.consumer = consumer_on(wiring, keep=KEEP, max_receives=MAX_RECEIVES)
        self.relay = relay_on(wiring)

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
        actor = Actor("ingest", lambda: self.ingest.handle(http_request(body, sign(body, b"another secret"))))
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
            self.queue.append(Parcel(encode(Message.of(pending_of(item), by))))

    @rule(which=choices, second=st.booleans())
    def accept(self, which: int, second: bool) -> None:
        """An operator accepts a conflict, in place of what it corrects or as a second credit."""
        conflicts = [item for item in self._items() if item["state"]["S"] == "CONFLICT" and "accepted_at" not in item]
        if conflicts:
            conflict = pending_of(conflicts[which % len(conflicts)])
            event = conflict.event()
            corrected = [item for item in self._items() if identity_of(item) == conflict.identity.corrected]
            place = pending_of(corrected[0]).event().place if corrected else event.place
            at = instant(self.now + timedelta(seconds=len(self.accepted_conflicts)))
            entry = second_part("-", event.content_hash) if second and event.name in CREDITING else None
            decision = Decision(conflict.identity.accepted().event_key, "somebody", "", at)
            if self.log.note_decision(conflict.identity, decision):
                self.second_credits += entry is not None
                self.accepted_conflicts.add(conflict.identity.accepted())
                accepted = self.log.record_accepted(conflict, accepted_place(place, at, event.content_hash), entry)
                if accepted:
                    self.queue.append(Parcel(encode(Message.of(accepted))))

    @rule(which=choices)
    def dismiss(self, which: int) -> None:
        conflicts = [item for item in self._items() if item["state"]["S"] == "CONFLICT"]
        if conflicts:
            decision = Decision(None, "somebody", "", instant(self.now))
            self.log.note_decision(identity_of(conflicts[which % len(conflicts)]), decision)

    @rule(number=st.integers(1, 3))
    def adjust(self, number: int) -> None:
        """An operator adds an entry, once for its id however often."""
        amount = Decimal(number) / 4
        made = Adjustment(f"{self.name}-{number}", self.name, "EUR", amount, "", "somebody", instant(self.now))
        if self.ledger.adjust(made, below_zero=False):
            self.adjusted += amount
            assert number not in self.adjustments, "an adjustment was made twice"
            self.adjustments.add(number)

    @rule()
    def redrive(self) -> None:
        self.queue += [Parcel(parcel.text) for parcel in self.dead]
        self.dead.clear()

    @rule()
    def a_month_passes(self) -> None:
        self.now += KEEP
        for item in self._items():
            if "expires_at" in item and int(item["expires_at"]["N"]) <= self.now.timestamp():
                self.expired.add(identity_of(item))
                key = {"uuid": item["uuid"], "event_key": item["event_key"]}
                self.account.dynamodb.delete_item(TableName=self.account.event_table, Key=key)

    # --- How it happens --------------------------------------------------------------------------

    def _try(self, sending: Sending) -> None:
        sending.tries += 1
        call = http_request(sending.body, sign(sending.body, SECRET))
        self.actors.append((Actor("ingest", lambda: self.ingest.handle(call)), sending, []))
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
        messages = [
            sqs_message(parcel.text, clock.now(), str(number), parcel.receives) for number, parcel in enumerate(batch)
        ]
        records = sqs_batch(messages)["Records"]
        if records:
            self.actors.append((Actor("consumer", lambda: self.consumer.process(records)), None, batch))
            self._reap()

    def _reap(self) -> None:
        """Draws the consequences of what has ended, and hands out what was sent."""
        for actor, sending, parcels in [entry for entry in self.actors if entry[0].done]:
            if sending and actor.result and actor.result["statusCode"] == 200:
                answer = json.loads(actor.result["body"])
                sending.accepted = Identity(answer["uuid"], answer["event_key"])
            if actor.function == "consumer" and actor.result:
                again = {int(failure["itemIdentifier"]) for failure in actor.result["batchItemFailures"]}
                finished = [parcel for number, parcel in enumerate(parcels) if number not in again]
                self.queue = [parcel for parcel in self.queue if not any(parcel is done for done in finished)]
        self.actors = [entry for entry in self.actors if not entry[0].done]
        self.queue += [Parcel(text) for text in SENT.texts]
        SENT.texts.clear()

    def _items(self) -> list[dict[str, Any]]:
        found = []
        for uuid in {parse(body).identity.uuid for body in self.bodies}:
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
        accepted = {sending.accepted for sending in self.sent if sending.accepted} | self.accepted_conflicts
        states = {identity_of(item): item["state"]["S"] for item in self._items()}
        announced = {(detail["uuid"], detail["record_key"]) for detail in map(json.loads, ANNOUNCED.texts)}
        for each in accepted:
            assert each in states or each in self.expired, f"{each} is lost"
            finished = {State.PROCESSED, State.IGNORED}
            if each.name in CREDITING or each in self.expired:
                # Another word on a credit that was made is for a person; so is what finds it after its event expired.
                finished.add(State.FAILED)
            state = states.get(each, State.PROCESSED)
            assert state in finished, f"{each} is not finished"
            is_told = state == State.FAILED or each in self.expired or (each.uuid, each.event_key) in announced
            assert is_told, f"{each} was not announced"
        self._check_money()
        self._check_payments()

    def _check_money(self) -> None:
        """Each channel payment is credited once where an event of it says so, and again where an operator did."""
        balance = sum((Decimal(i["amount"]["N"]) for i in self._ledger(f"balance#{self.name}")), Decimal(0))
        total, number = self.adjusted, 0
        for uuid in (f"{self.name}-channel-1", f"{self.name}-channel-2", f"{self.name}-payout"):
            entries = self._ledger(f"credit#{uuid}")
            number += len(entries)
            total += sum(Decimal(entry["amount"]["N"]) for entry in entries)
            first = [entry for entry in entries if "!" not in entry["sk"]["S"]]
            made = [s for s in self.sent if s.accepted and s.event.identity.uuid == uuid and s.event.name in CREDITING]
            assert len(first) <= 1, f"{uuid} was credited {len(first)} times"
            if uuid.endswith("payout"):
                assert not entries, "a payout was credited"
            else:
                assert len(first) == 1 or not made or self.second_credits, f"{uuid} was not credited"
        assert balance == total, "the balance is not the sum of its entries"

    def _check_payments(self) -> None:
        """The books hold what all processed events say, in any order, and no more."""
        for family, part in (("payment", "payment"), ("channel", "channel-1"), ("channel", "channel-2")):
            uuid = f"{self.name}-{part}"
            row = row_of(self._ledger(f"payment#{uuid}"), "payment" if family == "payment" else "channel")
            on_record = [
                pending_of(item).event() for item in self._items() if item["state"]["S"] in {"PROCESSED", "FAILED"}
            ]
            said = [effect for event in on_record for effect in says(event) if effect.uuid == uuid]
            for effect in said:
                assert merge(row.payment, effect.says) == row.payment, f"{uuid} forgot what {effect.position} says"
            if not self.expired:
                credited = Payment(credited=row.payment.credited)
                assert reduce(merge, (effect.says for effect in said), credited) == row.payment


def says(event: WebhookEvent) -> list[SetPayment]:
    handler = router.get(event.name)
    return [effect for effect in handler(event, SETTINGS) if isinstance(effect, SetPayment)] if handler else []


CONFIRMED: Final = "channel.payment.confirmed"
COMPLETED: Final = "channel.payment.completed"
CREDITING: Final = frozenset({CONFIRMED, COMPLETED})


def bodies(name: str) -> list[bytes]:
    """The events that may be sent in one history.

    Channel payments, of which one is told in several versions, one may lose its confirmation and one is a payout; a
    payment of which later events say less; and an event that nothing handles.
    """
    one, two, payment, payout = (f"{name}-{each}" for each in ("channel-1", "channel-2", "payment", "payout"))
    later = "2026-01-15T10:26:00Z"
    credit: dict[str, Any] = {"reference": name, "amount": 5, "currency": "EUR"}
    return [
        body(CONFIRMED, one, **credit),
        body(CONFIRMED, one, **(credit | {"amount": 7})),
        body(CONFIRMED, one, later, **credit, confirmations=7),
        body("channel.payment.detected", one, reference=name),
        body(COMPLETED, one, **credit),
        body(CONFIRMED, two, **(credit | {"amount": 0.1})),
        body(COMPLETED, two, **(credit | {"amount": 0.1})),
        body("channel.payment.detected", payout, type="OUT"),
        body(COMPLETED, payout, later, **credit, type="OUT"),
        body("payment.processing", payment, reference="order", type="IN"),
        body("payment.underpaid", payment, paidCurrency={"currency": "EUR", "amount": 1}),
        body("payment.underpaid", payment, later, paidCurrency={"currency": "EUR", "amount": 2}),
        body("payment.completed", payment),
        body("weather.changed", payment),
    ]


def body(name: str, uuid: str, time: str = "2026-01-15T10:25:00Z", /, **data: Any) -> bytes:  # noqa: ANN401  JSON
    return json.dumps({"event": name, "timestamp": time, "data": {"uuid": uuid, **data}}).encode()
