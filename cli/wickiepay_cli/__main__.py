"""Where the command begins: it takes care of what can go wrong around it, before the rest of it is there."""

import gc
import os
import sys
from io import TextIOWrapper

from wickiepay_cli.interrupts import INTERRUPTED, leave_at_once, starting


def main() -> None:
    """Runs the command on the streams and signals as they are found."""
    gc.set_threshold(100_000)  # imports make as many objects, which stay: nothing is gained by looking at them
    with starting():
        _make_streams_usable()
        from wickiepay_cli.app import main as run  # noqa: PLC0415  it takes its time
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        leave_at_once()  # the interpreter's end takes a moment as well,
        gc.freeze()  # and less of one without a last collection


def _make_streams_usable() -> None:
    """Has what cannot be written in a terminal's encoding replaced; without standard output, nothing is done."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123  as long as the program
    if sys.stdout is None:
        print("Standard output is closed.", file=sys.stderr)  # noqa: T201  nothing else is there yet
        sys.exit(1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


if __name__ == "__main__":
    main()
