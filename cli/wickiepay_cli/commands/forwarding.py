"""What is to be forwarded to the merchant's application, as the options of `wickiepay listen` say it."""

import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import typer

from wickiepay_cli.commands.options import confirm_change
from wickiepay_cli.errors import CommandError
from wickiepay_cli.operations.forwarding import Application, Form, forwarding
from wickiepay_cli.sending.client import is_web_address
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.watching.announced import WHAT_IS_MADE
from wickiepay_cli.watching.feed import Feed

FORWARD_SECRET_VARIABLE: Final = "WICKIEPAY_FORWARD_SECRET"

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, 5.6.2: a token."""

_OF_THE_BODY: Final = frozenset({"content-length", "transfer-encoding"})
"""Headers that say how long the body is: with another length, nothing could be sent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be forwarded, as the options say it."""

    url: str | None
    form: Form = Form.ANNOUNCEMENT
    types: Sequence[str] | None = None
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    verify: bool = True
    latest: int | None = None
    since: datetime | None = None
    use_stack_secret: bool = False
    yes: bool = False
    secret: str = field(default_factory=lambda: os.environ.get(FORWARD_SECRET_VARIABLE) or _new_secret(), repr=False)

    def __post_init__(self) -> None:
        """Raises `typer.BadParameter` for an address that is none, or for options that mean nothing without it."""
        if self.url is not None and not is_web_address(self.url):
            raise typer.BadParameter(
                f'"{self.url}" is not an address (http://127.0.0.1:8000/…).', param_hint="--forward-to"
            )
        of_forwarding = (self.types, self.headers, self.latest, self.since, self.use_stack_secret, not self.verify)
        if self.url is None and any(of_forwarding):
            raise typer.BadParameter("it only says what to forward: name an address with --forward-to.")

    @contextmanager
    def forwarding(self, stack: Stack, feed: Feed, tell: Callable[[str], None]) -> Iterator[None]:
        """Forwards the events of a stack until the block ends, if that is wanted."""
        if self.url is None:
            yield
            return
        if self.url == stack.output("WebhookUrl"):
            raise CommandError("That is the stack's own address: --forward-to takes that of your application.")
        if self.use_stack_secret:
            confirm_change(stack, f"sign what goes to {self.url} with its own signing secret", yes=self.yes)
            secret = stack.signing_secret()
        else:
            secret = self.secret.encode()
        if self.form is Form.ANNOUNCEMENT:
            confirm_change(stack, WHAT_IS_MADE, yes=self.yes)
        application = Application(
            self.url, secret, self.form, self.types, self.headers, self.verify, self.latest, self.since
        )
        with forwarding(stack, application, feed, tell):
            tell(f"Forwarding {self.form}s to {self.url}")
            if not self.use_stack_secret and not os.environ.get(FORWARD_SECRET_VARIABLE):
                tell(f"Signing secret of what is forwarded: {self.secret}")
            yield


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(24)}"


def headers_in(given: Sequence[str] | None) -> list[tuple[str, str]]:
    """The names and values of headers. Raises `typer.BadParameter` for what is no header."""
    headers = []
    for each in given or ():
        name, colon, value = each.partition(":")
        if not (colon and _HEADER_NAME.fullmatch(name) and value.isprintable() and value.isascii()):
            raise typer.BadParameter('it has the form "Name: value", in ASCII.', param_hint="--header")
        if name.lower() in _OF_THE_BODY:
            raise typer.BadParameter(f"{name} follows from the body that is sent.", param_hint="--header")
        headers.append((name, value.strip()))
    return headers
