"""The layer as it is deployed, with the bytecode that Lambda would otherwise compile at every cold start."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from wickiepay_build.packages import packages
from wickiepay_build.sdk_data import pruned

STAND_INS: Final = Path(__file__).parent / "stand_ins"
"""Modules that replace a package's own modules. Each says why, and what it saves."""


def make_layer(folder: Path, site: Path, into: Path) -> None:
    """Puts the package `wickiepay`, and the packages of requirements.txt from `site`, into `python/` below `into`.

    Other people's code is reduced to its bytecode, which halves its size, without docstrings and assertions (as with
    `python -OO`). Raises `importlib.metadata.PackageNotFoundError` if a package is missing.
    """
    python = into / "python"
    for source, name in packages(folder / "requirements.txt", site):
        _put(python / name, source.read_bytes())
    _copy(STAND_INS, python)
    for name, content in pruned(site / "botocore/data"):
        _put(python / "botocore/data" / name, json.dumps(content, separators=(",", ":")).encode())
    _compile(python, "-b", "-o", "2")
    for source in python.rglob("*.py"):
        source.unlink()
    _copy(folder / "wickiepay", python / "wickiepay")
    _compile(python / "wickiepay")


def _copy(folder: Path, into: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            _put(into / path.relative_to(folder), path.read_bytes())


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _compile(folder: Path, *options: str) -> None:
    """Compiles all of `folder` to bytecode that Python uses without comparing it with the source.

    Otherwise Python would compare dates (PEP 552), and zip files and the programs that unpack them may change those.
    The compiler runs in a process of its own, because the bytecode depends on what a process has compiled before.
    """
    command = [sys.executable, "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, *options, "-s", folder, folder], check=True)
