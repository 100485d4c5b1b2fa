"""`wickiepay init`: begins the handler of a new event type."""

from typing import Annotated

import typer

from wickiepay_cli.display import say, show_json
from wickiepay_cli.local.stack_file import checkout
from wickiepay_cli.new_handler import files_for, write
from wickiepay_cli.options import AsJson, DryRun


def init(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The type, as the provider names it: invoice.paid")],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write a first handler for a new event type, with a test and a sample, into this checkout.

    Both pass as they are: the handler keeps the state of what the event is about. Nothing is ever overwritten.
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
        say(f"2. Try it: make run (again, if it runs already), and in another terminal: wickiepay trigger {event}")
        say(f"3. After deploying, have those processed that came before: events replay --state IGNORED --type {event}")
