"""The benchmark, as a program: `.venv/bin/python -m bench`. See bench_command.py."""

import os
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
FOLDERS: Final = (
    "functions/ingest",
    "functions/consumer",
    "functions/relay",
    "functions/reconciler",
    "functions/pre_traffic",
)
"""The import roots, as in pytest's and mypy's settings."""


def main() -> int:
    sys.path += [str(PROJECT / folder) for folder in FOLDERS]
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # a developer's own profile, keys and endpoints
    os.environ.update(AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench")

    from bench.bench_command import run  # noqa: PLC0415  what it imports is only found now

    return run()


if __name__ == "__main__":
    sys.exit(main())
