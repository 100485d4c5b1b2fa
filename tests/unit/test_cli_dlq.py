"""`wickiepay dlq` shows what was given up, and gives it another chance without ever losing it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.aws import Calls
from tests.support.command_line import run, run_json
from tests.support.deliveries import DeliveryOf
from tests.support.operator_stack import CONFIRMED, DEAD_LETTERS, OperatorStack
from wickiepay import clock
from wickiepay.identity import Identity
from wickiepay.queue import Message, Replay, encode
from wickiepay_cli.errors import CommandError
from wickiepay_cli.store.dead_letters import FOREIGN

pytest_plugins = ["tests.support.operator_fixture"]


@pytest.fixture
def bury(operator: OperatorStack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Puts the message of an event on record into the dead-letter queue, three hours before now; its id."""
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(hours=3))  # moto stamps by its own clock

    def bury(identity: Identity, **changes: Any) -> str:  # noqa: ANN401  whatever a message has
        return operator.bury(encode(replace(operator.message(identity), **changes)))

    return bury


type Bury = Callable[..., str]


def failed(operator: OperatorStack, uuid: str = "c-1") -> Identity:
    identity = operator.receive(uuid)
    operator.events.mark_failed(identity, operator.now, "Given up.")
    return identity


# --- list --------------------------------------------------------------------------------------------
def test_a_message_is_listed_with_what_is_on_record_of_its_event(operator: OperatorStack, bury: Bury) -> None:
    message_id = bury(failed(operator))
    [letter] = run_json("dlq", "list")
    assert 3 * 3600 <= letter.pop("age_seconds") < 3 * 3600 + 60
    assert letter.pop("sent_at") < clock.instant(clock.now())
    assert letter == {
        "id": message_id,
        "uuid": "c-1",
        "event_key": CONFIRMED,
        "receives": 1,
        "state": "FAILED",
        "error": "Given up.",
    }


def test_an_event_without_a_record_has_no_state(operator: OperatorStack, delivery_of: DeliveryOf) -> None:
    operator.bury(encode(Message(Identity("c-1", CONFIRMED), delivery_of(), unrecorded=True)))
    [letter] = run_json("dlq", "list")
    assert (letter["uuid"], letter["state"], letter["error"]) == ("c-1", None, None)


def test_what_is_no_message_of_ours_is_listed_as_such(operator: OperatorStack) -> None:
    operator.bury("no message")
    [letter] = run_json("dlq", "list")
    assert (letter["uuid"], letter["event_key"], letter["state"], letter["error"]) == (None, None, None, FOREIGN)


def test_each_of_many_messages_is_listed_once(operator: OperatorStack, bury: Bury) -> None:
    ids = [bury(operator.receive(f"c-{number}")) for number in range(23)]
    assert sorted(letter["id"] for letter in run_json("dlq", "list")) == sorted(ids)


def test_a_list_can_be_cut_off(operator: OperatorStack, bury: Bury) -> None:
    for number in range(12):
        bury(operator.receive(f"c-{number}"))
    assert len(run_json("dlq", "list", "--limit", "3")) == 3


def test_several_messages_of_one_event_are_listed(operator: OperatorStack, bury: Bury) -> None:
    identity = failed(operator)
    for _ in range(2):
        bury(identity)
    assert [letter["state"] for letter in run_json("dlq", "list")] == ["FAILED", "FAILED"]


@pytest.mark.parametrize("arguments", [["list"], ["list", "--limit", "1"], ["redrive", "--all", "--dry-run"]])
def test_who_only_looks_leaves_all_messages_for_others_to_see(
    operator: OperatorStack, bury: Bury, arguments: list[str]
) -> None:
    for number in range(12):
        bury(operator.receive(f"c-{number}"))
    run("dlq", *arguments)
    assert (operator.waiting(DEAD_LETTERS), operator.waiting()) == (12, 0)


