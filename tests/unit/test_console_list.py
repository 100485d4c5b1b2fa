"""The live list of deliveries, on a console in this process."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.support.console import arrive, exchange
from tests.support.operator_stack import OperatorStack
from wickiepay_cli.console import server
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.console.server import Address
from wickiepay_cli.watching.exchanges import Exchanges
from wickiepay_cli.watching.feed import Feed

pytest_plugins = ["tests.support.operator_fixture", "tests.support.browser_fixture"]
pytestmark = pytest.mark.browser

BODY = b'{"event": "payment.completed", "data": {"uuid": "u-NUMBER", "reference": "order-7"}}'
MANY = 5_000
MOST_ROWS = 200


@pytest.fixture
def desk(operator: OperatorStack, signing_secret: str) -> Desk:  # noqa: ARG001
    return Desk(operator.stack(), Feed(), Exchanges())


@pytest.fixture
def more(desk: Desk, operator: OperatorStack) -> Callable[[int], None]:
    """Lets so many more deliveries arrive."""
    arrived = iter(range(1, 10**6))

    def let(many: int) -> None:
        for _ in range(many):
            body = BODY.replace(b"NUMBER", b"%d" % next(arrived))
            arrive(desk, replace(exchange(body), request_body=body), operator.now)

    return let


@contextmanager
def served(desk: Desk, before: Address | None = None) -> Iterator[Address]:
    """The console, begun and ended by another thread: in this one Playwright has a loop that runs."""
    console = server.serving(desk, before)
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(console.__enter__).result()
        thread.submit(console.__exit__, None, None, None).result()


def test_after_a_break_there_is_no_gap_and_no_repeat(page: Page, desk: Desk, more: Callable[[int], None]) -> None:
    with served(desk) as before:
        page.goto(before.opening)
        more(3)
        expect(page.locator("#deliveries tbody tr")).to_have_count(3)
    expect(page.locator("#link")).to_be_visible()
    more(4)
    with served(desk, before):
        expect(page.locator("#deliveries tbody tr")).to_have_count(7)
        expect(page.locator("#link")).to_be_hidden()
        more(1)
        expect(page.locator("#deliveries tbody tr")).to_have_count(8)
        numbers = page.locator("#deliveries tbody tr").evaluate_all("rows => rows.map(row => row.dataset.number)")
        assert numbers == [str(number) for number in range(8, 0, -1)]


def test_under_five_thousand_deliveries_a_page_stays_small(page: Page, desk: Desk, more: Callable[[int], None]) -> None:
    with served(desk) as address:
        page.goto(address.opening)
        more(MANY)
        expect(page.locator(f"#deliveries tbody tr[data-number='{MANY}']")).to_be_visible()
        assert page.locator("#deliveries tbody tr").count() <= MOST_ROWS
        assert page.evaluate("document.querySelectorAll('*').length") < MOST_ROWS * 20
