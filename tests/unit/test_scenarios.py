"""`wickiepay trigger --scenario`: each scenario sends what its name says, and ends in the right books.

The listener is the real one, in process: ingest answers, and the consumer is run by hand afterwards.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import islice, pairwise
from re import sub
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import MagicMock

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ingest
from tests.support.command_line import run, run_json
from tests.support.listener import Listener, ingested, put_in_place_of_the_network
from tests.support.operator_stack import CONFIRMED, OperatorStack
from tests.support.thorough import by_make_check
from wickiepay.event import parse
from wickiepay.signing_secrets import SigningSecrets
from wickiepay_cli.output import tables
from wickiepay_cli.sending import client as sender
from wickiepay_cli.sending import scenario_run as scenario_command
from wickiepay_cli.sending.client import Answer
from wickiepay_cli.sending.load import MAX_SENDERS, Delivered, Size, Summary, send_all
from wickiepay_cli.sending.scenarios import DUPLICATES, SCENARIOS, STORM
from wickiepay_cli.sending.steps import Cast, Step

if TYPE_CHECKING:
    from datetime import datetime

    from types_boto3_secretsmanager import SecretsManagerClient

pytest_plugins = ["tests.support.operator_fixture"]

ENDING: Final = sorted(SCENARIOS.keys() - {STORM})
UNKEPT: Final = ("forged", "oversized")
OFFLINE: Final = ("--url", "http://127.0.0.1:9/hooks", "--secret", "s3cret")


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario_command, "send_all", partial(send_all, sleep=lambda _: None))


@pytest.fixture
def counted(
    operator: OperatorStack,  # noqa: ARG001
    signing_secret: str,
    secretsmanager: "SecretsManagerClient",
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Counter[str]]:
    """Puts ingest in the network's place; tells what it has counted, by metric."""
    secrets = SigningSecrets(secretsmanager, signing_secret, time.monotonic)
    monkeypatch.setattr(ingest, "ingest", replace(ingest.ingest, secrets=secrets))
    monkeypatch.delenv("WICKIEPAY_WEBHOOK_SECRET", raising=False)
    emf = MagicMock()
    monkeypatch.setattr(ingest, "emf", emf)  # the command's own output is what is read here
    put_in_place_of_the_network(ingested, monkeypatch)
    return lambda: Counter(name for call in emf.write.call_args_list for name in call.args[2])


def play(operator: OperatorStack, name: str, *arguments: str) -> dict[str, Any]:
    """Plays a scenario, which has to be answered as it must be, and lets the consumer do its part."""
    played: dict[str, Any] = run_json("trigger", "--scenario", name, *arguments)
    operator.consume()
    return played


def items(operator: OperatorStack, table: str) -> list[dict[str, Any]]:
    """All items of a table, as plain values."""
    scanned = operator.dynamodb.scan(TableName=table)["Items"]
    return [{name: next(iter(value.values())) for name, value in item.items()} for item in scanned]


def states(operator: OperatorStack) -> Counter[str]:
    """State → how many events are in it."""
    return Counter(item["state"] for item in items(operator, "EventTable"))


# --- Each, in the books -------------------------------------------------------------------------------
@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("scheme", ["raw", *by_make_check("node", "python")])
@pytest.mark.parametrize("name", ENDING)
def test_the_listener_answers_as_it_must(operator: OperatorStack, name: str, scheme: str) -> None:
    played = play(operator, name, "--scheme", scheme)
    assert (played["sent"], played["as_expected"]) == (played["planned"], played["planned"])


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    ("name", "status", "order_status"),
    [
        ("paid", "COMPLETE", "PAID"),
        ("underpaid-then-accepted", "COMPLETE", "PAID"),
        ("expired-then-paid", "COMPLETE", "PAID"),
        ("out-of-order", "COMPLETE", "PAID"),
        ("payout", "COMPLETE", None),
        ("topup", "COMPLETE", None),
        ("duplicates", "CONFIRMED", None),
        ("conflict", "CONFIRMED", None),
    ],
)
def test_a_payment_ends_as_its_scenario_says(
    operator: OperatorStack, name: str, status: str, order_status: str | None
) -> None:
    [payment] = run_json("payments", "show", play(operator, name)["uuid"])
    assert (payment["status"], payment["order_status"]) == (status, order_status)


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("name", ["topup", "duplicates", "conflict"])
def test_a_top_up_is_credited_once(operator: OperatorStack, name: str) -> None:
    account = run_json("balances", "show", play(operator, name)["reference"])
    assert (account["balances"], len(account["entries"])) == ({"EUR": "100"}, 1)


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - {STORM, "topup", "duplicates", "conflict"}))
def test_nothing_else_credits_anybody(operator: OperatorStack, name: str) -> None:
    play(operator, name)
    assert not [item for item in items(operator, "LedgerTable") if item["pk"].startswith(("credit#", "balance#"))]


