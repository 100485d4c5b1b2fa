"""The check of balances: each is the exact sum of its entries."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, Inexact
from typing import Final

from wickiepay.decimals import plain
from wickiepay.dynamodb import Item
from wickiepay.ledger_items import BALANCE, entry_of, is_entry
from wickiepay_cli.doctor.checks import Check, Suspects, named
from wickiepay_cli.doctor.tables import Tables, account_of

EXACT: Final = Context(prec=200, traps=[Inexact])
"""Context that adds amounts of 38 digits without rounding."""

READINGS: Final = 3

type Account = tuple[str, str]
"""An account and a currency."""


class BalancesAddUp:
    """Every balance equals the sum of its entries, to the last digit. It keeps one difference for each balance."""

    def __init__(self, tables: Tables, pause: Callable[[], None]) -> None:
        self._tables = tables
        self._pause = pause
        self._differences: dict[Account, Decimal] = defaultdict(Decimal)
        self._found: dict[Account, str] = {}

    @property
    def count(self) -> int:
        return len(self._differences)

    def see(self, item: Item) -> None:
        if is_entry(item):
            entry = entry_of(item)
            self._add((entry.account, entry.currency), entry.amount)
        elif item["pk"]["S"].startswith(BALANCE):
            self._add(account_of(item), Decimal(item["amount"]["N"]).copy_negate())

    def _add(self, account: Account, amount: Decimal) -> None:
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
        """The suspects that are wrong: their balance did not change while their entries were read, and is not the sum.

        The entries are read once their index has caught up. One that came meanwhile has changed the balance.
        """
        self._pause()
        wrong = []
        for account in suspects:
            before, total, after = self._reading(account)
            if before == after != total:
                wrong.append(account)
                self._found[account] = (
                    f"{account[0]} has {plain(after)} {account[1]}, its entries add up to {plain(total)}"
                )
        return wrong

    def _reading(self, account: Account) -> tuple[Decimal, Decimal, Decimal]:
        """A balance, the sum of its entries, and the balance again, read until both agree or the account is busy."""
        before, total, after = self._balance(account), self._sum(account), self._balance(account)
        for _ in range(READINGS - 1):
            if before == after:
                break
            before, total, after = after, self._sum(account), self._balance(account)
        return before, total, after

    def _balance(self, account: Account) -> Decimal:
        return self._tables.balances([account]).get(account, Decimal())

    def _sum(self, account: Account) -> Decimal:
        total = Decimal()
        for entry in self._tables.books.credits_to(account[0]):
            if entry.currency == account[1]:
                total = EXACT.add(total, entry.amount)
        return total
