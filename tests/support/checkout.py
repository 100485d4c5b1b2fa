"""A checkout of the project of a test's own, which it may edit."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from wickiepay_cli.project import PROJECT

CODE: Final = ("cli", "layers", "functions", "events", "template.yaml", "pyproject.toml")
"""What `wickiepay` needs of a checkout."""

COMMAND: Final = (sys.executable, "-m", "wickiepay_cli")
"""The command `wickiepay` of the checkout that `environment` names."""


def checkout(folder: Path, *more: str) -> Path:
    """Copies the code of the project, and `more` of it, into `folder`."""
    for name in (*CODE, *more):
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def environment(project: Path, **variables: str) -> dict[str, str]:
    """The environment in which Python imports the code of the checkout `project`."""
    path = os.pathsep.join(map(str, [project / "cli", *(project / "layers").iterdir()]))
    return {**os.environ, "PYTHONPATH": path, **variables}
