"""What an event does to the books, as plain data: a handler returns it, `wickiepay.ledger` applies it.

Every effect has a key of its own that makes it harmless to apply it again: a payment's state joins what all its events
say, a resource's state has a `position`, and a credit names the payment that it comes from. Rules 4 and 6 of books.md
in the design say what moves money and what does not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple, assert_never

from wickiepay.decimals import plain
from wickiepay.errors import PermanentFailure
from wickiepay.event import WebhookEvent, place_and_acceptance
from wickiepay.identity import bounded, identifier, may_be_channels, resource, text_of, transaction
from wickiepay.money import money, money_to_credit
from wickiepay.payments import Direction, Directions, Field, Payment, detail, slot_of

type Family = Literal["payment", "channel"]
type Received = Literal["nothing", "part", "all"]
"""How much of the money has come, according to an event's name."""

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
"""The stage that a status implies, where the event's name does not imply one."""

UNKNOWN_STAGE: Final = 40
"""Stage of any other status: in progress; events of this stage are ordered by time."""

AGREEING: Final = frozenset({"CONFIRMED", "COMPLETE", "COMPLETED", "PAID", "SUCCESS", "PROCESSING"})
"""The statuses that do not contradict an event whose name says that all the money has come."""

MAX_DATA_CHARACTERS: Final = 200 * 1024
"""Most resource data kept in the ledger: an item holds 400 KB, and ASCII JSON can be six times as long as its event."""

MAX_SHOWN_CHARACTERS: Final = 2048
"""Longest reference or account that is shown as it was sent. A longer one is shown as its hash."""


@dataclass(frozen=True, slots=True)
class SetPayment:
    """What an event says about a payment, to be joined with what the payment's other events say.

    `position` is the event's own. `spellings` are the uuid and the transaction as older versions wrote them in keys.
    """

    uuid: str
    family: Family
    position: str
    says: Payment
    spellings: "Spellings"


class Spellings(NamedTuple):
    """The uuid and the transaction as they were sent (`-` without a transaction), as older versions' keys have them."""

    uuid: str
    part: str


