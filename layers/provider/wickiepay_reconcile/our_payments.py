"""Reads from the ledger what it says of payments that the provider lists, with few of its attributes."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import batched
from typing import TYPE_CHECKING, Final

from wickiepay import ledger_items as ledger
from wickiepay.dynamodb import Item
from wickiepay.effects import WHOLE, Family
from wickiepay.identity import bounded, text_of
from wickiepay.money import Money
from wickiepay_api.entries import Payment
from wickiepay_reconcile.payments import OurPayment
from wickiepay_reconcile.reading import MAX_KEYS, Items

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SEEN: Final = (
    *("pk", "sk", "version", "position", "sources", "directions", "event", "updated_at"),
    *("type", "status", "reference", "reference_as_sent"),
    *("display_currency", "display_amount", "paid_currency", "paid_amount"),
)
"""The attributes that are read: neither transactions nor metadata."""


class OurPayments:
    """The payments in the ledger. `sleep` pauses before keys are read again that the table was too busy to read."""

    def __init__(self, client: "DynamoDBClient", table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._items = Items(client, table, "The ledger table", sleep)

    def beside(self, theirs: Iterable[Payment]) -> Iterator[tuple[Payment, OurPayment | None]]:
        """Each of the provider's payments, and what the ledger says of it, or None. Raises `StoreUnavailable`."""
        for some in batched(theirs, MAX_KEYS, strict=False):
            ours = self._read(ledger.payment_key(each.uuid, _family(each)) for each in some if each.uuid)
            absent = [each for each in some if each.uuid and each.uuid not in ours]
            ours |= self._read(key for each in absent for key in _other_keys(each))
            yield from ((each, _payment(ours.get(each.uuid or "", ()), _family(each))) for each in some)

    def _read(self, keys: Iterable[Item]) -> dict[str, list[Item]]:
        """The items with `keys`, by the payment's uuid."""
        found: defaultdict[str, list[Item]] = defaultdict(list)
        once = {(key["pk"]["S"], key["sk"]["S"]): key for key in keys}
        for item in self._items.read(once.values(), SEEN):
            found[ledger.payment_uuid(item)].append(item)
        return dict(found)


def _family(theirs: Payment) -> Family:
    return "channel" if theirs.channel else "payment"


def _other_keys(theirs: Payment) -> Iterator[Item]:
    """The other places of a payment: of one into a channel that the list does not name, or of versions up to 0.1."""
    uuid = theirs.uuid or ""
    families: Sequence[Family] = ("payment", "channel")
    yield from (ledger.payment_key(uuid, family) for family in families)
    sent, hash_ = text_of(theirs.data, "uuid", "id") or uuid, text_of(theirs.data, "hash", "txHash")
    for text in (uuid, bounded(sent), uuid.upper()):
        for part in (WHOLE, *((bounded(hash_), bounded(hash_.lower())) if hash_ else ())):
            yield ledger.key(ledger.PAYMENT + text, part)


def _payment(items: Sequence[Item], family: Family) -> OurPayment | None:
    """What the items of one uuid say, of that family if there are any."""
    families = [ledger.family_of(item) for item in items]
    if not families:
        return None
    payment = ledger.row_of(items, family if family in families else families[0]).payment
    return OurPayment(
        status=payment.value("status"),
        reference=payment.value("reference"),
        type=payment.directions.effective or "IN",
        displayed=_money(payment.value("display")),
        paid=_money(payment.value("paid")),
    )


def _money(text: str | None) -> Money | None:
    currency, _, amount = (text or "").partition(" ")
    return Money(currency, Decimal(amount)) if amount else None
