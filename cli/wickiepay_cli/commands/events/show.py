"""`wickiepay events show`: the life of a uuid as far as it is on record."""

from typing import Annotated

import typer

from wickiepay_cli.commands import completions
from wickiepay_cli.commands.options import AsJson, on_stack
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import milliseconds, say, say_json, show_facts, show_json, show_table
from wickiepay_cli.sending import exact_json
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.duplicate_deliveries import duplicate_deliveries
from wickiepay_cli.store.event_records import WholeRecord, standing
from wickiepay_cli.store.timeline import effect_in_words, timeline


@on_stack
def show(
    found: Stack,
    uuid: Annotated[str, typer.Argument(help="The uuid, as shown by events list.", autocompletion=completions.uuids)],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Print the bodies as they were received.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the history of a uuid, then each of its events with body and effects.

    Duplicate deliveries are not on record. They are read from the log of ingest, except with --json. Exit code 1 if
    nothing is on record.
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
        life = timeline(records, again or [], announces=announces)
        show_table(("at (UTC)", "event", "what happened"), ((milliseconds(at), *what) for at, *what in life))
        if again is None:
            where = found.asked.options
            look = f": wickiepay open logs ingest{where}" if where else ", which cannot be read here."
            say(f"Duplicate deliveries are only in the log of ingest{look}\n", lines=True)
        for record in records:
            _show_whole(record, raw=raw)


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
                f"{record.received.bytes} bytes, SHA-256 {record.received.sha256}" if record.received else None,
            ),
            ("stands at", record.place),
            *(("effect", effect_in_words(effect)) for effect in record.effects),
        ]
    )
    say("")
    if raw:
        say(record.body, lines=True)
    else:
        _show_body(record.body)
    say("")


def _show_body(body: str) -> None:
    """Prints JSON indented, with every number as it is spelled, and anything else as it is."""
    try:
        laid_out = exact_json.write(exact_json.read(body))
    except ValueError:
        say(body, lines=True)
    else:
        say_json(laid_out)
