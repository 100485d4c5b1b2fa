"""`wickiepay announcements` and `env`: what was announced, as subscribers got it, and what a program needs."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support import command_line
from tests.support.aws import Calls
from tests.support.command_line import run, run_json
from tests.support.operator_stack import COMPLETED, CONFIRMED, OperatorStack
from wickiepay import clock
from wickiepay.clock import instant
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.announcements import of_body
from wickiepay_cli.watching.announced import announced
from wickiepay_cli.watching.subscription import ALIVE_UNTIL, LEASE, PREFIX, Subscription, subscribed

pytest_plugins = ["tests.support.operator_fixture"]

SINCE = ("--since", "1d")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack whose announcements are switched off."""
    monkeypatch.setitem(command_line.PARAMETERS, "Announcements", "off")


def test_what_was_announced_is_listed_newest_first_with_its_body(operator: OperatorStack) -> None:
    for hours in (3, 2):
        operator.process(operator.receive(f"c-{hours}", age=timedelta(hours=hours)))
    operator.receive("still waiting")
    listed = run_json("announcements", "list", *SINCE)
    assert [each["uuid"] for each in listed] == ["c-2", "c-3"]
    body = listed[0]["body"]
    assert (body["source"], body["detail-type"]) == ("wickiepay", CONFIRMED)
    assert (body["account"], body["region"]) == ("123456789012", "us-east-1")
    assert "credit" in {effect["effect"] for effect in body["detail"]["effects"]}
    assert body["detail"]["data"]["displayCurrency"] == {"currency": "EUR", "amount": "5"}


def test_a_person_gets_a_table_and_is_told_of_more(operator: OperatorStack) -> None:
    for uuid in ("c-1", "c-2"):
        operator.process(operator.receive(uuid))
    result = run("announcements", "list", *SINCE, "--limit", "1")
    assert (result.stdout.count(CONFIRMED), "more than these 1" in result.stderr) == (2, True)  # event and record key


def test_only_the_wanted_types_are_listed(operator: OperatorStack) -> None:
    for event in (CONFIRMED, COMPLETED):
        operator.process(operator.receive(event=event))
    assert [each["event"] for each in run_json("announcements", "list", *SINCE, "--type", "*.completed")] == [COMPLETED]


def test_where_nothing_was_announced_that_is_said(operator: OperatorStack) -> None:  # noqa: ARG001
    assert run("announcements", "list", *SINCE).stdout == "Nothing was announced.\n"


def test_the_announcements_about_a_uuid_come_in_order(operator: OperatorStack) -> None:
    for event, age in ((CONFIRMED, 2), (COMPLETED, 1)):
        operator.process(operator.receive(event=event, age=timedelta(hours=age)))
    assert [each["event"] for each in run_json("announcements", "show", "c-1")] == [CONFIRMED, COMPLETED]
    assert (
        json.loads(run("announcements", "show", "c-1").stdout.partition("\n}\n")[0] + "}")["detail-type"] == CONFIRMED
    )


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("arguments", [("show", "c-1"), ("tail", "--stack", "listener"), ("match", "--pattern", "-")])
def test_a_stack_that_announces_nothing_says_so(operator: OperatorStack, arguments: tuple[str, ...]) -> None:
    operator.process(operator.receive())
    assert run_json("announcements", "list", *SINCE) == []
    with pytest.raises(CommandError, match="othing"):
        run("announcements", *arguments)


def test_about_an_unknown_uuid_nothing_was_announced(operator: OperatorStack) -> None:
    operator.receive()
    with pytest.raises(CommandError, match="Nothing was announced about the uuid c-1"):
        run("announcements", "show", "c-1")


@pytest.mark.parametrize(("missing", "there"), [("data", "uuid"), ("event_key", "uuid")])
def test_an_announcement_may_lack_what_it_can_lack(missing: str, there: str) -> None:
    detail = {"uuid": "u-1", "event_key": "key", "data": {}}
    del detail[missing]
    each = of_body({"time": "2026-01-15T10:25:02Z", "detail-type": "payment.completed", "detail": detail})
    assert (getattr(each, there), each.outcome) == ("u-1", None)


