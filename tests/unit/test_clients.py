"""Clients, over real connections: how long they wait, and how often they ask."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

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


CLIENTS: list[Callable[..., Any]] = [
    *(clients.dynamodb, clients.sqs, clients.events, clients.secretsmanager, clients.functions, clients.codedeploy),
]


@pytest.mark.parametrize("make", CLIENTS)
def test_a_store_that_refuses_connections_is_out(make: Callable[..., Any], listener: socket.socket) -> None:
    listener.close()

    with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
        ask(make(attempts=1))


def test_a_store_that_hangs_is_out_before_long(listener: socket.socket) -> None:  # noqa: ARG001
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        ask(clients.dynamodb(attempts=1))
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
        (clients.dynamodb(attempts=5), 5),
        (clients.sqs(attempts=1), 1),
    ],
)
def test_a_call_is_made_so_many_times(client: "BaseClient", attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def fail(request: Any, **_: object) -> None:  # noqa: ANN401
        sent.append(request.url)
        raise EndpointConnectionError(endpoint_url=URL)

    monkeypatch.setattr(time, "sleep", lambda _: None)
    client.meta.events.register("before-send", fail)

    with pytest.raises(StoreUnavailable):
        ask(client)
    assert len(sent) == attempts


def test_a_client_holds_as_many_connections_as_it_is_asked_for() -> None:
    assert clients.dynamodb(connections=25).meta.config.max_pool_connections == 25  # type: ignore[attr-defined]
    assert clients.sqs(connections=7).meta.config.max_pool_connections == 7  # type: ignore[attr-defined]
