"""The console as it is served: where, to whom, and that no page holds up anything; and the commands that ask it."""

import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.support.command_line import run, run_json
from tests.support.console import ORIGIN, arrive, exchange
from tests.support.operator_stack import OperatorStack
from wickiepay.signature import sign
from wickiepay_cli.commands import console as console_command
from wickiepay_cli.console import server
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.console.server import Address
from wickiepay_cli.errors import CommandError
from wickiepay_cli.watching.exchanges import MAX_BYTES, Exchanges, size
from wickiepay_cli.watching.feed import Feed

pytest_plugins = ["tests.support.operator_fixture"]

BODY = b'{"event": "payment.completed", "data": {"uuid": "u-1", "reference": "order-7"}}'


@pytest.fixture
def desk(operator: OperatorStack, signing_secret: str) -> Desk:  # noqa: ARG001
    return Desk(operator.stack(), Feed(), Exchanges())


@pytest.fixture
def address(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """Of a console that the commands find."""
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    with server.serving(desk) as address, server.noted(address, tmp_path):
        yield address


def connected(address: Address) -> socket.socket:
    return socket.create_connection(("127.0.0.1", address.port), timeout=10)


def asks(address: Address, path: str, more: str = "") -> bytes:
    head = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{address.port}\r\nAuthorization: Bearer {address.token}\r\n{more}\r\n"
    )
    return head.encode()


# --- Where -------------------------------------------------------------------------------------------
def test_it_is_on_this_machine_alone_and_the_next_port_is_taken_where_one_is_not_free(desk: Desk) -> None:
    with server.serving(desk) as first, server.serving(desk) as second:
        assert first.port != second.port
        assert first.token != second.token
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", first.port), timeout=5)


def test_where_every_port_is_taken_any_free_one_will_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TRIED", 1)
    with server.serving(desk), server.serving(desk) as second:
        assert httpx.get(second.url, trust_env=False).status_code == 401


def test_the_next_one_is_where_the_one_before_it_was(desk: Desk) -> None:
    with server.serving(desk) as before:
        pass
    with server.serving(desk, before) as after:
        assert after == before


def test_the_token_is_noted_for_its_owner_alone_and_is_gone_with_the_console(tmp_path: Path) -> None:
    with server.noted(Address(4040), tmp_path):
        assert stat.S_IMODE((tmp_path / server.FILE).stat().st_mode) == 0o600
        assert server.read(tmp_path).port == 4040
    with pytest.raises(CommandError, match="No console is running here"):
        server.read(tmp_path)


def test_it_ends_at_once_though_pages_are_open(desk: Desk) -> None:
    with ExitStack() as pages:
        with server.serving(desk) as address:
            for _ in range(3):
                page = pages.enter_context(connected(address))
                page.sendall(asks(address, "/stream"))
                assert page.recv(100).startswith(b"HTTP/1.1 200")
            began = time.monotonic()
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"])
def test_a_request_without_one_host_is_refused(address: Address, head: bytes) -> None:
    with connected(address) as page:
        page.sendall(head)
        assert page.recv(100).split(b" ")[1] in {b"400", b"421"}


def test_a_web_socket_gets_nothing(address: Address) -> None:
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aaaaaaaaaaaaaaaaaaaaaa==\r\n"
    upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\n{key}"
    with connected(address) as page:
        page.sendall(asks(address, "/stream", upgrade))
        assert b"101" not in page.recv(20)


# --- Pages hold up nothing ---------------------------------------------------------------------------
def test_a_page_that_stops_reading_holds_up_no_delivery_and_no_other_page(
    address: Address, desk: Desk, operator: OperatorStack
) -> None:
    with connected(address) as asleep:
        asleep.sendall(asks(address, "/stream"))
        began = time.monotonic()
        for number in range(5000):
            body = BODY.replace(b"u-1", b"u-%d" % number) + b" " * 20_000
            arrive(desk, replace(exchange(BODY), request_body=body), operator.now)
        assert time.monotonic() - began < 30
        assert desk.exchanges
        assert sum(size(each.exchange) for each in desk.exchanges.newest_first()) <= MAX_BYTES
        with connected(address) as awake:
            awake.sendall(asks(address, "/stream"))
            seen = b""
            while b'"number": 5000,' not in seen:
                seen += awake.recv(65536)


def test_a_page_whose_connection_breaks_goes_on_where_it_was(
    address: Address, desk: Desk, operator: OperatorStack
) -> None:
    def read(last_id: str, until: bytes) -> bytes:
        with connected(address) as page:
            page.sendall(asks(address, "/stream", f"Last-Event-ID: {last_id}\r\n"))
            seen = b""
            while until not in seen:
                seen += page.recv(65536)
            return seen

    arrive(desk, exchange(BODY), operator.now)
    first = read("", b'"number": 1,')
    last_id = first.rpartition(b"id: ")[2].split(b"\n")[0].decode()
    later = threading.Timer(0.3, lambda: arrive(desk, exchange(BODY), operator.now))
    later.start()
    second = read(last_id, b'"number": 2,')
    later.join()
    assert (b'"number": 1,' in second, b"reset" in second) == (False, False)


