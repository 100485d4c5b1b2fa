"""A payment as the join of all its events: pure, and independent of their order (books.md, section 4).

An event makes a statement about a payment, field by field, and `merge` joins two statements. It is commutative,
associative and idempotent. A later event that says less takes nothing away.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from wickiepay.spelling import canonical

type Direction = Literal["IN", "OUT", "UNCLEAR"]
type Field = Literal["status", "reference", "display", "paid", "transactions", "metadata", "last"]

MAX_DETAIL_BYTES: Final = 8 * 1024
"""Largest `transactions` or `metadata` that is kept; something larger is kept as its hash."""

MAX_SLOTS: Final = 16
MAX_AMOUNTS: Final = 16

MANY: Final = frozenset({"many"})
"""Stands for more than `MAX_AMOUNTS` different amounts."""


@dataclass(frozen=True, slots=True)
class Directions:
    """What the events of a payment say about its direction.

    `said` holds every direction that was ever named. `slots` maps the place of a delivery to the latest statement
    there: the time of an operator's acceptance (empty for the delivery itself) and letters, O for OUT, U for UNCLEAR,
    and I for an accepted IN. So an accepted correction takes back what it corrects. `slots` is None if there would be
    more than `MAX_SLOTS` places: from then on, everything in `said` counts.
    """

    said: frozenset[str] = frozenset()
    slots: Mapping[str, tuple[str, str]] | None = field(default_factory=dict)

    def merge(self, other: "Directions") -> "Directions":
        said = self.said | other.said
        if self.slots is None or other.slots is None:
            return Directions(said, None)
        places = self.slots.keys() | other.slots.keys()
        if len(places) > MAX_SLOTS:
            return Directions(said, None)
        nothing = ("", "")
        return Directions(
            said, {place: max(self.slots.get(place, nothing), other.slots.get(place, nothing)) for place in places}
        )

    @property
    def _counting(self) -> str:
        """The letters of the directions that count."""
        if self.slots is None:
            return "".join(direction[0] for direction in self.said)
        return "".join(letters for _, letters in self.slots.values())

    @property
    def unclear(self) -> bool:
        """Whether an event is neither IN nor OUT, or has a status that contradicts its name."""
        return "U" in self._counting

    @property
    def effective(self) -> Direction | None:
        """OUT if any event says so, else UNCLEAR, else IN, or None if no event says anything."""
        counting = self._counting
        if "O" in counting:
            return "OUT"
        if "U" in counting:
            return "UNCLEAR"
        return "IN" if "I" in counting or "IN" in self.said else None

    @property
    def differ(self) -> bool:
        """Whether events call one payment IN and OUT."""
        return self.effective == "OUT" and "IN" in self.said


@dataclass(frozen=True, slots=True)
class Payment:
    """The statement of one event, or of several joined, about a payment.

    `fields` maps a field to its value as text and the position of its event: the highest position wins. `amounts` holds
    the different amounts that events name. `underpaid` and `money_came` say whether an event says so, and `credited`
    whether the payment was credited to an account.
    """

    fields: Mapping[Field, tuple[str, str]] = field(default_factory=dict)
    directions: Directions = Directions()
    amounts: frozenset[str] = frozenset()
    underpaid: bool = False
    money_came: bool = False
    credited: bool = False

    def value(self, name: Field) -> str | None:
        """The value of a field, or None."""
        return self.fields[name][1] if name in self.fields else None

    @property
    def amounts_differ(self) -> bool:
        """Whether events name different amounts of the same kind and currency."""
        kinds = [amount.rpartition(" ")[0] for amount in self.amounts]
        return self.amounts == MANY or len(set(kinds)) < len(kinds)


def merge(one: Payment, other: Payment) -> Payment:
    """The join of two statements about a payment."""
    nothing = ("", "")
    names = one.fields.keys() | other.fields.keys()
    amounts = one.amounts | other.amounts
    return Payment(
        fields={name: max(one.fields.get(name, nothing), other.fields.get(name, nothing)) for name in names},
        directions=one.directions.merge(other.directions),
        amounts=MANY if len(amounts - MANY) > MAX_AMOUNTS or MANY & amounts else amounts,
        underpaid=one.underpaid or other.underpaid,
        money_came=one.money_came or other.money_came,
        credited=one.credited or other.credited,
    )


def detail(value: object) -> str | None:
    """`transactions` or `metadata` as JSON text, or its hash if that is too long, or None if it is empty."""
    if not isinstance(value, (dict, list)) or not value:
        return None
    text = canonical(value)
    if len(text) <= MAX_DETAIL_BYTES:
        return text.decode()

    return canonical({"sha256": hashlib.sha256(text).hexdigest()}).decode()


def slot_of(place: str) -> str:
    """The name of a place in `Directions.slots`."""
    return hashlib.sha256(place.encode()).hexdigest()[:12]
