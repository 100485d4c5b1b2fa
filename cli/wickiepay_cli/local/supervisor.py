"""Running a stack again whenever its emulator has ended, so that whoever listens need not begin again."""

from collections.abc import Callable
from typing import Final, NoReturn

from wickiepay_cli.errors import EXPECTED, CommandError, sentence
from wickiepay_cli.local.emulator import EmulatorEnded

FAILURES: Final = 3
"""So many in a row end it: whatever is wrong will not mend itself."""

STEADY_SECONDS: Final = 60
"""A stack that ran for so long, its start included, did not fail to start: its end counts as the first failure."""


def supervise(run: Callable[[], None], tell: Callable[[str], None], clock: Callable[[], float]) -> NoReturn:
    """Has `run` run a stack until it raises; where the emulator ended, tells of it and runs another one.

    Raises what the first start raises, since whoever gave the command is there to mend it, and `CommandError` in the
    end.
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
