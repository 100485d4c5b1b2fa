"""The simulated provider: strict about signatures, true to the documentation, and good at its own books."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread
from typing import Any, Final

import httpx
import pytest

from tests.support.provider import CLIENT_ID, rsa_key
from wickiepay.signature import parse_signature, verify
from wickiepay_api.client import Access, ProviderApi
from wickiepay_api.errors import (
    Conflicting,
    ExpiredSignature,
    InvalidClientId,
    InvalidRequest,
    InvalidSignature,
    NotFound,
    Refused,
)
from wickiepay_api.signing import ALGORITHMS, Signer
from wickiepay_cli.simulator.provider import Provider
from wickiepay_cli.simulator.server import serving

MERCHANT_ID: Final = "5f8e193a-54e8-4a6e-8bf2-bb342eb3181b"
SECRET: Final = b"the-signing-secret-of-this-test"


class Listener:
    """Takes what is delivered, and answers as it is told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.refused = 0
        self.status: Callable[[], int] = lambda: 200
        self.url = ""

    def take(self, body: bytes, signature: str) -> int:
        status = self.status()
        if status == 200:
            verify(body, parse_signature(signature), [SECRET])
            self.bodies.append(body)
        else:
            self.refused += 1
        return status


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(listener.take(body, self.headers["X-Webhook-Signature"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        listener.url = f"http://127.0.0.1:{server.server_port}/webhooks/wickiepay"
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def simulated(
    listener: Listener | None = None, *, lost: float = 0, algorithm: str = "rsa-v1_5-sha256"
) -> Iterator[tuple[Provider, ProviderApi]]:
    """A provider that sends to the listener, and our client of it."""
    with Provider(seed=1, pace=0.001, lost=lost) as provider:
        if listener:
            provider.register(listener.url, ["*"], "", SECRET)
        keys = {CLIENT_ID: rsa_key().public_key()}
        with serving(provider, keys, algorithm=algorithm) as base_url, client(base_url, algorithm=algorithm) as api:
            yield provider, api


def client(base_url: str, now: Callable[[], datetime] = lambda: datetime.now(UTC), **other: object) -> ProviderApi:
    settings: dict[str, Any] = {"client_id": CLIENT_ID, "merchant_id": MERCHANT_ID, "key": rsa_key()}
    return ProviderApi(Access(base_url, **settings | other), now=now, sleep=lambda _: None)


def happen(provider: Provider, count: int) -> None:
    for step in islice(provider.lives(), count):
        provider.happens(step.event, step.body)
    provider.settle()


# --- Signatures ---------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with Provider() as provider, serving(provider, {CLIENT_ID: rsa_key().public_key()}) as base_url:
        yield base_url


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_our_client_is_let_in(algorithm: str) -> None:
    with simulated(algorithm=algorithm) as (_, api):
        assert list(api.events(event="payment.*", since=datetime(2026, 1, 15, tzinfo=UTC))) == []
        assert api.payment("a/b") is None


def hours_ago(hours: float) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_id": "somebody"}, InvalidClientId),
        ({"key": rsa_key(number=1)}, InvalidSignature),
        ({"algorithm": "rsa-pss-sha512"}, InvalidSignature),
        ({"now": hours_ago(0.1)}, ExpiredSignature),
        ({"now": hours_ago(-0.1)}, ExpiredSignature),
    ],
    ids=["client id", "key", "algorithm", "old", "of the future"],
)
def test_our_client_is_told_why_it_is_not_let_in(base_url: str, wrong: dict[str, Any], error: type[Refused]) -> None:
    with client(base_url, **wrong) as api, pytest.raises(error):
        api.destinations()


def test_a_clock_that_is_wrong_is_told_by_how_much(base_url: str) -> None:
    with client(base_url, now=hours_ago(1)) as api, pytest.raises(ExpiredSignature, match=r"3(599|600) seconds behind"):
        api.destinations()


INPUT: Final = "Signature-Input"
SPOILT: Final[dict[str, Callable[[httpx.Headers], object]]] = {
    "no signature": lambda headers: headers.pop("Signature"),
    "no input": lambda headers: headers.pop(INPUT),
    "no digest": lambda headers: headers.pop("Content-Digest"),
    "no date": lambda headers: headers.pop("Date"),
    "another digest": lambda headers: headers.update({"Content-Digest": "sha-256=:AAAA:"}),
    "another date": lambda headers: headers.update({"Date": "Thu, 15 Jan 2026 10:25:01 GMT"}),
    "another label": lambda headers: headers.update(
        {INPUT: headers[INPUT].replace("sig=", "it="), "Signature": headers["Signature"].replace("sig=", "it=")}
    ),
    "another order": lambda headers: headers.update(
        {INPUT: headers[INPUT].replace('"@method" "@target-uri"', '"@target-uri" "@method"')}
    ),
    "one component less": lambda headers: headers.update({INPUT: headers[INPUT].replace(' "date"', "")}),
    "no created": lambda headers: headers.update({INPUT: headers[INPUT].replace(";created=", ";expires=")}),
    "another created": lambda headers: headers.update({INPUT: headers[INPUT].replace(";created=1", ";created=2")}),
    "another algorithm": lambda headers: headers.update({INPUT: headers[INPUT] + ';alg="hmac-sha256"'}),
    "no base64": lambda headers: headers.update({"Signature": "sig=:A:"}),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_request_that_is_not_signed_as_documented_is_refused(
    base_url: str, spoil: Callable[[httpx.Headers], object]
) -> None:
    request = httpx.Request("GET", f"{base_url}/api/v1/hook/destination")
    Signer(CLIENT_ID, rsa_key()).sign(request, b"", datetime.now(UTC))
    spoil(request.headers)

    with httpx.Client(trust_env=False) as http:
        answer = http.send(request)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "INVALID_SIGNATURE")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/api/v1/hook/destination/D1", b'{"description": "ours"}'),
        ("PUT", "/api/v1/hook/destination/D2", b'{"description": "ours"}'),
        ("PUT", "/api/v1/hook/destination/D1?a=b", b'{"description": "ours"}'),
        ("PUT", "/api/v1/hook/destination/D1", b'{"description": "mine"}'),
    ],
    ids=["method", "path", "query", "body"],
)
def test_a_request_that_was_changed_on_the_way_is_refused(base_url: str, method: str, path: str, body: bytes) -> None:
    signed = httpx.Request("PUT", f"{base_url}/api/v1/hook/destination/D1", content=b'{"description": "ours"}')
    Signer(CLIENT_ID, rsa_key()).sign(signed, signed.content, datetime.now(UTC))

    with httpx.Client(trust_env=False) as http:
        answer = http.request(method, base_url + path, content=body, headers=signed.headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "INVALID_SIGNATURE")


