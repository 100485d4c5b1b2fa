"""docs/runbook.md and docs/operating.md agree with template.yaml and the code, in tables, names and numbers."""

import json
import re
import tomllib
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

import consumer
import reconciler
from analysis.cost import Costs
from analysis.figures import Figures
from analysis.markdown import bill
from analysis.stack import read
from ingest import STATUS
from tests.support.cloudformation import Template, allows
from tests.support.deployed import TEMPLATE
from tests.support.pages import anchor, commands, links_in, names, rows, section, subsections
from tests.support.template_checks import parameters
from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.errors import QUESTIONS
from wickiepay.event_log import REPLAYS_KEPT
from wickiepay.metrics import LEAN, Metric
from wickiepay.money import MAX_DIGITS
from wickiepay.signature import MAX_RESERIALISED_BYTES
from wickiepay.signing_secrets import REFETCH_SECONDS, TIME_TO_LIVE_SECONDS
from wickiepay_cli.doctor.checks import NAMED, STATEMENTS
from wickiepay_cli.doctor.events import UNSENT_AGE
from wickiepay_cli.doctor.worth_a_look import KINDS
from wickiepay_cli.local.deploy import translate
from wickiepay_cli.project import PROJECT
from wickiepay_cli.sending.client import ANSWER_SECONDS
from wickiepay_reconcile.asking import FEW, PAUSE, TIMES, Limits
from wickiepay_reconcile.comparison import GRACE
from wickiepay_reconcile.notes import KEPT

RUNBOOK: Final = PROJECT / "docs/runbook.md"
OPERATING: Final = PROJECT / "docs/operating.md"
RECONCILING: Final = PROJECT / "docs/reconciling.md"
COMMANDS: Final = [*commands(RUNBOOK), *commands(OPERATING)]
RUNBOOKS: Final = subsections(RUNBOOK, "When an alarm rings")
RESOURCES: Final[dict[str, Any]] = TEMPLATE["Resources"]
STACK: Final = tomllib.loads((PROJECT / "samconfig.toml").read_text())["prod"]["deploy"]["parameters"]["stack_name"]
SHOWN_BEFORE: Final = {"UUID", "MESSAGE_ID", "QUERY_ID", "DEPLOYMENT_ID", "BACKUP_ARN", "PREVIOUS_VERSION_ID"}
"""Words to fill in that another command shows."""

IN_CAPITALS: Final = re.compile(r"[A-Z][A-Z_]+")
AWS_WORDS: Final = {"ALARM", "AWSPREVIOUS", "SYSTEM"}


def of_type(kind: str) -> dict[str, Any]:
    """The properties of the template's resources of a type."""
    return {name: resource.get("Properties", {}) for name, resource in RESOURCES.items() if resource["Type"] == kind}


def properties(name: str) -> Any:  # noqa: ANN401  whatever a template may hold
    return RESOURCES[name]["Properties"]


ALARMS: Final = of_type("AWS::CloudWatch::Alarm")
FOR_PEOPLE: Final = {name: alarm for name, alarm in ALARMS.items() if "AlarmActions" in alarm}


def text_of(alarm: dict[str, Any]) -> str:
    text: str = alarm["AlarmDescription"]["Fn::Sub"]
    return text.strip()


def runbook_of(alarm: dict[str, Any]) -> str:
    """The anchor at the end of an alarm's description."""
    return text_of(alarm).partition("Runbook: ${RunbookUrl}#")[2]


# --- Alarms and runbooks -----------------------------------------------------------------------------
def test_each_alarm_has_its_runbook_and_each_runbook_its_alarm() -> None:
    assert {runbook_of(alarm) for alarm in ALARMS.values()} == {anchor(title) for title in RUNBOOKS}


def test_an_alarm_leads_to_the_runbook() -> None:
    assert PROJECT / TEMPLATE["Parameters"]["RunbookUrl"]["Default"] == RUNBOOK


@pytest.mark.parametrize("title", RUNBOOKS)
def test_a_runbook_has_all_its_parts(title: str) -> None:
    labels = re.findall(r"^\*\*(\w+)(?:\.\*\*|\*\* when)", RUNBOOKS[title], re.MULTILINE)
    assert labels == ["Meaning", "Money", "Look", "Fix", "Done"]


def test_the_alarms_that_measure_a_state_are_linked_before_the_runbooks() -> None:
    states = {runbook_of(alarm) for alarm in FOR_PEOPLE.values() if alarm["Statistic"] == "Maximum"}
    introduction, *_ = section(RUNBOOK, "When an alarm rings").split("\n### ")
    assert {place for _, place in links_in(introduction)} == states


