"""Reads the ledger table (payments, resources, credits and balances), which `wickiepay.ledger` writes."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import nlargest
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final, Literal

import wickiepay_books
from wickiepay import ledger_items as items
from wickiepay.decimals import plain
from wickiepay.dynamodb import Item
from wickiepay.identity import bounded
from wickiepay.ledger_items import Adjustment, Resource
from wickiepay_books import Books, Money, OrderStatus, key_texts, order_status, payments_in, spellings
from wickiepay_cli.store.dynamodb import every, items_of, partition

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

STEP: Final = 100
"""Number of payments between two steps of a progress bar."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money. `amount` is an exact decimal without exponent."""

    currency: str
    amount: str


CSV_COLUMNS: Final = (
    "uuid",
    "reference",
    "type",
    "status",
    "order_status",
    "display_currency",
    "display_amount",
    "paid_currency",
    "paid_amount",
    "updated_at",
)
"""The columns of `csv_cells`."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment, joined from all its events. `order_status` is that of its order, which several payments may pay.

    It is None for a payout, an unclear payment, and one into a channel. `paid` is None until money has come.
    """

    uuid: str
    reference: str | None
    type: str
    status: str | None
    order_status: OrderStatus | None
    display: Amount | None
    paid: Amount | None
    updated_at: str
    transactions: Any
    metadata: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """An amount added to an account by an event, or by an operator (`by`, `why`, and `id` for the adjustment).

    `amount` is an exact decimal without exponent. `uuid` is the payment, or the one that an adjustment corrects.
    """

    kind: Literal["credit", "adjustment"]
    uuid: str | None
    event: str
    currency: str
    amount: str
    at: str
    id: str | None
    by: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """An account. `balances` are exact decimals by currency; `entries` are what they consist of, in order of time."""

    account: str
    balances: Mapping[str, str]
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Selects payments by status, their order's status, and the instant of their last change; none given: all."""

    statuses: Collection[str] = ()
    orders: Collection[str] = ()
    since: str | None = None
    until: str | None = None


def csv_cells(payment: Payment) -> tuple[object, ...]:
    """A payment as a row of `CSV_COLUMNS`, of which an amount has two."""
    display, paid = payment.display or Amount("", ""), payment.paid or Amount("", "")
    return (
        payment.uuid,
        payment.reference,
        payment.type,
        payment.status,
        payment.order_status,
        display.currency,
        display.amount,
        paid.currency,
        paid.amount,
        payment.updated_at,
    )


