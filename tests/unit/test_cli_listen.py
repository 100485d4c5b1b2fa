"""`wickiepay listen`: what is known of deliveries, what is news, and how it is shown."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyte
import pytest
from rich.console import Console
from rich.live import Live

from tests.support import command_line
from tests.support.aws import Calls
from tests.support.deliveries import BodyOf
from tests.support.operator_stack import OperatorStack
from wickiepay.errors import StoreUnavailable
from wickiepay.event_record import Record, State
from wickiepay.identity import Identity
from wickiepay_cli.commands import listen as listen_module
from wickiepay_cli.commands.forwarding import Wanted
from wickiepay_cli.commands.listen import sample_command
from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.emulator_patches import Patch
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.store.event_records import EventRecords
from wickiepay_cli.watching import feed as feed_module
from wickiepay_cli.watching.delivery_log import DeliveryLog, Reader, is_kept_in
from wickiepay_cli.watching.delivery_table import fitting, name
from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.feed import (
    Arrival,
    Changed,
    Delivered,
    Feed,
    Forwarded,
    News,
    Trouble,
    of_exchange,
    of_record,
)
from wickiepay_cli.watching.live_view import Drawing, show_line, show_line_of_json
from wickiepay_cli.watching.poll import Newcomers, look, looking

pytest_plugins = ["tests.support.operator_fixture"]

EVENT = Identity("u-1", "payment.completed")
AT = "2026-01-15T10:25:00.000000Z"
BEFORE, AFTER = "2026-01-15T10:24:59.000000Z", "2026-01-15T10:25:01.000000Z"

ARRIVAL = Arrival(
    number=1,
    at=AT,
    request="POST /webhooks/wickiepay",
    event="payment.completed",
    uuid="u-1",
    event_key="payment.completed",
    scheme=None,
    status=200,
    outcome="accepted",
    milliseconds=12,
    state=State.RECEIVED,
    processed_at=None,
    error=None,
)
RECEIVED = Record("u-1", "payment.completed", "payment.completed", State.RECEIVED, AT, None, "raw", None)


def verdict(state: State, at: str = AFTER, error: str | None = None) -> Record:
    return replace(RECEIVED, state=state, processed_at=at, error=error)


def all_news(feed: Feed) -> list[News]:
    return list(iter(lambda: feed.news(0), None))


def changes(feed: Feed) -> list[State | None]:
    return [each.arrival.state for each in all_news(feed) if isinstance(each, Changed)]


@pytest.fixture
def feed() -> Feed:
    return Feed()


# --- What became of a delivery -------------------------------------------------------------------------
def test_a_delivery_is_news(feed: Feed) -> None:
    feed.arrived(ARRIVAL)
    assert all_news(feed) == [Delivered(ARRIVAL)]


def test_deliveries_are_numbered_in_the_order_of_arrival(feed: Feed) -> None:
    for _ in range(3):
        feed.arrived(ARRIVAL)
    assert [each.number for each in feed.after(0)] == [1, 2, 3]


@pytest.mark.parametrize("state", [State.PROCESSED, State.IGNORED, State.FAILED])
def test_a_verdict_is_news_once(feed: Feed, state: State) -> None:
    feed.arrived(ARRIVAL)
    for found in (RECEIVED, verdict(state), verdict(state)):
        feed.noticed([found])
    assert changes(feed) == [state]


@pytest.mark.parametrize("state", [State.PROCESSED, State.CONFLICT, State.UNUSABLE])
def test_in_a_final_state_a_delivery_is_no_longer_followed(feed: Feed, state: State) -> None:
    feed.arrived(ARRIVAL)
    assert feed.unsettled() == [EVENT]
    feed.noticed([verdict(state)])
    assert feed.unsettled() == []


@pytest.mark.parametrize("state", [State.IGNORED, State.FAILED])
def test_what_a_replay_makes_of_it_is_news(feed: Feed, state: State) -> None:
    feed.arrived(ARRIVAL)
    feed.noticed([verdict(state)])
    feed.noticed([verdict(State.PROCESSED)])
    assert changes(feed) == [state, State.PROCESSED]


def test_failing_again_is_news(feed: Feed) -> None:
    feed.arrived(ARRIVAL)
    for at in (BEFORE, AFTER):
        feed.noticed([verdict(State.FAILED, at)])
    assert changes(feed) == [State.FAILED, State.FAILED]


def test_each_try_that_fails_is_news_until_it_succeeds(feed: Feed) -> None:
    feed.arrived(ARRIVAL)
    for tries in (2, 2, 3):
        feed.noticed([replace(RECEIVED, tries=tries, last_error="ValueError", next_try_at=AFTER)])
    feed.noticed([verdict(State.PROCESSED)])
    said = [each.arrival.error for each in all_news(feed) if isinstance(each, Changed)]
    assert said == [*(f"tried {tries} times, next at {AFTER[11:19]} UTC: ValueError" for tries in (2, 3)), None]


def test_a_failure_of_before_the_delivery_is_not_its_verdict(feed: Feed) -> None:
    feed.arrived(replace(ARRIVAL, outcome="duplicate", state=None))
    feed.noticed([verdict(State.FAILED, BEFORE)])
    feed.noticed([verdict(State.PROCESSED)])
    assert changes(feed) == [State.FAILED, State.PROCESSED]


def test_a_duplicate_of_what_is_processed_is_told_so(feed: Feed) -> None:
    feed.arrived(replace(ARRIVAL, outcome="duplicate", state=None))
    feed.noticed([verdict(State.PROCESSED, BEFORE)])
    assert (changes(feed), feed.unsettled()) == ([State.PROCESSED], [])


def test_the_scheme_comes_with_the_record(feed: Feed) -> None:
    feed.arrived(ARRIVAL)
    feed.noticed([RECEIVED])
    assert [each.scheme for each in feed.after(0)] == ["raw"]


def test_what_is_not_on_record_yet_is_still_followed(feed: Feed) -> None:
    feed.arrived(ARRIVAL)
    feed.noticed([])
    assert feed.unsettled() == [EVENT]


def test_two_deliveries_of_an_event_are_looked_up_once(feed: Feed) -> None:
    feed.arrived(ARRIVAL)
    feed.arrived(ARRIVAL)
    assert feed.unsettled() == [EVENT]


def test_of_too_many_the_settled_are_forgotten_first(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "REMEMBERED", 3)
    for number, state in enumerate([State.RECEIVED, State.CONFLICT, State.RECEIVED, State.RECEIVED, State.RECEIVED]):
        feed.arrived(replace(ARRIVAL, uuid=f"u-{number}", state=state))
    assert [identity.uuid for identity in feed.unsettled()] == ["u-2", "u-3", "u-4"]


def test_more_open_ones_than_are_looked_up_at_once_have_their_turns(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "LOOKED_UP", 2)
    for number in range(5):
        feed.arrived(replace(ARRIVAL, uuid=f"u-{number}"))
    turns = [[identity.uuid for identity in feed.unsettled()] for _ in range(4)]
    assert turns == [["u-0", "u-1"], ["u-2", "u-3"], ["u-4", "u-0"], ["u-1", "u-2"]]


def test_what_nobody_reads_is_counted_not_kept() -> None:
    feed = Feed(backlog=2)
    for _ in range(5):
        feed.arrived(ARRIVAL)
    *_, last = all_news(feed)
    assert last == Trouble("3 deliveries and changes are not shown: they came faster than they were read.")


# --- What an exchange tells ----------------------------------------------------------------------------
def exchanged(request: bytes, status: int, answer: bytes, now: datetime) -> Arrival:
    return of_exchange(Exchange("POST", b"/webhooks/wickiepay", [], request, status, [], answer, seconds=1.0), now)


TAKEN = b'{"status": "%s", "uuid": "u-1", "event_key": "payment.completed"}'


def test_a_delivery_came_when_its_request_did(body_of: BodyOf, now: datetime) -> None:
    assert exchanged(body_of(), 200, TAKEN % b"accepted", now).at == AT


@pytest.mark.parametrize(
    ("status", "answer", "outcome", "followed", "state"),
    [
        (200, TAKEN % b"accepted", "accepted", True, State.RECEIVED),
        (200, TAKEN % b"duplicate", "duplicate", True, None),
        (200, TAKEN % b"conflict", "conflict", False, State.CONFLICT),
        (401, b'{"error": "signature_mismatch", "message": "No."}', "signature_mismatch", False, None),
        (404, b'{"message": "Not Found"}', "Not Found", False, None),
        (503, b"<html>", None, False, None),
        (500, b"[]", None, False, None),
        (200, b'{"status": 1}', None, False, None),
    ],
)
def test_an_answer_says_what_became_of_the_request(
    body_of: BodyOf,
    now: datetime,
    status: int,
    answer: bytes,
    outcome: str | None,
    followed: bool,
    state: State | None,
) -> None:
    arrival = exchanged(body_of(data={"uuid": "u-1"}), status, answer, now)
    assert (arrival.event, arrival.status, arrival.outcome) == ("payment.completed", status, outcome)
    assert (not arrival.settled, arrival.state) == (followed, state)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"event": 1}', b"[" * 100_000])
def test_a_request_without_an_event_is_shown_as_a_request(body: bytes, now: datetime) -> None:
    arrival = exchanged(body, 400, b"", now)
    assert (arrival.event, arrival.uuid, arrival.request) == (None, None, "POST /webhooks/wickiepay")


# --- Looking at the table ------------------------------------------------------------------------------
@pytest.fixture
def table(operator: OperatorStack) -> EventRecords:
    return EventRecords(operator.dynamodb, "EventTable")


def newcomers_to(table: EventRecords, now: Callable[[], datetime]) -> Newcomers[Arrival]:
    return Newcomers(table, lambda identities: map(of_record, table.of(identities)), now)


def uuids(arrivals: list[Arrival]) -> list[str | None]:
    return [arrival.uuid for arrival in arrivals]


def test_newcomers_come_once_in_their_order(operator: OperatorStack, table: EventRecords) -> None:
    newcomers = newcomers_to(table, lambda: operator.now)
    for number in range(8):
        operator.receive(f"u-{number}", age=timedelta(seconds=8 - number))
    assert [uuids(newcomers()), uuids(newcomers())] == [[f"u-{number}" for number in range(8)], []]


def test_what_was_there_before_is_no_newcomer(operator: OperatorStack, table: EventRecords) -> None:
    operator.receive("before", age=timedelta(seconds=5))
    newcomers = newcomers_to(table, lambda: operator.now)
    operator.receive("new", age=timedelta())
    assert uuids(newcomers()) == ["new"]


def test_what_the_index_shows_late_is_not_missed(operator: OperatorStack, table: EventRecords) -> None:
    newcomers = newcomers_to(table, lambda: operator.now)
    operator.receive("second", age=timedelta())
    assert uuids(newcomers()) == ["second"]
    operator.receive("first", age=timedelta(seconds=20))
    assert uuids(newcomers()) == ["first"]


def test_newcomers_are_found_across_midnight(operator: OperatorStack, table: EventRecords) -> None:
    midnight = operator.now.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    newcomers = newcomers_to(table, lambda: midnight)
    for uuid, at in (("evening", midnight - timedelta(seconds=1)), ("morning", midnight + timedelta(seconds=1))):
        operator.receive(uuid, age=operator.now - at)
    assert uuids(newcomers()) == ["evening", "morning"]


def test_newcomers_that_could_not_be_read_come_the_next_time(
    operator: OperatorStack, table: EventRecords, calls: Calls
) -> None:
    newcomers = newcomers_to(table, lambda: operator.now)
    operator.receive("new", age=timedelta())
    calls.fail("BatchGetItem", StoreUnavailable("Busy."), times=1)
    with pytest.raises(StoreUnavailable):
        newcomers()
    assert uuids(newcomers()) == ["new"]


def test_a_look_finds_who_came_and_the_next_one_the_verdict(
    operator: OperatorStack, table: EventRecords, feed: Feed
) -> None:
    newcomers = newcomers_to(table, lambda: operator.now)
    event = operator.receive("new", age=timedelta())
    look(feed, table, newcomers)
    operator.process(event)
    look(feed, table, newcomers)
    told = [(type(each), each.arrival.state) for each in all_news(feed) if isinstance(each, Delivered)]
    assert told == [(Delivered, State.RECEIVED), (Changed, State.PROCESSED)]


def test_of_an_outage_is_told_once(feed: Feed) -> None:
    outcomes = iter([None, *[StoreUnavailable("Out of reach.")] * 3, None, StoreUnavailable("Again.")])
    enough = threading.Event()

    def once() -> None:
        outcome = next(outcomes, None)
        if outcome:
            if str(outcome) == "Again.":
                enough.set()
            raise outcome

    with looking(feed, once, pause_seconds=0.001):
        assert enough.wait(10)
    assert all_news(feed) == [Trouble("Out of reach."), Trouble("Again.")]


# --- What is shown -------------------------------------------------------------------------------------
HOSTILE = "x\x1b[31m[red]\ny"
FAILED = replace(ARRIVAL, scheme="raw", state=State.FAILED, processed_at=AFTER, error="No account.")


@pytest.mark.parametrize(
    ("news", "line"),
    [
        (Delivered(ARRIVAL), "10:25:00  payment.completed  u-1  200 accepted  12 ms"),
        (Changed(FAILED), "10:25:01  payment.completed  u-1  raw  FAILED  No account."),
        (
            Delivered(replace(ARRIVAL, request=None, scheme="raw", status=None, outcome=None, milliseconds=None)),
            "10:25:00  payment.completed  u-1  raw  RECEIVED",
        ),
        (
            Delivered(replace(ARRIVAL, event=None, uuid=None, event_key=None, status=404, outcome="Not Found")),
            "10:25:00  POST /webhooks/wickiepay  404 Not Found  12 ms",
        ),
    ],
)
def test_a_pipe_gets_a_line(news: Delivered, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_line(news)
    assert capsys.readouterr().out == f"{line}\n"


def test_in_a_pipe_an_event_that_comes_again_is_not_processed_again(
    feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    again = replace(ARRIVAL, outcome="duplicate", state=None)
    for arrivals, found in (([ARRIVAL, again], verdict(State.FAILED, AT)), ([again], verdict(State.PROCESSED))):
        for arrival in arrivals:
            feed.arrived(arrival)
        feed.noticed([found])
        feed.noticed([found])
    for news in all_news(feed):
        assert isinstance(news, Delivered)
        show_line(news)
    said = [line.split("  ")[3:] for line in capsys.readouterr().out.splitlines()]
    assert said == [
        ["200 accepted", "12 ms"],
        ["200 duplicate", "12 ms"],
        ["raw", "FAILED"],
        ["200 duplicate", "12 ms"],
        ["raw", "PROCESSED"],
    ]


@pytest.mark.parametrize(("news", "change"), [(Delivered(FAILED), False), (Changed(FAILED), True)])
def test_a_program_gets_a_line_of_json(news: Delivered, change: bool, capsys: pytest.CaptureFixture[str]) -> None:
    show_line_of_json(news)
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "change": change,
        "number": 1,
        "at": AT,
        "request": "POST /webhooks/wickiepay",
        "event": "payment.completed",
        "uuid": "u-1",
        "event_key": "payment.completed",
        "scheme": "raw",
        "status": 200,
        "outcome": "accepted",
        "milliseconds": 12,
        "state": "FAILED",
        "processed_at": AFTER,
        "error": "No account.",
    }


UUID = "9204c333-4469-4b29-b7cb-b6c1fb41d1d4"
LONG = replace(
    FAILED, event="channel.payment.completed", uuid=UUID, event_key="channel.payment.completed", state=State.PROCESSED
)
REFUSED = replace(ARRIVAL, uuid=UUID, event_key=None, status=401, outcome="signature_mismatch", state=None)


def rendered(columns: int, *arrivals: Arrival, answers: bool = True) -> list[str]:
    table = fitting(columns, answers=answers)
    return [table.head.plain, *(table.row(each).plain for each in arrivals)]


SHOWN = {
    80: """\
