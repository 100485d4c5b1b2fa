"""The command's entry point. It sets up streams and signals before the rest of the command is imported."""

import gc
import os
import sys
from io import TextIOWrapper

from wickiepay_cli.interrupts import INTERRUPTED, leave_at_once, starting


def main() -> None:
    """Runs the command, whatever state its streams and signals are in."""
    gc.set_threshold(100_000)  # imports make about as many objects, and all of them stay
    with starting():
        _make_streams_usable()
        from wickiepay_cli.app import main as run  # noqa: PLC0415  it takes its time
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        leave_at_once()  # the interpreter takes a moment to end,
        gc.freeze()  # and a shorter one without a last collection


def _make_streams_usable() -> None:
    """Replaces characters that the terminal's encoding lacks. Without standard output, ends the program."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123  open as long as the program runs
    if sys.stdout is None:
        print("Standard output is closed.", file=sys.stderr)  # noqa: T201  nothing else is there yet
        sys.exit(1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


if __name__ == "__main__":
    main()
