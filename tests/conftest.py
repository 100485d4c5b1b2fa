"""What holds for every test: no AWS account is ever in reach, and a busy machine makes no property test fail."""

import os

import pytest
from hypothesis import settings

for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]  # a developer's own profile, keys and endpoints
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
)

import moto.core  # noqa: E402, F401  moto only ever answers the botocore sessions that are made after this

import deployed  # noqa: E402, F401  imports the functions under their environment, before anything else imports them

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures of the proofs that were run, as rows of docs/reliability.md."""
    figures = [
        (report.nodeid, value)
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("proven")
    for nodeid, figure in figures:
        terminalreporter.line(f"| {nodeid.rpartition('::')[2]} | {figure} |")