def test_so_many_pages_at_once_and_no_more(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.console.app.STREAMS", 1)
    with connected(address) as first, connected(address) as second:
        first.sendall(asks(address, "/stream"))
        assert first.recv(100).startswith(b"HTTP/1.1 200")
        second.sendall(asks(address, "/stream"))
        assert second.recv(100).startswith(b"HTTP/1.1 503")
    answered = b""
    while not answered.startswith(b"HTTP/1.1 200"):  # as soon as it is noticed that the first one is gone
        with connected(address) as third:
            third.sendall(asks(address, "/stream"))
            answered = third.recv(100)


# --- The commands ------------------------------------------------------------------------------------
@pytest.mark.usefixtures("address")
def test_requests_are_listed_the_newest_first_also_refused_ones(desk: Desk, operator: OperatorStack) -> None:
    for status in (200, 401):
        arrive(desk, exchange(BODY, status, {"status": "duplicate", "uuid": "u-1", "event_key": "k"}), operator.now)
    listed = run_json("requests", "list")
    assert [(each["number"], each["status"], each["standing"]) for each in listed] == [
        (2, 401, "refused"),
        (1, 200, "duplicate"),
    ]
    assert "payment.completed" in run("requests", "list").stdout


@pytest.mark.usefixtures("address")
def test_no_requests_are_said_in_words() -> None:
    assert run("requests", "list").stdout == "There are no requests yet.\n"


@pytest.mark.usefixtures("address")
def test_both_sides_of_a_request_are_shown_with_its_signature_masked(desk: Desk, operator: OperatorStack) -> None:
    right = sign(BODY, b"a secret of strangers")
    number = arrive(desk, exchange(BODY), operator.now)
    text = run("requests", "show", str(number)).stdout
    assert (right in text, right[:4] in text, "order-7" in text, "401" in text) == (False, True, True, True)
    assert right not in str(run_json("requests", "show", str(number)))
    assert run("requests", "show", str(number), "--raw").stdout_bytes == BODY


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize(("by", "code"), [("the-signing-secret-of-these-tests", 0), ("another", 1)])
def test_a_request_s_signature_is_checked(desk: Desk, operator: OperatorStack, by: str, code: int) -> None:
    headers = [(b"X-Webhook-Signature", sign(BODY, by.encode()).encode())]
    number = str(arrive(desk, exchange(BODY, request_headers=headers), operator.now))
    result = run("requests", "verify", number)
    assert (result.exit_code, "not valid" in result.stdout) == (code, bool(code))
    assert run("requests", "verify", number, "--json").exit_code == code


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize(("status", "code"), [(200, 0), (401, 1), (None, 1)])
def test_a_request_is_sent_again(
    desk: Desk, operator: OperatorStack, status: int | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        if status is None:
            raise httpx.ConnectError("It is gone.")
        return httpx.Response(status, text="said")

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr("wickiepay_cli.sending.client.connection", lambda _: httpx.Client(transport=transport))
    number = str(arrive(desk, exchange(BODY), operator.now))
    result = run("requests", "resend", number)
    assert (result.exit_code, sent) == (code, [BODY])
    assert run("requests", "resend", number, "--json").exit_code == code


@pytest.mark.usefixtures("address")
def test_what_is_not_kept_is_said_in_a_sentence() -> None:
    with pytest.raises(CommandError, match="There is no request 7"):
        run("requests", "show", "7")


@pytest.mark.usefixtures("operator")
def test_without_a_console_there_are_no_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    with pytest.raises(CommandError, match="No console is running here"):
        run("requests", "list")


@pytest.mark.usefixtures("operator")
def test_a_console_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    with server.noted(Address(1), tmp_path), pytest.raises(CommandError, match="did not answer"):
        run("requests", "list")


def test_a_form_of_another_page_cannot_use_the_command_s_way_in(address: Address) -> None:
    answer = httpx.post(f"{address.url}/api/requests/1/resend", headers=ORIGIN, trust_env=False)
    assert answer.status_code == 401


def test_the_command_says_where_the_local_one_is(address: Address) -> None:
    assert run("console").stdout == f"Console: {address.opening}\n"


@pytest.mark.usefixtures("operator", "signing_secret")
def test_the_command_serves_a_deployed_stack_until_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    def stay() -> None:
        raise KeyboardInterrupt

    def tell(address: Address, **_: bool) -> None:
        opened.append(httpx.get(address.opening, trust_env=False).status_code)

    monkeypatch.setattr(console_command, "_tell", tell)
    monkeypatch.setattr(console_command, "_stay", stay)
    result = run("console", "--stack", "prod")
    assert (result.exit_code, opened) == (0, [303])
