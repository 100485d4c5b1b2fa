"""The life of a uuid as far as it is on record, moment by moment."""

from collections.abc import Mapping, Sequence
from typing import Any

from wickiepay.event_record import Decision, State
from wickiepay_cli.store.duplicate_deliveries import DuplicateDelivery
from wickiepay_cli.store.event_records import WholeRecord, trouble_of
from wickiepay_cli.store.replays import TRIGGERED


def timeline(
    records: Sequence[WholeRecord], again: Sequence[DuplicateDelivery], *, announces: bool
) -> list[tuple[str, str, str]]:
    """When, to which event, and what: all that is known of these, in the order in which it happened."""
    moments = [moment for record in records for moment in _moments(record, announces=announces)]
    moments += [(each.at, each.event_key, "delivered again: answered, and nothing done twice") for each in again]
    return sorted(moments, key=lambda moment: moment[0])


def _moments(record: WholeRecord, *, announces: bool) -> list[tuple[str, str, str]]:
    """Of what the verdict alone bears the instant, in the order in which the consumer works: announce before mark."""
    name = record.event_key
    moments = [(record.received_at, name, f"received, signed under the scheme {record.scheme}")]
    moments += [(each["at"], name, _replayed(each)) for each in record.replays]
    if decision := record.accepted or record.dismissed:
        moments.append((decision.at, name, _decided(decision)))
    if record.processed_at:
        happened = [f"effect: {effect_in_words(effect, record.uuid)}" for effect in record.effects]
        if announces and record.state in {State.PROCESSED, State.IGNORED}:
            happened.append("announced on the event bus")
        happened.append("; ".join(filter(None, (record.state, record.error))))
        moments += [(record.processed_at, name, what) for what in happened]
    else:
        moments.append((record.received_at, name, trouble_of(record) or f"{record.state} since then"))
    return moments


def _replayed(replay: Mapping[str, Any]) -> str:
    if replay["why"].startswith(TRIGGERED):
        return f"{replay['why']}, by {replay['by']}"
    said = " ".join(filter(None, ("replayed by", replay["by"], replay["why"])))
    announced = "to be announced again" if replay.get("announce") else "to be announced only if not announced yet"
    return f"{said}; {announced}"


def _decided(decision: Decision) -> str:
    what = f"accepted as {decision.accepted_as}" if decision.accepted_as else "dismissed"
    return " ".join(filter(None, (what, "by", decision.by, decision.why)))


def effect_in_words(effect: Mapping[str, Any], known: str | None = None) -> str:
    """What an effect has done, without the uuid that is `known` anyhow."""
    words = [value for value in effect.values() if isinstance(value, str) and value != known]
    return " ".join([*words, "superseded"] if effect.get("superseded") else words)
