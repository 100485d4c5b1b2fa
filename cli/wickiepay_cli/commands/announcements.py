"""`wickiepay announcements`: what the stack announced on its event bus, and what a rule would pick of it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from wickiepay import clock
from wickiepay_cli.commands import completions
from wickiepay_cli.commands.options import (
    LIMIT_FOR_PEOPLE,
    AsJson,
    Limit,
    OfTypes,
    Since,
    Until,
    Yes,
    at_stack,
    confirm_change,
    on_stack,
    refuse_backwards,
    tell_of_more,
)
from wickiepay_cli.errors import CommandError
from wickiepay_cli.interrupts import until_told
from wickiepay_cli.output.tables import say, say_json, seconds, show_json, show_table, stream_json, tell
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.announcements import ANNOUNCED, Announced, of_events
from wickiepay_cli.store.filters import Filter, is_of_type
from wickiepay_cli.watching.announced import WHAT_IS_MADE, announced
from wickiepay_cli.watching.follow import follow_stack
from wickiepay_cli.watching.poll import arriving

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient


@on_stack
def list_announcements(  # noqa: PLR0913  options
    found: Stack,
    *,
    types: OfTypes = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List what was announced, newest first; with --json, each with its body.

    It is made again from the records, so replays and adjustments are missing, and the time is that of the outcome.
    """
    refuse_backwards(since, until)
    wanted = _newest(found, Filter(states=ANNOUNCED, types=types, since=since, until=until), limit)
    if as_json:
        stream_json(islice(wanted, limit))
        return
    shown = [*islice(wanted, limit or LIMIT_FOR_PEOPLE)]
    if shown:
        _show(shown)
    else:
        say("Nothing was announced.")
    tell_of_more(wanted, limit or LIMIT_FOR_PEOPLE)


@on_stack
def show(
    found: Stack,
    uuid: Annotated[str, typer.Argument(help="The uuid, as shown by events list.", autocompletion=completions.uuids)],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what was announced about a uuid, the oldest first, as subscribers got it. Exit code 1 if nothing was."""
    records = found.events()
    identities = [each.identity for each in records.of_uuid(uuid) if each.state in ANNOUNCED]
    about = [*of_events(records, identities, found.account, found.region)] if _announces(found) else []
    if as_json:
        show_json(about)
    if not about:
        raise CommandError(f"Nothing was announced about the uuid {uuid}.")
    for each in () if as_json else about:
        say_json(json.dumps(each.body, indent=2, ensure_ascii=False))


@at_stack
def tail(
    where: Where,
    *,
    types: OfTypes = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON with the body for each announcement.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Show what is announced from now on, until Ctrl-C.

    It comes from a temporary queue and rule on the stack's bus, which are removed at the end. Where you may not make
    these, it is read from the event table.
    """

    def following(found: Stack, check: Callable[[], None]) -> None:
        _refuse_silence(found)
        confirm_change(found, WHAT_IS_MADE, yes=yes)
        with announced(found, tell) as news:
            tell(f"Listening to the event bus of the stack {found.name}")
            for each in arriving(news, check, time.sleep, tell):
                if is_of_type(each.event, types):
                    _show_line(each, as_json=as_json)

    with until_told(), suppress(KeyboardInterrupt):
        follow_stack(where, following=following, tell=tell)


@on_stack
def match(
    found: Stack,
    pattern: Annotated[
        typer.FileText,
        typer.Option("--pattern", help="A file with the event pattern of a rule; - for standard input."),
    ],
    *,
    latest: Annotated[int, typer.Option(min=1, metavar="N", help="Try it on the latest N announcements.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Say which of the latest announcements a rule with this event pattern would match. Exit code 1 if none.

    EventBridge itself is asked about each; nothing is made or sent.
    """
    _refuse_silence(found)
    text = pattern.read()
    tried = [*islice(_newest(found, Filter(states=ANNOUNCED), latest), latest)]
    matches = partial(_matches, found.client("events"), text)
    matching = [each for each in tried if matches(each)]
    if as_json:
        show_json(matching)
    else:
        if matching:
            _show(matching)
        say(f"The pattern matches {len(matching)} of the latest {len(tried)} announcements.")
    if not matching:
        raise typer.Exit(1)


def _matches(client: "EventBridgeClient", pattern: str, announcement: Announced) -> bool:
    return client.test_event_pattern(EventPattern=pattern, Event=json.dumps(announcement.body))["Result"]


def _newest(found: Stack, wanted: Filter, limit: int | None) -> Iterator[Announced]:
    """What was announced, newest first, read lazily."""
    records = found.events(limit + 1 if limit else None)
    if not _announces(found):
        return iter(())
    identities = (each.identity for each in wanted.among(records, clock.now()))
    return of_events(records, identities, found.account, found.region)


def _announces(found: Stack) -> bool:
    return found.parameters.get("Announcements", "on") == "on"


def _refuse_silence(found: Stack) -> None:
    if not _announces(found):
        raise CommandError("This stack announces nothing, by its parameter Announcements.")


def _show(some: list[Announced]) -> None:
    show_table(
        ("time", "event", "uuid", "record key", "outcome"),
        ((seconds(each.at), each.event, each.uuid, each.record_key, each.outcome) for each in some),
    )


def _show_line(each: Announced, *, as_json: bool) -> None:
    if as_json:
        show_json(each, indent=None)
    else:
        say("  ".join(filter(None, (seconds(each.at), each.event, each.uuid, each.record_key, each.outcome))))
