"""The simulation keeps the laws that any run of such a thing keeps."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import assumptions, quotas
from analysis.gates import Environments, TokenBucket
from analysis.listener import Account, Listener
from analysis.outcome import Outcome
from analysis.simulation import poisson, run
from tests.support.on_paper import ROUND, STACK, chance, service

pytestmark = pytest.mark.thorough

LONG = 2_000
"""Seconds after which every attempt and replay of a short run is over."""


def _run(rate: float, seconds: float, seed: int = 1, **listener: Any) -> tuple[Outcome, int]:  # noqa: ANN401
    random = chance(seed)
    changes = listener.pop("stack", {})
    built = Listener(service(**changes), random, **listener)
    return run(built, poisson(rate, seconds, random), until=seconds + LONG), built.left()


@settings(max_examples=settings().max_examples // 2)
@given(
    rate=st.floats(1, 150),
    throttle=st.integers(1, 150),
    concurrency=st.integers(1, 20),
    outage=st.integers(0, 10),
    queue_out=st.integers(0, 10),
    seed=st.integers(0, 2**32),
)
def test_every_delivery_is_accepted_or_given_up_and_what_is_accepted_is_processed_once(
    rate: float, throttle: int, concurrency: int, outage: int, queue_out: int, seed: int
) -> None:
    stack = {"throttle_rate": throttle, "throttle_burst": throttle, "maximum_concurrency": 2}

    outcome, left = _run(
        rate, 5, seed, stack=stack, account=Account(concurrency), out=(0, outage), queue_out=(0, queue_out)
    )

    assert outcome.sent == len(outcome.accepted) + len(outcome.given_up)
    assert outcome.accepted.isdisjoint(outcome.given_up)
    assert outcome.processed.keys() == outcome.accepted
    assert left == 0
    assert outcome.processed.total() == len(outcome.accepted)
    assert outcome.answers[200] == len(outcome.accepted)
    assert outcome.answers.total() <= 2 * assumptions.ATTEMPTS * outcome.sent  # a replay is tried as often again


def test_the_same_random_gives_the_same_outcome() -> None:
    assert _run(50, 10, seed=7) == _run(50, 10, seed=7)
    assert _run(50, 10, seed=7) != _run(50, 10, seed=8)


def test_littles_law_holds_in_the_queue() -> None:
    """What waits on average is what comes each second times how long it waits: areas under the same curve."""
    outcome, _ = _run(300, 30, stack={"maximum_concurrency": 2})

    assert sum(second.waiting for second in outcome.seconds) == pytest.approx(sum(outcome.ages), rel=0.03)
    assert max(outcome.ages) > 1


def test_littles_law_holds_in_ingest() -> None:
    seconds = 60
    outcome, _ = _run(100, seconds, warm=20)

    assert outcome.ingest_seconds / seconds == pytest.approx(100 * service().ingest(), rel=0.05)


def test_calls_take_what_is_assumed_on_average() -> None:
    listener = Listener(service(), chance(3))

    assert sum(listener._waits([0.01]) for _ in range(20_000)) / 20_000 == pytest.approx(0.01, rel=0.03)


@given(
    st.floats(1, 100),
    st.integers(1, 50),
    st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_no_more_than_rate_and_burst_ever_pass(rate: float, burst: int, gaps: list[float]) -> None:
    bucket, now, passed = TokenBucket(rate, burst), 0.0, []
    for gap in gaps:
        now += gap
        passed += [now] if bucket.take(now) else []

    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + rate * (passed[last] - begin) + 1e-6


def test_a_throttle_answers_429_and_the_sender_comes_back() -> None:
    outcome, _ = _run(50, 5, stack={"throttle_rate": 10, "throttle_burst": 10})

    assert outcome.answers[429] > 0
    assert len(outcome.accepted) + len(outcome.given_up) == outcome.sent


def test_without_room_in_the_account_the_answer_is_503() -> None:
    assert _run(200, 5, account=Account(concurrency=1))[0].refused[503] > 0


def test_a_reservation_is_ingests_own() -> None:
    crowded = Account(concurrency=1)

    outcome, _ = _run(50, 5, warm=50, stack={"reserved_concurrency": 50}, account=crowded)

    assert outcome.refused.total() == 0


def test_environments_are_made_only_so_fast() -> None:
    wide_open = {"throttle_rate": 1e6, "throttle_burst": 1e6}
    random = chance(1)
    listener = Listener(service(**wide_open), random, Account(10**6, 1e6, 1e6))
    outcome = run(listener, [0.0] * (quotas.SCALING_STEP + 50), until=1)

    assert outcome.cold == quotas.SCALING_STEP
    assert outcome.refused[503] == 50


def test_an_environment_stays_for_as_long_as_it_is_kept() -> None:
    idle = Environments(300)
    assert not idle.take(0)
    idle.put_back(1)
    assert idle.take(301)
    idle.put_back(301)
    assert not idle.take(602)


def test_a_delivery_answered_too_late_is_tried_again_and_processed_once() -> None:
    slow = replace(ROUND, cpu_seconds={**ROUND.cpu_seconds, "ingest_cold": 40.0})
    listener = Listener(replace(service(), figures=slow), chance(1))

    outcome = run(listener, [0.0], until=LONG)

    assert outcome.answers[200] == 2
    assert outcome.processed == {0: 1}
    assert not outcome.given_up


def test_what_is_given_up_in_an_outage_is_replayed() -> None:
    outcome, _ = _run(5, 60, out=(0, 600))

    assert len(outcome.accepted) == outcome.sent
    assert outcome.recovered_at > 600 + assumptions.REPLAY_AFTER_SECONDS


def test_the_relay_sends_so_many_a_run() -> None:
    outcome, _ = _run(20, 60, queue_out=(0, 100), stack={"relay_events": 200})

    arrived = [second for second in outcome.seconds if second.at > 100]
    assert outcome.processed.total() == outcome.sent
    runs = -(-outcome.sent // 200)
    assert outcome.relayed_at == pytest.approx(120 + (runs - 1) * STACK.relay_seconds)
    assert max(second.waiting for second in arrived) <= 200


def test_a_queue_that_is_served_too_slowly_grows_by_the_difference() -> None:
    outcome, _ = _run(400, 20, stack={"maximum_concurrency": 2})
    takes = service(maximum_concurrency=2).takes()

    assert outcome.peak_waiting == pytest.approx((400 - takes) * 20, rel=0.1)


def test_arrivals_come_in_order_and_as_often_as_asked() -> None:
    moments = list(poisson(100, 100, chance(5)))

    assert all(before <= after for before, after in pairwise(moments))
    assert len(moments) == pytest.approx(10_000, rel=0.05)
