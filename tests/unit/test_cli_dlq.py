"""`wickiepay dlq` shows what was given up, and gives it another chance without ever losing it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from command_line import run, run_json
from desk import CONFIRMED, DEAD_LETTERS, Desk
from wickiepay import clock
from wickiepay.identity import Identity
from wickiepay.queue import Message, Replay, encode
from wickiepay_cli.dead_letters import FOREIGN
from wickiepay_cli.failure import Failure

if TYPE_CHECKING:
    from tests.unit.conftest import Calls, DeliveryOf

pytest_plugins = ["desk_fixture"]


@pytest.fixture
def bury(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Puts the message of an event on record into the dead-letter queue, three hours before now; its id."""
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(hours=3))  # moto stamps by its own clock

    def bury(identity: Identity, **changes: Any) -> str:  # noqa: ANN401  whatever a message has
        return desk.bury(encode(replace(desk.message(identity), **changes)))

    return bury


type Bury = Callable[..., str]


def failed(desk: Desk, uuid: str = "c-1") -> Identity:
    identity = desk.receive(uuid)
    desk.events.mark_failed(identity, desk.now, "Given up.")
    return identity


# --- list --------------------------------------------------------------------------------------------
def test_a_message_is_listed_with_what_is_on_record_of_its_event(desk: Desk, bury: Bury) -> None:
    message_id = bury(failed(desk))
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


def test_an_event_without_a_record_has_no_state(desk: Desk, delivery_of: "DeliveryOf") -> None:
    desk.bury(encode(Message(Identity("c-1", CONFIRMED), delivery_of(), unrecorded=True)))
    [letter] = run_json("dlq", "list")
    assert (letter["uuid"], letter["state"], letter["error"]) == ("c-1", None, None)


def test_what_is_no_message_of_ours_is_listed_as_such(desk: Desk) -> None:
    desk.bury("no message")
    [letter] = run_json("dlq", "list")
    assert (letter["uuid"], letter["event_key"], letter["state"], letter["error"]) == (None, None, None, FOREIGN)


def test_each_of_many_messages_is_listed_once(desk: Desk, bury: Bury) -> None:
    ids = [bury(desk.receive(f"c-{number}")) for number in range(23)]
    assert sorted(letter["id"] for letter in run_json("dlq", "list")) == sorted(ids)


def test_a_list_can_be_cut_off(desk: Desk, bury: Bury) -> None:
    for number in range(12):
        bury(desk.receive(f"c-{number}"))
    assert len(run_json("dlq", "list", "--limit", "3")) == 3


def test_several_messages_of_one_event_are_listed(desk: Desk, bury: Bury) -> None:
    identity = failed(desk)
    for _ in range(2):
        bury(identity)
    assert [letter["state"] for letter in run_json("dlq", "list")] == ["FAILED", "FAILED"]


@pytest.mark.parametrize("arguments", [["list"], ["list", "--limit", "1"], ["redrive", "--all", "--dry-run"]])
def test_who_only_looks_leaves_all_messages_for_others_to_see(desk: Desk, bury: Bury, arguments: list[str]) -> None:
    for number in range(12):
        bury(desk.receive(f"c-{number}"))
    run("dlq", *arguments)
    assert (desk.waiting(DEAD_LETTERS), desk.waiting()) == (12, 0)


