"""The sources of the stack at an earlier commit, which were deployed before."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from samtranslator.yaml_helper import yaml_parse

from wickiepay_cli.project import PROJECT

DEPLOYED: Final = ("template.yaml", "functions", "layers")
"""All that a deployment is made of."""


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, check=False)


def previous_commit() -> str | None:
    """The last commit under which something else was deployed than now; None where no history tells."""
    if shutil.which("git") is None:
        return None
    top = _git("rev-parse", "--show-toplevel")
    if top.returncode or Path(top.stdout.decode().strip()) != PROJECT:
        return None  # a copy without its history, wherever it lies
    return next(
        filter(_deploys_something_else, _git("log", "--format=%H", "--", *DEPLOYED).stdout.decode().split()), None
    )


def _deploys_something_else(commit: str) -> bool:
    """A template that differs in comments alone is the same: CloudFormation finds nothing to change."""
    template, *code = DEPLOYED
    if _git("diff", "--quiet", commit, "--", *code).returncode:
        return True
    then = _git("show", f"{commit}:{template}").stdout.decode()
    return bool(yaml_parse(then) != yaml_parse((PROJECT / template).read_text()))


def has_commit(commit: str) -> bool:
    """Whether the history that is here goes back to `commit`."""
    return shutil.which("git") is not None and _git("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


def check_out(commit: str, folder: Path, *more: str) -> Path:
    """Puts what is deployed under `commit`, and `more`, into `folder`."""
    archive = _git("archive", commit, *DEPLOYED, *more)
    assert archive.returncode == 0, archive.stderr.decode()
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder
