"""`--forward-to`: what an application gets, and what becomes of its answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import typer

from tests.support import command_line
from tests.support.application import Application as Running
from tests.support.application import application
from tests.support.certificates import certificate_for
from tests.support.eventually import eventually
from tests.support.operator_stack import COMPLETED, CONFIRMED, OperatorStack
from wickiepay.signature import sign
from wickiepay_cli.commands.forwarding import Wanted, headers_in
from wickiepay_cli.errors import CommandError
from wickiepay_cli.operations import forwarding as forwarding_module
from wickiepay_cli.operations.forwarding import ATTEMPTS, Application, Form, forwarding
from wickiepay_cli.sending import client
from wickiepay_cli.stacks.stack import Where
from wickiepay_cli.watching.feed import Feed, Forwarded
from wickiepay_cli.watching.live_view import show_line, show_line_of_json

pytest_plugins = ["tests.support.operator_fixture"]

SECRET = b"the secret of the application"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between attempts and looks."""
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0)
    monkeypatch.setattr(forwarding_module, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def app() -> Iterator[Running]:
    with application(Running()) as running:
        yield running


@contextmanager
def forwarded(operator: OperatorStack, app: Running, **wanted: Any) -> Iterator[Feed]:  # noqa: ANN401
    feed = Feed()
    chosen = Application(app.url, SECRET, **{"form": Form.WEBHOOK, **wanted})
    with forwarding(operator.stack(), chosen, feed, lambda _: None):
        yield feed


def answers(feed: Feed, number: int) -> list[Forwarded]:
    """The first answers, in order, once there are so many."""
    return eventually(lambda: feed.answers() if len(feed.answers()) >= number else [])[::-1]


def test_a_webhook_goes_out_as_received_and_is_signed_anew(operator: OperatorStack, app: Running) -> None:
    with forwarded(operator, app, headers=[("Authorization", "Bearer t")]) as feed:
        event = operator.receive(age=timedelta())
        [answer] = answers(feed, 1)
    [got] = app.got
    assert json.loads(got.body)["data"]["uuid"] == event.uuid
    assert got.headers["X-Webhook-Signature"] == sign(got.body, SECRET)
    assert got.headers["Authorization"] == "Bearer t"
    assert (answer.status, answer.answer, answer.again) == (200, '{"ok": true}', False)


def test_the_latest_go_out_first_the_oldest_of_them_first(
    operator: OperatorStack, app: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding_module, "AT_ONCE", 1)
    for hours in (3, 2, 1):
        operator.receive(f"c-{hours}", age=timedelta(hours=hours))
    with forwarded(operator, app, latest=2, since=operator.now - timedelta(days=1)) as feed:
        assert [each.uuid for each in answers(feed, 2)] == ["c-2", "c-1"]


def test_only_wanted_types_go_out(operator: OperatorStack, app: Running) -> None:
    with forwarded(operator, app, types=["*.completed"]) as feed:
        for event in (CONFIRMED, COMPLETED):
            operator.receive(event=event, age=timedelta())
        assert [each.event for each in answers(feed, 1)] == [COMPLETED]


def test_what_is_not_acted_upon_does_not_go_out(operator: OperatorStack, app: Running) -> None:
    for amount in (5, 6):
        operator.receive("c-1", displayCurrency={"currency": "EUR", "amount": amount})
    operator.receive("c-2", age=timedelta(minutes=1))
    with forwarded(operator, app, since=operator.now - timedelta(days=1)) as feed:
        assert sorted(str(each.uuid) for each in answers(feed, 2)) == ["c-1", "c-2"]


@pytest.mark.parametrize(
    ("running", "told"),
    [
        (Running(500, "<h1>Oops</h1>"), "<h1>Oops</h1>"),
        (Running(404, "no such page"), "no such page"),
        (Running(302, "", {"Location": "https://elsewhere.example/"}), "it redirects to https://elsewhere.example/"),
        (Running(503, "x" * 200_000), "x" * 65536),
    ],
    ids=["500 and HTML", "404", "a redirect", "a long answer"],
)
def test_an_application_that_fails_is_tried_five_times_and_told_of(
    operator: OperatorStack, running: Running, told: str
) -> None:
    with application(running), forwarded(operator, running) as feed:
        operator.receive("c-1", age=timedelta())
        tried = answers(feed, ATTEMPTS)
        running.status, running.more = 200, {}
        operator.receive("c-2", age=timedelta())
        assert eventually(lambda: [each for each in feed.answers() if each.uuid == "c-2"])
    assert [(each.attempt, each.status, each.again) for each in tried] == [
        (number, tried[0].status, number < ATTEMPTS) for number in range(1, ATTEMPTS + 1)
    ]
    assert tried[0].answer.startswith(told)
    assert len(tried[0].answer) <= len(told) + 40


@pytest.mark.parametrize("charset", ["hex", "idna"])
def test_an_answer_in_what_is_no_charset_is_shown(operator: OperatorStack, charset: str) -> None:
    running = Running(more={"Content-Type": f"text/plain; charset={charset}"})
    with application(running), forwarded(operator, running) as feed:
        operator.receive(age=timedelta())
        assert [each.answer for each in answers(feed, 1)] == [running.text]


def test_where_nobody_listens_that_is_told_and_nothing_is_blocked(operator: OperatorStack) -> None:
    with forwarded(operator, Running(port=1)) as feed:
        operator.receive(age=timedelta())
        assert {each.status for each in answers(feed, ATTEMPTS)} == {None}


@pytest.mark.parametrize(("verify", "status"), [(True, None), (False, 200)])
def test_a_certificate_is_checked_unless_that_is_switched_off(
    operator: OperatorStack, status: int | None, *, verify: bool
) -> None:
    with (
        application(Running(certificate=certificate_for("elsewhere.example"))) as running,
        forwarded(operator, running, verify=verify) as feed,
    ):
        operator.receive(age=timedelta())
        assert answers(feed, 1)[0].status == status


def test_what_hangs_is_left_at_the_end(operator: OperatorStack, app: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), threading.Event()

    def hanging(*_: object, **__: object) -> client.Answer:
        asked.set()
        go.wait(10)
        return client.Answer(None, "timed out", 30)

    monkeypatch.setattr(forwarding_module, "deliver", hanging)
    monkeypatch.setattr(forwarding_module, "LEAVE_SECONDS", 0.05)
    with forwarded(operator, app):
        operator.receive(age=timedelta())
        assert asked.wait(10)
    go.set()


def test_what_goes_wrong_in_a_thread_is_told_and_the_next_event_goes_out(
    operator: OperatorStack, app: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([ZeroDivisionError("a secret"), None])
    whole = client.deliver

    def faulty(*arguments: Any, **more: Any) -> client.Answer:  # noqa: ANN401
        if error := next(times):
            raise error
        return whole(*arguments, **more)

    monkeypatch.setattr(forwarding_module, "deliver", faulty)
    with forwarded(operator, app) as feed:
        operator.receive("c-1", age=timedelta())
        assert eventually(lambda: feed.latest_trouble) == f"{CONFIRMED} c-1 was not forwarded: ZeroDivisionError."
        operator.receive("c-2", age=timedelta())
        assert [each.uuid for each in answers(feed, 1)] == ["c-2"]


def test_a_stack_that_announces_nothing_forwards_webhooks_alone(
    operator: OperatorStack, app: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(command_line.PARAMETERS, "Announcements", "off")
    with pytest.raises(CommandError, match="--as webhook"), forwarded(operator, app, form=Form.ANNOUNCEMENT):
        pytest.fail("it goes on")


# --- What is said of an answer -------------------------------------------------------------------------
ANSWER = Forwarded(
    at="2026-01-15T10:25:00.000000Z",
    event="payment.completed",
    uuid="u-1",
    event_key="payment.completed",
    attempt=1,
    status=200,
    milliseconds=12,
    answer="fine\nand well",
    again=False,
)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "payment.completed  u-1  200  12 ms  fine and well"),
        ({"status": 500, "again": True}, "500  12 ms  fine and well  tried again soon"),
        ({"status": None, "attempt": 5, "answer": "refused"}, "no answer  12 ms  refused  given up after 5 attempts"),
        ({"answer": "\x1b[2J" + "x" * 300}, "\\x1b[2J" + "x" * 196 + "…"),
        ({"answer": ""}, "200  12 ms"),
    ],
)
def test_an_answer_takes_one_line(changes: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_line(replace(ANSWER, **changes))
    assert capsys.readouterr().out.removesuffix("\n").endswith(line)


def test_an_answer_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_line_of_json(ANSWER)
    said = json.loads(capsys.readouterr().out)["forwarded"]
    assert (said["status"], said["answer"], said["uuid"]) == (200, "fine\nand well", "u-1")


# --- What may be wanted --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url", ["", "application", "ftp://127.0.0.1/", "http://", "http://[::1", "http://127.0.0.1:65536/"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(typer.BadParameter, match="not an address"):
        Wanted(url)


@pytest.mark.parametrize(
    "wanted",
    [{"types": ["a"]}, {"headers": [("a", "b")]}, {"latest": 1}, {"use_stack_secret": True}, {"verify": False}],
)
def test_without_an_address_there_is_nothing_to_choose(wanted: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter, match="--forward-to"):
        Wanted(None, **wanted)


@pytest.mark.parametrize("header", ["", "no colon", ": value", "a b: c", "a: b\nc: d", "a: ü"])
def test_what_is_no_header_is_refused(header: str) -> None:
    with pytest.raises(typer.BadParameter, match="Name: value"):
        headers_in([header])


@pytest.mark.parametrize("header", ["Content-Length: 3", "transfer-encoding: chunked"])
def test_a_header_that_follows_from_the_body_is_refused(header: str) -> None:
    with pytest.raises(typer.BadParameter, match="follows from the body"):
        headers_in([header])


def test_headers_are_read() -> None:
    assert headers_in(["Authorization: Bearer a:b", "X-Empty:"]) == [("Authorization", "Bearer a:b"), ("X-Empty", "")]


def test_the_stacks_own_address_is_refused(operator: OperatorStack) -> None:
    own = command_line.OUTPUTS["WebhookUrl"]
    with (
        pytest.raises(CommandError, match="the stack's own address"),
        Wanted(own).forwarding(operator.stack(), Feed(), print),
    ):
        pytest.fail("it goes on")


@pytest.mark.parametrize(
    ("wanted", "question"),
    [({}, "make a temporary queue and rule"), ({"form": Form.WEBHOOK, "use_stack_secret": True}, "own signing secret")],
)
def test_what_changes_a_deployed_stack_is_asked_first(
    operator: OperatorStack, wanted: dict[str, Any], question: str
) -> None:
    deployed = replace(operator.stack(), asked=Where("listener"))
    with (
        pytest.raises(typer.BadParameter, match=question),
        Wanted("http://127.0.0.1:1/", **wanted).forwarding(deployed, Feed(), print),
    ):
        pytest.fail("it goes on")
