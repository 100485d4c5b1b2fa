"""`wickiepay events replay` has events processed again, and does nothing twice."""

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import typer
from botocore.exceptions import EndpointConnectionError

from tests.support.aws import Calls
from tests.support.command_line import run, run_asked, run_json
from tests.support.operator_stack import CONFIRMED, OperatorStack
from wickiepay import clock, identity
from wickiepay.delivery import Delivery
from wickiepay.event_log import ATTEMPTS, EventLog
from wickiepay.event_record import State
from wickiepay.identity import Identity
from wickiepay.queue import EventQueue, Replay
from wickiepay_cli.app import main
from wickiepay_cli.commands.options import MAX_WHY_CHARACTERS, moment
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.progress import progress
from wickiepay_cli.pacing import batch_size, paced
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.replays import Replayer

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient

pytest_plugins = ["tests.support.operator_fixture"]

OPERATOR = "arn:aws:sts::123456789012:user/moto"


def failed(operator: OperatorStack, uuid: str = "c-1", **delivery: Any) -> Identity:  # noqa: ANN401  as OperatorStack.receive
    identity = operator.receive(uuid, **delivery)
    assert operator.events.mark_failed(identity, operator.now, "Given up.")
    return identity


# --- What a replay does ------------------------------------------------------------------------------
def test_a_failed_event_is_processed(operator: OperatorStack) -> None:
    identity = failed(operator)
    run("events", "replay", "c-1")
    operator.consume()
    assert (operator.state(identity), operator.balance()) == ("PROCESSED", "5")


def test_an_ignored_event_is_processed_once_there_is_a_handler(operator: OperatorStack) -> None:
    identity = operator.receive()
    operator.events.mark_ignored(identity, operator.now, timedelta(days=1))
    run("events", "replay", "c-1")
    operator.consume()
    assert operator.state(identity) == "PROCESSED"


def test_a_processed_event_stays_so_and_nothing_is_done_twice(operator: OperatorStack, calls: Calls) -> None:
    identity = operator.process(operator.receive())
    calls.made.clear()
    run("events", "replay", "c-1")
    [message] = operator.consume()
    assert message.replay
    assert (operator.state(identity), operator.balance(), calls.of("PutEvents")) == ("PROCESSED", "5", [])


def test_a_processed_event_is_announced_again_where_that_is_wanted(operator: OperatorStack, calls: Calls) -> None:
    operator.process(operator.receive())
    calls.made.clear()
    answer = run_json("events", "replay", "c-1", "--announce")
    operator.consume()
    [announced] = calls.of("PutEvents")
    assert [json.loads(entry["Detail"])["replay_id"] for entry in announced["Entries"]] == [answer["id"]]


def test_all_events_of_a_uuid_are_replayed(operator: OperatorStack) -> None:
    for name in ("payment.processing", "payment.completed"):
        operator.receive("p-1", name)
    operator.receive("p-2", "payment.completed")
    run("events", "replay", "p-1")
    assert {message.identity.event_key for message in operator.consume()} == {"payment.processing", "payment.completed"}


def test_one_event_of_a_uuid_is_replayed(operator: OperatorStack) -> None:
    for name in ("payment.processing", "payment.completed"):
        operator.receive("p-1", name)
    run("events", "replay", "p-1", "--event-key", "payment.completed")
    assert [message.identity.event_key for message in operator.consume()] == ["payment.completed"]


def test_the_beginning_of_a_key_will_do_where_it_is_the_only_one(operator: OperatorStack) -> None:
    for name in ("payment.processing", "payment.completed"):
        operator.receive("p-1", name)
    run("events", "replay", "p-1", "--event-key", "payment.c")
    assert [message.identity.event_key for message in operator.consume()] == ["payment.completed"]
    with pytest.raises(CommandError, match=r"There are 2 events whose key begins so: payment\.\w+, payment\.\w+\."):
        run("events", "replay", "p-1", "--event-key", "payment.")


# --- What is kept of it ------------------------------------------------------------------------------
def test_who_when_and_why_is_on_the_record(operator: OperatorStack) -> None:
    identity = failed(operator)
    answer = run_json("events", "replay", "c-1", "--why", "The handler is mended.", "--announce")
    facts = {"id": answer["id"], "by": OPERATOR, "why": "The handler is mended.", "announce": True}
    assert operator.replays(identity) == [{**facts, "at": clock.instant(operator.now)}]


