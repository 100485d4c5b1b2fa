"""The project's handlers, as the consumer has them: what each event does to the books."""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from wickiepay.effects import SetResource
from wickiepay.event import parse
from wickiepay.routing import Handler, discover, router
from wickiepay_cli.failure import Failure
from wickiepay_cli.local.stack_file import PROJECT
from wickiepay_cli.stack import Stack

HANDLERS: Final = Path("functions/consumer/handlers")
"""Where they are in a checkout."""


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


def handlers_of(found: Stack) -> Mapping[str, Handler]:
    """The handlers of our own checkout, with the parameters of a stack."""
    os.environ["ACCOUNT_FIELD"] = found.parameters.get("AccountField", "reference")
    return handlers_in(PROJECT)


def resource_kinds(handlers: Mapping[str, Handler]) -> list[str]:
    """The kinds of resources that the handlers set, as they show on an event that says next to nothing."""
    kinds: set[str] = set()
    for name, handler in handlers.items():
        with suppress(Exception):  # a handler may want more of its event
            effects = handler(parse(json.dumps({"event": name, "data": {"uuid": "-"}}).encode()))
            kinds |= {effect.kind for effect in effects if isinstance(effect, SetResource)}
    return sorted(kinds)
