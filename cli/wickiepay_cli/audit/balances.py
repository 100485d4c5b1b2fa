"""What is stated about balances: each is the exact sum of its entries."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, Inexact
from typing import Final

from wickiepay.decimals import plain
from wickiepay.ledger_items import entry_of as credited
from wickiepay_cli.audit.credits import is_credit
from wickiepay_cli.audit.statements import Check, Suspects, named
from wickiepay_cli.audit.tables import Tables, account_of
from wickiepay_cli.books import Books
from wickiepay_cli.tables import Item

EXACT: Final = Context(prec=200, traps=[Inexact])
"""Adds amounts of 38 digits without ever rounding."""

type Account = tuple[str, str]
"""An account, and a currency in it."""


class BalancesAddUp:
    """Every balance equals the sum of its entries, to the last digit.

    Holds on to one difference for each account and currency.
    """

    def __init__(self, tables: Tables, pause: Callable[[], None]) -> None:
        self._tables = tables
        self._books = Books(tables.client, tables.ledger)
        self._pause = pause
        self._differences: dict[Account, Decimal] = defaultdict(Decimal)
        self._found: dict[Account, str] = {}

    @property
    def count(self) -> int:
        return len(self._differences)

    def see(self, item: Item) -> None:
        if is_credit(item):
            entry = credited(item)
            account, amount = (entry.account, entry.currency), entry.amount
        else:
            account, amount = account_of(item), Decimal(item["amount"]["N"]).copy_negate()
        self._differences[account] = EXACT.add(self._differences[account], amount)

    def check(self) -> Check:
        suspects = Suspects(self._look, self._pause)
        for account, difference in self._differences.items():
            if difference:
                suspects.add(account)
        suspects.settle()
        detail = f"{self.count} compared"
        if wrong := suspects.count:
            detail = named((self._found[account] for account in suspects.wrong), wrong)
        return Check("balances_add_up", not wrong, detail)

    def _look(self, suspects: Sequence[Account]) -> list[Account]:
        """Which of the suspects cannot be right, whatever was credited while they were read.

        A balance only grows. The sum of entries that are read after it, once the index by which they are found has
        caught up, and before it is read again, lies between the two.
        """
        before = self._tables.balances(suspects)
        self._pause()
        wrong = []
        for account in suspects:
            total = self._sum(account)
            after = self._tables.balances([account])
            if not before.get(account, Decimal()) <= total <= after.get(account, Decimal()):
                wrong.append(account)
                balance = plain(after.get(account, Decimal()))
                self._found[account] = f"{account[0]} has {balance} {account[1]}, its entries add up to {plain(total)}"
        return wrong

    def _sum(self, account: Account) -> Decimal:
        total = Decimal()
        for entry in self._books.credits_to(account[0]):
            if entry.currency == account[1]:
                total = EXACT.add(total, entry.amount)
        return total
