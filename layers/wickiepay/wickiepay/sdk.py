"""AWS's SDK, brought up as a function that starts cold wants it: what the first delivery does not need is not done.

To be imported before anything of botocore's, which is then imported already.
"""

import gc
import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session

SERVICE_IDS: Final = frozenset({"codedeploy", "dynamodb", "eventbridge", "lambda", "secrets-manager", "sqs"})
"""The services that the functions ask, as botocore's events name them."""


@contextmanager
def _replaced(module: ModuleType, name: str, other: object) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, other)
    try:
        yield
    finally:
        setattr(module, name, before)


_compile = re.compile


class LazyPattern:
    """A regular expression that is compiled when it is first used. The SDK has many, and uses few."""

    def __init__(self, pattern: Any, flags: Any = 0) -> None:  # noqa: ANN401  re's own business
        self._arguments = pattern, flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  what a pattern has
        attribute = getattr(_compile(*self._arguments), name)
        setattr(self, name, attribute)
        return attribute


@contextmanager
def _frugally() -> Iterator[None]:
    """Around what makes things to stay: no pattern is compiled, and no garbage looked for among them, then or later."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with _replaced(re, "compile", LazyPattern):
            yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


with _frugally():
    from botocore import credentials, handlers, httpsession, session


def client(service: str, config: "Config") -> Any:  # noqa: ANN401  typed by its callers
    """A client of `service`, made by the one session that there is."""
    with _frugally(), _replaced(httpsession, "create_urllib3_context", _trust):
        return the_session().create_client(service, config=config)


@cache
def the_session() -> "Session":
    """The one by which all clients are made: with what of botocore's handlers and keys a function can need."""
    made = session.Session(include_builtin_handlers=False)
    emitter = made.get_component("event_emitter")
    ways = {handlers.REGISTER_FIRST: emitter.register_first, handlers.REGISTER_LAST: emitter.register_last}
    for event, handler, *way in handlers.BUILTIN_HANDLERS:
        if concerns_us(event):
            register = ways[way[0]] if way else emitter.register
            register(event, handler)
    if "AWS_ACCESS_KEY_ID" in os.environ:
        # A function has its role's keys there. Started from a snapshot it has to ask for them, as the session knows.
        keys = credentials.CredentialResolver([credentials.EnvProvider()])
        made.register_component("credential_provider", keys)
    return made


def concerns_us(event: str) -> bool:
    """Whether a handler of botocore's for `event` can ever be called here: most are about other services."""
    what, _, about = event.partition(".")
    return what != "docs" and about.partition(".")[0] in {"", "*", *SERVICE_IDS}


# --- Whom to trust -------------------------------------------------------------------------------


class _ReadOnce(ssl.SSLContext):
    """Reads a file of certificate authorities once; urllib3 has it read again for each connection."""

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:  # noqa: ANN401  ssl's
        read: set[Any] = self.__dict__.setdefault("_read", set())
        if (cafile, capath, cadata) not in read:
            super().load_verify_locations(cafile, capath, cadata)
            read.add((cafile, capath, cadata))


_create_context = httpsession.create_urllib3_context


@cache
def _trust() -> ssl.SSLContext:
    """What all clients make their connections with. It is botocore's own, which is alike for each."""
    with _replaced(httpsession, "SSLContext", _ReadOnce):
        context: ssl.SSLContext = _create_context()
    return context