@pytest.mark.usefixtures("counted")
def test_an_accepted_payment_is_worth_what_was_paid_of_it(operator: OperatorStack) -> None:
    [payment] = run_json("payments", "show", play(operator, "underpaid-then-accepted")["uuid"])
    assert payment["paid"] == {"currency": "USDT", "amount": "80.25"}


@pytest.mark.usefixtures("counted")
def test_a_payment_out_of_order_ends_as_one_in_order(operator: OperatorStack) -> None:
    ends = []
    for name, uuid in (("paid", "u-1"), ("out-of-order", "u-2")):
        play(operator, name, "--uuid", uuid, "--set", f"data.reference=order-of-{uuid}")
        [payment] = run_json("payments", "show", uuid)
        ends.append({**payment, "uuid": None, "reference": None})
    assert ends[0] == ends[1]


@pytest.mark.usefixtures("counted")
def test_a_deposit_ends_complete(operator: OperatorStack) -> None:
    uuid = play(operator, "deposit")["uuid"]
    [resource] = items(operator, "LedgerTable")
    assert (resource["pk"], resource["status"]) == (f"resource#deposit#{uuid}", "COMPLETE")


@pytest.mark.usefixtures("counted")
def test_duplicates_are_one_event(operator: OperatorStack) -> None:
    play(operator, "duplicates")
    assert states(operator) == {"PROCESSED": 1}


def test_a_conflict_is_kept_and_rings_an_alarm(
    operator: OperatorStack, counted: Callable[[], Counter[str]], alarm: Callable[[str], str]
) -> None:
    play(operator, "conflict")
    assert (states(operator), counted()[alarm("IngestConflictAlarm")]) == ({"PROCESSED": 1, "CONFLICT": 1}, 1)


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("name", UNKEPT)
def test_nothing_is_kept_of_what_is_refused(operator: OperatorStack, name: str) -> None:
    play(operator, name)
    assert (items(operator, "EventTable"), operator.waiting()) == ([], 0)


@pytest.mark.usefixtures("counted")
def test_a_scenario_is_about_what_it_is_told(operator: OperatorStack) -> None:
    changes = ("--set", "data.displayCurrency.amount=12.50", "--set", "data.reference=customer-7")
    played = play(operator, "topup", "--uuid", "u-1", *changes)
    account = run_json("balances", "show", "customer-7")
    assert (played["uuid"], played["reference"], account["balances"]) == ("u-1", "customer-7", {"EUR": "12.5"})


@pytest.mark.usefixtures("counted")
def test_each_time_it_is_about_something_new(operator: OperatorStack) -> None:
    assert play(operator, "paid")["uuid"] != play(operator, "paid")["uuid"]


@pytest.mark.usefixtures("counted")
def test_the_same_scenario_again_is_answered_as_it_must_be(operator: OperatorStack) -> None:
    for _ in range(2):
        play(operator, "paid", "--uuid", "u-1")
    assert states(operator) == {"PROCESSED": 3}


# --- What it consists of ------------------------------------------------------------------------------
@pytest.fixture
def cast(now: "datetime") -> Cast:
    return Cast.of("test", None, now, random.Random(7))  # noqa: S311  as chance would have it


