"""Guards the emulator: it is open to callers with a key of this run, and to the proxy by an address of its own.

Without this, any web page and any local user could create and invoke functions: the emulator accepts `test` and every
number of twelve digits as its own key, and some of its paths need none, so a made-up key would be enough there.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from ministack.core.iam_evaluator import ResolvedCredential, is_root_access_key, resolve_credential
from ministack.core.responses import _account_from_sts_session
from ministack.core.router import extract_access_key_id
from ministack.core.sigv4 import (
    HeaderSignature,
    decode_header_value,
    header_signature_failure,
    parse_header_signature,
    request_time_failure,
)

from wickiepay_cli.stacks.emulator_access import Access

if TYPE_CHECKING:
    from hypercorn.typing import (
        ASGIFramework,
        ASGIReceiveCallable,
        ASGIReceiveEvent,
        ASGISendCallable,
        HTTPScope,
        Scope,
    )

ITS_OWN: Final = ("/_ministack", "/_localstack")
"""Prefixes of the emulator's own administrative paths, which need no key. Nothing here uses them."""

OF_BROWSERS: Final = frozenset({"origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"})
"""Headers that a web page cannot leave out, and that no other program sends."""


def guarded(app: "ASGIFramework", access: Access) -> "ASGIFramework":
    """Wraps the emulator `app` so that only authorised callers reach it. `access` has the run's own key."""
    root = urlsplit(access.api_root).path

    async def guard(scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": None})
        elif scope["raw_path"].startswith(f"{root}/".encode()):
            inner = scope["path"].removeprefix(root), scope["raw_path"].removeprefix(root.encode())
            await app({**scope, "path": inner[0], "raw_path": inner[1]}, receive, send)
        elif secret := _secret_of(_acceptable_key(scope), access):
            events = await _whole(receive)
            body = b"".join(event["body"] for event in events if event["type"] == "http.request")
            if _is_signed(scope, body, secret):
                await app(scope, _replayed(events, receive), send)
            else:
                await _refuse(send)
        else:
            await _refuse(send)

    return guard


def _acceptable_key(scope: "HTTPScope") -> str:
    """The key that a request names in its headers; empty if the request comes from a browser or is malformed."""
    headers, query = _headers(scope), _query(scope)
    if (
        headers.keys() & OF_BROWSERS
        or not _leads_here(headers.get("host", ""))
        or scope["path"].startswith(ITS_OWN)
        or extract_access_key_id({}, query)  # a presigned URL
    ):
        return ""
    key: str = extract_access_key_id(headers, query)  # as the emulator itself reads it
    return key


def _secret_of(key: str, access: Access) -> str | None:
    """The secret of the run's own key or, as the emulator has it, of a role; None for any other key."""
    if key == access.access_key_id:
        return access.secret_access_key
    if is_root_access_key(key):  # "test" and the like, or no key
        return None
    known = resolve_credential(key, _account_from_sts_session(key))
    return known.secret_access_key if isinstance(known, ResolvedCredential) else None


def _leads_here(host: str) -> bool:
    """Whether a Host header can only mean this machine. Another name may have been pointed here (DNS rebinding)."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False


def _is_signed(scope: "HTTPScope", body: bytes, secret: str) -> bool:
    """Whether a request is signed with `secret`, in its headers."""
    headers = _headers(scope)
    signature = parse_header_signature(headers)
    return (
        isinstance(signature, HeaderSignature)
        and request_time_failure(signature) is None
        and header_signature_failure(
            signature,
            secret,
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            _query(scope),
            headers,
            body,
        )
        is None
    )


def _headers(scope: "HTTPScope") -> Mapping[str, str]:
    """Headers in the form in which they are signed: repeated ones are joined by a comma."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), decode_header_value(value)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _query(scope: "HTTPScope") -> Mapping[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


async def _whole(receive: "ASGIReceiveCallable") -> list["ASGIReceiveEvent"]:
    """All events of a request, up to the end of its body or of its connection."""
    events = [await receive()]
    while events[-1]["type"] == "http.request" and events[-1]["more_body"]:
        events.append(await receive())
    return events


def _replayed(events: list["ASGIReceiveEvent"], receive: "ASGIReceiveCallable") -> "ASGIReceiveCallable":
    """Hands out `events` again, then the events still to come."""
    left = iter(events)

    async def again() -> "ASGIReceiveEvent":
        return next(left, None) or await receive()

    return again


async def _refuse(send: "ASGISendCallable") -> None:
    content = b'{"__type":"AccessDenied","message":"This emulator takes the keys of its own run alone."}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
