"""`wickiepay reconcile`: what is missing is said, and asked for only if somebody agrees."""

import json
import re
import stat
import sys
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support import command_line
from tests.support.command_line import run, run_asked, run_json
from tests.support.deliveries import BodyOf, DeliveryOf
from tests.support.operator_stack import OperatorStack
from tests.support.provider import Answering, FakeProvider, listing, refusing
from wickiepay.identity import Identity
from wickiepay_cli.commands import reconcile
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_reconcile.asking import FEW, Asked, Limits
from wickiepay_reconcile.notes import Arrival, Notes, Run, State
from wickiepay_reconcile.our_events import OurEvents

SINCE: Final = ("--since", "2026-01-15T00:00")
EVENTS: Final = ("reconcile", "events", *SINCE)
PAYMENTS: Final = ("reconcile", "payments", *SINCE)
AT: Final = "2026-01-15T10:00:00Z"


pytest_plugins = ["tests.support.operator_fixture"]


@pytest.fixture(autouse=True)
def listener(operator: OperatorStack, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str | None, *_: object) -> Stack:
        return replace(operator.stack(), asked=Where(name))

    monkeypatch.setattr(stack, "find", find)


@pytest.fixture
def receive(operator: OperatorStack) -> Callable[[str], Identity]:
    """Records a delivery of an event that happened at `AT`."""
    return lambda uuid: operator.receive(uuid, "payment.created", age=operator.now - datetime.fromisoformat(AT))


def entry(id_: str, **other: Any) -> dict[str, Any]:  # noqa: ANN401  whatever is listed
    return {"id": id_, "event": "payment.created", "timestamp": AT, "status": "DELIVERED", "attempts": 1, **other}


def taken() -> httpx.Response:
    return httpx.Response(202)


def provides(monkeypatch: pytest.MonkeyPatch, *answers: httpx.Response | Answering) -> FakeProvider:
    fake = FakeProvider(*answers)
    monkeypatch.setattr(reconcile, "api_of", fake.made)
    return fake


@pytest.fixture
def two_of_three(receive: Callable[[str], Identity], monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    """A provider that lists three events, of which one was given up and is not here; then takes what it is asked."""
    receive("u-1")
    receive("u-2")
    listed = listing(entry("a"), entry("b"), entry("c", status="FAILED"))

    def answer(request: httpx.Request) -> httpx.Response:
        return listed(request) if request.method == "GET" else taken()

    return provides(monkeypatch, answer)


def asked_for(provider: FakeProvider) -> list[Any]:
    return [json.loads(request.content) for request in provider.requests if request.method == "POST"]


# --- Events ---------------------------------------------------------------------------------------
def test_what_is_missing_is_told_and_is_an_exit_code(two_of_three: FakeProvider) -> None:
    result = run(*EVENTS)
    assert (result.exit_code, asked_for(two_of_three)) == (1, [])
    assert "1, of which the provider gave up 1" in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines() if "FAILED" in line] == ["c"]


def test_at_a_narrow_terminal_an_id_is_in_one_piece_and_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.output.tables.WIDE", 80)
    provides(monkeypatch, listing(entry(UUID, event="channel.payment.confirmed", status="FAILED")))
    shown = run(*EVENTS).stdout
    assert UUID in shown


def test_a_program_gets_all_of_it(two_of_three: FakeProvider) -> None:  # noqa: ARG001
    told = json.loads(run(*EVENTS, "--json").stdout)
    assert told | {"theirs": 3, "ours": {"RECEIVED": 2}, "matched": 2, "under_way": 0, "brake": None} == told
    assert [each["id"] for each in told["missing"]] == ["c"]


def test_nothing_missing_is_no_exit_code(receive: Callable[[str], Identity], monkeypatch: pytest.MonkeyPatch) -> None:
    receive("u-1")
    provides(monkeypatch, listing(entry("a")))
    assert run(*EVENTS).exit_code == 0


