"""`wickiepay provider destinations`: where the provider sends events."""

from typing import Annotated

import typer

from wickiepay_api.entries import Destination
from wickiepay_cli.commands.options import AsJson, Yes, confirm_change, on_stack, several
from wickiepay_cli.errors import CommandError
from wickiepay_cli.operations.provider import api_of
from wickiepay_cli.output.tables import say, show_json, show_table
from wickiepay_cli.sending.samples import event_types
from wickiepay_cli.stacks.stack import Stack

Id = Annotated[str, typer.Argument(metavar="ID", help="The destination's id.")]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--events",
        **several(),
        metavar="PATTERN",
        help="The events to send, such as payment.*. Repeat the option or use commas for several.",
    ),
]
Description = Annotated[str | None, typer.Option(help="A note for people, shown in WickiePay's portal.")]


@on_stack
def list_destinations(found: Stack, *, as_json: AsJson = False) -> None:
    """List where WickiePay sends events. Exit code 1 if this stack is not among them."""
    with api_of(found) as api:
        known = api.destinations()
    ours = [each for each in known if _is_ours(each, found)]
    if as_json:
        show_json([{**_shown(each), "ours": each in ours} for each in known])
    else:
        show_table(
            ("id", "url", "events", "description", ""),
            (
                (each.id, each.url, ", ".join(each.events), each.description, "this stack" if each in ours else "")
                for each in known
            ),
        )
    if not ours:
        raise CommandError(
            f"{found.output('WebhookUrl')} is not among them: wickiepay provider destinations add registers it."
        )


@on_stack
def add(
    found: Stack,
    *,
    events: Events = None,
    description: Description = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Register this stack with WickiePay: its own address, and its signing secret. Asks first.

    Without --events, every event in WickiePay's documentation is sent.
    """
    url, wanted = found.output("WebhookUrl"), events or all_events()
    with api_of(found) as api:
        if there := next((each for each in api.destinations() if _is_ours(each, found)), None):
            raise CommandError(
                f"{url} is registered already: wickiepay provider destinations update {there.id} changes it."
            )
        confirm_change(
            found,
            f"have WickiePay send {', '.join(wanted)} to {url}, signed with the stack's current signing secret",
            yes=yes,
        )
        secret = found.signing_secret().decode()
        added = api.add_destination(url, wanted, description or f"The stack {found.name}", secret)
    if as_json:
        show_json(_shown(added))
    else:
        say(f"{url} is registered{f' as {added.id}' if added.id else ''}.")


@on_stack
def update(  # noqa: PLR0913  options
    found: Stack,
    destination_id: Id,
    *,
    events: Events = None,
    description: Description = None,
    own_url: Annotated[bool, typer.Option("--url", help="Send to this stack's own address from now on.")] = False,
    own_secret: Annotated[
        bool, typer.Option("--secret", help="Sign with this stack's current signing secret from now on.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Change a destination: its events, its note, or that it is this stack's address or secret."""
    url = found.output("WebhookUrl") if own_url else None
    changes = [
        *([f"send {', '.join(events)}"] if events else []),
        *([f"send to {url}"] if url else []),
        *(["sign with the stack's current signing secret"] if own_secret else []),
        *(["note another description"] if description is not None else []),
    ]
    if not changes:
        raise typer.BadParameter("give --events, --description, --url or --secret: nothing is to be changed.")
    with api_of(found) as api:
        what = f"have WickiePay change the destination {destination_id}: {', and '.join(changes)}"
        confirm_change(found, what, yes=yes)
        secret = found.signing_secret().decode() if own_secret else None
        api.update_destination(destination_id, url=url, events=events, description=description, secret=secret)
    _tell_of(destination_id, "changed", as_json=as_json)


@on_stack
def remove(found: Stack, destination_id: Id, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Have WickiePay send nothing more to a destination. Asks first."""
    with api_of(found) as api:
        confirm_change(found, f"have WickiePay send nothing more to the destination {destination_id}", yes=yes)
        api.remove_destination(destination_id)
    _tell_of(destination_id, "removed", as_json=as_json)


def all_events() -> list[str]:
    """Patterns for all events that the documentation knows: one for each first word of their names."""
    return sorted({f"{event_type.partition('.')[0]}.*" for event_type in event_types()})


def _tell_of(destination_id: str, what: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"id": destination_id, "done": what})
    else:
        say(f"The destination {destination_id} is {what}.")


def _is_ours(destination: Destination, found: Stack) -> bool:
    return (destination.url or "").rstrip("/") == found.output("WebhookUrl")


def _shown(destination: Destination) -> dict[str, object]:
    return {name: getattr(destination, name) for name in ("id", "url", "events", "description")}
