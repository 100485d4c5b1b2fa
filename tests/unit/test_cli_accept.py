"""`wickiepay events accept` and `dismiss`: what a person is asked is answered once, and credits nothing unasked."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from command_line import run, run_json
from desk import COMPLETED, CONFIRMED, Desk
from wickiepay import clock
from wickiepay.errors import StoreUnavailable
from wickiepay.event_record import key
from wickiepay.identity import Identity
from wickiepay_cli import stack
from wickiepay_cli.failure import Failure

if TYPE_CHECKING:
    from tests.unit.conftest import Calls

pytest_plugins = ["desk_fixture"]

OPERATOR = "arn:aws:sts::123456789012:user/moto"
FIRST = {"currency": "EUR", "amount": 5}
SECOND = {"currency": "EUR", "amount": 7}
HASH = "a" * 64


@pytest.fixture
def conflict(desk: Desk) -> Identity:
    """A delivery of 7 EUR, beside the one of 5 EUR that is processed."""
    desk.process(desk.receive())
    return desk.receive(displayCurrency=SECOND)


@pytest.fixture
def accepted(conflict: Identity) -> Identity:
    """The event that `conflict` is once it is accepted."""
    return conflict.accepted()


@pytest.fixture
def failed(desk: Desk) -> Identity:
    """A credit of 5 EUR that may be the one that was made without a transaction."""
    desk.process(desk.receive())
    return desk.process(desk.receive(hash=HASH))


def accept(*more: str) -> Any:  # noqa: ANN401  JSON
    return run_json("events", "accept", "c-1", "--second-credit", *more)


# --- A conflict --------------------------------------------------------------------------------------
@pytest.mark.usefixtures("conflict")
@pytest.mark.parametrize("more", [(), ("--stack", "prod")])
def test_a_second_credit_is_refused_unless_it_is_asked_for(desk: Desk, more: tuple[str, ...]) -> None:
    with pytest.raises(Failure, match="This credits account a second time: 7 EUR"):
        run("events", "accept", "c-1", *more)
    assert (desk.consume(), desk.balance()) == ([], "5")


def test_a_conflict_that_is_accepted_as_a_second_credit_is_credited_besides(desk: Desk, accepted: Identity) -> None:
    accept()
    desk.consume()
    assert (desk.state(accepted), desk.balance()) == ("PROCESSED", "12")


def test_where_the_first_credited_nothing_the_second_takes_its_place(desk: Desk) -> None:
    first = desk.process(desk.receive(displayCurrency={"currency": "EUR", "amount": 0}))
    desk.receive(displayCurrency=SECOND)
    run("events", "accept", "c-1")
    desk.consume()
    run("events", "replay", "c-1", "--event-key", first.event_key)
    desk.consume()
    assert (desk.state(first), desk.balance()) == ("FAILED", "7")


def test_what_only_completes_is_accepted_without_a_credit(desk: Desk) -> None:
    desk.process(desk.receive())
    for number in (1, 2):
        desk.process(desk.receive(event=COMPLETED, confirmations=number))
    assert run_json("events", "accept", "c-1")["credit"] is None
    desk.consume()
    assert desk.balance() == "5"


def test_a_completion_that_credited_is_not_credited_again_by_its_correction(desk: Desk) -> None:
    desk.process(desk.receive(event=COMPLETED))
    desk.receive(event=COMPLETED, displayCurrency=SECOND)
    with pytest.raises(Failure, match="a second time: 7 EUR"):
        run("events", "accept", "c-1")


@pytest.mark.parametrize("stamped", [True, False])
def test_a_correction_stands_above_what_it_corrects_and_below_what_is_later(desk: Desk, stamped: bool) -> None:
    def pay(event: str, amount: int) -> Identity:
        paid = {"currency": "USDT", "amount": amount}
        return desk.receive(event=f"payment.{event}", stamped=stamped, paidCurrency=paid)

    for event, amount in (("underpaid", 1), ("completed", 3)):
        desk.process(pay(event, amount))
    pay("underpaid", 2)
    run("events", "accept", "c-1")
    desk.consume()
    assert run_json("payments", "show", "c-1")[0]["paid"] == {"currency": "USDT", "amount": "3"}
    pay("completed", 4)
    run("events", "accept", "c-1", "--event-key", "payment.completed")
    desk.consume()
    assert run_json("payments", "show", "c-1")[0]["paid"] == {"currency": "USDT", "amount": "4"}


def test_a_correction_counts_also_where_what_it_corrects_is_gone(desk: Desk) -> None:
    first = desk.process(desk.receive(event="payment.completed", paidCurrency=FIRST))
    desk.receive(event="payment.completed", paidCurrency=SECOND)
    desk.dynamodb.delete_item(TableName="EventTable", Key=key(first))
    run("events", "accept", "c-1")
    desk.consume()
    assert run_json("payments", "show", "c-1")[0]["paid"] == {"currency": "EUR", "amount": "7"}


def test_its_delivery_is_kept_as_it_was(desk: Desk, conflict: Identity, accepted: Identity) -> None:
    accept()
    assert desk.message(accepted).delivery == desk.message(conflict).delivery


@pytest.mark.usefixtures("conflict")
def test_the_acceptance_is_shown_with_the_conflict(desk: Desk, conflict: Identity, accepted: Identity) -> None:
    accept("--why", "They paid twice.")
    [shown] = [event for event in run_json("events", "show", "c-1") if event["event_key"] == conflict.event_key]
    facts = {"accepted_as": accepted.event_key, "by": OPERATOR, "why": "They paid twice."}
    assert shown["accepted"] == {**facts, "at": clock.instant(desk.now)}
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
    desk: Desk, event: str, data: dict[str, Any], told: str
) -> None:
    desk.process(desk.receive(event=event, displayCurrency={"currency": "EUR", "amount": 0}, own_id="evt"))
    desk.receive(event=event, own_id="evt", **data)
    assert told in run("events", "accept", "c-1", "--dry-run").stdout


def test_what_it_would_credit_goes_by_the_settings_of_the_stack_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.process(desk.receive(displayCurrency={"currency": "EUR", "amount": 0}))
    desk.receive(displayCurrency=SECOND, metadata={"customerId": "c-7"})
    other = replace(desk.stack(), parameters={"AccountField": "metadata.customerId"})
    monkeypatch.setattr(stack, "find", lambda *_: other)
    assert "would credit 7 EUR to c-7." in run("events", "accept", "c-1", "--dry-run").stdout


@pytest.mark.usefixtures("conflict")
def test_a_stack_without_the_parameter_is_no_listener(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find", lambda *_: replace(desk.stack(), parameters={}))
    with pytest.raises(Failure, match="has no parameter AccountField: is it a webhook listener"):
        run("events", "accept", "c-1", "--dry-run")


@pytest.mark.usefixtures("conflict")
def test_people_are_told_what_was_credited_before_and_asked_about_the_rest() -> None:
    asked = run("events", "accept", "c-1", "--second-credit", "--stack", "prod")
    assert f"was credited 5 EUR to account at 2026-01-15T09:25:01.000000Z, by {CONFIRMED}." in asked.stdout
    question = "so that it may credit 7 EUR to account a second time, in the stack prod?"
    assert (question in asked.stderr, asked.exit_code) == (True, 1)


@pytest.mark.parametrize("more", [(), ("--stack", "prod")])
def test_a_dry_run_asks_nothing_and_accepts_nothing(desk: Desk, conflict: Identity, more: tuple[str, ...]) -> None:
    answer = run_json("events", "accept", "c-1", "--dry-run", *more)
    assert (answer["dry_run"], answer["already"], "accepted_as" in desk.item(conflict)) == (True, False, False)
    assert desk.consume() == []


# --- A credit that may be a second one -----------------------------------------------------------------
def test_a_credit_that_may_be_a_second_one_is_refused_unless_it_is_asked_for(desk: Desk, failed: Identity) -> None:
    with pytest.raises(Failure, match="This credits account a second time: 5 EUR"):
        run("events", "accept", "c-1", "--event-key", failed.event_key)
    assert (desk.consume(), desk.state(failed), desk.balance()) == ([], "FAILED", "5")


def test_it_is_credited_under_its_own_transaction(desk: Desk, failed: Identity) -> None:
    answer = accept("--event-key", failed.event_key)
    desk.consume()
    assert (desk.state(failed), desk.balance()) == ("PROCESSED", "10")
    assert (answer["accepted_as"], desk.item(failed)["entry"]["S"]) == (failed.event_key, HASH)


def test_it_is_credited_besides_where_an_entry_stands_there(desk: Desk) -> None:
    desk.process(desk.receive(event=COMPLETED))
    failed = desk.process(desk.receive(displayCurrency=SECOND))
    accept()
    desk.consume()
    assert (desk.state(failed), desk.balance()) == ("PROCESSED", "12")


def test_its_replay_credits_nothing_more(desk: Desk, failed: Identity) -> None:
    accept()
    desk.consume()
    run("events", "replay", "c-1")
    desk.consume()
    assert (desk.state(failed), desk.balance()) == ("PROCESSED", "10")


def test_what_is_not_in_the_way_of_a_failed_event_any_more_is_for_a_replay(desk: Desk, failed: Identity) -> None:
    payout = desk.receive(event="channel.payment.detected", type="OUT")
    desk.process(payout)
    with pytest.raises(Failure, match="nothing to accept: it would credit nothing a second time"):
        accept("--event-key", failed.event_key)


# --- Dismissed -----------------------------------------------------------------------------------------
def test_a_dismissed_conflict_is_closed_and_changes_nothing(desk: Desk, conflict: Identity) -> None:
    run("events", "dismiss", "c-1", "--why", "A mistake.")
    [shown] = [event for event in run_json("events", "show", "c-1") if event["event_key"] == conflict.event_key]
    said = {"accepted_as": None, "by": OPERATOR, "why": "A mistake.", "at": clock.instant(desk.now)}
    assert (shown["dismissed"], shown["accepted"], shown["open"]) == (said, None, False)
    assert (desk.consume(), desk.balance()) == ([], "5")
    assert f"dismissed by {OPERATOR} A mistake." in run("events", "show", "c-1").stdout


def test_a_dismissed_credit_stays_as_it_is(desk: Desk, failed: Identity) -> None:
    answer = run_json("events", "dismiss", "c-1", "--why", "The same one.")
    assert (answer["event_key"], answer["already"], desk.state(failed)) == (failed.event_key, False, "FAILED")
    assert run_json("events", "list", "--since", "2d", "--open") == []


@pytest.mark.usefixtures("conflict")
def test_the_first_dismissal_stays() -> None:
    run("events", "dismiss", "c-1", "--why", "first")
    answer = run_json("events", "dismiss", "c-1", "--why", "second")
    assert (answer["why"], answer["already"]) == ("first", True)


@pytest.mark.usefixtures("conflict")
def test_what_is_accepted_is_not_dismissed() -> None:
    accept()
    with pytest.raises(Failure, match="It was accepted, at 2026-01-15T10:25:01"):
        run("events", "dismiss", "c-1", "--why", "too late")


def test_what_is_dismissed_can_still_be_accepted(desk: Desk, accepted: Identity) -> None:
    run("events", "dismiss", "c-1", "--why", "A mistake.")
    accept()
    desk.consume()
    assert (desk.state(accepted), desk.balance()) == ("PROCESSED", "12")


@pytest.mark.usefixtures("conflict")
def test_a_dismissal_wants_a_reason() -> None:
    assert run("events", "dismiss", "c-1").exit_code == 2


# --- Once --------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("conflict")
def test_accepting_twice_does_nothing_twice(desk: Desk) -> None:
    first = accept("--why", "first")
    desk.consume()
    second = run_json("events", "accept", "c-1", "--why", "second")
    told = ("accepted_as", "by", "why", "at")
    assert ({name: second[name] for name in told}, second["already"]) == ({name: first[name] for name in told}, True)
    assert (desk.consume(), desk.balance()) == ([], "12")


def test_accepting_twice_does_nothing_even_after_the_event_has_expired(desk: Desk, accepted: Identity) -> None:
    accept()
    desk.consume()
    desk.dynamodb.delete_item(TableName="EventTable", Key=key(accepted))
    told = run("events", "accept", "c-1").stdout
    assert ("was accepted already, at 2026-01-15T10:25:01.000000Z by" in told, desk.consume()) == (True, [])


@pytest.mark.parametrize("step", ["SendMessage", "UpdateItem"])
def test_where_a_step_failed_doing_it_again_does_the_rest(
    desk: Desk, accepted: Identity, calls: "Calls", step: str
) -> None:
    calls.refuse(step, "ServiceUnavailable", 503)
    with pytest.raises(StoreUnavailable):
        accept()
    calls.mend()
    answer = accept("--why", "again")
    desk.consume()
    assert (desk.state(accepted), desk.balance(), answer["why"]) == ("PROCESSED", "12", "again")


def test_a_credit_that_was_accepted_and_not_sent_is_sent_by_accepting_it_again(
    desk: Desk, failed: Identity, calls: "Calls"
) -> None:
    calls.refuse("SendMessage", "ServiceUnavailable", 503)
    with pytest.raises(StoreUnavailable):
        accept("--why", "first")
    calls.mend()
    assert accept("--why", "again")["why"] == "first"
    desk.consume()
    assert (desk.state(failed), desk.balance()) == ("PROCESSED", "10")


def test_of_two_operators_the_first_one_is_on_record(desk: Desk, conflict: Identity) -> None:
    done = False

    def the_other(**_: object) -> None:
        nonlocal done
        if not done:
            done = True
            accept("--why", "the other")

    desk.dynamodb.meta.events.register("before-parameter-build.dynamodb.UpdateItem", the_other)
    answer = accept("--why", "the one")
    desk.dynamodb.meta.events.unregister("before-parameter-build.dynamodb.UpdateItem", the_other)
    desk.consume()
    assert (answer["why"], desk.item(conflict)["accepted_why"]["S"]) == ("the other", "the other")
    assert desk.balance() == "12"


# --- Which one ---------------------------------------------------------------------------------------
def another(desk: Desk) -> Identity:
    return desk.receive(displayCurrency={"currency": "EUR", "amount": 11})


@pytest.mark.usefixtures("conflict")
def test_of_several_one_has_to_be_named(desk: Desk) -> None:
    second = another(desk)
    with pytest.raises(Failure, match="There are 2 of them: say with --event-key"):
        accept()
    accept("--event-key", second.event_key)
    desk.consume()
    assert desk.balance() == "16"


def test_one_that_is_open_comes_before_those_that_are_closed(desk: Desk, conflict: Identity) -> None:
    second = another(desk)
    run("events", "dismiss", "c-1", "--event-key", conflict.event_key, "--why", "no")
    assert accept()["event_key"] == second.event_key


def test_a_failed_credit_is_told_from_a_conflict_of_it_by_its_key(desk: Desk, failed: Identity) -> None:
    differing = desk.receive(hash=HASH, displayCurrency=SECOND)
    assert accept("--event-key", differing.event_key, "--dry-run")["event_key"] == differing.event_key
    assert accept("--event-key", failed.event_key, "--dry-run")["event_key"] == failed.event_key


def test_a_conflict_is_found_by_the_key_of_its_event(desk: Desk, conflict: Identity) -> None:  # noqa: ARG001
    accept("--event-key", CONFIRMED)
    assert len(desk.consume()) == 1


@pytest.mark.parametrize("arguments", [["c-2"], ["c-1", "--event-key", "payment.completed"]])
@pytest.mark.usefixtures("conflict")
def test_no_conflict_is_said_to_be_none(arguments: list[str]) -> None:
    with pytest.raises(Failure, match="no such conflict"):
        run("events", "accept", *arguments)


def test_an_event_that_nobody_is_asked_about_cannot_be_accepted(desk: Desk) -> None:
    desk.receive()
    with pytest.raises(Failure, match="no such conflict"):
        run("events", "accept", "c-1", "--event-key", CONFIRMED)


def test_open_questions_are_listed_alone(desk: Desk, conflict: Identity) -> None:
    desk.process(desk.receive("c-2"))
    failed = desk.process(desk.receive("c-2", hash=HASH))
    flawed = desk.process(desk.receive("c-3", reference=None))
    listed = {(each["uuid"], each["event_key"]) for each in run_json("events", "list", "--since", "2d", "--open")}
    assert listed == {(each.uuid, each.event_key) for each in (conflict, failed)}
    assert desk.state(flawed) == "FAILED"
    [alone] = run_json("events", "list", "--since", "2d", "--open", "--state", "CONFLICT")
    assert (alone["event_key"], alone["open"]) == (conflict.event_key, True)
    assert "CONFLICT open" in run("events", "list", "--since", "2d").stdout


# --- Being asked first -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "asked"), [(["--stack", "prod"], True), (["--stack", "prod", "--yes"], False), ([], False)]
)
@pytest.mark.usefixtures("conflict")
def test_in_a_deployed_stack_it_is_done_only_after_a_question(desk: Desk, arguments: list[str], asked: bool) -> None:
    result = run("events", "accept", "c-1", "--second-credit", *arguments)
    assert ("in the stack prod?" in result.stderr, result.exit_code, desk.consume() == []) == (asked, int(asked), asked)


@pytest.mark.usefixtures("conflict")
def test_nothing_is_asked_where_nothing_is_done() -> None:
    accept()
    assert run("events", "accept", "c-1", "--stack", "prod").exit_code == 0


@pytest.mark.parametrize(("arguments", "exit_code"), [(["--stack", "prod"], 1), (["--stack", "prod", "--yes"], 0)])
def test_so_it_is_with_a_dismissal(desk: Desk, conflict: Identity, arguments: list[str], exit_code: int) -> None:
    result = run("events", "dismiss", "c-1", "--why", "no", *arguments)
    assert (result.exit_code, "dismissed_at" in desk.item(conflict)) == (exit_code, not exit_code)


def test_where_the_table_is_out_nothing_is_sent(desk: Desk, conflict: Identity, calls: "Calls") -> None:  # noqa: ARG001
    calls.fail("PutItem")
    with pytest.raises(StoreUnavailable):
        accept()
    assert desk.consume() == []
