"""`wickiepay events show`: the life of a uuid as far as it is on record."""

from typing import Annotated

import typer

from wickiepay_cli import payload, stack
from wickiepay_cli.display import say, say_json, seconds, show_facts, show_json, show_table
from wickiepay_cli.options import AsJson, Profile, Region, StackName
from wickiepay_cli.records import EventRecords, WholeRecord


def show(  # noqa: PLR0913  options
    uuid: Annotated[str, typer.Argument(help="The uuid, as events list shows it.")],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Print the bodies as they were received.")] = False,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show what happened to a uuid, moment by moment; then each of its events, with body and effects.

    A delivery that only repeats an event is not on record; the log of ingest has it.
    """
    found = stack.find(stack_name, profile, region)
    records = EventRecords(found.dynamodb(), found.output("EventTableName")).of_uuid(uuid)
    if as_json:
        show_json(records)
    elif records:
        show_table(("at", "event", "what happened"), timeline(records))
        for record in records:
            _show_whole(record, raw=raw)
    else:
        say(f"There is no event of the uuid {uuid}.")


def timeline(records: list[WholeRecord]) -> list[tuple[str, str, str]]:
    """When, to which event, and what: all that is on record of these, in the order in which it happened."""
    moments = [moment for record in records for moment in _moments(record)]
    return [(seconds(at), name, what) for at, name, what in sorted(moments, key=lambda moment: moment[0])]


def _moments(record: WholeRecord) -> list[tuple[str, str, str]]:
    name = record.event_key
    moments = [(record.received_at, name, f"received, signed under the scheme {record.scheme}")]
    moments += [
        (each["at"], name, " ".join(filter(None, ("replayed by", each["by"], each["why"])))) for each in record.replays
    ]
    if record.processed_at:
        became = [record.state, record.error, *(" ".join(filter(None, each.values())) for each in record.effects)]
        moments.append((record.processed_at, name, "; ".join(filter(None, became))))
    else:
        moments.append((record.received_at, name, record.error or f"{record.state} since then"))
    if record.accepted:
        accepted = record.accepted
        moments.append((accepted.at, name, f"accepted as {accepted.accepted_as} by {accepted.by} {accepted.why}"))
    return moments


def _show_whole(record: WholeRecord, *, raw: bool) -> None:
    show_facts(
        [
            ("event", record.event),
            ("event key", record.event_key),
            ("uuid", record.uuid),
            ("state", record.state),
            ("error", record.error),
            ("received at", record.received_at),
            ("processed at", record.processed_at),
            ("scheme", record.scheme),
            ("body sha256", record.body_sha256),
            *(("effect", " ".join(filter(None, effect.values()))) for effect in record.effects),
        ]
    )
    say("")
    if raw:
        say(record.body)
    else:
        _show_body(record.body)
    say("")


def _show_body(body: str) -> None:
    """Line by line, every number as it is spelled; what is no JSON as it is."""
    try:
        laid_out = payload.write(payload.read(body))
    except ValueError:
        say(body)
    else:
        say_json(laid_out)
