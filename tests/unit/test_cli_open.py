"""`wickiepay open` says where the AWS console shows a part of a stack."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import boto3
import pytest
import typer
from botocore.stub import Stubber

from tests.support.command_line import run, run_json
from tests.support.deployed import TEMPLATE
from wickiepay_cli.commands import open as command
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.console_urls import PAGES, STACK_ID, What
from wickiepay_cli.stacks.stack import Stack

STACK_ARN: Final = "arn:aws:cloudformation:eu-west-1:123456789012:stack/prod/00000000-0000-4000-8000-000000000001"
OUTPUTS: Final = {
    "DashboardName": "prod dashboard",
    "IngestLogGroup": "/aws/lambda/prod-ingest",
    "ConsumerLogGroup": "/aws/lambda/prod-consumer",
    "RelayLogGroup": "/aws/lambda/prod-relay",
    "ReconcilerLogGroup": "/aws/lambda/prod-reconciler",
    "ApiAccessLogGroup": "prod-access",
    "EventTableName": "prod-events",
    "LedgerTableName": "prod-ledger",
    "EventQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/prod-events",
    "DeadLetterQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/prod-dead",
    "SigningSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:Signing-Secret-AbCdEf",
}
PROD: Final = ("--stack", "prod")


def stack_in(region: str) -> Callable[..., Stack]:
    """In place of `wickiepay_cli.stacks.stack.find`: a stack in some region."""

    def client(service: Any) -> Any:  # noqa: ANN401  boto3's own types want to know the service
        made = boto3.client(service, region_name=region)
        stubber = Stubber(made)
        described = {"StackId": STACK_ARN, "StackName": "prod", "CreationTime": 0, "StackStatus": "UPDATE_COMPLETE"}
        stubber.add_response("describe_stacks", {"Stacks": [described]}, {"StackName": "prod"})
        stubber.activate()
        return made

    return lambda *_: Stack("prod", OUTPUTS, client)


@pytest.fixture(autouse=True)
def prod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find", stack_in("eu-west-1"))


CLOUDWATCH: Final = "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
LOGS: Final = f"{CLOUDWATCH}#logsV2:log-groups/log-group"
DYNAMODB: Final = "https://console.aws.amazon.com/dynamodbv2/home?region=eu-west-1"
QUEUES: Final = "https://console.aws.amazon.com/sqs/v3/home?region=eu-west-1#/queues"
SECRETS: Final = "https://console.aws.amazon.com/secretsmanager/secret"
STACKS: Final = "https://console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/stackinfo"
ADDRESSES: Final[dict[What, dict[str, str]]] = {
    "dashboard": {"dashboard": f"{CLOUDWATCH}#dashboards/dashboard/prod%20dashboard"},
    "logs": {
        "ingest": f"{LOGS}/$252Faws$252Flambda$252Fprod-ingest",
        "consumer": f"{LOGS}/$252Faws$252Flambda$252Fprod-consumer",
        "relay": f"{LOGS}/$252Faws$252Flambda$252Fprod-relay",
        "reconciler": f"{LOGS}/$252Faws$252Flambda$252Fprod-reconciler",
        "api": f"{LOGS}/prod-access",
    },
    "tables": {"events": f"{DYNAMODB}#table?name=prod-events", "ledger": f"{DYNAMODB}#table?name=prod-ledger"},
    "queue": {
        "events": f"{QUEUES}/https%3A%2F%2Fsqs.eu-west-1.amazonaws.com%2F123456789012%2Fprod-events",
        "dead-letters": f"{QUEUES}/https%3A%2F%2Fsqs.eu-west-1.amazonaws.com%2F123456789012%2Fprod-dead",
    },
    "secret": {"secret": f"{SECRETS}?name=Signing-Secret&region=eu-west-1"},
    "stack": {
        "stack": f"{STACKS}?stackId=arn%3Aaws%3Acloudformation%3Aeu-west-1%3A123456789012%3Astack%2Fprod"
        "%2F00000000-0000-4000-8000-000000000001"
    },
}


def test_everything_that_can_be_looked_at_is_tried_here() -> None:
    assert {what: set(parts) for what, parts in PAGES.items()} == {what: set(each) for what, each in ADDRESSES.items()}


@pytest.mark.parametrize("what", ADDRESSES)
def test_all_parts_have_their_address(what: What) -> None:
    assert run("open", what, *PROD).stdout.splitlines() == list(ADDRESSES[what].values())


@pytest.mark.parametrize("what", ADDRESSES)
def test_programs_are_told_which_is_which(what: What) -> None:
    told = [{"part": part, "url": url} for part, url in ADDRESSES[what].items()]
    assert run_json("open", what, *PROD) == told


def test_one_part_has_one_address() -> None:
    assert run("open", "queue", "dead-letters", *PROD).stdout == f"{ADDRESSES['queue']['dead-letters']}\n"


@pytest.mark.parametrize(
    ("region", "beginning"),
    [
        ("us-gov-west-1", "https://console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#"),
        ("cn-north-1", "https://console.amazonaws.cn/cloudwatch/home?region=cn-north-1#"),
    ],
)
def test_each_partition_has_a_console_of_its_own(region: str, beginning: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find", stack_in(region))
    assert run("open", "dashboard", *PROD).stdout.startswith(beginning)


def test_a_partition_without_a_known_console_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find", stack_in("us-iso-east-1"))
    with pytest.raises(CommandError, match="partition aws-iso"):
        run("open", "dashboard", *PROD)


def test_without_a_dashboard_the_parameter_that_decides_so_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    in_full = stack_in("eu-west-1")()
    monkeypatch.setattr(stack, "find", lambda *_: replace(in_full, parameters={"Monitoring": "lean"}))

    with pytest.raises(CommandError, match="Monitoring is lean"):
        run("open", "dashboard", *PROD)


def test_without_a_reconciler_there_are_the_logs_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stack_in("eu-west-1")()
    without = {name: value for name, value in OUTPUTS.items() if name != "ReconcilerLogGroup"}
    monkeypatch.setattr(stack, "find", lambda *_: replace(whole, outputs=without))

    others = [url for part, url in ADDRESSES["logs"].items() if part != "reconciler"]
    assert run("open", "logs", *PROD).stdout.splitlines() == others
    with pytest.raises(CommandError, match="prod has no reconciler"):
        run("open", "logs", "reconciler", *PROD)


def test_every_output_that_is_looked_up_is_one_of_the_template() -> None:
    asked = {output for parts in PAGES.values() for output, _ in parts.values()}
    assert asked - {STACK_ID} <= TEMPLATE["Outputs"].keys()


def test_a_part_that_there_is_not_is_named() -> None:
    with pytest.raises(CommandError, match="no consumer among tables"):
        run("open", "tables", "consumer", *PROD)


def test_something_that_there_is_not_is_wrong_usage() -> None:
    assert run("open", "bus", *PROD).exit_code == 2


def test_the_local_stack_is_not_in_aws() -> None:
    with pytest.raises(CommandError, match="local stack is not in AWS"):
        run("open", "dashboard")


# --- In the browser ----------------------------------------------------------------------------------
@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []
    monkeypatch.setattr(typer, "launch", opened.append)
    return opened


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "read_by_a_person", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_at_a_terminal_the_browser_opens(opened: list[str]) -> None:
    run("open", "tables", "ledger", *PROD)
    assert opened == [ADDRESSES["tables"]["ledger"]]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("option", ["--print", "--json"])
def test_it_does_not_where_only_the_address_is_wanted(option: str, opened: list[str]) -> None:
    run("open", "tables", *PROD, option)
    assert opened == []


def test_it_does_not_in_a_pipe(opened: list[str]) -> None:
    run("open", "tables", *PROD)
    assert opened == []
