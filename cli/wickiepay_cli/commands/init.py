"""`wickiepay init`: begins the handler of a new event type, or a subscriber of the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from wickiepay_cli.checkout import new_handler, new_subscriber
from wickiepay_cli.checkout.new_handler import write
from wickiepay_cli.commands.options import AsJson, DryRun
from wickiepay_cli.output.tables import say, show_json
from wickiepay_cli.project import checkout

SUBSCRIBER: Final = "subscriber"


def init(
    event: Annotated[
        str,
        typer.Argument(
            metavar="EVENT|subscriber",
            help="The event type, as the provider names it (invoice.paid), or the word subscriber.",
        ),
    ],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="For a subscriber: the new folder, named as its stack.")
    ] = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write a first handler for a new event type into this checkout, or a subscriber into a folder of its own.

    A handler comes with a test and a sample, and keeps the resource's state. A subscriber is a SAM application that
    follows what the listener announces; it comes with its tests. All pass as they are. No file is ever overwritten.
    """
    if (name is None) == (event == SUBSCRIBER):
        raise typer.BadParameter("a subscriber needs a name, and a handler takes none.", param_hint="NAME")
    if name is None:
        project = checkout()
        files = new_handler.files_for(event, project)
    else:
        project = Path()
        files = new_subscriber.files_for(name, project)
    if not dry_run:
        write(files, project)
    if as_json:
        written = [{"path": path.as_posix(), "content": text} for path, text in files.items()]
        show_json({"event": event} | ({"name": name} if name else {}) | {"dry_run": dry_run, "files": written})
        return
    for path, text in files.items():
        say(f"--- {path.as_posix()}\n{text}" if dry_run else f"Written: {path.as_posix()}", lines=dry_run)
    if not dry_run:
        say("What to do next:")
        for number, step in enumerate(_of_handler(event, files) if name is None else _of_subscriber(name), 1):
            say(f"{number}. {step}")


def _of_handler(event: str, files: Mapping[Path, str]) -> list[str]:
    _, test, _ = files
    return [
        f"Run its test: .venv/bin/pytest {test.as_posix()}",
        f"Try it: make run, which takes edits at once, and in another terminal: wickiepay trigger {event}",
        f"After deploying, have earlier events processed: wickiepay events replay --state IGNORED --type {event}",
    ]


def _of_subscriber(name: str) -> list[str]:
    return [
        f"Run its tests: (cd {name}; pip install -r requirements-dev.txt; pytest)",
        f"Try it beside the local stack: wickiepay local deploy {name}; wickiepay trigger payment.completed",
        f"Deploy it beside the listener: {name}/README.md says how.",
    ]