def test_the_history_is_shown_with_the_event(operator: OperatorStack) -> None:
    identity = failed(operator)
    run("events", "replay", "c-1", "--why", "The handler is mended.")
    [event] = run_json("events", "show", "c-1")
    assert event["replays"] == operator.replays(identity)
    assert f"replayed by {OPERATOR} The handler is mended." in run("events", "show", "c-1").stdout


def test_the_message_says_the_same(operator: OperatorStack) -> None:
    failed(operator)
    answer = run_json("events", "replay", "c-1", "--why", "to see")
    [message] = operator.consume()
    assert message.replay == Replay(answer["id"], OPERATOR, "to see", announce=False)


def test_the_last_ten_times_are_kept(operator: OperatorStack) -> None:
    identity = failed(operator)
    for number in range(12):
        run("events", "replay", "c-1", "--why", str(number))
    assert [line["why"] for line in operator.replays(identity)] == [str(number) for number in range(2, 12)]


def test_two_operators_at_once_do_not_lose_each_others_line(
    operator: OperatorStack, dynamodb: "DynamoDBClient"
) -> None:
    identity = failed(operator)
    with meanwhile(dynamodb, lambda: run("events", "replay", "c-1", "--why", "the other")):
        run("events", "replay", "c-1", "--why", "the one")
    assert [line["why"] for line in operator.replays(identity)] == ["the other", "the one"]


def test_nothing_is_sent_before_it_is_on_the_record(operator: OperatorStack, calls: Calls) -> None:
    failed(operator)
    calls.refuse("UpdateItem", "AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        run("events", "replay", "c-1")
    assert calls.of("SendMessageBatch") == []


def test_a_record_that_expires_in_the_meantime_is_not_brought_back(
    operator: OperatorStack, dynamodb: "DynamoDBClient"
) -> None:
    identity = failed(operator)
    key = {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}
    with meanwhile(dynamodb, lambda: dynamodb.delete_item(TableName="EventTable", Key=key)):
        answer = run_json("events", "replay", "c-1")
    assert (answer["skipped"], answer["replayed"], operator.consume()) == (1, 0, [])


def test_a_record_that_is_fought_over_without_end_is_given_up(operator: OperatorStack, calls: Calls) -> None:
    failed(operator)
    item = {"replays": {"S": "[]"}}
    calls.refuse(
        "UpdateItem", "ConditionalCheckFailedException", Item={**operator.item(Identity("c-1", CONFIRMED)), **item}
    )
    with pytest.raises(Exception, match="too busy to note the replay"):
        run("events", "replay", "c-1")
    assert len(calls.of("UpdateItem")) == ATTEMPTS + 1  # with the one that marked it FAILED


class meanwhile:  # noqa: N801  reads as a word
    """As soon as the next UpdateItem is about to be made, something else happens first."""

    def __init__(self, client: Any, happening: Callable[[], object]) -> None:  # noqa: ANN401
        self._events = client.meta.events
        self._happening = happening

    def __enter__(self) -> None:
        self._events.register("before-parameter-build.dynamodb.UpdateItem", self._happen)

    def __exit__(self, *_: object) -> None:
        self._events.unregister("before-parameter-build.dynamodb.UpdateItem", self._happen)

    def _happen(self, **_: object) -> None:
        self.__exit__()
        self._happening()


# --- What cannot be replayed -------------------------------------------------------------------------
def conflict(operator: OperatorStack) -> Identity:
    operator.receive("c-1")
    return operator.receive("c-1", note="other content")


def unusable(operator: OperatorStack) -> Identity:
    body = b"[]"
    delivery = Delivery(body, "raw", clock.instant(operator.now), "192.0.2.1", "request")
    operator.events.keep_unusable(delivery, delivery.body_hash, "No object.")
    return identity.unusable(delivery.body_hash)


NOT_REPLAYABLE = [(conflict, "CONFLICT", "wickiepay events accept"), (unusable, "UNUSABLE", "have the provider send")]


@pytest.mark.parametrize(("keep", "state", "instead"), NOT_REPLAYABLE)
def test_a_delivery_that_is_no_event_is_not_replayed(
    operator: OperatorStack, keep: Callable[[OperatorStack], Identity], state: str, instead: str
) -> None:
    identity = keep(operator)
    with pytest.raises(CommandError, match=instead):
        run("events", "replay", identity.uuid, "--event-key", identity.event_key)
    result = run("events", "replay", "--state", state)
    assert (result.exit_code, instead.split(maxsplit=1)[0] in result.stderr, operator.consume()) == (2, True, [])


def test_a_conflict_does_not_keep_its_event_from_being_replayed(operator: OperatorStack) -> None:
    conflict(operator)
    answer = run_json("events", "replay", "c-1")
    assert (answer["matched"], len(operator.consume())) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["c-2"], "There is no such event of the uuid c-2. "),
        (
            ["c-1", "--event-key", "payment.completed"],
            f"There is no such event of the uuid c-1. There are: {CONFIRMED}.",
        ),
    ],
)
def test_an_event_that_is_not_there_is_said_to_be_missing(
    operator: OperatorStack, arguments: list[str], sentence: str
) -> None:
    failed(operator)
    with pytest.raises(CommandError) as missing:
        run("events", "replay", *arguments)
    assert str(missing.value) == sentence


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["c-1", "--state", "FAILED"],
        ["--event-key", CONFIRMED, "--state", "FAILED"],
        ["c-1", "--since", "2h"],
        ["c-1", "--until", "2h"],
        ["c-1", "--type", "payment.*"],
        ["c-1", "--limit", "1"],
        ["--state", "FAILED", "--since", "tomorrow"],
        ["--state", "FAILED", "--rate", "0"],
        ["c-1", "--why", "x" * (MAX_WHY_CHARACTERS + 1)],
    ],
)
def test_nonsense_is_wrong_usage(operator: OperatorStack, arguments: list[str]) -> None:
    failed(operator)
    assert run("events", "replay", *arguments).exit_code == 2


