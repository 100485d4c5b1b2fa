"""What a TAB offers. It is quick, and silent if AWS cannot be asked: nobody waits at a TAB, or reads errors."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from threading import Thread
from typing import Final

import typer

from wickiepay import clock

SECONDS: Final = 2
NEWEST: Final = 30
"""Most events whose uuids are offered."""

PERIOD: Final = timedelta(days=7)


def of_words(*words: str) -> Callable[[str], list[str]]:
    """Offers words, also behind those that an option has already, with a comma between them."""

    def offered(incomplete: str) -> list[str]:
        before, comma, _ = incomplete.rpartition(",")
        return [f"{before}{comma}{word}" for word in words if word not in before.split(",")]

    return offered


def profiles() -> list[str]:
    from wickiepay_cli.stacks.stack import session_of  # noqa: PLC0415  importing it is slow

    return _quickly(lambda: session_of(None).available_profiles)


def stacks(context: typer.Context) -> list[str]:
    """The names of the deployed listeners, in the profile and region that are named already."""
    from wickiepay_cli.stacks.discovery import deployments  # noqa: PLC0415  as above
    from wickiepay_cli.stacks.stack import IN_A_HURRY, client_of, session_of  # noqa: PLC0415  as above

    def names() -> Iterable[str]:
        session = session_of(context.params.get("profile"), context.params.get("region"))
        return (each.name for each in deployments(client_of(session, "cloudformation", asking=IN_A_HURRY)))

    return _quickly(names)


def uuids(context: typer.Context) -> list[str]:
    """The uuids of the newest events of the stack that is named already, or of the local one."""
    from wickiepay_cli.stacks import stack  # noqa: PLC0415  as above
    from wickiepay_cli.store.event_records import AHEAD  # noqa: PLC0415  as above

    def newest() -> Iterable[str]:
        name, profile, region = (context.params.get(option) for option in ("stack_name", "profile", "region"))
        found = stack.find(name, profile, region, stack.IN_A_HURRY)
        now = clock.now()
        records = found.events(NEWEST).newest_first(now - PERIOD, now + AHEAD)
        return (record.uuid for record in islice(records, NEWEST))

    return _quickly(newest)


def _quickly(look: Callable[[], Iterable[str]]) -> list[str]:
    """What `look` finds in time, each once."""
    found: list[str] = []

    def try_to() -> None:
        with suppress(Exception):
            found.extend(look())

    thread = Thread(target=try_to, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return list(dict.fromkeys(found))
