"""`wickiepay events show`: the life of a uuid as far as it is on record."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from wickiepay.event_record import Decision, State
from wickiepay_cli.commands import completions
from wickiepay_cli.commands.events.list import standing
from wickiepay_cli.commands.options import AsJson, on_stack
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import milliseconds, say, say_json, show_facts, show_json, show_table
from wickiepay_cli.sending import exact_json
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.duplicate_deliveries import DuplicateDelivery, duplicate_deliveries
from wickiepay_cli.store.event_records import WholeRecord, trouble_of
from wickiepay_cli.store.replays import TRIGGERED


@on_stack
def show(
    found: Stack,
    uuid: Annotated[str, typer.Argument(help="The uuid, as events list shows it.", autocompletion=completions.uuids)],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Print the bodies as they were received.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what happened to a uuid, moment by moment; then each of its events, with body and effects.

    A delivery that only repeats an event is not on record: the log of ingest has it, which is read as well, but for
    --json. Exit code 1 where nothing is on record.
    """
    records = found.events().of_uuid(uuid)
    if as_json:
        show_json(records)
    if not records:
        raise CommandError(f"There is no event of the uuid {uuid}.")
    if not as_json:
        again = duplicate_deliveries(
            found.client, found.outputs.get("IngestLogGroup"), records[0].uuid, records[0].received_at
        )
        announces = found.parameters.get("Announcements", "on") == "on"
        show_table(("at (UTC)", "event", "what happened"), timeline(records, again or [], announces=announces))
        if again is None:
            where = found.asked.options
            look = f": wickiepay open logs ingest{where}" if where else ", which cannot be read here."
            say(f"Deliveries that only repeat an event are in the log of ingest alone{look}\n", lines=True)
        for record in records:
            _show_whole(record, raw=raw)


def timeline(
    records: Sequence[WholeRecord], again: Sequence[DuplicateDelivery], *, announces: bool
) -> list[tuple[str, str, str]]:
    """When, to which event, and what: all that is known of these, in the order in which it happened."""
    moments = [moment for record in records for moment in _moments(record, announces=announces)]
    moments += [(each.at, each.event_key, "delivered again: answered, and nothing done twice") for each in again]
    return [(milliseconds(at), name, what) for at, name, what in sorted(moments, key=lambda moment: moment[0])]


def _moments(record: WholeRecord, *, announces: bool) -> list[tuple[str, str, str]]:
    """Of what the verdict alone bears the instant, in the order in which the consumer works: announce before mark."""
    name = record.event_key
    moments = [(record.received_at, name, f"received, signed under the scheme {record.scheme}")]
    moments += [(each["at"], name, _replayed(each)) for each in record.replays]
    if decision := record.accepted or record.dismissed:
        moments.append((decision.at, name, _decided(decision)))
    if record.processed_at:
        happened = [f"effect: {_in_words(effect, record.uuid)}" for effect in record.effects]
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
    announced = "to be announced again" if replay.get("announce") else "to be announced only if it was not yet"
    return f"{said}; {announced}"


def _decided(decision: Decision) -> str:
    what = f"accepted as {decision.accepted_as}" if decision.accepted_as else "dismissed"
    return " ".join(filter(None, (what, "by", decision.by, decision.why)))


def _in_words(effect: Mapping[str, Any], known: str | None = None) -> str:
    words = [value for value in effect.values() if isinstance(value, str) and value != known]
    return " ".join([*words, "superseded"] if effect.get("superseded") else words)


def _show_whole(record: WholeRecord, *, raw: bool) -> None:
    show_facts(
        [
            ("event", record.event),
            ("event key", record.event_key),
            ("uuid", record.uuid),
            ("state", standing(record)),
            ("error", record.error),
            ("tries", str(record.tries) if record.tries else None),
            ("last error", record.last_error),
            ("next try at", record.next_try_at),
            ("happened at", record.occurred_at),
            ("event id", record.event_id),
            ("received at", record.received_at),
            ("processed at", record.processed_at),
            ("scheme", record.scheme),
            ("body sha256", record.body_sha256),
            (
                "kept of",
                f"{record.received.bytes} bytes, of SHA-256 {record.received.sha256}" if record.received else None,
            ),
            ("stands at", record.place),
            *(("effect", _in_words(effect)) for effect in record.effects),
        ]
    )
    say("")
    if raw:
        say(record.body, lines=True)
    else:
        _show_body(record.body)
    say("")


def _show_body(body: str) -> None:
    """Line by line, every number as it is spelled; what is no JSON as it is."""
    try:
        laid_out = exact_json.write(exact_json.read(body))
    except ValueError:
        say(body, lines=True)
    else:
        say_json(laid_out)
