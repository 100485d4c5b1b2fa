"""The sources of the stack at an earlier commit, which were deployed before."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

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
    commits = _git("log", "--format=%H", "--", *DEPLOYED).stdout.decode().split()
    return next(
        (commit for commit in commits if _git("diff", "--quiet", commit, "--", *DEPLOYED).returncode == 1), None
    )


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
