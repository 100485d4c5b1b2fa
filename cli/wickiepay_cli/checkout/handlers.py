"""The handlers of the project's consumer, which turn events into effects on the books."""

import json
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from wickiepay.effects import SetResource
from wickiepay.event import parse
from wickiepay.routing import Handler, Settings, discover, router
from wickiepay_cli.checkout.trial import fault
from wickiepay_cli.errors import BrokenHandler
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.acceptances import HandlerOfStack

HANDLERS: Final = Path("functions/consumer/handlers")
"""The folder of the handlers in a checkout."""

_importing = threading.Lock()


def handlers_in(project: Path) -> Mapping[str, Handler]:
    """The handlers of the checkout `project`, by event type. Raises `BrokenHandler` if they cannot be imported."""
    with _importing:
        return _imported(project)


def forget_handlers() -> None:
    """Has them imported anew when they are next asked for, because their code was edited."""
    with _importing:
        for name in [name for name in sys.modules if name.partition(".")[0] == "handlers"]:
            del sys.modules[name]
        router.clear()


def _imported(project: Path) -> Mapping[str, Handler]:
    if find_spec("handlers") is None:
        sys.path.append(str(project / HANDLERS.parent))
    try:
        import handlers  # noqa: PLC0415  the consumer's code, which few commands need

        discover(handlers)
    except Exception as error:  # whatever a module does as it is imported
        what, place = fault(error, project)
        raise BrokenHandler(
            f"The handlers cannot be imported: {what}",
            place,
            "Mend that line, and give the same command again: until then the stack would process no event.",
        ) from error
    return dict(router)


ACCOUNT_FIELD: Final = "reference"
"""The template's default, for a stack of which only the URL is known."""


def handlers_of(found: Stack | None) -> Mapping[str, HandlerOfStack]:
    """The handlers of this checkout, with the settings that the stack's consumer gives them."""
    settings = Settings(account_field=found.parameter("AccountField") if found else ACCOUNT_FIELD)

    def configured(handler: Handler) -> HandlerOfStack:
        return lambda event: handler(event, settings)

    return {event: configured(handler) for event, handler in handlers_in(PROJECT).items()}


def resource_kinds(handlers: Mapping[str, HandlerOfStack]) -> list[str]:
    """The kinds of resources that the handlers set, found by running each on an almost empty event."""
    kinds: set[str] = set()
    for name, handler in handlers.items():
        with suppress(Exception):  # a handler may need more data in its event
            effects = handler(parse(json.dumps({"event": name, "data": {"uuid": "-"}}).encode()))
            kinds |= {effect.kind for effect in effects if isinstance(effect, SetResource)}
    return sorted(kinds)