def test_a_message_that_comes_into_sight_again_ends_the_list(
    desk: Desk, bury: Bury, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_cli.dead_letters.HIDDEN_SECONDS", 0)
    ids = {bury(desk.receive(f"c-{number}")) for number in range(3)}
    assert {letter["id"] for letter in run_json("dlq", "list")} == ids


@pytest.mark.usefixtures("desk")
def test_people_are_told_that_there_is_nothing() -> None:
    assert run("dlq", "list").stdout == "The dead-letter queue is empty.\n"


def test_people_get_a_table(desk: Desk, bury: Bury) -> None:
    message_id = bury(failed(desk))
    shown = run("dlq", "list").stdout
    assert [word in shown for word in (message_id, CONFIRMED, "c-1", "3:00:0", "FAILED", "Given up.")] == [True] * 6


# --- show --------------------------------------------------------------------------------------------
def test_a_shown_message_has_all_that_it_holds(desk: Desk, bury: Bury) -> None:
    identity = failed(desk)
    replay = Replay("id", "somebody", "to see", announce=True)
    message_id = bury(identity, replay=replay)
    shown = run_json("dlq", "show", message_id)
    assert (shown["id"], shown["state"], shown["unrecorded"], shown["body"], shown["replay"]) == (
        message_id,
        "FAILED",
        False,
        desk.message(identity).delivery.body.decode(),
        {"id": "id", "by": "somebody", "why": "to see", "announce": True},
    )
    assert json.loads(shown["message"])["uuid"] == "c-1"


def test_a_message_that_is_none_of_ours_is_shown_as_it_is(desk: Desk) -> None:
    shown = run_json("dlq", "show", desk.bury("no message"))
    assert (shown["message"], shown["body"], shown["replay"]) == ("no message", None, None)


def test_people_see_a_message_whole(desk: Desk, bury: Bury) -> None:
    message_id = bury(failed(desk), replay=Replay("id", "somebody", "to see"))
    shown = run("dlq", "show", message_id).stdout
    assert [word in shown for word in (message_id, "Given up.", "somebody to see", '"uuid": "c-1"')] == [True] * 4


def test_people_see_what_is_no_message_of_ours(desk: Desk) -> None:
    assert "no message\n" in run("dlq", "show", desk.bury("no message")).stdout


@pytest.mark.usefixtures("desk")
def test_a_message_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(Failure, match="Not in the dead-letter queue now: nothing"):
        run("dlq", "show", "nothing")


# --- redrive -----------------------------------------------------------------------------------------
def test_a_redriven_message_of_a_failed_event_is_processed(desk: Desk, bury: Bury) -> None:
    identity = failed(desk)
    bury(identity)
    assert run_json("dlq", "redrive", "--all")["redriven"] == 1
    desk.consume()
    assert (desk.state(identity), desk.balance(), desk.waiting(DEAD_LETTERS)) == ("PROCESSED", "5", 0)


def test_a_redriven_message_without_a_record_is_recorded_first(desk: Desk) -> None:
    identity = desk.receive()
    message = replace(desk.message(identity), unrecorded=True)
    key = {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}
    desk.dynamodb.delete_item(TableName="EventTable", Key=key)
    desk.bury(encode(message))
    run("dlq", "redrive", "--all")
    desk.consume()
    assert (desk.state(identity), desk.balance()) == ("PROCESSED", "5")


def test_a_redriven_message_of_a_processed_event_does_nothing_twice(desk: Desk, bury: Bury) -> None:
    bury(desk.process(desk.receive()))
    run("dlq", "redrive", "--all")
    assert (len(desk.consume()), desk.balance()) == (1, "5")


def test_a_redriven_message_is_the_one_that_was_given_up(desk: Desk, bury: Bury) -> None:
    identity = failed(desk)
    changes: dict[str, Any] = {"unrecorded": True, "replay": Replay("id", "somebody", "to see", announce=True)}
    bury(identity, **changes)
    message = replace(desk.message(identity), **changes)
    run("dlq", "redrive", "--all")
    assert desk.consume() == [message]


def test_only_the_named_messages_are_redriven(desk: Desk, bury: Bury) -> None:
    ids = {uuid: bury(desk.receive(uuid)) for uuid in ("c-1", "c-2", "c-3")}
    run("dlq", "redrive", "--id", ids["c-1"], "--id", ids["c-3"])
    assert {message.identity.uuid for message in desk.consume()} == {"c-1", "c-3"}
    assert desk.waiting(DEAD_LETTERS) == 1


def test_all_of_many_messages_are_redriven(desk: Desk, bury: Bury) -> None:
    for number in range(23):
        bury(desk.receive(f"c-{number}"))
    result = run("dlq", "redrive", "--all", "--rate", "1000")
    assert (result.stdout, desk.waiting(DEAD_LETTERS)) == ("23 were sent to the event queue again.\n", 0)
    assert len(desk.consume()) == 23


def test_a_dry_run_names_the_messages(desk: Desk, bury: Bury) -> None:
    message_id = bury(desk.receive())
    shown = run("dlq", "redrive", "--all", "--dry-run").stdout
    assert shown == f"{message_id} {CONFIRMED} c-1\n1 would be sent to the event queue again.\n"


# --- redrive: nothing is lost ------------------------------------------------------------------------
def test_a_message_that_the_queue_does_not_take_stays(desk: Desk, bury: Bury, calls: "Calls") -> None:
    for number in range(12):
        bury(desk.receive(f"c-{number}"))
    calls.refuse("SendMessageBatch", "ServiceUnavailable", 503, times=2)  # twice: botocore tries twice
    with pytest.raises(Failure, match="did not take 10 of them: they stay"):
        run("dlq", "redrive", "--all")
    assert (calls.of("DeleteMessageBatch"), desk.waiting(DEAD_LETTERS)) == ([], 12)


def test_of_a_batch_only_what_the_queue_took_is_deleted(desk: Desk, bury: Bury, calls: "Calls") -> None:
    for number in range(2):
        bury(desk.receive(f"c-{number}"))
    refused = {"Id": "1", "Code": "InternalError", "SenderFault": False}
    calls.answer("SendMessageBatch", {"Successful": [{"Id": "0"}], "Failed": [refused]})
    with pytest.raises(Failure, match="did not take 1 of them"):
        run("dlq", "redrive", "--all")
    assert desk.waiting(DEAD_LETTERS) == 1


def test_a_message_is_deleted_only_after_it_was_sent(desk: Desk, bury: Bury, calls: "Calls") -> None:
    bury(desk.receive())
    run("dlq", "redrive", "--all")
    steps = ("ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch")
    assert [name for name in calls.names() if name in steps][:3] == list(steps)


def test_a_message_whose_deletion_is_interrupted_comes_again_and_does_nothing_twice(
    desk: Desk, bury: Bury, calls: "Calls"
) -> None:
    bury(failed(desk))
    calls.refuse("DeleteMessageBatch", "AccessDenied")
    with pytest.raises(Exception, match="AccessDenied"):
        run("dlq", "redrive", "--all")
    calls.mend()
    run("dlq", "redrive", "--all")
    assert (len(desk.consume()), desk.balance()) == (2, "5")


def test_what_is_no_message_of_ours_stays(desk: Desk, bury: Bury) -> None:
    desk.bury("no message")
    bury(desk.receive())
    with pytest.raises(Failure, match="1 stay: This is no message"):
        run("dlq", "redrive", "--all")
    assert (len(desk.consume()), desk.waiting(DEAD_LETTERS)) == (1, 1)


def test_a_named_message_that_is_not_there_is_said_to_be_missing(desk: Desk, bury: Bury) -> None:
    message_id = bury(desk.receive())
    with pytest.raises(Failure, match="Not in the dead-letter queue now: nothing"):
        run("dlq", "redrive", "--id", message_id, "--id", "nothing")
    assert len(desk.consume()) == 1


@pytest.mark.parametrize(
    "arguments", [["redrive"], ["redrive", "--all", "--id", "x"], ["redrive", "--all", "--rate", "0"], ["show"]]
)
@pytest.mark.usefixtures("desk")
def test_nonsense_is_wrong_usage(arguments: list[str]) -> None:
    assert run("dlq", *arguments).exit_code == 2
