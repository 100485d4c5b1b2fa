"""`wickiepay events accept` makes a conflict an event of its own, once."""

from typing import TYPE_CHECKING

import pytest

from command_line import run, run_json
from desk import CONFIRMED, Desk
from wickiepay import clock
from wickiepay.errors import StoreUnavailable
from wickiepay.identity import Identity
from wickiepay_cli.failure import Failure

if TYPE_CHECKING:
    from tests.unit.conftest import Calls

pytest_plugins = ["desk_fixture"]

OPERATOR = "arn:aws:sts::123456789012:user/moto"
FIRST = {"currency": "EUR", "amount": 5}
SECOND = {"currency": "EUR", "amount": 7}


@pytest.fixture
def conflict(desk: Desk) -> Identity:
    """A delivery of 7 EUR, beside the one of 5 EUR that is processed."""
    desk.process(desk.receive())
    return desk.receive(displayCurrency=SECOND)


@pytest.fixture
def accepted(conflict: Identity) -> Identity:
    """The event that `conflict` is once it is accepted."""
    return Identity(conflict.uuid, conflict.event_key.replace("!conflict#", "!accepted#"))


def test_an_accepted_conflict_is_credited_besides(desk: Desk, accepted: Identity) -> None:
    run("events", "accept", "c-1")
    desk.consume()
    assert (desk.state(accepted), desk.balance()) == ("PROCESSED", "12")


def test_its_delivery_is_kept_as_it_was(desk: Desk, conflict: Identity, accepted: Identity) -> None:
    run("events", "accept", "c-1")
    assert desk.message(accepted).delivery == desk.message(conflict).delivery


def test_who_when_and_why_is_on_the_conflicts_record(desk: Desk, conflict: Identity, accepted: Identity) -> None:
    run("events", "accept", "c-1", "--why", "They paid twice.")
    item = desk.item(conflict)
    facts = [item[name]["S"] for name in ("state", "accepted_as", "accepted_by", "accepted_why", "accepted_at")]
    assert facts == ["CONFLICT", accepted.event_key, OPERATOR, "They paid twice.", clock.instant(desk.now)]


def test_the_acceptance_is_shown_with_the_conflict(desk: Desk, conflict: Identity, accepted: Identity) -> None:
    run("events", "accept", "c-1", "--why", "They paid twice.")
    [shown] = [event for event in run_json("events", "show", "c-1") if event["event_key"] == conflict.event_key]
    facts = {"accepted_as": accepted.event_key, "by": OPERATOR, "why": "They paid twice."}
    assert shown["accepted"] == {**facts, "at": clock.instant(desk.now)}
    assert f"{OPERATOR} They paid twice." in run("events", "show", "c-1").stdout


def test_programs_are_told_the_same_and_what_was_credited_before(conflict: Identity, accepted: Identity) -> None:
    answer = run_json("events", "accept", "c-1", "--why", "They paid twice.")
    credit = answer["original_credits"].pop()
    assert (answer["original_credits"], credit["account"], credit["currency"], credit["amount"]) == (
        [],
        "account",
        "EUR",
        "5",
    )
    assert {name: answer[name] for name in ("uuid", "event_key", "accepted_as", "by", "why", "already")} == {
        "uuid": "c-1",
        "event_key": conflict.event_key,
        "accepted_as": accepted.event_key,
        "by": OPERATOR,
        "why": "They paid twice.",
        "already": False,
    }


@pytest.mark.usefixtures("conflict")
def test_people_are_told_which_credit_the_first_made() -> None:
    told = run("events", "accept", "c-1").stdout
    assert f"The first delivery of {CONFIRMED} credited 5 EUR to account at 2026-01-15T09:25:01.000000Z." in told


def test_people_are_told_that_the_first_has_credited_nothing(desk: Desk) -> None:
    for money in (FIRST, SECOND):
        desk.receive(displayCurrency=money)
    assert f"The first delivery of {CONFIRMED} has credited nothing." in run("events", "accept", "c-1").stdout


@pytest.mark.usefixtures("conflict")
def test_people_are_told_what_the_second_would_credit() -> None:
    assert "The second one would credit 7 EUR to account.\n" in run("events", "accept", "c-1").stdout


@pytest.mark.usefixtures("conflict")
def test_what_the_second_would_credit_is_a_part_of_the_question() -> None:
    asked = run("events", "accept", "c-1", "--stack", "prod")
    assert ("so that it may credit 7 EUR to account, in the stack prod?" in asked.stderr, asked.exit_code) == (True, 1)


def test_people_are_told_that_the_second_would_fail(desk: Desk) -> None:
    desk.receive()
    desk.receive(reference=None)
    assert "The second one would fail: The event names no account" in run("events", "accept", "c-1").stdout


def test_people_are_told_that_the_second_would_credit_nothing(desk: Desk) -> None:
    desk.receive(event="payment.completed")
    desk.receive(event="payment.completed", displayCurrency=SECOND)
    assert "The second one would credit nothing." in run("events", "accept", "c-1").stdout


