"""Promise 3 under real concurrency: the functions in threads, on the emulator's own tables, queue and bus.

First each race that can be named, by itself; then all of them together, under chaos.
"""

import random
import uuid as uuids
from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from tests.support.chaos import Chaos
from tests.support.harness import Harness, Stores
from tests.support.load import at_once, at_rest, through_the_front_door, under_load, wait_for
from tests.support.settled_books import scan, wrongs
from tests.support.stores import stores_of
from tests.support.traffic import CONFIRMED, Envelope, deliveries
from wickiepay import clock
from wickiepay.identity import Identity
from wickiepay.lambda_events import sqs_batch
from wickiepay.queue import Replay
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = pytest.mark.stack


@pytest.fixture
def name() -> str:
    """What the names of everything in a test begin with: all tests share the stores."""
    return f"race-{uuids.uuid4()}"


@pytest.fixture
def harness(stores: Stores) -> Harness:
    harness = Harness(stores, injector=Chaos(calm=True), threads=16)
    harness.consume()  # what other tests have left in the queue
    return harness


def credit(name: str, number: int = 0, amount: str = "0.1") -> Envelope:
    money = {"currency": "EUR", "amount": amount}
    data = {"uuid": f"{name}-{number}", "reference": f"{name}-account", "displayCurrency": money}
    return {"event": CONFIRMED, "timestamp": "2026-01-15T10:25:00Z", "data": data}


def identity(envelope: Envelope) -> Identity:
    return Identity(envelope["data"]["uuid"], CONFIRMED)


def deliver_all(harness: Harness, envelopes: Sequence[Envelope]) -> None:
    answers, _ = at_once([partial(harness.deliver, envelope) for envelope in envelopes])
    assert answers == [200] * len(envelopes)


def received(harness: Harness) -> list[dict[str, Any]]:
    """The queue's messages, at most ten, as Lambda would hand them to the consumer."""
    url = harness._outputs["EventQueueUrl"]
    answer = harness.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    return sqs_batch(answer["Messages"])["Records"]


def done(harness: Harness, records: Sequence[dict[str, Any]]) -> None:
    for record in records:
        harness.sqs.delete_message(QueueUrl=harness._outputs["EventQueueUrl"], ReceiptHandle=record["receiptHandle"])


# --- Ingest --------------------------------------------------------------------------------------


def test_of_32_identical_deliveries_at_once_one_is_recorded_and_applied(harness: Harness, name: str) -> None:
    answers, counts = at_once([partial(harness.deliver, credit(name))] * 32)
    harness.settle()
    assert answers == [200] * 32
    assert (counts["DeliveryAccepted"], counts["DeliveryDuplicate"]) == (1, 31)
    assert not wrongs(harness, name, [credit(name)])


def test_of_two_contents_of_one_event_at_once_one_counts_and_the_other_is_kept(harness: Harness, name: str) -> None:
    both = [credit(name, amount="1"), credit(name, amount="2")]
    deliver_all(harness, both * 16)
    harness.settle()
    assert not wrongs(harness, name, both)
    assert sorted(harness.states(f"{name}-0").values()) == ["CONFLICT", "PROCESSED"]


# --- Consumer ------------------------------------------------------------------------------------


def test_two_consumers_on_the_same_messages_apply_each_once(harness: Harness, name: str) -> None:
    envelopes = [credit(name, number) for number in range(10)]
    deliver_all(harness, envelopes)
    batch = received(harness)
    answers, _ = at_once([partial(harness._consumer.process, batch), partial(harness._consumer.process, batch[::-1])])
    done(harness, batch)
    assert answers == [{"batchItemFailures": []}] * 2
    assert not wrongs(harness, name, envelopes)


def test_ten_credits_to_one_account_at_once_add_up(harness: Harness, name: str) -> None:
    envelopes = [credit(name, number) for number in range(10)]
    deliver_all(harness, envelopes)
    batch = received(harness)
    at_once([partial(harness._consumer.process, [record]) for record in batch])
    done(harness, batch)
    assert not wrongs(harness, name, envelopes)
    [balance] = [item for item in scan(harness, "LedgerTableName") if item["pk"] == f"balance#{name}-account"]
    assert Fraction(balance["amount"]) == 1


def test_relays_and_a_consumer_at_once_on_the_same_events(harness: Harness, name: str) -> None:
    envelopes = [credit(name, number) for number in range(10)]
    deliver_all(harness, envelopes)
    batch = received(harness)
    for envelope in envelopes:  # as after a send whose answer was lost: flagged, and in the queue as well
        assert harness._ingest.events.flag_unsent(identity(envelope))
    works: list[Callable[[], object]] = [
        harness._relay.run,
        partial(harness._consumer.process, batch),
        harness._relay.run,
    ]
    at_once(works)
    done(harness, batch)
    harness.settle()
    assert not wrongs(harness, name, envelopes)


def test_replays_and_a_consumer_at_once_on_the_same_events(harness: Harness, name: str) -> None:
    envelopes = [credit(name, number) for number in range(5)]
    deliver_all(harness, envelopes)
    for envelope in envelopes:
        harness.replay(envelope["data"]["uuid"], CONFIRMED, Replay(id="replay-1", by="the tests", why="to see"))
    batch = received(harness)
    at_once([partial(harness._consumer.process, [record]) for record in batch])
    done(harness, batch)
    assert len(batch) == 10
    assert not wrongs(harness, name, envelopes)