# --- The filter --------------------------------------------------------------------------------------
@pytest.fixture
def many(operator: OperatorStack) -> OperatorStack:
    failed(operator, "new", age=timedelta(minutes=30))
    failed(operator, "old", age=timedelta(days=2))
    failed(operator, "paid", event="payment.completed", age=timedelta(hours=3))
    operator.receive("waiting", age=timedelta(hours=1))
    operator.process(operator.receive("done", age=timedelta(hours=1)))
    return operator


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--state", "FAILED"], ["new", "paid", "old"]),
        (["--state", "failed"], ["new", "paid", "old"]),
        (["--state", "RECEIVED"], ["waiting"]),
        (["--state", "PROCESSED"], ["done"]),
        (["--state", "IGNORED"], []),
        (["--state", "RECEIVED,ignored", "--state", "PROCESSED"], ["waiting", "done"]),
        (["--state", "FAILED", "--since", "1h"], ["new"]),
        (["--state", "FAILED", "--since", "1d"], ["new", "paid"]),
        (["--state", "FAILED", "--until", "2h"], ["paid", "old"]),
        (["--state", "FAILED", "--since", "1d", "--until", "2h"], ["paid"]),
        (["--state", "FAILED", "--since", "2026-01-15"], ["new", "paid"]),
        (["--state", "FAILED", "--until", "2026-01-14T12:00:00+01:00"], ["old"]),
        (["--state", "FAILED", "--type", "payment.*"], ["paid"]),
        (["--state", "FAILED", "--limit", "2"], ["new", "paid"]),
    ],
)
def test_the_filter_form_replays_what_it_names(
    many: OperatorStack, monkeypatch: pytest.MonkeyPatch, arguments: list[str], found: list[str]
) -> None:
    monkeypatch.setattr(
        "wickiepay_cli.store.event_records.EventRecords.beginning", lambda _: datetime(2026, 1, 1, tzinfo=UTC)
    )
    answer = run_json("events", "replay", *arguments)
    assert ([message.identity.uuid for message in many.consume()], answer["matched"]) == (found, len(found))


def test_a_dry_run_names_the_events_and_leaves_them_alone(many: OperatorStack) -> None:
    result = run("events", "replay", "--state", "FAILED", "--since", "1d", "--dry-run")
    lines = [f"{CONFIRMED} new", "payment.completed paid", "2 would be processed again."]
    assert (result.stdout.splitlines(), many.consume()) == (lines, [])
    assert many.replays(Identity("new", CONFIRMED)) == []


def test_more_events_than_a_batch_holds_are_replayed(operator: OperatorStack) -> None:
    for number in range(23):
        failed(operator, f"c-{number}")
    answer = run_json("events", "replay", "--state", "FAILED", "--since", "1d")
    assert (answer["replayed"], len({message.identity for message in operator.consume()})) == (23, 23)


def test_people_are_told_what_was_done(many: OperatorStack) -> None:  # noqa: ARG001  full of events
    result = run("events", "replay", "--state", "FAILED", "--since", "1d")
    assert (result.stdout, result.stderr) == ("2 sent to be processed again.\n", "")


