"""The two tables of a stack, to read again what looked wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from wickiepay import event_record as records
from wickiepay import ledger_items as items
from wickiepay.dynamodb import Item
from wickiepay.identity import Identity
from wickiepay.ledger_items import Entry
from wickiepay_cli.store.dynamodb import every, items_of, only
from wickiepay_cli.store.ledger_records import LedgerRecords

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Tables:
    client: "DynamoDBClient"
    events: str
    ledger: str

    def records(self, identities: Iterable[Identity], names: Sequence[str] | None = None) -> Mapping[Identity, Item]:
        """The events that are on record, read consistently: the attributes `names` alone, or all of them."""
        wanted = only(("uuid", "event_key", *names)) if names else None
        found = items_of(self.client, self.events, map(records.key, dict.fromkeys(identities)), wanted)
        return {records.identity_of(item): item for item in found}

    def entries_at(self, places: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Entry]:
        """The credits, named by uuid and part, that are in the books, read consistently."""
        wanted = (items.key(items.CREDIT + uuid, part) for uuid, part in dict.fromkeys(places))
        found = items_of(self.client, self.ledger, wanted)
        return {
            (item["pk"]["S"].removeprefix(items.CREDIT), item["sk"]["S"]): items.entry_of(item)
            for item in found
            if items.is_entry(item)
        }

    @property
    def books(self) -> LedgerRecords:
        return LedgerRecords(self.client, self.ledger)

    def references(self) -> Iterator[Item]:
        """The keys in the index of references."""
        return every(self.client, "scan", TableName=self.ledger, IndexName="by_reference")

    def balances(self, accounts: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Decimal]:
        """The existing balances of the given accounts and currencies, read consistently."""
        wanted = (items.key(items.BALANCE + account, currency) for account, currency in accounts)
        found = items_of(self.client, self.ledger, wanted)
        return {account_of(item): Decimal(item["amount"]["N"]) for item in found}


def account_of(balance: Item) -> tuple[str, str]:
    """The account and the currency of a balance."""
    return balance["pk"]["S"].removeprefix(items.BALANCE), balance["sk"]["S"]


def is_credit(item: Item) -> bool:
    """Whether an item of the ledger is an entry that a payment made."""
    return items.is_entry(item) and not item["pk"]["S"].startswith(items.ADJUSTMENT)
