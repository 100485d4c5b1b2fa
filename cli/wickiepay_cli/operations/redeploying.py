"""Gives the local stack the code of this checkout whenever it is edited. What is in the stack stays there."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wickiepay_cli.checkout.handlers import forget_handlers
from wickiepay_cli.checkout.trial import FUNCTIONS, LAYERS, tried
from wickiepay_cli.errors import EXPECTED, fact
from wickiepay_cli.local.run import Running
from wickiepay_cli.project import CHECKOUT, PROJECT
from wickiepay_cli.stacks.emulator_access import REGION

LEAVE_SECONDS: Final = 5
"""How long to wait at the end for an update in progress. It ends with the emulator in any case."""


@contextmanager
def redeploying(running: Running, tell: Callable[[str], None]) -> Iterator[None]:
    """Follows edits of the functions and their layer, in a thread, until the block ends. `tell` is told of each.

    Code that cannot be imported is not deployed. Without a checkout there is nothing to edit.
    """
    if not CHECKOUT:
        yield
        return
    leave = threading.Event()
    thread = threading.Thread(target=_follow, args=(running, tell, leave), name="redeploy", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leave.set()
        thread.join(LEAVE_SECONDS)


def _follow(running: Running, tell: Callable[[str], None], leave: threading.Event) -> None:
    from watchfiles import PythonFilter, watch  # noqa: PLC0415  most commands follow nothing

    for changes in watch(PROJECT / FUNCTIONS, PROJECT / LAYERS, watch_filter=PythonFilter(), stop_event=leave):
        files = sorted({Path(path).relative_to(PROJECT).as_posix() for _, path in changes})
        try:
            for line in _redeployed(running, files[0] if len(files) == 1 else f"{len(files)} files"):
                tell(line)
        except (*EXPECTED, OSError) as error:
            tell(f"The old code goes on: {fact(error)}")


def _redeployed(running: Running, what: str) -> list[str]:
    """Redeploys after `what` was edited, if it can be imported. Returns the lines that say how that went."""
    # Imported here because `wickiepay_cli.local.run` does so as well.
    from wickiepay_cli.local.deploy import redeploy  # noqa: PLC0415
    from wickiepay_cli.local.packages import LAYER, layer_package  # noqa: PLC0415

    began = time.monotonic()
    with ThreadPoolExecutor(1) as meanwhile:
        meanwhile.submit(layer_package, LAYER)  # it is kept for `redeploy`, and fails there if it fails here
        broken = tried(PROJECT, *_deployed(running))
    if broken:
        wrong, place = broken
        return [f"The code cannot be imported: {wrong}", place, "The old code goes on until that line is mended."]
    stack = running.stack
    functions = redeploy(PROJECT, running.emulator.access, stack.stack_name, stack.webhook_url, stack.parameters)
    forget_handlers()
    if not functions:
        return [f"{what}: the code is what runs already."]
    return [f"{what}: runs after {time.monotonic() - began:.1f} s, in {', '.join(functions)}."]


def _deployed(running: Running) -> tuple[list[str], Mapping[str, str]]:
    """The modules of the functions of this checkout that are in the emulator, and all their environment variables."""
    modules, variables = [], {"AWS_DEFAULT_REGION": REGION}
    for function in running.stack.client("lambda").list_functions()["Functions"]:
        module = function["Handler"].partition(".")[0]
        if (PROJECT / FUNCTIONS / module).is_dir():
            modules.append(module)
            variables |= function["Environment"]["Variables"]
    return modules, variables
