"""`wickiepay events` shows what is on record."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import command_line
from tests.support.aws import Calls
from tests.support.command_line import run, run_json
from tests.support.deliveries import BodyOf, DeliveryOf
from wickiepay import clock
from wickiepay.delivery import Delivery
from wickiepay.event import parse
from wickiepay.event_log import EventLog
from wickiepay.event_record import SHARDS
from wickiepay.identity import Identity, unusable
from wickiepay_cli.app import main
from wickiepay_cli.stacks import stack
from wickiepay_cli.store.duplicate_deliveries import PAGES, duplicate_deliveries
from wickiepay_cli.store.event_records import FIRST_OF_ALL, EventRecords
from wickiepay_cli.store.timeline import _replayed

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEEP = timedelta(days=30)


@pytest.fixture(autouse=True)
def listener(events: EventLog, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:  # noqa: ARG001
    monkeypatch.setattr(stack, "find", command_line.stack)
    monkeypatch.setattr(clock, "now", lambda: now)


type Receive = Callable[..., Identity]


@pytest.fixture
def receive(events: EventLog, body_of: BodyOf) -> Receive:
    """Records a delivery, as ingest does."""

    def receive(at: str, event: str = "payment.completed", uuid: str = "u-1", **data: object) -> Identity:
        body = body_of(event, {"uuid": uuid, **data})
        parsed = parse(body)
        events.record(Delivery(body, "raw", f"{at}.000000Z", "192.0.2.1", "request"), parsed)
        return parsed.identity

    return receive


def listed(*arguments: str) -> list[dict[str, Any]]:
    since = () if "--since" in arguments else ("--since", "2026-01-01")
    answer: list[dict[str, Any]] = run_json("events", "list", *since, *arguments)
    return answer


def uuids(*arguments: str) -> list[str]:
    return [event["uuid"] for event in listed(*arguments)]


# --- list --------------------------------------------------------------------------------------------
def test_a_listed_event_says_what_became_of_it(receive: Receive, events: EventLog, now: datetime) -> None:
    events.mark_failed(receive("2026-01-15T10:00:00"), now, "No account.")
    assert listed() == [
        {
            "uuid": "u-1",
            "event": "payment.completed",
            "event_key": "payment.completed",
            "state": "FAILED",
            "received_at": "2026-01-15T10:00:00.000000Z",
            "processed_at": clock.instant(now),
            "scheme": "raw",
            "error": "No account.",
            "occurred_at": "2026-01-15T10:25:00.000000Z",
            "event_id": None,
            "place": None,
            "received": None,
            "tries": None,
            "last_error": None,
            "next_try_at": None,
            "accepted": None,
            "dismissed": None,
            "open": False,
        }
    ]


def test_what_is_not_known_yet_is_null(receive: Receive) -> None:
    receive("2026-01-15T10:00:00")
    [event] = listed()
    assert (event["state"], event["processed_at"], event["error"]) == ("RECEIVED", None, None)


def test_the_newest_comes_first_across_shards_and_days(receive: Receive) -> None:
    times = [f"2026-01-{day:02}T{hour:02}:00:00" for day in (3, 14, 15) for hour in range(10)]
    for number, at in enumerate(times):
        receive(at, uuid=f"u-{number}")
    assert uuids() == [f"u-{number}" for number in reversed(range(30))]


def test_more_than_one_batch_of_events_is_listed(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.store.dynamodb.MAX_KEYS", 2)
    for number in range(5):
        receive(f"2026-01-15T10:00:0{number}", uuid=f"u-{number}")
    assert uuids() == ["u-4", "u-3", "u-2", "u-1", "u-0"]


def test_an_event_stamped_by_a_clock_that_is_ahead_is_listed(receive: Receive) -> None:
    receive("2026-01-16T00:00:01")
    assert uuids() == ["u-1"]


def test_unusable_and_conflicting_deliveries_are_listed(
    receive: Receive, events: EventLog, delivery_of: DeliveryOf
) -> None:
    receive("2026-01-15T10:00:00")
    receive("2026-01-15T10:00:01", note="other content")
    delivery = delivery_of(b"[]", received_at="2026-01-15T10:00:02.000000Z")
    events.keep_unusable(delivery, delivery.body_hash, "No object.")
    assert [(event["state"], event["event"]) for event in listed()] == [
        ("UNUSABLE", None),
        ("CONFLICT", "payment.completed"),
        ("RECEIVED", "payment.completed"),
    ]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--state", "PROCESSED"), ["u-2"]),
        (("--state", "processed"), ["u-2"]),
        (("--state", "IGNORED"), []),
        (("--state", "PROCESSED", "--state", "ignored"), ["u-2"]),
        (("--type", "deposit.*,payment.created"), ["u-3", "u-1"]),
        (("--type", "deposit.*", "--type", "payment.completed"), ["u-3", "u-2"]),
        (("--type", "payment.created"), ["u-1"]),
        (("--type", "payment.*"), ["u-2", "u-1"]),
        (("--type", "payment"), []),
        (("--state", "RECEIVED", "--type", "deposit.*"), ["u-3"]),
        (("--limit", "2"), ["u-3", "u-2"]),
        (("--limit", "1", "--type", "payment.*"), ["u-2"]),
        (("--since", "2026-01-15"), ["u-3", "u-2"]),
        (("--since", "2026-01-15T10:00:01"), ["u-3"]),
        (("--until", "2026-01-15T10:00:00"), ["u-2", "u-1"]),
        (("--uuid", "u-2"), ["u-2"]),
        (("--uuid", "u-2", "--state", "RECEIVED"), []),
        (("--reference", "order-2"), ["u-2"]),
        (("--reference", "order"), []),
        (("--text", "ORDER-"), ["u-2"]),
        (("--text", '"status"', "--type", "deposit.*"), ["u-3"]),
    ],
)
def test_a_list_can_be_narrowed(
    receive: Receive, events: EventLog, now: datetime, arguments: tuple[str, ...], found: list[str]
) -> None:
    receive("2026-01-14T10:00:00", "payment.created", "u-1")
    events.mark_processed(
        receive("2026-01-15T10:00:00", "payment.completed", "u-2", reference="order-2"), now, KEEP, []
    )
    receive("2026-01-15T11:00:00", "deposit.status_change", "u-3", status="COMPLETE")
    assert uuids(*arguments) == found


def test_only_as_much_is_read_as_is_shown(
    receive: Receive, dynamodb: "DynamoDBClient", calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (13, 14, 15):
        receive(f"2026-01-{day}T10:00:00", uuid=f"u-{day}")
    monkeypatch.setattr("wickiepay_cli.store.dynamodb.MAX_KEYS", 1)
    calls.made.clear()
    next(EventRecords(dynamodb, "EventTable").newest_first(FIRST_OF_ALL, datetime(2026, 1, 15, 23, tzinfo=UTC)))
    days = {query["ExpressionAttributeValues"][":day_shard"]["S"][:10] for query in calls.of("Query")}
    assert days == {"2026-01-15"}


def test_the_time_that_is_asked_for_is_all_that_is_read(
    receive: Receive, dynamodb: "DynamoDBClient", calls: Calls
) -> None:
    for hour in (9, 10, 11, 12):
        receive(f"2026-01-15T{hour:02}:00:00", uuid=f"u-{hour}")
    calls.made.clear()
    bounds = (datetime(2026, 1, 15, hour, tzinfo=UTC) for hour in (10, 11))
    found = [record.uuid for record in EventRecords(dynamodb, "EventTable").newest_first(*bounds)]
    asked = [request["Keys"] for call in calls.of("BatchGetItem") for request in call["RequestItems"].values()]
    assert (found, [key["uuid"]["S"] for keys in asked for key in keys]) == (["u-11", "u-10"], ["u-11", "u-10"])


def test_the_first_page_of_many_reads_little_more_than_it_shows(
    receive: Receive, dynamodb: "DynamoDBClient", calls: Calls
) -> None:
    for minute in range(60):
        receive(f"2026-01-15T10:{minute:02}:00", uuid=f"u-{minute}")
    calls.made.clear()
    newest_first = EventRecords(dynamodb, "EventTable", at_first=11).newest_first(
        FIRST_OF_ALL, datetime(2026, 1, 16, tzinfo=UTC)
    )
    assert [record.uuid for record in islice(newest_first, 10)] == [f"u-{59 - n}" for n in range(10)]
    keys = [len(each["Keys"]) for call in calls.of("BatchGetItem") for each in call["RequestItems"].values()]
    assert (keys, {query["Limit"] for query in calls.of("Query")} <= {3, 6}) == ([11], True)


def test_every_day_is_looked_at_once_however_many_are_empty(
    receive: Receive, dynamodb: "DynamoDBClient", calls: Calls
) -> None:
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 7) for day in (1, 28)]
    for day in days:
        receive(f"{day}T10:00:00", uuid=day)
    calls.made.clear()
    found = EventRecords(dynamodb, "EventTable").newest_first(FIRST_OF_ALL, datetime(2026, 6, 30, tzinfo=UTC))
    assert [record.uuid for record in found] == days[::-1]
    asked = [query["ExpressionAttributeValues"][":day_shard"]["S"] for query in calls.of("Query")]
    assert len(asked) == len(set(asked)) == (31 + 28 + 31 + 30 + 31 + 30) * SHARDS


def test_nothing_is_an_empty_array() -> None:
    assert listed() == []


def test_the_list_goes_back_to_the_day_on_which_the_table_was_made(
    receive: Receive, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    made = EventRecords(dynamodb, "EventTable").beginning()
    noon = datetime(made.year, made.month, made.day, 12)  # noqa: DTZ001  it becomes text
    monkeypatch.setattr(clock, "now", lambda: noon + timedelta(days=1))
    receive((noon - timedelta(days=1)).isoformat(), uuid="before")
    receive(noon.isoformat(), uuid="since")
    assert [event["uuid"] for event in run_json("events", "list")] == ["since"]


def test_of_a_restored_table_everything_is_listed(dynamodb: "DynamoDBClient", calls: Calls) -> None:
    restored = {"CreationDateTime": datetime(2026, 11, 15, tzinfo=UTC), "RestoreSummary": {"RestoreInProgress": False}}
    calls.answer("DescribeTable", {"Table": restored})
    assert EventRecords(dynamodb, "EventTable").beginning() == FIRST_OF_ALL


def test_the_table_s_first_day_is_one_of_utc(dynamodb: "DynamoDBClient", calls: Calls) -> None:
    made = datetime(2026, 1, 15, 9, tzinfo=timezone(timedelta(hours=13)))
    calls.answer("DescribeTable", {"Table": {"CreationDateTime": made}})
    assert EventRecords(dynamodb, "EventTable").beginning() == datetime(2026, 1, 14, tzinfo=UTC)


def test_people_are_told_that_nothing_is_listed() -> None:
    assert run("events", "list", "--since", "2026-01-15").stdout == "There are no such events.\n"


def test_people_see_why_an_event_failed(receive: Receive, events: EventLog, now: datetime) -> None:
    events.mark_failed(receive("2026-01-15T10:00:00"), now, "The event names no account.")
    assert "The event names no account." in run("events", "list", "--since", "2026-01-15").stdout


@pytest.mark.parametrize("command", [("list", "--since", "2026-01-15"), ("show", "u-1")])
def test_people_see_what_keeps_an_event_from_being_finished(
    command: tuple[str, ...], receive: Receive, events: EventLog, now: datetime
) -> None:
    events.note_retry(receive("2026-01-15T10:00:00"), 3, "ValueError in handlers/payment.py:40", now)
    said = "tried 3 times, next at 10:25:01 UTC: ValueError in handlers/payment.py:40"
    assert said in " ".join(run("events", *command).stdout.split())


def test_people_see_how_long_ago_it_was(receive: Receive, now: datetime) -> None:
    receive((now - timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%S"))
    assert "3 min ago" in run("events", "list", "--since", "2026-01-15").stdout


@pytest.mark.parametrize(
    ("event", "data", "name"),
    [
        ("payment.completed", {}, "payment.completed"),
        ("deposit.status_change", {"status": "PENDING"}, "deposit.status_change#PENDING"),
        ("channel.payment.confirmed", {"hash": "0x" + "ab" * 32}, "channel.payment.confirmed#" + "ab" * 32),
    ],
)
def test_people_see_what_tells_the_events_of_a_uuid_apart(
    receive: Receive, event: str, data: dict[str, str], name: str
) -> None:
    receive("2026-01-15T10:00:00", event, **data)
    assert f" {name} " in run("events", "list", "--since", "2026-01-15").stdout


def test_people_are_told_that_the_limit_cut_the_list(receive: Receive) -> None:
    for number in range(3):
        receive(f"2026-01-15T10:00:0{number}", uuid=f"u-{number}")
    told = [run("events", "list", "--since", "2026-01-15", "--limit", limit).stderr for limit in ("2", "3")]
    assert told == ["There are more than these 2. To see more: --limit 20\n", ""]


def test_in_a_pipe_a_table_begins_with_its_headings_and_no_line_ends_in_blanks(receive: Receive) -> None:
    receive("2026-01-15T10:00:00")
    lines = run("events", "list", "--since", "2026-01-15").stdout.splitlines()
    assert ("received at" in lines[0], [line for line in lines if line != line.rstrip()]) == (True, [])


LONG_NAMES = ["approval.request.status_changed", "channel.payment.confirmed", "consolidation.status_change"]


def test_at_a_narrow_terminal_a_uuid_is_in_one_piece(
    receive: Receive, events: EventLog, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_cli.output.tables.WIDE", 80)
    uuid = "6a9d6f3e-0f0b-4c39-8a0f-6f7f0a9b1c2d"
    identity = receive("2026-01-15T10:00:00", "channel.payment.confirmed", uuid)
    events.mark_failed(identity, now, "The event names no account: data.reference is missing.")
    shown = run("events", "list", "--since", "2026-01-15").stdout
    assert (uuid in shown, max(map(len, shown.splitlines())) <= 80) == (True, True)


@pytest.mark.parametrize("columns", [80, 240])
def test_keys_can_be_copied_as_shown(receive: Receive, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.output.tables.WIDE", columns)
    uuid = "6a9d6f3e-0f0b-4c39-8a0f-6f7f0a9b1c2d"
    keys = [receive("2026-01-15T10:00:00", name, uuid, status="COMPLETE").event_key for name in LONG_NAMES]
    lines = run("events", "list", "--since", "2026-01-15").stdout.splitlines()
    assert [any(line.split()[-1] == key or f" {key} " in line for line in lines) for key in keys] == [True] * len(keys)


def test_people_get_a_table(receive: Receive) -> None:
    receive("2026-01-15T10:00:00")
    result = run("events", "list", "--since", "2026-01-15")
    assert [
        word for word in ("2026-01-15", "10:00:00", "RECEIVED", "payment.completed", "u-1") if word in result.stdout
    ] == [
        "2026-01-15",
        "10:00:00",
        "RECEIVED",
        "payment.completed",
        "u-1",
    ]


@pytest.mark.parametrize("arguments", [("--state", "LOST"), ("--limit", "0"), ("--since", "tomorrow")])
def test_a_list_of_nonsense_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run("events", "list", *arguments).exit_code == 2


@pytest.mark.parametrize("command", [("events", "list"), ("events", "export"), ("events", "replay", "--state=FAILED")])
@pytest.mark.parametrize("period", [("--since", "2026-01-15", "--until", "2026-01-14"), ("--since", "2026-02-01")])
def test_a_time_that_ends_before_it_begins_is_wrong_usage(command: tuple[str, ...], period: tuple[str, ...]) -> None:
    result = run(*command, *period)
    assert (result.exit_code, "later than" in result.stderr) == (2, True)


def test_so_it_is_where_stats_begin_a_day_ago() -> None:
    assert run("stats", "--until", "2026-01-01").exit_code == 2


# --- show --------------------------------------------------------------------------------------------
def test_all_events_of_a_uuid_are_shown_in_the_order_of_arrival(receive: Receive) -> None:
    receive("2026-01-15T10:00:02", "payment.created")
    receive("2026-01-15T10:00:01", "payment.completed")
    receive("2026-01-15T10:00:00", "payment.completed", "another")
    assert [event["event"] for event in run_json("events", "show", "u-1")] == ["payment.completed", "payment.created"]


def test_a_shown_event_has_its_body_and_effects(
    receive: Receive, events: EventLog, now: datetime, body_of: BodyOf
) -> None:
    effect = {"effect": "credit", "account": "a", "currency": "EUR", "amount": "0.3"}
    events.mark_processed(receive("2026-01-15T10:00:00"), now, KEEP, [effect])
    body = body_of("payment.completed", {"uuid": "u-1"})
    [event] = run_json("events", "show", "u-1")
    assert event == {
        **listed()[0],
        "body": body.decode(),
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "effects": [effect],
        "replays": [],
        "accepted": None,
    }


def test_a_body_that_is_not_utf8_is_shown_as_far_as_it_is(events: EventLog, delivery_of: DeliveryOf) -> None:
    body = b"caf\xe9"
    delivery = delivery_of(body)
    events.keep_unusable(delivery, delivery.body_hash, "No JSON.")
    [event] = run_json("events", "show", unusable(delivery.body_hash).uuid)
    assert (event["body"], event["effects"]) == ("caf\N{REPLACEMENT CHARACTER}", [])


@pytest.mark.parametrize("uuid", ["a#b", "x" * 5000, "é"])
def test_an_event_is_found_by_the_uuid_it_came_with_and_by_the_one_it_is_listed_under(
    receive: Receive, uuid: str
) -> None:
    identity = receive("2026-01-15T10:00:00", uuid=uuid)
    assert [len(run_json("events", "show", name)) for name in (uuid, identity.uuid)] == [1, 1]


def test_programs_get_an_empty_array_before_they_are_told_that_there_is_no_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["events", "show", "u-1", "--json"])
    assert tuple(capsys.readouterr()) == ("[]\n", "There is no event of the uuid u-1.\n")


def test_people_are_told_that_there_is_no_event(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["events", "show", "[u-1]"])
    assert tuple(capsys.readouterr()) == ("", "There is no event of the uuid [u-1].\n")


def test_people_see_the_facts_the_effects_and_the_body(receive: Receive, events: EventLog, now: datetime) -> None:
    events.mark_processed(receive("2026-01-15T10:00:00"), now, KEEP, [{"effect": "set_payment", "status": "COMPLETE"}])
    shown = run("events", "show", "u-1").stdout
    assert ("set_payment COMPLETE" in shown, '"uuid": "u-1"' in shown) == (True, True)


def test_the_life_of_a_uuid_is_told_in_the_order_in_which_it_happened(
    receive: Receive, events: EventLog, now: datetime
) -> None:
    created = receive("2026-01-15T10:00:00", "payment.created")
    receive("2026-01-15T10:00:01", "payment.completed")
    events.mark_processed(created, datetime(2026, 1, 15, 10, 0, 2, tzinfo=UTC), KEEP, [])
    events.mark_failed(Identity("u-1", "payment.completed"), now, "No account.")
    lines = run("events", "show", "u-1").stdout.splitlines()
    told = [line.split()[2:4] for line in lines if line.strip().startswith("2026-")]
    assert told == [
        ["payment.created", "received,"],
        ["payment.completed", "received,"],
        ["payment.created", "announced"],
        ["payment.created", "PROCESSED"],
        ["payment.completed", "FAILED;"],
    ]


def told(*, announcements: str = "on", again: list[str] | None = None) -> list[list[str]]:
    """The timeline of u-1, of a stack that announces or not; its log of ingest has these lines, or is not there."""
    lines = [{"timestamp": 1768472401250, "message": line} for line in again or []]
    log = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"events": lines}]))
    found = command_line.stack()
    outputs = {**found.outputs, **({} if again is None else {"IngestLogGroup": "log"})}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            stack,
            "find",
            lambda *_: replace(
                found,
                outputs=outputs,
                parameters={"Announcements": announcements},
                client=lambda service: log if service == "logs" else found.client(service),
            ),
        )
        shown = run("events", "show", "u-1").stdout.splitlines()
    return [line.split(maxsplit=3) for line in shown[2:] if line.strip().startswith(("2026-", "Duplicate"))]


@pytest.mark.parametrize(("announcements", "seen"), [("on", True), ("off", False)])
def test_an_announcement_is_a_moment_where_the_stack_announces(
    receive: Receive, events: EventLog, now: datetime, announcements: str, *, seen: bool
) -> None:
    events.mark_processed(receive("2026-01-15T10:00:00"), now, KEEP, [])
    whats = [moment[3] for moment in told(announcements=announcements, again=[])]
    assert ("announced on the event bus" in whats) is seen


@pytest.mark.parametrize(("ignored", "told_of"), [(True, ["announced", "IGNORED"]), (False, ["FAILED;"])])
def test_what_is_ignored_was_announced_and_what_failed_was_not(
    receive: Receive, events: EventLog, now: datetime, ignored: bool, told_of: list[str]
) -> None:
    identity = receive("2026-01-15T10:00:00")
    assert events.mark_ignored(identity, now, KEEP) if ignored else events.mark_failed(identity, now, "No account.")
    assert [moment[3].split()[0] for moment in told(again=[])] == ["received,", *told_of]


def test_a_delivery_that_repeats_an_event_is_told_to_the_millisecond(receive: Receive) -> None:
    receive("2026-01-15T10:00:00")
    line = {"message": "delivery duplicate", "uuid": "u-1", "event_key": "payment.completed"}
    other = {**line, "uuid": "u-10"}
    moments = told(again=["START", json.dumps(other), json.dumps(line)])
    assert [moment[:3] for moment in moments if "again" in moment[3]] == [
        ["2026-01-15", "10:20:01.250", "payment.completed"]
    ]


def test_an_effect_is_a_moment_without_the_uuid_that_all_of_them_are_of(
    receive: Receive, events: EventLog, now: datetime
) -> None:
    effect = {"effect": "set_payment", "uuid": "u-1", "status": "COMPLETE"}
    events.mark_processed(receive("2026-01-15T10:00:00"), now, KEEP, [effect])
    assert "effect: set_payment COMPLETE" in [moment[3] for moment in told(again=[])]


def test_a_log_that_is_not_read_to_its_end_tells_nothing() -> None:
    pages = SimpleNamespace(paginate=lambda **_: iter([{"events": []}] * (PAGES + 1)))
    log = SimpleNamespace(get_paginator=lambda _: pages)
    assert duplicate_deliveries(lambda _: log, "log", "u-1", "2026-01-15T10:00:00.000000Z") is None


def test_where_the_log_cannot_be_read_people_are_told_where_repeated_deliveries_are(receive: Receive) -> None:
    receive("2026-01-15T10:00:00")
    assert told(again=None)[-1][0] == "Duplicate"


def test_the_log_of_a_deployed_stack_is_named(receive: Receive) -> None:
    receive("2026-01-15T10:00:00")
    assert (
        "log of ingest: wickiepay open logs ingest --stack prod\n"
        in run("events", "show", "u-1", "--stack", "prod").stdout
    )


@pytest.mark.parametrize(("announce", "said"), [(True, "again"), (False, "only if not announced yet")])
def test_a_replay_says_whether_it_was_to_be_announced_again(announce: bool, said: str) -> None:
    replay = {"id": "r", "by": "operator", "why": "", "at": "2026-01-15T10:00:00.000000Z", "announce": announce}
    assert _replayed(replay) == f"replayed by operator; to be announced {said}"


def test_amounts_are_shown_as_they_are_spelled(receive: Receive) -> None:
    receive("2026-01-15T10:00:00", amount=100.0)
    assert '"amount": 100.0' in run("events", "show", "u-1").stdout


def test_a_body_is_shown_as_it_was_received(receive: Receive) -> None:
    receive("2026-01-15T10:00:00")
    assert '"data": {"uuid": "u-1"}' in run("events", "show", "u-1", "--raw").stdout


def test_a_body_cannot_command_the_terminal(events: EventLog, delivery_of: DeliveryOf) -> None:
    body = b"\x1b]0;title\x07[bold]"
    delivery = delivery_of(body)
    events.keep_unusable(delivery, delivery.body_hash, "No JSON.")
    shown = run("events", "show", unusable(delivery.body_hash).uuid).stdout
    assert r"\x1b]0;title\x07[bold]" in shown
