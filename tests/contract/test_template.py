"""What template.yaml and the code say of each other has to agree."""

import pytest

import consumer
from deployed import FUNCTIONS, TEMPLATE

RESOURCES = TEMPLATE["Resources"]
STATEFUL = ["EventTable", "LedgerTable", "SigningSecret", "DeadLetterQueue"]
OUTPUTS = {
    "WebhookUrl",
    "EventTableName",
    "LedgerTableName",
    "EventQueueUrl",
    "DeadLetterQueueUrl",
    "EventBusName",
    "SigningSecretArn",
}


def source() -> dict[str, object]:
    """The consumer's event source."""
    mapping: dict[str, object] = RESOURCES["ConsumerFunction"]["Properties"]["Events"]["Queue"]["Properties"]
    return mapping


def test_a_batch_is_no_larger_than_the_consumer_has_threads_for() -> None:
    assert source()["BatchSize"] == consumer.BATCH_SIZE


def test_failures_are_reported_message_by_message() -> None:
    assert source()["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_number_of_batches_at_once_is_limited() -> None:
    assert "MaximumConcurrency" in str(source()["ScalingConfig"])


def test_a_message_stays_hidden_for_six_times_as_long_as_the_consumer_may_run() -> None:
    queue, function = RESOURCES["EventQueue"]["Properties"], RESOURCES["ConsumerFunction"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_the_consumer_knows_its_last_try() -> None:
    redrive = RESOURCES["EventQueue"]["Properties"]["RedrivePolicy"]
    variables = RESOURCES["ConsumerFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["EVENT_QUEUE_MAX_RECEIVES"] == str(redrive["maxReceiveCount"])


def test_the_tries_take_about_a_day() -> None:
    tries = RESOURCES["EventQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]
    assert 20 <= sum(consumer.delay_seconds(receives) for receives in range(1, tries)) / 3600 <= 28


@pytest.mark.parametrize("name", STATEFUL)
def test_what_holds_state_outlives_the_stack(name: str) -> None:
    assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_a_function_has_a_log_group_with_an_end_and_an_alarm_on_its_errors(function: str) -> None:
    group = RESOURCES[function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert "RetentionInDays" in RESOURCES[group]["Properties"]
    alarm = RESOURCES[function.replace("Function", "ErrorsAlarm")]["Properties"]
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function}}]


def test_every_alarm_says_what_to_do_and_tells_somebody() -> None:
    alarms = [r["Properties"] for r in RESOURCES.values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert all(len(alarm["AlarmDescription"]) > 60 and alarm["AlarmActions"] for alarm in alarms)


def test_the_outputs_are_those_that_the_command_line_goes_by() -> None:
    assert set(TEMPLATE["Outputs"]) == OUTPUTS
