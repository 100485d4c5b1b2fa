"""`wickiepay events`: the deliveries on record, and what became of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay.event_log import State
from wickiepay_cli import stack
from wickiepay_cli.display import say, show_facts, show_json, show_table, stream_json
from wickiepay_cli.options import AsJson, Profile, Region, StackName
from wickiepay_cli.records import Acceptance, EventRecords, Record, WholeRecord
from wickiepay_cli.stack import Stack

LIMIT_FOR_PEOPLE: Final = 50

events_app = typer.Typer(help="The deliveries on record, and what became of them.", no_args_is_help=True)


@events_app.command("list", epilog="Example: wickiepay events list --state FAILED --type 'payment.*'")
def list_events(  # noqa: PLR0913  options
    *,
    state: Annotated[State | None, typer.Option(case_sensitive=False, help="Only those in this state.")] = None,
    event_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only events of this type, or pattern: payment.*")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day (UTC).", show_default="the table's first"),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="So many at the most.", show_default=f"{LIMIT_FOR_PEOPLE}, with --json all"),
    ] = None,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List events, the newest first."""
    records = _records(stack.find(stack_name, profile, region))
    first = since.date() if since else records.first_day()
    # From tomorrow backwards, in case the clock here is behind the one that stamped the deliveries.
    everything = records.newest_first(first, clock.now().date() + timedelta(days=1))
    wanted = (record for record in everything if _matches(record, state, event_type))
    if as_json:
        stream_json(islice(wanted, limit))
    else:
        _show_list(islice(wanted, limit or LIMIT_FOR_PEOPLE))


@events_app.command(epilog="Example: wickiepay events show 9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --json")
def show(
    uuid: Annotated[str, typer.Argument(help="The uuid, as events list shows it.")],
    *,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show all events of a uuid in the order of their arrival, with body and effects."""
    records = _records(stack.find(stack_name, profile, region)).of_uuid(uuid)
    if as_json:
        show_json(records)
    elif records:
        for record in records:
            _show_whole(record)
    else:
        say(f"There is no event of the uuid {uuid}.")


def _records(found: Stack) -> EventRecords:
    return EventRecords(found.dynamodb(), found.output("EventTableName"))


def _matches(record: Record, state: State | None, event_type: str | None) -> bool:
    return state in {None, record.state} and (event_type is None or fnmatchcase(record.event or "", event_type))


def _show_list(records: Iterator[Record]) -> None:
    rows = [(_seconds(each.received_at), each.state, each.event, each.uuid, each.error) for each in records]
    if rows:
        show_table(("received at", "state", "event", "uuid", "error"), rows)
    else:
        say("There are no such events.")


def _show_whole(record: WholeRecord) -> None:
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
            *(("replayed", f"{each['at']} {each['by']} {each['why']}") for each in record.replays),
            *_acceptance(record.accepted),
        ]
    )
    say(f"\n{record.body}\n")


def _acceptance(accepted: Acceptance | None) -> list[tuple[str, str]]:
    if accepted is None:
        return []
    who = f"{accepted.at} {accepted.by} {accepted.why}"
    return [("accepted as", accepted.accepted_as), ("accepted", who)]


def _seconds(instant: str) -> str:
    return datetime.fromisoformat(instant).strftime("%Y-%m-%d %H:%M:%S")
