"""Reads payments, orders and balances from the ledger of a WickiePay webhook listener, as docs/ledger.md describes it.

    books = Books(boto3.Session(), "wickiepay-prod")
    books.order("order-7").status       # PAID, UNDERPAID, PENDING, EXPIRED, CANCELLED, or None
    books.payment(uuid)                 # a Payment, or None
    books.balance("customer-7").amounts  # {"EUR": Decimal("100.5")}

It needs boto3 alone, and the permission dynamodb:Query on the ledger table and its index. It writes nothing. Reads are
eventually consistent, and strongly with `consistent=True`.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, Self, cast

type OrderStatus = Literal["PENDING", "UNDERPAID", "EXPIRED", "CANCELLED", "PAID"]
type Direction = Literal["IN", "OUT", "UNCLEAR"]
type Item = Mapping[str, Any]
"""An item as DynamoDB's client returns it: {"status": {"S": "COMPLETE"}}."""

_PAYMENT: Final = "payment#"
_BALANCE: Final = "balance#"
_CHANNEL: Final = "#channel"
_JOINED: Final = ("#payment", _CHANNEL)
"""The sort keys of payments. Items of versions up to 0.1 have others."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRANSACTION: Final = re.compile(r"[0-9a-f]{64}")
_PLAIN: Final = re.compile(r'[ "$-~]{1,200}')
_HASHED: Final = "sha256:"


@dataclass(frozen=True, slots=True)
class Money:
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """What all events say of a customer's payment, of a payout, or of a payment into a `channel`.

    `paid` is None until money has arrived. The attributes mean what docs/ledger.md says; `item` has them as they are
    in the table, with those that are not documented.
    """

    uuid: str
    channel: bool
    reference: str | None
    type: Direction
    status: str | None
    display: Money | None
    paid: Money | None
    underpaid: bool
    money_came: bool
    credited: bool
    amounts: frozenset[str]
    event: str
    updated_at: str
    item: Item = field(repr=False, compare=False)

    @property
    def pays(self) -> bool:
        """Whether it counts for the status of its order."""
        return not self.channel and self.type == "IN"


@dataclass(frozen=True, slots=True)
class Order:
    """The payments of a reference, in the order of their last changes: none if it is unknown.

    `status` is None if no payment pays the order: all are payouts, unclear, or payments into a channel.
    """

    reference: str
    payments: Sequence[Payment]

    @property
    def status(self) -> OrderStatus | None:
        return order_status(self.payments)


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of an account by currency: empty if nothing was ever added to it."""

    account: str
    amounts: Mapping[str, Decimal]