def bodies(name: str, cast: Cast, count: int = 200) -> list[bytes]:
    return [step.body for step in islice(SCENARIOS[name].steps(cast), count)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_chance_and_time_come_from_outside(name: str, now: "datetime") -> None:
    once, again = (bodies(name, Cast.of("test", None, now, random.Random(3))) for _ in range(2))  # noqa: S311
    assert once == again


@pytest.mark.parametrize("name", ["paid", "underpaid-then-accepted", "expired-then-paid", "deposit", "topup", "payout"])
def test_the_events_of_a_life_follow_one_another_up_to_the_present(name: str, cast: Cast) -> None:
    times = [parse(body).occurred_at or "" for body in bodies(name, cast)]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert times[-1] == "2026-01-15T10:25:01.000000Z"


@pytest.mark.parametrize("name", ENDING)
def test_a_scenario_is_about_one_uuid(name: str, cast: Cast) -> None:
    assert {parse(body).identity.uuid for body in bodies(name, cast)} == {cast.uuid}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_a_scenario_tells_fits_beside_its_name(name: str) -> None:
    assert len(f"{name:<24}{SCENARIOS[name].tells}") <= 79


# --- The storm ----------------------------------------------------------------------------------------
def test_a_storm_is_of_many_lives_and_one_in_five_is_a_duplicate(cast: Cast) -> None:
    events = [parse(body) for body in bodies(STORM, cast, 2000)]
    different = {event.identity for event in events}
    assert len(different) / len(events) == pytest.approx(1 - DUPLICATES, abs=0.03)
    assert len({event.identity.uuid for event in events}) > 400
    assert len({event.name for event in events}) == 9


def test_the_lives_of_a_storm_are_lived_in_their_order(cast: Cast) -> None:
    first_seen: dict[str, list[str]] = {}
    for event in (parse(body) for body in dict.fromkeys(bodies(STORM, cast, 500))):
        first_seen.setdefault(event.identity.uuid, []).append(event.occurred_at or "")
    assert all(times == sorted(times) for times in first_seen.values())


@pytest.mark.thorough
@pytest.mark.usefixtures("counted")
def test_a_storm_leaves_the_books_right_and_tells_of_no_single_delivery(
    operator: OperatorStack,
) -> None:
    played = play(operator, STORM, "--count", "150", "--senders", "1")  # moto is not for threads
    assert (played["sent"], played["as_expected"]) == (150, 150)
    assert states(operator).keys() == {"PROCESSED"}
    ledger = items(operator, "LedgerTable")
    confirmed = [item for item in items(operator, "EventTable") if item["event"] == CONFIRMED]
    balances = [Decimal(item["amount"]) for item in ledger if item["pk"].startswith("balance#")]
    assert confirmed
    assert sum(balances) == 100 * len(confirmed)
    counts = {(each["status"], each["outcome"]): each["count"] for each in played["answers"]}
    assert counts.keys() == {(200, "accepted"), (200, "duplicate")}
    assert (sum(counts.values()), played["deliveries"], played["uuid"]) == (150, [], None)


@pytest.fixture
def listener(operator: OperatorStack, signing_secret: str, monkeypatch: pytest.MonkeyPatch) -> Listener:  # noqa: ARG001
    """One that takes everything; the stack that every command finds is its own."""
    listener = Listener()
    put_in_place_of_the_network(listener, monkeypatch)
    monkeypatch.delenv("WICKIEPAY_WEBHOOK_SECRET", raising=False)
    return listener


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), Size(100, None, 4)),
        (("--count", "7", "--rate", "2.5", "--senders", "3"), Size(7, 2.5, 3)),
    ],
)
@pytest.mark.usefixtures("listener")
def test_a_storm_is_as_large_as_is_said(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], expected: Size
) -> None:
    sizes: list[Size] = []
    monkeypatch.setattr(scenario_command, "send_all", lambda _steps, _send, size: sizes.append(size))
    run("trigger", "--scenario", STORM, *arguments)
    assert sizes == [expected]


# --- Where the answers are not what they must be -------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "answer", "code"),
    [
        ("paid", httpx.Response(200), 0),
        ("paid", httpx.Response(200, json={"status": "duplicate"}), 0),
        ("paid", httpx.Response(204), 1),
        ("paid", httpx.Response(503), 1),
        ("duplicates", httpx.Response(200), 0),  # a listener that does not say what it makes of them
        ("duplicates", httpx.Response(200, json={"status": "accepted"}), 1),
        ("conflict", httpx.Response(200, json={"status": "duplicate"}), 1),
        ("forged", httpx.Response(200), 1),
        ("forged", httpx.Response(401), 0),
        ("oversized", httpx.Response(400), 1),
        (STORM, httpx.Response(200), 0),
        (STORM, httpx.Response(503), 1),
    ],
)
def test_the_exit_code_says_whether_each_answer_is_as_it_must_be(
    listener: Listener, name: str, answer: httpx.Response, code: int
) -> None:
    listener.answers = [answer]
    assert run("trigger", "--scenario", name, *OFFLINE).exit_code == code


@pytest.mark.usefixtures("listener")
def test_a_listener_that_is_not_there_is_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    put_in_place_of_the_network(refuse, monkeypatch)
    result = run("trigger", "--scenario", "paid", "--json", *OFFLINE)
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["answer_seconds"]) == (1, {})
    assert answer["answers"] == [{"status": None, "outcome": "Connection refused", "count": 3}]