def test_a_message_that_comes_into_sight_again_ends_the_list(
    operator: OperatorStack, bury: Bury, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_cli.store.dead_letters.HIDDEN_SECONDS", 0)
    ids = {bury(operator.receive(f"c-{number}")) for number in range(3)}
    assert {letter["id"] for letter in run_json("dlq", "list")} == ids


@pytest.mark.usefixtures("operator")
def test_people_are_told_that_there_is_nothing() -> None:
    assert run("dlq", "list").stdout == "The dead-letter queue is empty.\n"


def test_people_get_a_table(operator: OperatorStack, bury: Bury) -> None:
    message_id = bury(failed(operator))
    shown = run("dlq", "list").stdout
    assert [word in shown for word in (message_id, CONFIRMED, "c-1", "3:00:0", "FAILED", "Given up.")] == [True] * 6


# --- show --------------------------------------------------------------------------------------------
def test_a_shown_message_has_all_that_it_holds(operator: OperatorStack, bury: Bury) -> None:
    identity = failed(operator)
    replay = Replay("id", "somebody", "to see", announce=True)
    message_id = bury(identity, replay=replay)
    shown = run_json("dlq", "show", message_id)
    assert (shown["id"], shown["state"], shown["unrecorded"], shown["body"], shown["replay"]) == (
        message_id,
        "FAILED",
        False,
        operator.message(identity).delivery.body.decode(),
        {"id": "id", "by": "somebody", "why": "to see", "announce": True},
    )
    assert json.loads(shown["message"])["uuid"] == "c-1"


def test_a_message_that_is_none_of_ours_is_shown_as_it_is(operator: OperatorStack) -> None:
    shown = run_json("dlq", "show", operator.bury("no message"))
    assert (shown["message"], shown["body"], shown["replay"]) == ("no message", None, None)


def test_people_see_a_message_whole(operator: OperatorStack, bury: Bury) -> None:
    message_id = bury(failed(operator), replay=Replay("id", "somebody", "to see"))
    shown = run("dlq", "show", message_id).stdout
    assert [word in shown for word in (message_id, "Given up.", "somebody to see", '"uuid": "c-1"')] == [True] * 4


def test_people_see_what_is_no_message_of_ours(operator: OperatorStack) -> None:
    assert "no message\n" in run("dlq", "show", operator.bury("no message")).stdout


@pytest.mark.usefixtures("operator")
def test_a_message_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(CommandError, match="Not in the dead-letter queue now: nothing"):
        run("dlq", "show", "nothing")


# --- redrive -----------------------------------------------------------------------------------------
def test_a_redriven_message_of_a_failed_event_is_processed(operator: OperatorStack, bury: Bury) -> None:
    identity = failed(operator)
    bury(identity)
    assert run_json("dlq", "redrive", "--all")["redriven"] == 1
    operator.consume()
    assert (operator.state(identity), operator.balance(), operator.waiting(DEAD_LETTERS)) == ("PROCESSED", "5", 0)


def test_a_redriven_message_without_a_record_is_recorded_first(operator: OperatorStack) -> None:
    identity = operator.receive()
    message = replace(operator.message(identity), unrecorded=True)
    key = {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}
    operator.dynamodb.delete_item(TableName="EventTable", Key=key)
    operator.bury(encode(message))
    run("dlq", "redrive", "--all")
    operator.consume()
    assert (operator.state(identity), operator.balance()) == ("PROCESSED", "5")


def test_a_redriven_message_of_a_processed_event_does_nothing_twice(operator: OperatorStack, bury: Bury) -> None:
    bury(operator.process(operator.receive()))
    run("dlq", "redrive", "--all")
    assert (len(operator.consume()), operator.balance()) == (1, "5")


def test_a_redriven_message_is_the_one_that_was_given_up(operator: OperatorStack, bury: Bury) -> None:
    identity = failed(operator)
    changes: dict[str, Any] = {"unrecorded": True, "replay": Replay("id", "somebody", "to see", announce=True)}
    bury(identity, **changes)
    message = replace(operator.message(identity), **changes)
    run("dlq", "redrive", "--all")
    assert operator.consume() == [message]


def test_who_redrives_a_message_is_kept_on_its_events_record(operator: OperatorStack, bury: Bury) -> None:
    identity = failed(operator)
    for _ in range(2):  # messages of one event
        bury(identity)
    run("dlq", "redrive", "--all", "--why", "mended")
    [noted] = operator.replays(identity)
    assert (noted["by"], noted["why"]) == ("arn:aws:sts::123456789012:user/moto", "mended")


def test_only_the_named_messages_are_redriven(operator: OperatorStack, bury: Bury) -> None:
    ids = {uuid: bury(operator.receive(uuid)) for uuid in ("c-1", "c-2", "c-3")}
    run("dlq", "redrive", "--id", ids["c-1"], "--id", ids["c-3"])
    assert {message.identity.uuid for message in operator.consume()} == {"c-1", "c-3"}
    assert operator.waiting(DEAD_LETTERS) == 1


def test_all_of_many_messages_are_redriven(operator: OperatorStack, bury: Bury) -> None:
    for number in range(23):
        bury(operator.receive(f"c-{number}"))
    result = run("dlq", "redrive", "--all", "--rate", "1000")
    assert (result.stdout, operator.waiting(DEAD_LETTERS)) == ("23 were sent to the event queue again.\n", 0)
    assert len(operator.consume()) == 23


def test_a_dry_run_names_the_messages(operator: OperatorStack, bury: Bury) -> None:
    message_id = bury(operator.receive())
    shown = run("dlq", "redrive", "--all", "--dry-run").stdout
    assert shown == f"{message_id} {CONFIRMED} c-1\n1 would be sent to the event queue again.\n"


# --- redrive: nothing is lost ------------------------------------------------------------------------
def test_a_message_that_the_queue_does_not_take_stays(operator: OperatorStack, bury: Bury, calls: Calls) -> None:
    for number in range(12):
        bury(operator.receive(f"c-{number}"))
    calls.refuse("SendMessageBatch", "ServiceUnavailable", 503, times=2)  # twice: botocore tries twice
    with pytest.raises(CommandError, match="did not take 10 of them: they stay"):
        run("dlq", "redrive", "--all")
    assert (calls.of("DeleteMessageBatch"), operator.waiting(DEAD_LETTERS)) == ([], 12)


def test_of_a_batch_only_what_the_queue_took_is_deleted(operator: OperatorStack, bury: Bury, calls: Calls) -> None:
    for number in range(2):
        bury(operator.receive(f"c-{number}"))
    refused = {"Id": "1", "Code": "InternalError", "SenderFault": False}
    calls.answer("SendMessageBatch", {"Successful": [{"Id": "0"}], "Failed": [refused]})
    with pytest.raises(CommandError, match="did not take 1 of them"):
        run("dlq", "redrive", "--all")
    assert operator.waiting(DEAD_LETTERS) == 1


def test_a_message_is_deleted_only_after_it_was_sent(operator: OperatorStack, bury: Bury, calls: Calls) -> None:
    bury(operator.receive())
    run("dlq", "redrive", "--all")
    steps = ("ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch")
    assert [name for name in calls.names() if name in steps][:3] == list(steps)


def test_a_message_whose_deletion_is_interrupted_comes_again_and_does_nothing_twice(
    operator: OperatorStack, bury: Bury, calls: Calls
) -> None:
    bury(failed(operator))
    calls.refuse("DeleteMessageBatch", "AccessDenied")
    with pytest.raises(Exception, match="AccessDenied"):
        run("dlq", "redrive", "--all")
    calls.mend()
    run("dlq", "redrive", "--all")
    assert (len(operator.consume()), operator.balance()) == (2, "5")


def test_what_is_no_message_of_ours_stays(operator: OperatorStack, bury: Bury) -> None:
    operator.bury("no message")
    bury(operator.receive())
    with pytest.raises(CommandError, match="1 stay: The listener did not write"):
        run("dlq", "redrive", "--all")
    assert (len(operator.consume()), operator.waiting(DEAD_LETTERS)) == (1, 1)


def test_a_named_message_that_is_not_there_is_said_to_be_missing(operator: OperatorStack, bury: Bury) -> None:
    message_id = bury(operator.receive())
    with pytest.raises(CommandError, match="Not in the dead-letter queue now: nothing"):
        run("dlq", "redrive", "--id", message_id, "--id", "nothing")
    assert len(operator.consume()) == 1


@pytest.mark.parametrize(
    "arguments", [["redrive"], ["redrive", "--all", "--id", "x"], ["redrive", "--all", "--rate", "0"], ["show"]]
)
@pytest.mark.usefixtures("operator")
def test_nonsense_is_wrong_usage(arguments: list[str]) -> None:
    assert run("dlq", *arguments).exit_code == 2