@pytest.mark.parametrize("more", [(), ("--stack", "prod")])
def test_a_dry_run_asks_nothing_and_accepts_nothing(desk: Desk, conflict: Identity, more: tuple[str, ...]) -> None:
    answer = run_json("events", "accept", "c-1", "--dry-run", *more)
    assert (answer["dry_run"], answer["already"], "accepted_as" in desk.item(conflict)) == (True, False, False)
    assert desk.consume() == []


# --- Once --------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("conflict")
def test_accepting_twice_does_nothing_twice(desk: Desk) -> None:
    first = run_json("events", "accept", "c-1", "--why", "first")
    desk.consume()
    second = run_json("events", "accept", "c-1", "--why", "second")
    assert second == {**first, "already": True}
    assert (desk.consume(), desk.balance()) == ([], "12")


def test_accepting_twice_does_nothing_even_after_the_event_has_expired(desk: Desk, accepted: Identity) -> None:
    run("events", "accept", "c-1")
    desk.consume()
    key = {"uuid": {"S": accepted.uuid}, "event_key": {"S": accepted.event_key}}
    desk.dynamodb.delete_item(TableName="EventTable", Key=key)
    told = run("events", "accept", "c-1").stdout
    assert ("was accepted already, at 2026-01-15T10:25:01.000000Z by" in told, desk.consume()) == (True, [])


@pytest.mark.parametrize("step", ["SendMessage", "UpdateItem"])
def test_where_a_step_failed_doing_it_again_does_the_rest(
    desk: Desk, accepted: Identity, calls: "Calls", step: str
) -> None:
    calls.refuse(step, "ServiceUnavailable", 503)
    with pytest.raises(Exception, match="ServiceUnavailable"):
        run("events", "accept", "c-1")
    calls.mend()
    answer = run_json("events", "accept", "c-1", "--why", "again")
    desk.consume()
    assert (desk.state(accepted), desk.balance(), answer["why"]) == ("PROCESSED", "12", "again")


def test_of_two_operators_the_first_one_is_on_record(desk: Desk, conflict: Identity) -> None:
    done = False

    def the_other(**_: object) -> None:
        nonlocal done
        if not done:
            done = True
            run("events", "accept", "c-1", "--why", "the other")

    desk.dynamodb.meta.events.register("before-parameter-build.dynamodb.UpdateItem", the_other)
    answer = run_json("events", "accept", "c-1", "--why", "the one")
    desk.dynamodb.meta.events.unregister("before-parameter-build.dynamodb.UpdateItem", the_other)
    desk.consume()
    assert (answer["why"], desk.item(conflict)["accepted_why"]["S"], desk.balance()) == ("the other", "the other", "12")


# --- Which -------------------------------------------------------------------------------------------
def another(desk: Desk, conflict: Identity) -> Identity:
    """A second delivery in conflict with the same event."""
    identity = desk.receive(conflict.uuid, displayCurrency={"currency": "EUR", "amount": 11})
    assert identity != conflict
    return identity


def test_of_several_conflicts_one_has_to_be_named(desk: Desk, conflict: Identity) -> None:
    second = another(desk, conflict)
    with pytest.raises(Failure, match="There are 2 conflicts: say with --event-key"):
        run("events", "accept", "c-1")
    run("events", "accept", "c-1", "--event-key", second.event_key)
    desk.consume()
    assert desk.balance() == "16"


def test_a_conflict_is_found_by_the_key_of_its_event(desk: Desk, conflict: Identity) -> None:  # noqa: ARG001
    run("events", "accept", "c-1", "--event-key", CONFIRMED)
    assert len(desk.consume()) == 1


@pytest.mark.parametrize("arguments", [["c-2"], ["c-1", "--event-key", "payment.completed"]])
@pytest.mark.usefixtures("conflict")
def test_no_conflict_is_said_to_be_none(arguments: list[str]) -> None:
    with pytest.raises(Failure, match="no such conflict"):
        run("events", "accept", *arguments)


def test_an_event_that_is_no_conflict_cannot_be_accepted(desk: Desk) -> None:
    desk.receive()
    with pytest.raises(Failure, match="no such conflict"):
        run("events", "accept", "c-1", "--event-key", CONFIRMED)


# --- Being asked first -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "asked"), [(["--stack", "prod"], True), (["--stack", "prod", "--yes"], False), ([], False)]
)
@pytest.mark.usefixtures("conflict")
def test_in_a_deployed_stack_it_is_done_only_after_a_question(desk: Desk, arguments: list[str], asked: bool) -> None:
    result = run("events", "accept", "c-1", *arguments)
    assert ("in the stack prod?" in result.stderr, result.exit_code, desk.consume() == []) == (asked, int(asked), asked)


@pytest.mark.usefixtures("conflict")
def test_nothing_is_asked_where_nothing_is_done() -> None:
    run("events", "accept", "c-1")
    assert run("events", "accept", "c-1", "--stack", "prod").exit_code == 0


def test_where_the_table_is_out_nothing_is_sent(desk: Desk, conflict: Identity, calls: "Calls") -> None:  # noqa: ARG001
    calls.fail("PutItem")
    with pytest.raises(StoreUnavailable):
        run("events", "accept", "c-1")
    assert desk.consume() == []