@pytest.mark.parametrize("alarm", FOR_PEOPLE)
def test_a_command_that_an_alarm_names_is_in_the_runbook(alarm: str) -> None:
    shown = [" ".join(command) for command in commands(RUNBOOK)]
    for named in re.findall(r'"(wickiepay [^"]+)"', text_of(ALARMS[alarm])):
        assert any(line.startswith(named) for line in shown), named


# --- Commands and questions --------------------------------------------------------------------------
def test_each_of_the_ten_questions_leads_to_its_answer() -> None:
    questions = re.split(r"^\d+\. ", section(RUNBOOK, "The ten questions"), flags=re.MULTILINE)[1:]
    assert [bool(links_in(question)) for question in questions] == [True] * 10


def test_the_commands_name_the_stack_of_samconfig() -> None:
    assert {command[command.index("--stack") + 1] for command in COMMANDS if "--stack" in command} == {STACK}


def test_a_word_to_be_filled_in_is_one_that_the_reader_finds() -> None:
    template, _ = translate(PROJECT)
    named = {in_capitals(name) for name in (*template["Outputs"], *template["Resources"])}
    words = {word for command in COMMANDS if command[0] == "aws" for word in command}
    assert {word for word in words if IN_CAPITALS.fullmatch(word)} - AWS_WORDS <= named | SHOWN_BEFORE


