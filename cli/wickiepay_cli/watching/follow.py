"""Following a stack that somebody else runs: a deployed one, or the local one and those that come after it."""

import time
from collections.abc import Callable
from typing import Final

from wickiepay_cli.errors import EXPECTED
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import Stopped, state_folder
from wickiepay_cli.stacks.stack import Stack, Where

POLL_SECONDS: Final = 0.25

type Following = Callable[[Stack, Callable[[], None]], None]
"""Follows a stack until Ctrl-C; calls what it is given now and again, which raises where the stack has stopped."""


def follow_stack(
    where: Where,
    *,
    following: Following,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Has `following` follow the stack that is asked for.

    When the local one stops, `tell` says so, and the next one that runs there is followed.

    Raises `CommandError` where there is none to begin with.
    """
    if where:
        following(where.find(), lambda: None)
        return
    folder = state_folder()
    while True:
        check, found = local_stack.still_running(folder), where.find()
        try:
            following(found, check)
        except EXPECTED:  # and not Stopped alone: AWS goes with the stack, and who asks it may notice first
            if not _has_stopped(check):
                raise
        tell("The local stack has stopped: waiting for the next one, until Ctrl-C.")
        while local_stack.read(folder) is None:
            sleep(POLL_SECONDS)


def _has_stopped(check: Callable[[], None]) -> bool:
    try:
        check()
    except Stopped:
        return True
    return False
