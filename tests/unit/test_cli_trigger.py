"""`wickiepay trigger` sends what the provider would send, and says what was answered."""

import json
import shlex
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.support import command_line
from tests.support.command_line import run, run_json
from tests.support.listener import Listener, on_loopback, put_in_place_of_the_network
from wickiepay import clock
from wickiepay.signature import sign, verify
from wickiepay_cli.app import app, main
from wickiepay_cli.commands.trigger import _How
from wickiepay_cli.errors import CommandError
from wickiepay_cli.sending import client as sender
from wickiepay_cli.sending import samples, single
from wickiepay_cli.sending.client import Answer
from wickiepay_cli.sending.exact_json import read
from wickiepay_cli.sending.scenarios import SCENARIOS
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.stack import Where

URL = "http://listener.example.com/hooks"
OFFLINE = ("--url", URL, "--secret", "s3cret", "--yes")


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Listener:
    listener = Listener()
    put_in_place_of_the_network(listener, monkeypatch)
    monkeypatch.setattr(clock, "now", lambda: now)
    monkeypatch.delenv("WICKIEPAY_WEBHOOK_SECRET", raising=False)
    return listener


def trigger(*arguments: str) -> int:
    return run("trigger", *arguments, *OFFLINE).exit_code


def data(listener: Listener) -> dict[str, object]:
    data = listener.payload["data"]
    assert isinstance(data, dict)
    return data


# --- What is sent ------------------------------------------------------------------------------------
def test_a_delivery_is_a_post_of_json(listener: Listener) -> None:
    trigger("payment.completed")
    [request] = listener.requests
    assert (request.method, str(request.url), request.headers["content-type"]) == ("POST", URL, "application/json")


@pytest.mark.parametrize("event_type", samples.event_types())
@pytest.mark.parametrize("scheme", ["raw", "node", "python"])
def test_the_signature_is_right_under_its_scheme_alone(listener: Listener, event_type: str, scheme: str) -> None:
    trigger(event_type, "--scheme", scheme)
    [request] = listener.requests
    signature = bytes.fromhex(request.headers["x-webhook-signature"])
    assert verify(request.content, signature, [b"s3cret"]).scheme == scheme


def test_a_sample_is_sent_at_the_present_time(listener: Listener) -> None:
    trigger("payment.completed")
    assert listener.payload["timestamp"] == "2026-01-15T10:25:01.000000Z"


@pytest.mark.parametrize(("event_type", "field"), [("payment.completed", "uuid"), ("deposit.status_change", "id")])
def test_each_sample_gets_an_identifier_of_its_own(listener: Listener, event_type: str, field: str) -> None:
    trigger(event_type)
    first = data(listener)[field]
    trigger(event_type)
    assert first != data(listener)[field]


@pytest.mark.parametrize(
    ("event_type", "field"), [("payment.completed", "uuid"), ("deposit.status_change", "id"), ("audit.login", "uuid")]
)
def test_a_uuid_can_be_given(listener: Listener, event_type: str, field: str) -> None:
    trigger(event_type, "--uuid", "u-1")
    assert data(listener)[field] == "u-1"


def test_a_sample_without_identifier_gets_none(listener: Listener) -> None:
    trigger("balance.updated")
    assert data(listener).keys().isdisjoint({"uuid", "id"})


def test_amounts_go_out_as_they_are_spelled(listener: Listener) -> None:
    trigger("channel.payment.confirmed", "--set", "data.paidCurrency.amount=0.300")
    body = listener.requests[0].content
    assert (b'"amount": 100.00\n' in body, b'"amount": 0.300\n' in body) == (True, True)


def test_what_is_set_wins_over_what_is_fresh(listener: Listener) -> None:
    trigger("payment.created", "--set", "timestamp=2026-01-01T00:00:00Z", "--set", "data.uuid=u-2")
    assert (listener.payload["timestamp"], data(listener)["uuid"]) == ("2026-01-01T00:00:00Z", "u-2")


def test_repeating_sends_the_same_bytes(listener: Listener) -> None:
    trigger("payment.created", "--repeat", "3")
    assert len(listener.requests) == 3
    assert len({(request.content, request.headers["x-webhook-signature"]) for request in listener.requests}) == 1