def test_with_retries_the_last_attempt_is_what_counts(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.sending.client.BACKOFF_SECONDS", 0)
    listener.answers = [httpx.Response(503), httpx.Response(200)]
    answer = run_json("trigger", "--scenario", "paid", "--retries", *OFFLINE)
    assert [[each["status"] for each in delivery["answers"]] for delivery in answer["deliveries"]] == [
        [503, 200],
        [200],
        [200],
    ]


def test_ctrl_c_ends_with_the_summary_of_what_was_sent(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(request: httpx.Request) -> httpx.Response:
        if len(listener.requests) == 5:
            raise KeyboardInterrupt
        return listener(request)

    put_in_place_of_the_network(interrupted, monkeypatch)
    result = run("trigger", "--scenario", STORM, "--count", "50", "--senders", "1", "--json", *OFFLINE)
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["planned"], answer["sent"]) == (130, 50, 5)


# --- What people see ----------------------------------------------------------------------------------
SHOWN: Final = {
    80: """\
conflict u-1 → https://listener.example.com/webhooks/wickiepay (raw)
  delivery                     answer                     took    expected
 ──────────────────────────────────────────────────────────────────────────────
  channel.payment.confirmed    200 accepted               12 ms
  channel.payment.confirmed,   503 store_unavailable ×3   12 ms   200 conflict
  another amount

2 of 2 sent in 0.1 s, 1 answered as expected, p50 12 ms, p99 12 ms.
See wickiepay events show u-1 --stack prod
""",  # noqa: RUF001  a sign of multiplication is meant
    160: """\
conflict u-1 → https://listener.example.com/webhooks/wickiepay (raw)
  delivery                                    answer                     took    expected
 ─────────────────────────────────────────────────────────────────────────────────────────────
  channel.payment.confirmed                   200 accepted               12 ms
  channel.payment.confirmed, another amount   503 store_unavailable ×3   12 ms   200 conflict

2 of 2 sent in 0.1 s, 1 answered as expected, p50 12 ms, p99 12 ms.
See wickiepay events show u-1 --stack prod
""",  # noqa: RUF001  a sign of multiplication is meant
}


@pytest.mark.usefixtures("listener")
@pytest.mark.parametrize("columns", SHOWN)
def test_people_see_each_delivery_and_the_sum(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Answer(503, '{"error": "store_unavailable"}', 0.0123)
    answers = iter([[Answer(200, '{"status": "accepted"}', 0.0123)], [out, out, out]])
    monkeypatch.setattr(sender.Sender, "send", lambda *_: next(answers))
    monkeypatch.setattr(tables, "WIDE", columns)
    result = run("trigger", "--scenario", "conflict", "--uuid", "u-1", "--stack", "prod", "--yes")
    lines = [line.rstrip() for line in sub(r"in \d+\.\d s", "in 0.1 s", result.stdout).splitlines()]
    assert lines == SHOWN[columns].splitlines()


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("columns", [80, 160])
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_shown_keeps_to_the_width_of_the_terminal(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "WIDE", columns)
    size = ("--count", "20", "--senders", "1") if name == STORM else ()
    lines = run("trigger", "--scenario", name, *size).stdout.splitlines()
    assert max(len(line) for line in lines if "→" not in line) <= columns  # a sentence is for the terminal to wrap


# --- Many at once -------------------------------------------------------------------------------------
STEPS: Final = [Step(str(number), b"{}", pause=0) for number in range(40)]


def test_one_sender_keeps_the_order() -> None:
    sent: list[Step] = []
    send_all(STEPS, sent.append, Size(40))
    assert sent == STEPS


@given(count=st.integers(0, 60), senders=st.integers(1, MAX_SENDERS))
def test_each_step_is_sent_once_up_to_the_count(count: int, senders: int) -> None:
    sent: list[Step] = []
    send_all(STEPS, sent.append, Size(count, None, senders))
    assert sorted(sent, key=STEPS.index) == STEPS[:count]


def test_no_more_are_under_way_than_there_are_senders() -> None:
    taken, answered = 0, threading.Semaphore(0)

    def steps() -> Iterator[Step]:
        nonlocal taken
        for step in STEPS:
            taken += 1
            yield step

    def send(_: Step) -> None:
        answered.acquire()

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_all, steps(), send, Size(40, None, 3))
        while taken < 4:
            time.sleep(0.001)
        time.sleep(0.05)
        assert taken == 4  # the fourth waits for a sender
        answered.release(len(STEPS))
        sending.result()
    assert taken == len(STEPS)


def test_a_rate_is_kept_and_each_step_s_pause_comes_besides() -> None:
    seconds: list[float] = []
    paused = [replace(step, pause=0.25) for step in STEPS[:3]]
    send_all(paused, lambda _: None, Size(3, 2.0), lambda: sum(seconds), seconds.append)
    assert seconds == [0.5, 0.25, 0.25, 0.25]


def test_what_a_sender_raises_ends_it() -> None:
    def fail(step: Step) -> None:
        raise ValueError(step.event)

    with pytest.raises(ValueError, match="0"):
        send_all(STEPS, fail, Size(40))


@given(st.lists(st.floats(0, 100), min_size=1))
def test_percentiles_are_within_what_was_measured(seconds: list[float]) -> None:
    summary = Summary(seconds=seconds)
    found = summary.percentiles()
    slack = 1e-9
    assert min(seconds) - slack <= found["p50"] <= found["p99"] + slack <= max(seconds) + 2 * slack


def test_half_of_the_answers_came_within_the_median() -> None:
    summary = Summary()
    for milliseconds in range(1, 102):
        summary.add(Delivered(STEPS[0], [Answer(200, "", milliseconds / 1000)]))
    assert summary.percentiles() == pytest.approx({"p50": 0.051, "p99": 0.1})
