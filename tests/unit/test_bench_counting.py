"""Counts: read from callgrind, put in relation, compared with the committed ones."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench import callgrind, figures, gate
from bench.running import Run
from bench.whole_run import Parts

pytestmark = pytest.mark.thorough

MACHINE = {"python": "3.13.0", "compiler": "GCC", "architecture": "x86_64"}


def part(instructions: int) -> str:
    return f"# callgrind format\npart: 1\n\nevents: Ir\nsummary: {instructions}\n\nfn=(1) main\n0 {instructions}\n"


def test_steps_come_in_the_order_in_which_they_ended(tmp_path: Path) -> None:
    for name, instructions in {"counted.10": 10, "counted.9": 9, "counted.1": 1, "counted": 99}.items():
        (tmp_path / name).write_text(part(instructions))
    assert callgrind.steps(tmp_path) == [1, 9, 10, 99]


def test_a_file_without_a_sum_is_an_error() -> None:
    with pytest.raises(ValueError, match="no sum"):
        callgrind.instructions("# callgrind format\n")


def test_the_end_of_a_process_is_no_part_of_a_cold_start() -> None:
    run = Run([10, 200, 30, 5, 1000], [], [], [], [], [], 0, [])
    assert run.cold() == 240


@pytest.fixture
def measured() -> list[str]:
    """What was measured, in order; what is called broken fails the first time."""
    return []


def parts(file: Path, measured: list[str], of: str = "this code") -> dict[str, str]:
    made = Parts(of, lambda _: None, file)

    def measure(name: str) -> str:
        measured.append(name)
        assert "broken" not in name or measured.count(name) > 1
        return name

    return {name: made.part(name, partial(measure, name)) for name in ("one", "broken")}


def test_a_part_that_fails_is_measured_once_more(tmp_path: Path, measured: list[str]) -> None:
    assert parts(tmp_path / "kept", measured) == {"one": "one", "broken": "broken"}
    assert measured == ["one", "broken", "broken"]


@pytest.mark.parametrize(("of", "again"), [("this code", []), ("other code", ["one", "broken"])])
def test_a_part_that_is_finished_is_kept_for_the_same_code(
    of: str, again: list[str], tmp_path: Path, measured: list[str]
) -> None:
    parts(tmp_path / "kept", measured)
    before = len(measured)
    parts(tmp_path / "kept", measured, of)
    assert measured[before:] == again


def test_only_what_was_counted_is_put_in_relation() -> None:
    assert figures.ratios({"ingest_cold": 300, "interpreter": 40}) == {"ingest_cold": 7.5}


def committed(**ratios: float) -> dict[str, Any]:
    return {"machine": MACHINE, "ratios": dict.fromkeys(gate.GATED_RATIOS, 10.0) | ratios}


@pytest.mark.parametrize(
    ("counted", "passes", "improved"), [(10.5, True, False), (10.51, False, False), (9.4, True, True)]
)
def test_a_ratio_may_be_a_twentieth_above(counted: float, passes: bool, improved: bool) -> None:
    ratios = dict.fromkeys(gate.GATED_RATIOS, 10.0) | {"first": counted}
    found = {each.name: each for each in gate.compare_ratios(committed(), ratios, MACHINE)}
    first = found.pop("first, ratio")
    assert (first.passes, first.improved) == (passes, improved)
    assert all(each.passes for each in found.values())


def test_another_interpreter_is_given_more_room() -> None:
    ratios = dict.fromkeys(gate.GATED_RATIOS, 11.0)
    assert not all(each.passes for each in gate.compare_ratios(committed(), ratios, MACHINE))
    assert all(each.passes for each in gate.compare_ratios(committed(), ratios, {**MACHINE, "python": "3.13.9"}))


def test_no_call_may_be_new_or_more() -> None:
    before: dict[str, dict[str, float]] = {name: {"dynamodb:PutItem": 1} for name in gate.GATED_CALLS}
    now = before | {
        "forged": {},
        "first": {"dynamodb:PutItem": 1, "sqs:SendMessage": 1},
        "cold": {"dynamodb:PutItem": 2},
    }
    failing = [each.name for each in gate.compare_calls({"calls": before}, now) if not each.passes]
    assert failing == ["cold, dynamodb:PutItem", "first, sqs:SendMessage"]


@pytest.mark.parametrize(("layer", "passes"), [(1_440_000, True), (1_450_000, False)])
def test_packages_may_grow_up_to_their_goal(layer: int, passes: bool) -> None:
    before = {"zip_bytes": {"layer": 1_000_000, "ingest": 9_000}}
    assert gate.compare_sizes(before, {"layer": layer, "ingest": 9_000}).passes is passes


def test_figures_are_kept_with_four_digits(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    figures.save({"seconds": 0.00123456, "calls": [2.0], "name": "x"}, file)
    assert figures.load(file) == {"seconds": 0.001235, "calls": [2], "name": "x"}
