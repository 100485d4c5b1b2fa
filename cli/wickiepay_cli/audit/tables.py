"""The two tables of a stack, for reading again what looked wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from wickiepay.event_record import State, identity_of
from wickiepay.event_record import key as key_of
from wickiepay.identity import Identity
from wickiepay.ledger_items import Entry as Credited
from wickiepay.ledger_items import entry_of as credited
from wickiepay_cli.tables import Item, items_of, only

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Tables:
    client: "DynamoDBClient"
    events: str
    ledger: str

    def records(self, identities: Iterable[Identity], names: Sequence[str] | None = None) -> Mapping[Identity, Item]:
        """Those of the events that are on record, read consistently; with the attributes `names` alone, else whole."""
        wanted = only(("uuid", "event_key", *names)) if names else None
        items = items_of(self.client, self.events, map(key_of, dict.fromkeys(identities)), wanted)
        return {identity_of(item): item for item in items}

    def entries(self, places: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Credited]:
        """Those of the credits, named by uuid and part, that are in the books, read consistently."""
        wanted: Iterable[Item] = (
            {"pk": {"S": f"credit#{uuid}"}, "sk": {"S": part}} for uuid, part in dict.fromkeys(places)
        )
        found = map(credited, items_of(self.client, self.ledger, wanted))
        return {(entry.uuid, entry.part): entry for entry in found}

    def balances(self, accounts: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Decimal]:
        """The balances of those of the accounts, each with a currency, that have one, read consistently."""
        wanted: Iterable[Item] = (
            {"pk": {"S": f"balance#{account}"}, "sk": {"S": currency}} for account, currency in accounts
        )
        found = items_of(self.client, self.ledger, wanted)
        return {account_of(item): Decimal(item["amount"]["N"]) for item in found}


def account_of(balance: Item) -> tuple[str, str]:
    """The account and the currency that a balance is in."""
    return balance["pk"]["S"].removeprefix("balance#"), balance["sk"]["S"]


def state_of(record: Item) -> State | None:
    """The state of a delivery on record; None for one that there is not."""
    text = record["state"]["S"] if "state" in record else ""
    return State(text) if text in State else None
