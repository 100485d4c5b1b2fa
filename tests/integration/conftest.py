"""The local stack, for tests of what only all parts together show: the real template, its roles, real concurrency."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Stores
from tests.support.stores import running_stores
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.operations.provider import create_key
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.simulator.portal import CLIENT_ID, Portal, beside_a_stack, key_in
from wickiepay_cli.stacks.local_stack import LocalStack
from wickiepay_cli.stacks.stack import of_local


@pytest.fixture(scope="session")
def signing_secret() -> str:
    """What deliveries to `stack` are signed with."""
    return DEFAULT_SIGNING_SECRET


@pytest.fixture(scope="session")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `stack` keeps its files."""
    return tmp_path_factory.mktemp("local")


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """A provider that `stack` may ask. Nothing happens there."""
    with beside_a_stack() as portal:
        yield portal


@pytest.fixture(scope="session")
def stack(stack_folder: Path, signing_secret: str, portal: Portal) -> Iterator[LocalStack]:
    """A local stack of this test run's own, on free ports and in a temporary folder. All tests share its tables."""
    with running_stack(stack_folder, 0, signing_secret, parameters=portal.parameters) as running:
        portal.keys[CLIENT_ID] = key_in(create_key(of_local(running.stack)).encode())
        yield running.stack


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """The stores of a stack alone, in an emulator of this test run's own: whoever takes from its queue is the test."""
    with running_stores(tmp_path_factory.mktemp("stores")) as running:
        yield running
