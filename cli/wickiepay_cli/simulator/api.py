"""The provider's API, as it is documented, over what the provider knows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wickiepay.clock import parse_instant
from wickiepay_cli.sending import exact_json
from wickiepay_cli.sending.client import is_this_machine, is_web_address
from wickiepay_cli.sending.exact_json import Json
from wickiepay_cli.simulator.provider import Destination, Event, Payment, Provider
from wickiepay_cli.simulator.signatures import Asked, refusal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from starlette.types import ASGIApp

MAX_PAGE: Final = 100
"""Most entries in a page, whatever is asked for."""

type Answering = Callable[[Request, Any], Response]
"""What answers a request, given the JSON of its body."""


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def application(
    provider: Provider, keys: Mapping[str, "RSAPublicKey"], algorithm: str, now: Callable[[], datetime]
) -> "ASGIApp":
    """The API. `keys` are the registered ones by their client ids; one may be added at any time."""
    api = _Api(provider)

    def route(path: str, **by_method: Answering) -> Route:
        async def answer(request: Request) -> Response:
            body = await request.body()
            asked = Asked(request.method, _target_uri(request), _headers(request), body)
            if refused := refusal(asked, keys, algorithm, now()):
                return _error(401, refused.code, refused.message)
            try:
                return by_method[request.method](request, _content(body))
            except _Refused as error:
                return _error(error.status, error.code, str(error))

        return Route(path, answer, methods=list(by_method))

    return Starlette(
        routes=[
            route("/api/v1/hook/event", GET=api.events),
            route("/api/v1/hook/replay", POST=api.replay),
            route("/api/v1/hook/destination", GET=api.destinations, POST=api.register),
            route("/api/v1/hook/destination/{id}", PUT=api.change, PATCH=api.change, DELETE=api.remove),
            route("/api/v1/pay/summary", GET=api.payments),
            route("/api/v1/pay/{uuid}", GET=api.payment),
            route("/api/v1/channel-payment", GET=api.channel_payments),
            route("/api/v1/channel-payment/{uuid}", GET=api.channel_payment),
        ]
    )


class _Api:
    """The answers of the API."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    # --- Events ----------------------------------------------------------------------------------
    def events(self, request: Request, _: object) -> Response:
        asked = request.query_params
        listed: Iterable[Event] = reversed(list(self._provider.events.values()))
        wanted = {
            "destination": asked.get("destinationId"),
            "event": asked.get("eventType"),
            "status": asked.get("status"),
        }
        found: list[Json] = [
            {
                "id": each.id,
                "event": each.event,
                "timestamp": each.timestamp,
                "destination": each.destination,
                "status": each.status,
                "attempts": exact_json.Number(str(each.attempts)),
            }
            for each in listed
            if all(value in {None, getattr(each, name)} for name, value in wanted.items())
            and _is_within(each.timestamp, asked)
        ]
        return _json({"events": _page(found, asked, "limit")})

    def replay(self, _: Request, content: object) -> Response:
        match content:
            case {"eventIds": [_, *_] as ids, **rest} if not rest and all(isinstance(each, str) for each in ids):
                some: Sequence[str] = ids
            case {"eventId": str(one), **rest} if not rest:
                some = [one]
            case _:
                raise _Refused(422, "VALIDATION_ERROR", "eventIds or eventId is wanted, and nothing else.")
        if not self._provider.replay(some):
            raise _Refused(404, "NOT_FOUND", "There is no such event.")
        return _json({"replayed": exact_json.Number(str(len(some)))}, 202)

    # --- Payments --------------------------------------------------------------------------------
    def payments(self, request: Request, _: object) -> Response:
        found = self._of_merchant(self._provider.payments, request.query_params)
        if request.query_params.get("order", "desc") == "desc":
            found.reverse()
        return _json({"payments": _page(found, request.query_params, "max")})

    def channel_payments(self, request: Request, _: object) -> Response:
        channel = request.query_params.get("channelUuid")
        found = self._of_merchant(self._provider.channel_payments, request.query_params)
        of_channel = [each for each in reversed(found) if channel in {None, each["channelId"]}]
        return _json({"channelPayments": _page(of_channel, request.query_params, "limit")})

    def payment(self, request: Request, _: object) -> Response:
        return _one(self._provider.payments, request)

    def channel_payment(self, request: Request, _: object) -> Response:
        return _one(self._provider.channel_payments, request)

    @staticmethod
    def _of_merchant(payments: Mapping[str, Payment], asked: Mapping[str, str]) -> list[dict[str, Json]]:
        return [
            payment.data
            for payment in list(payments.values())
            if payment.data.get("merchantId") == asked.get("merchantId")
            and asked.get("status") in {None, payment.data["status"]}
            and _is_within(payment.since, asked)
        ]

    # --- Destinations ----------------------------------------------------------------------------
    def destinations(self, _: Request, __: object) -> Response:
        return _json({"destinations": [_shown(each) for each in list(self._provider.destinations.values())]})

    def register(self, _: Request, content: object) -> Response:
        match content:
            case {"url": str(url), "events": [_, *_] as events, "secret": str(secret)}:
                checked = _checked({"url": url, "events": events, "secret": secret})
            case _:
                raise _Refused(422, "VALIDATION_ERROR", "url, events and secret are wanted.")
        if any(each.url == url for each in self._provider.destinations.values()):
            raise _Refused(409, "CONFLICT", "This URL is registered.")
        assert isinstance(content, dict)
        description = str(content.get("description") or "")
        made = self._provider.register(url, checked["events"], description, checked["secret"])
        return _json(_shown(made), 201)

    def change(self, request: Request, content: object) -> Response:
        known = self._known(request)
        if not isinstance(content, dict) or not content.keys() <= {"url", "events", "secret", "description"}:
            raise _Refused(422, "VALIDATION_ERROR", "url, events, secret or description are wanted.")
        return _json(_shown(self._provider.change(known, **_checked(content))))

    def remove(self, request: Request, _: object) -> Response:
        self._provider.remove(self._known(request))
        return Response(status_code=204)

    def _known(self, request: Request) -> str:
        destination_id: str = request.path_params["id"]
        if destination_id not in self._provider.destinations:
            raise _Refused(404, "NOT_FOUND", "There is no such destination.")
        return destination_id