def test_a_replay_is_asked_for_once_somebody_agrees(two_of_three: FakeProvider) -> None:
    asked = run_asked(*EVENTS, "--ask-replay", "--stack", "prod", answer="n")
    assert "ask the provider to send 1 event again" in asked.output
    assert asked_for(two_of_three) == []
    told = run_asked(*EVENTS, "--ask-replay", "--stack", "prod", answer="y")
    assert asked_for(two_of_three) == [{"eventIds": ["c"]}]
    assert "The provider was asked to send 1 event again." in told.stdout


def test_why_the_provider_refuses_a_replay_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = listing(entry("a", status="FAILED"), entry("b", status="FAILED"), entry("c", status="FAILED"))
    provides(monkeypatch, lambda request: listed(request) if request.method == "GET" else refusing(404))
    assert "c: The provider answered POST" in run(*EVENTS, "--ask-replay").stderr


def test_only_so_many_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = listing(entry("a", status="FAILED"), entry("b", status="FAILED"), entry("c", status="FAILED"))
    provider = provides(monkeypatch, lambda request: listed(request) if request.method == "GET" else taken())
    monkeypatch.setattr(reconcile, "Limits", partial(Limits, asked=2))
    assert "1 more may be missing" in run(*EVENTS, "--ask-replay").stderr
    assert [len(each["eventIds"]) for each in asked_for(provider)] == [2]


def test_where_the_lists_mean_other_things_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = provides(monkeypatch, listing(*(entry(str(number)) for number in range(60))))
    result = run(*EVENTS, "--ask-replay", "--yes")
    assert "None of 60 events" in result.stderr
    assert "more than these 50" in result.stderr
    assert asked_for(provider) == []