def test_an_event_whose_state_has_changed_is_skipped(
    operator: OperatorStack, dynamodb: "DynamoDBClient", sqs: "SQSClient"
) -> None:
    identity = failed(operator)
    operator.events.mark_processed(identity, operator.now, timedelta(days=1), [])
    replayer = Replayer(dynamodb, "EventTable", EventQueue(sqs, "unused"), lambda: operator.now)
    tally = replayer.replay([identity], Replay("id", "by", "why"), {State.FAILED})
    assert (tally.replayed, tally.skipped, tally.unsent, operator.replays(identity)) == (0, 1, 0, [])


@pytest.mark.usefixtures("many")
def test_people_are_told_of_what_was_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventLog, "note_replay", lambda *_: False)
    result = run("events", "replay", "--state", "FAILED", "--since", "1h")
    assert result.stdout == "0 sent to be processed again. 1 skipped: their state has changed.\n"


def test_it_stops_where_the_queue_is_out_of_reach(
    operator: OperatorStack, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(23):
        failed(operator, f"c-{number}")
    calls.fail("SendMessageBatch")
    with pytest.raises(CommandError, match="did not take 10 of them"):
        run("events", "replay", "--state", "FAILED", "--since", "1d")
    noted = sum(len(operator.replays(Identity(f"c-{number}", CONFIRMED))) for number in range(23))
    assert (noted, capsys.readouterr().err) == (10, "")


# --- Being asked first -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["--since", "1d", "--stack", "prod"], True),
        (["--since", "1h", "--stack", "prod"], True),
        (["--since", "1m", "--stack", "prod"], False),
        (["--since", "1d", "--stack", "prod", "--dry-run"], False),
    ],
)
def test_events_of_a_deployed_stack_are_replayed_only_after_a_question(
    many: OperatorStack,
    arguments: list[str],
    asked: bool,
) -> None:
    result = run_asked("events", "replay", "--state", "FAILED", *arguments, answer="n")
    assert ("On prod this would have" in result.stderr, result.exit_code) == (asked, int(asked))
    assert not (asked and many.consume())


# --- Several states ----------------------------------------------------------------------------------
def test_events_in_several_states_are_replayed(operator: OperatorStack) -> None:
    failed(operator, "c-1")
    operator.receive("c-2")
    operator.process(operator.receive("c-3"))
    run("events", "replay", "--state", "FAILED", "--state", "RECEIVED", "--since", "1d")
    assert {message.identity.uuid for message in operator.consume()} == {"c-1", "c-2"}


def test_without_a_state_one_is_told_what_to_give() -> None:
    result = run("events", "replay", "--since", "3d")
    assert (result.exit_code, "--state FAILED" in result.stderr) == (2, True)


# --- Ctrl-C ------------------------------------------------------------------------------------------
@pytest.fixture
def interrupted(operator: OperatorStack, monkeypatch: pytest.MonkeyPatch) -> list[Identity]:
    """25 failed events, the newest first; Ctrl-C comes when the third ten are about to be replayed."""
    identities = [failed(operator, f"c-{number:02}", age=timedelta(hours=1 + number)) for number in range(25)]
    through = Replayer.replay
    batches = iter([None, None])

    def replay(self: Replayer, *what: Any) -> object:  # noqa: ANN401  as Replayer.replay
        for _ in batches:
            return through(self, *what)
        monkeypatch.setattr(Replayer, "replay", through)
        raise KeyboardInterrupt

    monkeypatch.setattr(Replayer, "replay", replay)
    return identities


REST = "2026-01-14T14:25:01.000000Z"
"""When the twentieth of them was received."""

FAILED = ("--state", "FAILED", "--since", "2026-01-01")


@pytest.mark.usefixtures("interrupted")
def test_after_ctrl_c_one_is_told_how_to_go_on() -> None:
    result = run("events", "replay", *FAILED)
    assert re.search(rf"not all of the 25: .* give the same command with --until {REST}\.", result.stderr)
    assert result.exit_code == 130


def test_whoever_goes_on_replays_the_rest(interrupted: list[Identity], operator: OperatorStack) -> None:
    run("events", "replay", *FAILED)
    assert {message.identity for message in operator.consume()} == set(interrupted[:20])
    run("events", "replay", *FAILED, "--until", REST)
    assert {message.identity for message in operator.consume()} == set(interrupted[20:])