# --- Deliveries ---------------------------------------------------------------------------------------
def test_what_happens_is_delivered_listed_and_booked(listener: Listener) -> None:
    with simulated(listener) as (provider, api):
        happen(provider, 150)
        listed = list(api.events())
        payments = [*api.payments(), *api.channel_payments()]
        books = provider.books()

    delivered = [json.loads(body) for body in listener.bodies]
    assert len(delivered) == len(listed) == 150
    assert {entry.status for entry in listed} == {"DELIVERED"}
    assert Counter(entry.event for entry in listed) == Counter(event["event"] for event in delivered)
    assert {payment.uuid: payment.status for payment in payments} == books.payments
    credited = [e["data"] for e in delivered if e["event"] == "channel.payment.confirmed"]
    assert sum(books.credits.values()) == sum(data["displayCurrency"]["amount"] for data in credited) > 0


def test_the_same_seed_makes_the_same_events() -> None:
    def events(seed: int) -> list[bytes]:
        with Provider(seed=seed, now=lambda: datetime(2026, 1, 15, tzinfo=UTC)) as provider:
            return [step.body for step in islice(provider.lives(), 30)]

    assert events(1) == events(1) != events(2)


@pytest.mark.parametrize(
    ("answers", "status", "attempts"),
    [([500, 200], "DELIVERED", 2), ([500, 401, 200], "DELIVERED", 3), ([500, 500, 500, 200], "FAILED", 3)],
    ids=["second try", "third try", "never"],
)
def test_a_delivery_is_tried_three_times(listener: Listener, answers: list[int], status: str, attempts: int) -> None:
    left = iter(answers)
    listener.status = lambda: next(left)
    with simulated(listener) as (provider, api):
        happen(provider, 1)
        [entry] = api.events()

    assert (entry.status, entry.attempts) == (status, attempts)


