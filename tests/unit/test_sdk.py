"""AWS's SDK as the functions bring it up: what is left undone is not missed, and nobody else's is changed."""

import gc
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import handlers, httpsession
from botocore.exceptions import EndpointConnectionError, SSLError

from tests.support.certificates import certificate_for
from wickiepay import clients, sdk
from wickiepay.event_log import EventLog
from wickiepay.queue import EventQueue


def context_of(client: Any) -> ssl.SSLContext:  # noqa: ANN401  botocore's
    context: ssl.SSLContext = client._endpoint.http_session._manager.connection_pool_kw["ssl_context"]
    return context


# --- The garbage collector -----------------------------------------------------------------------


@pytest.mark.parametrize("collecting", [True, False])
def test_the_collector_is_off_while_a_client_is_made_and_then_as_before(
    collecting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    within: list[bool] = []

    def session() -> botocore.session.Session:
        within.append(gc.isenabled())
        return botocore.session.get_session()

    monkeypatch.setattr(sdk, "the_session", session)
    (gc.enable if collecting else gc.disable)()
    try:
        sdk.client("sqs")

        assert (within, gc.isenabled()) == ([False], collecting)
    finally:
        gc.enable()


# --- botocore's handlers -------------------------------------------------------------------------


def test_a_handler_that_may_concern_any_service_is_kept() -> None:
    general = {event for event, *_ in handlers.BUILTIN_HANDLERS if "." not in event}

    assert general
    assert all(map(sdk.concerns_us, general))


def test_the_services_are_those_that_clients_are_made_of() -> None:
    made: list[Any] = [
        *(clients.dynamodb(), clients.sqs(), clients.events(), clients.secretsmanager()),
        *(clients.functions(), clients.codedeploy()),
    ]

    assert {client.meta.service_model.service_id.hyphenize() for client in made} == sdk.SERVICE_IDS


@pytest.mark.parametrize("event", ["before-call.s3.PutObject", "docs.*.dynamodb.complete-section", "before-call.sqs-x"])
def test_a_handler_that_concerns_others_is_not_kept(event: str) -> None:
    assert not sdk.concerns_us(event)


# --- Whom to trust -------------------------------------------------------------------------------


def test_all_clients_share_what_they_trust() -> None:
    assert context_of(clients.sqs()) is context_of(clients.dynamodb())


def test_a_client_of_somebody_else_does_not_share_it() -> None:
    other: Any = botocore.session.get_session().create_client("sqs")

    assert context_of(other) is not context_of(clients.sqs())


def test_what_is_trusted_is_as_strict_as_botocores_own() -> None:
    ours, botocores = context_of(clients.sqs()), httpsession.create_urllib3_context()

    assert isinstance(botocores, ssl.SSLContext)
    for setting in ("verify_mode", "options", "minimum_version", "maximum_version", "post_handshake_auth"):
        assert getattr(ours, setting) == getattr(botocores, setting)


def test_authorities_are_read_once(tmp_path: Path) -> None:
    context = sdk._ReadOnce(ssl.PROTOCOL_TLS_CLIENT)
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(Path(httpsession.DEFAULT_CA_BUNDLE).read_bytes())
    context.load_verify_locations(str(authorities))
    authorities.unlink()

    context.load_verify_locations(str(authorities))

    assert context.cert_store_stats()["x509_ca"] > 50
    with pytest.raises(FileNotFoundError):
        context.load_verify_locations(str(tmp_path / "others.pem"))


@pytest.fixture
def impostor(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that has made its own certificate, for the host that the test names."""
    pem = tmp_path / "server.pem"
    pem.write_bytes(certificate_for(request.param))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("localhost", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as greeted:
                assert greeted.recv(1) == b""

        greeting = threading.Thread(target=greet)
        greeting.start()
        yield f"https://localhost:{server.getsockname()[1]}"
        greeting.join()


@pytest.fixture
def trust_of_its_own() -> Iterator[None]:
    """What a test trusts is nobody else's."""
    sdk._trust.cache_clear()
    yield
    sdk._trust.cache_clear()


@pytest.mark.usefixtures("trust_of_its_own")
@pytest.mark.parametrize(
    ("impostor", "trusted", "why"),
    [("localhost", False, "self-signed"), ("other.example", True, "doesn't match")],
    indirect=["impostor"],
    ids=["nobody vouches for", "has another's name"],
)
def test_a_server_that_may_be_another_is_told_nothing(
    impostor: str, trusted: bool, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", impostor)
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "server.pem"))
        monkeypatch.setattr(sdk, "the_session", sdk.the_session.__wrapped__)  # which has read the variable before
    client = sdk.client("sqs", retries={"mode": "standard", "total_max_attempts": 1})

    with pytest.raises(SSLError, match=why):
        client.send_message(QueueUrl=impostor, MessageBody="text")


# --- Before the first call -----------------------------------------------------------------------


@pytest.mark.usefixtures("trust_of_its_own")
def test_the_next_call_goes_over_the_connection_that_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds the private names of botocore and urllib3 that `connect` uses.

    If one of them is gone, look in botocore's `URLLib3Session.send` for how it gets its pool now, and do the same. If
    nothing is left to do, remove `connect`: each container's first delivery then takes about 100 ms more.
    """
    pem = tmp_path / "server.pem"
    pem.write_bytes(certificate_for("localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    asked: list[bytes] = []
    greeted = threading.Event()

    def answer(server: socket.socket) -> None:
        """Whoever comes over another connection gets no answer."""
        connection, _ = server.accept()
        with context.wrap_socket(connection, server_side=True) as client:  # which sends session tickets
            greeted.set()
            asked.append(client.recv(1 << 16))
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with socket.create_server(("localhost", 0)) as server:
        answering = threading.Thread(target=answer, args=[server])
        answering.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{server.getsockname()[1]}")
        monkeypatch.setenv("AWS_CA_BUNDLE", str(pem))
        monkeypatch.setattr(sdk, "the_session", sdk.the_session.__wrapped__)  # which has read the variables before
        client = sdk.client("sqs", connect_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
        hand_over = sdk.connect(client)
        assert greeted.wait(5)
        hand_over()
        client.send_message(QueueUrl="https://localhost", MessageBody="text")
        answering.join()

    assert asked[0].startswith(b"POST / HTTP/1.1")


@pytest.mark.usefixtures("trust_of_its_own")
def test_the_authorities_are_read_before_the_first_connection() -> None:
    client = sdk.client("sqs")
    assert not context_of(client).get_ca_certs()

    sdk.read_trust(client)

    assert len(context_of(client).get_ca_certs()) > 50


@pytest.mark.usefixtures("trust_of_its_own")
def test_nobody_has_to_be_trusted_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    client = sdk.client("sqs")

    sdk.read_trust(client)

    assert not context_of(client).get_ca_certs()


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where the clients of this test would send their calls."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(sdk, "the_session", sdk.the_session.__wrapped__)  # which has read the variable before


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize(
    ("service", "rehearse"),
    [
        ("dynamodb", lambda client: EventLog(client, "EventTable").rehearse()),
        ("sqs", lambda client: EventQueue(client, "https://sqs.invalid/EventQueue").rehearse()),
    ],
    ids=["put", "send"],
)
def test_a_rehearsed_call_is_signed_by_nobody_and_answered_without_being_sent(
    service: str, rehearse: Callable[[Any], None]
) -> None:
    """Holds the private names of botocore that `rehearsal` replaces.

    If one of them is gone, look in botocore's `Endpoint` for what sends a request now, and in its `RequestSigner` for
    whose credentials sign it. If nothing is left to do, remove `rehearsal`: each container's first delivery then takes
    2 ms of CPU time more, which is 7 ms for a function of 512 MB.
    """
    seen: list[Any] = []
    client = sdk.client(service)
    client.meta.events.register("before-send", lambda request, **_: seen.append(request.headers["Authorization"]))
    client.meta.events.register("after-call", lambda http_response, **_: seen.append(http_response.status_code))

    rehearse(client)

    assert b"Credential=AKIDREHEARSAL/" in seen[0]
    assert seen[1:] == [200]


@pytest.mark.usefixtures("unreachable")
def test_after_a_rehearsal_calls_are_sent_again_and_signed_as_before() -> None:
    client = sdk.client("sqs", retries={"total_max_attempts": 1})
    credentials = client._request_signer._credentials
    with sdk.rehearsal(client):
        client.send_message(QueueUrl="https://sqs.invalid/EventQueue", MessageBody="")

    assert client._request_signer._credentials is credentials
    with pytest.raises(EndpointConnectionError):
        client.send_message(QueueUrl="https://sqs.invalid/EventQueue", MessageBody="")
