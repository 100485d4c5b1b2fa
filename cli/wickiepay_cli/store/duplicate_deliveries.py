"""Deliveries that only repeated an event. The tables do not have them; ingest's log has a line for each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.clock import instant
from wickiepay_cli.errors import CommandError

PAGES: Final = 20
"""Most log pages to read: CloudWatch returns empty ones while it searches, and a person waits."""


@dataclass(frozen=True, slots=True)
class DuplicateDelivery:
    """A delivery that came `at` an instant and repeated the event with `event_key`."""

    event_key: str
    at: str


def duplicate_deliveries(
    client: Callable[[str], Any], log_group: str | None, uuid: str, since: str
) -> list[DuplicateDelivery] | None:
    """The repetitions of a uuid that ingest logged `since`; None if its log is unknown, unreadable or too long."""
    if log_group is None:
        return None
    try:
        logs: Any = client("logs")
        pages = iter(
            logs.get_paginator("filter_log_events").paginate(
                logGroupName=log_group,
                filterPattern=json.dumps(uuid),
                startTime=int(datetime.fromisoformat(since).timestamp() * 1000),
            )
        )
        lines = [(each["timestamp"], each["message"]) for page in islice(pages, PAGES) for each in page["events"]]
        whole = next(pages, None) is None
    except (CommandError, BotoCoreError, ClientError):
        return None
    return [each for at, line in lines if (each := _duplicate(at, line, uuid))] if whole else None


def _duplicate(at: int, line: str, uuid: str) -> DuplicateDelivery | None:
    """The delivery in a log line, if it repeated an event of this uuid, otherwise None."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    match said:
        case {"message": "delivery duplicate", "uuid": named, "event_key": str(event_key)} if named == uuid:
            return DuplicateDelivery(event_key, instant(datetime.fromtimestamp(at / 1000, UTC)))
    return None
