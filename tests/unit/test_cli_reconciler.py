"""`wickiepay reconcile runs` and `dismiss`: what the reconciler did is listed, and what it leaves out is noted once."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from tests.support.command_line import run, run_asked, run_json
from tests.support.operator_stack import OperatorStack
from wickiepay import event_record as records
from wickiepay.clock import instant
from wickiepay.errors import StoreUnavailable
from wickiepay.identity import Identity
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.stack import Where
from wickiepay_cli.store import dismissals, reconciler_runs
from wickiepay_cli.store.dismissals import Dismissals
from wickiepay_reconcile.asking import Asked
from wickiepay_reconcile.dismissals import LONGEST, MAX_BYTES, Dismissal
from wickiepay_reconcile.notes import Notes, PaymentsRun, Run, State
from wickiepay_reconcile.our_events import OurEvents
from wickiepay_reconcile.payments import Difference

pytest_plugins = ["tests.support.operator_fixture"]
pytestmark = pytest.mark.usefixtures("operator")

SINCE: Final = "2026-01-14T10:00:00.000000Z"
UNTIL: Final = "2026-01-15T10:00:00.000000Z"
HOUR: Final = timedelta(hours=1)
DIFFERENCE: Final = Difference("p-1", "status", "UNDERPAID", "COMPLETE")


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
            Run(
                SINCE,
                UNTIL,
                theirs=6,
                braked=[braked],
                cut_short=True,
                payments=PaymentsRun(5, lasting=2, flaws=["The provider did not answer."]),
            ),
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
    assert re.search(r"5 compared, 2 differ\b", shown)
    assert "The provider did not answer." in shown
    assert "more than these 1" in run("reconcile", "runs", "--limit", "1").stderr
    assert three_runs


@pytest.mark.parametrize("reconciles", [True, False])
def test_where_no_run_was_that_is_said_and_why(
    operator: OperatorStack, monkeypatch: pytest.MonkeyPatch, *, reconciles: bool
) -> None:
    before = operator.stack()
    outputs = {**before.outputs, "ReconcilerLogGroup": "logs"} if reconciles else before.outputs
    monkeypatch.setattr(stack, "find", lambda *_: replace(before, outputs=outputs))
    result = run("reconcile", "runs")
    assert result.stdout == "No run of the reconciler is on record.\n"
    assert ("has no reconciler" in result.stderr) is not reconciles


@pytest.mark.parametrize(
    ("report", "run_"),
    [
        ({"since": SINCE, "until": UNTIL}, Run(SINCE, UNTIL)),
        (
            {
                "since": SINCE,
                "until": UNTIL,
                "missing": 2,
                "newer": {"a": 1},
                "payments": {"compared": 3, "differences": [asdict(DIFFERENCE) | {"newer": 1}], "newer": 1},
            },
            Run(SINCE, UNTIL, missing=2, payments=PaymentsRun(compared=3, differences=[DIFFERENCE])),
        ),
    ],
    ids=["older", "newer"],
)
def test_records_of_other_versions_are_read(operator: OperatorStack, report: dict[str, Any], run_: Run) -> None:
    item = records.key(Identity(records.RECONCILER, f"run#{UNTIL}"))
    operator.dynamodb.put_item(TableName="EventTable", Item={**item, "report": {"S": json.dumps(report)}})
    assert list(reconciler_runs.newest_first(operator.dynamodb, "EventTable")) == [(UNTIL, run_)]


# --- Dismissing -----------------------------------------------------------------------------------
LOST: Final = "1b4e28ba-2fa1-4d2b-883f-0016d3cca427"
ANOTHER: Final = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
WHY: Final = ("--why", "Its delivery was a duplicate.")
HASHED: Final = f"sha256:{'0' * 64}"


def dismiss(*arguments: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = run_json("reconcile", "dismiss", *arguments)
    return told


def test_a_dismissal_says_who_and_why_and_the_first_one_stands(notes: Notes, operator: OperatorStack) -> None:
    [told] = dismiss(LOST, *WHY)
    assert told == {
        "id": LOST,
        "dismissed": True,
        "already": False,
        "awaited": False,
        "by": told["by"],
        "why": "Its delivery was a duplicate.",
        "at": instant(operator.now),
    }
    [again, another] = dismiss(LOST, ANOTHER, "--why", "Another reason.")
    assert again == told | {"already": True}
    assert (another["already"], another["why"]) == (False, "Another reason.")
    assert notes.read().dismissed.keys() == {LOST, ANOTHER}


def test_a_dismissal_can_be_taken_back(notes: Notes) -> None:
    dismiss(LOST, ANOTHER, *WHY)
    [told, unknown] = dismiss(LOST, "never-dismissed", "--undo")
    assert (told["dismissed"], told["already"], told["why"]) == (False, False, "Its delivery was a duplicate.")
    assert unknown == {"id": "never-dismissed", "dismissed": False, "already": True, "awaited": False}
    assert notes.read().dismissed.keys() == {ANOTHER}


def test_people_are_told_what_became_of_each() -> None:
    assert f"{LOST} was dismissed at 2026-01-15 " in run("reconcile", "dismiss", LOST, *WHY).stdout
    again = run("reconcile", "dismiss", LOST, "--why", "Another reason.").stdout
    assert again.startswith(f"{LOST} was already dismissed at 2026-01-15 ")
    assert again.endswith(", and that reason stands: Its delivery was a duplicate.\n")
    told = run("reconcile", "dismiss", LOST, ANOTHER, "--undo").stdout
    assert told == f"{LOST} counts again.\n{ANOTHER} was not dismissed.\n"


@pytest.mark.parametrize(("answer", "dismissed"), [("n", set[str]()), ("y", {LOST})])
def test_somebody_has_to_agree(notes: Notes, answer: str, dismissed: set[str], operator: OperatorStack) -> None:
    deployed = replace(operator.stack(), asked=Where("prod"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "find", lambda *_: deployed)
        asked = run_asked("reconcile", "dismiss", LOST, *WHY, "--stack", "prod", answer=answer)
    assert "On prod this would no longer count 1 listed event as missing." in asked.output
    assert notes.read().dismissed.keys() == dismissed


@pytest.mark.parametrize("given", [LOST, LOST.upper(), f" {LOST} "])
def test_an_id_counts_in_its_normal_spelling(given: str) -> None:
    assert dismiss(given, *WHY)[0]["id"] == LOST


@pytest.mark.parametrize("given", ["7", HASHED])
def test_whatever_the_lists_show_as_an_id_is_one(given: str) -> None:
    assert dismiss(given, *WHY)[0]["id"] == given


@pytest.mark.parametrize("given", ["", " ", "payment.created#1", "an\nid", "a" * 201, "sha256:0", "ä"])
def test_what_can_be_no_id_is_refused(notes: Notes, given: str) -> None:
    assert run("reconcile", "dismiss", LOST, given, *WHY).exit_code == 2
    assert notes.read().dismissed == {}


@pytest.mark.parametrize("options", [(), ("--why", " "), (*WHY, "--undo")], ids=["none", "blank", "to undo"])
def test_a_reason_is_given_to_dismiss_and_not_to_undo(options: tuple[str, ...]) -> None:
    assert run("reconcile", "dismiss", LOST, *options).exit_code == 2


def test_an_id_that_the_reconciler_does_not_wait_for_is_told(notes: Notes) -> None:
    notes.keep(State({LOST: Asked(3, SINCE, UNTIL, SINCE, "payment.created")}))
    told = run("reconcile", "dismiss", LOST, ANOTHER, *WHY)
    assert told.stderr == f"The reconciler has not asked for {ANOTHER} so far: is it a missing event or a payment?\n"
    assert run("reconcile", "dismiss", LOST, *WHY).stderr == ""


def changed(operator: OperatorStack, make: Callable[[Dismissals], Dismissals]) -> Dismissals:
    return dismissals.change(operator.dynamodb, "EventTable", operator.now, make)[1]


def dismissing(id_: str, at: datetime, why: str = "") -> Dismissals:
    return {id_: Dismissal("somebody", why, instant(at))}


def meanwhile(operator: OperatorStack, *others: str) -> Callable[[Dismissals], Dismissals]:
    """Dismisses `LOST`; each time that it is about to be written, another operator dismisses one of `others`."""
    left = list(others)

    def make(before: Dismissals) -> Dismissals:
        if left:
            other = dismissing(left.pop(), operator.now)
            changed(operator, lambda known: known | other)
        return before | dismissing(LOST, operator.now)

    return make


def test_of_two_operators_at_once_none_loses_a_dismissal(operator: OperatorStack, notes: Notes) -> None:
    after = changed(operator, meanwhile(operator, ANOTHER, "a-third"))
    assert after.keys() == notes.read().dismissed.keys() == {LOST, ANOTHER, "a-third"}


def test_if_others_never_stop_that_is_an_error(operator: OperatorStack, notes: Notes) -> None:
    with pytest.raises(StoreUnavailable):
        changed(operator, meanwhile(operator, *map(str, range(dismissals.ATTEMPTS))))
    assert LOST not in notes.read().dismissed


def test_what_is_old_is_dropped_when_there_is_no_room_and_not_before(operator: OperatorStack, notes: Notes) -> None:
    old = dismissing(LOST, operator.now - LONGEST - HOUR, "x" * 300_000) | dismissing(ANOTHER, operator.now - LONGEST)
    changed(operator, lambda _: old)
    dismiss("a-third", *WHY)
    assert notes.read().dismissed.keys() == {LOST, ANOTHER, "a-third"}
    changed(operator, lambda known: known | dismissing("a-fourth", operator.now, "x" * 100_000))
    assert notes.read().dismissed.keys() == {ANOTHER, "a-third", "a-fourth"}


def test_there_are_no_more_than_an_item_holds(operator: OperatorStack, notes: Notes) -> None:
    many = {str(number): Dismissal("somebody", "x" * 500, instant(operator.now)) for number in range(MAX_BYTES // 500)}
    with pytest.raises(CommandError, match=r"So many are dismissed \(0\)"):
        changed(operator, lambda _: many)
    assert notes.read().dismissed == {}
