"""A listener that was out, had a wrong secret and was not told of some events has them all after reconciling, once."""

import random
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.chaos import FRONTS, Chaos
from tests.support.harness import SECRET, Harness, Stores
from tests.support.listener import on_loopback
from tests.support.load import at_rest, at_work, wait_for
from tests.support.reconciling import run_where_deployed
from tests.support.struck_reconciler import RATES, ForgetfulProvider, Hours, Struck, StruckReconciler
from wickiepay import clock
from wickiepay.errors import StoreUnavailable
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.operations.provider import create_key
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.simulator.portal import Portal
from wickiepay_cli.simulator.provider import DELIVERED, Provider
from wickiepay_cli.simulator.server import serving
from wickiepay_cli.stacks.stack import Stack, of_local
from wickiepay_cli.store import reconciler_runs
from wickiepay_cli.store.ledger_records import Wanted
from wickiepay_reconcile.asking import PAUSE, TIMES, Limits
from wickiepay_reconcile.notes import Run

pytestmark = [pytest.mark.slow_proof, pytest.mark.timeout(600)]

EVENTS: Final = 500
"""In each of the four phases."""

LOST: Final = 0.05
PERCENT: Final = "10"
"""What may be unknown, so that as much as is lost does not hold the brake."""

RUNS: Final = 3
PATIENCE_SECONDS: Final = 120
AGO: Final = timedelta(hours=2)
"""When the events happened: none of them can still be under way."""

MOST_RUNS: Final = 40
"""The events are of the last day in all of them."""
NEXT_RUN: Final = timedelta(minutes=30)
"""From the nightly run to the next one by the hour: runs are never closer."""

type RecordProperty = Callable[[str, object], None]


def test_after_reconciling_every_event_is_on_record_once_and_the_books_are_the_providers(
    tmp_path: Path, record_property: RecordProperty
) -> None:
    keys: dict[str, Any] = {}
    with (
        Provider(seed=1, lost=LOST, pace=0.01, now=lambda: clock.now() - AGO) as provider,
        serving(provider, keys) as base_url,
    ):
        portal = Portal(provider, base_url, keys)
        parameters = {**portal.parameters, "ReconcileUnknownPercent": PERCENT}
        with running_stack(tmp_path, 0, DEFAULT_SIGNING_SECRET, parameters=parameters) as running:
            stack = of_local(running.stack)
            portal.meet(running.stack.webhook_url, DEFAULT_SIGNING_SECRET.encode(), create_key(stack))
            gone = events_go_missing(provider)

            runs = [reconciled(stack, provider) for _ in range(RUNS)]

            assert [run["missing"] for run in runs] == [gone, max(0, gone - Limits().asked), 0]
            assert sum(run["asked"] for run in runs) == gone  # each once
            wait_for(lambda: "RECEIVED" not in states(stack, clock.now()), PATIENCE_SECONDS)
            assert not differences(stack, provider, clock.now())
    told = f"{len(provider.events):,} events, {gone:,} missing, asked for in {RUNS} runs"
    record_property("figure", f"{told}; each on record once, statuses and balances the provider's")


def test_the_same_holds_while_faults_strike(stores: Stores, record_property: RecordProperty) -> None:
    """At the calls of ingest, consumer, relay and reconciler, and at the provider's API, from beginning to end."""
    keys: dict[str, Any] = {}
    hours = Hours()
    fronts = [*FRONTS, *[None] * len(FRONTS)]  # fewer: what is tried in vain takes its time
    chaos = Chaos(chance=random.Random(1), fronts=fronts)  # noqa: S311  no secret
    struck = Struck(chance=random.Random(2), rates=RATES, fronts=[None])  # noqa: S311  no secret
    harness = Harness(stores, injector=chaos, threads=16, now=hours.now)

    def front(request: httpx.Request) -> httpx.Response:
        status = harness.post(request.content, request.headers["X-Webhook-Signature"], after=0.05)
        return httpx.Response(status or 502)

    def rest() -> None:
        provider.settle(PATIENCE_SECONDS)
        wait_for(lambda: at_rest(harness), PATIENCE_SECONDS)

    with (
        ForgetfulProvider(seed=1, lost=LOST, pace=0.01, now=lambda: hours.now() - AGO) as provider,
        serving(provider, keys, now=hours.now) as base_url,
        on_loopback(front) as url,
        at_work(harness, consumers=4),
    ):
        portal = Portal(provider, base_url, keys)
        stack = Stack("struck", stores.outputs, stores.client, portal.parameters)
        portal.meet(url, SECRET, create_key(stack))
        reconciler = StruckReconciler(stack, stores, struck, hours, UNKNOWN_PERCENT=PERCENT)
        gone = events_go_missing(provider)
        rest()
        ended: list[Run | Exception | None] = []
        while len(ended) < MOST_RUNS and not (ended and is_clean(ended[-1])):
            provider.run = len(ended)
            ended.append(reconciler.run(days=1))
            rest()
            hours.put_forward(NEXT_RUN.total_seconds())
        chaos.calm = True
        rest()

    assert is_clean(ended[-1])
    assert not differences(stack, provider, hours.now())
    assert not asked_too_often(provider.asked)
    recorded = [run for _, run in reconciler_runs.newest_first(stack.dynamodb(), stack.output("EventTableName"))]
    assert not [run for run in ended if isinstance(run, Run) and run not in recorded]
    assert not [error for error in harness.raised if not isinstance(error, StoreUnavailable)]
    broken = {number for number, run in enumerate(ended) if not isinstance(run, Run)}
    assert broken & set[int]().union(*provider.asked.values())  # some of them in the midst of asking
    faults = chaos.struck_by + struck.struck_by
    told = (
        f"{len(provider.events):,} events, {gone:,} missing; {len(ended)} runs, {len(broken)} of which broke off; "
        f"{chaos.sent + struck.sent:,} calls, {faults.total():,} of them struck "
        f"({', '.join(f'{number} {fault}' for fault, number in faults.most_common())})"
    )
    record_property("figure", f"{told}; each event on record once, statuses and balances the provider's")


