"""`--wait`: how an event ends that was sent to be processed, and what that makes of the exit code."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest

from tests.support.aws import Calls
from tests.support.command_line import ended, run, run_json
from tests.support.listener import Listener, put_in_place_of_the_network
from tests.support.operator_stack import CONFIRMED, OperatorStack
from wickiepay.identity import Identity
from wickiepay_cli.commands import trigger as trigger_module
from wickiepay_cli.commands.events import replay as replay_module
from wickiepay_cli.watching.ending import MOST, PATIENCE_SECONDS, Waiting

pytest_plugins = ["tests.support.operator_fixture"]

type Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Has something happen each time that a command pauses, which takes ten seconds."""

    def meanwhile(happening: Callable[[], object]) -> None:
        waiting = partial(Waiting, sleep=lambda _: happening(), clock=partial(next, count(step=10)))
        monkeypatch.setattr(trigger_module, "Waiting", waiting)
        monkeypatch.setattr(replay_module, "Waiting", waiting)

    return meanwhile


def failed(operator: OperatorStack, uuid: str, **data: Any) -> Identity:  # noqa: ANN401  as OperatorStack.receive
    identity = operator.receive(uuid, **data)
    assert operator.events.mark_failed(identity, operator.now, "Given up.")
    return identity


def processing(operator: OperatorStack) -> object:
    """As the consumer does, a moment after what was there before."""
    later = OperatorStack(
        operator.dynamodb,
        operator.sqs,
        operator.events,
        operator.ledger,
        operator.queue,
        operator.bus,
        operator.now.replace(second=operator.now.second + 1),
    )
    with redirect_stdout(io.StringIO()):  # the consumer's log
        return later.consume()


NO_ACCOUNT = {"reference": None}


# --- events replay -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "code", "end"),
    [
        ({}, 0, f"{CONFIRMED} c-1 is PROCESSED"),
        (NO_ACCOUNT, 1, f"{CONFIRMED} c-1 is FAILED: The event names no account"),
    ],
    ids=["PROCESSED", "FAILED"],
)
def test_a_replay_says_how_it_ended(
    operator: OperatorStack, meanwhile: Meanwhile, data: dict[str, object], code: int, end: str
) -> None:
    failed(operator, "c-1", **data)
    meanwhile(partial(processing, operator))
    result = run("events", "replay", "c-1", "--wait")
    assert (result.exit_code, end in result.stdout) == (code, True)


def test_a_replay_of_several_counts_the_ends_and_names_the_bad_ones(
    operator: OperatorStack, meanwhile: Meanwhile
) -> None:
    failed(operator, "c-1")
    failed(operator, "c-2", **NO_ACCOUNT)
    meanwhile(partial(processing, operator))
    result = run("events", "replay", "--state", "FAILED", "--since", "1d", "--wait")
    assert ("c-1" in result.stdout, "c-2 is FAILED" in result.stdout) == (False, True)
    assert result.stdout.endswith("1 PROCESSED, 1 FAILED.\n")


def test_the_end_is_in_the_json(operator: OperatorStack, meanwhile: Meanwhile) -> None:
    failed(operator, "c-1")
    meanwhile(partial(processing, operator))
    assert [each["state"] for each in run_json("events", "replay", "c-1", "--wait")["ended"]] == ["PROCESSED"]


def test_the_verdict_of_before_is_waited_out(operator: OperatorStack, meanwhile: Meanwhile) -> None:
    failed(operator, "c-1")
    pauses: list[None] = []
    meanwhile(lambda: pauses.append(None))
    assert (run("events", "replay", "c-1", "--wait").exit_code, len(pauses)) == (1, PATIENCE_SECONDS // 10 - 1)


@pytest.mark.parametrize("options", [("--no-wait",), ()])
def test_in_a_pipe_and_where_it_is_said_nothing_is_waited_for(
    operator: OperatorStack, meanwhile: Meanwhile, options: tuple[str, ...]
) -> None:
    failed(operator, "c-1")
    meanwhile(lambda: pytest.fail("It has waited."))
    assert (run("events", "replay", "c-1", *options).exit_code, operator.waiting()) == (0, 1)


@pytest.mark.usefixtures("meanwhile")
def test_too_many_are_not_waited_for(operator: OperatorStack, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        failed(operator, f"c-{number}")
    monkeypatch.setattr(replay_module, "MOST", 1)
    result = run("events", "replay", "--state", "FAILED", "--since", "1d", "--wait")
    assert (result.exit_code, "too many to wait for" in result.stderr, MOST) == (0, True, 1000)


# --- trigger -------------------------------------------------------------------------------------------
@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    listener = Listener()
    put_in_place_of_the_network(listener, monkeypatch)
    monkeypatch.delenv("WICKIEPAY_WEBHOOK_SECRET", raising=False)
    return listener


@pytest.mark.parametrize(("data", "code", "end"), [({}, 0, "PROCESSED"), (NO_ACCOUNT, 1, "FAILED")])
def test_a_delivery_says_how_it_ended(
    operator: OperatorStack, listener: Listener, meanwhile: Meanwhile, data: dict[str, object], code: int, end: str
) -> None:
    identity = failed(operator, "c-1", **data)
    operator.queue.send_all([operator.message(identity)])
    listener.answers = [httpx.Response(200, json={"status": "duplicate", **identity._asdict()})]
    meanwhile(partial(processing, operator))
    result = run("trigger", CONFIRMED, "--uuid", "c-1", "--secret", "s3cret", "--wait")
    assert (result.exit_code, f"c-1 is {end}" in result.stdout) == (code, True)


@pytest.mark.parametrize(("asked", "code"), [(("--wait",), 1), ((), 0)])
def test_where_records_cannot_be_read_it_counts_only_for_who_has_asked(
    operator: OperatorStack,
    calls: Calls,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    asked: tuple[str, ...],
    code: int,
) -> None:
    identity = operator.receive("c-1")
    calls.refuse("BatchGetItem", "AccessDeniedException")
    monkeypatch.setattr(trigger_module, "read_by_a_person", lambda *, said: said is not False)
    listener.answers = [httpx.Response(200, json={"status": "duplicate", **identity._asdict()})] * 2
    result = ended("trigger", CONFIRMED, "--uuid", "c-1", "--secret", "s3cret", *asked)
    assert (result.returncode, "Ask for this permission" in result.stderr) == (code, True)
    assert len(listener.requests) == 1 - code


def test_a_delivery_that_is_refused_is_not_waited_for(
    operator: OperatorStack, listener: Listener, meanwhile: Meanwhile
) -> None:
    assert operator.waiting() == 0
    listener.answers = [httpx.Response(401, json={"error": "signature_mismatch"})]
    meanwhile(lambda: pytest.fail("It has waited."))
    assert run("trigger", CONFIRMED, "--secret", "s3cret", "--wait", "--json").exit_code == 1


@pytest.mark.usefixtures("listener")
@pytest.mark.parametrize("other", [("--scenario", "paid"), (CONFIRMED, "--url", "http://listener.example.com/")])
def test_what_has_no_one_end_cannot_be_waited_for(other: tuple[str, ...]) -> None:
    assert run("trigger", *other, "--wait").exit_code == 2