time     event               uuid                                 code state
10:25:00 channe…nt.completed 9204c333-4469-4b29-b7cb-b6c1fb41d1d4 200  PROCESSED
10:25:00 payment.completed   9204c333-4469-4b29-b7cb-b6c1fb41d1d4 401
""",
    120: """\
time      event                           uuid                                  answer                     ms  state
10:25:00  channel.payment.completed       9204c333-4469-4b29-b7cb-b6c1fb41d1d4  200 accepted               12  PROCESSED
10:25:00  payment.completed               9204c333-4469-4b29-b7cb-b6c1fb41d1d4  401 signature_mismatch     12
""",
    160: (
        "time      event                                   uuid                                  scheme  answer"
        "                     ms  state\n"
        "10:25:00  channel.payment.completed               9204c333-4469-4b29-b7cb-b6c1fb41d1d4  raw     200 accepted"
        "               12  PROCESSED\n"
        "10:25:00  payment.completed                       9204c333-4469-4b29-b7cb-b6c1fb41d1d4          401 signature"
        "_mismatch     12\n"
    ),
}


@pytest.mark.parametrize("columns", SHOWN)
def test_the_table_keeps_to_the_width_of_the_terminal(columns: int) -> None:
    assert rendered(columns, LONG, REFUSED) == SHOWN[columns].splitlines()


@pytest.mark.parametrize("columns", range(59, 200))
def test_a_uuid_and_a_state_are_never_cut(columns: int) -> None:
    [_, line] = rendered(columns, LONG)
    assert (len(line) <= columns, UUID in line, line.endswith("PROCESSED")) == (True, True, True)


@pytest.mark.parametrize("columns", [60, 80, 120, 160])
def test_events_of_different_names_do_not_look_alike(columns: int) -> None:
    events = ("channel.payment.confirmed", "channel.payment.completed", "payment.completed")
    assert len({rendered(columns, replace(LONG, event=event))[1] for event in events}) == len(events)


def test_a_stack_that_keeps_no_answers_has_no_columns_for_them() -> None:
    [head, _] = rendered(120, LONG, answers=False)
    assert head.split() == ["time", "event", "uuid", "scheme", "state"]


@pytest.mark.parametrize(
    ("event_key", "shown"),
    [
        ("deposit.status_change#COMPLETE", "deposit.status_change#COMPLETE"),
        ("deposit.status_change#" + "0" * 64, "deposit.status_change"),
        ("deposit.status_change", "deposit.status_change"),
        (None, "deposit.status_change"),
    ],
)
def test_a_short_key_tells_events_of_a_type_apart(event_key: str | None, shown: str) -> None:
    assert name(replace(ARRIVAL, event="deposit.status_change", event_key=event_key)) == shown


@pytest.mark.parametrize("columns", [20, 80, 160])
def test_a_delivery_is_one_line_whatever_it_holds(columns: int) -> None:
    hostile = replace(ARRIVAL, event=HOSTILE * 30, uuid=HOSTILE, outcome=HOSTILE)
    [_, line] = rendered(columns, hostile)
    assert line.isprintable()


# --- What stays to be scrolled back to -----------------------------------------------------------------
class Terminal:
    """A terminal of so many lines; the clock stands until it is told."""

    def __init__(self, feed: Feed, now: datetime, lines: int = 5) -> None:
        self.now = now
        self.screen = io.StringIO()
        console = Console(file=self.screen, width=120, height=lines, force_terminal=True, color_system=None)
        self.live = Live(console=console, auto_refresh=False)
        self.drawing = Drawing(feed, self.live, lambda: self.now, answers=True)

    def written(self) -> list[str]:
        """The uuids of what stands above the table that changes, for whoever scrolls back."""
        return self._uuids(slice(None, -1))

    def all(self) -> list[str]:
        return self._uuids(slice(None))

    def _uuids(self, parts: slice) -> list[str]:
        screen = pyte.HistoryScreen(120, 5, history=1000)
        pyte.Stream(screen).feed(self.screen.getvalue().replace("\n", "\r\n"))
        above = ["".join(line[x].data for x in range(120)) for line in screen.history.top]
        tables = "\n".join([*above, *screen.display]).split("time  ")
        return [line.split()[2] for table in tables[parts] for line in table.splitlines() if line[:1].isdigit()]

    def draw(self) -> None:
        self.drawing(None)


@pytest.fixture
def terminal(feed: Feed, now: datetime) -> Iterator[Terminal]:
    terminal = Terminal(feed, now)
    with terminal.live:
        yield terminal


def test_what_the_screen_has_no_room_for_is_written_above_it_once_and_in_order(feed: Feed, terminal: Terminal) -> None:
    for number in range(8):
        feed.arrived(replace(ARRIVAL, uuid=f"u-{number}", state=State.PROCESSED))
        terminal.draw()
        terminal.draw()
    assert (terminal.all(), len(terminal.written())) == ([f"u-{number}" for number in range(8)], 5)


def test_what_an_application_answers_is_written_above(feed: Feed, terminal: Terminal) -> None:
    feed.arrived(ARRIVAL)
    said: Any = {"event": "payment.completed", "uuid": "u-1", "event_key": None, "status": 200, "answer": "fine"}
    terminal.drawing(Forwarded(at=AT, attempt=1, milliseconds=3, again=False, **said))
    assert "forwarded  payment.completed  u-1  200  3 ms  fine" in terminal.screen.getvalue()


def test_what_is_written_waits_for_its_verdict(feed: Feed, terminal: Terminal) -> None:
    for number in range(5):
        feed.arrived(replace(ARRIVAL, uuid=f"u-{number}"))
    terminal.draw()
    assert terminal.written() == []
    feed.noticed([replace(verdict(State.FAILED), uuid="u-0")])
    terminal.draw()
    assert terminal.written() == ["u-0"]


def test_a_verdict_is_not_waited_for_without_end(feed: Feed, terminal: Terminal) -> None:
    for number in range(5):
        feed.arrived(replace(ARRIVAL, uuid=f"u-{number}"))
    terminal.now += timedelta(minutes=1)
    terminal.draw()
    assert terminal.written() == ["u-0", "u-1"]


def test_nothing_is_kept_back_in_the_end(feed: Feed, terminal: Terminal) -> None:
    for number in range(5):
        feed.arrived(replace(ARRIVAL, uuid=f"u-{number}"))
    terminal.drawing.finish()
    assert terminal.written() == ["u-0", "u-1"]


# --- The delivery log ----------------------------------------------------------------------------------
def test_a_reader_gets_what_is_noted_from_then_on(tmp_path: Path) -> None:
    delivery_log = DeliveryLog(tmp_path)
    delivery_log.note(LONG)
    with closing(Reader(tmp_path)) as reader:
        delivery_log.note(ARRIVAL)
        delivery_log.note(REFUSED)
        assert [reader(), reader()] == [[ARRIVAL, REFUSED], []]


def test_a_full_logbook_gives_way_to_another_and_readers_miss_nothing(tmp_path: Path) -> None:
    delivery_log = DeliveryLog(tmp_path, max_bytes=1000)
    read: list[Arrival] = []
    with closing(Reader(tmp_path)) as reader:
        for number in range(20):
            delivery_log.note(replace(ARRIVAL, number=number))
            read += reader()
    assert [each.number for each in read] == list(range(20))
    assert (tmp_path / "deliveries.jsonl").stat().st_size < 1500


def test_a_logbook_is_there_as_long_as_its_stack(tmp_path: Path) -> None:
    with DeliveryLog.kept_in(tmp_path):
        assert is_kept_in(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_with_its_stack_a_delivery_is_forgotten(feed: Feed) -> None:
    feed.arrived(ARRIVAL)
    feed.forget()
    assert (feed.unsettled(), feed.after(0)) == ([], [])


def test_what_a_stranger_wrote_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show_line(Delivered(replace(ARRIVAL, event="[red]\x1b[31m")))
    assert r"[red]\x1b[31m" in capsys.readouterr().out


# --- Where it is said to be ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("folder", "command"),
    [
        (None, "'/a b/wickiepay' trigger payment.completed"),
        ("/a folder", "WICKIEPAY_LOCAL='/a folder' '/a b/wickiepay' trigger payment.completed"),
    ],
)
def test_the_command_that_sends_a_sample_can_be_pasted(
    folder: str | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WICKIEPAY_LOCAL", raising=False)
    if folder:
        monkeypatch.setenv("WICKIEPAY_LOCAL", folder)
    assert sample_command("/a b/wickiepay") == command


# --- Whose port and secret -----------------------------------------------------------------------------
@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stacks that are followed, deployed as they are, instead of being waited for."""
    followed: list[str] = []

    def follow_stack(*_: object, following: Callable[..., None], **__: object) -> None:
        following(command_line.stack(), lambda: None)

    monkeypatch.setattr(listen_module, "follow_stack", follow_stack)
    monkeypatch.setattr(listen_module, "Newcomers", lambda *_: list)
    monkeypatch.setattr(listen_module._Watch, "__call__", lambda *_, **__: followed.append("followed"))
    return followed