def test_processed_wins_over_a_late_failed(harness: Harness, name: str) -> None:
    envelopes = [credit(name, number) for number in range(10)]
    deliver_all(harness, envelopes)
    now, events = clock.now(), harness._ingest.events
    for each in map(identity, envelopes):
        at_once(
            [
                partial(events.mark_failed, each, now, "too late"),
                partial(events.mark_processed, each, now, timedelta(days=1), []),
                partial(events.mark_failed, each, now, "too late"),
            ]
        )
    assert {state for each in envelopes for state in harness.states(each["data"]["uuid"]).values()} == {"PROCESSED"}
    done(harness, received(harness))


def channel(name: str, event: str, second: int = 0, **data: object) -> Envelope:
    """An event of the channel payment of `name`, which says that 5 EUR came."""
    money = {
        "uuid": f"{name}-channel",
        "reference": f"{name}-account",
        "displayCurrency": {"currency": "EUR", "amount": 5},
    }
    stamp = f"2026-01-15T10:25:{second:02d}Z"
    return {"event": f"channel.payment.{event}", "timestamp": stamp, "data": {**money, **data}}


PAIRS: dict[str, list[Callable[[str], Envelope]]] = {
    "a confirmation with a hash and a completion without": [
        lambda name: channel(name, "confirmed", hash="0xab"),
        lambda name: channel(name, "completed", 1),
    ],
    "two transactions of one amount": [
        lambda name: channel(name, "confirmed", hash="0xab"),
        lambda name: channel(name, "confirmed", hash="0xcd"),
    ],
    "a payout and a confirmation without type": [
        lambda name: channel(name, "detected", type="OUT"),
        lambda name: channel(name, "confirmed", 1),
    ],
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_32_consumers_at_once_on_a_pair_of_events_credit_at_most_once(
    pair: list[Callable[[str], Envelope]], harness: Harness, name: str
) -> None:
    """Read and written as one: what a credit depends on cannot change between the decision and the entry."""
    pairs = [[make(f"{name}-{number}") for make in pair] for number in range(5)]
    deliver_all(harness, [envelope for both in pairs for envelope in both])
    batch = received(harness)
    at_once([partial(harness._consumer.process, [record]) for record in batch * 3 + batch[:2]])
    done(harness, batch)
    harness.settle()
    for number in range(5):
        entries = harness.ledger(f"credit#{name}-{number}-channel")
        assert len(entries) <= 1
        balance = harness.ledger(f"balance#{name}-{number}-account")
        assert [item["amount"] for item in balance] == ["5"] * len(entries)


def test_32_consumers_at_once_on_one_payment_lose_no_field(harness: Harness, name: str) -> None:
    uuid = f"{name}-payment"
    says: list[dict[str, object]] = [
        {"reference": "order-7"},
        {"displayCurrency": {"currency": "EUR", "amount": 1}},
        {"metadata": {"orderId": "7"}},
        {"transactions": [{"txHash": "0xab"}]},
        {"type": "IN"},
    ]
    names = ("created", "processing", "underpaid", "expired", "completed")
    envelopes: list[Envelope] = [
        {"event": f"payment.{event}", "timestamp": "2026-01-15T10:25:00Z", "data": {"uuid": uuid, **said}}
        for event, said in zip(names, says, strict=True)
    ]
    deliver_all(harness, envelopes)
    batch = received(harness)
    at_once([partial(harness._consumer.process, [record]) for record in (batch * 7)[:32]])
    done(harness, batch)
    harness.settle()
    [payment] = harness.ledger(f"payment#{uuid}")
    assert (payment["status"], payment["reference"], payment["type"]) == ("COMPLETE", "order-7", "IN")
    assert (payment["display_amount"], "details" in payment, "underpaid" in payment) == ("1", True, True)


# --- Everything at once --------------------------------------------------------------------------


@pytest.mark.thorough
def test_load_under_chaos_loses_nothing_and_doubles_nothing(
    stores: Stores, name: str, record_property: Callable[[str, object], None]
) -> None:
    """200 events delivered 3 to 8 times each and 200 once, by 22 senders, with 8 consumers and 2 relays: 32 threads."""
    chance = random.Random(1)  # noqa: S311  no secret
    harness = Harness(stores, injector=Chaos(chance=chance), threads=16)
    after = under_load(harness, deliveries(name, chance, often=200, once=200), senders=22, consumers=8, patience=60)
    assert not wrongs(harness, name, after.accepted)
    record_property("figure", str(after))


@pytest.mark.thorough
def test_deliveries_through_the_front_door_lose_nothing_and_double_nothing(
    stack: LocalStack, signing_secret: str, name: str, record_property: Callable[[str, object], None]
) -> None:
    """The deployed functions under their roles, behind their API and their queue's poller: some 200 deliveries."""
    chance = random.Random(2)  # noqa: S311  no secret
    harness = Harness(stores_of(stack))
    sent = deliveries(name, chance, often=40, once=20, times=(3, 5))
    accepted = through_the_front_door(stack.webhook_url, signing_secret.encode(), sent, senders=8)
    wait_for(lambda: at_rest(harness), 60)
    assert len(accepted) == len(sent)
    assert not wrongs(harness, name, accepted)
    record_property("figure", f"{len(accepted)} deliveries, 0 lost, 0 doubled")
