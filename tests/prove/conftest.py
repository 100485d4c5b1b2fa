"""Emulators of this folder's own, so that the proofs start from empty tables."""

from collections.abc import Iterator

import pytest

from tests.support.harness import Stores
from tests.support.stores import running_stores
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.stacks.local_stack import LocalStack


@pytest.fixture(scope="module")
def signing_secret() -> str:
    """What deliveries to `stack` are signed with."""
    return DEFAULT_SIGNING_SECRET


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, signing_secret: str) -> Iterator[LocalStack]:
    """A local stack."""
    with running_stack(tmp_path_factory.mktemp("local"), port=0, signing_secret=signing_secret) as running:
        yield running.stack


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """The stores of a stack alone."""
    with running_stores(tmp_path_factory.mktemp("stores")) as running:
        yield running
