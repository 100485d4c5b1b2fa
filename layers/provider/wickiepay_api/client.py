"""The calls of the provider's API."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from wickiepay import clock
from wickiepay_api.answers import listed
from wickiepay_api.entries import Destination, EventEntry, Payment, destination, event_entry, payment
from wickiepay_api.errors import Conflicting, InvalidRequest, NotFound, ProviderError, Refused, SettingsUnusable
from wickiepay_api.listing import LIMIT, entries
from wickiepay_api.signing import DEFAULT_ALGORITHM, Signer
from wickiepay_api.transport import LOOPBACK, Call, Transport

_DESTINATION: Final = "/api/v1/hook/destination"

MAX_REPLAYED: Final = 100
"""Events that are asked for in one call."""


@dataclass(frozen=True, slots=True)
class Access:
    """As whom the provider is asked, and where. `algorithm` is one of `wickiepay_api.signing.ALGORITHMS`."""

    base_url: str
    client_id: str
    merchant_id: str
    key: RSAPrivateKey = field(repr=False)
    algorithm: str = DEFAULT_ALGORITHM


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of asking for events again: the ids that the provider took, and why it refused others."""

    asked: tuple[str, ...]
    refused: Mapping[str, Refused]


class ProviderApi:
    """A client of the provider's API. It is a context manager, which closes its connections.

    `now`, `sleep` and `transport` are the clock, the pause and the network; a test has its own. Each call raises a
    `ProviderError`, and so may `sleep`, to end a call. Raises `SettingsUnusable` if the access cannot be used.
    """

    def __init__(
        self,
        access: Access,
        *,
        now: Callable[[], datetime] = clock.now,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._merchant_id = access.merchant_id
        self._sleep = sleep
        signer = Signer(access.client_id, access.key, access.algorithm)
        self._transport = Transport(_base_url(access), signer, now, sleep, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    # --- Events ----------------------------------------------------------------------------------
    def events(  # noqa: PLR0913  the filters of the call
        self,
        *,
        destination_id: str | None = None,
        event: str | None = None,
        status: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = LIMIT,
    ) -> Iterator[EventEntry]:
        """The provider's own list of events. The times filter as the provider understands them: look at each entry."""
        query = {"destinationId": destination_id, "eventType": event, "status": status, **_period(since, until)}
        return self._list("/api/v1/hook/event", query, event_entry, "limit", limit)

    def replay(self, ids: Sequence[str]) -> Replayed:
        """Asks the provider to send events again; they come by webhook.

        It may be repeated: this listener acts on an event once, however often it comes. Two pages document two forms.
        The first takes many ids; where it is refused, each id is asked for by the second, so that one that the
        provider does not know costs the others nothing. An error tells which of them it may have taken.
        """
        asked: list[str] = []
        refused: dict[str, Refused] = {}
        taken: set[str] = set()

        def ask(content: Mapping[str, object], *some: str) -> None:
            try:
                self._transport.ask(Call("POST", "/api/v1/hook/replay", content=content, is_read=False))
            except ProviderError as error:
                if not isinstance(error, Refused) or error.may_be_done:
                    taken.update(some)
                raise
            taken.update(some)

        try:
            for some in batched(ids, MAX_REPLAYED, strict=False):
                try:
                    ask({"eventIds": some}, *some)
                    asked += some
                except (InvalidRequest, NotFound, Conflicting):
                    for each in some:
                        self._sleep(0)  # they are many: it ends the call if there is no time for another
                        try:
                            ask({"eventId": each}, each)
                            asked.append(each)
                        except (InvalidRequest, NotFound, Conflicting) as error:
                            refused[each] = error
        except ProviderError as error:
            error.taken = taken
            raise
        return Replayed(tuple(asked), refused)

    # --- Payments --------------------------------------------------------------------------------
    def payments(
        self,
        *,
        status: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        order: str | None = None,
        limit: int = LIMIT,
    ) -> Iterator[Payment]:
        """The merchant's payments."""
        query = {"merchantId": self._merchant_id, "status": status, **_period(since, until), "order": order}
        return self._list("/api/v1/pay/summary", query, payment, "max", limit)

    def payment(self, uuid: str) -> Payment | None:
        """One payment, or None if the provider does not know it."""
        return self._one("/api/v1/pay/", uuid)

    def channel_payments(
        self, *, channel: str | None = None, status: str | None = None, limit: int = LIMIT
    ) -> Iterator[Payment]:
        """The merchant's payments into channels. This call documents no filter by time."""
        query = {"merchantId": self._merchant_id, "channelUuid": channel, "status": status}
        return self._list("/api/v1/channel-payment", query, payment, "limit", limit)

    def channel_payment(self, uuid: str) -> Payment | None:
        """One payment into a channel, or None if the provider does not know it."""
        return self._one("/api/v1/channel-payment/", uuid)

    # --- Destinations ----------------------------------------------------------------------------
    def destinations(self) -> Sequence[Destination]:
        """Where the provider sends events. This call documents no pages."""
        return [destination(each) for each in listed(self._transport.ask(Call("GET", _DESTINATION)), _DESTINATION)]

    def add_destination(self, url: str, events: Sequence[str], description: str, secret: str) -> Destination:
        """Registers a URL. It is not repeated: a second one would have each event sent twice."""
        content = {"url": url, "events": list(events), "description": description, "secret": secret}
        return destination(self._transport.ask(Call("POST", _DESTINATION, content=content, repeatable=False)))

    def update_destination(
        self,
        destination_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        secret: str | None = None,
    ) -> None:
        """Changes what is given of a destination, and leaves the rest."""
        given = {"url": url, "events": list(events) if events else None, "description": description, "secret": secret}
        content = {name: value for name, value in given.items() if value is not None}
        self._transport.ask(Call("PATCH", _below(_DESTINATION, destination_id), content=content))

    def remove_destination(self, destination_id: str) -> None:
        """Removes a destination. It is not repeated: the second answer would say that there is none."""
        self._transport.ask(Call("DELETE", _below(_DESTINATION, destination_id), repeatable=False))

    # --- Asking ----------------------------------------------------------------------------------
    def _list[T: EventEntry | Payment](
        self, path: str, query: Mapping[str, str | None], read: Callable[[object], T], size: str, limit: int
    ) -> Iterator[T]:
        given = {name: value for name, value in query.items() if value is not None}

        def page(offset: int, limit: int) -> Sequence[T]:
            call = Call("GET", path, {**given, "offset": offset, size: limit})
            return [read(each) for each in listed(self._transport.ask(call), path)]

        return entries(page, limit)

    def _one(self, path: str, uuid: str) -> Payment | None:
        try:
            return payment(self._transport.ask(Call("GET", _below(path.rstrip("/"), uuid))))
        except NotFound:
            return None


def _base_url(access: Access) -> httpx.URL:
    for value, parameter in ((access.client_id, "ProviderClientId"), (access.merchant_id, "ProviderMerchantId")):
        if not (value.isascii() and value.isprintable() and value.strip()):
            raise SettingsUnusable(f"The parameter {parameter} is empty or has characters that no such id has.")
    try:
        url = httpx.URL(access.base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.host or url.query or url.userinfo or url.scheme not in {"https", "http"}:
        raise SettingsUnusable("The parameter ProviderBaseUrl is not an address such as https://api.example.com.")
    if url.scheme == "http" and url.host not in LOOPBACK:
        raise SettingsUnusable("The parameter ProviderBaseUrl begins with http: the API is asked over https alone.")
    return url


def _below(path: str, name: str) -> str:
    return f"{path}/{quote(name, safe='')}"


def _period(since: datetime | None, until: datetime | None) -> dict[str, str | None]:
    if until and until.microsecond:
        until += timedelta(seconds=1)  # otherwise what happened in its second would belong to no period
    return {"fromDate": _as_iso(since), "toDate": _as_iso(until)}


def _as_iso(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
