"""`wickiepay events accept` and `dismiss`: what a person is asked is answered once, and credits nothing unasked."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.aws import Calls
from tests.support.command_line import run, run_asked, run_json
from tests.support.operator_stack import COMPLETED, CONFIRMED, OperatorStack
from wickiepay import clock
from wickiepay.errors import StoreUnavailable
from wickiepay.event_record import key
from wickiepay.identity import Identity
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack

pytest_plugins = ["tests.support.operator_fixture"]

OPERATOR = "arn:aws:sts::123456789012:user/moto"
FIRST = {"currency": "EUR", "amount": 5}
SECOND = {"currency": "EUR", "amount": 7}
HASH = "a" * 64


@pytest.fixture
def conflict(operator: OperatorStack) -> Identity:
    """A delivery of 7 EUR, beside the one of 5 EUR that is processed."""
    operator.process(operator.receive())
    return operator.receive(displayCurrency=SECOND)


@pytest.fixture
def accepted(conflict: Identity) -> Identity:
    """The event that `conflict` is once it is accepted."""
    return conflict.accepted()


@pytest.fixture
def failed(operator: OperatorStack) -> Identity:
    """A credit of 5 EUR that may be the one that was made without a transaction."""
    operator.process(operator.receive())
    return operator.process(operator.receive(hash=HASH))


def accept(*more: str) -> Any:  # noqa: ANN401  JSON
    return run_json("events", "accept", "c-1", "--second-credit", *more)


# --- A conflict --------------------------------------------------------------------------------------
@pytest.mark.usefixtures("conflict")
@pytest.mark.parametrize("more", [(), ("--stack", "prod")])
def test_a_second_credit_is_refused_unless_it_is_asked_for(operator: OperatorStack, more: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="This credits account a second time: 7 EUR"):
        run("events", "accept", "c-1", *more)
    assert (operator.consume(), operator.balance()) == ([], "5")


def test_a_conflict_that_is_accepted_as_a_second_credit_is_credited_besides(
    operator: OperatorStack, accepted: Identity
) -> None:
    accept()
    operator.consume()
    assert (operator.state(accepted), operator.balance()) == ("PROCESSED", "12")


def test_where_the_first_credited_nothing_the_second_takes_its_place(operator: OperatorStack) -> None:
    first = operator.process(operator.receive(displayCurrency={"currency": "EUR", "amount": 0}))
    operator.receive(displayCurrency=SECOND)
    run("events", "accept", "c-1")
    operator.consume()
    run("events", "replay", "c-1", "--event-key", first.event_key)
    operator.consume()
    assert (operator.state(first), operator.balance()) == ("FAILED", "7")


def test_what_only_completes_is_accepted_without_a_credit(operator: OperatorStack) -> None:
    operator.process(operator.receive())
    for number in (1, 2):
        operator.process(operator.receive(event=COMPLETED, confirmations=number))
    assert run_json("events", "accept", "c-1")["credit"] is None
    operator.consume()
    assert operator.balance() == "5"


def test_a_completion_that_credited_is_not_credited_again_by_its_correction(operator: OperatorStack) -> None:
    operator.process(operator.receive(event=COMPLETED))
    operator.receive(event=COMPLETED, displayCurrency=SECOND)
    with pytest.raises(CommandError, match="a second time: 7 EUR"):
        run("events", "accept", "c-1")


@pytest.mark.parametrize("stamped", [True, False])
def test_a_correction_stands_above_what_it_corrects_and_below_what_is_later(
    operator: OperatorStack, stamped: bool
) -> None:
    def pay(event: str, amount: int) -> Identity:
        paid = {"currency": "USDT", "amount": amount}
        return operator.receive(event=f"payment.{event}", stamped=stamped, paidCurrency=paid)

    for event, amount in (("underpaid", 1), ("completed", 3)):
        operator.process(pay(event, amount))
    pay("underpaid", 2)
    run("events", "accept", "c-1")
    operator.consume()
    assert run_json("payments", "show", "c-1")[0]["paid"] == {"currency": "USDT", "amount": "3"}
    pay("completed", 4)
    run("events", "accept", "c-1", "--event-key", "payment.completed")
    operator.consume()
    assert run_json("payments", "show", "c-1")[0]["paid"] == {"currency": "USDT", "amount": "4"}


def test_a_correction_counts_also_where_what_it_corrects_is_gone(operator: OperatorStack) -> None:
    first = operator.process(operator.receive(event="payment.completed", paidCurrency=FIRST))
    operator.receive(event="payment.completed", paidCurrency=SECOND)
    operator.dynamodb.delete_item(TableName="EventTable", Key=key(first))
    run("events", "accept", "c-1")
    operator.consume()
    assert run_json("payments", "show", "c-1")[0]["paid"] == {"currency": "EUR", "amount": "7"}


def test_its_delivery_is_kept_as_it_was(operator: OperatorStack, conflict: Identity, accepted: Identity) -> None:
    accept()
    assert operator.message(accepted).delivery == operator.message(conflict).delivery


@pytest.mark.usefixtures("conflict")
def test_the_acceptance_is_shown_with_the_conflict(
    operator: OperatorStack, conflict: Identity, accepted: Identity
) -> None:
    accept("--why", "They paid twice.")
    [shown] = [event for event in run_json("events", "show", "c-1") if event["event_key"] == conflict.event_key]
    facts = {"accepted_as": accepted.event_key, "by": OPERATOR, "why": "They paid twice."}
    assert shown["accepted"] == {**facts, "at": clock.instant(operator.now)}
    assert (shown["state"], shown["dismissed"], shown["open"]) == ("CONFLICT", None, False)
    assert f"{OPERATOR} They paid twice." in run("events", "show", "c-1").stdout


def test_programs_are_told_what_it_credits_and_what_was_credited_before(conflict: Identity) -> None:
    answer = accept("--why", "They paid twice.")
    [before] = answer.pop("credited_before")
    assert (before["account"], before["currency"], before["amount"]) == ("account", "EUR", "5")
    assert answer == {
        "uuid": "c-1",
        "event_key": conflict.event_key,
        "accepted_as": conflict.accepted().event_key,
        "by": OPERATOR,
        "why": "They paid twice.",
        "at": "2026-01-15T10:25:01.000000Z",
        "dry_run": False,
        "already": False,
        "second_credit": True,
        "failure": None,
        "credit": {"account": "account", "currency": "EUR", "amount": "7"},
    }


@pytest.mark.parametrize(
    ("event", "data", "told"),
    [
        (CONFIRMED, {"displayCurrency": SECOND}, "would credit 7 EUR to account."),
        (CONFIRMED, {"reference": None}, "would fail: The event names no account: data.reference is missing."),
        (CONFIRMED, {"displayCurrency": {"currency": "EUR", "amount": -1}}, "would fail: The amount to credit is not"),
        (CONFIRMED, {"type": "OUT"}, "would credit nothing."),
        ("payment.completed", {}, "would credit nothing."),
        ("crypto.address.created", {}, "would credit nothing."),
    ],
)
def test_people_are_told_what_it_would_credit_by_the_rules(
    operator: OperatorStack, event: str, data: dict[str, Any], told: str
) -> None:
    operator.process(operator.receive(event=event, displayCurrency={"currency": "EUR", "amount": 0}, own_id="evt"))
    operator.receive(event=event, own_id="evt", **data)
    assert told in run("events", "accept", "c-1", "--dry-run").stdout


def test_what_it_would_credit_goes_by_the_settings_of_the_stack_itself(
    operator: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.process(operator.receive(displayCurrency={"currency": "EUR", "amount": 0}))
    operator.receive(displayCurrency=SECOND, metadata={"customerId": "c-7"})
    other = replace(operator.stack(), parameters={"AccountField": "metadata.customerId"})
    monkeypatch.setattr(stack, "find", lambda *_: other)
    assert "would credit 7 EUR to c-7." in run("events", "accept", "c-1", "--dry-run").stdout


@pytest.mark.usefixtures("conflict")
def test_a_stack_without_the_parameter_is_no_listener(operator: OperatorStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find", lambda *_: replace(operator.stack(), parameters={}))
    with pytest.raises(CommandError, match="has no parameter AccountField: is it a webhook listener"):
        run("events", "accept", "c-1", "--dry-run")


@pytest.mark.usefixtures("conflict")
def test_people_are_told_what_was_credited_before_they_are_asked_about_the_rest() -> None:
    asked = run_asked("events", "accept", "c-1", "--second-credit", "--stack", "prod", answer="n")
    assert f"was credited 5 EUR to account at 2026-01-15T09:25:01.000000Z, by {CONFIRMED}." in asked.stdout


@pytest.mark.parametrize("more", [(), ("--stack", "prod")])
def test_a_dry_run_asks_nothing_and_accepts_nothing(
    operator: OperatorStack, conflict: Identity, more: tuple[str, ...]
) -> None:
    answer = run_json("events", "accept", "c-1", "--dry-run", *more)
    assert (answer["dry_run"], answer["already"], "accepted_as" in operator.item(conflict)) == (True, False, False)
    assert operator.consume() == []


# --- A credit that may be a second one -----------------------------------------------------------------
def test_a_credit_that_may_be_a_second_one_is_refused_unless_it_is_asked_for(
    operator: OperatorStack, failed: Identity
) -> None:
    with pytest.raises(CommandError, match="This credits account a second time: 5 EUR"):
        run("events", "accept", "c-1", "--event-key", failed.event_key)
    assert (operator.consume(), operator.state(failed), operator.balance()) == ([], "FAILED", "5")


def test_it_is_credited_under_its_own_transaction(operator: OperatorStack, failed: Identity) -> None:
    answer = accept("--event-key", failed.event_key)
    operator.consume()
    assert (operator.state(failed), operator.balance()) == ("PROCESSED", "10")
    assert (answer["accepted_as"], operator.item(failed)["entry"]["S"]) == (failed.event_key, HASH)


def test_it_is_credited_besides_where_an_entry_stands_there(operator: OperatorStack) -> None:
    operator.process(operator.receive(event=COMPLETED))
    failed = operator.process(operator.receive(displayCurrency=SECOND))
    accept()
    operator.consume()
    assert (operator.state(failed), operator.balance()) == ("PROCESSED", "12")


def test_its_replay_credits_nothing_more(operator: OperatorStack, failed: Identity) -> None:
    accept()
    operator.consume()
    run("events", "replay", "c-1")
    operator.consume()
    assert (operator.state(failed), operator.balance()) == ("PROCESSED", "10")


def test_what_is_not_in_the_way_of_a_failed_event_any_more_is_for_a_replay(
    operator: OperatorStack, failed: Identity
) -> None:
    payout = operator.receive(event="channel.payment.detected", type="OUT")
    operator.process(payout)
    with pytest.raises(CommandError, match="nothing to accept: it would credit nothing a second time"):
        accept("--event-key", failed.event_key)


# --- Dismissed -----------------------------------------------------------------------------------------
def test_a_dismissed_conflict_is_closed_and_changes_nothing(operator: OperatorStack, conflict: Identity) -> None:
    run("events", "dismiss", "c-1", "--why", "A mistake.")
    [shown] = [event for event in run_json("events", "show", "c-1") if event["event_key"] == conflict.event_key]
    said = {"accepted_as": None, "by": OPERATOR, "why": "A mistake.", "at": clock.instant(operator.now)}
    assert (shown["dismissed"], shown["accepted"], shown["open"]) == (said, None, False)
    assert (operator.consume(), operator.balance()) == ([], "5")
    assert f"dismissed by {OPERATOR} A mistake." in run("events", "show", "c-1").stdout


def test_a_dismissed_credit_stays_as_it_is(operator: OperatorStack, failed: Identity) -> None:
    answer = run_json("events", "dismiss", "c-1", "--why", "The same one.")
    assert (answer["event_key"], answer["already"], operator.state(failed)) == (failed.event_key, False, "FAILED")
    assert run_json("events", "list", "--since", "2d", "--open") == []


@pytest.mark.usefixtures("conflict")
def test_the_first_dismissal_stays() -> None:
    run("events", "dismiss", "c-1", "--why", "first")
    answer = run_json("events", "dismiss", "c-1", "--why", "second")
    assert (answer["why"], answer["already"]) == ("first", True)


@pytest.mark.usefixtures("conflict")
def test_what_is_accepted_is_not_dismissed() -> None:
    accept()
    with pytest.raises(CommandError, match="It was accepted, at 2026-01-15T10:25:01"):
        run("events", "dismiss", "c-1", "--why", "too late")


def test_what_is_dismissed_can_still_be_accepted(operator: OperatorStack, accepted: Identity) -> None:
    run("events", "dismiss", "c-1", "--why", "A mistake.")
    accept()
    operator.consume()
    assert (operator.state(accepted), operator.balance()) == ("PROCESSED", "12")


@pytest.mark.usefixtures("conflict")
def test_a_dismissal_wants_a_reason() -> None:
    assert run("events", "dismiss", "c-1").exit_code == 2


# --- Once --------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("conflict")
def test_accepting_twice_does_nothing_twice(operator: OperatorStack) -> None:
    first = accept("--why", "first")
    operator.consume()
    second = run_json("events", "accept", "c-1", "--why", "second")
    told = ("accepted_as", "by", "why", "at")
    assert ({name: second[name] for name in told}, second["already"]) == ({name: first[name] for name in told}, True)
    assert (operator.consume(), operator.balance()) == ([], "12")


def test_accepting_twice_does_nothing_even_after_the_event_has_expired(
    operator: OperatorStack, accepted: Identity
) -> None:
    accept()
    operator.consume()
    operator.dynamodb.delete_item(TableName="EventTable", Key=key(accepted))
    told = run("events", "accept", "c-1").stdout
    assert ("was accepted already, at 2026-01-15T10:25:01.000000Z by" in told, operator.consume()) == (True, [])


@pytest.mark.parametrize("step", ["SendMessage", "UpdateItem"])
def test_where_a_step_failed_doing_it_again_does_the_rest(
    operator: OperatorStack, accepted: Identity, calls: Calls, step: str
) -> None:
    calls.refuse(step, "ServiceUnavailable", 503)
    with pytest.raises(StoreUnavailable):
        accept()
    calls.mend()
    answer = accept("--why", "again")
    operator.consume()
    assert (operator.state(accepted), operator.balance(), answer["why"]) == ("PROCESSED", "12", "again")


def test_a_credit_that_was_accepted_and_not_sent_is_sent_by_accepting_it_again(
    operator: OperatorStack, failed: Identity, calls: Calls
) -> None:
    calls.refuse("SendMessage", "ServiceUnavailable", 503)
    with pytest.raises(StoreUnavailable):
        accept("--why", "first")
    calls.mend()
    assert accept("--why", "again")["why"] == "first"
    operator.consume()
    assert (operator.state(failed), operator.balance()) == ("PROCESSED", "10")


def test_of_two_operators_the_first_one_is_on_record(operator: OperatorStack, conflict: Identity) -> None:
    done = False

    def the_other(**_: object) -> None:
        nonlocal done
        if not done:
            done = True
            accept("--why", "the other")

    operator.dynamodb.meta.events.register("before-parameter-build.dynamodb.UpdateItem", the_other)
    answer = accept("--why", "the one")
    operator.dynamodb.meta.events.unregister("before-parameter-build.dynamodb.UpdateItem", the_other)
    operator.consume()
    assert (answer["why"], operator.item(conflict)["accepted_why"]["S"]) == ("the other", "the other")
    assert operator.balance() == "12"


# --- Which one ---------------------------------------------------------------------------------------
def another(operator: OperatorStack) -> Identity:
    return operator.receive(displayCurrency={"currency": "EUR", "amount": 11})


@pytest.mark.usefixtures("conflict")
def test_of_several_one_has_to_be_named(operator: OperatorStack) -> None:
    second = another(operator)
    with pytest.raises(CommandError, match="There are 2 of them: choose one with --event-key"):
        accept()
    accept("--event-key", second.event_key)
    operator.consume()
    assert operator.balance() == "16"


def test_one_that_is_open_comes_before_those_that_are_closed(operator: OperatorStack, conflict: Identity) -> None:
    second = another(operator)
    run("events", "dismiss", "c-1", "--event-key", conflict.event_key, "--why", "no")
    assert accept()["event_key"] == second.event_key


def test_a_failed_credit_is_told_from_a_conflict_of_it_by_its_key(operator: OperatorStack, failed: Identity) -> None:
    differing = operator.receive(hash=HASH, displayCurrency=SECOND)
    assert accept("--event-key", differing.event_key, "--dry-run")["event_key"] == differing.event_key
    assert accept("--event-key", failed.event_key, "--dry-run")["event_key"] == failed.event_key


def test_a_conflict_is_found_by_the_key_of_its_event(operator: OperatorStack, conflict: Identity) -> None:  # noqa: ARG001
    accept("--event-key", CONFIRMED)
    assert len(operator.consume()) == 1


@pytest.mark.parametrize("arguments", [["c-2"], ["c-1", "--event-key", "payment.completed"]])
@pytest.mark.usefixtures("conflict")
def test_no_conflict_is_said_to_be_none(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="no such conflict"):
        run("events", "accept", *arguments)


def test_an_event_that_nobody_is_asked_about_cannot_be_accepted(operator: OperatorStack) -> None:
    operator.receive()
    with pytest.raises(CommandError, match="no such conflict"):
        run("events", "accept", "c-1", "--event-key", CONFIRMED)


def test_open_questions_are_listed_alone(operator: OperatorStack, conflict: Identity) -> None:
    operator.process(operator.receive("c-2"))
    failed = operator.process(operator.receive("c-2", hash=HASH))
    flawed = operator.process(operator.receive("c-3", reference=None))
    listed = {(each["uuid"], each["event_key"]) for each in run_json("events", "list", "--since", "2d", "--open")}
    assert listed == {(each.uuid, each.event_key) for each in (conflict, failed)}
    assert operator.state(flawed) == "FAILED"
    [alone] = run_json("events", "list", "--since", "2d", "--open", "--state", "CONFLICT")
    assert (alone["event_key"], alone["open"]) == (conflict.event_key, True)
    assert "CONFLICT open" in run("events", "list", "--since", "2d").stdout


# --- Being asked first -------------------------------------------------------------------------------
@pytest.mark.usefixtures("conflict")
def test_nothing_is_asked_where_nothing_is_done() -> None:
    accept()
    assert run("events", "accept", "c-1", "--stack", "prod").exit_code == 0


def test_where_the_table_is_out_nothing_is_sent(operator: OperatorStack, conflict: Identity, calls: Calls) -> None:  # noqa: ARG001
    calls.fail("PutItem")
    with pytest.raises(StoreUnavailable):
        accept()
    assert operator.consume() == []
