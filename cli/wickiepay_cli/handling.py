"""The project's handlers, as the consumer has them: what each event does to the books."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from wickiepay.effects import Effect, SetResource
from wickiepay.event import WebhookEvent, parse
from wickiepay.routing import Handler, Settings, discover, router
from wickiepay_cli.failure import Failure
from wickiepay_cli.local.stack_file import PROJECT
from wickiepay_cli.stack import Stack

HANDLERS: Final = Path("functions/consumer/handlers")
"""Where they are in a checkout."""

type HandlerOfStack = Callable[[WebhookEvent], Sequence[Effect]]
"""A handler that has the settings of a stack."""


def handlers_in(project: Path) -> Mapping[str, Handler]:
    """The handlers of the checkout `project`, by event type. Raises `Failure` where they cannot be imported."""
    if find_spec("handlers") is None:
        sys.path.append(str(project / HANDLERS.parent))
    try:
        import handlers  # noqa: PLC0415  the consumer's code, which few commands need

        discover(handlers)
    except (ImportError, SyntaxError) as error:
        raise Failure(f"The handlers that are there cannot be imported: {error}") from error
    return router


def handlers_of(found: Stack) -> Mapping[str, HandlerOfStack]:
    """The handlers of our own checkout, with the settings that the consumer of a stack gives them."""
    settings = Settings(account_field=found.parameter("AccountField"))

    def configured(handler: Handler) -> HandlerOfStack:
        return lambda event: handler(event, settings)

    return {event: configured(handler) for event, handler in handlers_in(PROJECT).items()}


def resource_kinds(handlers: Mapping[str, HandlerOfStack]) -> list[str]:
    """The kinds of resources that the handlers set, as they show on an event that says next to nothing."""
    kinds: set[str] = set()
    for name, handler in handlers.items():
        with suppress(Exception):  # a handler may want more of its event
            effects = handler(parse(json.dumps({"event": name, "data": {"uuid": "-"}}).encode()))
            kinds |= {effect.kind for effect in effects if isinstance(effect, SetResource)}
    return sorted(kinds)