@given(st.binary(max_size=100))
def test_a_file_is_sent_as_it_is(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("payloads") / "own.json"
    file.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        listener = Listener()
        put_in_place_of_the_network(listener, patch)
        trigger("--file", str(file))
    assert listener.requests[0].content == content


def test_a_file_that_is_changed_keeps_its_identity_and_time(listener: Listener, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text('{"event": "x", "timestamp": "then", "data": {"uuid": "u-3", "amount": 1.10}}')
    trigger("--file", str(file), "--set", "data.note=hello")
    assert read(listener.requests[0].content) == read(
        '{"event": "x", "timestamp": "then", "data": {"uuid": "u-3", "amount": 1.10, "note": "hello"}}'
    )


def test_standard_input_is_sent_as_it_is(listener: Listener) -> None:
    CliRunner().invoke(app, ["trigger", "--file", "-", *OFFLINE], input=b'{"event":"x",  "data":{}}')
    assert listener.requests[0].content == b'{"event":"x",  "data":{}}'


# --- Where to, and with what secret ------------------------------------------------------------------
@pytest.fixture
def deployed(signing_secret: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setattr(stack, "find", command_line.stack)


@pytest.mark.usefixtures("deployed")
def test_without_a_url_the_stack_s_own_is_taken(listener: Listener) -> None:
    run("trigger", "payment.completed")
    assert str(listener.requests[0].url) == command_line.OUTPUTS["WebhookUrl"]


@pytest.mark.usefixtures("deployed")
def test_without_a_secret_the_stack_s_own_is_taken(listener: Listener, secret: bytes) -> None:
    run("trigger", "payment.completed")
    assert listener.requests[0].headers["x-webhook-signature"] == sign(listener.requests[0].content, secret)


@pytest.mark.usefixtures("deployed")
def test_the_environment_s_secret_wins_over_the_stack_s(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WICKIEPAY_WEBHOOK_SECRET", "of-the-environment")
    result = run("trigger", "payment.completed")
    [request] = listener.requests
    assert request.headers["x-webhook-signature"] == sign(request.content, b"of-the-environment")
    assert "WICKIEPAY_WEBHOOK_SECRET is not the secret of the stack" in result.stderr


@pytest.mark.usefixtures("deployed")
def test_nothing_is_said_of_the_environment_s_secret_where_it_fits(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, secret: bytes
) -> None:
    monkeypatch.setenv("WICKIEPAY_WEBHOOK_SECRET", secret.decode())
    assert (run("trigger", "payment.completed").stderr, len(listener.requests)) == ("", 1)


@pytest.mark.usefixtures("deployed")
def test_the_environment_s_secret_is_not_for_a_stack_that_is_named(
    listener: Listener, secret: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WICKIEPAY_WEBHOOK_SECRET", "of-the-environment")
    run("trigger", "payment.completed", "--stack", "prod", "--yes")
    [request] = listener.requests
    assert request.headers["x-webhook-signature"] == sign(request.content, secret)


@pytest.mark.usefixtures("deployed")
def test_a_secret_on_the_command_line_is_for_whatever_stack_is_named(listener: Listener) -> None:
    run("trigger", "payment.completed", "--stack", "prod", "--secret", "given", "--yes")
    [request] = listener.requests
    assert request.headers["x-webhook-signature"] == sign(request.content, b"given")


@pytest.mark.parametrize("given", ["given\n", '"given"', '{"key": "given"}'])
def test_a_secret_that_is_given_is_read_as_the_listener_reads_its_own(given: str) -> None:
    assert _How(URL, given, Where(), "raw", retries=False).destination() == (URL, b"given", None)


def test_without_a_stack_and_a_secret_it_is_said_how_to_give_one(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    with pytest.raises(CommandError, match="give --secret or set WICKIEPAY_WEBHOOK_SECRET"):
        run("trigger", "payment.completed", "--url", URL)
    assert listener.requests == []


@pytest.mark.parametrize(
    "option", [("--url", "notaurl"), ("--url", "ftp://a/"), ("--url", "http://"), ("--secret", "")]
)
def test_an_address_or_a_secret_that_is_none_is_wrong_usage(listener: Listener, option: tuple[str, str]) -> None:
    options = {"--url": URL, "--secret": "s3cret", **dict([option])}
    arguments = [word for each in options.items() for word in each]
    assert (run("trigger", "payment.completed", *arguments).exit_code, listener.requests) == (2, [])


# --- What is said ------------------------------------------------------------------------------------
def test_json_says_what_was_sent_and_what_was_answered(listener: Listener) -> None:
    listener.answers = [httpx.Response(200, json={"status": "accepted"}), httpx.Response(200, text="fine")]
    answer = run_json("trigger", "payment.completed", "--uuid", "u-1", "--repeat", "2", *OFFLINE)
    assert {name: answer[name] for name in ("event", "uuid", "event_key", "url", "scheme")} == {
        "event": "payment.completed",
        "uuid": "u-1",
        "event_key": "payment.completed",
        "url": URL,
        "scheme": "raw",
    }
    assert answer["body"].encode() == listener.requests[0].content
    assert [(each["status"], each["body"]) for each in answer["answers"]] == [
        (200, {"status": "accepted"}),
        (200, "fine"),
    ]


def test_people_are_told_the_answer(listener: Listener) -> None:
    listener.answers = [httpx.Response(401, json={"error": "signature_mismatch"})]
    assert '401 {"error":"signature_mismatch"}' in run("trigger", "payment.completed", *OFFLINE).stdout


def test_an_answer_cannot_command_the_terminal(listener: Listener) -> None:
    listener.answers = [httpx.Response(200, text="\x1b[2J[bold]")]
    assert r"\x1b[2J[bold]" in run("trigger", "payment.completed", *OFFLINE).stdout


@pytest.mark.parametrize(("statuses", "code"), [([200], 0), ([204, 200], 0), ([401], 1), ([200, 503], 1), ([302], 1)])
def test_the_exit_code_says_whether_all_were_taken(listener: Listener, statuses: list[int], code: int) -> None:
    listener.answers = [httpx.Response(status) for status in statuses]
    assert trigger("payment.completed", "--repeat", str(len(statuses))) == code


def test_the_secret_is_not_said(listener: Listener) -> None:  # noqa: ARG001
    result = run("trigger", "payment.completed", *OFFLINE, "--json")
    assert "s3cret" not in result.output


# --- What there is to send ----------------------------------------------------------------------------
def test_the_list_tells_of_every_event_and_scenario(listener: Listener) -> None:
    answer = run_json("trigger", "--list")
    assert answer == {
        "events": samples.names(),
        "scenarios": [{"name": name, "tells": scenario.tells} for name, scenario in SCENARIOS.items()],
    }
    assert listener.requests == []


@pytest.mark.parametrize("arguments", [("--list",), ("--help",)])
def test_people_find_each_scenario_on_a_line_of_its_own(arguments: tuple[str, ...]) -> None:
    lines = [" ".join(line.split()) for line in run("trigger", *arguments).stdout.splitlines()]
    assert {f"{name} {scenario.tells}" for name, scenario in SCENARIOS.items()} <= set(lines)


# --- Retries, as the provider makes them --------------------------------------------------------------
@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between attempts."""
    monkeypatch.setattr(sender, "BACKOFF_SECONDS", 0)


@pytest.mark.usefixtures("at_once")
def test_a_listener_that_is_out_twice_is_sent_to_three_times() -> None:
    listener = Listener()
    listener.answers = [httpx.Response(503), httpx.Response(503), httpx.Response(200)]
    with on_loopback(listener) as url:
        answer = run_json("trigger", "payment.completed", "--retries", "--url", url, "--secret", "s3cret")
    assert [(each["attempt"], each["status"]) for each in answer["answers"]] == [(1, 503), (2, 503), (3, 200)]
    assert len({(each.content, each.headers["x-webhook-signature"]) for each in listener.requests}) == 1


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("statuses", "sent", "code"), [([200], 1, 0), ([503, 200], 2, 0), ([503] * 3, 3, 1), ([401] * 9, 3, 1)]
)
def test_the_last_attempt_decides(listener: Listener, statuses: list[int], sent: int, code: int) -> None:
    listener.answers = [httpx.Response(status) for status in statuses]
    assert (trigger("payment.completed", "--retries"), len(listener.requests)) == (code, sent)


def test_nothing_is_tried_again_unasked(listener: Listener) -> None:
    listener.answers = [httpx.Response(503), httpx.Response(200)]
    assert (trigger("payment.completed"), len(listener.requests)) == (1, 1)


def test_the_pauses_between_attempts_double() -> None:
    pauses: list[float] = []
    sender.until_accepted(lambda: Answer(None, "timed out", 30.0), pauses.append)
    assert pauses == [1, 2]


@pytest.mark.usefixtures("at_once")
def test_people_see_each_attempt(listener: Listener) -> None:
    listener.answers = [httpx.Response(503, text="busy"), httpx.Response(200, text="fine")]
    lines = run("trigger", "payment.completed", "--retries", *OFFLINE).stdout.splitlines()
    assert [line.rpartition(" (")[0] for line in lines[1:]] == ["attempt 1: 503 busy", "attempt 2: 200 fine"]


def test_an_attempt_is_told_before_the_next_one_is_made(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    told_before: list[int] = []

    def answering(request: httpx.Request) -> httpx.Response:
        told_before.append(len(told))
        return listener(request)

    put_in_place_of_the_network(answering, monkeypatch)
    monkeypatch.setattr(single, "say", told.append)
    trigger("payment.completed", "--repeat", "3")
    assert told_before == [1, 2, 3]


def test_ctrl_c_keeps_what_was_answered(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        if len(listener.requests) == 2:
            raise KeyboardInterrupt
        return listener(request)

    put_in_place_of_the_network(answering, monkeypatch)
    result = run("trigger", "payment.completed", "--repeat", "9", "--json", *OFFLINE)
    assert (result.exit_code, len(json.loads(result.stdout)["answers"])) == (130, 2)


# --- The provider's patience --------------------------------------------------------------------------
def test_no_longer_is_waited_than_the_provider_waits() -> None:
    with sender.connection(URL) as http:
        assert http.timeout == httpx.Timeout(30)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (30.0, Answer(200, "fine", 30.0)),
        (30.5, Answer(None, "200 came after 30.5 seconds, too late", 30.5)),
    ],
)
def test_an_answer_that_comes_too_late_is_none(seconds: float, expected: Answer) -> None:
    times = iter([1000.0, *[1000.0 + seconds] * 2])
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="fine"))) as http:
        assert sender.deliver(http, URL, b"{}", "00", clock=lambda: next(times)) == expected


def hang(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("timed out")


def test_a_listener_that_hangs_is_said_to_give_no_answer(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    put_in_place_of_the_network(hang, monkeypatch)
    with pytest.raises(CommandError, match=f"{URL} did not answer: timed out"):
        trigger("payment.completed")


@pytest.mark.usefixtures("at_once")
def test_of_attempts_without_any_answer_the_number_is_said(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    put_in_place_of_the_network(hang, monkeypatch)
    with pytest.raises(CommandError, match="did not answer to any of 3 attempts: timed out"):
        trigger("payment.completed", "--retries")


def test_programs_are_told_also_of_no_answer(
    listener: Listener,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_in_place_of_the_network(hang, monkeypatch)
    with pytest.raises(SystemExit, match="1"):
        main(["trigger", "payment.completed", "--json", *OFFLINE])
    [answer] = json.loads(capsys.readouterr().out)["answers"]
    assert (answer["status"], answer["body"]) == (None, "timed out")


# --- The editor ---------------------------------------------------------------------------------------
type Editor = Callable[[str], None]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Puts a script in the editor's place. `text` is the file's text before, and what it is set to is saved."""

    def editor(script: str) -> None:
        program = tmp_path / "editor.py"
        opened = "import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\ntext = before = file.read_text()\n"
        program.write_text(f"{opened}{script}\n")
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", shlex.join([sys.executable, "-S", str(program)]))

    return editor


def test_what_is_written_in_the_editor_is_sent(listener: Listener, editor: Editor) -> None:
    editor("file.write_text(text.replace('100.00', '7.50').replace('order-1003', 'of-the-editor'))")
    assert trigger("payment.completed", "--edit") == 0
    assert data(listener)["reference"] == "of-the-editor"
    assert b'"amount": 7.50\n' in listener.requests[0].content


def test_the_editor_shows_what_would_be_sent(listener: Listener, editor: Editor, tmp_path: Path) -> None:
    editor(f"pathlib.Path({str(tmp_path / 'shown')!r}).write_text(text)")
    trigger("payment.completed", "--uuid", "u-1", "--set", "data.reference=order-7", "--edit")
    assert (tmp_path / "shown").read_bytes() == listener.requests[0].content + b"\n"


@pytest.mark.parametrize("script", ["", "file.write_text(text)", "file.write_text(text + chr(10))"])
def test_what_is_left_as_it_was_is_sent_as_it_was(
    listener: Listener, editor: Editor, tmp_path: Path, script: str
) -> None:
    file = tmp_path / "own.json"
    file.write_text('{"event":"x",  "data":{"amount":1.10}}')
    editor(script)
    trigger("--file", str(file), "--edit")
    assert listener.requests[0].content == file.read_bytes()


def test_an_emptied_file_sends_nothing(listener: Listener, editor: Editor) -> None:
    editor("file.write_text(chr(10))")
    assert (trigger("payment.completed", "--edit"), listener.requests) == (1, [])


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("file.write_text(text.replace(',', '', 1))", r"not JSON: Expecting ',' delimiter: line 3 column 3"),
        ("file.write_text('[' * 100_000)", "not JSON: It is nested too deep"),
        ("file.write_bytes(bytes([255]))", "The editor did not work"),
        ("sys.exit(1)", "The editor did not work: .*Editing failed"),
    ],
)
def test_what_cannot_be_sent_from_the_editor_is_refused(
    listener: Listener, editor: Editor, script: str, reason: str
) -> None:
    editor(script)
    with pytest.raises(CommandError, match=reason):
        trigger("payment.completed", "--edit")
    assert listener.requests == []


@pytest.mark.parametrize("command", ["/no/such/editor", "an 'unfinished quotation"])
def test_an_editor_that_cannot_be_started_is_said_to_be_so(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("VISUAL", command)
    with pytest.raises(CommandError, match="The editor did not work"):
        trigger("payment.completed", "--edit")
    assert listener.requests == []


# --- What cannot be sent -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "way_out"),
    [("payment.complete", "did you mean payment.completed?"), ("zzz", "there are: approval")],
)
def test_an_event_without_a_sample_is_answered_with_what_was_meant(
    listener: Listener, typed: str, way_out: str
) -> None:
    result = run("trigger", typed, *OFFLINE)
    said = " ".join(result.stderr.replace("│", " ").split())
    assert (result.exit_code, way_out in said, listener.requests) == (2, True, [])


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("payment.completed", "--file", __file__),
        ("payment.completed", "--scenario", "paid"),
        ("--file", __file__, "--scenario", "paid"),
        ("payment.completed", "--list"),
        ("--scenario", "paid-in-gold"),
        ("--scenario", "paid", "--repeat", "2"),
        ("--scenario", "paid", "--edit"),
        ("--scenario", "paid", "--count", "2"),
        ("--scenario", "paid", "--set", "data.reference.x=1"),
        ("payment.completed", "--rate", "2"),
        ("payment.completed", "--senders", "2"),
        ("--scenario", "storm"),  # to a URL that is neither this machine's nor a stack's
        ("--scenario", "storm", "--uuid", "u-1"),
        ("--scenario", "storm", "--count", "100001"),
        ("--scenario", "storm", "--senders", "17"),
        ("--file", "no-such-file"),
        ("--file", "-", "--edit"),
        ("payment.completed", "--uuid", ""),
        ("payment.completed", "--set", "data.amount"),
        ("payment.completed", "--set", "data.reference.x=1"),
        ("payment.completed", "--scheme", "sha1"),
        ("payment.completed", "--repeat", "0"),
    ],
)
def test_wrong_usage_sends_nothing(listener: Listener, arguments: tuple[str, ...]) -> None:
    assert (trigger(*arguments), listener.requests) == (2, [])


@pytest.mark.parametrize(
    ("content", "arguments", "reason"),
    [
        ("no json", ("--uuid", "u"), "not JSON"),
        ("[1]", ("--uuid", "u"), 'no "data"'),
        ("no json", ("--scheme", "node"), "cannot be signed under the scheme node"),
    ],
)
def test_a_file_that_cannot_be_sent_so_is_refused(
    listener: Listener, tmp_path: Path, content: str, arguments: tuple[str, ...], reason: str
) -> None:
    file = tmp_path / "own.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=reason):
        trigger("--file", str(file), *arguments)
    assert listener.requests == []


@pytest.mark.parametrize(
    ("url", "asked"),
    [("http://127.0.0.1:3000/x", False), ("http://localhost/x", False), ("https://a.example.com", True)],
)
def test_a_proxy_is_not_asked_for_this_machine(
    url: str,
    asked: bool,
) -> None:
    with sender.connection(url) as http:
        assert http.trust_env is asked
