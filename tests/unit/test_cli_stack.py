"""The stack that a command works on, and what it says where there is none."""

from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber

from tests.support import command_line
from wickiepay_cli.app import main
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.stack import Stack, Where


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """The CloudFormation that a session finds, whatever profile and region it is made for."""
    client = boto3.client("cloudformation")
    monkeypatch.setattr(botocore.session.Session, "create_client", lambda *_, **__: client)
    return Stubber(client)


def described(outputs: list[dict[str, str]]) -> dict[str, Any]:
    return {"Stacks": [{"StackName": "prod", "CreationTime": 0, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}


def test_a_deployed_stack_is_known_by_its_outputs(cloudformation: Stubber) -> None:
    outputs = [{"OutputKey": "EventTableName", "OutputValue": "events"}]
    cloudformation.add_response("describe_stacks", described(outputs), {"StackName": "prod"})
    with cloudformation:
        assert stack.find("prod").output("EventTableName") == "events"


@pytest.mark.parametrize("environment", ["prod", "sandbox"])
def test_its_tag_says_whether_it_is_production(environment: str, cloudformation: Stubber) -> None:
    answer = described([])
    answer["Stacks"][0]["Tags"] = [{"Key": "environment", "Value": environment}]
    cloudformation.add_response("describe_stacks", answer)
    with cloudformation:
        assert stack.find("prod").is_production is (environment == "prod")


def test_an_output_that_a_stack_has_not_is_named() -> None:
    with pytest.raises(CommandError, match="prod has no output EventTableName"):
        Stack("prod", {}, command_line.client).output("EventTableName")


def test_a_stack_that_does_not_exist_is_named(cloudformation: Stubber) -> None:
    cloudformation.add_client_error("describe_stacks", "ValidationError", "Stack with id prod does not exist")
    with cloudformation, pytest.raises(CommandError, match="no stack prod in us-east-1"):
        stack.find("prod")


@pytest.fixture
def no_local_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))


@pytest.mark.usefixtures("no_local_stack")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["events", "list"],
            "No local stack is running: start one with make run, or name a deployed one with --stack.",
        ),
        (
            ["events", "list", "--region", "eu-west-1"],
            "A profile or a region only helps to find a deployed stack: name one with --stack.",
        ),
        (
            ["balances", "show", "a", "--stack", "prod", "--profile", "nobody"],
            "The config profile (nobody) could not be found. To list the profiles: aws configure list-profiles.",
        ),
        (
            ["trigger", "payment.completed", "--url", "http://127.0.0.1:9", "--secret", "s"],
            "http://127.0.0.1:9 did not answer: [Errno 111] Connection refused.",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert (end.value.code, capsys.readouterr().err) == (1, f"{sentence}\n")


@pytest.mark.parametrize("arguments", [["stacks"], ["doctor", "--stack", "prod"]], ids=" ".join)
def test_an_endpoint_that_is_none_is_said_in_a_sentence(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "foo")
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert (end.value.code, capsys.readouterr().err) == (
        1,
        "AWS cannot be asked with this configuration: Invalid endpoint: foo.\n",
    )


@pytest.mark.parametrize("arguments", [["stacks"], ["doctor", "--stack", "prod"]], ids=" ".join)
def test_an_empty_profile_is_said_in_a_sentence(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "")
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert (end.value.code, capsys.readouterr().err) == (
        1,
        "--profile, AWS_PROFILE or AWS_DEFAULT_PROFILE is empty: name a profile there, or unset it.\n",
    )


def test_what_aws_refuses_is_said_in_a_sentence(cloudformation: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    cloudformation.add_client_error("describe_stacks", "AccessDenied", "You are not allowed to")
    with cloudformation, pytest.raises(SystemExit) as end:
        main(["payments", "show", "order-1", "--stack", "prod"])
    what, remedy = "AWS refused DescribeStacks: You are not allowed to.", "Ask for this permission, or name another"
    assert (end.value.code, capsys.readouterr().err.startswith(f"{what} {remedy}")) == (1, True)


BACKWARDS = ("--since", "2026-01-02", "--until", "2026-01-01")


@pytest.mark.usefixtures("no_local_stack")
@pytest.mark.parametrize(
    "words",
    [
        ("events", "list", *BACKWARDS),
        ("events", "export", "--resume"),
        ("events", "replay"),
        ("payments", "list", *BACKWARDS),
        ("stats", *BACKWARDS),
        ("dlq", "redrive"),
        ("secret", "show"),
    ],
)
def test_wrong_usage_is_told_before_a_stack_is_looked_for(words: tuple[str, ...]) -> None:
    assert command_line.run(*words).exit_code == 2


def test_a_stack_remembers_how_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find", command_line.stack)
    deployed = Where("prod", region="eu-west-1").find()
    assert (deployed.deployed, deployed.asked.options) == ("prod", " --stack prod --region eu-west-1")
    assert (Where().find().deployed, Where().options) == (None, "")
