"""The calls of the provider's API, each signed anew, repeated where that is safe, and never sent after a redirect."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, NoReturn, Self
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from wickiepay import clock
from wickiepay_api.entries import Destination, EventEntry, Payment, destination, event_entry, payment
from wickiepay_api.errors import (
    AnswerUnusable,
    Conflicting,
    ExpiredSignature,
    InvalidRequest,
    NotFound,
    ProviderFailed,
    Redirected,
    Refused,
    SettingsUnusable,
    TooManyRequests,
    Unreachable,
    kind_of,
)
from wickiepay_api.listing import LIMIT, entries
from wickiepay_api.signing import DEFAULT_ALGORITHM, Signer

ANSWER_SECONDS: Final = 30
"""How long an answer may take in all."""

ATTEMPTS: Final = 4
MAX_WAIT_SECONDS: Final = 60
"""The longest pause between two attempts. A provider that asks for a longer one is asked again another time."""

MAX_ANSWER_BYTES: Final = 5_000_000
"""A hundred events are listed in some 30 kB."""

MAX_REPLAYED: Final = 100
"""Events that are asked for in one call."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_LISTS: Final = ("events", "payments", "channelPayments", "destinations", "items", "content", "data", "results")
"""The members of an answer that may hold the list. The documentation names the first alone."""


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


