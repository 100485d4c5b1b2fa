"""What a stack announces from now on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from botocore.exceptions import ClientError

from wickiepay import clock
from wickiepay.outages import error_code
from wickiepay_cli.errors import fact
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.announcements import ANNOUNCED, Announced, of_events
from wickiepay_cli.watching.poll import Newcomers, with_outcomes
from wickiepay_cli.watching.subscription import subscribed

WHAT_IS_MADE: Final = "make a temporary queue and rule on its event bus, which are removed at the end"
"""What a subscription changes, to be asked about before."""

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

type News = Callable[[], list[Announced]]
"""Returns what was announced since the last call; nothing, perhaps after a moment, if there was nothing."""


@contextmanager
def announced(stack: Stack, tell: Callable[[str], None]) -> Iterator[News]:
    """What is announced until the block ends: by a subscription or, where this identity may make none, by the records.

    Raises botocore's errors, other than a refusal.
    """
    with ExitStack() as opened:
        try:
            news: News = opened.enter_context(subscribed(stack))
        except ClientError as error:
            if error_code(error) not in _DENIED:
                raise
            tell(f"{fact(error)} The event table is followed instead; it shows no replays and no adjustments.")
            news = _by_records(stack)
        yield news


def _by_records(stack: Stack) -> News:
    """The announcements of events that come from now on, made again from their records once they have an outcome."""
    records = stack.events()
    news = with_outcomes(Newcomers(records, records.of, clock.now), records)
    return lambda: [
        *of_events(records, (each.identity for each in news() if each.state in ANNOUNCED), stack.account, stack.region)
    ]
