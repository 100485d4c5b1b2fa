"""docs/cost.md and docs/capacity.md are what the model makes of figures.json, and what they claim of it holds."""

import json
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.capacity import backlog, storm_factor
from analysis.cost import USUAL_BODY
from analysis.figures import EVENTS_OF_A_PAYMENT, Figures
from analysis.markdown import page, table
from analysis.plot import plot_storm
from analysis.scenarios import STEADY_SECONDS, STORM_RATE, Run, Runs, relay_run_seconds, relaying_seconds, storm
from analysis.simulated_facts import BATCH_TOLERANCE, TOLERANCE
from analysis.sizes import sizes
from tests.support.on_paper import PROJECT, service

pytestmark = pytest.mark.thorough  # the pages are written by a program, and all of it is simulated for them

MEASURED: dict[str, Any] = json.loads((PROJECT / "bench/figures.json").read_text())


@pytest.fixture(scope="module")
def runs() -> Runs:
    return analysis._made(json.dumps(MEASURED), PROJECT)[1]


@pytest.mark.parametrize("path", [analysis.COST_PAGE, analysis.CAPACITY_PAGE], ids=str)
def test_the_page_says_what_the_model_makes_of_the_figures(path: Path) -> None:
    assert (PROJECT / path).read_text() == analysis.pages(MEASURED, PROJECT)[path], "run: make bench"


def test_all_of_it_is_printed() -> None:
    printed = analysis.printed(MEASURED, PROJECT)

    assert all(text in printed for text in analysis.pages(MEASURED, PROJECT).values())


def test_the_parts_of_the_write_units_make_the_total_of_a_payment_s_life() -> None:
    first, later = MEASURED["write_units"]["total"], MEASURED["later_write_units"]["total"]

    assert EVENTS_OF_A_PAYMENT * Figures.of(MEASURED).write_units.total == pytest.approx(
        first + (EVENTS_OF_A_PAYMENT - 1) * later
    )


@pytest.mark.parametrize("rate", STEADY_SECONDS)
def test_computed_and_simulated_agree(rate: int, runs: Runs) -> None:
    run = runs.steady[rate]
    batch = run.service.batch(rate)

    assert run.ingest_busy == pytest.approx(rate * run.service.ingest(), rel=TOLERANCE)
    assert run.outcome.batch == pytest.approx(batch, rel=BATCH_TOLERANCE)
    assert run.consumer_busy == pytest.approx(rate / batch * run.service.consumer(batch), rel=BATCH_TOLERANCE)
    assert run.outcome.refused.total() == 0


@pytest.mark.parametrize("which", ["deployed", "ready"])
def test_the_storm_loses_nothing(which: str, runs: Runs) -> None:
    run: Run = getattr(runs, which)
    outcome = run.outcome

    assert len(outcome.accepted) + len(outcome.given_up) == outcome.sent
    assert outcome.processed.keys() == outcome.accepted
    assert outcome.processed.total() == len(outcome.accepted)
    assert run.left == 0


def test_prepared_the_storm_is_refused_nothing(runs: Runs) -> None:
    assert runs.ready.outcome.refused.total() == 0
    assert not runs.ready.outcome.given_up
    assert runs.ready.service.stack.throttle_rate >= storm_factor() * STORM_RATE


def test_the_storms_backlog_is_as_computed(runs: Runs) -> None:
    computed, found = backlog(runs.ready.service, STORM_RATE), runs.ready.outcome

    at_a_moment = 0.2 * storm_factor() * STORM_RATE  # what comes while batches are on their way is waiting, too
    assert found.peak_waiting == pytest.approx(computed.waiting, rel=TOLERANCE, abs=at_a_moment)
    assert found.peak_age == pytest.approx(computed.age_seconds, rel=TOLERANCE, abs=2)


def test_the_storm_is_caught_up_with_as_computed(runs: Runs) -> None:
    _is_caught_up_with_as_computed(runs.ready)


def test_a_storm_that_is_too_much_for_the_consumer_is_caught_up_with_as_computed() -> None:
    narrow = service(maximum_concurrency=4, throttle_rate=5_000, throttle_burst=5_000)

    assert backlog(narrow, STORM_RATE).caught_up_seconds > 0
    _is_caught_up_with_as_computed(storm(narrow, as_deployed=True))


def _is_caught_up_with_as_computed(run: Run) -> None:
    computed = backlog(run.service, STORM_RATE).caught_up_seconds
    found = max(0.0, run.outcome.caught_up_at - run.outage_ends)

    assert found == pytest.approx(computed, rel=TOLERANCE)


def test_the_relay_is_done_when_computed(runs: Runs) -> None:
    run = runs.queue_out
    took = run.outcome.relayed_at - run.outage_ends

    assert took == pytest.approx(relaying_seconds(run.service, run.rate), rel=TOLERANCE)
    assert run.outcome.processed.total() == run.outcome.sent


def test_the_storm_is_drawn(tmp_path: Path, runs: Runs) -> None:
    plot_storm({"as deployed": runs.deployed, "prepared": runs.ready}, tmp_path / "storm.png")

    assert (tmp_path / "storm.png").read_bytes().startswith(b"\x89PNG")


def test_a_fact_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        page("cost.md", {})


def test_a_longer_body_takes_as_many_more_write_units_as_were_measured() -> None:
    costs, _ = analysis._made(json.dumps(MEASURED), PROJECT)
    measured = {each["bytes"]: each["write_units"] for each in MEASURED["growth"]["body"]}

    for size, units in measured.items():
        more = costs.write_units(sizes(size)) - costs.write_units(sizes(USUAL_BODY))
        assert more == pytest.approx(units - measured[USUAL_BODY])


def test_a_table_begins_with_its_head() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_full_run_of_the_relay_ends_before_it_would_end_itself(runs: Runs) -> None:
    relaying = runs.queue_out.service

    assert relay_run_seconds(relaying) < relaying.stack.relay_run_seconds < relaying.stack.relay.timeout_seconds
