"""The handlers of the project's consumer, which turn events into effects on the books."""

import json
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from wickiepay.effects import SetResource
from wickiepay.event import parse
from wickiepay.routing import Handler, Settings, discover, router
from wickiepay_cli.errors import BrokenHandler
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.acceptances import HandlerOfStack

HANDLERS: Final = Path("functions/consumer/handlers")
"""The folder of the handlers in a checkout."""


def handlers_in(project: Path) -> Mapping[str, Handler]:
    """The handlers of the checkout `project`, by event type. Raises `BrokenHandler` if they cannot be imported."""
    if find_spec("handlers") is None:
        sys.path.append(str(project / HANDLERS.parent))
    try:
        import handlers  # noqa: PLC0415  the consumer's code, which few commands need

        discover(handlers)
    except Exception as error:  # whatever a module does as it is imported
        what = error.msg if isinstance(error, SyntaxError) else error
        raise BrokenHandler(
            f"The handlers cannot be imported: {type(error).__name__}: {what}",
            f"  {_place(error, project)}",
            "Mend that line, and give the same command again: until then the stack would process no event.",
        ) from error
    return router


def _place(error: Exception, project: Path) -> str:
    """The line at fault: of a syntax error, otherwise the last one in the handlers, or else the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(each.filename, each.lineno, each.line) for each in frames]
    ours = [line for line in lines if Path(line[0]).is_relative_to(project / HANDLERS)]
    if isinstance(error, SyntaxError) and error.filename:
        ours = [(error.filename, error.lineno, (error.text or "").strip())]
    file, number, text = (ours or lines)[-1]
    path = Path(file)
    return f"{path.relative_to(project) if path.is_relative_to(project) else path}:{number}: {text}"


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
