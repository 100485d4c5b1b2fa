"""Follows a stack that another process runs: a deployed one, or the local one and its successors."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from wickiepay_cli.errors import EXPECTED
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import Stopped, state_folder
from wickiepay_cli.stacks.stack import Stack, Where

POLL_SECONDS: Final = 0.25

type Following = Callable[[Stack, Callable[[], None]], None]
"""Follows a stack until Ctrl-C. From time to time it calls its argument, which raises if the stack has stopped."""


def follow_stack(
    where: Where,
    *,
    following: Following,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Lets `following` follow the stack that is asked for and, when the local one stops, the next one that runs there.

    `tell` reports such a stop. Raises `CommandError` if there is none at the beginning.
    """
    if where:
        following(where.find(), lambda: None)
        return
    folder = state_folder()
    while True:
        check, found = local_stack.still_running(folder), where.find()
        try:
            following(found, check)
        except EXPECTED:  # not only Stopped: the emulator goes with the stack, so its callers may notice first
            with suppress(Stopped):
                check()
                raise
        tell("The local stack has stopped: waiting for the next one, until Ctrl-C.")
        while local_stack.read(folder) is None:
            sleep(POLL_SECONDS)
