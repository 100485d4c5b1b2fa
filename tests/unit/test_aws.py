"""Clients, and what counts as AWS being out of reach: network, time, throttling and 5xx; nothing else."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

from wickiepay import aws
from wickiepay.aws import error_code, is_outage, outages
from wickiepay.errors import StoreUnavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

URL = "https://dynamodb.invalid"


def answered(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutItem")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        SSLError(endpoint_url=URL, error=OSError("handshake")),
        ProxyConnectionError(proxy_url=URL, error="refused"),
        ConnectionClosedError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        ResponseStreamingError(error="cut off"),
        HTTPClientError(error="something else"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_store_that_cannot_be_reached_is_out(error: Exception) -> None:
    with (
        pytest.raises(StoreUnavailable, match=f"The store did not answer: {type(error).__name__}"),
        outages("The store"),
    ):
        raise error


@pytest.mark.parametrize(
    ("code", "status"),
    [
        # Restated, not read from THROTTLED: these are AWS's words.
        ("LimitExceededException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("ThrottlingException", 400),
        ("RequestLimitExceeded", 400),
        ("RequestThrottled", 403),
        ("Throttling", 400),
        ("ThrottledException", 400),
        ("TooManyRequestsException", 400),
        ("InternalServerError", 500),
        ("InternalFailure", 500),
        ("InternalError", 500),
        ("ServiceUnavailable", 400),
        ("502", 502),
        ("", 504),
    ],
)
def test_a_store_that_cannot_answer_now_is_out(code: str, status: int) -> None:
    with pytest.raises(StoreUnavailable, match=f"The store cannot answer: {code}"), outages("The store"):
        raise answered(code, status)


@pytest.mark.parametrize(
    "error",
    [
        answered("ValidationException", 400),
        answered("ConditionalCheckFailedException", 400),
        answered("AccessDeniedException", 400),
        answered("ResourceNotFoundException", 400),
        answered("TransactionCanceledException", 400),
        answered("QueueDoesNotExist", 404),
        ClientError({}, "PutItem"),
        ParamValidationError(report="wrong"),
        ValueError("a bug"),
    ],
    ids=str,
)
def test_every_other_error_is_our_own(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, outages("The store"):
        raise error
    assert caught.value is error


def test_the_cause_of_an_outage_is_kept() -> None:
    with pytest.raises(StoreUnavailable) as caught, outages("The store"):
        raise ReadTimeoutError(endpoint_url=URL)

    assert isinstance(caught.value.__cause__, ReadTimeoutError)


def test_an_error_that_is_none_of_aws_has_no_code() -> None:
    assert error_code(ClientError({}, "PutItem")) == ""
    assert not is_outage(ClientError({}, "PutItem"))


# --- Clients, over real connections -------------------------------------------------------------------
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
    *(aws.dynamodb, aws.sqs, aws.events, aws.secretsmanager, aws.lambda_, aws.codedeploy),
]


@pytest.mark.parametrize("make", CLIENTS)
def test_a_store_that_refuses_connections_is_out(make: Callable[..., Any], listener: socket.socket) -> None:
    listener.close()

    with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
        ask(make(attempts=1))


def test_a_store_that_hangs_is_out_before_long(listener: socket.socket) -> None:  # noqa: ARG001
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        ask(aws.dynamodb(attempts=1))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("client", "attempts"),
    [
        (aws.dynamodb(), 2),
        (aws.sqs(), 2),
        (aws.events(), 2),
        (aws.secretsmanager(), 1),
        (aws.lambda_(), 6),
        (aws.codedeploy(), 5),
        (aws.dynamodb(attempts=5), 5),
        (aws.sqs(attempts=1), 1),
    ],
)
def test_a_call_is_made_so_many_times(client: "BaseClient", attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calls_made(client, EndpointConnectionError(endpoint_url=URL), monkeypatch) == attempts


@pytest.mark.parametrize("error", [ConnectTimeoutError(endpoint_url=URL), ReadTimeoutError(endpoint_url=URL)])
def test_what_takes_too_long_is_asked_once(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calls_made(aws.dynamodb(attempts=5), error, monkeypatch) == 1


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
        (aws.dynamodb, 1),
        (aws.sqs, 1),
        (aws.events, 1),
        (aws.secretsmanager, 1),
        (aws.lambda_, 75),
        (aws.codedeploy, 10),
    ],
)
def test_how_long_a_client_waits_and_how_it_tries_again(make: Callable[..., Any], seconds: int) -> None:
    config = make().meta.config

    # Ingest makes at most five calls of a second to connect and a second to read: it answers within ten.
    assert (config.connect_timeout, config.read_timeout) == (1, seconds)
    assert config.retries["mode"] == "standard"


def test_a_client_holds_as_many_connections_as_it_is_asked_for() -> None:
    assert aws.dynamodb(connections=25).meta.config.max_pool_connections == 25  # type: ignore[attr-defined]
    assert aws.sqs(connections=7).meta.config.max_pool_connections == 7  # type: ignore[attr-defined]
