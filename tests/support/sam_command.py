"""The `sam` command of the environment .venv-sam, run on the project."""

import os
import subprocess
from pathlib import Path

from tests.support.lambda_emulator import SAM
from wickiepay_cli.project import PROJECT


def sam(*arguments: str | Path, answer: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the command, which has to succeed, and answers what it asks."""
    done = subprocess.run(
        [SAM / "sam", *arguments],
        cwd=PROJECT,
        env={
            **os.environ,
            "PATH": f"{SAM}{os.pathsep}{os.environ['PATH']}",  # where it looks for python3.13, to build for
            "SAM_CLI_TELEMETRY": "0",
            **variables,
        },
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
