"""The keys and attributes of the ledger table. Only this module writes and reads them; docs/ledger.md documents them.

    payment#UUID      #payment    what all events say of a customer's payment or a payout
    payment#UUID      #channel    what all events say of a payment into a channel
    payment#UUID      PART        the same, as versions of this listener up to 0.1 kept it
    resource#KIND#ID  -           the state of anything else
    credit#UUID       PART        an entry: what a payment added to an account
    adjustment#ID     -           an entry: what an operator added to an account
    balance#ACCOUNT   CURRENCY    the sum of an account's entries

PART is the transaction as it was sent, or `-`, followed by `!` and a content hash for a second credit. The index
`by_reference` finds payments by the merchant's reference, and entries by their account. If a text cannot be part of a
key, the key holds its hash (`wickiepay.identity.bounded`), and the attribute `reference_as_sent` or `account_as_sent`
holds the text.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wickiepay.decimals import plain
from wickiepay.delivery import pack, unpack
from wickiepay.dynamodb import Item, text
from wickiepay.effects import WHOLE, Credit, Family, SetPayment, SetResource
from wickiepay.event import place_and_acceptance
from wickiepay.identity import bounded
from wickiepay.payments import Directions, Field, Payment, merge, slot_of
from wickiepay.spelling import canonical, normal_spelling

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

PAYMENT: Final = "payment#"
CREDIT: Final = "credit#"
ADJUSTMENT: Final = "adjustment#"
BALANCE: Final = "balance#"
RESOURCE: Final = "resource#"
"""The prefix of the partition key for each kind of item."""

_FAMILIES: Final[Mapping[Family, str]] = {"payment": "#payment", "channel": "#channel"}
_SECOND: Final = "!"
_OLD_HASH_DIGITS: Final = 16


class Row(NamedTuple):
    """The state of a payment in the table. `version` counts the writes of its item, and is 0 if there is none.

    `stored` is what the item itself says. `payment` joins it with the separate items of older versions.
    """

    version: int
    payment: Payment
    stored: Payment


@dataclass(frozen=True, slots=True)
class Entry:
    """An amount added to an account by an event of the payment `uuid`, or by an operator (as `adjustment`).

    `account` is the form in keys, and `account_as_sent` the form that people know.
    """

    uuid: str | None
    part: str
    account: str
    account_as_sent: str
    currency: str
    amount: Decimal
    at: str
    event: str
    event_key: str | None
    adjustment: str | None = None
    by: str | None = None
    why: str | None = None

    @property
    def transaction(self) -> str | None:
        """The transaction in its normal spelling, or None."""
        sent = self.part.partition(_SECOND)[0]
        return None if sent == WHOLE else normal_spelling(sent.strip())

    @property
    def second(self) -> bool:
        """Whether it was asked for in addition to an earlier credit of the payment."""
        return _SECOND in self.part


# --- Keys ----------------------------------------------------------------------------------------
def key(pk: str, sk: str) -> dict[str, "AttributeValueTypeDef"]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def payment_key(uuid: str, family: Family) -> dict[str, "AttributeValueTypeDef"]:
    return key(PAYMENT + uuid, _FAMILIES[family])


def payment_keys(payment: SetPayment | Credit) -> list[dict[str, "AttributeValueTypeDef"]]:
    """The keys of a payment's item and of the items of older versions."""
    old = [key(PAYMENT + uuid, part) for uuid in _uuids(payment) for part in {WHOLE, payment.spellings.part}]
    return [payment_key(payment.uuid, payment.family), *old]


def payment_partitions(payment: SetPayment | Credit) -> list[str]:
    return [PAYMENT + uuid for uuid in _uuids(payment)]


def credit_partitions(payment: SetPayment | Credit) -> list[str]:
    return [CREDIT + uuid for uuid in _uuids(payment)]


def balance_key(account: str, currency: str) -> dict[str, "AttributeValueTypeDef"]:
    """The key of a balance. `account` is as it was sent, or as in a key."""
    return key(BALANCE + bounded(account), currency)


