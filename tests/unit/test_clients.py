"""Clients, over real connections: how long they wait, and how often they ask."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ParamValidationError, ReadTimeoutError

from wickiepay import clients
from wickiepay.errors import StoreUnavailable
from wickiepay.outages import outages

if TYPE_CHECKING:
    from botocore.client import BaseClient

URL = "https://dynamodb.invalid"


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where the clients of a test believe AWS to be: a port that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield server


def ask(client: Any) -> None:  # noqa: ANN401  any of the clients
    with outages("The store"):
        match client.meta.service_model.service_name:
            case "dynamodb":
                client.query(TableName="EventTable")
            case "sqs":
                client.send_message(QueueUrl="EventQueue", MessageBody="{}")
            case "events":
                client.put_events(Entries=[{"Source": "wickiepay"}])
            case "secretsmanager":
                client.get_secret_value(SecretId="SigningSecret")
            case "lambda":
                client.invoke(FunctionName="IngestFunction")
            case "codedeploy":
                client.put_lifecycle_event_hook_execution_status(status="Failed")


def test_in_the_tests_each_call_is_held_against_botocores_model() -> None:
    """The functions' clients do not do it; see `clients`."""
    misspelt: Any = clients.sqs()

    with pytest.raises(ParamValidationError, match='Unknown parameter in input: "Body"'):
        misspelt.send_message(QueueUrl="EventQueue", MessageBody="{}", Body="{}")


CLIENTS: list[Callable[[], Any]] = [
    *(clients.dynamodb, clients.sqs, clients.events, clients.secretsmanager, clients.functions, clients.codedeploy),
]


@pytest.mark.parametrize("make", CLIENTS)
def test_a_store_that_refuses_connections_is_out(
    make: Callable[[], Any], listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.close()
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between two attempts

    with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
        ask(make())


def test_a_store_that_hangs_is_out_before_long(listener: socket.socket) -> None:  # noqa: ARG001
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        ask(clients.dynamodb())
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("client", "attempts"),
    [
        (clients.dynamodb(), 2),
        (clients.sqs(), 2),
        (clients.events(), 2),
        (clients.secretsmanager(), 1),
        (clients.functions(), 6),
        (clients.codedeploy(), 5),
    ],
)
def test_a_call_is_made_so_many_times(client: "BaseClient", attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calls_made(client, EndpointConnectionError(endpoint_url=URL), monkeypatch) == attempts


@pytest.mark.parametrize("error", [ConnectTimeoutError(endpoint_url=URL), ReadTimeoutError(endpoint_url=URL)])
def test_what_takes_too_long_is_asked_once(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calls_made(clients.functions(), error, monkeypatch) == 1


def calls_made(client: "BaseClient", error: Exception, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often AWS is asked while each call ends with `error`."""
    sent: list[str] = []

    def fail(request: Any, **_: object) -> None:  # noqa: ANN401
        sent.append(request.url)
        raise error

    monkeypatch.setattr(time, "sleep", lambda _: None)
    client.meta.events.register("before-send", fail)

    with pytest.raises(StoreUnavailable):
        ask(client)
    return len(sent)


@pytest.mark.parametrize(
    ("make", "seconds"),
    [
        (clients.dynamodb, 1),
        (clients.sqs, 1),
        (clients.events, 1),
        (clients.secretsmanager, 1),
        (clients.functions, 75),
        (clients.codedeploy, 10),
    ],
)
def test_how_long_a_client_waits_and_how_it_tries_again(make: Callable[..., Any], seconds: int) -> None:
    config = make().meta.config

    # Ingest makes at most five calls of a second to connect and a second to read: it answers within ten.
    assert (config.connect_timeout, config.read_timeout) == (1, seconds)
    assert config.retries["mode"] == "standard"


def test_a_client_holds_as_many_connections_as_it_is_asked_for() -> None:
    assert clients.dynamodb(connections=25).meta.config.max_pool_connections == 25  # type: ignore[attr-defined]
