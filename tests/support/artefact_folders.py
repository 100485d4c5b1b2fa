"""The artefacts, unpacked as Lambda unpacks them, and programs that run on them alone."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.deployed import FUNCTIONS, environment_of
from wickiepay_cli.local.packages import function_package, layer_package
from wickiepay_cli.project import PROJECT

ROLE: Final = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "made up",
    "AWS_SESSION_TOKEN": "made up",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "HOME": "/nonexistent",
}
"""The environment variables that Lambda sets for every function."""


WITH_BOTH_LAYERS: Final = {"reconciler"}
"""The functions that have the client of the provider's API as well."""


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What is deployed: the packages (zip files), by function, `layer` or `provider`, and where they are unpacked."""

    packages: Mapping[str, bytes]
    folder: Path

    def run(self, function: str, program: str, *arguments: str) -> Any:  # noqa: ANN401  whatever it prints in JSON
        """What a Python program prints that finds a function and its layer, the standard library, and nothing else."""
        layers = ["provider", "layer"] if function in WITH_BOTH_LAYERS else ["layer"]
        path = [str(self.folder / function), *(str(self.folder / layer / "python") for layer in layers)]
        return run_isolated(
            f"import sys; sys.path[:0] = {path}\n{program}", environment_of(FUNCTIONS[function]), *arguments
        )


def artefacts(folder: Path) -> Artefacts:
    """Makes them, and unpacks them below `folder`."""
    made = {
        "layer": layer_package(PROJECT / "layers/wickiepay"),
        "provider": layer_package(PROJECT / "layers/provider"),
        **{name: function_package(PROJECT / "functions" / name) for name in FUNCTIONS},
    }
    for name, package in made.items():
        with zipfile.ZipFile(io.BytesIO(package)) as packed:
            packed.extractall(folder / name)
    return Artefacts(made, folder)


def run_isolated(program: str, environment: Mapping[str, str], *arguments: str) -> Any:  # noqa: ANN401  as above
    """What a program prints in JSON, in an environment like Lambda's."""
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", program, *arguments],
        env={**ROLE, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
