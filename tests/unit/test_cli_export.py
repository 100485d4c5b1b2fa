"""`wickiepay events export` and `events tail`."""

import csv
import io
import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.command_line import run, run_json
from tests.support.operator_stack import CONFIRMED, OperatorStack
from tests.support.thorough import by_make_check
from wickiepay.event_record import Record
from wickiepay.identity import Identity
from wickiepay_cli.commands.events.tail import wanted_of
from wickiepay_cli.errors import CommandError
from wickiepay_cli.store import export_file
from wickiepay_cli.store.event_records import EventRecords
from wickiepay_cli.store.filters import Filter
from wickiepay_cli.watching.poll import LOOK_BACK, Newcomers, arriving, with_outcomes

pytest_plugins = ["tests.support.operator_fixture"]

SINCE = ("--since", "2026-01-01")


def exported(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("events", "export", *SINCE, *arguments).stdout.splitlines()]


def uuids_in(file: Path) -> list[str]:
    return [json.loads(line)["uuid"] for line in file.read_text().splitlines()]


@pytest.fixture
def five(operator: OperatorStack) -> list[str]:
    """The uuids of five events, the newest first; two of them were received at the same instant."""
    for number, minutes in enumerate((5, 4, 3, 3, 1)):
        operator.receive(f"c-{number}", age=timedelta(minutes=minutes))
    return [event["uuid"] for event in exported()]


# --- export ------------------------------------------------------------------------------------------
def test_each_event_is_a_line_with_all_that_show_shows(operator: OperatorStack) -> None:
    operator.receive("c-1")
    assert exported() == run_json("events", "show", "c-1")


def test_an_export_can_be_narrowed(operator: OperatorStack) -> None:
    operator.receive("c-1")
    operator.receive("p-1", "payment.created")
    assert [event["uuid"] for event in exported("--type", "payment.*")] == ["p-1"]


def test_csv_has_a_heading_and_a_row_for_each_event(operator: OperatorStack) -> None:
    operator.receive("c-1", reference="order-1")
    [row] = csv.DictReader(io.StringIO(run("events", "export", *SINCE, "--format", "csv").stdout))
    assert (row["uuid"], row["event"], json.loads(row["body"])["data"]["reference"]) == ("c-1", CONFIRMED, "order-1")


@pytest.mark.parametrize("uuid", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_cell_is_a_formula(operator: OperatorStack, uuid: str) -> None:
    operator.receive(uuid)
    [row] = csv.DictReader(io.StringIO(run("events", "export", *SINCE, "--format", "csv").stdout))
    assert row["uuid"] == f"'{uuid}"


@pytest.mark.parametrize(
    "text",
    ["\t1", "\r1", "\n1", " =1", "\xa0=1", "\ufeff=1", "\0=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"],
    ids=ascii,
)
def test_no_blank_and_no_width_hides_a_formula(text: str) -> None:
    assert export_file._cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "1-1", "a=1", " a", "'=1"], ids=ascii)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert export_file._cell(text) == text


@pytest.mark.usefixtures("five")
def test_a_whole_export_leaves_no_place_to_go_on_from(tmp_path: Path) -> None:
    output = tmp_path / "events.jsonl"
    answer = run_json("events", "export", *SINCE, "--output", str(output))
    assert (answer["events"], [path.name for path in tmp_path.iterdir()]) == (5, ["events.jsonl"])


@pytest.mark.parametrize("there", [None, 0o644, 0o600])
def test_an_export_is_for_its_owner_alone(
    operator: OperatorStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: int | None
) -> None:
    """The file that it goes on from is so as well: it is looked at when the export is cut off."""
    operator.receive("c-1")
    output = tmp_path / "events.jsonl"
    if there is not None:
        output.touch(there)

    def cut_off(*_: object) -> bytes:
        raise KeyboardInterrupt

    command = ("events", "export", *SINCE, "--output", str(output), "--force")
    with monkeypatch.context() as patch:
        patch.setattr(export_file, "line", cut_off)
        run(*command)
    left = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert left == {"events.jsonl": 0o600, "events.jsonl.resume": 0o600}


