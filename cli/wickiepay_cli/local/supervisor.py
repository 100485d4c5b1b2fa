"""Restarts a stack whenever its emulator has ended, so that its user need not."""

from collections.abc import Callable
from typing import Final, NoReturn

from wickiepay_cli.errors import EXPECTED, CommandError, sentence
from wickiepay_cli.local.emulator import EmulatorEnded

FAILURES: Final = 3
"""Failures in a row after which it gives up, because the cause will not go away by itself."""

STEADY_SECONDS: Final = 60
"""A stack that ran this long, including its start, started well: its end counts as the first failure again."""


def supervise(run: Callable[[], None], tell: Callable[[str], None], clock: Callable[[], float]) -> NoReturn:
    """Lets `run` run a stack until it raises. If the emulator ended, reports that and runs another stack.

    Raises what the first start raises, since the user is there to fix it, and `CommandError` when it gives up.
    """
    failures = 0
    while True:
        began = clock()
        try:
            run()
        except EXPECTED as error:
            ended = isinstance(error, EmulatorEnded)
            if not ended and not failures:
                raise
            failures = 1 if ended and clock() - began >= STEADY_SECONDS else failures + 1
            if failures == FAILURES:
                raise CommandError(f"{sentence(error)} That was the third time in a row.") from error
            tell(f"{sentence(error)} A new stack is started in its place; nothing of the old one is kept.")
