"""The provider beside a stack: what it lost and what failed comes by replays, and both keep the same books."""

import os
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from tests.support.command_line import run_json
from tests.support.eventually import eventually
from tests.support.in_a_pipe import in_a_pipe
from tests.support.installed import COMMAND
from tests.support.provider import rsa_key
from tests.support.reconciling import run_where_deployed
from wickiepay import clock
from wickiepay_api.entries import EventStatus
from wickiepay_api.keys import public_pem
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.operations.provider import api_of, create_key
from wickiepay_cli.operations.reconciling import compare_payments, notes_of
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.simulator.portal import Portal, beside_a_stack
from wickiepay_cli.simulator.provider import FAILED, Books
from wickiepay_cli.stacks.stack import Stack, of_local
from wickiepay_cli.store.ledger_records import Wanted
from wickiepay_cli.store.reconciler_runs import newest_first
from wickiepay_reconcile.comparison import GRACE
from wickiepay_reconcile.notes import PaymentsRun
from wickiepay_reconcile.payments import Payments

pytestmark = [pytest.mark.stack, pytest.mark.many_stacks]

PATIENCE_SECONDS: Final = 60
EVENTS: Final = 60


@pytest.fixture
def portal() -> Iterator[Portal]:
    with beside_a_stack(seed=1, lost=0.1, pace=0.01) as portal:
        yield portal


@pytest.fixture
def stack(portal: Portal, tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path, 0, DEFAULT_SIGNING_SECRET, parameters=portal.parameters) as running:
        stack = of_local(running.stack)
        portal.meet(running.stack.webhook_url, stack.signing_secret(), create_key(stack))
        yield stack


def happen(portal: Portal, count: int = EVENTS) -> None:
    for step in islice(portal.provider.lives(), count):
        portal.provider.happens(step.event, step.body)
    portal.provider.settle(PATIENCE_SECONDS)


def books_of(stack: Stack) -> Books:
    ledger = stack.ledger()
    return Books(
        {payment.uuid: str(payment.status) for payment in ledger.all(Wanted(), lambda _: None)},
        {
            (account, currency): Decimal(amount)
            for account, balances in ledger.balances()
            for currency, amount in balances.items()
        },
    )


def test_by_replays_the_books_become_those_of_the_provider(portal: Portal, stack: Stack) -> None:
    [destination] = portal.provider.destinations.values()
    happen(portal)
    portal.provider.change(destination.id, secret=b"another secret")
    happen(portal)
    portal.provider.change(destination.id, secret=destination.secret)

    with api_of(stack) as api:
        listed = list(api.events())
        failed = [str(entry.id) for entry in listed if entry.status is EventStatus.FAILED]
        replayed = api.replay([*failed, *portal.provider.lost])
        portal.provider.settle(PATIENCE_SECONDS)
        payments = [*api.payments(), *api.channel_payments()]

    assert eventually(lambda: books_of(stack) == portal.provider.books())
    assert portal.provider.books().credits
    assert len(listed) == 2 * EVENTS
    assert (len(failed) > EVENTS / 2, replayed.refused) == (True, {})
    assert {payment.uuid: payment.status for payment in payments} == portal.provider.books().payments


def reconcile(portal: Portal, stack: Stack) -> dict[str, int]:
    """A run of the deployed reconciler, and all that it asked for is delivered."""
    told = run_where_deployed(stack, days=1)
    portal.provider.settle(PATIENCE_SECONDS)
    return told


def test_a_dismissed_event_is_no_longer_missing_and_when_the_others_came_is_told(
    portal: Portal, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    [destination] = portal.provider.destinations.values()
    portal.provider.change(destination.id, secret=b"another secret")
    happen(portal, 5)
    portal.provider.change(destination.id, secret=destination.secret)
    dismissed, *failed = [event.id for event in portal.provider.events.values() if event.status == FAILED]

    run_json("reconcile", "dismiss", dismissed, "--why", "It can never match.")
    first, second = reconcile(portal, stack), reconcile(portal, stack)

    assert first == {"missing": len(failed), "asked": len(failed), "arrived": 0}
    assert second == {"missing": 0, "asked": 0, "arrived": len(failed)}
    told = run_json("reconcile", "events", "--since", "1h")
    assert (told["missing"], [each["id"] for each in told["dismissed"]]) == ([], [dismissed])
    assert {each["id"] for each in told["fetched"] if each["came"]} == set(failed)
    runs = run_json("reconcile", "runs")
    assert [(run["asked"], run["arrived"], run["dismissed"]) for run in runs] == [
        (0, len(failed), 1),
        (len(failed), 0, 1),
    ]


def test_somebody_simulates_until_it_is_stopped(stack: Stack, tmp_path: Path) -> None:
    pem = tmp_path / "public.pem"
    pem.write_text(public_pem(rsa_key()))
    options = ("--public-key", str(pem), "--port", "0", "--rate", "50", "--events", "20", "--lose", "0")
    variables = os.environ | {"WICKIEPAY_LOCAL": str(tmp_path)}
    with in_a_pipe([COMMAND, "provider", "simulate", *options], variables) as running:
        assert re.search(r"http://127\.0\.0\.1:\d+$", running.line_with("The provider's API: "))
        assert eventually(lambda: books_of(stack).payments)
        ended = running.ended()

    assert ended.quietly
    assert re.search(r"^\d+ events happened, \d+ were delivered, 0 lost", ended.told, re.MULTILINE)


# --- Payments in the night ---------------------------------------------------------------------------
def night(stack: Stack) -> PaymentsRun:
    """What the reconciler says of payments when it runs as its schedule of the night has it run."""
    run_where_deployed(stack, days=30, payments=True)
    _, newest = next(newest_first(stack.dynamodb(), stack.output("EventTableName")))
    assert newest.payments
    return newest.payments


def by_hand(stack: Stack) -> Payments:
    with api_of(stack) as api:
        return compare_payments(stack, [*api.payments(), *api.channel_payments()])


def pretend_that_time_has_passed(stack: Stack) -> None:
    notes = notes_of(stack)
    state = notes.read()
    state.differing = dict.fromkeys(state.differing, clock.instant(clock.now() - GRACE))
    notes.keep(state)


def test_what_differs_in_two_nights_is_worth_a_look_and_what_was_under_way_is_not(
    portal: Portal, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(portal)
    uuid, payment = next(iter(portal.provider.payments.items()))
    payment.data["reference"] = "another order"
    first = night(stack)  # what was lost is too young to be asked for
    portal.provider.replay(portal.provider.lost)
    portal.provider.settle()
    assert eventually(lambda: len(by_hand(stack).worth_a_look) == 1)
    pretend_that_time_has_passed(stack)
    second = night(stack)

    assert (first.new > 1, first.lasting, first.differences) == (True, 0, [])
    assert (second.compared, second.new, second.lasting) == (len(portal.provider.books().payments), 0, 1)
    [difference] = second.differences
    assert (difference.uuid, difference.what, difference.theirs) == (uuid, "reference", "another order")
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    look = [each for each in run_json("doctor")["worth_a_look"] if each["kind"] == "provider-differs"]
    assert [(each["uuid"], each["trouble"]) for each in look] == [
        (uuid, f"reference: another order there, {difference.ours} here")
    ]