def adjustment_key(adjustment: str) -> dict[str, "AttributeValueTypeDef"]:
    return key(ADJUSTMENT + bounded(adjustment), WHOLE)


def resource_key(kind: str, resource_id: str) -> dict[str, "AttributeValueTypeDef"]:
    return key(f"{RESOURCE}{kind}#{resource_id}", WHOLE)


def second_part(part: str, content_hash: bytes) -> str:
    """The part of a second credit, next to the entry at `part`."""
    return f"{part}{_SECOND}{content_hash.hex()}"


def family_of(item: Item) -> Family:
    """The kind of payment that an item is about."""
    for family, sk in _FAMILIES.items():
        if item["sk"]["S"] == sk:
            return family
    return "channel" if item["event"]["S"].startswith("channel.") else "payment"


def payment_uuid(item: Item) -> str:
    """The uuid of the payment that an item or an entry is about."""
    return normal_spelling(item["pk"]["S"].partition("#")[2])


def is_older(item: Item) -> bool:
    """Whether an item of a payment is in the form of versions up to 0.1."""
    return item["sk"]["S"] not in _FAMILIES.values()


def _uuids(payment: SetPayment | Credit) -> list[str]:
    return list(dict.fromkeys((payment.uuid, payment.spellings.uuid)))


# --- Payments ------------------------------------------------------------------------------------
def row_of(items: Iterable[Item], family: Family) -> Row:
    """The joined state of all items of one payment, including those of older versions."""
    version, stored, payment = 0, Payment(), Payment()
    for item in items:
        if family_of(item) != family:
            continue
        if item["sk"]["S"] == _FAMILIES[family]:
            version, stored = int(item["version"]["N"]), _payment(item)
            payment = merge(payment, stored)
        else:
            payment = merge(payment, _old_payment(item))
    return Row(version, payment, stored)


def payment_item(uuid: str, family: Family, payment: Payment, version: int) -> dict[str, "AttributeValueTypeDef"]:
    """The item of a payment. A usual one stays under 1 KB (one write unit)."""
    reference = payment.value("reference")
    last = payment.value("last") or " "
    moment, _, event = last.partition(" ")
    item: dict[str, AttributeValueTypeDef] = {
        **payment_key(uuid, family),
        **_texts(
            uuid=uuid,
            **_as_sent("reference", reference),
            type=payment.directions.effective,
            status=payment.value("status"),
            **_money("display", payment.value("display")),
            **_money("paid", payment.value("paid")),
            event=event,
            updated_at=moment,
            sources=_sources(payment),
            directions=_directions_text(payment.directions),
        ),
        "version": {"N": str(version)},
    }
    details = {name: json.loads(value) for name in _PACKED if (value := payment.value(name))}
    if details:
        item["details"] = {"B": pack(canonical(details))}
    if payment.amounts:
        item["amounts"] = {"SS": sorted(payment.amounts)}
    for name in _FLAGS:
        if getattr(payment, name):
            item[name] = {"BOOL": True}
    return item


_FLAGS: Final = ("underpaid", "money_came", "credited")
_PACKED: Final[tuple[Field, Field]] = ("transactions", "metadata")


def details_of(item: Item) -> dict[str, Any]:
    """The transactions and metadata in a payment's item, with numbers as text; empty if it has none."""
    details: dict[str, Any] = json.loads(unpack(item["details"]["B"])) if "details" in item else {}
    return details


def _sources(payment: Payment) -> str:
    """Position of an event → the fields that it supplied, as JSON text."""
    sources: dict[str, list[str]] = {}
    for name, (position, _) in sorted(payment.fields.items()):
        sources.setdefault(position, []).append(name)
    return json.dumps({position: " ".join(names) for position, names in sources.items()}, separators=(",", ":"))


def _directions_text(directions: Directions) -> str | None:
    if not directions.said and not directions.slots and directions.slots is not None:
        return None
    slots = None if directions.slots is None else {slot: list(said) for slot, said in sorted(directions.slots.items())}
    return json.dumps(
        {"said": sorted(directions.said), **({"slots": slots} if slots != {} else {})}, separators=(",", ":")
    )