@dataclass(frozen=True, slots=True)
class SetResource:
    """The whole state of anything else: a deposit, an address, an asset's balance at the provider.

    `data` is the event's data as JSON, or None if that is too large for an item. The event's record has it in full.
    """

    kind: str
    id: str
    position: str
    status: str | None
    data: str | None
    event: str
    moment: str


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount above zero that is added to an account's balance, once for each payment.

    `entry` is the sort key (the part) of its entry. `second` says that an operator asked for it in addition to an
    earlier credit of the payment. `transaction` is the one that the event names, or None. With `may_be_channels`, two
    transactions may be two payments. `if_missing` credits only if nothing was credited for the payment yet. `direction`
    is IN if the event says so, otherwise None. `flaw` is the reason why nothing can be credited, or None; with a flaw,
    amount and currency have no meaning.
    """

    uuid: str
    family: Family
    entry: str
    second: bool
    transaction: str | None
    may_be_channels: bool
    if_missing: bool
    direction: Direction | None
    account: str
    currency: str
    amount: Decimal
    flaw: str | None
    event: str
    event_key: str
    moment: str
    spellings: Spellings


class Refuse(NamedTuple):
    """Marks the event FAILED for `reason` after its other effects are applied: a person has to look at it."""

    reason: str


type Effect = SetPayment | SetResource | Credit | Refuse

WHOLE: Final = "-"
"""The part (sort key) of an entry or a resource that names no transaction."""


def position(stage: int, event: WebhookEvent) -> str:
    """The rank of a state among all states of the same thing. Positions compare as text, and the higher one wins.

    `stage` (0 to 99) is how far it has got. The event's place comes next, so that no two events tie in any order.
    """
    return f"{stage:02d}|{event.place}"


def set_payment(event: WebhookEvent, stage: int, status: str, received: Received = "nothing") -> list[Effect]:
    """The effects of an event by which its payment reaches `stage`, and by which `received` of the money has come.

    The event is FAILED, and the payment becomes UNCLEAR, if the direction is neither IN nor OUT, or if the status
    contradicts an event whose name says that all the money has come.
    """
    data = event.data
    own = position(stage, event)
    direction = direction_of(event)
    agrees = received != "all" or _agrees(data)
    letters = (direction[0] if direction in {"OUT", "UNCLEAR"} else "") + (
        "" if agrees or direction == "UNCLEAR" else "U"
    )
    listed = detail(data.get("transactions"))
    came = agrees and (received != "nothing" or listed is not None or transaction(data) is not None)
    display, paid = money(data, "displayCurrency"), money(data, "paidCurrency") if came else None
    values: dict[Field, str | None] = {
        "status": status if agrees else None,
        "reference": shown(data, "reference"),
        "display": f"{display.currency} {plain(display.amount)}" if display else None,
        "paid": f"{paid.currency} {plain(paid.amount)}" if paid else None,
        "transactions": listed,
        "metadata": detail(data.get("metadata")),
        "last": f"{event.moment} {event.name}",
    }
    amounts = [f"display {values['display']}"] if display else []
    if paid and received != "part":
        amounts.append(f"paid {values['paid']}")
    says = Payment(
        fields={name: (own, value) for name, value in values.items() if value is not None},
        directions=_directions(event, direction, letters),
        amounts=frozenset(amounts),
        underpaid=received == "part",
        money_came=came,
    )
    effects: list[Effect] = [SetPayment(_uuid(event), _family(event), own, says, spellings_of(event))]
    if direction == "UNCLEAR":
        effects.append(Refuse("The event is of a type that is neither IN nor OUT."))
    elif not agrees:
        said = data.get("status")
        what = said[:40] if isinstance(said, str) else f"no text, but {type(said).__name__}"
        effects.append(Refuse(f"The status of the event contradicts its name: {what}."))
    return effects


def set_resource(
    event: WebhookEvent, kind: str, stage: int | None = None, resource_id: str | None = None
) -> SetResource:
    """A resource's new state; `stage` is by default that of its status, and `resource_id` the event's uuid."""
    status = identifier(event.data, "status", "state")
    if stage is None:
        stage = STAGES.get((status or "").strip().upper(), UNKNOWN_STAGE)
    data = json.dumps(event.data, default=plain)
    return SetResource(
        kind=kind,
        id=resource_id or _uuid(event),
        position=position(stage, event),
        status=status,
        data=data if len(data) <= MAX_DATA_CHARACTERS else None,
        event=event.name,
        moment=event.moment,
    )


def credit(event: WebhookEvent, account_field: str, *, if_missing: bool = False) -> list[Effect]:
    """The credit by `event` to the account that `account_field` of its data names; empty for a payout.

    With `if_missing` the event credits only what no other event has credited, and nothing if it names no account or no
    amount. Without it, such an event is FAILED. An event that names all but its payment is FAILED in both cases.
    """
    direction = direction_of(event)
    if direction in {"OUT", "UNCLEAR"} or not _agrees(event.data):
        return []  # `set_payment` says what that means for the event
    *outer, field = account_field.split(".")
    holder: object = event.data
    for name in outer:
        holder = holder.get(name) if isinstance(holder, Mapping) else None
    account = shown(holder, field) if isinstance(holder, Mapping) else None
    flaw = None
    amount = None
    try:
        amount = money_to_credit(event.data)
    except PermanentFailure as failure:
        flaw = str(failure)
    if if_missing and (account is None or (amount is None and flaw is None)):
        return []
    if resource(event.data) is None:
        return [Refuse("The event names no payment: data.uuid and data.id are missing.")]
    if account is None:
        return [Refuse(f"The event names no account: data.{account_field} is missing.")]
    if amount is None and flaw is None:
        return [Refuse("The event names no amount to credit.")]
    channel = _family(event) == "channel"
    spellings = spellings_of(event)
    return [
        Credit(
            uuid=_uuid(event),
            family=_family(event),
            entry=event.entry or spellings.part,
            second=event.entry is not None,
            transaction=transaction(event.data) if channel else None,
            may_be_channels=channel and may_be_channels(event.data),
            if_missing=if_missing,
            direction=direction,
            account=account,
            currency=amount.currency if amount else "",
            amount=amount.amount if amount else Decimal(),
            flaw=flaw,
            event=event.name,
            event_key=event.identity.event_key,
            moment=event.moment,
            spellings=spellings,
        )
    ]


def direction_of(event: WebhookEvent) -> Direction | None:
    """The direction that the event names, in any case and with blanks around it, or None if it names none."""
    said = event.data.get("type")
    if said is None:
        return None
    text = said.strip().upper() if isinstance(said, str) else "?"
    match text:
        case "":
            return None
        case "IN" | "OUT":
            return text
        case _:
            return "UNCLEAR"


def shown(data: Mapping[str, object], field: str) -> str | None:
    """A reference or an account as it was sent, or None if it is blank.

    It is replaced by its hash if it is longer than people read, or if no table accepts it (it has a lone surrogate).
    """
    text = text_of(data, field)
    if text is None:
        return None
    return text if len(text) <= MAX_SHOWN_CHARACTERS and _is_encodable(text) else bounded(text)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def describe(effect: Effect, *, stands: bool) -> dict[str, object]:
    """A short form of an effect for records, announcements and people. `superseded` marks one that does not stand."""
    said: dict[str, object]
    match effect:
        case SetPayment():
            said = {"effect": "set_payment", "payment": effect.uuid, "status": effect.says.value("status")}
        case SetResource():
            said = {"effect": "set_resource", "kind": effect.kind, "id": effect.id, "status": effect.status}
        case Credit():
            amount = plain(effect.amount)
            said = {"effect": "credit", "account": effect.account, "currency": effect.currency, "amount": amount}
        case Refuse():
            return {"effect": "refuse", "reason": effect.reason}
        case _:
            assert_never(effect)
    return said if stands else {**said, "superseded": True}


def _agrees(data: Mapping[str, object]) -> bool:
    status = data.get("status")
    if status is None:
        return True
    return isinstance(status, str) and (not status.strip() or status.strip().upper() in AGREEING)


def _directions(event: WebhookEvent, direction: Direction | None, letters: str) -> Directions:
    """What the event says about the direction, stored under the event's place."""
    place, accepted_at = place_and_acceptance(event.place)
    slot = slot_of(place)
    if direction == "IN" and accepted_at:
        letters += "I"
    said: set[str] = {direction} if direction else set()
    if "U" in letters:  # a contradicting status counts too; with too many places, `said` is all that is left
        said.add("UNCLEAR")
    return Directions(
        said=frozenset(said),
        slots={slot: (accepted_at, letters)} if letters or accepted_at else {},
    )


def _uuid(event: WebhookEvent) -> str:
    # The identity will not do: in a record of an older version it has the uuid as it was sent.
    return resource(event.data) or event.identity.uuid


def _family(event: WebhookEvent) -> Family:
    return "channel" if event.name.startswith("channel.") else "payment"


def spellings_of(event: WebhookEvent) -> Spellings:
    """The keys that older versions made for the event's payment."""
    sent = text_of(event.data, "uuid", "id")
    paid_by = text_of(event.data, "hash", "txHash") if event.name.startswith("channel.") else None
    part = bounded(paid_by) if paid_by else WHOLE
    return Spellings(
        uuid=bounded(sent) if sent else _uuid(event),
        part=part.lower() if part.lower().startswith("0x") else part,
    )
