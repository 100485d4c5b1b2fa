"""Other people's packages in the layer: their code, licences, and the metadata that scanners look for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

LEFT_OUT: Final = (
    "aws_lambda_powertools/event_handler/",
    "aws_lambda_powertools/metrics/provider/datadog/",
    "aws_lambda_powertools/utilities/",
    "botocore/data/",  # pruned instead
    "botocore/docs/",
    "dateutil/rrule.py",
    "dateutil/tz/win.py",
    "dateutil/zoneinfo/",
    "urllib3/contrib/",
    "urllib3/http2/connection.py",
)
"""No function uses these; the tests run on what is left."""

NOT_THE_USERS: Final = {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0"}
"""Settings that pip may find in the environment or its configuration, and refuses for a folder."""

KEPT: Final = (
    "aws_lambda_powertools/utilities/__init__.py",
    "aws_lambda_powertools/utilities/jmespath_utils/",  # the Logger's
)
"""Exceptions to LEFT_OUT."""


@contextmanager
def downloaded(requirements: Path) -> Iterator[Path]:
    """A temporary folder with the packages of `requirements`, checked by their hashes."""
    with TemporaryDirectory() as site:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq", "install"]
        options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile", "--target", site]
        subprocess.run([*pip, *options, "--requirement", requirements], check=True, env=os.environ | NOT_THE_USERS)
        yield Path(site)


def packages(requirements: Path, site: Path) -> Iterator[tuple[Path, str]]:
    """The files of the packages that `requirements` pins, as installed in `site`, with their names there.

    Raises `PackageNotFoundError` if a package is missing, or installed in another version.
    """
    for line in requirements.read_text().splitlines():
        name, pinned, rest = line.partition("==")
        if pinned:
            version = rest.split()[0]
            for distribution in Distribution.discover(name=name, path=[str(site)]):
                if distribution.version == version:
                    yield from _files(distribution)
                    break
            else:
                raise PackageNotFoundError(f"{name} {version}")


def _files(distribution: Distribution) -> Iterator[tuple[Path, str]]:
    for file in sorted(distribution.files or ()):
        name = file.as_posix()
        if _is_wanted(name):
            yield Path(str(file.locate())), name


def _is_wanted(name: str) -> bool:
    if name.startswith("..") or "__pycache__" in name:  # `..` leads to scripts
        return False
    if ".dist-info/" in name:
        return name.rpartition("/")[2].lower().startswith(("license", "licence", "notice", "copying", "metadata"))
    return name.startswith(KEPT) or not name.startswith(LEFT_OUT)
