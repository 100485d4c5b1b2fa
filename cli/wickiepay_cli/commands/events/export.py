"""`wickiepay events export`: whole events, for other programs and for spreadsheets."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from wickiepay import clock
from wickiepay.clock import instant
from wickiepay_cli.commands.options import (
    AsJson,
    Containing,
    InStates,
    OfTypes,
    OfUuid,
    Reference,
    Since,
    Until,
    at_stack,
    refuse_backwards,
)
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import show_json, tell, write
from wickiepay_cli.stacks.stack import Where
from wickiepay_cli.store import export_file
from wickiepay_cli.store.event_records import WholeRecord
from wickiepay_cli.store.export_file import Format, Place
from wickiepay_cli.store.filters import Filter


@at_stack
def export(  # noqa: PLR0913  options
    where: Where,
    *,
    form: Annotated[Format, typer.Option("--format", help="A line of JSON for each event, or CSV.")] = "jsonl",
    output: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where to write it.", show_default="standard output")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --output where it was cut off; all else as it was.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite --output where it is there already.")] = False,
    states: InStates = None,
    types: OfTypes = None,
    since: Since = None,
    until: Until = None,
    uuid: OfUuid = None,
    reference: Reference = None,
    text: Containing = None,
    as_json: AsJson = False,
) -> None:
    """Write whole events, body and all, the newest first, as they are read; --json says at the end how many they were.

    A run that ends early (Ctrl-C) leaves FILE.resume beside its --output, and --resume goes on from there.

    You alone can read both files. In CSV, a cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    if output is None and (resume or as_json):
        raise typer.BadParameter("--resume and --json go with --output.")
    refuse_backwards(since, until)
    found = where.find()
    records = found.events()
    now = clock.now()
    asked = {
        "table": found.output("EventTableName"),
        "format": form,
        "state": states,
        "type": types,
        "uuid": uuid,
        "reference": reference,
        "text": text,
    }
    if output and not (resume or force):
        export_file.refuse_to_overwrite(output)
    if output and resume:
        place = export_file.read_place(output, asked)
    else:
        place = Place(asked, instant(since) if since else None, instant(until or now))
    begin = datetime.fromisoformat(place.since) if place.since else None

    def wanted(last: datetime) -> Iterator[WholeRecord]:
        return Filter(states, types, begin, last, uuid, reference, text).whole_among(records, now)

    if output is None:
        write(export_file.heading(form))
        for record in wanted(datetime.fromisoformat(place.until)):
            write(export_file.line(record, form))
        return
    try:
        with progress("Exporting", None) as advance:
            events = export_file.write(output, place, wanted, form, advance)
    except KeyboardInterrupt:
        tell(f"{output} is not whole: the same command with --resume goes on with it.")
        raise typer.Exit(130) from None
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
    if as_json:
        show_json({"output": str(output), "events": events})
    else:
        tell(f"{events:,} event{'' if events == 1 else 's'} in {output}.")
