"""What an event does to the books, as plain data: a handler returns it, `wickiepay.ledger` applies it.

Every effect carries a key of its own that makes applying it again harmless: a payment's state joins what all its events
say, a resource's state has a `position`, a credit the payment that it comes from. What moves money, and what does not,
is rule 4 and 6 of books.md in the design.
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
"""How much money has come, by an event's name."""

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
"""The statuses that do not contradict an event by whose name all the money has come."""

MAX_DATA_CHARACTERS: Final = 200 * 1024
"""Most resource data kept in the ledger: an item holds 400 KB, and ASCII JSON can be six times as long as its event."""

MAX_SHOWN_CHARACTERS: Final = 2048
"""Longest reference or account that is shown as it was sent; of a longer one, the hash is."""


@dataclass(frozen=True, slots=True)
class SetPayment:
    """What an event says of a payment, to be joined with what its other events say.

    `position` is the event's own. `spellings` are the uuid and the transaction as older versions of this listener made
    keys of them.
    """

    uuid: str
    family: Family
    position: str
    says: Payment
    spellings: "Spellings"


class Spellings(NamedTuple):
    """The uuid as it was sent, and the transaction as it was sent (`-` where none is named): keys of older versions."""

    uuid: str
    part: str


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
    moment: str


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount above zero that is added to an account's balance, once for a payment.

    `entry` is the part under which its entry stands; `second` says that an operator asked for it besides what the
    payment was credited before. `transaction` is None where the event names none. With `may_be_channels` two
    transactions may be two payments. `if_missing`: only where nothing was credited for the payment yet. `direction` is
    IN where the event says so. `flaw` says why nothing can be credited, where that is so; amount and currency are
    without meaning then.
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
    """The event is FAILED for `reason`, once its other effects are applied: a person has to look at it."""

    reason: str


type Effect = SetPayment | SetResource | Credit | Refuse

WHOLE: Final = "-"
"""The part of an entry, or of a resource, that names no transaction."""


def position(stage: int, event: WebhookEvent) -> str:
    """Where a state stands among all states of the same thing; text order decides, and the higher one counts.

    `stage` is how far along its life the event is (0 to 99). Then comes its place, so that two events never tie and the
    winner does not depend on which of them came first.
    """
    return f"{stage:02d}|{event.place}"


def set_payment(event: WebhookEvent, stage: int, status: str, received: Received = "nothing") -> list[Effect]:
    """The payment that `event` is about has got to `stage`, and so much of its money has come.

    With a direction that is neither IN nor OUT, or a status that contradicts the name of an event by which all the
    money has come, the event is FAILED; the payment is UNCLEAR from then on.
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
        effects.append(Refuse(f"The status of the event contradicts its name: {_shortly(data.get('status'))}."))
    return effects


def set_resource(
    event: WebhookEvent, kind: str, stage: int | None = None, resource_id: str | None = None
) -> SetResource:
    """The thing of `kind` that `event` is about has got to `stage`, or else to the stage of its status.

    It is known by `resource_id`, or else by the event's uuid.
    """
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
    """The credit that `event` brings to the account which `account_field` of its data names; none for a payout.

    With `if_missing` the event credits only what no other event has credited, and nothing where it names no account or
    no amount. Otherwise such an event is FAILED, and so is one that names no payment of its own.
    """
    direction = direction_of(event)
    if direction in {"OUT", "UNCLEAR"} or not _agrees(event.data):
        return []  # what that means for the event, `set_payment` says
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
    """What the event says of its direction: blanks and the case of letters do not count; None where it says nothing."""
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
    """A reference or an account as it was sent, where it is not blank; otherwise None.

    Its hash stands for what is longer than people read, and for what no table takes: half a character (a lone
    surrogate).
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
    """An effect in short, for an event's record, its announcement and people; `superseded` where it does not stand."""
    superseded = {} if stands else {"superseded": True}
    match effect:
        case SetPayment():
            status = effect.says.value("status")
            return {"effect": "set_payment", "payment": effect.uuid, "status": status, **superseded}
        case SetResource():
            return {
                "effect": "set_resource",
                "kind": effect.kind,
                "id": effect.id,
                "status": effect.status,
                **superseded,
            }
        case Credit():
            return {
                "effect": "credit",
                "account": effect.account,
                "currency": effect.currency,
                "amount": plain(effect.amount),
                **superseded,
            }
        case Refuse():
            return {"effect": "refuse", "reason": effect.reason}
        case _:
            assert_never(effect)


def _agrees(data: Mapping[str, object]) -> bool:
    status = data.get("status")
    if status is None:
        return True
    return isinstance(status, str) and (not status.strip() or status.strip().upper() in AGREEING)


def _directions(event: WebhookEvent, direction: Direction | None, letters: str) -> Directions:
    """What the event says of the direction, under the place where it stands."""
    place, accepted_at = place_and_acceptance(event.place)
    slot = slot_of(place)
    if direction == "IN" and accepted_at:
        letters += "I"
    said: set[str] = {direction} if direction else set()
    if "U" in letters:  # by a contradicting status too: `said` alone is left where there are too many places
        said.add("UNCLEAR")
    return Directions(
        said=frozenset(said),
        slots={slot: (accepted_at, letters)} if letters or accepted_at else {},
    )


def _uuid(event: WebhookEvent) -> str:
    # Not simply the identity's: a record of an older version has the uuid as it was sent.
    return resource(event.data) or event.identity.uuid


def _family(event: WebhookEvent) -> Family:
    return "channel" if event.name.startswith("channel.") else "payment"


def spellings_of(event: WebhookEvent) -> Spellings:
    """How older versions made keys of what the event is about."""
    sent = text_of(event.data, "uuid", "id")
    paid_by = text_of(event.data, "hash", "txHash") if event.name.startswith("channel.") else None
    part = bounded(paid_by) if paid_by else WHOLE
    return Spellings(
        uuid=bounded(sent) if sent else _uuid(event),
        part=part.lower() if part.lower().startswith("0x") else part,
    )


def _shortly(value: object) -> str:
    return value[:40] if isinstance(value, str) else f"no text, but {type(value).__name__}"
