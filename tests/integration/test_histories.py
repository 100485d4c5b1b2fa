"""Promises 2 to 4 over histories: whatever Hypothesis lets happen, in whatever interleaving of AWS calls."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

import consumer
import ingest
import relay
from tests.support.deployed import TEMPLATE
from tests.support.harness import Stores
from tests.support.histories import Account, Histories
from tests.support.in_process import client, emulated_dynamodb
from wickiepay_cli.stacks.emulator_access import Access


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tens of thousands of log lines tell nothing."""
    monkeypatch.setattr(ingest.emf, "write", lambda *_: None)
    loggers = [function.logger for function in (consumer, relay)]
    for logger in loggers:
        logger.setLevel("CRITICAL")
    yield
    for logger in loggers:
        logger.setLevel("INFO")


@pytest.fixture(scope="session")
def tables_in_process() -> Account:
    """The template's tables, in the emulator's own code, in this process."""
    dynamodb = client("dynamodb", emulated_dynamodb)
    for name in ("EventTable", "LedgerTable"):
        properties = TEMPLATE["Resources"][name]["Properties"]
        wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        dynamodb.create_table(TableName=name, **{key: properties[key] for key in wanted})
    return Account(dynamodb, "EventTable", "LedgerTable")


def run(account: Account, histories: int, steps: int) -> int:
    """Lives through so many histories of at most so many steps each; how many there really were."""
    lived = 0

    class Counted(Histories):
        def teardown(self) -> None:
            nonlocal lived
            lived += 1
            super().teardown()

    Counted.account = account
    run_state_machine_as_test(
        Counted,
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return lived


def test_some_histories_end_in_the_right_books(tables_in_process: Account) -> None:
    run(tables_in_process, histories=settings().max_examples + 10, steps=20)


@pytest.mark.slow_proof
@pytest.mark.timeout(1200)
def test_ten_thousand_histories_end_in_the_right_books(
    tables_in_process: Account, record_property: Callable[[str, object], None]
) -> None:
    lived = run(tables_in_process, histories=10_000, steps=20)
    assert lived >= 10_000
    record_property("figure", f"{lived:,} histories, 0 wrong")


@pytest.mark.slow_proof
@pytest.mark.stack
@pytest.mark.timeout(600)
def test_a_hundred_histories_on_an_emulators_tables_end_in_the_right_books(
    stores: Stores, record_property: Callable[[str, object], None]
) -> None:
    dynamodb = client("dynamodb", None, Access(stores.endpoint_url, stores.access_key, stores.secret_key))
    lived = run(Account(dynamodb, stores.outputs["EventTableName"], stores.outputs["LedgerTableName"]), 100, 20)
    assert lived >= 100
    record_property("figure", f"{lived:,} histories, 0 wrong")
