"""`wickiepay reconcile runs`: the records that the reconciler leaves are listed, whatever version wrote them."""

import json
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.support.command_line import run, run_json
from tests.support.operator_stack import OperatorStack
from wickiepay import event_record as records
from wickiepay.clock import instant
from wickiepay.identity import Identity
from wickiepay_cli.store import reconciler_runs
from wickiepay_reconcile.notes import Notes, Run
from wickiepay_reconcile.our_events import OurEvents

pytest_plugins = ["tests.support.operator_fixture"]
pytestmark = pytest.mark.usefixtures("operator")

SINCE: Final = "2026-01-14T10:00:00.000000Z"
UNTIL: Final = "2026-01-15T10:00:00.000000Z"
HOUR: Final = timedelta(hours=1)


@pytest.fixture
def notes(operator: OperatorStack) -> Notes:
    return Notes(operator.dynamodb, "EventTable", OurEvents(operator.dynamodb, "EventTable"))


# --- Runs -----------------------------------------------------------------------------------------
@pytest.fixture
def three_runs(operator: OperatorStack, notes: Notes) -> list[str]:
    """Records three runs, an hour apart, and says when they were, the newest first."""
    braked = "2026-01-14: None of 6 events in the provider's list is on record here."
    for number, made in enumerate(
        [
            Run(SINCE, UNTIL, theirs=9, ours=8, missing=1, asked=1),
            Run(SINCE, UNTIL, theirs=9, ours=9, arrived=1),
            Run(SINCE, UNTIL, theirs=6, braked=[braked], cut_short=True),
        ]
    ):
        notes.record(made, operator.now - (2 - number) * HOUR)
    return [instant(operator.now - number * HOUR) for number in range(3)]


def test_a_program_gets_the_runs_the_newest_first(three_runs: list[str]) -> None:
    told = run_json("reconcile", "runs")
    assert [each["at"] for each in told] == three_runs
    assert [(each["missing"], each["asked"], each["arrived"]) for each in told] == [(0, 0, 0), (0, 0, 1), (1, 1, 0)]


@pytest.mark.parametrize(("options", "number"), [(["--limit", "2"], 2), (["--since", "{second}"], 2)])
def test_the_latest_can_be_had_alone(three_runs: list[str], options: list[str], number: int) -> None:
    told = run_json("reconcile", "runs", *(each.format(second=three_runs[1]) for each in options))
    assert [each["at"] for each in told] == three_runs[:number]


def test_people_see_what_was_not_done_and_why(three_runs: list[str]) -> None:
    shown = run("reconcile", "runs").stdout
    assert "2026-01-14: None of 6 events in the provider's list is on record here." in shown
    assert "older days" in shown
    assert "more than these 1" in run("reconcile", "runs", "--limit", "1").stderr
    assert three_runs


def test_where_no_run_was_that_is_said() -> None:
    assert run("reconcile", "runs").stdout == "No run of the reconciler is on record.\n"


@pytest.mark.parametrize(
    ("report", "run_"),
    [
        ({"since": SINCE, "until": UNTIL}, Run(SINCE, UNTIL)),
        ({"since": SINCE, "until": UNTIL, "missing": 2, "newer": {"a": 1}}, Run(SINCE, UNTIL, missing=2)),
    ],
    ids=["older", "newer"],
)
def test_records_of_other_versions_are_read(operator: OperatorStack, report: dict[str, Any], run_: Run) -> None:
    item = records.key(Identity(records.RECONCILER, f"run#{UNTIL}"))
    operator.dynamodb.put_item(TableName="EventTable", Item={**item, "report": {"S": json.dumps(report)}})
    assert list(reconciler_runs.newest_first(operator.dynamodb, "EventTable")) == [(UNTIL, run_)]