def _payment(item: Item) -> Payment:
    values: dict[str, str | None] = {
        "status": text(item, "status"),
        "reference": text(item, "reference_as_sent") or text(item, "reference"),
        "display": _money_text(item, "display"),
        "paid": _money_text(item, "paid"),
        "last": f"{text(item, 'updated_at')} {text(item, 'event')}",
        **{name: canonical(value).decode() for name, value in details_of(item).items()},
    }
    fields: dict[Field, tuple[str, str]] = {}
    for position, names in json.loads(text(item, "sources") or "{}").items():
        for name in names.split(" "):
            fields[name] = (position, values.get(name) or "")
    directions = json.loads(text(item, "directions") or "{}")
    slots = directions.get("slots", {})
    return Payment(
        fields=fields,
        directions=Directions(
            said=frozenset(directions.get("said", ())),
            slots=None if slots is None else {slot: (at, letters) for slot, (at, letters) in slots.items()},
        ),
        amounts=frozenset(item["amounts"]["SS"]) if "amounts" in item else frozenset(),
        **{name: name in item for name in _FLAGS},
    )


def _old_payment(item: Item) -> Payment:
    """The state in an older version's item. It wrote IN for everything but OUT, so its IN says nothing."""
    stage, _, place = item["position"]["S"].partition("|")
    before, _, content = place.rpartition("|")
    place = f"{before}|{content[:_OLD_HASH_DIGITS]}"
    position = f"{stage}|{place}"
    event = item["event"]["S"]
    came = event.startswith("channel.") or event in {"payment.underpaid", "payment.completed"}
    values: dict[Field, str | None] = {
        "status": text(item, "status"),
        "reference": text(item, "reference"),
        "display": _money_text(item, "display"),
        "paid": _money_text(item, "paid") if came else None,
        "last": f"{item['updated_at']['S']} {event}",
    }
    out = item["type"]["S"] == "OUT"
    return Payment(
        fields={name: (position, value) for name, value in values.items() if value is not None},
        directions=Directions(
            said=frozenset({"OUT"} if out else ()),
            slots={slot_of(place_and_acceptance(place)[0]): ("", "O")} if out else {},
        ),
        underpaid=event == "payment.underpaid",
        money_came=came,
    )


# --- Resources, entries, balances ----------------------------------------------------------------
def resource_item(resource: SetResource) -> dict[str, "AttributeValueTypeDef"]:
    return {
        **resource_key(resource.kind, resource.id),
        **_texts(
            position=resource.position,
            status=resource.status,
            data=resource.data,
            event=resource.event,
            updated_at=resource.moment,
        ),
    }


@dataclass(frozen=True, slots=True)
class Resource:
    """The state of anything but a payment. `data`, with numbers as text, is its event's, or None if too large."""

    kind: str
    id: str
    status: str | None
    event: str
    updated_at: str
    data: Any


def resource_of(item: Item) -> Resource:
    """The resource in an item."""
    kind, _, resource_id = item["pk"]["S"].removeprefix(RESOURCE).partition("#")
    data = text(item, "data")
    return Resource(
        kind=kind,
        id=resource_id,
        status=text(item, "status"),
        event=item["event"]["S"],
        updated_at=item["updated_at"]["S"],
        data=json.loads(data) if data else None,
    )


def entry_item(credit: Credit) -> dict[str, "AttributeValueTypeDef"]:
    """The entry that a credit makes. Its `reference` is the account in the form of keys."""
    return {
        **key(CREDIT + credit.uuid, credit.entry),
        **_texts(
            reference=bounded(credit.account),
            account_as_sent=credit.account if bounded(credit.account) != credit.account else None,
            uuid=credit.uuid,
            currency=credit.currency,
            event=credit.event,
            event_key=credit.event_key,
            at=credit.moment,
        ),
        "amount": {"N": plain(credit.amount)},
    }


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An operator's entry: `amount` (of any sign) is added to the balance of `account`, once for its `id`.

    `uuid` is the payment that it corrects, or None; `at` an instant as `wickiepay.clock.instant` writes it.
    """

    id: str
    account: str
    currency: str
    amount: Decimal
    why: str
    by: str
    at: str
    uuid: str | None = None


ADJUSTED: Final = "ledger.adjusted"
"""The event name in an operator's entry."""