def test_somebody_who_knows_better_releases_the_brake(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = listing(*(entry(str(number)) for number in range(10)))
    provider = provides(monkeypatch, lambda request: listed(request) if request.method == "GET" else taken())
    run(*EVENTS, "--ask-replay", "--release-brake")
    assert [len(each["eventIds"]) for each in asked_for(provider)] == [10]


def test_a_list_without_events_is_told_where_some_are_on_record(
    receive: Callable[[str], Identity], monkeypatch: pytest.MonkeyPatch
) -> None:
    provides(monkeypatch, listing())
    assert run(*EVENTS).stderr == ""
    receive("u-1")
    assert "The provider lists no event, and the stack has 1 on record" in run(*EVENTS).stderr


def test_a_destination_of_ones_own_is_asked_for(two_of_three: FakeProvider) -> None:
    run(*EVENTS, "--destination", "d-1")
    assert {request.url.params["destinationId"] for request in two_of_three.requests} == {"d-1"}


def configured(monkeypatch: pytest.MonkeyPatch, **parameters: str) -> None:
    """Deploys the stack with these parameters."""
    before = stack.find

    def find(name: str | None, profile: str | None, region: str | None) -> Stack:
        found = before(name, profile, region)
        return replace(found, parameters={**found.parameters, **parameters})

    monkeypatch.setattr(stack, "find", find)


def test_the_destination_is_otherwise_that_of_the_stack(
    two_of_three: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(monkeypatch, ProviderDestinationId="d-2")
    run(*EVENTS)
    assert {request.url.params["destinationId"] for request in two_of_three.requests} == {"d-2"}


def test_the_brake_is_that_of_the_stack(monkeypatch: pytest.MonkeyPatch, receive: Callable[[str], Identity]) -> None:
    receive("u-1")
    provides(monkeypatch, listing(*(entry(str(number)) for number in range(10))))
    configured(monkeypatch, ReconcileUnknownPercent="95")
    assert json.loads(run(*EVENTS, "--json").stdout)["brake"] is None


def test_what_the_stack_keeps_no_longer_is_not_asked_for(
    two_of_three: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(monkeypatch, EventRetentionDays="35")
    result = run("reconcile", "events", "--since", "35d", "--ask-replay", "--yes")
    assert (result.exit_code, two_of_three.requests) == (2, [])
    assert "would come back as a new one" in " ".join(result.stderr.replace("│", " ").split())


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    assert run(*EVENTS, "--until", "2026-01-14").exit_code == 2


def test_the_reconcilers_notes_are_no_deliveries(receive: Callable[[str], Identity], operator: OperatorStack) -> None:
    receive("u-1")
    notes = notes_of(operator)
    notes.keep(State({"e-1": Asked(1, AT, AT, AT)}))
    notes.record(Run(AT, AT), operator.now)
    run("reconcile", "dismiss", "e-2", "--why", "It was a duplicate.")
    told = json.loads(run("doctor", "--json").stdout)  # which finds that nobody processes the event
    assert told["counts"]["deliveries"] == 1
    assert [event["uuid"] for event in run_json("events", "list", "--since", "2026-01-01")] == ["u-1"]


def notes_of(operator: OperatorStack) -> Notes:
    return Notes(operator.dynamodb, "EventTable", OurEvents(operator.dynamodb, "EventTable"))


@pytest.mark.usefixtures("two_of_three")
def test_what_was_dismissed_is_told_and_not_missing() -> None:
    run("reconcile", "dismiss", "c", "--why", "It was a duplicate.")
    told = run_json(*EVENTS)
    assert (told["theirs"], told["matched"], told["missing"]) == (3, 2, [])
    [dismissed] = told["dismissed"]
    assert (dismissed["id"], dismissed["timestamp"], dismissed["why"]) == ("c", IN_FULL, "It was a duplicate.")
    assert re.search(r"^dismissed +1$", run(*EVENTS).stdout, re.MULTILINE)


IN_FULL: Final = "2026-01-15T10:00:00.000000Z"
FIRST: Final = "2026-01-15T10:05:00.000000Z"


def arrived(*ids: str, at: str = IN_FULL) -> Run:
    """A run that saw events arrive that it had asked for twice."""
    return Run(AT, AT, arrivals=[Arrival(each, "payment.created", at, FIRST, 2) for each in ids])


@pytest.fixture
def come(body_of: BodyOf, delivery_of: DeliveryOf, operator: OperatorStack) -> Callable[..., None]:
    """Records a delivery, received so many minutes after ten o'clock, of an event that happened at `AT`."""

    def come(minute: int, **envelope: str) -> None:
        body = body_of("payment.created", {"uuid": f"u-{minute}"}, timestamp=AT, **envelope)
        late = delivery_of(body, received_at=f"2026-01-15T10:{minute:02}:00.000000Z")
        operator.events.record(late, late.event())

    return come


def at_minutes(*minutes: int) -> list[str]:
    return [f"2026-01-15T10:{minute:02}:00.000000Z" for minute in minutes]


@pytest.mark.parametrize(
    ("arrivals", "received", "came"),
    [
        (arrived("a"), [({}, 7)], {"a": [7]}),
        (arrived("a"), [({}, 4), ({}, 7)], {"a": [7]}),  # what came before it was asked for is another
        (arrived("a"), [({}, 7), ({}, 8)], {"a": [7, 8]}),  # they look the same: it is one of them
        (arrived("a", "b"), [({}, 7), ({}, 8)], {"a": [7, 8], "b": [7, 8]}),
        (arrived("a", "b"), [({"id": "a"}, 7), ({"id": "b"}, 8)], {"a": [7], "b": [8]}),
        (arrived("a"), [({}, 4)], {"a": []}),
        (arrived("a", at="2026-01-14T23:00:00.000000Z"), [({}, 7)], {}),  # another period's
        (Run(AT, AT), [({}, 7)], {}),
    ],
)
def test_when_a_missing_event_came_is_told_so_far_as_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
    operator: OperatorStack,
    come: Callable[..., None],
    arrivals: Run,
    received: list[tuple[dict[str, str], int]],
    came: dict[str, list[int]],
) -> None:
    provides(monkeypatch, listing())
    for envelope, minute in received:
        come(minute, **envelope)
    notes_of(operator).record(arrivals, operator.now)
    told = {each["id"]: each for each in run_json(*EVENTS)["fetched"]}
    assert {id_: each["came"] for id_, each in told.items()} == {id_: at_minutes(*each) for id_, each in came.items()}
    assert {(each["asked"], each["times"]) for each in told.values()} <= {(FIRST, 2)}


@pytest.mark.usefixtures("two_of_three")
def test_how_often_a_missing_event_was_asked_for_is_told(operator: OperatorStack) -> None:
    asked = {each: Asked(3, AT, FIRST, AT, "payment.created") for each in ("c", "of another day")}
    notes_of(operator).keep(State(asked))
    assert json.loads(run(*EVENTS, "--json").stdout)["asked_before"] == {"c": {"times": 3, "first": AT, "last": FIRST}}


# --- The report -----------------------------------------------------------------------------------
PNG: Final = b"\x89PNG\r\n\x1a\n"


@pytest.mark.usefixtures("two_of_three")
def test_the_report_has_a_plot_of_the_days(tmp_path: Path) -> None:
    run(*EVENTS, "--report", str(tmp_path / "report.html"))
    [plot] = re.findall(r'src="data:image/png;base64,([^"]+)"', (tmp_path / "report.html").read_text())
    assert b64decode(plot).startswith(PNG)


@pytest.mark.usefixtures("two_of_three")
def test_where_nothing_draws_the_report_goes_without_a_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "wickiepay_cli.output.plot", raising=False)
    told = run(*EVENTS, "--report", str(tmp_path / "report.html")).stderr
    assert "[report]" in told
    assert "<img" not in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("two_of_three")
def test_the_report_says_what_is_missing_what_came_late_and_whether_the_books_add_up(
    tmp_path: Path, body_of: BodyOf, delivery_of: DeliveryOf, operator: OperatorStack
) -> None:
    late = delivery_of(body_of("payment.expired", timestamp="2026-01-15T01:00:00Z"))
    operator.events.record(late, late.event())
    page = tmp_path / "report.html"
    result = run(*EVENTS, "--report", str(page))
    text = re.sub(r"<[^>]+>|\s+", " ", page.read_text())
    assert (result.exit_code, stat.S_IMODE(page.stat().st_mode)) == (1, 0o600)
    assert "Listed by WickiePay 3 On record here 3 Matched 2 Under way 0 Missing here 1" in re.sub(" +", " ", text)
    for told in (
        "2026-01-15 3 3",
        "payment.created 3 2",
        "payment.expired 0 1",
        "payment.created 2026-01-15 10:00:00 FAILED c",
        "payment.expired 2026-01-15 01:00:00 2026-01-15 10:25:01",
        "NO every event that is still RECEIVED is in a queue",
    ):
        assert told in re.sub(" +", " ", text)


def test_an_event_that_a_file_lists_twice_is_one_in_the_report(tmp_path: Path) -> None:
    listed, page = tmp_path / "list.json", tmp_path / "report.html"
    listed.write_text(json.dumps([entry("a"), entry("a"), entry("b")]))
    run(*EVENTS, "--from", str(listed), "--report", str(page))
    text = " ".join(re.sub(r"<[^>]+>", " ", page.read_text()).split())
    assert "Listed by WickiePay 2 " in text
    assert "2026-01-15 2 0" in text


def test_the_report_says_what_was_dismissed_and_what_came_when_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operator: OperatorStack, come: Callable[..., None]
) -> None:
    provides(
        monkeypatch, listing(entry("a"), entry("b", timestamp="2026-01-15T09:00:00Z"), entry("c", status="FAILED"))
    )
    come(7)
    run("reconcile", "dismiss", "b", "--why", "<b>It was a duplicate.</b>")
    notes = notes_of(operator)
    notes.record(arrived("a", "gone"), operator.now)
    notes.keep(State({"c": Asked(3, AT, FIRST, AT, "payment.created")}))
    run(*EVENTS, "--report", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    text = re.sub(r" +", " ", re.sub(r"<[^>]+>|\s+", " ", page))
    for told in (
        "Dismissed by an operator 1",
        "payment.created 2026-01-15 10:00:00 FAILED 2026-01-15 10:00:00 3 c",
        "payment.created 2026-01-15 09:00:00 &lt;b&gt;It was a duplicate.&lt;/b&gt;",
        "payment.created 2026-01-15 10:00:00 2026-01-15 10:05:00 2 2026-01-15 10:07:00 a",
    ):
        assert told in text


def test_a_page_of_nothing_says_so_and_what_a_stranger_wrote_is_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provides(monkeypatch, listing(*(entry(str(n), event="<script>alert(1)</script>") for n in range(FEW + 1))))
    run(*EVENTS, "--report", str(tmp_path / "report.html"))
    text = (tmp_path / "report.html").read_text()
    assert "<script>" not in text
    assert "<strong>None of 6 events" in text
    provides(monkeypatch, listing())
    run(*EVENTS, "--report", str(tmp_path / "another.html"))
    assert "<p>Nothing.</p>" in (tmp_path / "another.html").read_text()


def test_no_report_is_overwritten(two_of_three: FakeProvider, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("another")
    with pytest.raises(CommandError, match="no report overwrites a file"):
        run(*EVENTS, "--ask-replay", "--report", str(tmp_path / "report.html"))
    assert two_of_three.requests == []


@pytest.mark.usefixtures("two_of_three")
def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        run(*EVENTS, "--report", str(tmp_path / "nowhere" / "report.html"))


@pytest.mark.usefixtures("two_of_three")
def test_without_its_packages_a_report_says_what_to_install(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "wickiepay_cli.console.rendering", raising=False)
    assert "[local]" in command_line.ended(*EVENTS, "--report", str(tmp_path / "report.html")).stderr


# --- A file ---------------------------------------------------------------------------------------
CSV: Final = f"""ID,Event_Type,Time zone,timestamp,Status,attempts
a,payment.created,UTC,{AT},DELIVERED,1
b,payment.created,UTC,{AT},FAILED,3

c,payment.created,UTC
d,payment.created,UTC,yesterday,DELIVERED,x
"""
FLAWS: Final = [
    "line 5: It has 3 cells, the headings are 6.",
    "line 6: It has no time stamp that can be read.",
]


@pytest.mark.parametrize(
    ("text", "flaws"),
    [
        (CSV, FLAWS),
        (CSV.replace(",", ";"), FLAWS),
        ("\ufeff" + CSV.replace(",", "\t"), FLAWS),
        (json.dumps([entry("a"), entry("b", status="FAILED")]), []),
        (json.dumps({"total": 2, "events": [entry("a"), entry("b", status="FAILED")]}), []),
        (
            f"{json.dumps(entry('a'))}\n\n{json.dumps(entry('b', status='FAILED'))}\n{{\n",
            ["line 4: It is not JSON."],
        ),
        (
            json.dumps([entry("a"), None, entry("b", status="FAILED")]),
            [f"entry 2: {flaw}" for flaw in ("It is not a JSON object.", "It names no event.")]
            + [f"entry 2: {flaw}" for flaw in ("It has no time stamp that can be read.",)]
            + ["entry 2: Its status is none that the documentation knows."],
        ),
    ],
    ids=["commas", "semicolons", "tabs", "a list", "a list in an object", "lines", "no object"],
)
def test_a_list_that_was_exported_by_hand_is_read_without_the_provider(
    receive: Callable[[str], Identity], tmp_path: Path, text: str, flaws: list[str]
) -> None:
    receive("u-1")
    (tmp_path / "list").write_text(text)
    told = json.loads(run(*EVENTS, "--from", str(tmp_path / "list"), "--json").stdout)
    assert ([each["id"] for each in told["missing"]], told["matched"]) == (["b"], 1)
    assert told["bad_lines"] == flaws


DESTINATIONS: Final = {"ours": "d-1", "not said": "", "another's": "d-2"}


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        (f"id,event,timestamp,status\na,payment.created,{AT},DELIVERED\nb,payment\n", "line 3: It has 2 cells"),
        (f"{json.dumps(entry('a'))}\n{json.dumps(entry('b'))[:20]}\n", "line 2: It is not JSON."),
        (json.dumps([entry("a"), "text"]), "entry 2: It is not a JSON object."),
    ],
    ids=["CSV that is cut off", "lines that are cut off", "text"],
)
def test_a_list_of_which_a_part_cannot_be_read_does_not_prove_that_nothing_is_missing(
    receive: Callable[[str], Identity], tmp_path: Path, text: str, flaw: str
) -> None:
    receive("u-1")
    (tmp_path / "list").write_text(text)
    result = run(*EVENTS, "--from", str(tmp_path / "list"))
    assert (result.exit_code, result.stderr.startswith(flaw)) == (1, True), result.stderr


