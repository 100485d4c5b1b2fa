"""What holds for every test: no AWS account is in reach, no secret leaks, and a busy machine fails no property test."""

import os
import signal
from collections.abc import Iterator
from typing import Any

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

# What starts in the background ignores Ctrl-C, and so would all that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The functions' clients leave it to the tests to hold each call against botocore's model: here all clients validate.
from botocore import serialize  # noqa: E402

create_serializer: Any = serialize.create_serializer
serialize.create_serializer = lambda protocol, _, **named: create_serializer(protocol, include_validation=True, **named)

import moto.core  # noqa: E402, F401  moto only ever answers the botocore sessions that are made after this

from tests.support import deployed  # noqa: E402, F401  imports the functions under their environment, before anything else imports them
from tests.support.hygiene import Hygiene  # noqa: E402
from tests.support.moto_shortcuts import take_shortcuts  # noqa: E402

take_shortcuts()
HYGIENE = Hygiene()
HYGIENE.install()

settings.register_profile("thorough", deadline=None, max_examples=50)
settings.register_profile("quick", deadline=None, max_examples=10, derandomize=True)  # for make test; see the Makefile
settings.load_profile("thorough")


@pytest.hookimpl(wrapper=True, trylast=True)  # innermost: when this test's own stdout is in place
def pytest_runtest_call() -> Iterator[None]:
    """Fails a test in which a secret, a signature or a body got where it must not be."""
    HYGIENE.forget()
    with HYGIENE.listening():
        yield
    assert not HYGIENE.leaks(), "\n".join(HYGIENE.leaks())


@pytest.fixture(scope="session")
def hygiene() -> Hygiene:
    """What hears all that this test run prints and stores."""
    return HYGIENE


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