# --- Where nothing may be made -------------------------------------------------------------------------
@pytest.mark.parametrize("refused", ["DescribeEventBus", "CreateQueue", "PutRule"])
def test_who_may_make_no_rule_follows_the_event_table(operator: OperatorStack, calls: Calls, refused: str) -> None:
    stack = operator.stack()
    calls.refuse(refused, "AccessDeniedException", 403)
    said: list[str] = []
    with calls.watching(stack.client("events")), announced(stack, said.append) as news:
        assert news() == []
        event = operator.receive("new", age=timedelta())
        assert news() == []
        operator.process(event)
        assert [each.uuid for each in news()] == ["new"]
    assert "The event table is followed instead" in said[0]


def test_another_error_of_the_bus_is_told(operator: OperatorStack, calls: Calls) -> None:
    stack = operator.stack()
    calls.refuse("DescribeEventBus", "ResourceNotFoundException", 400)
    with (
        calls.watching(stack.client("events")),
        pytest.raises(ClientError, match="ResourceNotFoundException"),
        announced(stack, print),
    ):
        pytest.fail("it goes on")


# --- What is made, and removed ---------------------------------------------------------------------
def name_of(subscription: Subscription) -> str:
    return subscription.queue_url.rpartition("/")[2]


def made(found: Stack) -> tuple[set[str], set[str]]:
    """The rules and the queues that subscriptions have made, and that are there."""
    rules = found.client("events").list_rules(EventBusName=found.output("EventBusName"), NamePrefix=PREFIX)["Rules"]
    queues = found.sqs().list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])
    return {rule["Name"] for rule in rules}, {url.rpartition("/")[2] for url in queues}


def test_what_a_killed_command_left_is_removed_by_the_next_and_the_living_stay(
    operator: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = subscribed(operator.stack())
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: operator.now - LEASE - timedelta(seconds=1))
        left = name_of(killed.__enter__())
    assert all(left in names for names in made(operator.stack()))
    with subscribed(operator.stack()) as living, subscribed(operator.stack()):
        rules, queues = made(operator.stack())
        assert (left in rules | queues, name_of(living) in rules & queues) == (False, True)
    assert made(operator.stack()) == (set(), set())


def test_a_subscription_says_once_a_minute_that_it_is_alive(operator: OperatorStack) -> None:
    began = operator.now
    seconds = iter((0, 59, 60))
    with subscribed(operator.stack()) as opened:
        watched = Subscription(opened.sqs, opened.queue_url, lambda: began + timedelta(seconds=next(seconds)))
        alive = []
        for _ in range(3):
            watched.renew()
            alive.append(opened.sqs.list_queue_tags(QueueUrl=opened.queue_url)["Tags"][ALIVE_UNTIL])
    assert alive == [instant(began + LEASE)] * 2 + [instant(began + LEASE + timedelta(minutes=1))]


# --- What a program needs ------------------------------------------------------------------------------
@pytest.fixture
def local(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> LocalStack:  # noqa: ANN401
    """A local stack that runs, as its file says."""
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    access = Access("http://127.0.0.1:1", "LOCALKEY", 'it\'s "secret" $HOME')
    stack = LocalStack(
        "http://127.0.0.1:3000/webhooks/wickiepay", access, "us-east-1", "local", command_line.OUTPUTS, 1
    )
    monkeypatch.setattr(local_stack, "read", lambda _: stack)
    return stack


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("--format=shell", "export AWS_SECRET_ACCESS_KEY='it'\"'\"'s \"secret\" $HOME'"),
        ("--format=dotenv", 'AWS_SECRET_ACCESS_KEY="it\'s \\"secret\\" $HOME"'),
        ("--json", '  "WICKIEPAY_EVENT_TABLE": "EventTable",'),
    ],
)
@pytest.mark.usefixtures("local")
def test_the_variables_come_in_the_asked_form(form: str, line: str) -> None:
    assert line in run("env", form).stdout.splitlines()


def test_of_a_deployed_stack_no_credentials_are_printed(operator: OperatorStack) -> None:
    assert isinstance(operator.stack(), Stack)
    printed = json.loads(run("env", "--stack", "listener", "--json").stdout)
    assert printed["WICKIEPAY_LEDGER_TABLE"] == "LedgerTable"
    assert not [name for name in printed if "KEY" in name or "ENDPOINT" in name]