def test_of_a_file_the_entries_for_another_destination_are_left_out(operator: OperatorStack, tmp_path: Path) -> None:  # noqa: ARG001
    lines = [f"{name},payment.created,{AT},FAILED,{destination}" for name, destination in DESTINATIONS.items()]
    (tmp_path / "list.csv").write_text("\n".join(["id,event,timestamp,status,destination", *lines]))
    told = json.loads(run(*EVENTS, "--from", str(tmp_path / "list.csv"), "--destination", "d-1", "--json").stdout)
    assert {each["id"] for each in told["missing"]} == {"ours", "not said"}


def test_what_is_wrong_in_a_file_is_told_with_its_line(receive: Callable[[str], Identity], tmp_path: Path) -> None:
    receive("u-1")
    (tmp_path / "list.csv").write_text(CSV)
    assert run(*EVENTS, "--from", str(tmp_path / "list.csv")).stderr.splitlines()[:2] == FLAWS


@pytest.mark.parametrize("number", ["1e999999999", "1e99999999999999999999", "NaN"])
def test_a_number_that_would_fill_the_memory_is_a_bad_line(tmp_path: Path, number: str) -> None:
    other = json.dumps(entry("a"))
    (tmp_path / "list").write_text(f'{other}\n{{"id": {number}, "event": "payment.created", "timestamp": "{AT}"}}')
    told = json.loads(run(*EVENTS, "--from", str(tmp_path / "list"), "--json").stdout)
    assert told["bad_lines"] == ["line 2: It is not JSON."]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "needs the headings event and timestamp"),
        (b"<!doctype html>\n<title>Sign in</title>\n", "needs the headings event and timestamp"),
        (b"id,Event Name,timestamp\n1,payment.created,now\n", "needs the headings event and timestamp"),
        (b"Event Type;Time Stamp\n", "has no entries"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"[]", "has no entries"),
        (b"[1, 2", "is it cut off?"),
        (b'[\n{"id":\n1},\n', "is it cut off?"),
        (b'timestamp,event\n"a"b,c\n', "is no CSV"),
        (b"timestamp,event\n" + b"x" * 200_000 + b",y\n", "is no CSV"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_holds_no_list_is_an_error(tmp_path: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / "list").write_bytes(content)
    ended = command_line.ended(*EVENTS, "--from", str(tmp_path / "list"))
    assert ended.returncode == 1
    assert why in ended.stderr


def test_entries_of_another_period_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(json.dumps([entry("a"), entry("b", timestamp="2025-12-01T00:00:00Z")]))
    assert "1 of the 2 entries are left out" in run(*EVENTS, "--from", str(tmp_path / "list")).stderr
    with pytest.raises(CommandError, match=r"None of the 2 entries .* see --since, --until and --destination"):
        run("reconcile", "events", "--since", "2026-01-16", "--from", str(tmp_path / "list"))


def test_of_many_lines_that_cannot_be_read_only_some_are_told(
    receive: Callable[[str], Identity], tmp_path: Path
) -> None:
    receive("u-1")
    (tmp_path / "list.csv").write_text("event,timestamp,status\n" + "payment.created,26.11.2026,FAILED\n" * 60)
    result = run(*EVENTS, "--from", str(tmp_path / "list.csv"))
    assert result.stderr.count("It has no time stamp that can be read.") == 50
    assert "There are 10 more of these: --json lists all." in result.stderr


def test_entries_without_an_id_are_not_left_unasked_in_silence(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"event,timestamp,status\npayment.created,{AT},FAILED\n")
    told = run(*EVENTS, "--from", str(tmp_path / "list"), "--ask-replay").stderr
    assert "1 event cannot be asked for" in told


# --- Payments -------------------------------------------------------------------------------------
UUID: Final = "9204c333-4469-4b29-b7cb-b6c1fb41d1d4"


def listed_payment(**other: Any) -> dict[str, Any]:  # noqa: ANN401  as above
    return {
        "uuid": UUID,
        "type": "IN",
        "status": "COMPLETE",
        "reference": "order-7",
        "displayCurrency": {"currency": "EUR", "amount": 100},
        "paidCurrency": {"currency": "USDC", "amount": 108.5},
        **other,
    }


@pytest.fixture
def paid(operator: OperatorStack) -> None:
    """The ledger says what `listed_payment` says."""
    operator.process(operator.receive(event="payment.completed", **listed_payment()))


def look(*arguments: str) -> list[list[str | None]]:
    told = json.loads(run(*PAYMENTS, *arguments, "--json").stdout)
    return [[each["what"], each["theirs"], each["ours"]] for each in told["compared"]["worth_a_look"]]


def paying(*payments: object) -> Answering:
    """Lists payments, and none into channels."""
    listed, none = listing(*payments, member="payments"), listing(member="channelPayments")
    return lambda request: (listed if request.url.path.endswith("/pay/summary") else none)(request)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({}, []),
        ({"status": "UNDERPAID"}, [["status", "UNDERPAID", "COMPLETE"]]),
        ({"reference": "order-8"}, [["reference", "order-8", "order-7"]]),
        ({"reference": None, "type": None}, []),  # what is not said is no difference
        ({"type": "OUT"}, [["type", "OUT", "IN"]]),
        ({"displayCurrency": {"currency": "EUR", "amount": "100.00"}}, []),
        ({"displayCurrency": {"currency": "EUR", "amount": 101}}, [["displayed amount", "101 EUR", "100 EUR"]]),
        ({"paidCurrency": {"currency": "USDT", "amount": 108.5}}, [["paid amount", "108.5 USDT", "108.5 USDC"]]),
        ({"uuid": "p-2"}, [["not in the ledger", "COMPLETE", None]]),
        ({"uuid": "p-2", "status": "PENDING"}, []),  # its first event may not have come, or is not subscribed to
    ],
)
@pytest.mark.usefixtures("paid")
def test_what_the_provider_says_otherwise_is_worth_a_look(
    monkeypatch: pytest.MonkeyPatch, other: dict[str, Any], difference: list[list[str | None]]
) -> None:
    provides(monkeypatch, paying(listed_payment(**other)))
    assert look() == difference
    assert run(*PAYMENTS).exit_code == bool(difference)


