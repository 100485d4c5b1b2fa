"""The books: payments, accounts and resources, and whether they add up."""

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import groupby, islice
from typing import Any, Final

from wickiepay import clock
from wickiepay_cli.checkout.handlers import handlers_of, resource_kinds
from wickiepay_cli.doctor.checks import STATEMENTS
from wickiepay_cli.doctor.report import audit, retention_days_of
from wickiepay_cli.doctor.worth_a_look import KINDS
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.export_file import csv_line
from wickiepay_cli.store.ledger_records import CSV_COLUMNS, Wanted, csv_cells

NEWEST: Final = 50
NAMED: Final = 20
"""Most findings of one kind that a page names."""


def found(stack: Stack, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the books have of a uuid, a reference or an account; without any, what changed last.

    That reads the whole ledger, so on a deployed stack it has to be asked for.
    """
    ledger, name = stack.ledger(), asked.get("q", "").strip()
    if name:
        account = ledger.account(name)
        return {
            "q": name,
            "payments": ledger.payments(name),
            "account": account if account.entries or account.balances else None,
            "resources": ledger.resources(name, resource_kinds(handlers_of(stack))),
            "balances": None,
        }
    whole = stack.deployed is None or "all" in asked
    return {
        "q": "",
        "payments": ledger.newest(NEWEST, Wanted(), lambda _: None) if whole else None,
        "account": None,
        "resources": [],
        "balances": list(islice(ledger.balances(), NEWEST)) if whole else None,
    }


def csv_lines(stack: Stack) -> Iterator[bytes]:
    """All payments, for a spreadsheet."""
    yield csv_line(CSV_COLUMNS)
    for payment in stack.ledger().all(Wanted(), lambda _: None):
        yield csv_line(csv_cells(payment))


def audited(stack: Stack) -> dict[str, Any]:
    """What `wickiepay doctor` says: it reads both tables whole."""
    report = audit(stack, timedelta(days=retention_days_of(stack)), clock.now(), time.sleep)
    kinds = groupby(sorted(report.worth_a_look, key=lambda each: each.kind), key=lambda each: each.kind)
    look = [
        (kind, KINDS[kind], report.counts[kind], [each.about for each in islice(some, NAMED)]) for kind, some in kinds
    ]
    return {"report": report, "statements": STATEMENTS, "worth_a_look": look}
