"""Reads the ledger table (payments, resources, credits and balances), which `wickiepay.ledger` writes."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import nlargest
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final, Literal

from wickiepay import ledger_items as items
from wickiepay import payments
from wickiepay.decimals import plain
from wickiepay.dynamodb import Item
from wickiepay.effects import Family
from wickiepay.identity import bounded
from wickiepay.ledger_items import Adjustment, Resource
from wickiepay.payments import OrderStatus
from wickiepay_cli.store.dynamodb import every, id_texts, items_of, key_texts, partition

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


@dataclass(frozen=True, slots=True)
class _Row:
    """The join of a payment, and its identity."""

    uuid: str
    family: Family
    join: payments.Payment

    @property
    def reference(self) -> str | None:
        return self.join.value("reference")

    @property
    def updated_at(self) -> str:
        return (self.join.value("last") or "").partition(" ")[0]

    @property
    def pays(self) -> bool:
        return self.family == "payment" and self.join.directions.effective in {"IN", None}


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

    # --- Payments --------------------------------------------------------------------------------
    def payments(self, uuid_or_reference: str) -> list[Payment]:
        """The payments of this uuid or reference, in the order of their last changes."""
        found = [*self._rows(id_texts(uuid_or_reference)), *self._of_order(uuid_or_reference)]
        rows = {(row.uuid, row.family): row for row in found}
        return sorted(map(self._shown, rows.values()), key=lambda payment: (payment.updated_at, payment.uuid))

    def newest(self, limit: int, wanted: Wanted, advance: Callable[[int], None]) -> list[Payment]:
        """The payments that changed last, the newest first. Reads the whole table, but keeps only `limit` payments."""
        rows = self._wanted(wanted, advance)
        newest = nlargest(limit, rows, key=lambda row: (row.updated_at, row.uuid, row.family))
        return [self._shown(row) for row in newest]

    def all(self, wanted: Wanted, advance: Callable[[int], None]) -> Iterator[Payment]:
        """The payments in no particular order, read lazily."""
        return map(self._shown, self._wanted(wanted, advance))

    def _wanted(self, wanted: Wanted, advance: Callable[[int], None]) -> Iterator[_Row]:
        for row in _told(self._all_rows(), advance):
            if (
                (wanted.since or "") <= row.updated_at
                and (wanted.until is None or row.updated_at <= wanted.until)
                and (not wanted.statuses or row.join.value("status") in wanted.statuses)
                and (not wanted.orders or self._order_status(row) in wanted.orders)  # the one that reads
            ):
                yield row

    def _all_rows(self) -> Iterator[_Row]:
        for pk, some in groupby(self._scan(items.PAYMENT), key=lambda item: item["pk"]["S"]):
            found = list(some)
            uuid = items.payment_uuid(found[0])
            # Where an older version spelled the uuid otherwise, its items are a part of what stands under the normal
            # spelling, once there is anything.
            elsewhere = set() if pk == items.PAYMENT + uuid else {row.family for row in self._rows([uuid])}
            yield from (row for row in _joined(found) if row.family not in elsewhere)

    def _rows(self, texts: Iterable[str]) -> list[_Row]:
        """The payments of one uuid, in the spellings `texts`, read consistently."""
        return _joined([item for text in texts for item in self.partition(items.PAYMENT + text)])

    def _of_order(self, reference: str) -> list[_Row]:
        """The payments of a reference, found by an index that lags slightly behind."""
        texts = key_texts(reference)
        spellings: defaultdict[str, set[str]] = defaultdict(set)
        for key in (key for text in texts for key in self._keys_of(text, items.PAYMENT)):
            uuid = items.payment_uuid(key)
            spellings[uuid] |= {uuid, key["pk"]["S"].removeprefix(items.PAYMENT)}
        rows = (row for each in spellings.values() for row in self._rows(sorted(each)))
        # A key may belong to an older version's item, with a reference that the payment no longer has.
        return [row for row in rows if row.reference and {row.reference, bounded(row.reference)} & {*texts}]

    def _order_status(self, row: _Row) -> OrderStatus | None:
        """The status of the order that a payment pays, from all payments of its reference."""
        if not row.pays:
            return None
        alone = payments.order_status([row.join])
        if row.reference is None or alone == "PAID":
            return alone
        others = [each.join for each in self._of_order(row.reference) if each.family == "payment"]
        return payments.order_status([row.join, *others])

    def _shown(self, row: _Row) -> Payment:
        return Payment(
            uuid=row.uuid,
            reference=row.reference,
            type=row.join.directions.effective or "IN",
            status=row.join.value("status"),
            order_status=self._order_status(row),
            display=_amount(row.join.value("display")),
            paid=_amount(row.join.value("paid")),
            updated_at=row.updated_at,
            transactions=_detail(row.join.value("transactions")),
            metadata=_detail(row.join.value("metadata")),
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
        texts = key_texts(account)
        balances = [item for text in texts for item in self.partition(items.BALANCE + text)]
        entries = [entry for text in texts for entry in self.credits_to(text)]
        return Account(
            account,
            {item["sk"]["S"]: _number(item) for item in balances},
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
        keys = (items.resource_key(kind, text) for kind in kinds for text in id_texts(resource))
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


def _joined(found: Sequence[Item]) -> list[_Row]:
    """The payments in the items of one uuid."""
    families = dict.fromkeys(map(items.family_of, found))
    return [_Row(items.payment_uuid(found[0]), family, items.row_of(found, family).payment) for family in families]


def _told(rows: Iterable[_Row], advance: Callable[[int], None]) -> Iterator[_Row]:
    for number, row in enumerate(rows, 1):
        yield row
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


def _amount(money: str | None) -> Amount | None:
    return Amount(*money.split(" ")) if money else None


def _detail(text: str | None) -> Any:  # noqa: ANN401  JSON
    return None if text is None else json.loads(text)


def _number(item: Item) -> str:
    return plain(Decimal(item["amount"]["N"]))
