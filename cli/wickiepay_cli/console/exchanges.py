"""The exchanges that are kept, as JSON for `wickiepay requests`."""

import base64
import hashlib
from dataclasses import asdict
from typing import Any

from wickiepay_cli.console.bodies import headers_of
from wickiepay_cli.console.deliveries import standing
from wickiepay_cli.console.delivery import kept_of, verdict_on
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.errors import CommandError
from wickiepay_cli.watching.exchanges import Kept


def listed(desk: Desk) -> dict[str, Any]:
    """The newest first, and how many had to make room."""
    if desk.exchanges is None:
        return {"gone": 0, "requests": []}
    return {"gone": desk.exchanges.gone, "requests": [_brief(desk, each) for each in desk.exchanges.newest_first()]}


def kept(desk: Desk, number: int) -> Kept:
    """The exchange of a number. Raises `CommandError` if it is not kept."""
    found = kept_of(desk, number)
    if found is None:
        raise CommandError(f"There is no request {number}, or it is not kept any more.")
    return found


def whole(desk: Desk, number: int) -> dict[str, Any]:
    found = kept(desk, number)
    exchange = found.exchange
    return {
        **_brief(desk, found),
        "request_headers": headers_of(exchange.request_headers),
        "request_body": exchange.request_body.decode(errors="replace"),
        "request_body_base64": base64.b64encode(exchange.request_body).decode(),
        "body_sha256": hashlib.sha256(exchange.request_body).hexdigest(),
        "response_headers": headers_of(exchange.response_headers),
        "response_body": exchange.response_body.decode(errors="replace"),
    }


def verdict(desk: Desk, number: int) -> dict[str, Any]:
    return asdict(verdict_on(desk.stack, kept(desk, number).exchange))


def _brief(desk: Desk, found: Kept) -> dict[str, Any]:
    exchange, arrival = found.exchange, desk.feed.get(found.number)
    return {
        "number": found.number,
        "at": found.at,
        "method": exchange.method,
        "target": exchange.target.decode("latin-1"),
        "bytes": len(exchange.request_body),
        "status": exchange.status,
        "milliseconds": round(exchange.seconds * 1000),
        "event": arrival.event if arrival else None,
        "uuid": arrival.uuid if arrival else None,
        "standing": standing(arrival) if arrival else None,
    }
