"""docs/operations.md says what template.yaml and the code say, and answers what it promises to answer."""

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

import consumer
from ingest import STATUS
from tests.support.deployed import TEMPLATE
from tests.support.pages import PAGES, anchor, anchors, commands, links, rows, section, subsections
from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.errors import QUESTIONS
from wickiepay.event_log import REPLAYS_KEPT
from wickiepay.money import MAX_DIGITS
from wickiepay.signing_secrets import REFETCH_SECONDS, TIME_TO_LIVE_SECONDS
from wickiepay_cli.audit.events import UNSENT_AGE
from wickiepay_cli.audit.statements import NAMED
from wickiepay_cli.audit.worth_a_look import KINDS
from wickiepay_cli.commands.doctor import STATEMENTS
from wickiepay_cli.local.deployment import translate
from wickiepay_cli.local.stack_file import PROJECT
from wickiepay_cli.sender import ANSWER_SECONDS

PAGE: Final = PROJECT / "docs/operations.md"
TEXT: Final = " ".join(PAGE.read_text().split())
RUNBOOKS: Final = subsections(PAGE, "When an alarm rings")
RESOURCES: Final[dict[str, Any]] = TEMPLATE["Resources"]
SAMCONFIG: Final = tomllib.loads((PROJECT / "samconfig.toml").read_text())
SHOWN_BEFORE: Final = {"UUID", "MESSAGE_ID", "QUERY_ID", "DEPLOYMENT_ID", "BACKUP_ARN", "PREVIOUS_VERSION_ID"}
"""What a reader fills in that another command shows."""

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
    """The anchor that an alarm's text ends with."""
    return text_of(alarm).partition("Runbook: ${RunbookUrl}#")[2]


# --- Alarms and runbooks -----------------------------------------------------------------------------
def test_each_alarm_has_its_runbook_and_each_runbook_its_alarm() -> None:
    assert {runbook_of(alarm) for alarm in ALARMS.values()} == {anchor(title) for title in RUNBOOKS}


@pytest.mark.parametrize("title", RUNBOOKS)
def test_a_runbook_says_all_that_one_has_to_know(title: str) -> None:
    labels = re.findall(r"^\*\*(Meaning|Money|Look|Mend|Over)\b", RUNBOOKS[title], re.MULTILINE)
    assert labels == ["Meaning", "Money", "Look", "Mend", "Over"]


def test_the_alarms_that_are_said_to_measure_a_state_are_those_that_do() -> None:
    states = {runbook_of(alarm) for alarm in FOR_PEOPLE.values() if alarm["Statistic"] == "Maximum"}
    [sentence] = re.findall(r"Three measure how things are.*?\.", TEXT)
    assert set(re.findall(r"\(#([\w-]+)\)", sentence)) == states


@pytest.mark.parametrize("alarm", FOR_PEOPLE)
def test_a_command_that_an_alarm_names_is_on_the_page(alarm: str) -> None:
    shown = [" ".join(command) for command in commands(PAGE)]
    for named in re.findall(r'"(wickiepay [^"]+)"', text_of(ALARMS[alarm])):
        assert any(line.startswith(named) for line in shown), named


# --- The page in itself ------------------------------------------------------------------------------
def test_ten_questions_are_asked_and_each_is_answered_somewhere() -> None:
    questions = re.split(r"^\d+\. ", section(PAGE, "The ten questions"), flags=re.MULTILINE)[1:]
    assert [bool(re.match(r"\*\*[^*]+\?.*\*\*.*\]\(#", question, re.DOTALL)) for question in questions] == [True] * 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path) -> None:
    for file, place in links(page):
        assert file.exists(), file
        assert not place or place in anchors(file), f"{file.name}#{place}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_two_headings_have_one_anchor(page: Path) -> None:
    assert len(anchors(page)) == len(set(anchors(page)))


