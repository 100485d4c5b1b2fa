"""Promises 1 to 4 under load: in process with faults, and through the front door of the whole local stack.

In the end `wickiepay doctor` has to find the books in order as well, by reasoning of its own.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.chaos import Chaos
from tests.support.harness import Harness, Stores
from tests.support.load import at_rest, through_the_front_door, under_load, wait_for
from tests.support.settled_books import wrongs
from tests.support.stores import stores_of
from tests.support.traffic import deliveries
from wickiepay import clock
from wickiepay_cli.doctor.report import audit
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.stacks.stack import Stack

pytestmark = [pytest.mark.slow_proof, pytest.mark.timeout(900)]

RUNS = 10
HTTP_DELIVERIES = 2000

type RecordProperty = Callable[[str, object], None]


def ailments(stores: Stores) -> list[str]:
    """What `wickiepay doctor` finds wrong with the books."""
    found = Stack("load", stores.outputs, stores.client)
    report = audit(found, timedelta(days=30), clock.now(), time.sleep)
    return [f"{check.name}: {check.detail}" for check in report.checks if not check.ok]


def test_no_load_loses_or_doubles_anything(stores: Stores, record_property: RecordProperty) -> None:
    """Each: 200 events delivered 3 to 8 times and 200 once, by 22 senders, with 8 consumers and 2 relays."""
    sent = accepted = calls = 0
    faults: Counter[str] = Counter()
    for seed in range(RUNS):
        chance = random.Random(seed)  # noqa: S311  no secret
        harness = Harness(stores, injector=Chaos(chance=chance), threads=16)
        name = f"load-{seed}-"
        after = under_load(harness, deliveries(name, chance, often=200, once=200), senders=22, consumers=8, patience=60)
        assert not wrongs(harness, name, after.accepted), f"seed {seed}"
        sent, accepted, calls = sent + len(after.deliveries), accepted + len(after.accepted), calls + after.calls
        faults += after.faults
    assert not ailments(stores)
    told = f"{RUNS} load tests, {sent:,} deliveries, {accepted:,} answered 200; {calls:,} calls, {faults.total():,} hit"
    record_property("figure", f"{told}; 0 lost, 0 doubled, doctor clean")


def test_2000_deliveries_through_the_front_door_lose_and_double_nothing(
    stack: LocalStack, signing_secret: str, record_property: RecordProperty
) -> None:
    chance = random.Random(0)  # noqa: S311  no secret
    stores = stores_of(stack)
    harness = Harness(stores)
    sent = deliveries("door-", chance, often=340, once=250)
    assert len(sent) >= HTTP_DELIVERIES
    began = time.monotonic()
    accepted = through_the_front_door(stack.webhook_url, signing_secret.encode(), sent, senders=16)
    answered = time.monotonic() - began
    wait_for(lambda: at_rest(harness), 300)
    assert not wrongs(harness, "door-", accepted)
    assert len(accepted) == len(sent)
    assert not ailments(stores)
    told = f"{len(sent):,} deliveries in {answered:.0f} s, all answered 200 within three tries"
    record_property("figure", f"{told}; 0 lost, 0 doubled, doctor clean")