def test_the_environment_s_port_and_secret_are_no_matter_to_a_deployed_stack(
    followed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "3100")
    monkeypatch.setenv("WICKIEPAY_WEBHOOK_SECRET", "of-the-environment")
    assert (command_line.run("listen", "--stack", "prod").exit_code, followed) == (0, ["followed"])


@pytest.mark.usefixtures("followed", "signing_secret")
@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PORT", "3100", "PORT is 3100, but the stack that is running here has another one"),
        ("PORT", "3001", ""),
        ("PORT", "0", ""),
        ("WICKIEPAY_WEBHOOK_SECRET", "another", "is not the secret of the stack that is running here"),
        ("WICKIEPAY_WEBHOOK_SECRET", "the-signing-secret-of-these-tests", ""),
    ],
)
def test_variables_that_do_not_fit_the_stack_on_this_machine_are_told(
    variable: str, value: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(local_stack, "read", lambda _: "one that runs")
    monkeypatch.setitem(command_line.OUTPUTS, "WebhookUrl", "http://127.0.0.1:3001/webhooks/wickiepay")
    result = command_line.run("listen")
    lines = (result.stdout + result.stderr).splitlines()
    assert (len(lines), told in " ".join(lines)) == (3 if told else 2, True)


@pytest.mark.parametrize(("verbose", "told"), [(True, ["prepared: Api, Queue: left out (unknown)"]), (False, [])])
def test_what_is_prepared_for_the_emulator_is_told_where_it_is_asked_for(
    verbose: bool, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    access, outputs = Access("http://127.0.0.1:1", "KEY", "secret"), {"EventTableName": "t"}
    stack = LocalStack("http://127.0.0.1:1/", access, "us-east-1", "local", outputs, 1)
    patches = [Patch(resource, "left out", "unknown") for resource in ("Api", "Queue")]
    running = SimpleNamespace(stack=stack, patches=patches, emulator=SimpleNamespace(check=None))
    monkeypatch.setattr(listen_module, "running_stack", lambda *_: nullcontext(running))
    monkeypatch.setattr(listen_module._Watch, "__call__", lambda *_, **__: None)
    said: list[str] = []
    nothing = Wanted(None)
    watch = listen_module._Watch(Feed(), lambda **_: nullcontext(print), said.append, nothing)
    run = listen_module._Run(watch, 0, "secret", quiet=False, verbose=verbose, console=False)
    run()
    run()  # the next one, where the emulator has ended
    assert [line for line in said if line.startswith("prepared")] == told


@pytest.mark.parametrize(("given", "told"), [("", "WICKIEPAY_WEBHOOK_SECRET is set but empty"), (" \n", "blank")])
def test_a_stack_of_its_own_is_not_run_with_a_blank_secret(
    given: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    monkeypatch.setenv("WICKIEPAY_WEBHOOK_SECRET", given)
    monkeypatch.setattr(listen_module, "supervise", lambda *_: pytest.fail("it runs"))
    with pytest.raises(CommandError, match=told):
        command_line.run("listen")


def test_a_stack_of_its_own_has_the_secret_that_its_functions_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets: list[str] = []
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    monkeypatch.setenv("WICKIEPAY_WEBHOOK_SECRET", "\ufeffmine\n")
    monkeypatch.setattr(listen_module, "supervise", lambda run, *_: secrets.append(run._signing_secret))
    assert (command_line.run("listen").exit_code, secrets) == (0, ["mine"])


@pytest.mark.usefixtures("followed")
@pytest.mark.parametrize("option", [("--port", "3100"), ("--signing-secret", "mine"), ("--provider", "simulated")])
def test_a_port_secret_or_provider_that_is_asked_for_is_not_passed_over(option: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match="is only for starting a stack"):
        command_line.run("listen", "--stack", "prod", *option)
