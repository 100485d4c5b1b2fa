"""Reading the ledger table: what `wickiepay.ledger` wrote of payments, credits and balances."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import nlargest
from itertools import groupby
from typing import TYPE_CHECKING

from wickiepay.decimals import plain
from wickiepay_cli.tables import Item, items_of, key_texts

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Amount:
    """`amount` is an exact decimal, without exponent."""

    currency: str
    amount: str


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment. `order_status` is that of its order, which several payments of one reference may pay.

    None where it pays no order: a payout, or a payment into a channel.
    """

    uuid: str
    reference: str | None
    type: str
    status: str
    order_status: str | None
    display: Amount | None
    paid: Amount | None
    updated_at: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What one event added to an account. `amount` is an exact decimal, without exponent."""

    uuid: str
    event: str
    currency: str
    amount: str
    at: str


@dataclass(frozen=True, slots=True)
class Account:
    """`balances` are exact decimals, without exponent, by currency; `entries` what they are made of, in time order."""

    account: str
    balances: Mapping[str, str]
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Credited:
    """An entry as the ledger holds it: keyed by `uuid` and `part`, made by the event of `uuid` and `event_key`."""

    uuid: str
    part: str
    event_key: str
    account: str
    currency: str
    amount: Decimal
    at: str


class Books:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def payments(self, uuid_or_reference: str) -> list[Payment]:
        """The payments of this uuid or this reference, in the order in which they changed last."""
        found: dict[tuple[str, str], Item] = {}
        for text in key_texts(uuid_or_reference):
            for item in (*self._query(f"payment#{text}"), *self._of_reference(text, "payment#")):
                found[item["pk"]["S"], item["sk"]["S"]] = item
        payments = [_payment(item, self._order_status(item)) for item in found.values()]
        return sorted(payments, key=lambda payment: (payment.updated_at, payment.uuid))

    def newest(self, limit: int, status: str | None = None) -> list[Payment]:
        """The payments that changed last, the newest first. Reads the whole table, and holds on to `limit` items."""
        items = nlargest(
            limit,
            (item for item in self._scan("payment#") if status in {None, item["status"]["S"]}),
            key=lambda item: (item["updated_at"]["S"], item["pk"]["S"], item["sk"]["S"]),
        )
        return [_payment(item, self._order_status(item)) for item in items]

    def balances(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """The accounts that were ever credited, each with its balances, in no order, read as they are asked for."""
        for pk, items in groupby(self._scan("balance#"), key=lambda item: item["pk"]["S"]):
            yield pk.removeprefix("balance#"), {item["sk"]["S"]: _number(item) for item in items}

    def account(self, account: str) -> Account:
        """What was credited to an account, and the balances that this makes; nothing where nothing was."""
        texts = key_texts(account)
        balances = [item for text in texts for item in self._query(f"balance#{text}")]
        entries = [_entry(item) for text in texts for item in self._of_reference(text, "credit#")]
        return Account(
            account,
            {item["sk"]["S"]: _number(item) for item in balances},
            sorted(entries, key=lambda entry: (entry.at, entry.uuid)),
        )

    def credits_of(self, uuid: str) -> list[Credited]:
        """The entries that the events of a uuid made, read consistently; `uuid` is as a key has it."""
        return [credited(item) for item in self._query(f"credit#{uuid}")]

    def credits_to(self, account: str) -> Iterator[Credited]:
        """The entries of an account, found by an index that lags behind by moments; `account` is as a key has it."""
        return map(credited, self._of_reference(account, "credit#"))

    def _order_status(self, payment: Item) -> str | None:
        """The status of the order that a payment pays: what the furthest of all payments of its reference says."""
        if "order_status" not in payment:
            return None
        same_order = self._of_reference(payment["reference"]["S"], "payment#") if "reference" in payment else ()
        paying = [payment, *(other for other in same_order if "order_status" in other)]
        return max(paying, key=lambda each: each["position"]["S"])["order_status"]["S"]

    def _query(self, pk: str) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return (item for page in pages for item in page["Items"])

    def _scan(self, prefix: str) -> Iterator[Item]:
        """The items of a kind; those of one partition come one after another."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(pk, :prefix)",
            ExpressionAttributeValues={":prefix": {"S": prefix}},
        )
        return (item for page in pages for item in page["Items"])

    def _of_reference(self, reference: str, prefix: str) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by_reference",
            KeyConditionExpression="#reference = :reference AND begins_with(pk, :prefix)",
            ExpressionAttributeNames={"#reference": "reference"},  # a reserved word
            ExpressionAttributeValues={":reference": {"S": reference}, ":prefix": {"S": prefix}},
        )
        keys = ({"pk": item["pk"], "sk": item["sk"]} for page in pages for item in page["Items"])
        return items_of(self._client, self._table, keys)


def credited(item: Item) -> Credited:
    """The entry that an item of the ledger is."""
    return Credited(
        uuid=item["uuid"]["S"],
        part=item["sk"]["S"],
        event_key=item["event_key"]["S"],
        account=item["reference"]["S"],
        currency=item["currency"]["S"],
        amount=Decimal(item["amount"]["N"]),
        at=item["at"]["S"],
    )


def _payment(item: Item, order_status: str | None) -> Payment:
    return Payment(
        uuid=item["uuid"]["S"],
        reference=_text(item, "reference"),
        type=item["type"]["S"],
        status=item["status"]["S"],
        order_status=order_status,
        display=_amount(item, "display"),
        paid=_amount(item, "paid"),
        updated_at=item["updated_at"]["S"],
    )


def _entry(item: Item) -> Entry:
    return Entry(
        uuid=item["uuid"]["S"],
        event=item["event"]["S"],
        currency=item["currency"]["S"],
        amount=_number(item),
        at=item["at"]["S"],
    )


def _amount(item: Item, name: str) -> Amount | None:
    currency, amount = _text(item, f"{name}_currency"), _text(item, f"{name}_amount")
    return Amount(currency, amount) if currency and amount else None


def _number(item: Item) -> str:
    return plain(Decimal(item["amount"]["N"]))


def _text(item: Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None
