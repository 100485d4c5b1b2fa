"""What binds, and what has to be raised."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import assumptions, capacity, quotas
from analysis.service import Service
from analysis.stack import Stack
from tests.support.on_paper import PROJECT, ROUND, STACK, service, template

pytestmark = pytest.mark.thorough

RATES = st.floats(0.01, 100_000)


@pytest.mark.parametrize(
    ("replay_after", "beside"),
    [
        (240, 1),  # the attempts are over: new deliveries alone
        (90, 2),  # third attempts still come, until 120 s after the outage
        (30, 3),  # and so do second ones, until 60 s after it
    ],
)
def test_the_storm_is_the_replay_and_what_comes_beside_it(
    replay_after: int, beside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assumptions, "REPLAY_AFTER_SECONDS", replay_after)

    # In 600 s of outage what came in the first 420 is given up; 420 s of deliveries within 60 s.
    assert capacity.storm_factor() == pytest.approx(beside + 7)


def test_without_a_replay_the_storm_is_three_attempts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assumptions, "OUTAGE_SECONDS", 180)

    assert capacity.storm_factor() == 3


def test_a_new_account_allows_what_ten_concurrent_executions_do() -> None:
    assert capacity.new_account_allows(service()) == pytest.approx(10 * 10 / 1.1)  # ten invocations a second for each


def test_provisioned_pollers_are_bound_by_their_requests() -> None:
    """Ten requests a second each, of ten messages; ten batches at once; a megabyte a second."""
    assert capacity.provisioned_pollers(service(), 100_000, 600) == 1_000
    assert capacity.provisioned_pollers(service(), 100_000, 60_000) == 6_000


def test_as_deployed_the_throttle_binds_first() -> None:
    assert capacity.nearest(service()).name == capacity.THROTTLE_RATE
    assert capacity.binding(service(), STACK.throttle_rate) == []
    assert [limit.name for limit in capacity.binding(service(), STACK.throttle_rate + 1)] == [capacity.THROTTLE_RATE]


def test_another_default_of_the_template_binds_elsewhere() -> None:
    deployed = Service(Stack.of(template(ThrottleRate=5), PROJECT), ROUND)

    assert capacity.nearest(deployed).allows == 5


@pytest.mark.parametrize(
    ("name", "allows"),
    [
        (capacity.THROTTLE_BURST, 2 * STACK.throttle_burst),  # half a second's at once
        (capacity.SHARDS, 1_000 * STACK.shards),  # a shard takes 1,000 writes a second
        (capacity.INVOCATIONS, 10_000 / 1.1),  # of ingest, and a tenth as many of the consumer
        (capacity.CONCURRENCY, 1_000 / (0.020 + 0.0071)),
        (capacity.POLLERS, STACK.maximum_concurrency * 10 / (0.010 + 0.071 + 0.010)),
    ],
)
def test_a_limit_by_hand(name: str, allows: float) -> None:
    [limit] = [each for each in capacity.limits(service()) if each.name == name]

    assert limit.allows == pytest.approx(allows)


def test_a_table_takes_what_is_put_and_what_is_marked() -> None:
    [table] = [each for each in capacity.limits(service()) if "event table" in each.name]

    assert table.allows == quotas.NEW_TABLE_WRITES / 2


def test_the_bus_is_no_limit_to_what_is_not_announced() -> None:
    def names(*, announces: bool) -> set[str]:
        return {limit.name for limit in capacity.limits(service(announces=announces))}

    assert names(announces=True) - names(announces=False) == {"EventBridge, PutEvents requests a second"}


def test_a_reservation_is_a_limit() -> None:
    assert capacity.RESERVED in {limit.name for limit in capacity.limits(service(reserved_concurrency=2))}


@given(RATES, RATES)
def test_what_binds_at_a_rate_binds_at_a_greater_one(one: float, other: float) -> None:
    slow, fast = sorted((one, other))

    assert set(capacity.binding(service(), slow)) <= set(capacity.binding(service(), fast))


@given(RATES)
def test_whatever_binds_has_to_be_raised(rate: float) -> None:
    assert set(capacity.binding(service(), rate)) <= set(capacity.to_raise(service(), rate))


@given(st.floats(0.01, 20_000), st.sampled_from([None, 1, 100]))
def test_prepared_no_parameter_has_to_be_raised(rate: float, reserved: int | None) -> None:
    stack, _ = capacity.prepared(service(reserved_concurrency=reserved), rate)

    short = capacity.to_raise(replace(service(), stack=stack), rate)

    assert {limit.kind for limit in short} <= {"quota", "table, not in the template"}


@given(RATES)
def test_preparing_lowers_nothing(rate: float) -> None:
    stack, account = capacity.prepared(service(), rate)

    assert stack.throttle_rate >= STACK.throttle_rate
    assert stack.maximum_concurrency >= STACK.maximum_concurrency
    assert account.concurrency >= quotas.CONCURRENCY


def test_a_backlog_by_hand() -> None:
    # Eight times 1,000 a second come for 60 s, and 2,000 a second are taken.
    takes = service(maximum_concurrency=20).takes()
    rate = takes / 2

    found = capacity.backlog(service(maximum_concurrency=20), rate)

    assert found.waiting == pytest.approx((8 * rate - takes) * 60)
    assert found.age_seconds == pytest.approx(found.waiting / takes)
    # The last that waits for a second comes when a second's worth waits, and has waited for it a second later.
    assert found.caught_up_seconds == pytest.approx(240 + 60 + (found.waiting - takes) / (takes - rate) + 1)


def test_who_is_never_late_has_nothing_to_catch_up_with() -> None:
    assert capacity.backlog(service(), service().takes() / 8.1).waiting == 0
    assert capacity.backlog(service(), service().takes() / 7.99).waiting > 0
    assert capacity.backlog(service(), service().takes() / 7.99).caught_up_seconds == 0


def test_who_takes_less_than_comes_never_catches_up() -> None:
    assert capacity.backlog(service(), 2 * service().takes()).caught_up_seconds == float("inf")


def test_environments_beyond_the_first_thousand_take_their_time() -> None:
    # 0.02 s for each of 100,000 a second are 2,000 environments: 1,000 at once, 1,000 in ten seconds.
    assert capacity.warming_seconds(service(), 100_000) == pytest.approx(10)
    assert capacity.warming_seconds(service(), 1_000) == 0
