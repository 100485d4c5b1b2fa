"""The zip files of the functions and their layer, built from the checkout and this environment alone."""

import io
import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from wickiepay_build.packages import packages
from wickiepay_cli.errors import CommandError
from wickiepay_cli.project import PROJECT

LAYER: Final = PROJECT / "layers/wickiepay"
"""The layer's folder, with the build program that `sam build` also uses."""

A_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a package, so that the same code makes the same package: the earliest of zip files."""


def function_package(folder: Path) -> bytes:
    """The package of a function as `sam build` makes it: all of `folder`, and what its requirements.txt names.

    This interpreter runs the functions in the emulator, so if it has all of that, nothing is fetched. Raises
    `CommandError` if something cannot be fetched.
    """
    wanted = folder / "requirements.txt"
    if not wanted.exists() or _is_installed(wanted):
        return _zip(_named(folder, _sources(folder)))
    with TemporaryDirectory() as into:
        done = _pip("--no-user", "--target", into, "--requirement", wanted)
        if done.returncode != 0:
            raise CommandError(f"pip cannot install what {wanted} names: {done.stderr.strip().splitlines()[-1]}")
        shutil.copytree(folder, into, dirs_exist_ok=True)
        return _zip(_named(Path(into), _sources(Path(into))))


def _is_installed(requirements: Path) -> bool:
    """Whether this interpreter has all that is required."""
    done = _pip("--dry-run", "--no-index", "--report", "-", "--requirement", requirements)
    return done.returncode == 0 and not json.loads(done.stdout)["install"]


def _pip(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def layer_package(folder: Path) -> bytes:
    """A layer, as `sam build` makes it: what is shared in `folder`, and what its requirements.txt names.

    Nothing is fetched: this interpreter has the packages. So what is compiled in them is for this machine. Raises
    `CommandError` or `PackageNotFoundError` if it has not.
    """
    if (folder / "wickiepay_api").is_dir():
        return _provider_layer(folder, _fingerprint(folder))
    return _built(folder, _fingerprint(folder))


@cache
def _provider_layer(folder: Path, fingerprint: str) -> bytes:  # noqa: ARG001
    """The layer of the reconciler: packages as they are installed here, and ours."""
    site = Path(sysconfig.get_path("purelib"))
    ours = [path for path in _sources(folder) if path.parent != folder]
    theirs = {name: source for source, name in packages(folder / "requirements.txt", site)}
    return _zip({f"python/{name}": path for name, path in sorted((_named(folder, ours) | theirs).items())})


@cache  # a build takes seconds, and is the same for the same fingerprint
def _built(folder: Path, fingerprint: str) -> bytes:  # noqa: ARG001
    with TemporaryDirectory() as into:
        command: list[str | Path] = [sys.executable, "-m", "wickiepay_build", folder.absolute(), into, "--installed"]
        done = subprocess.run(command, cwd=LAYER, capture_output=True, text=True, check=False)
        if done.returncode:
            *_, why = done.stderr.splitlines() or [""]
            raise CommandError(f"The layer cannot be built: {why}")
        return _zip(_named(Path(into), sorted(Path(into).rglob("*"))))


def _fingerprint(folder: Path) -> str:
    """A hash of a folder's files, which changes when they change."""
    seen = sha256()
    for path in _sources(folder):
        content = path.read_bytes()
        seen.update(f"{path.relative_to(folder)} {len(content)} ".encode() + content)
    return seen.hexdigest()


def _sources(folder: Path) -> list[Path]:
    paths = folder.rglob("*", recurse_symlinks=True)
    return sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts)


def _named(folder: Path, paths: Iterable[Path]) -> dict[str, Path]:
    """The files among them, by their names in `folder`."""
    return {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}


def _zip(files: Mapping[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, A_DATE)
            entry.external_attr = 0o644 << 16
            package.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
