"""An announcement of the listener, as its schema describes it (docs/examples/announcement.schema.json, version 1)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Key = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Instant = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
"""UTC to the microsecond. The order of the texts is the order in time."""

type Value = dict[str, Value] | list[Value] | str | bool | None
"""Anything but a number: the listener announces every number as text, so that no float changes an amount."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)  # errors are logged


class Effect(_Read):
    """What the event did to the books. Its further fields depend on `effect`; all are text or null."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str | None]

    effect: Literal["set_payment", "set_resource", "credit"]
    superseded: Literal[True] | None = None


class Announcement(_Read):
    """Whatever has another `version` is refused, and ends in the dead-letter queue."""

    version: Literal["1"]
    uuid: Key
    event_key: Key
    record_key: Key
    revision: Instant | None
    event: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    occurred_at: Instant | None
    received_at: Instant
    replay_id: str | None
    outcome: Literal["PROCESSED", "IGNORED"]
    effects: tuple[Effect, ...]
    data_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    data: dict[str, Value] = Field(default_factory=dict)
    """Empty if the listener left it out, since the whole would have exceeded 200 KiB."""


class _BusEvent(_Read):
    detail: Announcement


def announced(body: str) -> Announcement:
    """The announcement in a queue message's body. Raises `pydantic.ValidationError` for anything else."""
    return _BusEvent.model_validate_json(body).detail