@pytest.mark.usefixtures("paid")
def test_what_is_worth_a_look_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    provides(monkeypatch, paying(listed_payment(status="UNDERPAID")))
    assert "UNDERPAID" in run(*PAYMENTS).stdout
    provides(monkeypatch, paying(listed_payment()))
    assert "Compared 1 payment with the ledger: no difference." in run(*PAYMENTS).stdout


def test_what_is_to_be_paid_is_not_compared_with_what_was_paid(
    operator: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.process(operator.receive(event="payment.created", **listed_payment(status="PENDING")))
    provides(monkeypatch, paying(listed_payment(status="PENDING")))
    assert look() == []


@pytest.mark.usefixtures("paid")
def test_of_a_dismissed_payment_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    provides(monkeypatch, paying(listed_payment(status="UNDERPAID")))
    run("reconcile", "dismiss", UUID, "--why", "WickiePay knows of it.")
    assert look() == []


@pytest.mark.usefixtures("paid")
def test_payments_into_channels_are_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = listing(listed_payment(uuid="c-9"), member="channelPayments")
    none = listing(member="payments")
    provides(monkeypatch, lambda request: (none if "/pay/" in request.url.path else channel)(request))
    assert look() == [["not in the ledger", "COMPLETE", None]]


@pytest.mark.usefixtures("paid")
def test_payments_in_a_file_are_compared_and_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text(
        "uuid,status,reference,display_currency,display_amount\n"
        f"{UUID},COMPLETE,order-7,EUR,100.00\n"
        f"{UUID},COMPLETE,order-7,EUR,100.01\n"
        ",COMPLETE,,,\n"
    )
    file = ("--from", str(tmp_path / "payments.csv"))
    assert look(*file) == [["displayed amount", "100.01 EUR", "100 EUR"]]
    assert run(*PAYMENTS, *file).stderr == "line 4: It has no uuid.\n"
    (tmp_path / "payments.csv").write_text("uuid,status\n,COMPLETE\n")
    assert run(*PAYMENTS, *file).exit_code == 1
