"""The sample payloads in `events/payloads`, one for each event type, and those that were saved in this checkout."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final

from wickiepay.clock import instant
from wickiepay.event import parse
from wickiepay_cli.errors import CommandError
from wickiepay_cli.project import PAYLOADS, SAVED, checkout
from wickiepay_cli.sending.exact_json import Json

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
"""In lower case, since there are file systems in which case makes no difference."""


def event_types() -> list[str]:
    """The event types that have a sample."""
    return _names(PAYLOADS)


def names() -> list[str]:
    """The names of all samples: the event types, then those that were saved."""
    return [*event_types(), *_names(SAVED)]


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.json"))


def sample(name: str) -> bytes:
    """The sample of that name, unchanged from its file. Raises `CommandError` if there is none."""
    if name not in (known := names()):
        raise CommandError(f"There is no sample of {name}. There are: {', '.join(known)}.")
    return ((PAYLOADS if name in event_types() else SAVED) / f"{name}.json").read_bytes()


def save(name: str, body: bytes) -> Path:
    """Saves an event as a sample of this checkout, byte by byte, and returns its path there.

    Raises `CommandError` if it cannot have that name, and `UnusableBody` if it is no event.
    """
    project = checkout()
    if not _NAME.fullmatch(name):
        raise CommandError(
            f'"{name}" is no name for a sample: letters in lower case, digits, dots, hyphens and underscores are.'
        )
    if name in names():
        raise CommandError(f"There is a sample {name} already, and it stays as it is: choose another name.")
    parse(body)
    SAVED.mkdir(exist_ok=True)
    path = SAVED / f"{name}.json"
    with path.open("xb") as file:
        file.write(body)
    return path.relative_to(project)


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
