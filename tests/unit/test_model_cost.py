"""What a delivery costs: by hand-worked examples with round figures, and by laws."""

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis import assumptions, prices
from analysis.cost import MONTH_SECONDS, Costs
from analysis.figures import Figures
from analysis.levers import levers
from analysis.markdown import bill
from analysis.prices import GATEWAYS, GIB
from analysis.service import Service
from analysis.sizes import sizes
from analysis.stack import RECONCILING, Stack, read
from tests.support.on_paper import ONE_CPU_MB, PROJECT, ROUND, STACK, costs, template
from wickiepay.payments import MAX_DETAIL_BYTES

pytestmark = pytest.mark.thorough

QUIET = replace(STACK.ingest, platform_lines=False, memory_mb=ONE_CPU_MB)


@pytest.fixture(autouse=True)
def all_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assumptions, "COLD_SHARE", 0.0)


@pytest.mark.parametrize(
    ("part", "batch", "worked_out"),
    [
        ("API", 1, 1.00 + 0.09 * 500_000_000 / GIB),  # a request, and an answer of 500 bytes
        ("Lambda: ingest", 1, 0.20 + 13.33 * 1769 / 1024 * (0.004 + 0.006 + 0.010)),
        ("Lambda: consumer", 1, 0.20 + 13.33 * 1769 / 1024 * (0.006 + 0.038)),
        ("Lambda: consumer", 10, 0.02 + 13.33 * 1769 / 1024 * (0.033 + 0.038) / 10),
        ("DynamoDB: writes", 1, 4 * 0.625),
        ("DynamoDB: reads", 1, 0.125),
        ("SQS", 1, 3 * 0.40),  # sent, received, deleted
        ("SQS", 10, 1.2 * 0.40),
        ("EventBridge", 10, 1.00),
    ],
)
def test_a_part_of_a_million(part: str, batch: int, worked_out: float) -> None:
    assert costs().million(batch)[part] == pytest.approx(worked_out)


def test_logs_are_billed_by_their_bytes() -> None:
    quiet = costs(access_log_format="$context.status")
    quiet = replace(quiet, stack=replace(quiet.stack, ingest=QUIET, consumer=QUIET))

    # 700 of ingest, 300 of the consumer, "200" of the API, and 26 on top of each of four lines.
    assert quiet.million(1)["Logs"] == pytest.approx(0.50 * 1_000_000 * (700 + 300 + 3 + 4 * 26) / GIB)


def test_a_cold_start_is_billed(monkeypatch: pytest.MonkeyPatch) -> None:
    warm = costs().million(1)["Lambda: ingest"]
    monkeypatch.setattr(assumptions, "COLD_SHARE", 0.5)

    longer = costs().service.ingest_cold() - costs().service.ingest()

    assert costs().million(1)["Lambda: ingest"] == pytest.approx(warm + 13.33 * 1769 / 1024 * longer / 2)


def test_what_is_not_announced_costs_neither_the_bus_nor_its_call() -> None:
    announced, silent = costs().million(1), costs(announces=False).million(1)

    assert silent["EventBridge"] == 0
    assert announced["Lambda: consumer"] - silent["Lambda: consumer"] == pytest.approx(13.33 * 1769 / 1024 * 0.020)


def test_keeping_costs_as_many_days_as_the_template_says() -> None:
    def kept(days: int) -> float:
        return Costs(Stack.of(template(EventRetentionDays=days), PROJECT), ROUND).kept()["Tables and indexes"]

    assert kept(400) == pytest.approx(4 * kept(100))


def test_what_is_kept_is_what_the_listener_writes() -> None:
    of = sizes(1024)
    # The three events of a payment share its item of the ledger, and the entry of that in an index.
    tables = of.finished + 100 + (of.ledger + 100) / 3
    indexes = of.entry + 100 + (of.reference_entry + 100) / 3

    kept = costs(event_retention_days=365).kept()

    assert kept["Tables and indexes"] == pytest.approx(0.25 * 12 * 1_000_000 * (tables + indexes) / GIB)
    assert kept["Being able to restore them"] == pytest.approx(0.20 * 12 * 1_000_000 * tables / GIB)


@pytest.mark.parametrize(
    ("part", "worked_out"),
    [
        ("Alarms", 0.10 * STACK.alarms),
        ("Dashboard", 3.00),
        ("Secret", 0.40),
        ("Metrics of the relay", 2 * 0.30),
        ("Asking the empty queue", 5 * MONTH_SECONDS / 20 * 0.40 / 1_000_000),
    ],
)
def test_a_part_of_an_idle_month(part: str, worked_out: float) -> None:
    assert costs().idle()[part] == pytest.approx(worked_out)


def test_a_month_without_a_delivery_is_the_idle_one() -> None:
    assert bill(costs().month(0)) == pytest.approx(bill(costs().idle()))


def test_lean_monitoring_costs_a_small_merchant_four_dollars_at_most() -> None:
    figures = Figures.of(json.loads((PROJECT / "bench/figures.json").read_text()))
    full, lean = (Costs(read(PROJECT, Monitoring=monitoring), figures) for monitoring in ("full", "lean"))

    assert bill(lean.month(10_000)) <= 4
    assert lean.idle()["Alarms"] == full.idle()["Alarms"]
    assert bill(full.month(10_000)) - bill(lean.month(10_000)) == pytest.approx(3.00 + 0.30 * (1 + 25))


