"""The image that a Python function's containers are made of.

AWS's own in an engine that was running: it has it, or fetches it once and keeps it. An engine that the tests start, and
one that cannot fetch it, gets one that is home-made, of what is on this machine: its Python, AWS's runtime client, and
boto3 from the environment .venv-sam, which are what a function may count on.
"""

import io
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

from tests.support.container_engine import Engine
from tests.support.lambda_emulator import ARCHITECTURES, SAM

AWS: Final = "public.ecr.aws/lambda/python:3.13"
HOME_MADE: Final = "local/lambda-python3.13"
LABEL: Final = "wickiepay-webhook-listener.home-made"
"""Marks that image, and what SAM makes of it."""

PYTHON: Final = Path(sys.executable).resolve()
LIBRARY: Final = Path(sysconfig.get_path("stdlib"))
PROGRAMS: Final = ("sh", "mv", "chmod")
"""What SAM's own step on top of the image calls; `sh` starts the runtime besides."""

PACKAGES: Final = (
    *("awslambdaric", "simplejson", "snapshot-restore-py"),
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
)
"""The runtime client and boto3, each with what it requires."""


def architecture() -> str:
    """The one of this machine, in Lambda's words."""
    return ARCHITECTURES[platform.machine()]


@contextmanager
def lambda_image(engine: Engine) -> Iterator[str]:
    """The name of the image, which is in the engine meanwhile."""
    of_aws = f"{AWS}-{architecture()}"
    if not engine.started_here and (engine.can("image", "inspect", of_aws) or engine.can("pull", of_aws)):
        yield of_aws
        return
    with tempfile.TemporaryFile() as archive:
        _write(archive)
        archive.seek(0)
        environment = f"ENV PATH={PYTHON.parent}:/bin PYTHONPATH=/var/runtime:/opt/python"  # /opt: where layers are
        engine.docker(
            *("import", "--change", environment, "--change", f"LABEL {LABEL}=", "-", HOME_MADE), stdin=archive
        )
    try:
        yield HOME_MADE
    finally:
        images = engine.docker("images", "--quiet", "--filter", f"label={LABEL}").split()
        engine.docker("image", "rm", "--force", *images)


def _write(file: io.BufferedRandom) -> None:
    bootstrap = f'#!/bin/sh\nexec {PYTHON} -m awslambdaric "$_HANDLER"\n'.encode()
    with tarfile.open(fileobj=file, mode="w", dereference=True) as archive:
        for path, name in _files():
            archive.add(path, name, recursive=False)
        entry = tarfile.TarInfo("var/runtime/bootstrap")
        entry.mode, entry.size = 0o755, len(bootstrap)
        archive.addfile(entry, io.BytesIO(bootstrap))


def _files() -> Iterator[tuple[Path, Path]]:
    """What is on this machine → where it is in the image: Python and libraries just there, where each is looked for."""
    packages = dict(_packages())
    library = [
        path
        for path in LIBRARY.rglob("*")
        if path.suffix in {".py", ".pyc", ".so"}
        and not {"test", "site-packages"} & set(path.relative_to(LIBRARY).parts)
    ]
    programs = {Path(found): Path("/bin", name) for name in PROGRAMS if (found := shutil.which(name))}
    binaries = [PYTHON, *programs, *(path for path in (*library, *packages) if path.suffix == ".so")]
    yield from ((path, path) for path in (PYTHON, *library, *_shared_libraries(binaries)))
    yield from programs.items()
    yield from packages.items()


def _packages() -> Iterator[tuple[Path, Path]]:
    [site] = SAM.parent.glob("lib/python*/site-packages")
    for name in PACKAGES:
        [package] = Distribution.discover(name=name, path=[str(site)])
        for file in package.files or ():
            if file.parts[0] != "..":  # that leads to scripts
                yield Path(str(file.locate())), Path("/var/runtime", file)


def _shared_libraries(binaries: Iterable[Path]) -> set[Path]:
    """What the dynamic linker loads for any of them, itself included. What it does not find, nobody here misses."""
    said = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", said)}
