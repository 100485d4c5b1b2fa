"""What ingest does before its first delivery, by the kind of start that Lambda names in the environment."""

import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.support.aws import Calls
from warm_start import WarmStart
from wickiepay import clients, sdk

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

CLIENTS: Any = ("the table's", "the queue's")
CONNECTIONS = {f"connection of {client}" for client in CLIENTS}
REHEARSALS = ["rehearsal of a put", "rehearsal of a send"]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, secretsmanager: "SecretsManagerClient") -> list[Any]:
    """What was done with the clients; and, with SnapStart, Lambda's module that runs hooks after the restore."""
    done: list[Any] = []
    monkeypatch.setattr(clients, "secretsmanager", lambda: secretsmanager)
    monkeypatch.setattr(sdk, "read_trust", lambda _: done.append("authorities"))
    monkeypatch.setattr(sdk, "connect", lambda client: lambda: done.append(f"connection of {client}"))
    hooks = SimpleNamespace(register_after_restore=done.append)
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", hooks)
    return done


@pytest.fixture
def start(done: list[Any], signing_secret: str) -> Callable[[str], WarmStart]:
    """Starts as a container of that kind would."""

    def start(kind: str) -> WarmStart:
        environment = {"SIGNING_SECRET_ARN": signing_secret} | (
            {"AWS_LAMBDA_INITIALIZATION_TYPE": kind} if kind else {}
        )
        started = WarmStart(environment)
        started.finish(CLIENTS, [partial(done.append, rehearsal) for rehearsal in REHEARSALS])
        return started

    return start


type Start = Callable[[str], WarmStart]


def test_while_a_delivery_waits_all_is_done_at_once(done: list[str], start: Start, calls: Calls) -> None:
    start("on-demand")

    assert done[:3] == ["authorities", *REHEARSALS]
    assert set(done[3:]) == CONNECTIONS
    assert calls.names() == ["GetSecretValue"]


def test_a_snapshot_is_rehearsed_and_the_rest_is_done_once_it_is_restored(
    done: list[Any], start: Start, calls: Calls
) -> None:
    start("snap-start")
    after_restore: Callable[[], None] = done.pop()
    assert done == ["authorities", *REHEARSALS]
    assert calls.names() == []

    after_restore()
    assert set(done[3:]) == CONNECTIONS
    assert calls.names() == ["GetSecretValue"]


@pytest.mark.parametrize(
    ("kind", "expected"), [("", []), ("provisioned-concurrency", ["authorities", *REHEARSALS])], ids=["unnamed", "long"]
)
def test_where_no_delivery_waits_nothing_is_asked_of_aws(
    kind: str, expected: list[str], done: list[str], start: Start, calls: Calls
) -> None:
    start(kind)

    assert (done, calls.names()) == (expected, [])


def test_what_fails_is_left_to_the_first_delivery(
    monkeypatch: pytest.MonkeyPatch, done: list[str], signing_secret: str, calls: Calls
) -> None:
    def refuse(client: str) -> None:
        done.append(client)
        raise EndpointConnectionError(endpoint_url="https://aws.invalid")

    monkeypatch.setattr(sdk, "connect", refuse)
    calls.fail("GetSecretValue")
    started = WarmStart({"SIGNING_SECRET_ARN": signing_secret, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"})
    started.finish(CLIENTS, [partial(refuse, "a rehearsal"), partial(done.append, "another")])

    assert sorted(done[1:]) == sorted([*CLIENTS, "a rehearsal", "another"])
    assert started.secrets.failure
