"""Between ingest and the consumer: what is sent is received until it is finished, or kept for a person."""

from collections.abc import Iterator
from typing import Any, Final

import consumer
from tests.support.cloudformation import Template

LONGEST_SECONDS: Final = 14 * 24 * 60 * 60
"""Longest time for which SQS keeps a message."""

LARGEST_MESSAGE: Final = 400 * 1024
"""Largest message that ingest sends, according to `wickiepay.queue.encode`."""


def failures_are_reported_message_by_message(template: Template) -> Iterator[str]:
    if _source(template).get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        yield "one failure has the whole batch come again"


def a_batch_is_what_the_consumer_has_threads_for(template: Template) -> Iterator[str]:
    if _source(template).get("BatchSize") != consumer.BATCH_SIZE:
        yield f"a batch is of {_source(template).get('BatchSize')}"


def batches_at_once_are_limited_by_the_parameter(template: Template) -> Iterator[str]:
    limit = _source(template, ConsumerMaximumConcurrency="7").get("ScalingConfig", {}).get("MaximumConcurrency")
    if limit != "7":
        yield f"the limit is {limit}"


def a_batch_is_waited_for_as_long_as_the_parameter_says(template: Template) -> Iterator[str]:
    window = _source(template, ConsumerBatchingWindow="7").get("MaximumBatchingWindowInSeconds")
    if window != "7":
        yield f"it is waited for {window} s"


def a_message_stays_hidden_while_it_is_worked_on(template: Template) -> Iterator[str]:
    hidden = _queues(template)["EventQueue"].get("VisibilityTimeout", 30)
    timeout = template.stack().of_type("AWS::Lambda::Function")["ConsumerFunction"]["Timeout"]
    window = template.source["Parameters"]["ConsumerBatchingWindow"]["MaxValue"]
    if hidden < 6 * timeout + window:  # as AWS asks for
        yield f"hidden for {hidden} s, waited for for {window} s, worked on for {timeout} s"


def what_is_given_up_becomes_a_dead_letter(template: Template) -> Iterator[str]:
    redrive = _queues(template)["EventQueue"].get("RedrivePolicy", {})
    if redrive.get("deadLetterTargetArn") != "DeadLetterQueue.Arn":
        yield f"what is given up goes to {redrive.get('deadLetterTargetArn')}"


def the_consumer_knows_its_last_try(template: Template) -> Iterator[str]:
    told = template.stack().of_type("AWS::Lambda::Function")["ConsumerFunction"]["Environment"]["Variables"]
    if told["EVENT_QUEUE_MAX_RECEIVES"] != str(_tries(template)):
        yield f"{_tries(template)} tries, of which it knows {told['EVENT_QUEUE_MAX_RECEIVES']}"


def the_tries_take_about_a_day(template: Template) -> Iterator[str]:
    hours = sum(consumer.delay_seconds(receives) for receives in range(1, _tries(template))) / 3600
    if not 20 <= hours <= 28:
        yield f"they take {hours:.0f} hours"


def messages_are_kept_as_long_as_can_be(template: Template) -> Iterator[str]:
    for name, queue in _queues(template).items():
        if queue.get("MessageRetentionPeriod") != LONGEST_SECONDS:
            yield f"{name} keeps messages for {queue.get('MessageRetentionPeriod')} s"


def the_largest_message_fits(template: Template) -> Iterator[str]:
    for name, queue in _queues(template).items():
        if queue.get("MaximumMessageSize", 256 * 1024) < LARGEST_MESSAGE:
            yield f"{name} takes no more than {queue.get('MaximumMessageSize')} bytes"


def queues_take_nothing_without_tls(template: Template) -> Iterator[str]:
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policies = template.stack().of_type("AWS::SQS::QueuePolicy").values()
    for name in _queues(template):
        statements = [s for p in policies if p["Queues"] == [name] for s in p["PolicyDocument"]["Statement"]]
        if not any(refusal.items() <= s.items() and s["Resource"] == f"{name}.Arn" for s in statements):
            yield f"{name} can be reached without TLS"


def _queues(template: Template) -> dict[str, Any]:
    return template.stack().of_type("AWS::SQS::Queue")


def _tries(template: Template) -> int:
    return int(_queues(template)["EventQueue"].get("RedrivePolicy", {}).get("maxReceiveCount", 0))


def _source(template: Template, **values: str) -> dict[str, Any]:
    """The event source mapping that hands the consumer its batches."""
    [source] = template.stack(**values).of_type("AWS::Lambda::EventSourceMapping").values()
    return source