class LedgerRecords:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._books = Books.of_table(client, table)

    # --- Payments --------------------------------------------------------------------------------
    def payments(self, uuid_or_reference: str) -> list[Payment]:
        """The payments of this uuid or reference, in the order of their last changes."""
        found = [
            *self._at(*spellings(uuid_or_reference)),
            *self._books.order(uuid_or_reference, consistent=True).payments,
        ]
        payments = {(each.uuid, each.channel): each for each in found}
        return [self._shown(each) for each in sorted(payments.values(), key=_by_time)]

    def newest(self, limit: int, wanted: Wanted, advance: Callable[[int], None]) -> list[Payment]:
        """The payments that changed last, the newest first. Reads the whole table, but keeps only `limit` payments."""
        return [self._shown(each) for each in nlargest(limit, self._wanted(wanted, advance), key=_by_time)]

    def all(self, wanted: Wanted, advance: Callable[[int], None]) -> Iterator[Payment]:
        """The payments in no particular order, read lazily."""
        return map(self._shown, self._wanted(wanted, advance))

    def _wanted(self, wanted: Wanted, advance: Callable[[int], None]) -> Iterator[wickiepay_books.Payment]:
        for payment in _told(self._all_payments(), advance):
            if (
                (wanted.since or "") <= payment.updated_at
                and (wanted.until is None or payment.updated_at <= wanted.until)
                and (not wanted.statuses or payment.status in wanted.statuses)
                and (not wanted.orders or self._order_status(payment) in wanted.orders)  # the one that reads
            ):
                yield payment

    def _all_payments(self) -> Iterator[wickiepay_books.Payment]:
        for pk, some in groupby(self._scan(items.PAYMENT), key=lambda item: item["pk"]["S"]):
            found = payments_in(some)
            uuid = found[0].uuid
            # Where an older version spelled the uuid otherwise, its items are a part of what stands under the normal
            # spelling, once there is anything.
            elsewhere = set() if pk == items.PAYMENT + uuid else {each.channel for each in self._at(uuid)}
            yield from (each for each in found if each.channel not in elsewhere)

    def _at(self, *texts: str) -> list[wickiepay_books.Payment]:
        return self._books.payments(texts, consistent=True)

    def _order_status(self, payment: wickiepay_books.Payment) -> OrderStatus | None:
        """The status of the order that a payment pays, from all payments of its reference."""
        alone = order_status([payment])
        if not payment.pays or payment.reference is None or alone == "PAID":
            return alone
        others = self._books.order(payment.reference, consistent=True).payments
        return order_status([payment, *others])

    def _shown(self, payment: wickiepay_books.Payment) -> Payment:
        details = items.details_of(payment.item)
        return Payment(
            uuid=payment.uuid,
            reference=payment.reference,
            type=payment.type,
            status=payment.status,
            order_status=self._order_status(payment),
            display=_amount(payment.display),
            paid=_amount(payment.paid),
            updated_at=payment.updated_at,
            transactions=details.get("transactions"),
            metadata=details.get("metadata"),
        )

    # --- Accounts --------------------------------------------------------------------------------
    def balances(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """The accounts that ever had an entry, each with its balances, in no order, read as they are asked for."""
        for pk, some in groupby(self._scan(items.BALANCE), key=lambda item: item["pk"]["S"]):
            account = pk.removeprefix(items.BALANCE)
            balances = {item["sk"]["S"]: _number(item) for item in some}
            if bounded(account) != account:  # a hash, which says nothing to people
                account = next((entry.account_as_sent for entry in self.credits_to(account)), account)
            yield account, balances

    def account(self, account: str) -> Account:
        """The entries of an account and its balances; both empty for an unknown account."""
        balances = self._books.balance(account, consistent=True).amounts
        entries = [entry for text in key_texts(account) for entry in self.credits_to(text)]
        return Account(
            account,
            {currency: plain(amount) for currency, amount in balances.items()},
            [_entry(entry) for entry in sorted(entries, key=lambda entry: (entry.at, entry.uuid or ""))],
        )

    def credits_of(self, uuid: str) -> list[items.Entry]:
        """The entries that the events of a uuid made, read consistently; `uuid` is as a key has it."""
        return items.entries_of(self.partition(items.CREDIT + uuid))

    def credits_to(self, account: str) -> Iterator[items.Entry]:
        """The entries of an account, by whomever, found by an index that lags behind; `account` is as a key has it."""
        keys = chain(self._keys_of(account, items.CREDIT), self._keys_of(account, items.ADJUSTMENT))
        return map(items.entry_of, items_of(self._client, self._table, keys))

    def adjustment(self, adjustment: str) -> Adjustment | None:
        """An operator's entry by its id, or None."""
        found = items_of(self._client, self._table, [items.adjustment_key(adjustment)])
        return next(map(items.adjustment_of, found), None)

    # --- Resources -------------------------------------------------------------------------------
    def resources(self, resource: str, kinds: Iterable[str]) -> list[Resource]:
        """The resources with this uuid, of all `kinds`."""
        keys = (items.resource_key(kind, text) for kind in kinds for text in spellings(resource))
        return [items.resource_of(item) for item in items_of(self._client, self._table, keys)]

    # --- One call each ---------------------------------------------------------------------------
    def partition(self, pk: str) -> Iterator[Item]:
        """The items with a partition key, read consistently."""
        return partition(self._client, self._table, "pk", pk)

    def _scan(self, prefix: str) -> Iterator[Item]:
        """The items of a kind, with those of one partition together."""
        return every(
            self._client,
            "scan",
            TableName=self._table,
            FilterExpression="begins_with(pk, :prefix)",
            ExpressionAttributeValues={":prefix": {"S": prefix}},
        )

    def _keys_of(self, reference: str, prefix: str) -> Iterator[Item]:
        """The keys of the items of a kind that have this reference; an entry's is its account."""
        found = every(
            self._client,
            "query",
            TableName=self._table,
            IndexName="by_reference",
            KeyConditionExpression="#reference = :reference AND begins_with(pk, :prefix)",
            ExpressionAttributeNames={"#reference": "reference"},  # a reserved word
            ExpressionAttributeValues={":reference": {"S": reference}, ":prefix": {"S": prefix}},
        )
        return ({"pk": item["pk"], "sk": item["sk"]} for item in found)


def _by_time(payment: wickiepay_books.Payment) -> tuple[str, str, bool]:
    return payment.updated_at, payment.uuid, not payment.channel


def _told(
    payments: Iterable[wickiepay_books.Payment], advance: Callable[[int], None]
) -> Iterator[wickiepay_books.Payment]:
    for number, payment in enumerate(payments, 1):
        yield payment
        if number % STEP == 0:
            advance(STEP)


def _entry(entry: items.Entry) -> Entry:
    return Entry(
        kind="adjustment" if entry.adjustment else "credit",
        uuid=entry.uuid,
        event=entry.event,
        currency=entry.currency,
        amount=plain(entry.amount),
        at=entry.at,
        id=entry.adjustment,
        by=entry.by,
        why=entry.why,
    )


def _amount(money: Money | None) -> Amount | None:
    return Amount(money.currency, plain(money.amount)) if money else None


def _number(item: Item) -> str:
    return plain(Decimal(item["amount"]["N"]))