def _checked(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a destination is made of, as the provider keeps it."""
    checked = dict(content)
    if "url" in content and not _may_be_sent_to(content["url"]):
        raise _Refused(422, "VALIDATION_ERROR", "A URL begins with https, but on this machine.")
    if "events" in content:
        if not isinstance(content["events"], list) or not all(isinstance(each, str) for each in content["events"]):
            raise _Refused(422, "VALIDATION_ERROR", "events is a list of names or patterns.")
        checked["events"] = tuple(content["events"])
    if "secret" in content:
        checked["secret"] = str(content["secret"]).encode()
    return checked


def _may_be_sent_to(url: object) -> bool:
    return isinstance(url, str) and is_web_address(url) and (url.startswith("https:") or is_this_machine(url))


def _shown(destination: Destination) -> Json:
    return {
        "id": destination.id,
        "url": destination.url,
        "events": list(destination.events),
        "description": destination.description,
    }


def _one(payments: Mapping[str, Payment], request: Request) -> Response:
    known = payments.get(request.path_params["uuid"])
    if known is None:
        raise _Refused(404, "NOT_FOUND", "There is no such payment.")
    return _json(known.data)


def _is_within(stamp: str, asked: Mapping[str, str]) -> bool:
    at = parse_instant(stamp) or ""
    return _instant(asked.get("fromDate")) <= at <= (_instant(asked.get("toDate")) or "~")


def _instant(text: str | None) -> str:
    if text is None:
        return ""
    if (instant := parse_instant(text)) is None:
        raise _Refused(400, "VALIDATION_ERROR", "A date is no date.")
    return instant


def _page(found: Sequence[Json], asked: Mapping[str, str], size: str) -> list[Json]:
    try:
        offset, limit = int(asked.get("offset", 0)), int(asked.get(size, MAX_PAGE))
    except ValueError:
        offset = limit = -1
    if offset < 0 or limit < 1:
        raise _Refused(400, "VALIDATION_ERROR", f"offset and {size} are numbers.")
    return list(found[offset : offset + min(limit, MAX_PAGE)])


def _content(body: bytes) -> object:
    try:
        return exact_json.read(body) if body else None
    except ValueError:
        raise _Refused(400, "VALIDATION_ERROR", "The body is not JSON.") from None


def _target_uri(request: Request) -> str:
    """The address as it was asked for: nothing in it is spelled otherwise."""
    path, query = request.scope["raw_path"].decode("ascii", "replace"), request.scope["query_string"].decode("latin-1")
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}{path}{'?' * bool(query)}{query}"


def _headers(request: Request) -> dict[str, list[str]]:
    return {name: request.headers.getlist(name) for name in set(request.headers)}


def _json(content: Json, status: int = 200) -> Response:
    return Response(exact_json.write(content), status, media_type="application/json")


def _error(status: int, code: str, message: str) -> Response:
    return _json({"error": {"code": code, "message": message, "details": None}}, status)