def in_capitals(name: str) -> str:
    """`EventTableName` as EVENT_TABLE_NAME."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


# --- Numbers -----------------------------------------------------------------------------------------
MAX_RECEIVES: Final = properties("EventQueue")["RedrivePolicy"]["maxReceiveCount"]
DAYS_QUEUED: Final = properties("EventQueue")["MessageRetentionPeriod"] // 86400
DAYS_DEAD: Final = properties("DeadLetterQueue")["MessageRetentionPeriod"] // 86400
MISDIRECTED: Final = properties("MisdirectedAlarm")["Threshold"] + 1
CANARY: Final = re.fullmatch(r"Canary(\d+)Percent(\d+)Minutes", TEMPLATE["Parameters"]["Rollout"]["Default"])
assert CANARY
RELAYS_METRICS: Final = {Metric.UNSENT, Metric.UNSENT_OLDEST_SECONDS}
IN_WORDS: Final = {1: "one", 3: "three", 5: "five", 6: "six", 10: "ten", 1000: "thousand"}


@pytest.mark.parametrize(
    ("page", "title", "number", "of_what"),
    [
        (RUNBOOK, "Events failed", MAX_RECEIVES, "tries"),
        (RUNBOOK, "Events failed", MAX_DIGITS, "digits"),
        (RUNBOOK, "Dead letters", MAX_RECEIVES, "tries"),
        (RUNBOOK, "Dead letters", DAYS_DEAD, "days"),
        (RUNBOOK, "Dead letters", DAYS_DEAD - 1, "days"),  # the first was spent in the event queue
        (RUNBOOK, "Unsent events", properties("UnsentAlarm")["Threshold"] // 60, "minutes"),
        (RUNBOOK, "Forged deliveries", properties("ForgedAlarm")["Threshold"], "deliveries"),
        (RUNBOOK, "Forged deliveries", properties("ForgedAlarm")["Period"] // 60, "minutes"),
        (RUNBOOK, "Forged deliveries", REFETCH_SECONDS, "seconds"),
        (RUNBOOK, "Refused deliveries", properties("RefusedAlarm")["Threshold"], "requests"),
        (RUNBOOK, "Refused deliveries", properties("RefusedAlarm")["Period"] // 60, "minutes"),
        (RUNBOOK, "Refused deliveries", MAX_BODY_BYTES // 1024, "KiB"),
        (RUNBOOK, "Deliveries answered 404", MISDIRECTED, "requests"),
        (RUNBOOK, "Deliveries answered 404", properties("MisdirectedAlarm")["Period"] // 60, "minutes"),
        (RUNBOOK, "Queue age", properties("QueueAgeAlarm")["Threshold"] // 3600, "hour"),
        (RUNBOOK, "Queue age", DAYS_QUEUED, "days"),
        (RUNBOOK, "Malformed messages", DAYS_DEAD, "days"),
        (RUNBOOK, "Rollback", len(ALARMS) - len(FOR_PEOPLE), "alarms"),
        (RUNBOOK, "Rollback", int(CANARY[1]), "%"),
        (RUNBOOK, "Do the books add up", UNSENT_AGE.seconds // 60, "minutes"),
        (RUNBOOK, "Do the books add up", NAMED, "of them"),
        (RUNBOOK, "Worth a look", NAMED, "of each kind"),
        (RUNBOOK, "Replaying", REPLAYS_KEPT, "replays"),
        (RUNBOOK, "What WickiePay gave up", ANSWER_SECONDS, "seconds"),
        (RUNBOOK, "Why a delivery was refused", MAX_RESERIALISED_BYTES, "bytes"),
        (RUNBOOK, "Why a delivery was refused", MAX_BODY_BYTES // 1024, "KiB"),
        (RUNBOOK, "Missing events", TIMES, "times"),
        (RUNBOOK, "The brake", int(Limits().unknown_percent), "%"),
        (RUNBOOK, "The brake", Limits().unknown, "of the events"),
        (RUNBOOK, "The brake", FEW, "unknown events"),
        (RECONCILING, "What is compared", GRACE.seconds // 60, "minutes"),
        (RECONCILING, "The reconciler", Limits().asked, "events"),
        (RECONCILING, "The reconciler", TIMES, "times"),
        (RECONCILING, "The reconciler", PAUSE.seconds // 60, "minutes"),
        (RECONCILING, "The reconciler", reconciler.RUN_SECONDS // 60, "minutes"),
        (RECONCILING, "The reconciler", KEPT.days, "days"),
        (RECONCILING, "Payments", GRACE.seconds // 60, "minutes"),
        (RECONCILING, "Payments", FEW, "payments"),
        (RECONCILING, "Payments", int(Limits().unknown_percent), "%"),
        (RECONCILING, "Payments", reconciler.MAX_DIFFERENCES, "of them"),
        (RECONCILING, "The brake", int(TEMPLATE["Parameters"]["ReconcileUnknownPercent"]["Default"]), "%"),
        (RECONCILING, "The brake", Limits().unknown, "of the listed events"),
        (RECONCILING, "The brake", FEW, "unknown events"),
        (OPERATING, "The signing secret", TIME_TO_LIVE_SECONDS, "seconds"),
        (OPERATING, "The signing secret", REFETCH_SECONDS, "seconds"),
        (OPERATING, "Rotating it", TIME_TO_LIVE_SECONDS, "seconds"),
        (OPERATING, "Rotating it", REFETCH_SECONDS, "seconds"),
        (OPERATING, "The secret has leaked", TIME_TO_LIVE_SECONDS, "seconds"),
        (OPERATING, "The ledger alone", properties("ConsumerFunction")["Timeout"], "seconds"),
        (OPERATING, "Upgrading", int(CANARY[1]), "%"),
        (OPERATING, "Upgrading", int(CANARY[2]), "minutes"),
        (OPERATING, "A new event type", 100 - int(CANARY[1]), "%"),
    ],
)
def test_a_number_is_that_of_the_template_or_the_code(page: Path, title: str, number: int, of_what: str) -> None:
    text = " ".join(section(page, title).split())
    spelled = {str(number), f"{number:,}", IN_WORDS.get(number, str(number))}
    assert any(re.search(rf"\b{each} {of_what}(?!\w)", text, re.IGNORECASE) for each in spelled)


def test_the_tries_of_an_event_take_about_a_day() -> None:
    assert 20 <= sum(map(consumer.delay_seconds, range(1, MAX_RECEIVES))) / 3600 <= 28


def test_a_small_account_is_told_a_consumer_that_leaves_room_for_ingest() -> None:
    text = section(OPERATING, "A small account")
    [said] = re.findall(r"ConsumerMaximumConcurrency=(\d+)", text)
    assert "can run 10 functions at once" in text
    assert allows(TEMPLATE["Parameters"]["ConsumerMaximumConcurrency"], said)
    assert int(said) < 10


def test_a_first_deployment_that_fails_is_deleted_before_the_next() -> None:
    text = section(OPERATING, "A first deployment that fails")
    assert ["aws", "cloudformation", "delete-stack", "--stack-name", STACK] in COMMANDS
    assert re.search(r"ROLLBACK_COMPLETE.*delete-stack.*sam deploy", text, re.DOTALL)
    assert {"5,120 characters", "`/aws/vendedlogs/`"} <= set(re.findall(r"5,120 characters|`/aws/vendedlogs/`", text))


# --- Names and tables --------------------------------------------------------------------------------
def test_the_expiry_that_a_restore_switches_on_is_that_of_the_table() -> None:
    attribute = properties("EventTable")["TimeToLiveSpecification"]["AttributeName"]
    assert f"Enabled=true,AttributeName={attribute}" in {word for command in COMMANDS for word in command}


@pytest.mark.parametrize(
    ("title", "policy", "value"),
    [("Deleting", "DeletionPolicy", "RetainExceptOnCreate"), ("Upgrading", "UpdateReplacePolicy", "Retain")],
)
def test_the_resources_that_outlive_a_change_are_named(title: str, policy: str, value: str) -> None:
    kept = {name for name, resource in RESOURCES.items() if resource.get(policy) == value}
    assert names(section(OPERATING, title)) & RESOURCES.keys() == kept


def test_each_parameter_has_its_row_and_the_functions_of_which_it_publishes_a_version() -> None:
    descriptions = {
        name.removesuffix("Function").lower(): str(function.get("VersionDescription"))
        for name, function in of_type("AWS::Serverless::Function").items()
    }
    said = {name.strip("`"): set(functions.split(", ")) - {""} for name, functions, _ in table_of_parameters()}
    assert said == {
        parameter: {function for function, text in descriptions.items() if re.search(rf"\b{parameter}\b", text)}
        for parameter in TEMPLATE["Parameters"]
    }


def table_of_parameters() -> list[list[str]]:
    return rows(section(OPERATING, "Changing parameters"))


def test_every_saved_query_is_named() -> None:
    named = {name.strip("`") for name, _ in rows(section(OPERATING, "Dashboard and queries"))}
    queries = of_type("AWS::Logs::QueryDefinition").values()
    assert named == {query["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}/") for query in queries}


def test_every_part_of_the_dashboard_is_named() -> None:
    [dashboard] = Template(TEMPLATE).stack(**parameters.RECONCILING).of_type("AWS::CloudWatch::Dashboard").values()
    for widget in json.loads(dashboard["DashboardBody"])["widgets"]:
        assert f'"{widget["properties"]["title"]}"' in " ".join(section(OPERATING, "Dashboard and queries").split())


def test_every_reason_for_a_refusal_is_explained() -> None:
    table = rows(section(RUNBOOK, "Why a delivery was refused"))
    explained = {(int(answer), reason.strip("`")) for answer, reason, _ in table if reason.startswith("`")}
    assert explained == {(status, error.code) for error, status in STATUS.items()}


def test_every_statement_of_the_doctor_is_explained() -> None:
    assert [statement for statement, _ in rows(section(RUNBOOK, "Do the books add up"))] == list(STATEMENTS.values())


def test_everything_that_is_worth_a_look_is_explained() -> None:
    assert [kind.strip("`") for kind, _ in rows(section(RUNBOOK, "Worth a look"))] == list(KINDS)


def test_every_reason_for_which_a_credit_may_be_a_second_one_is_explained() -> None:
    reasons = {reason.rstrip(".") for reason, what in rows(RUNBOOKS["Events failed"]) if "(#a-second-credit)" in what}
    assert len(reasons) == len(QUESTIONS)
    assert all(any(reason in question for question in QUESTIONS) for reason in reasons)


@pytest.mark.parametrize(
    ("monitoring", "column", "relays"), [("full", 2, RELAYS_METRICS), ("lean", 4, RELAYS_METRICS & LEAN)]
)
def test_the_costs_are_counted_and_added_up(monitoring: str, column: int, relays: Collection[Metric]) -> None:
    *table, total = rows(section(OPERATING, "What it costs"))
    parts = [(int(row[column]), Decimal(row[1]), Decimal(row[column + 1])) for row in table]
    assert all(number * each == both for number, each, both in parts)
    assert sum(both for *_, both in parts) == Decimal(total[column + 1])
    stack = Template(TEMPLATE).stack(Monitoring=monitoring)
    billed = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::SecretsManager::Secret")
    alarms, dashboards, secrets = (len(stack.of_type(kind)) for kind in billed)
    assert [number for number, *_ in parts] == [alarms, len(relays), dashboards, secrets]


@pytest.mark.parametrize("monitoring", ["full", "lean"])
def test_the_month_of_a_small_merchant_is_that_of_the_model(monitoring: str) -> None:
    figures = Figures.of(json.loads((PROJECT / "bench/figures.json").read_text()))
    month = bill(Costs(read(PROJECT, Monitoring=monitoring), figures).month(10_000))
    assert re.search(rf"10,000 deliveries .*\b{month:.2f}\b", " ".join(section(OPERATING, "What it costs").split()))


def test_an_uncaught_exception_is_found_by_the_name_that_lambda_gives_its_level() -> None:
    patterns = [word for command in commands(RUNBOOK) for word in command if "$.level" in word]
    assert patterns
    assert all('$.log_level = "ERROR"' in pattern for pattern in patterns)


def test_the_relay_writes_the_metrics_that_are_counted() -> None:
    written = re.findall(r"add_metric\(Metric\.(\w+)", (PROJECT / "functions/relay/relay.py").read_text())
    assert {Metric[name] for name in written} == RELAYS_METRICS
