"""The sample payloads: one of each event type, in `events/payloads`."""

from datetime import datetime

from wickiepay.clock import instant
from wickiepay_cli.errors import CommandError
from wickiepay_cli.project import PAYLOADS
from wickiepay_cli.sending.exact_json import Json


def event_types() -> list[str]:
    """The event types that there is a sample of."""
    return sorted(path.stem for path in PAYLOADS.glob("*.json"))


def sample(event_type: str) -> bytes:
    """The sample payload of a type, as its file has it. Raises `CommandError` where there is none."""
    if event_type not in event_types():
        raise CommandError(f"There is no sample of {event_type}. There are: {', '.join(event_types())}.")
    return (PAYLOADS / f"{event_type}.json").read_bytes()


def refresh(envelope: Json, uuid: str, now: datetime) -> None:
    """Makes `envelope` an event of its own: of `now`, and with `uuid` in place of its identifier, where it has one."""
    if isinstance(envelope, dict):
        envelope["timestamp"] = instant(now)
        data = envelope.get("data")
        if isinstance(data, dict) and not data.keys().isdisjoint({"uuid", "id"}):
            identify(envelope, uuid)


def identify(envelope: Json, uuid: str) -> None:
    """Puts `uuid` where `envelope` has its identifier: `data.id` where it has that alone, else `data.uuid`.

    Raises `CommandError` where there is no `data`.
    """
    data = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(data, dict):
        raise CommandError('The payload has no "data" to put a uuid into.')
    data["id" if "id" in data and "uuid" not in data else "uuid"] = uuid
