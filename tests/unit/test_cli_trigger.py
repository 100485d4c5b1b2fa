"""`wickiepay trigger` sends what the provider would send, and says what was answered."""

import json
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import command_line
from command_line import run, run_json
from wickiepay import clock
from wickiepay.signature import sign, verify
from wickiepay_cli import samples, sender, stack
from wickiepay_cli.failure import Failure
from wickiepay_cli.payload import read

URL = "http://listener.example.com/hooks"
OFFLINE = ("--url", URL, "--secret", "s3cret")


class Listener:
    """Answers each request with the next of `answers`, the last one for ever; keeps what it was sent."""

    def __init__(self) -> None:
        self.answers = [httpx.Response(200, json={"status": "accepted"})]
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def payload(self) -> dict[str, object]:
        payload: dict[str, object] = json.loads(self.requests[-1].content)
        return payload


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Listener:
    listener = Listener()
    monkeypatch.setattr(sender, "connection", lambda _: httpx.Client(transport=httpx.MockTransport(listener)))
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
        patch.setattr(sender, "connection", lambda _: httpx.Client(transport=httpx.MockTransport(listener)))
        trigger("--file", str(file))
    assert listener.requests[0].content == content


def test_a_file_that_is_changed_keeps_its_identity_and_time(listener: Listener, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text('{"event": "x", "timestamp": "then", "data": {"uuid": "u-3", "amount": 1.10}}')
    trigger("--file", str(file), "--set", "data.note=hello")
    assert read(listener.requests[0].content) == read(
        '{"event": "x", "timestamp": "then", "data": {"uuid": "u-3", "amount": 1.10, "note": "hello"}}'
    )


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
    run("trigger", "payment.completed")
    [request] = listener.requests
    assert request.headers["x-webhook-signature"] == sign(request.content, b"of-the-environment")


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
    assert "�[2J[bold]" in run("trigger", "payment.completed", *OFFLINE).stdout


@pytest.mark.parametrize(("statuses", "code"), [([200], 0), ([204, 200], 0), ([401], 1), ([200, 503], 1), ([302], 1)])
def test_the_exit_code_says_whether_all_were_taken(listener: Listener, statuses: list[int], code: int) -> None:
    listener.answers = [httpx.Response(status) for status in statuses]
    assert trigger("payment.completed", "--repeat", str(len(statuses))) == code


def test_the_secret_is_not_said(listener: Listener) -> None:  # noqa: ARG001
    result = run("trigger", "payment.completed", *OFFLINE, "--json")
    assert "s3cret" not in result.output


# --- What cannot be sent -----------------------------------------------------------------------------
def test_an_event_without_a_sample_is_answered_with_those_that_have_one(listener: Listener) -> None:
    with pytest.raises(
        Failure, match=r"no sample of payment\.paid\. There are: .*payment\.completed, payment\.created"
    ):
        trigger("payment.paid")
    assert listener.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("payment.completed", "--file", __file__),
        ("--file", "no-such-file"),
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
    with pytest.raises(Failure, match=reason):
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
