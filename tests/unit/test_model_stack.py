"""What the model reads of template.yaml and the code."""

from typing import Any

import pytest

from analysis.stack import RECONCILING, Stack, handled, read
from tests.support.on_paper import PROJECT, STACK, template
from wickiepay.metrics import Metric

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("parameter", "default", "field"),
    [
        ("ThrottleRate", 7, "throttle_rate"),
        ("ThrottleBurst", 9, "throttle_burst"),
        ("ConsumerBatchingWindow", 5, "batching_window_seconds"),
        ("ConsumerMaximumConcurrency", 3, "maximum_concurrency"),
        ("EventRetentionDays", 36, "event_retention_days"),
        ("LogRetentionDays", 30, "log_retention_days"),
    ],
)
def test_a_parameters_default_is_read(parameter: str, default: int, field: str) -> None:
    assert getattr(Stack.of(template(**{parameter: default}), PROJECT), field) == default


def test_without_announcements_nothing_is_announced() -> None:
    assert STACK.announces
    assert not Stack.of(template(Announcements="off"), PROJECT).announces


def test_a_reservation_is_a_number_or_none() -> None:
    assert STACK.reserved_concurrency is None
    assert Stack.of(template(IngestReservedConcurrency="50"), PROJECT).reserved_concurrency == 50


def _changed(resource: str, **properties: Any) -> Stack:  # noqa: ANN401  whatever a template may hold
    changed = template()
    changed["Resources"][resource]["Properties"] |= properties
    return Stack.of(changed, PROJECT)


def test_memory_is_read() -> None:
    assert _changed("IngestFunction", MemorySize=1024).ingest.memory_gb == 1


def test_the_platform_is_quiet_where_its_level_says_so() -> None:
    assert STACK.consumer.platform_lines
    assert not _changed("ConsumerFunction", LoggingConfig={"SystemLogLevel": "WARN"}).consumer.platform_lines


@pytest.mark.parametrize(("schedule", "seconds"), [("rate(1 minute)", 60), ("rate(2 hours)", 7_200)])
def test_the_relays_schedule_is_read(schedule: str, seconds: int) -> None:
    event = {"EveryMinute": {"Properties": {"ScheduleExpression": schedule}}}

    assert _changed("RelayFunction", Events=event).relay_seconds == seconds


def test_an_alarm_less_is_an_alarm_less() -> None:
    changed = template()
    del changed["Resources"]["ForgedAlarm"]

    assert Stack.of(changed, PROJECT).alarms == STACK.alarms - 1


def test_the_relays_constant_is_read_from_its_module() -> None:
    relay = (PROJECT / "functions/relay/relay.py").read_text()

    assert f"MAX_EVENTS: Final = {STACK.relay_events}\n" in relay


def test_every_event_type_with_a_handler_is_counted() -> None:
    samples = {path.stem for path in (PROJECT / "events/payloads").glob("*.json")}

    assert handled(PROJECT) == samples
    assert len(samples) == STACK.event_types


def test_the_stack_shows_or_watches_every_metric_but_those_that_the_command_asks_for() -> None:
    asked_for = {Metric.SECRET_CURRENT, Metric.SECRET_PREVIOUS}
    whole = read(PROJECT, **RECONCILING)

    assert {name for name, service in whole.metrics if service} == set(Metric) - asked_for


def test_without_a_provider_there_is_no_reconciler_to_pay_for() -> None:
    whole = read(PROJECT, **RECONCILING)

    assert (whole.alarms, whole.secrets) == (STACK.alarms + 3, STACK.secrets + 1)
