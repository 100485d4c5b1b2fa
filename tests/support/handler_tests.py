"""Which event types the merchant has added, each with a test of its own, as `wickiepay init` writes it."""

from collections.abc import Iterable

from wickiepay_cli.checkout import new_handler
from wickiepay_cli.project import PROJECT


def with_own_test(events: Iterable[str]) -> set[str]:
    """The event types whose handler has a test of its own."""
    return {event for event in events if (PROJECT / new_handler.test_of(event)).exists()}
