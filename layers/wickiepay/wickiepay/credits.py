"""Whether a credit is made: pure, from what the payment says and what it was credited before (books.md, section 6)."""

from collections.abc import Sequence
from enum import Enum, auto

from wickiepay.effects import Credit
from wickiepay.errors import CREDITED_OTHERWISE, MAY_BE_THE_SAME, PermanentFailure, SecondCredit
from wickiepay.identity import bounded
from wickiepay.ledger_items import Entry
from wickiepay.payments import Payment


class Verdict(Enum):
    """CREDIT: it is to be made. STANDS: this event has made it. DONE: nothing is to be credited by this event."""

    CREDIT = auto()
    STANDS = auto()
    DONE = auto()


def decide(credit: Credit, payment: Payment, entries: Sequence[Entry]) -> Verdict:
    """What becomes of `credit`, with all that the events of its payment say, and all `entries` of its uuid.

    Raises `PermanentFailure` where a person has to look at it: `SecondCredit` where earlier entries are in the way.
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
    """What an earlier credit of the payment means for this one; None where there is none in its way."""
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
    """Whether an entry can be this payment's: not where each names a transaction that may be a payment of its own."""
    if not credit.may_be_channels or credit.transaction is None or entry.transaction is None:
        return True
    return entry.transaction == credit.transaction


def _is_at(entry: Entry, credit: Credit) -> bool:
    """Whether an entry stands where the credit's own would, in whatever spelling."""
    if credit.second:
        return entry.part == credit.entry
    return not entry.second and entry.transaction == credit.transaction


def _agree(entry: Entry, credit: Credit) -> bool:
    return (entry.account, entry.currency, entry.amount) == (bounded(credit.account), credit.currency, credit.amount)


def _made_by(entry: Entry, credit: Credit) -> Verdict:
    return Verdict.STANDS if entry.event_key == credit.event_key else Verdict.DONE
