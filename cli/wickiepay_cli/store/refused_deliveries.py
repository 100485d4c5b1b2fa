"""Deliveries that a deployed listener refused. No table has them; ingest's log has a line for each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from wickiepay.clock import instant
from wickiepay_cli.errors import CommandError

PATTERN: Final = "{ $.status >= 400 }"
"""What the saved query "Why were deliveries not accepted" looks for."""

MOST: Final = 200
PAGES: Final = 50
"""Most log pages that are read: CloudWatch returns empty ones while it searches, and a person waits."""


@dataclass(frozen=True, slots=True)
class RefusedDelivery:
    """A delivery that was not accepted, as ingest has logged it. What is None was not known when it was refused."""

    at: str
    status: int
    reason: str | None
    source: str | None
    request_id: str | None
    bytes: int | None
    body_sha256: str | None


def refused_deliveries(
    client: Callable[[str], Any], log_group: str | None, since: datetime, until: datetime
) -> list[RefusedDelivery]:
    """The deliveries that were refused in that time, the newest first. If there are more than `MOST`, the earliest.

    `client` makes a client of an AWS service. Raises `CommandError` if the stack names no log, and botocore's errors if
    it cannot be read.
    """
    if log_group is None:
        raise CommandError("The stack does not name the log of ingest, so refused deliveries are not known here.")
    logs: Any = client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=log_group,
        filterPattern=PATTERN,
        startTime=int(since.timestamp() * 1000),
        endTime=int(until.timestamp() * 1000),
    )
    lines = (each for page in islice(pages, PAGES) for each in page["events"])
    found = (refused for each in lines if (refused := _refused(each["timestamp"], each["message"])))
    return [*islice(found, MOST)][::-1]


def _refused(at: int, line: str) -> RefusedDelivery | None:
    """The delivery in a log line, if there is one that was refused."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    match said:
        case {"message": str(message), "status": int(status)} if message.startswith("delivery ") and status >= 400:
            return RefusedDelivery(
                instant(datetime.fromtimestamp(at / 1000, UTC)),
                status,
                reason=_of(said, "reason", str),
                source=_of(said, "source", str),
                request_id=_of(said, "request_id", str),
                bytes=_of(said, "bytes", int),
                body_sha256=_of(said, "body_sha256", str),
            )
    return None


def _of[T](said: dict[str, Any], name: str, kind: type[T]) -> T | None:
    value = said.get(name)
    return value if isinstance(value, kind) else None