def test_whoever_begins_anew_replays_what_is_not_processed_yet(
    interrupted: list[Identity], operator: OperatorStack
) -> None:
    run("events", "replay", *FAILED)
    operator.consume()
    run("events", "replay", *FAILED)
    assert {message.identity for message in operator.consume()} == set(interrupted[20:])


@pytest.mark.usefixtures("interrupted")
def test_programs_are_told_how_far_it_got(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["events", "replay", *FAILED, "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert (end.value.code, answer["matched"], answer["replayed"], answer["interrupted"], answer["until"]) == (
        130,
        25,
        20,
        True,
        REST,
    )


# --- A progress bar ----------------------------------------------------------------------------------
class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("screen", "shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_a_terminal_alone_gets_a_progress_bar(
    monkeypatch: pytest.MonkeyPatch, screen: io.StringIO, shown: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", screen)
    with progress("Replaying", 7) as advance:
        advance(7)
    assert ("Replaying" in screen.getvalue(), "7/7" in screen.getvalue(), bool(screen.getvalue())) == (shown,) * 3


def test_a_progress_bar_tells_how_many_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 1000, 10))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr", screen := Terminal())
    monkeypatch.setattr("rich.console.monotonic", lambda: float(next(seconds)))
    with progress("Exporting", None) as advance:
        for _ in range(5):
            advance(1000)
    assert "/s" in screen.getvalue()


# --- The pace ----------------------------------------------------------------------------------------
class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(("rate", "size"), [(None, 10), (100, 10), (10, 10), (4, 4), (1.9, 1), (0.5, 1)])
def test_a_batch_is_what_one_send_takes_or_a_second_allows(rate: float | None, size: int) -> None:
    assert batch_size(rate) == size


@pytest.mark.parametrize(("rate", "times"), [(None, [0, 0, 0]), (2, [0, 1, 2]), (4, [0, 0.5, 1]), (0.5, [0, 4, 8])])
def test_batches_come_no_faster_than_the_rate(rate: float | None, times: list[float]) -> None:
    clock = Clock()
    came = [clock() - 100 for _ in paced([[1, 2], [3, 4], [5, 6]], rate, clock, clock.sleep)]
    assert came == times


def test_what_is_slow_by_itself_is_not_held_back() -> None:
    clock = Clock()

    def slow() -> Iterator[list[int]]:
        for number in range(3):
            clock.sleep(5)
            yield [number]

    assert [clock() - 100 for _ in paced(slow(), 1, clock, clock.sleep)] == [5, 10, 15]


# --- Times and names ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30m", "2026-01-15T09:55:01+00:00"),
        ("2h", "2026-01-15T08:25:01+00:00"),
        ("3d", "2026-01-12T10:25:01+00:00"),
        ("1w", "2026-01-08T10:25:01+00:00"),
        ("today", "2026-01-15T00:00:00+00:00"),
        ("yesterday", "2026-01-14T00:00:00+00:00"),
        ("2026-01-15", "2026-01-15T00:00:00+00:00"),
        ("2026-01-15T10:25", "2026-01-15T10:25:00+00:00"),
        ("2026-01-15T10:25:00+02:00", "2026-01-15T08:25:00+00:00"),
        ("2026-01-15T10:25:00Z", "2026-01-15T10:25:00+00:00"),
    ],
)
def test_a_time_is_an_instant_or_an_age(text: str, meant: str, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)
    assert moment(text).isoformat() == meant


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2y", "tomorrow", "999999w", "0001-01-01T00:00:00+14:00"])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment(text)


def test_what_is_no_text_in_a_reason_does_not_reach_the_record(operator: OperatorStack) -> None:
    identity = failed(operator)
    run("events", "replay", "c-1", "--why", "caf\udce9")
    assert [line["why"] for line in operator.replays(identity)] == ["caf?"]


class UnreachableSts:
    def get_caller_identity(self) -> None:
        raise EndpointConnectionError(endpoint_url="https://sts.invalid")


@pytest.mark.parametrize(("login", "name"), [(lambda: "somebody", "somebody"), (None, "unknown")])
def test_where_aws_does_not_say_who_calls_the_login_does(
    monkeypatch: pytest.MonkeyPatch, login: Callable[[], str] | None, name: str
) -> None:
    monkeypatch.setattr("getpass.getuser", login or nameless)
    assert operator_name(Stack("listener", {}, lambda _: UnreachableSts())) == name


def nameless() -> str:
    raise OSError("No username set in the environment")
