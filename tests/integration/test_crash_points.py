"""Promises 1 to 3 at every crash point: each AWS call of each function is made to fail in every way there is.

A story is first told without a fault, which shows the calls that it makes: those are its points. Then it is told again
once for each point and each fault. After the sender's tries, the queue's and the relay's, the books must be as if
nothing had happened.
"""

import uuid as uuids
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final

import pytest

from tests.support.faults import FAULTS, TRANSACTION_FAULTS, Point, Strike
from tests.support.harness import Harness, Stores
from wickiepay.queue import Replay

pytestmark = pytest.mark.stack

KEY: Final = "channel.payment.confirmed"
MAX_RECEIVES: Final = 3
UNRECORDED = {("ingest", "dynamodb.PutItem")}
UNSENT = {("ingest", "sqs.SendMessage")}
UNANNOUNCED = {("consumer", "events.PutEvents")}


@dataclass(frozen=True, slots=True)
class End:
    """How a story must end: the states of its events, the balances that are right, and the type that was announced."""

    states: Collection[str] = ("PROCESSED",)
    balances: Collection[str | None] = ("100.1",)
    announced: str | None = KEY


type Story = Callable[[Harness, str], End]
"""Makes things happen to the event of a uuid, and says how they must end."""


def confirmed(uuid: str, amount: object = 100.10) -> dict[str, object]:
    money = {"currency": "EUR", "amount": amount}
    return {
        "event": KEY,
        "timestamp": "2026-01-15T10:25:00Z",
        "data": {"uuid": uuid, "reference": f"account-{uuid}", "displayCurrency": money},
    }


def deliver(harness: Harness, envelope: object) -> None:
    assert harness.deliver(envelope) == 200, "the sender gave up"


def one_delivery(harness: Harness, uuid: str) -> End:
    deliver(harness, confirmed(uuid))
    return End()


def a_duplicate_before_processing(harness: Harness, uuid: str) -> End:
    deliver(harness, confirmed(uuid))
    deliver(harness, confirmed(uuid))
    return End()


def a_duplicate_after_processing(harness: Harness, uuid: str) -> End:
    deliver(harness, confirmed(uuid))
    harness.settle()
    deliver(harness, confirmed(uuid))
    return End()


def the_queue_is_out(harness: Harness, uuid: str) -> End:
    harness.injector.down |= UNSENT
    deliver(harness, confirmed(uuid))
    harness.injector.down -= UNSENT
    return End()


def the_table_is_out(harness: Harness, uuid: str) -> End:
    harness.injector.down |= UNRECORDED
    deliver(harness, confirmed(uuid))
    harness.injector.down -= UNRECORDED
    return End()


def the_table_is_out_for_a_duplicate(harness: Harness, uuid: str) -> End:
    deliver(harness, confirmed(uuid))
    harness.injector.down |= UNRECORDED
    deliver(harness, confirmed(uuid))
    harness.injector.down -= UNRECORDED
    return End()


def a_conflict(harness: Harness, uuid: str) -> End:
    deliver(harness, confirmed(uuid, 100.10))
    deliver(harness, confirmed(uuid, 7))
    # Where the first put is lost the second delivery may be recorded first; one of them counts, and only one.
    return End(states=("PROCESSED", "CONFLICT"), balances=("100.1", "7"))


def a_permanent_failure(harness: Harness, uuid: str) -> End:
    deliver(harness, confirmed(uuid, amount=-1))
    return End(states=("FAILED",), balances=(None,), announced=None)


def an_unknown_type(harness: Harness, uuid: str) -> End:
    deliver(harness, {"event": "weather.changed", "data": {"uuid": uuid}})
    return End(states=("IGNORED",), balances=(None,), announced="weather.changed")


def given_up_and_revived(harness: Harness, uuid: str) -> End:
    harness.injector.down |= UNANNOUNCED
    deliver(harness, confirmed(uuid))
    harness.consume(rounds=MAX_RECEIVES)
    harness.injector.down -= UNANNOUNCED
    deliver(harness, confirmed(uuid))
    return End()


def a_replay(harness: Harness, uuid: str) -> End:
    deliver(harness, confirmed(uuid))
    harness.settle()
    harness.replay(uuid, KEY, Replay(id="replay-1", by="the tests", why="to see", announce=True))
    return End()


STORIES: Final[list[Story]] = [
    one_delivery,
    a_duplicate_before_processing,
    a_duplicate_after_processing,
    the_queue_is_out,
    the_table_is_out,
    the_table_is_out_for_a_duplicate,
    a_conflict,
    a_permanent_failure,
    an_unknown_type,
    given_up_and_revived,
    a_replay,
]


def tell(harness: Harness, story: Story, at: Point | None, strike: Strike | None) -> list[str]:
    """What is wrong with the books after the story, with a fault at one point or none."""
    uuid = str(uuids.uuid4())
    harness.cold()
    harness.injector.begin(at, strike)
    try:
        end = story(harness, uuid)
    except AssertionError as failure:
        return [str(failure)]
    harness.settle()
    return list(wrongs(harness, uuid, end)) + ([] if harness.injector.struck or not at else ["the fault never struck"])


def wrongs(harness: Harness, uuid: str, end: End) -> Iterator[str]:
    states = sorted(harness.states(uuid).values())
    if states != sorted(end.states):
        yield f"states are {states}, not {sorted(end.states)}"
    if harness.unsent(uuid):
        yield "still flagged unsent"
    entries = harness.ledger(f"credit#{uuid}")
    balance = next((item["amount"] for item in harness.ledger(f"balance#account-{uuid}")), None)
    if balance not in end.balances:
        yield f"the balance is {balance}, not one of {end.balances}"
    if len(entries) != (balance is not None):
        yield f"{len(entries)} entries"
    heard = {key.partition("#")[0] for about, key in harness.announcements() if about == uuid}
    if heard != {end.announced} - {None}:
        yield f"announced: {heard}"


def tell_with_every_fault(story: Story, stores: Stores) -> str:
    """Tells a story once for each of its points and each fault; nothing may be wrong. Says how much that was."""
    harness = Harness(stores, max_receives=MAX_RECEIVES)
    harness.settle()  # what other tests left for the relay and the consumer is no part of the story
    wrong = tell(harness, story, None, None)
    assert not wrong
    points = list(harness.injector.seen)
    told = 0
    for point in points:
        faults = {**FAULTS, **(TRANSACTION_FAULTS if point.operation == "dynamodb.TransactWriteItems" else {})}
        for name, strike in faults.items():
            wrong += [f"{name} at {point}: {what}" for what in tell(harness, story, point, strike)]
            told += 1
    assert not wrong, "\n".join(wrong)
    return f"{len(points)} of {len(points)} points, {told} faults, 0 wrong"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for botocore's pauses between two tries."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))


@pytest.mark.thorough
@pytest.mark.parametrize("story", [one_delivery, the_queue_is_out], ids=lambda story: story.__name__)
def test_every_call_may_fail_in_every_way(story: Story, stores: Stores) -> None:
    tell_with_every_fault(story, stores)


@pytest.mark.slow_proof
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_every_call_of_every_story_may_fail_in_every_way(
    story: Story, stores: Stores, record_property: Callable[[str, object], None]
) -> None:
    record_property("figure", tell_with_every_fault(story, stores))
