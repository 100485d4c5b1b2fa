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
from wickiepay_cli.store.dynamodb import items_of, only

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

    def entries_of(self, uuid: str) -> list[Entry]:
        """The credits of a payment, read consistently. `uuid` is in the spelling of its entries."""
        return items.entries_of(self.ledger_partition(items.CREDIT + uuid))

    def ledger_partition(self, pk: str) -> list[Item]:
        """The ledger's items with a partition key, read consistently."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.ledger,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]

    def references(self) -> Iterator[Item]:
        """The keys in the index of references."""
        pages = self.client.get_paginator("scan").paginate(TableName=self.ledger, IndexName="by_reference")
        return (item for page in pages for item in page["Items"])

    def entries_to(self, account: str) -> list[Entry]:
        """The entries of an account (in the form of keys), found by an index that lags slightly behind."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.ledger,
            IndexName="by_reference",
            KeyConditionExpression="#reference = :reference",
            ExpressionAttributeNames={"#reference": "reference"},
            ExpressionAttributeValues={":reference": {"S": account}},
        )
        keys = ({"pk": item["pk"], "sk": item["sk"]} for page in pages for item in page["Items"])
        return items.entries_of(items_of(self.client, self.ledger, keys))

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
