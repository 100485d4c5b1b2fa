"""The reconciler in this process, while faults strike at its calls of AWS and of the provider's API.

Its clock is a test's: a pause takes no time, and the hours until the next run pass at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

import reconciler
from tests.support.chaos import Chaos, drawn
from tests.support.deployed import environment_of
from tests.support.faults import Killed
from tests.support.harness import Stores
from tests.support.provider import as_from_the_network, refusing
from wickiepay import clients, clock
from wickiepay.errors import ListenerError
from wickiepay_api.client import ProviderApi
from wickiepay_cli.simulator.provider import Provider
from wickiepay_cli.stacks.stack import Stack
from wickiepay_reconcile.notes import Run

RATES: Final[Mapping[str, float]] = {
    "refused": 0.01,
    "answer lost": 0.01,
    "throttled": 0.01,
    "server error": 0.01,
    "killed before": 0.001,
    "killed after": 0.001,
    "doubled": 0.03,
    "delayed": 0.01,
}
"""How likely each is for any one sending of a call of AWS. A run makes a hundred calls, and some have to end well."""

KEPT: Final = timedelta(days=2)
"""How long the table keeps events: a run looks no further back for the first one."""

FORGOTTEN: Final = 0.1
"""How likely a replay is taken and not done, the first time."""

type Send = Callable[[], httpx.Response]
type Strike = Callable[[httpx.Request, Send], httpx.Response]
"""What happens instead of sending a request to the provider."""


class Hours:
    """A clock that goes, and can be put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return clock.now() + self._ahead

    def put_forward(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


# --- The provider -------------------------------------------------------------------------------


class ForgetfulProvider(Provider):
    """A provider that may take the first replay of an event and not do it. `run` is the number of the present run.

    `asked` says in which runs it was asked for each event.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  a provider's
        super().__init__(**settings)
        self.run = 0
        self.asked: defaultdict[str, set[int]] = defaultdict(set)

    def replay(self, ids: Sequence[str]) -> bool:
        done = [each for each in ids if each in self.asked or self._chance.random() >= FORGOTTEN]
        for each in ids:
            self.asked[each].add(self.run)
        return super().replay(done)


class _Cut(httpx.SyncByteStream):
    """The first half of an answer, and then no more."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content[: len(self._content) // 2]
        raise httpx.ReadError("injected")


def _cut(_: httpx.Request, send: Send) -> httpx.Response:
    whole = send()
    return httpx.Response(whole.status_code, headers=whole.headers, stream=_Cut(whole.read()))


def _unreachable(request: httpx.Request, send: Send) -> httpx.Response:  # noqa: ARG001
    raise httpx.ConnectError("injected")


def _dropped(request: httpx.Request, send: Send) -> httpx.Response:  # noqa: ARG001
    raise httpx.RemoteProtocolError("injected")


def _lost(_: httpx.Request, send: Send) -> httpx.Response:
    send().close()
    raise httpx.ReadTimeout("injected")


def _failed_afterwards(_: httpx.Request, send: Send) -> httpx.Response:
    send().close()
    return httpx.Response(502, stream=httpx.ByteStream(b"<html>Bad gateway</html>"))


def _killed_before(request: httpx.Request, send: Send) -> httpx.Response:  # noqa: ARG001
    raise Killed


def _killed_after(_: httpx.Request, send: Send) -> httpx.Response:
    send().close()
    raise Killed


def _answered(status: int, code: str | None = None, **headers: str) -> Strike:
    return lambda _request, _send: as_from_the_network(refusing(status, code, **headers))


FAULTS: Final[Mapping[str, Strike]] = {
    "API refused": _unreachable,
    "API dropped": _dropped,
    "API answer lost": _lost,
    "API answer cut": _cut,
    "API 429": _answered(429, "RATE_LIMITED", Retry_After="20"),
    "API 429 for minutes": _answered(429, "RATE_LIMITED", Retry_After="300"),
    "API 503": _answered(503),
    "API 502 afterwards": _failed_afterwards,
    "API 422": _answered(422, "VALIDATION_ERROR"),
    "API killed before": _killed_before,
    "API killed after": _killed_after,
}
LISTING: Final[Mapping[str, float]] = {
    "API refused": 0.03,
    "API dropped": 0.03,
    "API answer lost": 0.02,
    "API answer cut": 0.03,
    "API 429": 0.05,
    "API 429 for minutes": 0.002,
    "API 503": 0.03,
    "API killed before": 0.001,
    "API killed after": 0.001,
}
REPLAYING: Final[Mapping[str, float]] = {
    **LISTING,
    "API answer lost": 0.05,
    "API 429 for minutes": 0.02,
    "API 502 afterwards": 0.03,
}
REPLAYING_MANY: Final[Mapping[str, float]] = {
    **REPLAYING,
    "API answer lost": 0.15,
    "API 429 for minutes": 0.05,
    "API 422": 0.1,
    "API killed before": 0.1,
    "API killed after": 0.06,
}
"""A run asks for up to ten times a hundred events: most break off before they have asked for all."""

ONCE: Final = {"API killed before"}
"""An event may be asked for three times: one is lost here, and one where the provider forgets it."""


@dataclass(slots=True)
class Struck(Chaos):
    """Chaos around the one reconciler of some stores. Nothing that it does has an effect once it was killed."""

    is_dead: bool = False

    @contextmanager
    def running(self, function: str) -> Iterator[None]:  # noqa: ARG002
        self.is_dead = False
        yield

    @contextmanager
    def _living(self) -> Iterator[None]:
        if self.is_dead:
            raise Killed
        try:
            yield
        except Killed:
            self.is_dead = True
            raise

    def _send(self, client: Any, request: AWSPreparedRequest) -> AWSResponse | None:  # noqa: ANN401
        with self._living():
            return Chaos._send(self, client, request)

    def ask(self, request: httpx.Request, send: Send) -> httpx.Response:
        """The answer to a request to the provider."""
        with self._living():
            self.sent += 1
            rates = {name: rate for name, rate in _rates(request).items() if name not in ONCE & self.struck_by.keys()}
            name = drawn(self.chance, rates)
            if name is None:
                return send()
            self.struck_by[name] += 1
            return FAULTS[name](request, send)


def _rates(request: httpx.Request) -> Mapping[str, float]:
    if request.method != "POST":
        return LISTING
    return REPLAYING_MANY if b"eventIds" in request.content else REPLAYING


class _Network(httpx.HTTPTransport):
    """The way to the provider."""

    def __init__(self, struck: Struck) -> None:
        super().__init__()
        self._struck = struck

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._struck.ask(request, lambda: httpx.HTTPTransport.handle_request(self, request))


class StruckReconciler:
    """The reconciler of a stack. `hours` is its clock, `variables` are those of its environment that a test sets."""

    def __init__(self, stack: Stack, stores: Stores, struck: Struck, hours: Hours, **variables: str) -> None:
        self._stores = stores
        self._struck = struck
        self._hours = hours
        self._environment = {
            **environment_of("ReconcilerFunction"),
            "EVENT_TABLE": stack.output("EventTableName"),
            "LEDGER_TABLE": stack.output("LedgerTableName"),
            "PROVIDER_API_KEY_SECRET_ARN": stack.output("ProviderApiKeySecretArn"),
            "PROVIDER_BASE_URL": stack.parameter("ProviderBaseUrl"),
            "PROVIDER_CLIENT_ID": stack.parameter("ProviderClientId"),
            "PROVIDER_MERCHANT_ID": stack.parameter("ProviderMerchantId"),
            **variables,
        }

    def run(self, days: int) -> Run | Exception | None:
        """What a run returned, or the error that it ended with; None if it was killed."""
        api = partial(ProviderApi, now=self._hours.now, transport=_Network(self._struck))
        with (
            patch.object(clients, "_client", lambda service, **_: self._stores.function_client(service, self._struck)),
            patch.object(reconciler, "ProviderApi", api),
            self._struck.running("reconciler"),
        ):
            wired = reconciler.from_environment(self._environment)
            try:
                return replace(wired, now=self._hours.now, sleep=self._hours.put_forward, kept=KEPT).run(days)
            except Killed:
                return None
            except ListenerError as error:
                return error
