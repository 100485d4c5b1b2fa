"""The registry of handlers by event type, and the settings that handlers get."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NamedTuple

from wickiepay.effects import Effect
from wickiepay.errors import RegistrationError
from wickiepay.event import WebhookEvent


class Settings(NamedTuple):
    """What handlers need of the parameters: `account_field` of an event's data names the account to credit."""

    account_field: str


type Handler = Callable[[WebhookEvent, Settings], Sequence[Effect]]
"""Turns an event into its effects on the books, without calls to the outside. May raise `PermanentFailure`."""


class Router(dict[str, Handler]):
    """Event type → handler."""

    def on(self, *names: str) -> Callable[[Handler], Handler]:
        """Registers a handler for `names`. Raises `RegistrationError` for none, an empty or an already handled one."""
        if not names or not all(names):
            raise RegistrationError("A handler must be registered for at least one event type.")

        def register(handler: Handler) -> Handler:
            for name in names:
                if name in self:
                    raise RegistrationError(f"{name} has a handler already, in {self[name].__module__}.")
                self[name] = handler
            return handler

        return register


router = Router()
"""The application's router."""

on = router.on


def discover(package: ModuleType) -> None:
    """Imports every module of `package`, so that the handlers in them register themselves."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