def is_clean(run: Run | Exception | None) -> bool:
    """Whether a run came to its end and found nothing missing."""
    return isinstance(run, Run) and not (run.missing or run.cut_short or run.braked)


def asked_too_often(asked: Mapping[str, Collection[int]]) -> dict[str, Collection[int]]:
    """The events that were asked for in more than three runs, or again before they could have come."""
    return {
        each: runs
        for each, runs in asked.items()
        if len(runs) > TIMES or any((second - first) * NEXT_RUN < PAUSE for first, second in pairwise(sorted(runs)))
    }


# --- The story -----------------------------------------------------------------------------------


def events_go_missing(provider: Provider) -> int:
    """The listener is told of its events, then is out, then has another secret, then is told again: how many it lacks.

    The outage and the wrong secret last longer than the provider tries. Some events it never tries to deliver.
    """
    [known] = provider.destinations.values()

    def happen(**meanwhile: object) -> None:
        provider.change(known.id, **meanwhile)
        for step in islice(provider.lives(), EVENTS):
            provider.happens(step.event, step.body)
        provider.settle(PATIENCE_SECONDS)
        provider.change(known.id, url=known.url, secret=known.secret)

    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    happen()
    happen(url=nobody)
    happen(secret=b"a wrong secret")
    happen()
    assert len(provider.events) == 4 * EVENTS
    gone = sum(event.status != DELIVERED for event in provider.events.values()) + len(provider.lost)
    assert gone > 2 * EVENTS * (1 - LOST)
    return gone


def reconciled(stack: Stack, provider: Provider) -> dict[str, int]:
    """A run of the deployed reconciler, and all that it asked for is delivered."""
    told = run_where_deployed(stack, days=1)
    provider.settle(PATIENCE_SECONDS)
    return told


def states(stack: Stack, now: datetime) -> list[str]:
    """The states of all events on record."""
    day = timedelta(days=1)
    return [record.state for record in stack.events().newest_first(now - day, now + day)]


def differences(stack: Stack, provider: Provider, now: datetime) -> list[str]:
    """What is otherwise in the stack's tables than in the provider's own books."""
    return list(_differences(stack, provider, now))


def _differences(stack: Stack, provider: Provider, now: datetime) -> Iterator[str]:
    settled = Counter(states(stack, now))
    if settled.total() != len(provider.events) or not settled.keys() <= {"PROCESSED", "IGNORED"}:
        yield f"of {len(provider.events)} events there are here {settled}"
    books, ledger = provider.books(), stack.ledger()
    ours = {each.uuid: each.status for each in ledger.all(Wanted(), lambda _: None)}
    for uuid in books.payments.keys() | ours.keys():
        here, there = ours.get(uuid), books.payments.get(uuid)
        # Here, a payment that expired stays EXPIRED until it is paid whole; the provider calls it PROCESSING again.
        if here != there and (here, there) != ("EXPIRED", "PROCESSING"):
            yield f"payment {uuid} is {here} here, {there} there"
    balances = {
        (account, currency): Decimal(amount) for account, held in ledger.balances() for currency, amount in held.items()
    }
    if balances != books.credits:
        yield f"balances are {balances} here, {books.credits} there"