def test_what_is_lost_is_listed_as_delivered_and_comes_by_a_replay(listener: Listener) -> None:
    with simulated(listener, lost=0.3) as (provider, api):
        happen(provider, 60)
        assert 5 < len(provider.lost) == 60 - len(listener.bodies)
        assert {entry.status for entry in api.events()} == {"DELIVERED"}
        replayed = api.replay(provider.lost)
        provider.settle()

    assert len(replayed.asked) == len(provider.lost)
    assert len(listener.bodies) == 60


def test_a_replay_of_what_nobody_knows_delivers_nothing(listener: Listener) -> None:
    with simulated(listener, lost=1) as (provider, api):
        happen(provider, 2)
        replayed = api.replay([provider.lost[0], "E1"])
        provider.settle()

    assert replayed.refused.keys() == {"E1"}
    assert len(listener.bodies) == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"status": "FAILED"}, 0),
        ({"status": "DELIVERED"}, 40),
        ({"destination_id": "D1"}, 0),
        ({"since": datetime(2030, 1, 1, tzinfo=UTC)}, 0),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, 0),
        ({"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2030, 1, 1, tzinfo=UTC)}, 40),
        ({"limit": 7}, 40),
    ],
    ids=str,
)
def test_the_list_of_events_is_filtered_and_cut_as_documented(filters: dict[str, Any], found: int) -> None:
    with simulated(lost=1) as (provider, api):
        provider.register("https://example.com", ["*"], "", b"")
        happen(provider, 40)

        assert len(list(api.events(**filters))) == found


def test_payments_are_those_of_the_merchant(listener: Listener) -> None:
    with simulated(listener) as (provider, api):
        happen(provider, 40)
        [*of_us], [*complete] = api.payments(order="asc"), api.payments(status="COMPLETE")
        with client(str(api._transport._base_url), merchant_id="somebody") as other:
            assert list(other.payments()) == []

        assert api.payment(str(of_us[0].uuid)) == of_us[0]
    assert 0 < len(complete) < len(of_us)


# --- Destinations -------------------------------------------------------------------------------------
def test_a_destination_is_added_changed_and_removed(listener: Listener) -> None:
    with simulated() as (provider, api):
        added = api.add_destination(listener.url, ["payment.*"], "ours", SECRET.decode())
        happen(provider, 40)
        payments = len(listener.bodies)
        api.update_destination(str(added.id), events=["deposit.*"], description="of deposits")
        happen(provider, 40)

        [changed] = api.destinations()
        assert (changed.events, changed.description, changed.url) == (("deposit.*",), "of deposits", listener.url)
        api.remove_destination(str(added.id))
        assert api.destinations() == []

    events = [json.loads(body)["event"] for body in listener.bodies]
    assert all(event.startswith("payment.") for event in events[:payments])
    assert all(event.startswith("deposit.") for event in events[payments:])


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda api: api.add_destination("http://example.com", ["*"], "", "s"), InvalidRequest),
        (lambda api: api.add_destination("https://example.com", [], "", "s"), InvalidRequest),
        (lambda api: api.update_destination("D1", events=["*"]), NotFound),
        (lambda api: api.remove_destination("D1"), NotFound),
        (lambda api: list(api.events(limit=0)), InvalidRequest),
    ],
    ids=["http", "no events", "unknown to change", "unknown to remove", "no limit"],
)
def test_what_cannot_be_is_refused_as_documented(ask: Callable[[ProviderApi], object], error: type[Refused]) -> None:
    with simulated() as (_, api), pytest.raises(error):
        ask(api)


def test_a_url_is_registered_once() -> None:
    with simulated() as (provider, api):
        provider.register("https://example.com", ["*"], "", b"")

        with pytest.raises(Conflicting):
            api.add_destination("https://example.com", ["*"], "", "s")
