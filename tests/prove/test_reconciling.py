"""A listener that was out, had a wrong secret and was not told of some events has them all after reconciling, once."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import pytest

from wickiepay import clock
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.operations.provider import create_key
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.simulator.portal import Portal
from wickiepay_cli.simulator.provider import DELIVERED, Provider
from wickiepay_cli.simulator.server import serving
from wickiepay_cli.stacks.stack import Stack, of_local
from wickiepay_cli.store.ledger_records import Wanted
from wickiepay_reconcile.asking import Limits

pytestmark = [pytest.mark.slow_proof, pytest.mark.timeout(600)]

EVENTS: Final = 500
"""In each of the four phases."""

LOST: Final = 0.05
RUNS: Final = 3
PATIENCE_SECONDS: Final = 120
AGO: Final = timedelta(hours=2)
"""When the events happened: none of them can still be under way."""


@dataclass(frozen=True, slots=True)
class Desk:
    provider: Provider
    stack: Stack

    def happen(self) -> None:
        """The next events happen, and the provider has done with them."""
        for step in islice(self.provider.lives(), EVENTS):
            self.provider.happens(step.event, step.body)
        self.provider.settle(PATIENCE_SECONDS)

    def meanwhile(self, **other: object) -> None:
        """The next events happen while the destination is another."""
        [known] = self.provider.destinations.values()
        self.provider.change(known.id, **other)
        self.happen()
        self.provider.change(known.id, url=known.url, secret=known.secret)

    def reconcile(self) -> dict[str, int]:
        """A run of the deployed reconciler, and all that it asked for is delivered."""
        described = self.stack.client("cloudformation").describe_stack_resource(
            StackName=self.stack.name, LogicalResourceId="ReconcilerFunction"
        )
        name = described["StackResourceDetail"]["PhysicalResourceId"]
        answer = self.stack.client("lambda").invoke(FunctionName=name, Payload=b'{"days": 1}')
        told: dict[str, int] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        self.provider.settle(PATIENCE_SECONDS)
        return told

    def states(self) -> list[str]:
        records = self.stack.events().newest_first(clock.now() - timedelta(days=1), clock.now() + timedelta(days=1))
        return [record.state for record in records]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("local")
    keys: dict[str, Any] = {}
    with (
        Provider(seed=1, lost=LOST, pace=0.01, now=lambda: clock.now() - AGO) as provider,
        serving(provider, keys) as base_url,
    ):
        portal = Portal(provider, base_url, keys)
        parameters = {**portal.parameters, "ReconcileUnknownPercent": "10"}
        with running_stack(folder, 0, DEFAULT_SIGNING_SECRET, parameters=parameters) as running:
            stack = of_local(running.stack)
            portal.meet(running.stack.webhook_url, DEFAULT_SIGNING_SECRET.encode(), create_key(stack))
            yield Desk(provider, stack)


def test_after_reconciling_every_event_is_on_record_once_and_the_books_are_the_providers(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    desk.happen()
    desk.meanwhile(url=nobody)
    desk.meanwhile(secret=b"a wrong secret")
    desk.happen()
    there = desk.provider.events.values()
    gone = sum(event.status != DELIVERED for event in there) + len(desk.provider.lost)
    assert len(there) == 4 * EVENTS
    assert gone > 2 * EVENTS * (1 - LOST)

    runs = [desk.reconcile() for _ in range(RUNS)]

    print(f"events: {len(there):,}, of which {gone:,} were missing; runs of the reconciler: {runs}")
    assert [run["missing"] for run in runs] == [gone, max(0, gone - Limits().asked), 0]
    assert sum(run["asked"] for run in runs) == gone  # each once
    settled = _settled(desk)
    assert len(settled) == len(there)
    assert set(settled) <= {"PROCESSED", "IGNORED"}
    books, ledger = desk.provider.books(), desk.stack.ledger()
    ours = {each.uuid: each.status for each in ledger.all(Wanted(), lambda _: None)}
    under_way = {uuid for uuid, status in books.payments.items() if status == "PROCESSING"}
    # Here, a payment that expired stays EXPIRED until it is paid whole; the provider calls it PROCESSING again.
    assert {ours[uuid] for uuid in under_way} <= {"PROCESSING", "EXPIRED"}
    assert _without(ours, under_way) == _without(books.payments, under_way)
    balances = {
        (account, currency): Decimal(amount) for account, held in ledger.balances() for currency, amount in held.items()
    }
    assert balances == books.credits


def _without(statuses: Mapping[str, str | None], under_way: set[str]) -> dict[str, str | None]:
    return {uuid: status for uuid, status in statuses.items() if uuid not in under_way}


def _settled(desk: Desk) -> list[str]:
    """The states of all events, once none of them is waiting."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "RECEIVED" in (states := desk.states()) and time.monotonic() < deadline:
        time.sleep(1)
    return states
