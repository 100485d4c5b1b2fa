"""The decision whether a credit is made, from the payment and its earlier credits. Pure (books.md, section 6)."""

from collections.abc import Sequence
from enum import Enum, auto

from wickiepay.effects import Credit
from wickiepay.errors import CREDITED_OTHERWISE, MAY_BE_THE_SAME, PermanentFailure, SecondCredit
from wickiepay.identity import bounded
from wickiepay.ledger_items import Entry
from wickiepay.payments import Payment


class Verdict(Enum):
    """CREDIT: it has to be made. STANDS: this event has already made it. DONE: this event credits nothing."""

    CREDIT = auto()
    STANDS = auto()
    DONE = auto()


def decide(credit: Credit, payment: Payment, entries: Sequence[Entry]) -> Verdict:
    """The verdict on `credit`, given the joined state of its payment and all `entries` of its uuid.

    Raises `PermanentFailure` if a person has to look at it: `SecondCredit` if earlier entries are in the way.
    """
    same_place = [entry for entry in entries if _is_at(entry, credit)]
    for entry in same_place:
        if _agree(entry, credit):
            return _made_by(entry, credit)
    if credit.flaw and not credit.if_missing:
        raise PermanentFailure(credit.flaw)
    if same_place and credit.second:
        raise SecondCredit(CREDITED_OTHERWISE)
    direction = payment.directions.effective
    if direction == "OUT" and credit.direction is None:
        return Verdict.DONE
    if direction in {"OUT", "UNCLEAR"}:
        raise PermanentFailure(f"Another event says that the payment is {_WORDS[direction]}.")
    if not credit.second:
        before = _credited_before(credit, entries)
        if before is not None:
            return before
    if credit.flaw:
        raise PermanentFailure(credit.flaw)
    return Verdict.CREDIT


_WORDS = {"OUT": "a payout", "UNCLEAR": "neither IN nor OUT, or contradicts itself"}


def _credited_before(credit: Credit, entries: Sequence[Entry]) -> Verdict | None:
    """The verdict that follows from an earlier credit of the payment, or None if none is in the way."""
    own = [entry for entry in entries if _may_be_for(entry, credit)]
    if own and credit.if_missing:
        return Verdict.DONE
    for entry in own:
        if _agree(entry, credit) and (not credit.may_be_channels or entry.transaction == credit.transaction):
            return _made_by(entry, credit)
    if any(_agree(entry, credit) for entry in entries):
        raise SecondCredit(MAY_BE_THE_SAME)
    if own:
        raise SecondCredit(CREDITED_OTHERWISE)
    return None


def _may_be_for(entry: Entry, credit: Credit) -> bool:
    """Whether an entry may be for the same payment. It is not if both name transactions that may be two payments."""
    if not credit.may_be_channels or credit.transaction is None or entry.transaction is None:
        return True
    return entry.transaction == credit.transaction


def _is_at(entry: Entry, credit: Credit) -> bool:
    """Whether an entry stands where the credit's own would, in any spelling."""
    if credit.second:
        return entry.part == credit.entry
    return not entry.second and entry.transaction == credit.transaction


def _agree(entry: Entry, credit: Credit) -> bool:
    return (entry.account, entry.currency, entry.amount) == (bounded(credit.account), credit.currency, credit.amount)


def _made_by(entry: Entry, credit: Credit) -> Verdict:
    return Verdict.STANDS if entry.event_key == credit.event_key else Verdict.DONE