def test_a_word_to_be_filled_in_is_one_that_the_reader_finds() -> None:
    template, _ = translate(PROJECT)
    named = {in_capitals(name) for name in (*template["Outputs"], *template["Resources"])}
    words = {word for command in commands(PAGE) if command[0] == "aws" for word in command}
    assert {word for word in words if IN_CAPITALS.fullmatch(word)} - AWS_WORDS <= named | SHOWN_BEFORE


def in_capitals(name: str) -> str:
    """`EventTableName` as EVENT_TABLE_NAME."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


# --- What it says of the stack -----------------------------------------------------------------------
MAX_RECEIVES: Final = properties("EventQueue")["RedrivePolicy"]["maxReceiveCount"]
DAYS_DEAD: Final = properties("DeadLetterQueue")["MessageRetentionPeriod"] // 86400
EXPIRY: Final = properties("EventTable")["TimeToLiveSpecification"]["AttributeName"]
RELAYS_METRICS: Final = {"Unsent", "UnsentOldestSeconds"}
IN_WORDS: Final = {3: "three", 6: "six", 10: "ten", 1000: "thousand", 3600: "an hour"}
ROLLOUTS: Final = {"Canary10Percent5Minutes": "one delivery in ten for five minutes, then all"}


@pytest.mark.parametrize(
    "statement",
    [
        f"given up after {MAX_RECEIVES} tries",
        f"A message was given up after {MAX_RECEIVES} tries",
        f"SQS deletes a message {DAYS_DEAD} days after it was first sent, so about {DAYS_DEAD - 1} days after",
        f"The queue keeps a message for {properties('EventQueue')['MessageRetentionPeriod'] // 86400} days",
        f"goes by itself after {DAYS_DEAD} days",
        f"More than five deliveries within {properties('ForgedAlarm')['Period'] // 60} minutes",
        f"wait for longer than {IN_WORDS[properties('UnsentAlarm')['Threshold'] // 60]} minutes to be sent",
        f"waits for longer than {IN_WORDS[properties('QueueAgeAlarm')['Threshold']]} to be processed",
        f"{IN_WORDS[len(ALARMS) - len(FOR_PEOPLE)].capitalize()} alarms watch errors and duration",
        f"nothing unsent for {IN_WORDS[UNSENT_AGE.seconds // 60]} minutes",
        f"a batch takes {properties('ConsumerFunction')['Timeout']} seconds at the most",
        f"asks again after {TIME_TO_LIVE_SECONDS} seconds",
        f"**Wait {TIME_TO_LIVE_SECONDS} seconds.**",
        f"at most once in {IN_WORDS[REFETCH_SECONDS]} seconds",
        f"heals within {IN_WORDS[REFETCH_SECONDS]} seconds",
        f"refusals end within {IN_WORDS[REFETCH_SECONDS]} seconds",
        f"WickiePay waits {ANSWER_SECONDS} seconds for a 200",
        f"over {MAX_BODY_BYTES // 1024} KiB",
        f"beyond {MAX_DIGITS} + {MAX_DIGITS} digits",
        f"stays on each record, the last {IN_WORDS[REPLAYS_KEPT]} times",
        f"the first {IN_WORDS[NAMED]} of it",
        f"Enabled=true,AttributeName={EXPIRY}",
        f"by default {ROLLOUTS[TEMPLATE['Parameters']['Rollout']['Default']]}",
        f"(stack `{SAMCONFIG['default']['deploy']['parameters']['stack_name']}`, new versions all at once",
        f"The stack is `{SAMCONFIG['prod']['deploy']['parameters']['stack_name']}` here",
    ],
)
def test_a_number_is_that_of_the_template_or_the_code(statement: str) -> None:
    assert statement in TEXT


def test_the_tries_of_an_event_take_about_a_day() -> None:
    assert 20 <= sum(map(consumer.delay_seconds, range(1, MAX_RECEIVES))) / 3600 <= 28


def test_the_environments_are_as_described() -> None:
    sandbox, real = (SAMCONFIG[name]["deploy"]["parameters"] for name in ("default", "prod"))
    assert "Rollout=AllAtOnce" in sandbox["parameter_overrides"]
    assert "parameter_overrides" not in real
    assert real["confirm_changeset"]


def test_what_stays_when_the_stack_is_deleted_is_named() -> None:
    [named] = re.findall(r"\*\*What stays\*\*, on purpose, and is billed on: (.*?)\.", TEXT)
    assert set(named.split(", ")) == {
        name for name, each in RESOURCES.items() if each.get("DeletionPolicy") == "RetainExceptOnCreate"
    }


def test_what_must_not_be_replaced_is_named() -> None:
    [named] = re.findall(r"nothing of ([\w, ]+) may be replaced", TEXT)
    retained = {name for name, each in RESOURCES.items() if each.get("UpdateReplacePolicy") == "Retain"}
    assert set(re.findall(r"\w+", named)) - {"and"} == retained


def test_every_parameter_is_in_the_table_of_what_can_be_changed() -> None:
    table = rows(section(PAGE, "Changing parameters"))
    assert {name.strip("`") for name, _ in table} == set(TEMPLATE["Parameters"])


def test_the_parameters_that_are_said_to_make_a_new_version_are_those_that_do() -> None:
    said = {name.strip("`") for name, what in rows(section(PAGE, "Changing parameters")) if "a new version of" in what}
    functions = of_type("AWS::Serverless::Function").values()
    descriptions = " ".join(str(function.get("VersionDescription")) for function in functions)
    assert said == {name for name in TEMPLATE["Parameters"] if f"${{{name}}}" in descriptions}


def test_every_saved_query_is_named() -> None:
    named = {name.strip("`") for name, _ in rows(section(PAGE, "Dashboard and queries"))}
    queries = of_type("AWS::Logs::QueryDefinition").values()
    assert named == {query["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}/") for query in queries}


def test_every_part_of_the_dashboard_is_named() -> None:
    [dashboard] = of_type("AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]
    for widget in widgets:
        assert f'"{widget["properties"]["title"]}"' in " ".join(section(PAGE, "Dashboard and queries").split())


def test_every_reason_for_a_refusal_is_explained() -> None:
    table = rows(section(PAGE, "Why a delivery was refused"))
    explained = {(int(answer), reason.strip("`")) for answer, reason, _ in table if reason.startswith("`")}
    assert explained == {(status, error.code) for error, status in STATUS.items()}


def test_every_statement_of_the_doctor_is_explained() -> None:
    assert [statement for statement, _ in rows(section(PAGE, "Do the books add up"))] == list(STATEMENTS.values())


def test_everything_that_is_worth_a_look_is_explained() -> None:
    assert [kind.strip("`") for kind, _ in rows(section(PAGE, "Worth a look"))] == list(KINDS)


def test_every_reason_for_which_a_credit_may_be_a_second_one_is_explained() -> None:
    reasons = {reason.rstrip(".") for reason, what in rows(RUNBOOKS["Events failed"]) if "(#a-second-credit)" in what}
    assert len(reasons) == len(QUESTIONS)
    assert all(any(reason in question for question in QUESTIONS) for reason in reasons)


def test_the_costs_are_counted_and_added_up() -> None:
    table = [
        (int(number), Decimal(each), Decimal(both)) for _, number, each, both in rows(section(PAGE, "What it costs"))
    ]
    assert all(number * each == both for number, each, both in table)
    assert f"Together {sum(both for *_, both in table)}." in TEXT
    dashboards, secrets = of_type("AWS::CloudWatch::Dashboard"), of_type("AWS::SecretsManager::Secret")
    assert [number for number, *_ in table] == [len(ALARMS), len(RELAYS_METRICS), len(dashboards), len(secrets)]


def test_the_relay_writes_the_metrics_that_are_counted() -> None:
    written = re.findall(r'add_metric\("(\w+)"', (PROJECT / "functions/relay/relay.py").read_text())
    assert set(written) == RELAYS_METRICS
