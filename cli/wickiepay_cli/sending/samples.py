"""The sample payloads in `events/payloads`, one for each event type."""

from datetime import datetime

from wickiepay.clock import instant
from wickiepay_cli.errors import CommandError
from wickiepay_cli.project import PAYLOADS
from wickiepay_cli.sending.exact_json import Json


def event_types() -> list[str]:
    """The event types that have a sample."""
    return sorted(path.stem for path in PAYLOADS.glob("*.json"))


def sample(event_type: str) -> bytes:
    """The sample payload of a type, unchanged from its file. Raises `CommandError` if there is none."""
    if event_type not in event_types():
        raise CommandError(f"There is no sample of {event_type}. There are: {', '.join(event_types())}.")
    return (PAYLOADS / f"{event_type}.json").read_bytes()


def refresh(envelope: Json, uuid: str, now: datetime) -> None:
    """Makes `envelope` a new event: with the time `now`, and with `uuid` in place of its identifier, if it has one."""
    if isinstance(envelope, dict):
        envelope["timestamp"] = instant(now)
        data = envelope.get("data")
        if isinstance(data, dict) and not data.keys().isdisjoint({"uuid", "id"}):
            identify(envelope, uuid)


def identify(envelope: Json, uuid: str) -> None:
    """Sets `data.id` if it has only that, otherwise `data.uuid`. Raises `CommandError` if there is no `data`."""
    data = data_of(envelope)
    data["id" if "id" in data and "uuid" not in data else "uuid"] = uuid


def data_of(envelope: Json) -> dict[str, Json]:
    """The `data` of a payload. Raises `CommandError` if there is none."""
    if isinstance(envelope, dict) and isinstance(data := envelope.get("data"), dict):
        return data
    raise CommandError('The payload has no "data", which this needs.')
