"""Compares the provider's lists of payments with the ledger. Nothing is changed: a difference is for a person.

The lists say neither when a payment changed nor when it was made, so what is under way cannot be told by its age. On a
schedule, a difference is told once it was the same in two comparisons.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final, NamedTuple

from wickiepay.clock import instant
from wickiepay.decimals import plain
from wickiepay.money import Money
from wickiepay_api.entries import Payment, PaymentStatus
from wickiepay_reconcile.asking import FEW
from wickiepay_reconcile.comparison import GRACE

ABSENT: Final = "not in the ledger"

MAX_TEXT: Final = 100
"""Most characters of a text that are compared: a longer reference is somebody's mistake."""

MAX_FOLLOWED: Final = 2000
"""Differences that are followed from one comparison to the next: an item of the table holds 400 KB."""


class OurPayment(NamedTuple):
    """What the ledger says of a payment. `paid` is None until money has come."""

    status: str | None
    reference: str | None
    type: str
    displayed: Money | None
    paid: Money | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What the provider says of a payment and what the ledger says. Both may be right: a person has to look."""

    uuid: str
    what: str
    theirs: str | None
    ours: str | None

    @property
    def digest(self) -> str:
        """A short text that another difference does not have."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Payments:
    """The payments that were compared, how many of them cannot be, and what is worth a look."""

    theirs: int
    unreadable: int
    worth_a_look: Sequence[Difference]


def compare(pairs: Iterable[tuple[Payment, OurPayment | None]]) -> Payments:
    """Compares the provider's payments with the ledger's, None for one that it does not have.

    A difference is told once, also of a payment that is listed twice, as one with two transactions may be.
    """
    number = unreadable = 0
    found: dict[Difference, None] = {}
    for theirs, ours in pairs:
        number += 1
        if theirs.uuid is None:
            unreadable += 1
        else:
            found |= dict.fromkeys(differences(theirs.uuid, theirs, ours))
    return Payments(number, unreadable, list(found))


def differences(uuid: str, theirs: Payment, ours: OurPayment | None) -> Iterator[Difference]:
    """What a person should look at.

    A payment that only began need not have sent an event yet. Of one that is PROCESSING there and not COMPLETE here,
    money is on its way, also if it expired here before.
    """
    if ours is None:
        if theirs.status != PaymentStatus.PENDING:
            yield Difference(uuid, ABSENT, theirs.status, None)
        return
    moves = theirs.status == PaymentStatus.PROCESSING and ours.status != PaymentStatus.COMPLETE
    pairs = [
        ("status", None if moves else theirs.status, ours.status),
        ("reference", theirs.reference, ours.reference),
        ("type", theirs.direction, ours.type),
        ("displayed amount", _written(theirs.displayed), _written(ours.displayed)),
        # Until money has come, the provider says here what is to be paid.
        ("paid amount", _written(theirs.paid) if ours.paid and not moves else None, _written(ours.paid)),
    ]
    for what, listed, known in pairs:
        if listed is not None and _bounded(listed) != _bounded(known):
            yield Difference(uuid, what, _bounded(listed), _bounded(known))


def telling(compared: Payments, unknown_percent: float) -> tuple[Sequence[Difference], Sequence[str]]:
    """The differences to name, and for payments that are not named the end of a sentence that counts them.

    If too many are not in the ledger, the list is of more than this listener ever heard of: payments into channels are
    listed whatever their age.
    """
    different, flaws = compared.worth_a_look, list[str]()
    absent = sum(each.what == ABSENT for each in different)
    if absent > FEW and absent * 100 > unknown_percent * compared.theirs:
        different = [each for each in different if each.what != ABSENT]
        flaws.append(f"{absent} of {compared.theirs} are not in the ledger, which is more than {unknown_percent:g} %.")
    if compared.unreadable:
        flaws.append(f"{compared.unreadable} of {compared.theirs} have no uuid that can be read.")
    return different, flaws


def followed(found: Iterable[Difference], known: Mapping[str, str], now: datetime, *, whole: bool) -> Mapping[str, str]:
    """Since when each difference is known, by its digest; `known` is what the comparison before knew.

    Unless the `whole` was compared, what is not among the differences may still be one.
    """
    at = instant(now)
    since = ({} if whole else dict(known)) | {each.digest: known.get(each.digest, at) for each in found}
    return dict(sorted(since.items(), key=lambda item: (item[1], item[0]))[:MAX_FOLLOWED])


def lasting(found: Iterable[Difference], since: Mapping[str, str], now: datetime) -> list[Difference]:
    """The differences that have been known for longer than anything is under way."""
    before = instant(now - GRACE)
    return [each for each in found if each.digest in since and since[each.digest] <= before]


def _written(amount: Money | None) -> str | None:
    return f"{plain(amount.amount)} {amount.currency}" if amount else None


def _bounded(text: str | None) -> str | None:
    return text[:MAX_TEXT] if text else text
