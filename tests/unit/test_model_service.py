"""How long the functions take, and how full batches are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.service import Service, cpu_share
from tests.support.on_paper import ROUND, STACK, service

pytestmark = pytest.mark.thorough

RATES = st.floats(0.001, 5_000)


@pytest.mark.parametrize(("memory_mb", "share"), [(1769, 1.0), (884.5, 0.5), (3538, 1.0)])
def test_a_function_has_the_cpu_that_comes_with_its_memory(memory_mb: int, share: float) -> None:
    assert cpu_share(replace(STACK.ingest, memory_mb=memory_mb)) == pytest.approx(share)


def test_a_delivery_takes_its_cpu_time_and_its_calls_one_after_another() -> None:
    assert service().ingest() == pytest.approx(0.004 + 0.006 + 0.010)
    assert service().ingest("duplicate") == pytest.approx(0.002 + 0.006)
    assert service().ingest("forged") == pytest.approx(0.001)


def test_half_the_memory_is_twice_the_cpu_time() -> None:
    half = replace(STACK, ingest=replace(STACK.ingest, memory_mb=1769 // 2))

    assert Service(half, ROUND).ingest() == pytest.approx(2 * 0.004 + 0.016, rel=0.001)


def test_a_cold_delivery_waits_for_an_environment_and_the_secret_besides() -> None:
    assert service().ingest_cold() == pytest.approx(0.2 + 0.3 + 2 * 0.030 + 0.016)


def test_a_batch_calls_for_all_its_events_at_once() -> None:
    assert service().consumer(1) == pytest.approx(0.006 + 0.038)
    assert service().consumer(10) == pytest.approx(0.033 + 0.038)
    assert service(announces=False).consumer(10) == pytest.approx(0.033 + 0.018)


def test_a_batch_between_those_that_were_measured_lies_between_them() -> None:
    assert service().consumer(5.5) == pytest.approx((service().consumer(1) + service().consumer(10)) / 2)


def test_a_window_fills_batches_where_each_poller_gets_one_within_it() -> None:
    assert service().filled_from(10) == pytest.approx(5 * 10 / 10)


@given(RATES, RATES)
def test_batches_get_no_emptier_as_the_rate_grows(one: float, other: float) -> None:
    slow, fast = sorted((one, other))

    assert 1 <= service().batch(slow) <= service().batch(fast) <= STACK.batch_size


@given(RATES)
def test_what_comes_is_taken_unless_batches_are_full(rate: float) -> None:
    batch = service().batch(rate)
    takes = STACK.maximum_concurrency * batch / service().cycle(batch)

    if 1 < batch < STACK.batch_size:
        assert takes == pytest.approx(rate)
    elif batch == 1:
        assert takes >= rate * (1 - 1e-9)
    else:
        assert takes == pytest.approx(service().takes())
        assert takes <= rate * (1 + 1e-9)
