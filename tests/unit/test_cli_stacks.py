"""`wickiepay stacks` finds the listeners among all stacks of an account."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError, ProfileNotFound
from botocore.stub import Stubber

from tests.support.command_line import run, run_json
from wickiepay_cli.commands import stacks as command
from wickiepay_cli.errors import sentence
from wickiepay_cli.output import tables
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack

OUTPUTS: Final = {
    "WebhookUrl": "https://abcdefghij.execute-api.eu-west-1.amazonaws.com/webhooks/wickiepay",
    "EventTableName": "events",
    "LedgerTableName": "ledger",
    "SigningSecretArn": "arn",
}
TAGS: Final = {"application": "wickiepay-webhook-listener", "environment": "prod"}
MADE: Final = datetime(2026, 1, 15, 10, 25, tzinfo=UTC)
CHANGED: Final = datetime(2026, 2, 1, 9, 30, 15, tzinfo=UTC)

type Answer = dict[str, Any]


def described(
    name: str, outputs: dict[str, str] | None = None, tags: dict[str, str] | None = None, **more: object
) -> Answer:
    return {
        "StackName": name,
        "CreationTime": MADE,
        "StackStatus": "UPDATE_COMPLETE",
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in (outputs or {}).items()],
        "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        **more,
    }


class Account:
    """CloudFormation in each region: pages of stacks, or the code of an error."""

    def __init__(self) -> None:
        self.pages: dict[str, list[list[Answer]]] = {}
        self.errors: dict[str, str] = {}
        self.profile: str | None = None

    def session(self, profile: str | None) -> "Account":
        self.profile = profile
        return self

    def create_client(self, service: Any, region_name: str | None, **_: object) -> Any:  # noqa: ANN401
        region = region_name or "us-east-1"
        made = boto3.client(service, region_name=region)
        stubber = Stubber(made)
        pages = self.pages.get(region, [[]])
        for number, stacks in enumerate(pages):
            answer: Answer = {"Stacks": stacks} | ({"NextToken": str(number)} if number < len(pages) - 1 else {})
            stubber.add_response("describe_stacks", answer, {"NextToken": str(number - 1)} if number else {})
        if region in self.errors:
            stubber = Stubber(made)
            stubber.add_client_error("describe_stacks", self.errors[region], "Not here")
        stubber.activate()
        return made


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """The account that every session finds; no stack runs on this machine."""
    account = Account()
    monkeypatch.setattr(command, "session_of", account.session)
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    return account


def test_a_listener_is_told_of(account: Account) -> None:
    account.pages["us-east-1"] = [[described("prod", OUTPUTS, TAGS, LastUpdatedTime=CHANGED)]]
    assert run_json("stacks") == [
        {
            "name": "prod",
            "region": "us-east-1",
            "local": False,
            "environment": "prod",
            "status": "UPDATE_COMPLETE",
            "updated_at": "2026-02-01T09:30:15.000000Z",
            "webhook_url": OUTPUTS["WebhookUrl"],
        }
    ]


LISTENERS: Final = [
    pytest.param(described("s", OUTPUTS, TAGS), True, id="outputs and tag"),
    pytest.param(described("s", OUTPUTS), True, id="outputs alone"),
    pytest.param(described("s", {**OUTPUTS, "DashboardName": "d"}), True, id="more outputs"),
    pytest.param(described("s", tags=TAGS, StackStatus="CREATE_IN_PROGRESS"), True, id="tag alone"),
    pytest.param(described("s"), False, id="neither"),
    pytest.param(described("s", {"WebhookUrl": "https://example.com"}), False, id="some outputs"),
    pytest.param(described("s", tags={"application": "another"}), False, id="another application"),
    pytest.param(described("s", tags={"Application": TAGS["application"]}), False, id="another tag"),
    pytest.param(described("s", tags={"environment": "prod"}), False, id="an environment alone"),
]


@pytest.mark.parametrize(("stack", "is_one"), LISTENERS)
def test_a_listener_is_known_by_its_tag_or_its_outputs(account: Account, stack: Answer, is_one: bool) -> None:
    account.pages["us-east-1"] = [[stack]]
    assert bool(run_json("stacks")) == is_one


def test_a_listener_that_was_never_changed_is_dated_by_its_making(account: Account) -> None:
    account.pages["us-east-1"] = [[described("new", tags=TAGS)]]
    [found] = run_json("stacks")
    assert (found["updated_at"], found["webhook_url"]) == ("2026-01-15T10:25:00.000000Z", None)


def test_all_pages_are_read(account: Account) -> None:
    account.pages["us-east-1"] = [[described(f"other-{n}"), described(f"stack-{n}", OUTPUTS)] for n in range(3)]
    assert [found["name"] for found in run_json("stacks")] == ["stack-0", "stack-1", "stack-2"]


def test_several_regions_are_looked_in_each_once(account: Account) -> None:
    account.pages = {name: [[described(f"in-{name}", OUTPUTS)]] for name in ("eu-west-1", "eu-central-1", "us-east-1")}
    regions = ("--region", "eu-west-1", "--region", "eu-central-1", "--region", "eu-west-1")
    found = run_json("stacks", *regions, "--profile", "operator")
    assert [(each["name"], each["region"]) for each in found] == [
        ("in-eu-west-1", "eu-west-1"),
        ("in-eu-central-1", "eu-central-1"),
    ]
    assert account.profile == "operator"


def test_no_listener_is_an_empty_array() -> None:
    assert run_json("stacks") == []


def test_people_are_told_that_there_is_none() -> None:
    assert run("stacks").stdout == "There is no stack.\n"


def test_a_region_that_cannot_be_asked_is_an_error(account: Account) -> None:
    account.errors["ap-east-1"] = "UnrecognizedClientException"
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        run("stacks", "--region", "ap-east-1")


# --- Nothing is configured for AWS -------------------------------------------------------------------
@pytest.mark.parametrize("error", [NoRegionError(), NoCredentialsError()], ids=["region", "credentials"])
class TestWhereNothingIsConfigured:
    def test_that_is_said_and_no_failure(self, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Account, "create_client", failing(error))
        result = run("stacks", "--json")
        assert (json.loads(result.stdout), result.stderr) == ([], f"No AWS account was asked: {sentence(error)}\n")

    @pytest.mark.parametrize("arguments", [("--profile", "p"), ("--region", "eu-west-1")])
    def test_it_is_one_for_whoever_asks_for_an_account(
        self, error: Exception, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Account, "create_client", failing(error))
        with pytest.raises(type(error)):
            run("stacks", *arguments)


def failing(error: Exception) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


def test_a_profile_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "session_of", failing(ProfileNotFound(profile="nobody")))
    with pytest.raises(ProfileNotFound):
        run("stacks", "--profile", "nobody")


# --- The local stack ---------------------------------------------------------------------------------
def test_the_local_stack_comes_first(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.pages["us-east-1"] = [[described("wickiepay-local", OUTPUTS)]]
    local = LocalStack("", Access("", "", ""), "us-east-1", "wickiepay-local", {}, 0)
    monkeypatch.setattr("wickiepay_cli.stacks.local_stack.read", lambda _: local)
    monkeypatch.setattr(LocalStack, "client", lambda _, service: account.create_client(service, None))
    found = run_json("stacks", "--region", "eu-west-1")
    assert [(each["name"], each["local"]) for each in found] == [("wickiepay-local", True)]
    assert "this machine" in run("stacks", "--region", "eu-west-1").stdout


# --- What people see ---------------------------------------------------------------------------------
SHOWN: Final = """\
  stack            region      env    status               updated at
 ───────────────────────────────────────────────────────────────────────────
  wickiepay-prod   us-east-1   prod   UPDATE_COMPLETE      2026-02-01 09:30
  wickiepay-new    us-east-1          CREATE_IN_PROGRESS   2026-01-15 10:25
"""
URLS: Final = f"""\

wickiepay-prod: {OUTPUTS["WebhookUrl"]}
wickiepay-new: no webhook URL yet
"""


@pytest.mark.parametrize("columns", [80, 160])
def test_people_get_a_table_that_fits_their_terminal(
    columns: int, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "WIDE", columns)
    new = described("wickiepay-new", tags={"application": TAGS["application"]}, StackStatus="CREATE_IN_PROGRESS")
    account.pages["us-east-1"] = [[described("wickiepay-prod", OUTPUTS, TAGS, LastUpdatedTime=CHANGED), new]]
    lines = [line.rstrip() for line in run("stacks").stdout.splitlines()]
    assert lines == (SHOWN + URLS).splitlines()
