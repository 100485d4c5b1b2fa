"""Imports the functions of a checkout as Lambda does, in a process of its own, so that edits are seen afresh.

It is that process's program too, so it imports nothing of ours: what is tried may be broken anywhere.
"""

import importlib
import subprocess
import sys
import traceback
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

FUNCTIONS: Final = Path("functions")
"""The folder of the functions in a checkout. Each is a folder, with a module of the same name."""

LAYERS: Final = Path("layers")
"""The folder of the packages that they share. Each layer is a folder in it."""

REGISTRY: Final = LAYERS / "wickiepay/wickiepay/routing.py"

SECONDS: Final = 30


def tried(project: Path, functions: Collection[str], environment: Mapping[str, str]) -> list[str]:
    """Imports these functions of the checkout `project` with these variables.

    Returns what is wrong and where, in two lines, or nothing if they can be imported.
    """
    command: list[str | Path] = [sys.executable, "-I", "-B", __file__, project, *functions]
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"importing them takes more than {SECONDS} seconds", "  Handlers are not to do anything when imported."]
    if done.returncode:
        return done.stdout.splitlines() or [f"the process ended with code {done.returncode}", "  It says no more."]
    return []


def fault(error: Exception, project: Path) -> tuple[str, str]:
    """What is wrong with code that could not be imported, and the line at fault.

    The line is that of a syntax error, otherwise the last one in the functions or their layer, or else the last of all.
    """
    what = error.msg if isinstance(error, SyntaxError) else error
    lines = [(Path(each.filename), each.lineno, each.line) for each in traceback.extract_tb(error.__traceback__)]
    ours = [line for line in lines if _is_ours(line[0], project)]
    if isinstance(error, SyntaxError) and error.filename:
        ours = [(Path(error.filename), error.lineno, (error.text or "").strip())]
    path, number, text = (ours or lines)[-1]
    shown = path.relative_to(project) if path.is_relative_to(project) else path
    return f"{type(error).__name__}: {what}", f"  {shown}:{number}: {text}"


def _is_ours(path: Path, project: Path) -> bool:
    """Whether the fault may be in that file. What the registry of handlers refuses is the fault of its caller."""
    return path != project / REGISTRY and any(path.is_relative_to(project / folder) for folder in (FUNCTIONS, LAYERS))


def _import_all(project: Path, functions: Sequence[str]) -> int:
    """The exit code; what is wrong goes to standard output."""
    folders = [*(project / LAYERS).iterdir(), *(project / FUNCTIONS / name for name in functions)]
    sys.path[:0] = map(str, folders)
    output, sys.stdout = sys.stdout, sys.stderr  # a module may print as it is imported
    try:
        for name in functions:
            importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  whatever a module does as it is imported
        print(*fault(error, project), sep="\n", file=output)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_import_all(Path(sys.argv[1]), sys.argv[2:]))