class Books:
    """The ledger of the listener that is deployed as the stack `stack`, in the region of `session`, of boto3.

    Raises `LookupError` if the stack is no listener. Each read raises botocore's errors.
    """

    def __init__(self, session: Any, stack: str) -> None:  # noqa: ANN401  boto3 has no types of its own
        [found] = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
        if "LedgerTableName" not in outputs:
            raise LookupError(f"The stack {stack} has no output LedgerTableName: is it a webhook listener?")
        self._client = session.client("dynamodb")
        self._table = outputs["LedgerTableName"]

    @classmethod
    def of_table(cls, client: Any, table: str) -> Self:  # noqa: ANN401  as above
        """The ledger in a table, by a DynamoDB client: for a function that has the name from its environment."""
        books = cls.__new__(cls)
        books._client, books._table = client, table  # noqa: SLF001  made here
        return books

    def order(self, reference: str, *, also: Collection[str] = (), consistent: bool = False) -> Order:
        """The order of a merchant's reference.

        Its payments are found by an index that lags slightly behind the table. `also` names the uuids of payments that
        the index may not have yet, such as that of an announcement.
        """
        names = key_texts(reference)
        uuids: dict[str, set[str]] = {uuid: set(spellings(uuid)) for uuid in map(_normal, also)}
        for name in names:
            for key in self._query("reference", name, _PAYMENT, IndexName="by_reference"):
                uuid = key["pk"]["S"].removeprefix(_PAYMENT)
                uuids.setdefault(_normal(uuid), set()).update((uuid, _normal(uuid)))
        found = [each for texts in uuids.values() for each in self.payments(sorted(texts), consistent=consistent)]
        # A key may belong to an older version's item, with a reference that the payment no longer has.
        own = [each for each in found if each.reference and {each.reference, in_key(each.reference)} & {*names}]
        return Order(reference, sorted(own, key=_by_time))

    def payment(self, uuid: str, *, consistent: bool = False) -> Payment | None:
        """The customer's payment or the payout with a uuid, in any spelling, or None."""
        found = self.payments(spellings(uuid), consistent=consistent)
        return next((each for each in found if not each.channel), None)

    def channel_payment(self, uuid: str, *, consistent: bool = False) -> Payment | None:
        """The payment into a channel with a uuid, in any spelling, or None."""
        return next((each for each in self.payments(spellings(uuid), consistent=consistent) if each.channel), None)

    def balance(self, account: str, *, consistent: bool = False) -> Balance:
        """The balance of an account, as the events name it."""
        found = [
            item
            for name in key_texts(account)
            for item in self._query("pk", _BALANCE + name, ConsistentRead=consistent)
        ]
        return Balance(account, {item["sk"]["S"]: Decimal(item["amount"]["N"]) for item in found})

    def payments(self, texts: Iterable[str], *, consistent: bool = False) -> list[Payment]:
        """The payments of one uuid, which keys have in one of the spellings `texts`: at most one of each kind."""
        items = (item for text in texts for item in self._query("pk", _PAYMENT + text, ConsistentRead=consistent))
        return payments_in(items)

    def _query(self, name: str, value: str, prefix: str = "", **more: Any) -> Iterator[Item]:  # noqa: ANN401
        """The items whose partition key `name` has a value; in the index, those of a kind."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#name = :value" + (" AND begins_with(pk, :prefix)" if prefix else ""),
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": {":value": {"S": value}} | ({":prefix": {"S": prefix}} if prefix else {}),
            **more,
        }
        return (item for page in self._client.get_paginator("query").paginate(**request) for item in page["Items"])


def payments_in(items: Iterable[Item]) -> list[Payment]:
    """The payments in the items of one uuid.

    An item of an older version counts only if there is none of today's: that one joins what it says.
    """
    newest: dict[bool, Item] = {}
    for item in sorted(items, key=lambda item: (item["sk"]["S"] in _JOINED, item["updated_at"]["S"])):
        newest[_is_channel(item)] = item
    return [_payment(item) for item in newest.values()]


def order_status(payments: Iterable[Payment]) -> OrderStatus | None:
    """The status of an order, from all its payments, or None if none of them pays it."""
    paying = [payment for payment in payments if payment.pays]
    statuses = {payment.status for payment in paying}
    if "COMPLETE" in statuses:
        return "PAID"
    if any(payment.underpaid for payment in paying):
        return "UNDERPAID"
    if statuses & {"PENDING", "PROCESSING"}:
        return "PENDING"
    if "EXPIRED" in statuses:
        return "EXPIRED"
    return "CANCELLED" if "CANCELLED" in statuses else None


def in_key(text: str) -> str:
    """A reference, an account or an id as keys have it: some texts appear there as their hash."""
    if _PLAIN.fullmatch(text) and not text.startswith(_HASHED):
        return text
    return _HASHED + hashlib.sha256(text.encode()).hexdigest()


def key_texts(text: str) -> list[str]:
    """The texts that a reference, an account or an id may be in a key: if it was copied from a key, unchanged."""
    return [in_key(text), text] if text.startswith(_HASHED) else [in_key(text)]


def spellings(uuid: str) -> list[str]:
    """The texts that a uuid may be in a key: in its normal spelling or, in items of older versions, as it was sent."""
    normal = _normal(uuid)
    capitals = normal.upper() if _normal(normal.upper()) == normal else normal
    return list(dict.fromkeys(name for text in (normal, uuid, capitals) for name in key_texts(text)))


def _normal(uuid: str) -> str:
    """A UUID in lower case, and an id of 64 hexadecimal digits without capitals and `0x`; any other as it is."""
    folded = uuid.strip().lower()
    if _TRANSACTION.fullmatch(folded.removeprefix("0x")):
        return folded.removeprefix("0x")
    return folded if _UUID.fullmatch(folded) else uuid


def _by_time(payment: Payment) -> tuple[str, str]:
    return payment.updated_at, payment.uuid


def _is_channel(item: Item) -> bool:
    sk: str = item["sk"]["S"]
    return sk == _CHANNEL or (sk not in _JOINED and item["event"]["S"].startswith("channel."))


def _payment(item: Item) -> Payment:
    text: Callable[[str], str | None] = lambda name: item[name]["S"] if name in item else None  # noqa: E731
    status = text("status")
    return Payment(
        uuid=_normal(item["pk"]["S"].removeprefix(_PAYMENT)),
        channel=_is_channel(item),
        reference=text("reference_as_sent") or text("reference"),
        type=cast("Direction", text("type") or "IN"),
        status=status,
        display=_money(text("display_currency"), text("display_amount")),
        paid=_money(text("paid_currency"), text("paid_amount")),
        underpaid="underpaid" in item or status == "UNDERPAID",
        money_came="money_came" in item,
        credited="credited" in item,
        amounts=frozenset(item["amounts"]["SS"] if "amounts" in item else ()),
        event=item["event"]["S"],
        updated_at=item["updated_at"]["S"],
        item=item,
    )


def _money(currency: str | None, amount: str | None) -> Money | None:
    return Money(currency, Decimal(amount)) if currency and amount else None