def adjustment_item(adjustment: Adjustment) -> dict[str, "AttributeValueTypeDef"]:
    account = bounded(adjustment.account)
    return {
        **adjustment_key(adjustment.id),
        **_texts(
            id=adjustment.id,
            reference=account,
            account_as_sent=adjustment.account if account != adjustment.account else None,
            uuid=adjustment.uuid,
            currency=adjustment.currency,
            event=ADJUSTED,
            at=adjustment.at,
            by=adjustment.by,
            why=adjustment.why,
        ),
        "amount": {"N": plain(adjustment.amount)},
    }


def adjustment_of(item: Item) -> Adjustment:
    """The adjustment in an item."""
    return Adjustment(
        id=item["id"]["S"],
        account=text(item, "account_as_sent") or item["reference"]["S"],
        currency=item["currency"]["S"],
        amount=Decimal(item["amount"]["N"]),
        why=item["why"]["S"],
        by=item["by"]["S"],
        at=item["at"]["S"],
        uuid=text(item, "uuid"),
    )


def same_adjustment(one: Item, other: Item) -> bool:
    """Whether two adjustments with the same id add the same amount to the same account."""
    names = ("reference", "currency", "uuid")
    same = all(one.get(name) == other.get(name) for name in names)
    return same and Decimal(one["amount"]["N"]) == Decimal(other["amount"]["N"])


def alias_item(credit: Credit) -> dict[str, "AttributeValueTypeDef"]:
    """A placeholder at the key that versions up to 0.1 would give to a credit whose uuid was sent in capitals.

    If such a version takes over again, it finds the item and credits nothing. It is no entry: it adds nothing.
    """
    return {**key(CREDIT + credit.spellings.uuid, credit.entry), "alias_of": {"S": credit.uuid}}


def entries_of(items: Iterable[Item]) -> list[Entry]:
    """The entries among the items in a payment's credit partition."""
    return [entry_of(item) for item in items if is_entry(item)]


def is_entry(item: Item) -> bool:
    """Whether an item is an entry, made by a payment or by an operator."""
    return item["pk"]["S"].startswith((CREDIT, ADJUSTMENT)) and "amount" in item


def entry_of(item: Item) -> Entry:
    """The entry in an item."""
    pk = item["pk"]["S"]
    account = item["reference"]["S"]
    return Entry(
        uuid=text(item, "uuid"),
        part=item["sk"]["S"],
        account=account,
        account_as_sent=text(item, "account_as_sent") or account,
        currency=item["currency"]["S"],
        amount=Decimal(item["amount"]["N"]),
        at=item["at"]["S"],
        event=item["event"]["S"],
        event_key=text(item, "event_key"),
        adjustment=text(item, "id") if pk.startswith(ADJUSTMENT) else None,
        by=text(item, "by"),
        why=text(item, "why"),
    )


def _money(name: str, money: str | None) -> dict[str, str]:
    if money is None:
        return {}
    currency, _, amount = money.partition(" ")
    return {f"{name}_amount": amount, f"{name}_currency": currency}


def _money_text(item: Item, name: str) -> str | None:
    currency, amount = text(item, f"{name}_currency"), text(item, f"{name}_amount")
    return f"{currency} {amount}" if currency and amount else None


def _as_sent(name: str, sent: str | None) -> dict[str, str | None]:
    if sent is None:
        return {}
    in_key = bounded(sent)
    return {name: in_key, f"{name}_as_sent": sent if in_key != sent else None}


def _texts(**attributes: str | None) -> dict[str, "AttributeValueTypeDef"]:
    return {name: {"S": value} for name, value in attributes.items() if value is not None}
