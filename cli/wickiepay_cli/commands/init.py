"""`wickiepay init`: begins the handler of a new event type."""

from typing import Annotated

import typer

from wickiepay_cli.checkout.new_handler import files_for, write
from wickiepay_cli.commands.options import AsJson, DryRun
from wickiepay_cli.output.tables import say, show_json
from wickiepay_cli.project import checkout


def init(
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="The event type, as the provider names it: invoice.paid")
    ],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write a first handler for a new event type, with a test and a sample, into this checkout.

    The test and the sample pass as they are: the handler keeps the resource's state. No file is ever overwritten.
    """
    project = checkout()
    files = files_for(event, project)
    if not dry_run:
        write(files, project)
    if as_json:
        written = [{"path": path.as_posix(), "content": text} for path, text in files.items()]
        show_json({"event": event, "dry_run": dry_run, "files": written})
        return
    for path, text in files.items():
        say(f"--- {path.as_posix()}\n{text}" if dry_run else f"Written: {path.as_posix()}", lines=dry_run)
    if not dry_run:
        _, test, _ = files
        say("What to do next:")
        say(f"1. Run its test: .venv/bin/pytest {test.as_posix()}")
        say(f"2. Try it: make run, which takes edits at once, and in another terminal: wickiepay trigger {event}")
        say(
            f"3. After deploying, have earlier events processed: wickiepay events replay --state IGNORED --type {event}"
        )
