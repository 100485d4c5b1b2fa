"""What the pages of one console are about."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wickiepay_cli.errors import CommandError
from wickiepay_cli.operations.consent import What, would
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.watching.exchanges import Exchanges
from wickiepay_cli.watching.feed import Feed


class NotAgreed(Exception):
    """A change was asked for, and the person has yet to agree to what it would do."""


@dataclass(slots=True)
class Desk:
    """A stack, and its deliveries as they come. Of a deployed one there are no `exchanges`.

    `prepared` says what of the template was prepared for the emulator. `may_change` is what a person has said by typing
    the name of a deployed stack.
    """

    stack: Stack
    feed: Feed
    exchanges: Exchanges | None = None
    prepared: Sequence[str] = ()
    may_change: bool = False

    def __post_init__(self) -> None:
        self.stack = _with_kept_clients(self.stack)
        self.may_change = self.stack.deployed is None

    def unlock(self, name: str) -> None:
        """Lets changes be made from now on. Raises `CommandError` unless `name` is the stack's."""
        if name != self.stack.deployed:
            raise CommandError("That is not the stack's name: nothing can be changed.")
        self.may_change = True

    def consent(self, why: str, agreed_to: str | None) -> "Consent":
        """What is asked before a change, for the reason `why`, after a person has agreed to a sentence, or to none yet.

        Raises `CommandError` if nothing may be changed, or if there is no reason and the stack is deployed.
        """
        if not self.may_change:
            raise CommandError("Looking is free. To change something, type the stack's name on the page Stack first.")
        if self.stack.deployed and not why.strip():
            raise CommandError("On a deployed stack every change wants a reason, which is kept on the record.")
        return Consent(self.stack, agreed_to)


@dataclass(frozen=True, slots=True)
class Consent:
    """Asks before a change, as `wickiepay_cli.operations.consent.Confirm`: raises `NotAgreed` with what is to be asked.

    A person agrees to the very sentence: if the change would do something else by then, it asks again.
    """

    stack: Stack
    agreed_to: str | None

    def __call__(self, what: What) -> None:
        told = would(self.stack, what)
        if told is not None and told.split() != (self.agreed_to or "").split():  # a form changes how lines end
            raise NotAgreed(told)


@dataclass(slots=True)
class _Clients:
    """Makes each client once. Clients may be shared by threads; making them at the same time may not."""

    make: Callable[[str], Any]
    made: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, service: str) -> Any:  # noqa: ANN401  typed by its callers
        with self.lock:
            if service not in self.made:
                self.made[service] = self.make(service)
            return self.made[service]


def _with_kept_clients(stack: Stack) -> Stack:
    return replace(stack, client=_Clients(stack.client))
