"""Before a deployed stack is changed, somebody is told what that would do, and has to agree."""

from collections.abc import Callable

from wickiepay_cli.stacks.stack import Stack

type What = str | Callable[[], str | None]
"""What a change would do, as in "credit 1 EUR to customer-7", or what says it; None for nothing to ask about."""

type Confirm = Callable[[What], None]
"""Asks before a change. Returns if it may be made, and raises otherwise."""


def would(stack: Stack, what: What) -> str | None:
    """The sentence that a person has to agree to, or None if nobody has to be asked, as on the local stack."""
    return None if stack.deployed is None else would_at(f"On {stack.deployed}", what)


def would_at(where: str, what: What) -> str | None:
    """The same sentence about the place `where`, as in "On prod"."""
    does = what if isinstance(what, str) else what()
    return None if does is None else f"{where} this would {does}."
