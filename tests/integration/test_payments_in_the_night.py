"""The deployed reconciler beside a simulated provider: what differs for good is worth a look, and nothing else."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from tests.support.command_line import run_json
from tests.support.eventually import eventually
from wickiepay import clock
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.operations.provider import api_of, create_key
from wickiepay_cli.operations.reconciling import compare_payments
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.simulator.portal import Portal, beside_a_stack
from wickiepay_cli.stacks.stack import Stack, of_local
from wickiepay_cli.store.reconciler_runs import newest_first
from wickiepay_reconcile.comparison import GRACE
from wickiepay_reconcile.notes import Notes, PaymentsRun
from wickiepay_reconcile.our_events import OurEvents
from wickiepay_reconcile.payments import Payments

pytestmark = [pytest.mark.stack, pytest.mark.many_stacks]

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


def night(stack: Stack) -> PaymentsRun:
    """What the reconciler says of payments when it runs as its schedule of the night has it run."""
    described = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId="ReconcilerFunction"
    )
    name = described["StackResourceDetail"]["PhysicalResourceId"]
    answer = stack.client("lambda").invoke(FunctionName=name, Payload=b'{"days": 30, "payments": true}')
    assert "FunctionError" not in answer, answer["Payload"].read()
    _, newest = next(newest_first(stack.dynamodb(), stack.output("EventTableName")))
    assert newest.payments
    return newest.payments


def by_hand(stack: Stack) -> Payments:
    with api_of(stack) as api:
        return compare_payments(stack, [*api.payments(), *api.channel_payments()])


def pretend_that_time_has_passed(stack: Stack) -> None:
    table = stack.output("EventTableName")
    notes = Notes(stack.dynamodb(), table, OurEvents(stack.dynamodb(), table))
    state = notes.read()
    state.differing = dict.fromkeys(state.differing, clock.instant(clock.now() - GRACE))
    notes.keep(state)


def test_what_differs_in_two_nights_is_worth_a_look_and_what_was_under_way_is_not(
    portal: Portal, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in islice(portal.provider.lives(), EVENTS):
        portal.provider.happens(step.event, step.body)
    portal.provider.settle()
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
