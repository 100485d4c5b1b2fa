"""What needs a person tells one, says what to do, and leads to the page that says more."""

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.support.cloudformation import Stack, Template
from tests.support.template_checks.logs import logged
from tests.support.template_checks.metrics import exists
from tests.support.template_checks.parameters import RECONCILING
from wickiepay.metrics import LEAN, Metric

NEEDS_A_PERSON: Final = {
    ("ingest", Metric.DELIVERY_CONFLICT),
    ("ingest", Metric.DELIVERY_FORGED),
    ("ingest", Metric.DELIVERY_REFUSED),
    ("ingest", Metric.DELIVERY_UNAVAILABLE),
    ("ingest", Metric.DELIVERY_UNUSABLE),
    ("consumer", Metric.DELIVERY_CONFLICT),
    ("consumer", Metric.EVENT_FAILED),
    ("consumer", Metric.MESSAGE_MALFORMED),
    ("consumer", Metric.RETRY_AGE_SECONDS),
    ("consumer", Metric.UNKNOWN_MONEY_EVENT),
    ("relay", Metric.UNSENT_OLDEST_SECONDS),
    ("reconciler", Metric.MISSING_OLDEST_SECONDS),
    ("reconciler", Metric.RECONCILE_BRAKED),
    ("WebhookApi", "5xx"),
    (None, "DeliveryMisdirected"),
    (None, "DeliveryThrottled"),
    ("EventQueue.QueueName", "ApproximateAgeOfOldestMessage"),
    ("DeadLetterQueue.QueueName", "ApproximateNumberOfMessagesVisible"),
    *((f"{name}Function", "Errors") for name in ("Ingest", "Consumer", "Relay", "Reconciler", "PreTraffic")),
}
"""Whose figure, and which."""

SILENCE_RINGS: Final = {"UnsentAlarm"}
"""The relay speaks each minute; what says nothing does not run."""


def what_needs_a_person_has_an_alarm(template: Template) -> Iterator[str]:
    alarms = _operators(template.stack(**RECONCILING)).values()
    watched = {(next(iter(_dimensions(alarm).values()), None), alarm["MetricName"]) for alarm in alarms}
    yield from (f"{name} of {whose} rings or needs a person, not both" for whose, name in watched ^ NEEDS_A_PERSON)


def lean_monitoring_keeps_every_alarm_and_what_rings_it(template: Template) -> Iterator[str]:
    full, lean = template.stack(**RECONCILING), template.stack(**RECONCILING, Monitoring="lean")
    if lean.of_type("AWS::CloudWatch::Alarm") != full.of_type("AWS::CloudWatch::Alarm"):
        yield "with lean monitoring there are other alarms"
    emitted = {name for _, name in NEEDS_A_PERSON if isinstance(name, Metric)}
    yield from (f"{name} rings or is saved, not both" for name in emitted ^ (LEAN - {Metric.SECRET_PREVIOUS}))
    filtered = {(made["MetricNamespace"], made["MetricName"]) for made in _made_from_logs(lean)}
    watched = {(a["Namespace"], a["MetricName"]) for a in _operators(lean).values() if not a.get("Dimensions")}
    yield from (f"{name} of {namespace} is read from logs or rings, not both" for namespace, name in filtered ^ watched)


def every_alarm_watches_a_metric_that_there_is(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING)
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        if not exists(stack, alarm["Namespace"], alarm["MetricName"], _dimensions(alarm)):
            yield f"{name} watches {alarm['Namespace']} {alarm['MetricName']} {_dimensions(alarm)}"


def every_alarm_rings_at_the_topic_but_those_that_codedeploy_asks(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING)
    asked = {
        alarm["Name"]
        for group in stack.of_type("AWS::CodeDeploy::DeploymentGroup").values()
        for alarm in group.get("AlarmConfiguration", {}).get("Alarms", [])
    }
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        expected = [] if name in asked else ["AlarmTopic"]
        if alarm.get("AlarmActions", []) != expected:
            yield f"{name} rings at {alarm.get('AlarmActions')}"
        if alarm.get("ActionsEnabled") is False:
            yield f"{name} is switched off"


def every_alarm_knows_what_silence_means(template: Template) -> Iterator[str]:
    for name, alarm in template.stack(**RECONCILING).of_type("AWS::CloudWatch::Alarm").items():
        expected = "breaching" if name in SILENCE_RINGS else "notBreaching"
        if alarm.get("TreatMissingData") != expected:
            yield f"{name} takes silence as {alarm.get('TreatMissingData')}"


def every_alarm_says_what_has_happened_and_where_to_read_on(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING, RunbookUrl="https://example.org/runbook")
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        description = alarm.get("AlarmDescription", "")
        if not re.fullmatch(r".+ Runbook: https://example\.org/runbook#[a-z0-9-]+", description):
            yield f"{name} says: {description}"


def mail_goes_to_the_address_that_is_given(template: Template) -> Iterator[str]:
    if template.stack(**RECONCILING).of_type("AWS::SNS::Subscription"):
        yield "somebody is told who has not been named"
    subscriptions = template.stack(AlarmEmail="ops@example.org").of_type("AWS::SNS::Subscription").values()
    wanted = {"TopicArn": "AlarmTopic", "Protocol": "email", "Endpoint": "ops@example.org"}
    if list(subscriptions) != [wanted]:
        yield f"told are {list(subscriptions)}"


def the_topic_hears_the_alarms_of_this_account_alone_and_nothing_without_tls(template: Template) -> Iterator[str]:
    statements = [
        {name: part for name, part in statement.items() if name != "Sid"}
        for policy in template.stack(**RECONCILING).of_type("AWS::SNS::TopicPolicy").values()
        if policy["Topics"] == ["AlarmTopic"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    publishing = {"Action": "sns:Publish", "Resource": "AlarmTopic"}
    wanted = [
        {
            **publishing,
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        },
        {
            **publishing,
            "Effect": "Deny",
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    if statements != wanted:
        yield f"the topic's policy is {statements}"


def metric_filters_read_fields_that_the_log_has(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING)
    for name, metric_filter in stack.of_type("AWS::Logs::MetricFilter").items():
        values = " ".join(made["MetricValue"] for made in metric_filter["MetricTransformations"])
        fields = set(re.findall(r"\$\.(\w+)", f"{metric_filter['FilterPattern']} {values}"))
        yield from (f"{name} reads {field}" for field in fields - logged(stack, metric_filter["LogGroupName"]))


def _operators(stack: Stack) -> dict[str, Any]:
    return {n: alarm for n, alarm in stack.of_type("AWS::CloudWatch::Alarm").items() if alarm.get("AlarmActions")}


def _made_from_logs(stack: Stack) -> Iterator[dict[str, Any]]:
    for metric_filter in stack.of_type("AWS::Logs::MetricFilter").values():
        yield from metric_filter["MetricTransformations"]


def _dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", [])}
