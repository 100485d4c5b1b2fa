"""The relay: sends what was recorded and could not be sent, the oldest first, within bounds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, repeat

import pytest

import relay
from relay import Relay
from tests.support.aws import Calls
from tests.support.deliveries import BodyOf, DeliveryOf
from tests.support.printed import Printed
from tests.support.wiring import Wiring, relay_on
from wickiepay.clock import instant
from wickiepay.errors import StoreUnavailable
from wickiepay.event_log import EventLog
from wickiepay.event_record import State
from wickiepay.identity import Identity
from wickiepay.metrics import emitted
from wickiepay.queue import EventQueue, Message, decode

KEY = "payment.completed"


@dataclass
class Stand:
    """A relay, and the table that it works on."""

    relay: Relay
    delivery_of: DeliveryOf
    body_of: BodyOf
    now: datetime

    def flag(self, numbers: Iterable[int]) -> list[Message]:
        """Records and flags an event for each number, which is for how many seconds it has been waiting."""
        return [self._flag(number) for number in numbers]

    def _flag(self, seconds: int) -> Message:
        received_at = instant(self.now - timedelta(seconds=seconds))
        delivery = self.delivery_of(self.body_of(KEY, {"uuid": f"u-{seconds}"}), received_at=received_at)
        message = Message(Identity(f"u-{seconds}", KEY), delivery)
        self.relay.events.record(delivery, message.event())
        self.relay.events.flag_unsent(message.identity)
        return message

    def still_flagged(self) -> set[Identity]:
        return {unsent.identity for unsent in self.relay.events.unsent(1000)}


@pytest.fixture
def stand(events: EventLog, queue: EventQueue, delivery_of: DeliveryOf, body_of: BodyOf, now: datetime) -> Stand:
    return Stand(relay_on(Wiring(events, queue, now=lambda: now)), delivery_of, body_of, now)


def sent(calls: Calls) -> list[Message]:
    """What has been sent, in order."""
    return [decode(entry["MessageBody"]) for call in calls.of("SendMessageBatch") for entry in call["Entries"]]


def test_what_is_flagged_is_sent_whole_and_its_flag_taken_away(stand: Stand, calls: Calls) -> None:
    messages = stand.flag([30, 20, 10])

    assert stand.relay.run() == 3
    assert sent(calls) == messages
    assert stand.still_flagged() == set()


def test_the_oldest_is_sent_first(stand: Stand, calls: Calls) -> None:
    stand.flag([10, 50, 30, 20, 40])

    stand.relay.run()

    assert [message.identity.uuid for message in sent(calls)] == ["u-50", "u-40", "u-30", "u-20", "u-10"]


def test_what_is_not_flagged_is_left_alone(stand: Stand, calls: Calls) -> None:
    [message] = stand.flag([10])
    stand.relay.events.clear_unsent(message.identity)

    assert stand.relay.run() == 0
    assert sent(calls) == []


def test_a_run_with_nothing_to_do_only_looks(stand: Stand, calls: Calls) -> None:
    assert stand.relay.run() == 0
    assert calls.names() == ["Query"] * 4
    assert [call["Limit"] for call in calls.of("Query")] == [750] * 4  # 3,000 in one run


def test_a_run_sends_ten_in_one_call(stand: Stand, calls: Calls) -> None:
    stand.flag(range(25))
    calls.made.clear()

    assert stand.relay.run() == 25
    assert [len(call["Entries"]) for call in calls.of("SendMessageBatch")] == [10, 10, 5]
    assert len(calls.of("BatchGetItem")) == 3


def test_a_run_is_bounded_and_the_next_goes_on(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "MAX_EVENTS", 8)
    stand.flag(range(30))

    first = stand.relay.run()
    runs = [first, *(stand.relay.run() for _ in range(30))]

    assert first <= 8
    assert sum(runs) == 30
    assert stand.still_flagged() == set()


def test_a_run_that_takes_long_leaves_the_rest_to_the_next(stand: Stand, now: datetime) -> None:
    stand.flag(range(30))
    instants = chain([now, now], repeat(now + timedelta(seconds=40)))

    slow = replace(stand.relay, now=lambda: next(instants))

    assert [slow.run(), stand.relay.run()] == [10, 20]


# --- What needs no sending any more -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("state", "is_sent"),
    [(State.RECEIVED, True), (State.FAILED, True), (State.PROCESSED, False), (State.IGNORED, False), (None, False)],
)
def test_only_what_is_unfinished_is_sent_and_every_flag_goes(
    state: State | None, is_sent: bool, stand: Stand, calls: Calls
) -> None:
    [message] = stand.flag([10])
    identity, log = message.identity, stand.relay.events
    match state:
        case State.FAILED:
            log.mark_failed(identity, stand.now, "no amount")
        case State.PROCESSED:
            log.mark_processed(identity, stand.now, timedelta(days=1), [])
        case State.IGNORED:
            log.mark_ignored(identity, stand.now, timedelta(days=1))
        case None:  # finished and cleared by another relay, between the query and the read
            calls.answer("BatchGetItem", {"Responses": {"EventTable": []}})

    assert stand.relay.run() == is_sent
    assert len(sent(calls)) == is_sent
    assert stand.still_flagged() == set()


def test_a_finished_event_keeps_its_state(stand: Stand) -> None:
    [message] = stand.flag([10])
    stand.relay.events.mark_processed(message.identity, stand.now, timedelta(days=1), [])
    stand.relay.run()

    assert stand.relay.events.states([message.identity])[0] == {message.identity: State.PROCESSED}


# --- Twice, and at once -------------------------------------------------------------------------------
def test_a_second_run_finds_nothing_to_do(stand: Stand, calls: Calls) -> None:
    stand.flag(range(3))
    stand.relay.run()

    assert stand.relay.run() == 0
    assert len(sent(calls)) == 3


def test_two_overlapping_runs_do_no_harm(stand: Stand, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = stand.flag(range(12))
    unsent = stand.relay.events.unsent(1000)
    monkeypatch.setattr(stand.relay.events, "unsent", lambda _: unsent)  # both have looked before either has sent

    assert [stand.relay.run(), stand.relay.run()] == [12, 12]
    monkeypatch.undo()
    assert {message.identity for message in sent(calls)} == {message.identity for message in messages}
    assert stand.still_flagged() == set()
    states, _ = stand.relay.events.states(message.identity for message in messages)
    assert set(states.values()) == {State.RECEIVED}


# --- With a store out ---------------------------------------------------------------------------------
def test_a_run_stops_when_the_queue_refuses(stand: Stand, calls: Calls) -> None:
    messages = stand.flag(range(30))
    calls.fail("SendMessageBatch", skip=1)

    assert stand.relay.run() == 10
    assert len(calls.of("SendMessageBatch")) == 2
    assert len(stand.still_flagged()) == len(messages) - 10


def test_of_a_call_only_what_was_taken_is_cleared(stand: Stand, calls: Calls) -> None:
    stand.flag([30, 20, 10])
    calls.answer("SendMessageBatch", {"Successful": [{"Id": "0"}, {"Id": "2"}], "Failed": [{"Id": "1"}]})

    assert stand.relay.run() == 2
    assert stand.still_flagged() == {Identity("u-20", KEY)}


def test_once_the_queue_is_back_the_next_run_sends_the_rest(stand: Stand, calls: Calls) -> None:
    stand.flag(range(12))
    calls.fail("SendMessageBatch")
    stand.relay.run()
    calls.mend()

    assert stand.relay.run() == 12
    assert stand.still_flagged() == set()


@pytest.mark.parametrize("operation", ["Query", "BatchGetItem", "UpdateItem"])
def test_with_the_table_out_a_run_fails_and_the_next_goes_on(operation: str, stand: Stand, calls: Calls) -> None:
    messages = stand.flag(range(12))
    calls.fail(operation, times=1)

    with pytest.raises(StoreUnavailable):
        stand.relay.run()
    stand.relay.run()

    assert {message.identity for message in sent(calls)} == {message.identity for message in messages}
    assert stand.still_flagged() == set()


def test_a_message_whose_sending_was_not_answered_is_sent_again(stand: Stand, calls: Calls) -> None:
    stand.flag([10])
    calls.lose_answer("SendMessageBatch")

    assert [stand.relay.run(), stand.relay.run()] == [0, 1]
    assert stand.still_flagged() == set()


# --- What is printed ----------------------------------------------------------------------------------
def test_a_run_tells_how_many_wait_and_since_when(stand: Stand, printed: Printed, alarm: Callable[[str], str]) -> None:
    stand.flag([10, 700, 30])

    stand.relay.run()

    assert printed.metrics() == {"Unsent": [3], alarm("UnsentAlarm"): [700]}
    assert printed.units() == {"Unsent": "Count", alarm("UnsentAlarm"): "Seconds"}
    [line] = printed.logs()
    assert (line["message"], line["unsent"], line["sent"]) == ("relay run", 3, 3)


def test_a_run_with_nothing_to_do_says_so(stand: Stand, printed: Printed, alarm: Callable[[str], str]) -> None:
    stand.relay.run()

    assert printed.metrics() == {"Unsent": [0], alarm("UnsentAlarm"): [0]}


def test_lean_monitoring_tells_what_rings_the_alarm_alone(
    stand: Stand, printed: Printed, alarm: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "EMITTED", emitted("lean"))
    stand.relay.run()

    assert printed.metrics() == {alarm("UnsentAlarm"): [0]}


def test_the_metrics_are_out_before_anything_can_fail(stand: Stand, calls: Calls, printed: Printed) -> None:
    stand.flag([10])
    calls.fail("BatchGetItem")

    with pytest.raises(StoreUnavailable):
        stand.relay.run()
    assert printed.metrics()["Unsent"] == [1]


# --- As the template wires it -------------------------------------------------------------------------
def test_the_lambda_function(
    stand: Stand, environment: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "relay", relay.from_environment(environment("RelayFunction")))
    stand.flag([10])

    assert relay.lambda_handler({}, None) == {"sent": 1}
    assert stand.still_flagged() == set()