@dataclass(frozen=True, slots=True)
class _Call:
    """A request. `repeatable` says whether doing it twice is as good as once."""

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    content: Mapping[str, object] | None = None
    repeatable: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class ProviderApi:
    """A client of the provider's API. It is a context manager, which closes its connections.

    `now`, `sleep` and `transport` are the clock, the pause and the network; a test has its own. Each call raises a
    `ProviderError`. Raises `SettingsUnusable` if the access cannot be used.
    """

    def __init__(
        self,
        access: Access,
        *,
        now: Callable[[], datetime] = clock.now,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base_url = _base_url(access)
        self._merchant_id = access.merchant_id
        self._signer = Signer(access.client_id, access.key, access.algorithm)
        self._now = now
        self._sleep = sleep
        on_this_machine = self._base_url.host in _LOOPBACK
        self._http = httpx.Client(
            timeout=ANSWER_SECONDS, follow_redirects=False, trust_env=not on_this_machine, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

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
        provider does not know costs the others nothing.
        """
        asked: list[str] = []
        refused: dict[str, Refused] = {}
        for first in range(0, len(ids), MAX_REPLAYED):
            some = ids[first : first + MAX_REPLAYED]
            try:
                self._replay({"eventIds": list(some)})
                asked += some
            except (InvalidRequest, NotFound, Conflicting):
                for each in some:
                    try:
                        self._replay({"eventId": each})
                        asked.append(each)
                    except (InvalidRequest, NotFound, Conflicting) as error:
                        refused[each] = error
        return Replayed(tuple(asked), refused)

    def _replay(self, content: Mapping[str, object]) -> None:
        self._ask(_Call("POST", "/api/v1/hook/replay", content=content))

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
        return [destination(each) for each in _listed(self._ask(_Call("GET", _DESTINATION)), _DESTINATION)]

    def add_destination(self, url: str, events: Sequence[str], description: str, secret: str) -> Destination:
        """Registers a URL. It is not repeated: a second one would have each event sent twice."""
        content = {"url": url, "events": list(events), "description": description, "secret": secret}
        return destination(self._ask(_Call("POST", _DESTINATION, content=content, repeatable=False)))

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
        self._ask(_Call("PATCH", _below(_DESTINATION, destination_id), content=content))

    def remove_destination(self, destination_id: str) -> None:
        """Removes a destination. It is not repeated: the second answer would say that there is none."""
        self._ask(_Call("DELETE", _below(_DESTINATION, destination_id), repeatable=False))

    # --- Asking ----------------------------------------------------------------------------------
    def _list[T: EventEntry | Payment](
        self, path: str, query: Mapping[str, str | None], read: Callable[[object], T], size: str, limit: int
    ) -> Iterator[T]:
        given = {name: value for name, value in query.items() if value is not None}

        def page(offset: int, limit: int) -> Sequence[T]:
            call = _Call("GET", path, {**given, "offset": offset, size: limit})
            return [read(each) for each in _listed(self._ask(call), path)]

        return entries(page, limit)

    def _one(self, path: str, uuid: str) -> Payment | None:
        try:
            return payment(self._ask(_Call("GET", _below(path.rstrip("/"), uuid))))
        except NotFound:
            return None

    def _ask(self, call: _Call) -> object:
        """The JSON of the answer, or None if it has no body."""

        def is_worth_repeating(error: BaseException) -> bool:
            may_pass = isinstance(error, (Unreachable, TooManyRequests, ProviderFailed))
            return call.repeatable and may_pass and (_retry_after(error) or 0) <= MAX_WAIT_SECONDS

        attempts = Retrying(
            sleep=self._sleep,
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            retry=retry_if_exception(is_worth_repeating),
            reraise=True,
        )
        return attempts(self._once, call)

    def _once(self, call: _Call) -> object:
        body = b"" if call.content is None else json.dumps(call.content).encode()
        url = self._base_url.copy_with(path=self._base_url.path.rstrip("/") + call.path)
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        request = self._http.build_request(
            call.method, url, params=call.query or None, content=body or None, headers=headers
        )
        asked_at = self._now()
        self._signer.sign(request, body, asked_at)
        try:
            response = self._http.send(request, stream=True)
            try:
                return self._answer(call, response, asked_at)
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise Unreachable(
                f"The provider did not answer {call} ({type(error).__name__}): "
                "see whether the network is up and the parameter ProviderBaseUrl is right."
            ) from error

    def _answer(self, call: _Call, response: httpx.Response, asked_at: datetime) -> object:
        if 300 <= response.status_code < 400:
            raise Redirected(
                f"The provider answered {call} with a redirect ({response.status_code}), which is not followed, "
                "because a signature is for one address: set ProviderBaseUrl to the address that it leads to."
            )
        body = self._body(call, response, asked_at)
        if not response.is_success:
            raise self._refusal(call, response, body)
        if not body.strip():
            return None
        try:
            return _json(body)
        except ValueError:
            is_html = body.lstrip()[:1] == b"<" or "html" in response.headers.get("Content-Type", "")
            raise AnswerUnusable(
                f"The provider answered {call} with {'HTML' if is_html else 'something'} instead of JSON: "
                "is the parameter ProviderBaseUrl the address of its API?"
            ) from None

    def _body(self, call: _Call, response: httpx.Response, asked_at: datetime) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise AnswerUnusable(f"The provider compressed its answer to {call}, although it was asked not to.")
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise AnswerUnusable(
                    f"The provider's answer to {call} is longer than {MAX_ANSWER_BYTES // 1_000_000} MB, and was not "
                    "read: ask for fewer entries at once."
                )
            if (self._now() - asked_at).total_seconds() > ANSWER_SECONDS:  # the client's time-out is for each part
                raise Unreachable(f"The provider took more than {ANSWER_SECONDS} seconds to answer {call}: try again.")
        return bytes(body)

    def _refusal(self, call: _Call, response: httpx.Response, body: bytes) -> Refused:
        code = _code(body)
        kind = kind_of(response.status_code, code)
        note = _skew(response, self._now()) if kind is ExpiredSignature else ""
        wait = _seconds(response.headers.get("Retry-After"), self._now())
        if wait is not None and wait > MAX_WAIT_SECONDS:
            note = f"It asks to wait {wait:.0f} seconds."
        return kind(str(call), response.status_code, code, note=note, retry_after=wait)


_DESTINATION: Final = "/api/v1/hook/destination"


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
    if url.scheme == "http" and url.host not in _LOOPBACK:
        raise SettingsUnusable("The parameter ProviderBaseUrl begins with http: the API is asked over https alone.")
    return url


def _below(path: str, name: str) -> str:
    return f"{path}/{quote(name, safe='')}"


def _period(since: datetime | None, until: datetime | None) -> dict[str, str | None]:
    return {"fromDate": _as_iso(since), "toDate": _as_iso(until)}


def _as_iso(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _json(body: bytes) -> object:
    """The JSON in an answer, its numbers as Decimals. Raises `ValueError` for anything else."""
    try:
        value: object = json.loads(body, parse_int=_number, parse_float=_number, parse_constant=_not_json)
    except RecursionError as error:
        raise ValueError from error
    return value


def _code(body: bytes) -> str | None:
    """The provider's word for an error, or None. The rest of what it says may repeat what we sent."""
    try:
        answer = _json(body)
    except ValueError:
        return None
    match answer:
        case {"error": {"code": str(word)}} if _CODE.fullmatch(word):
            return word
    return None


def _number(token: str) -> Decimal:
    number = Decimal(token)
    if abs(number.adjusted()) > 400:  # as plain digits it would fill the memory
        raise ValueError(token)
    return number


def _not_json(token: str) -> NoReturn:
    raise ValueError(token)


def _listed(answer: object, path: str) -> Sequence[object]:
    """The entries in an answer: of the array in the member that is known to hold them, or of the array that it is."""
    if isinstance(answer, dict):
        answer = next((answer[name] for name in _LISTS if name in answer), None)
    if not isinstance(answer, list):
        raise AnswerUnusable(
            f"The provider's answer to GET {path} holds no list where one belongs: has the API changed?"
        )
    return answer


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt: what the provider asks for, at least what the number of attempts makes them."""
    error = state.outcome.exception() if state.outcome else None
    return max(_retry_after(error) or 0, wait_exponential(multiplier=1, max=MAX_WAIT_SECONDS)(state))


def _retry_after(error: BaseException | None) -> float | None:
    return error.retry_after if isinstance(error, Refused) else None


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """The seconds that a header `Retry-After` asks for, as a number or as a date; None if it says nothing."""
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", text := retry_after.strip()):
        return float(text)
    moment = _date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _date(text: str) -> datetime | None:
    """The instant in a header, or None if it holds none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _skew(response: httpx.Response, now: datetime) -> str:
    """What the provider's clock says about ours."""
    theirs = _date(response.headers.get("Date", ""))
    if theirs is None:
        return "It does not say what its clock shows: see whether the clock here is right."
    seconds = (now - theirs).total_seconds()
    if abs(seconds) < 5:
        return "The clocks agree to within 5 seconds, so the request was under way for too long: try again."
    return (
        f"The clock here is {abs(seconds):.0f} seconds {'ahead of' if seconds > 0 else 'behind'} the provider's: "
        "set it right (on AWS it is; on a machine of your own, switch on NTP)."
    )