@pytest.mark.usefixtures("five")
def test_people_are_told_how_many_events_are_in_the_file(tmp_path: Path) -> None:
    result = run("events", "export", *SINCE, "--output", str(tmp_path / "events.jsonl"))
    assert (result.stdout, result.stderr) == ("", f"5 events in {tmp_path}/events.jsonl.\n")


@pytest.mark.parametrize("batch", [2, *by_make_check(1, 3)])
@pytest.mark.parametrize("after", range(6))
def test_an_export_that_was_cut_off_goes_on_where_it_was(
    five: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int, after: int
) -> None:
    output = tmp_path / "events.jsonl"
    command = ("events", "export", *SINCE, "--output", str(output))
    monkeypatch.setattr(export_file, "BATCH", batch)
    line = export_file.line
    written: list[str] = []

    def cut_off(record: Any, form: Any) -> bytes:  # noqa: ANN401
        if len(written) == after:
            raise KeyboardInterrupt
        written.append(record.uuid)
        return line(record, form)

    with monkeypatch.context() as patch:
        patch.setattr(export_file, "line", cut_off)
        run(*command)
    if after < len(five):
        assert run_json(*command, "--resume")["events"] == 5
    assert uuids_in(output) == five


def run_failing(*arguments: str) -> Exception:
    with pytest.raises(CommandError) as failure:
        run(*arguments)
    return failure.value


def test_an_export_is_gone_on_with_as_it_was_begun(operator: OperatorStack, tmp_path: Path) -> None:
    output = tmp_path / "events.jsonl"
    export_file.place_of(output).write_text(json.dumps({"asked": {}, "since": None, "until": "2026-01-15T00:00:00Z"}))
    operator.receive("c-1")
    assert "other options" in str(run_failing("events", "export", "--output", str(output), "--resume"))


@pytest.mark.parametrize(
    ("left_behind", "why"), [("e.jsonl", "already exists"), ("e.jsonl.resume", "unfinished export")]
)
def test_a_new_export_overwrites_nothing_unless_told_so(
    operator: OperatorStack, tmp_path: Path, left_behind: str, why: str
) -> None:
    (tmp_path / left_behind).write_text("precious")
    operator.receive("c-1")
    command = ("events", "export", *SINCE, "--output", str(tmp_path / "e.jsonl"))
    assert why in str(run_failing(*command))
    assert (tmp_path / left_behind).read_text() == "precious"
    run(*command, "--force")
    assert uuids_in(tmp_path / "e.jsonl") == ["c-1"]


@pytest.mark.parametrize("arguments", [("--resume",), ("--json",), ("--format", "xml")])
def test_an_export_of_nonsense_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run("events", "export", *arguments).exit_code == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_what_a_stranger_wrote_is_one_cell(text: str) -> None:
    [[cell]] = csv.reader(io.StringIO(export_file.csv_line([text]).decode(), newline=""))
    assert cell.removeprefix("'") == text.encode(errors="replace").decode().removeprefix("'")


# --- tail --------------------------------------------------------------------------------------------
class Watch:
    """A tail that ends after some looks; between two of them something happens."""

    def __init__(self, operator: OperatorStack, *between: Any) -> None:  # noqa: ANN401
        self.operator = operator
        self.between = list(between)
        self.complaints: list[str] = []
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.operator.now + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if not self.between:
            raise KeyboardInterrupt
        self.between.pop(0)()

    def shown(self, records_shown: list[Record] | None = None, /, **wanted: Any) -> list[str]:  # noqa: ANN401
        records = EventRecords(self.operator.dynamodb, "EventTable")
        shown: list[Record] = [] if records_shown is None else records_shown
        with suppress(KeyboardInterrupt):
            newcomers = Newcomers(records, wanted_of(records, Filter(**wanted)), self.now)
            arrivals = arriving(with_outcomes(newcomers, records), lambda: None, self.sleep, self.complaints.append)
            shown.extend(arrivals)
        return [record.uuid for record in shown]


