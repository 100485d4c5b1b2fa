"""The accountant's report of `wickiepay reconcile`, as a browser shows it."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.support.command_line import run
from tests.support.operator_stack import OperatorStack
from tests.support.provider import FakeProvider, listing
from wickiepay.clock import instant
from wickiepay_cli.commands import reconcile

pytest_plugins = ["tests.support.operator_fixture", "tests.support.browser_fixture"]
pytestmark = pytest.mark.browser

DAYS = 14


def entry(number: int, at: datetime, status: str) -> dict[str, Any]:
    return {"id": f"event-{number}", "event": "payment.created", "timestamp": instant(at), "status": status}


def test_nothing_keeps_people_from_using_the_page_to_print(
    operator: OperatorStack, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = []
    for number in range(5 * DAYS):
        age = timedelta(days=number % DAYS, hours=1 + number // DAYS)
        lost = number % 23 == 7
        listed.append(entry(number, operator.now - age, "FAILED" if lost else "DELIVERED"))
        if not lost:
            operator.receive(f"payment-{number}", "payment.created", age=age)
    monkeypatch.setattr(reconcile, "api_of", FakeProvider(listing(*listed)).made)
    report = tmp_path / "report.html"
    assert run("reconcile", "events", "--since", "14d", "--report", str(report)).exit_code == 1
    page.goto(report.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.screenshot(path=Path(os.environ.get("PICTURES", tmp_path)) / "reconciled.png")
