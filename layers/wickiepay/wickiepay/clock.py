"""Instants as text: UTC, microseconds, fixed width, so that text order is time order."""

from datetime import UTC, datetime

ABSENT = "0000-00-00T00:00:00.000000Z"
"""Stands for an instant that the sender did not give; sorts before every real one."""


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def instant(moment: datetime) -> str:
    """`moment`, which has an offset, as `2026-01-15T10:25:00.000000Z`. Raises OverflowError outside years 1 to 9999."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: object) -> str | None:
    """An ISO 8601 time as `instant` writes it, or None for anything else. A time without an offset is read as UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