@pytest.mark.parametrize(("monitoring", "metrics"), [("full", 4), ("lean", 2)])
def test_a_reconciler_adds_a_secret_its_alarms_and_its_metrics(monitoring: str, metrics: int) -> None:
    figures = costs().figures
    without, with_one = (
        bill(Costs(read(PROJECT, Monitoring=monitoring, **given), figures).idle()) for given in ({}, RECONCILING)
    )

    assert with_one - without == pytest.approx(0.40 + 3 * 0.10 + metrics * 0.30)


def test_an_event_is_read_in_each_hour_of_its_day_and_in_each_night_of_the_period() -> None:
    assert costs().times_reconciled() == 24 + 30
    assert costs().reconciled() == pytest.approx(54 / 2 * 0.125)
    assert costs().payments_reconciled() == pytest.approx(30 / 2 * 0.125)


def test_each_event_type_has_its_metrics() -> None:
    more = replace(costs(), stack=replace(costs().stack, event_types=STACK.event_types + 1))

    assert more.ordinary_metrics() == costs().ordinary_metrics() + 1  # processed
    assert more.all_metrics() == costs().all_metrics() + 2  # and failed


def test_a_forged_delivery_writes_nothing() -> None:
    unwritten = replace(
        ROUND,
        calls={**ROUND.calls, "duplicate": {}},
        cpu_seconds=dict.fromkeys(ROUND.cpu_seconds, 0.1),
        log_bytes=dict.fromkeys(ROUND.log_bytes, 500),
    )
    costs_of_equals = replace(costs(), figures=unwritten)

    assert costs_of_equals.answers("forged") == pytest.approx(costs_of_equals.answers("duplicate"))
    assert costs().answers("forged") < costs().answers("duplicate")


@given(st.floats(1, 10), st.floats(1, 10))
def test_fuller_batches_never_cost_more(one: float, other: float) -> None:
    small, large = sorted((one, other))

    assert bill(costs().million(large)) <= bill(costs().million(small)) + 1e-9


@given(st.integers(1_024, 200_000), st.integers(1_024, 200_000))
def test_a_larger_body_never_costs_less(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assume(large > 1.1 * small)  # the same digits deflate a little better or worse with others beside them

    if (
        large <= MAX_DETAIL_BYTES or small > 2 * MAX_DETAIL_BYTES
    ):  # of longer details the ledger writes and keeps the hash
        assert bill(costs().million(1, large)) >= bill(costs().million(1, small))
        assert bill(costs().kept(large)) > bill(costs().kept(small))


LEAN = Costs(read(PROJECT, Monitoring="lean"), ROUND)


def test_each_lever_saves_something() -> None:
    assert all(lever.saves > 0 for lever in levers(costs(), LEAN))


def test_provisioned_capacity_pays_from_29_of_100_on() -> None:
    """AWS's prices of a write unit: 0.625 USD a million on demand, 0.00065 an hour of one a second."""
    [lever] = [each for each in levers(costs(), LEAN) if "provisioned" in each.what]

    assert "below 28.9%" in lever.price
    assert lever.saves == pytest.approx((0.625 - 0.00065 / 3600 * 1_000_000 / 0.7) * ROUND.write_units.total)


def test_a_consumer_of_256_mb_would_take_fewer_than_the_door_lets_in() -> None:
    """Why it has 512."""
    figures = Figures.of(json.loads((PROJECT / "bench/figures.json").read_text()))
    narrow = replace(STACK, consumer=replace(STACK.consumer, memory_mb=256))

    assert Service(narrow, figures).takes() < STACK.throttle_rate < Service(STACK, figures).takes()


def test_memory_and_time_out_would_do_for_a_consumer_of_256_mb() -> None:
    measured = json.loads((PROJECT / "bench/figures.json").read_text())
    narrow = Service(replace(STACK, consumer=replace(STACK.consumer, memory_mb=256)), Figures.of(measured))

    assert measured["memory_kib"]["consumer"]["peak"] < 256 * 1024
    assert narrow.consumer_cold() + narrow.consumer(STACK.batch_size) < STACK.consumer.timeout_seconds


def test_infrequent_access_pays_only_where_much_is_kept() -> None:
    def saved(days: int) -> float:
        found = levers(costs(event_retention_days=days), LEAN)
        return next(lever.saves for lever in found if "infrequent" in lever.what)

    assert saved(400) > 0 > saved(35)


def test_further_events_of_a_plan_are_paid_for_one_by_one_or_by_whole_plans() -> None:
    svix = next(each for each in GATEWAYS if each.name.startswith("Svix"))
    by_plans = next(each for each in GATEWAYS if each.events == 500_000)

    assert svix.per_million() == pytest.approx(490 + 950_000 * 0.0001)
    assert by_plans.per_million() == pytest.approx(2 * by_plans.usd)


def test_a_price_is_for_so_many_of_its_unit() -> None:
    assert prices.SECRET_CALL.of(20_000) == pytest.approx(0.10)