def at(operator: OperatorStack, uuid: str, seconds: float, event: str = CONFIRMED) -> Any:  # noqa: ANN401
    return lambda: operator.receive(uuid, event, age=timedelta(seconds=-seconds))


def nothing() -> None:
    pass


def test_what_arrives_is_shown_once(operator: OperatorStack) -> None:
    watch = Watch(operator, at(operator, "c-1", 1), nothing, at(operator, "c-2", 3), nothing)
    assert watch.shown() == ["c-1", "c-2"]


def test_what_was_there_before_is_not_shown(operator: OperatorStack) -> None:
    operator.receive("before", age=timedelta(seconds=1))
    assert Watch(operator, at(operator, "c-1", 1)).shown() == ["c-1"]


def test_what_the_index_shows_late_is_shown(operator: OperatorStack) -> None:
    late = LOOK_BACK.total_seconds() / 2
    waiting = [nothing] * int(late)
    watch = Watch(operator, at(operator, "c-1", late), *waiting, at(operator, "late", 1))
    assert watch.shown() == ["c-1", "late"]


def test_an_outcome_is_told_once_and_so_is_each_try(operator: OperatorStack) -> None:
    identity, later = Identity("c-1", CONFIRMED), operator.now + timedelta(seconds=9)
    shown: list[Record] = []
    happening = [
        at(operator, "c-1", 1),
        nothing,
        lambda: operator.events.note_retry(identity, 2, "ValueError", later),
        nothing,
        lambda: operator.events.mark_failed(identity, later, "Given up."),
        nothing,
    ]
    assert Watch(operator, *happening).shown(shown) == ["c-1"] * 3
    assert [(each.state, each.tries, each.error) for each in shown] == [
        ("RECEIVED", None, None),
        ("RECEIVED", 2, None),
        ("FAILED", None, "Given up."),
    ]


def test_so_many_events_are_followed_the_newest(operator: OperatorStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.watching.poll.FOLLOWED", 1)

    def process_both() -> None:
        for uuid in ("c-1", "c-2"):
            operator.events.mark_ignored(Identity(uuid, CONFIRMED), operator.now, timedelta(days=1))

    watch = Watch(operator, at(operator, "c-1", 1), at(operator, "c-2", 2), nothing, process_both, nothing)
    assert watch.shown() == ["c-1", "c-2", "c-2"]


def test_only_what_is_wanted_is_shown(operator: OperatorStack) -> None:
    watch = Watch(operator, at(operator, "p-1", 1, "payment.created"), at(operator, "c-1", 2))
    assert watch.shown(types=["payment.*"]) == ["p-1"]


def test_an_outage_is_told_once_and_what_arrived_meanwhile_is_shown(
    operator: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = EventRecords.identities

    def unreachable(*_: object) -> list[Identity]:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example.com")

    def outage() -> None:
        monkeypatch.setattr(EventRecords, "identities", unreachable)
        operator.receive("meanwhile", age=timedelta(seconds=-2))

    def over() -> None:
        monkeypatch.setattr(EventRecords, "identities", identities)

    watch = Watch(operator, outage, *islice(iter(lambda: nothing, None), 100), over)
    assert (watch.shown(), len(watch.complaints)) == (["meanwhile"], 1)


def test_the_tail_has_whole_events_if_bodies_are_asked_for(
    operator: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def news(*_: object) -> Iterator[Record]:
        yield from operator.stack().events().of([operator.receive("c-1")])
        raise KeyboardInterrupt

    monkeypatch.setattr("wickiepay_cli.commands.events.tail.arriving", news)
    [line] = run("events", "tail", "--stack", "listener", "--json", "--with-body").stdout.splitlines()
    assert json.loads(json.loads(line)["body"])["data"]["uuid"] == "c-1"


def test_bodies_are_in_the_json_alone() -> None:
    result = run("events", "tail", "--with-body")
    assert (result.exit_code, "--json" in result.stderr) == (2, True)
