"""What an event does to the books, as plain data: a handler returns it, `wickiepay.ledger` applies it.

Every effect carries a key of its own that makes applying it again harmless: a state its `position`, a credit the
payment that it comes from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, assert_never

from wickiepay.clock import ABSENT
from wickiepay.decimals import plain
from wickiepay.errors import PermanentFailure
from wickiepay.event import WebhookEvent
from wickiepay.identity import identifier, transaction_hash
from wickiepay.money import Money, money, money_to_credit

type Direction = Literal["IN", "OUT"]
type OrderStatus = Literal["PENDING", "UNDERPAID", "EXPIRED", "CANCELLED", "PAID"]

WHOLE: Final = "-"
"""The `part` of a payment that names no blockchain transaction: the payment as a whole."""

STAGES: Final[Mapping[str, int]] = {
    "PENDING": 10,
    "CREATED": 10,
    "PROCESSING": 20,
    "CONFIRMED": 50,
    "APPROVED": 50,
    "CANCELLED": 80,
    "EXPIRED": 80,
    "FAILED": 80,
    "REJECTED": 80,
    "COMPLETE": 90,
    "COMPLETED": 90,
}
"""How far along its life a thing of this status is, where its event's name does not say."""

MAX_DATA_CHARACTERS: Final = 200 * 1024
"""Of a resource's data in the books: an item holds 400 KB, and JSON in ASCII can be six times its event."""

UNKNOWN_STAGE: Final = 40
"""Of any other status: under way, ordered by time among its like."""


@dataclass(frozen=True, slots=True)
class SetPayment:
    """The whole state of a payment. `order_status` is None where it pays no order: a payout, or a channel's payment."""

    uuid: str
    part: str
    position: str
    type: Direction
    status: str
    order_status: OrderStatus | None
    reference: str | None
    display: Money | None
    paid: Money | None
    event: str
    occurred_at: str | None


@dataclass(frozen=True, slots=True)
class SetResource:
    """The whole state of anything else: a deposit, an address, an asset's balance at the provider.

    `data` is the event's, as JSON; None where it is too large for an item. The event's own record holds it all.
    """

    kind: str
    id: str
    position: str
    status: str | None
    data: str | None
    event: str
    occurred_at: str | None


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount above zero that is added to an account's balance, once for a payment's uuid and part."""

    uuid: str
    part: str
    account: str
    currency: str
    amount: Decimal
    event: str
    event_key: str
    occurred_at: str | None


type Effect = SetPayment | SetResource | Credit


def position(stage: int, event: WebhookEvent) -> str:
    """Where a state stands among all states of the same thing; text order decides, and the higher one counts.

    `stage` is how far along its life the event is (0 to 99). Then come its time, as the sender gave it, and its
    identity and content, so that two events never tie and the winner does not depend on which of them came first.
    """
    return f"{stage:02d}|{event.occurred_at or ABSENT}|{event.event_key}|{event.data_hash.hex()}"


def set_payment(event: WebhookEvent, stage: int, status: str, order_status: OrderStatus | None = None) -> SetPayment:
    """The payment that `event` is about has got to `stage`. A payout (type OUT) pays no order."""
    direction: Direction = "OUT" if _type(event) == "OUT" else "IN"
    return SetPayment(
        uuid=event.uuid,
        part=payment_part(event) if event.name.startswith("channel.") else WHOLE,
        position=position(stage, event),
        type=direction,
        status=status,
        order_status=order_status if direction == "IN" else None,
        reference=identifier(event.data, "reference"),
        display=money(event.data, "displayCurrency"),
        paid=money(event.data, "paidCurrency"),
        event=event.name,
        occurred_at=event.occurred_at,
    )


def set_resource(
    event: WebhookEvent, kind: str, stage: int | None = None, resource_id: str | None = None
) -> SetResource:
    """The thing of `kind` that `event` is about has got to `stage`, else to the stage of its status.

    It is known by `resource_id`, else by the event's uuid.
    """
    status = identifier(event.data, "status", "state")
    if stage is None:
        stage = STAGES.get((status or "").upper(), UNKNOWN_STAGE)
    data = json.dumps(event.data, default=plain)
    return SetResource(
        kind=kind,
        id=resource_id or event.uuid,
        position=position(stage, event),
        status=status,
        data=data if len(data) <= MAX_DATA_CHARACTERS else None,
        event=event.name,
        occurred_at=event.occurred_at,
    )


def credit(event: WebhookEvent, account_field: str) -> list[Credit]:
    """The credit that `event` brings to the account which `account_field` of its data names; none for a payout.

    Raises `PermanentFailure` where it names no account, or no amount that can be credited.
    """
    direction = _type(event)
    if direction == "OUT":
        return []
    if direction != "IN":
        raise PermanentFailure("The event is of a type that is neither IN nor OUT.")
    *outer, field = account_field.split(".")
    holder: object = event.data
    for name in outer:
        holder = holder.get(name) if isinstance(holder, Mapping) else None
    account = identifier(holder, field) if isinstance(holder, Mapping) else None
    if account is None:
        raise PermanentFailure(f"The event names no account: data.{account_field} is missing.")
    amount = money_to_credit(event.data)
    return [
        Credit(
            uuid=event.uuid,
            part=payment_part(event),
            account=account,
            currency=amount.currency,
            amount=amount.amount,
            event=event.name,
            event_key=event.event_key,
            occurred_at=event.occurred_at,
        )
    ]


def describe(effect: Effect) -> dict[str, str | None]:
    """An effect in short, for an event's record and for people."""
    match effect:
        case SetPayment():
            return {"effect": "set_payment", "payment": effect.uuid, "status": effect.status}
        case SetResource():
            return {"effect": "set_resource", "kind": effect.kind, "id": effect.id, "status": effect.status}
        case Credit():
            return {
                "effect": "credit",
                "account": effect.account,
                "currency": effect.currency,
                "amount": plain(effect.amount),
            }
        case _:
            assert_never(effect)


def _type(event: WebhookEvent) -> str:
    """IN (the customer pays) or OUT (a payout), or whatever else the event says of itself; IN where it says nothing."""
    return (identifier(event.data, "type") or "IN").upper()


def payment_part(event: WebhookEvent) -> str:
    """What tells two payments of one uuid apart, in case the uuid is the channel's: their transaction.

    A conflicting delivery that an operator has accepted (its key says so) is, by that word, a payment of its own.
    """
    part = transaction_hash(event.data) or WHOLE
    return f"{part}!{event.data_hash.hex()}" if "!" in event.event_key else part
