"""Ingest from a snapshot: what is made before the first delivery can be started from many times, long after, elsewhere.

The snapshot is taken once the module is imported. So the import may leave nothing behind that grows old (the secret,
connections, credentials, the time) and nothing that has to be unlike in every container (a generator's seed).
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, override

import pytest
from botocore.exceptions import EndpointConnectionError

import ingest
from tests.support.clock import Clock
from tests.support.deliveries import BodyOf
from tests.support.deployed import environment_of
from wickiepay import sdk
from wickiepay.lambda_events import http_request
from wickiepay.signature import sign
from wickiepay.signing_secrets import TIME_TO_LIVE_SECONDS, SigningSecrets

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

    from wickiepay.event_log import EventLog
    from wickiepay.queue import EventQueue

PROJECT: Final = Path(__file__).parents[2]
OURS: Final = [PROJECT / "functions/ingest", PROJECT / "layers/wickiepay"]

LOOK: Final = """
import gc, json, random, socket, sys

network = []
sys.addaudithook(lambda event, _: network.append(event) if event.startswith("socket.") else None)

import ingest

ours = [module for module in sys.modules.values() if (getattr(module, "__file__", None) or "").startswith(OURS)]
seeded = [m.__name__ for m in ours if any(v is random or isinstance(v, random.Random) for v in vars(m).values())]
secrets = ingest.ingest.secrets
print(json.dumps({
    "modules": [module.__name__ for module in ours],
    "network": [event for event in network if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}],
    "sockets": [repr(thing) for thing in gc.get_objects() if isinstance(thing, socket.socket) and thing.fileno() > 0],
    "secrets": [secrets._current.secret.decode()] * bool(secrets._current.secret),
    "seeded": seeded,
}))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """What the import of ingest did and left behind, in a process of its own."""
    environment = environment_of("IngestFunction") | {
        **{name: value for name, value in os.environ.items() if name.startswith(("AWS_", "PATH"))},
        "PYTHONPATH": os.pathsep.join(map(str, OURS)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
    }
    script = LOOK.replace("OURS", repr(tuple(map(str, OURS))))
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


# --- What the snapshot holds --------------------------------------------------------------------------
def test_all_of_ingest_is_in_it(imported: dict[str, list[str]]) -> None:
    assert {"ingest", "http_request", "wickiepay.clients", "wickiepay.event_log", "wickiepay.queue"} <= set(
        imported["modules"]
    )


def test_no_connection_was_made(imported: dict[str, list[str]]) -> None:
    assert imported["network"] == []
    assert imported["sockets"] == []


def test_no_secret_is_in_it(imported: dict[str, list[str]]) -> None:
    assert imported["secrets"] == []


def test_nothing_of_ours_in_it_draws_from_a_seed(imported: dict[str, list[str]]) -> None:
    assert imported["seeded"] == []


# --- Long after, and elsewhere ------------------------------------------------------------------------
def test_a_container_reads_the_secret_of_its_own_time(
    events: "EventLog",  # noqa: ARG001
    queue: "EventQueue",  # noqa: ARG001
    secretsmanager: "SecretsManagerClient",
    signing_secret: str,
    secret: bytes,
    body_of: BodyOf,
) -> None:
    snapshot = ingest.from_environment(environment_of("IngestFunction"))
    for number in (1, 2):
        secretsmanager.put_secret_value(SecretId=signing_secret, SecretString=f"rotated-{number}-meanwhile")

    def status(key: bytes) -> int:
        return int(snapshot.handle(http_request(body_of(), sign(body_of(), key)))["statusCode"])

    assert [status(key) for key in (b"rotated-2-meanwhile", b"rotated-1-meanwhile", secret)] == [200, 200, 401]


@pytest.mark.parametrize("uptime", [0.0, 3.0, 10.0**9])
def test_how_long_a_machine_has_been_up_is_no_matter(
    uptime: float, secretsmanager: "SecretsManagerClient", signing_secret: str, secret: bytes, clock: Clock
) -> None:
    clock.seconds = 10.0**6
    snapshot = SigningSecrets(secretsmanager, signing_secret, clock)
    clock.seconds = uptime

    assert snapshot.get() == (secret,)
    secretsmanager.put_secret_value(SecretId=signing_secret, SecretString="rotated meanwhile")
    assert snapshot.get() == (secret,)
    clock.tick(TIME_TO_LIVE_SECONDS)
    assert snapshot.get() == (b"rotated meanwhile",)


# --- The role's credentials ---------------------------------------------------------------------------
class Credentials(HTTPServer):
    """Gives out the role's credentials, as Lambda does where a function starts from a snapshot: new ones each time."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/credentials"
        self.lifetimes: list[timedelta] = []


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        credentials = cast("Credentials", self.server)
        assert self.headers["Authorization"] == "of-this-container"
        lifetime = credentials.lifetimes.pop(0)
        content = {
            "AccessKeyId": f"for-{lifetime.total_seconds():.0f}-seconds",
            "SecretAccessKey": "made up",
            "Token": "made up",
            "Expiration": (datetime.now(UTC) + lifetime).isoformat(),
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Tells nothing."""


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[Credentials]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with Credentials() as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-this-container")
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        sdk.the_session.cache_clear()
        yield server
        sdk.the_session.cache_clear()
        server.shutdown()
        serving.join()


@pytest.fixture
def signing_key() -> Callable[[ingest.Ingest], str]:
    """The access key that ingest's next call of AWS is signed with; the call itself goes nowhere."""

    def next_key(wired: ingest.Ingest) -> str:
        sent: list[str] = []

        def stop(request: Any, **_: object) -> None:  # noqa: ANN401
            sent.append(str(request.headers["Authorization"]))
            raise EndpointConnectionError(endpoint_url=request.url)

        client: Any = wired.secrets._client
        client.meta.events.register_first("before-send", stop)
        wired.secrets._current.asked_at = 0
        wired.secrets.refetch()
        client.meta.events.unregister("before-send", stop)
        return sent[0].partition("Credential=")[2].partition("/")[0]

    return next_key


def test_credentials_that_have_grown_old_in_the_snapshot_are_renewed(
    credentials: Credentials, signing_key: Callable[[ingest.Ingest], str]
) -> None:
    credentials.lifetimes = [timedelta(seconds=60), timedelta(hours=6)]
    snapshot = ingest.from_environment(environment_of("IngestFunction"))
    assert len(credentials.lifetimes) == 1

    assert signing_key(snapshot) == "for-21600-seconds"
    assert signing_key(snapshot) == "for-21600-seconds"
