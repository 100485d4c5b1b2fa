"""The signing secret's life under load: rotated in either order, retired, out of reach, and asked for by forgers.

Laws, over every arrival of genuine and forged deliveries at containers of every age. The clock is the tests'.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import Ingest
from tests.support.wiring import Wiring, ingest_on
from wickiepay.delivery import Delivery
from wickiepay.event import WebhookEvent
from wickiepay.event_log import Recorded
from wickiepay.event_record import Pending
from wickiepay.lambda_events import http_request
from wickiepay.queue import Message
from wickiepay.signature import sign
from wickiepay.signing_secrets import FIRST_FETCH_SECONDS, REFETCH_SECONDS, TIME_TO_LIVE_SECONDS, SigningSecrets

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

BODY: Final = b'{"event": "payment.completed", "data": {"uuid": "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"}}'
OLD: Final = "the-signing-secret-of-last-year"
NEW: Final = "the-signing-secret-of-this-year"
CONTAINERS: Final = 3


# --- The world ------------------------------------------------------------------------------------
@dataclass(slots=True)
class SecretStore:
    """Secrets Manager, as far as a rotation goes; `up` says whether it answers."""

    stages: dict[str, str] = field(default_factory=lambda: {"AWSCURRENT": OLD})
    up: bool = True

    def rotate(self) -> None:
        self.stages = {"AWSCURRENT": NEW, "AWSPREVIOUS": self.stages["AWSCURRENT"]}

    def retire(self) -> None:
        """Takes the stage AWSPREVIOUS away."""
        del self.stages["AWSPREVIOUS"]

    def go_down(self) -> None:
        self.up = False

    def come_up(self) -> None:
        self.up = True


@dataclass(slots=True)
class StoreClient:
    """One container's client of the store.

    `fetches` are the times at which it asked for the current secret, and whether it has had one ever since or before.
    """

    store: SecretStore
    now: Callable[[], float]
    fetches: list[tuple[float, bool]] = field(default_factory=list)

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: ARG002, N803  AWS's names
        if VersionStage == "AWSCURRENT":
            warm = self.store.up or any(had_one for _, had_one in self.fetches)
            self.fetches.append((self.now(), warm))
        if not self.store.up:
            raise EndpointConnectionError(endpoint_url="https://secretsmanager.invalid")
        if VersionStage not in self.store.stages:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.store.stages[VersionStage]}


class EverythingGoes:
    """An event table and a queue that never fail."""

    def record(self, delivery: Delivery, event: WebhookEvent) -> Recorded:
        return Recorded("accepted", event.identity, Pending(event.identity, delivery))

    def send(self, message: Message) -> None:
        """Takes it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that comes to one of the containers, `at` so many seconds."""

    at: float
    container: int
    forged: bool


type Happening = tuple[float, Callable[[SecretStore], None]]


class Load:
    """Containers of ingest on one store, to which things happen, each at its time (in seconds)."""

    def __init__(self, *happenings: Happening) -> None:
        self.seconds = float("-inf")
        self._happenings = list(happenings)
        self._store = SecretStore()
        self.clients = [StoreClient(self._store, lambda: self.seconds) for _ in range(CONTAINERS)]
        self._containers = [self._container(client) for client in self.clients]

    def _container(self, client: Any) -> Ingest:  # noqa: ANN401  as much of a client as is needed
        anything: Any = EverythingGoes()
        secrets = SigningSecrets(client, "secret", lambda: self.seconds)
        return ingest_on(Wiring(anything, anything, secrets=secrets))

    def status(self, arrival: Arrival, secret: str) -> int:
        """What a delivery is answered that is signed with `secret`, or with none that was ever in use."""
        while self._happenings and self._happenings[0][0] <= arrival.at:
            self._happenings.pop(0)[1](self._store)
        self.seconds = arrival.at
        signature = sign(BODY, b"a secret that nobody has" if arrival.forged else secret.encode())
        answer = self._containers[arrival.container].handle(http_request(BODY, signature))
        status: int = answer["statusCode"]
        return status


EDGES: Final = [
    edge + nudge
    for edge in (0, FIRST_FETCH_SECONDS, REFETCH_SECONDS, TIME_TO_LIVE_SECONDS, TIME_TO_LIVE_SECONDS + REFETCH_SECONDS)
    for nudge in (-0.01, 0, 0.01)
]
INSTANTS: Final = (
    st.floats(-2 * TIME_TO_LIVE_SECONDS, 3 * TIME_TO_LIVE_SECONDS) | st.floats(-1, 12) | st.sampled_from(EDGES)
)
ARRIVALS: Final = st.lists(
    st.builds(Arrival, INSTANTS, st.integers(0, CONTAINERS - 1), st.booleans()), min_size=1, max_size=40
).map(lambda arrivals: sorted(arrivals, key=lambda arrival: arrival.at))
"""Around a happening at 0: before it, so that containers are of every age, and after it."""

many = settings(max_examples=6 * settings().max_examples)


# --- Rotation -------------------------------------------------------------------------------------
@many
@given(ARRIVALS)
def test_in_the_documented_order_a_rotation_refuses_nothing(arrivals: list[Arrival]) -> None:
    """The new secret goes into the store; one time to live later the provider signs with it."""
    load = Load((0, SecretStore.rotate))
    for arrival in arrivals:
        status = load.status(arrival, NEW if arrival.at >= TIME_TO_LIVE_SECONDS else OLD)
        assert status == (401 if arrival.forged else 200)


@many
@given(ARRIVALS, st.floats(0, 100))
def test_in_the_wrong_order_a_rotation_heals_within_ten_seconds(arrivals: list[Arrival], late: float) -> None:
    """The provider signs with the new secret some time before it is in the store: from 0 on it is there."""
    load = Load((0, SecretStore.rotate))
    for arrival in arrivals:
        status = load.status(arrival, NEW if arrival.at >= -late else OLD)
        if arrival.forged:
            assert status == 401
        elif not -late <= arrival.at < REFETCH_SECONDS:
            assert status == 200


@many
@given(ARRIVALS)
def test_a_retired_secret_is_refused_within_the_time_to_live(arrivals: list[Arrival]) -> None:
    load = Load((-TIME_TO_LIVE_SECONDS, SecretStore.rotate), (0, SecretStore.retire))
    for arrival in arrivals:
        status = load.status(arrival, OLD)
        if arrival.forged or arrival.at >= TIME_TO_LIVE_SECONDS:
            assert status == 401
        elif arrival.at < 0:
            assert status == 200


# --- Forgers --------------------------------------------------------------------------------------
@many
@given(ARRIVALS, st.sampled_from([SecretStore.rotate, SecretStore.go_down, SecretStore.come_up]))
def test_nobody_can_make_a_container_fetch_more_often_than_promised(
    arrivals: list[Arrival], happening: Callable[[SecretStore], None]
) -> None:
    """Once in ten seconds; while it has no secret at all, once in a second."""
    load = Load((-TIME_TO_LIVE_SECONDS, SecretStore.come_up), (0, happening))
    for arrival in arrivals:
        load.status(arrival, OLD)
    for client in load.clients:
        for (earlier, warm), (later, _) in pairwise(client.fetches):
            assert later >= earlier + (REFETCH_SECONDS if warm else FIRST_FETCH_SECONDS)


# --- The secret store down ------------------------------------------------------------------------
@many
@given(ARRIVALS)
def test_with_the_secret_store_down_nothing_is_refused_where_a_secret_is_cached(arrivals: list[Arrival]) -> None:
    load = Load((0, SecretStore.go_down))
    warm = set()
    for arrival in arrivals:
        if arrival.at < 0:
            warm.add(arrival.container)
        status = load.status(arrival, OLD)
        if arrival.container not in warm:
            assert status == 503
        else:
            assert status == (401 if arrival.forged else 200)


@many
@given(ARRIVALS)
def test_a_container_without_a_secret_heals_within_a_second_of_the_store(arrivals: list[Arrival]) -> None:
    load = Load((-2 * TIME_TO_LIVE_SECONDS, SecretStore.go_down), (0, SecretStore.come_up))
    for arrival in arrivals:
        status = load.status(arrival, OLD)
        if arrival.at < 0:
            assert status == 503
        elif arrival.at >= FIRST_FETCH_SECONDS:
            assert status == (401 if arrival.forged else 200)


@many
@given(ARRIVALS)
def test_a_rotation_during_an_outage_heals_within_ten_seconds_of_the_store(arrivals: list[Arrival]) -> None:
    """The provider signs with the new secret as soon as the store, which was down as it came, is up again."""
    load = Load((-100, SecretStore.go_down), (-50, SecretStore.rotate), (0, SecretStore.come_up))
    for arrival in arrivals:
        status = load.status(arrival, NEW if arrival.at >= 0 else OLD)
        if arrival.at >= REFETCH_SECONDS:
            assert status == (401 if arrival.forged else 200)


# --- The world is right ---------------------------------------------------------------------------
def test_this_store_stages_secrets_as_secrets_manager_does(
    signing_secret: str, secretsmanager: "SecretsManagerClient"
) -> None:
    def stages() -> dict[str, str]:
        found = secretsmanager.list_secret_version_ids(SecretId=signing_secret)["Versions"]
        return {
            stage: secretsmanager.get_secret_value(SecretId=signing_secret, VersionStage=stage)["SecretString"]
            for version in found
            for stage in version["VersionStages"]
        }

    store = SecretStore()
    secretsmanager.put_secret_value(SecretId=signing_secret, SecretString=OLD)
    secretsmanager.put_secret_value(SecretId=signing_secret, SecretString=NEW)
    store.rotate()
    assert stages() == store.stages

    [previous] = [
        version["VersionId"]
        for version in secretsmanager.list_secret_version_ids(SecretId=signing_secret)["Versions"]
        if "AWSPREVIOUS" in version["VersionStages"]
    ]
    secretsmanager.update_secret_version_stage(
        SecretId=signing_secret, VersionStage="AWSPREVIOUS", RemoveFromVersionId=previous
    )
    store.retire()
    assert stages() == store.stages
