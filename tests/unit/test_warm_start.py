"""What ingest does before its first delivery, by the kind of start that Lambda names in the environment."""

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

import warm_start
from tests.support.aws import Calls
from tests.support.clock import Clock
from wickiepay import sdk
from wickiepay.signing_secrets import SigningSecrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_secretsmanager import SecretsManagerClient

CLIENTS: Any = ("the table's", "the queue's")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was done with the clients; and, with SnapStart, Lambda's module that runs hooks after the restore."""
    done: list[Any] = []
    monkeypatch.setattr(sdk, "read_trust", lambda client: done.append(f"authorities for {client}"))
    monkeypatch.setattr(sdk, "connect", lambda client: lambda: done.append(f"connection of {client}"))
    hooks = SimpleNamespace(register_after_restore=done.append)
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", hooks)
    return done


@pytest.fixture
def secrets(signing_secret: str, secretsmanager: "SecretsManagerClient", clock: Clock) -> SigningSecrets:
    return SigningSecrets(secretsmanager, signing_secret, clock)


AUTHORITIES = [f"authorities for {client}" for client in CLIENTS]
CONNECTIONS = {f"connection of {client}" for client in CLIENTS}


def test_while_a_delivery_waits_all_is_done_at_once(done: list[str], secrets: SigningSecrets, calls: Calls) -> None:
    warm_start.prepare({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, secrets, CLIENTS)

    assert done[:2] == AUTHORITIES
    assert set(done[2:]) == CONNECTIONS
    assert calls.names() == ["GetSecretValue"]


def test_a_snapshot_holds_the_authorities_and_the_rest_is_done_once_it_is_restored(
    done: list[Any], secrets: SigningSecrets, calls: Calls
) -> None:
    warm_start.prepare({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, secrets, CLIENTS)
    after_restore: Callable[[], None] = done.pop()
    assert done == AUTHORITIES
    assert calls.names() == []

    after_restore()
    assert set(done[2:]) == CONNECTIONS
    assert calls.names() == ["GetSecretValue"]


@pytest.mark.parametrize("environment", [{}, {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}])
def test_where_no_delivery_waits_nothing_is_done(
    environment: dict[str, str], done: list[str], secrets: SigningSecrets, calls: Calls
) -> None:
    warm_start.prepare(environment, secrets, CLIENTS)

    assert (done, calls.names()) == ([], [])


def test_what_fails_is_left_to_the_first_delivery(
    monkeypatch: pytest.MonkeyPatch, done: list[str], secrets: SigningSecrets, calls: Calls
) -> None:
    def refuse(client: str) -> None:
        done.append(client)
        raise EndpointConnectionError(endpoint_url="https://aws.invalid")

    monkeypatch.setattr(sdk, "connect", refuse)
    calls.fail("GetSecretValue")
    warm_start.prepare({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, secrets, CLIENTS)

    assert set(done[2:]) == set(CLIENTS)
    assert secrets.failure
