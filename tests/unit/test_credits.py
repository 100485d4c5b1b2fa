"""Whether a credit is made, from what the payment says and what it was credited before."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from wickiepay.credits import Verdict, decide
from wickiepay.effects import Credit, Spellings
from wickiepay.errors import PermanentFailure
from wickiepay.ledger_items import Entry
from wickiepay.payments import Directions, Payment

UUID: Final = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
TX, OTHER_TX = "a" * 64, "b" * 64
CONFIRMED, COMPLETED = "channel.payment.confirmed", "channel.payment.completed"
FAILED: Final = "FAILED"


def credit(
    transaction: str | None = None,
    amount: str = "100",
    *,
    named: bool = False,
    completes: bool = False,
    direction: str | None = None,
    second: str | None = None,
    flaw: str | None = None,
) -> Credit:
    """A credit; with `named` its uuid may be the channel's, `second` is the part of a second credit's entry."""
    name = COMPLETED if completes else CONFIRMED
    part = transaction or "-"
    return Credit(
        uuid=UUID,
        family="channel",
        entry=second or part,
        second=second is not None,
        transaction=transaction,
        may_be_channels=named,
        if_missing=completes,
        direction="IN" if direction == "IN" else None,
        account="user-1",
        currency="EUR",
        amount=Decimal(amount),
        flaw=flaw,
        event=name,
        event_key=name,
        moment="2026-01-15T10:25:00.000000Z",
        spellings=Spellings(UUID, part),
    )


def entry(part: str = "-", amount: str = "100", *, key: str = "other", account: str = "user-1") -> Entry:
    return Entry(UUID, part, account, account, "EUR", Decimal(amount), "2026-01-15T10:25:00.000000Z", "event", key)


IN, OUT, UNCLEAR = (
    Payment(directions=Directions(slots={"slot": ("", letter)} if letter else {})) for letter in ("", "O", "U")
)

TABLE: list[tuple[str, Credit, Payment, list[Entry], Verdict | str]] = [
    # the uuid is the payment's: every entry of it is for it
    ("nothing credited yet", credit(), IN, [], Verdict.CREDIT),
    ("its own entry", credit(), IN, [entry(key=CONFIRMED)], Verdict.STANDS),
    ("another event's entry", credit(), IN, [entry()], Verdict.DONE),
    ("a replaced transaction", credit(TX), IN, [entry(OTHER_TX)], Verdict.DONE),
    ("a transaction named later", credit(TX), IN, [entry()], Verdict.DONE),
    ("an old spelling of it", credit(TX), IN, [entry("0x" + TX.upper())], Verdict.DONE),
    ("another amount", credit(), IN, [entry(amount="90")], FAILED),
    ("another amount elsewhere", credit(TX), IN, [entry(OTHER_TX, "90")], FAILED),
    ("another account", credit(), IN, [entry(account="user-2")], FAILED),
    ("completed, credited before", credit(completes=True), IN, [entry()], Verdict.DONE),
    ("completed, credited otherwise", credit(completes=True), IN, [entry(amount="90")], Verdict.DONE),
    ("completed, not confirmed", credit(completes=True), IN, [], Verdict.CREDIT),
    # the uuid may be the channel's: a transaction may be a payment of its own
    ("its transaction", credit(TX, named=True), IN, [entry(TX)], Verdict.DONE),
    ("its transaction, other amount", credit(TX, named=True), IN, [entry(TX, "90")], FAILED),
    ("equal under another transaction", credit(TX, named=True), IN, [entry(OTHER_TX)], FAILED),
    ("other amount, other transaction", credit(TX, named=True), IN, [entry(OTHER_TX, "50")], Verdict.CREDIT),
    ("equal under none", credit(TX, named=True), IN, [entry()], FAILED),
    ("other amount under none", credit(TX, named=True), IN, [entry(amount="50")], FAILED),
    ("could not name it, equal", credit(named=True), IN, [entry(TX)], FAILED),
    ("could not name it, other amount", credit(named=True), IN, [entry(TX, "50")], FAILED),
    ("could not name it, its own", credit(named=True), IN, [entry(key=CONFIRMED)], Verdict.STANDS),
    ("completed, its transaction", credit(TX, named=True, completes=True), IN, [entry(TX, "90")], Verdict.DONE),
    ("completed, entry names none", credit(TX, named=True, completes=True), IN, [entry(amount="90")], Verdict.DONE),
    ("completed, names none", credit(named=True, completes=True), IN, [entry(TX, "90")], Verdict.DONE),
    ("completed, equal elsewhere", credit(TX, named=True, completes=True), IN, [entry(OTHER_TX)], FAILED),
    ("completed, other elsewhere", credit(TX, named=True, completes=True), IN, [entry(OTHER_TX, "5")], Verdict.CREDIT),
    # directions
    ("a payout", credit(), OUT, [], Verdict.DONE),
    ("a payout that calls itself IN", credit(direction="IN"), OUT, [], FAILED),
    ("unclear", credit(), UNCLEAR, [], FAILED),
    ("unclear, completed", credit(completes=True), UNCLEAR, [], FAILED),
    ("a payout after it was credited", credit(), OUT, [entry(key=CONFIRMED)], Verdict.STANDS),
    # what an operator asked for
    ("a second credit", credit(second="-!aa"), IN, [entry()], Verdict.CREDIT),
    ("a second credit again", credit(second="-!aa"), IN, [entry(), entry("-!aa", key=CONFIRMED)], Verdict.STANDS),
    ("a second credit's place is taken", credit(second="-!aa"), IN, [entry("-!aa", "90")], FAILED),
    ("a second credit of a payout", credit(second="-!aa"), OUT, [entry()], Verdict.DONE),
    ("the first beside a second credit", credit(), IN, [entry(key=CONFIRMED), entry("-!aa", "5")], Verdict.STANDS),
    ("the first after an old acceptance", credit(TX), IN, [entry(f"{TX}!aa")], Verdict.DONE),
    # what cannot be credited
    ("no amount", credit(amount="0", flaw="none"), IN, [], FAILED),
    ("no amount, nothing credited before", credit(amount="0", completes=True, flaw="none"), IN, [], FAILED),
    ("no amount, credited before", credit(amount="0", completes=True, flaw="none"), IN, [entry()], Verdict.DONE),
]


@pytest.mark.parametrize(
    ("made", "payment", "entries", "expected"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_what_becomes_of_a_credit(
    made: Credit, payment: Payment, entries: list[Entry], expected: Verdict | str
) -> None:
    try:
        verdict: Verdict | str = decide(made, payment, entries)
    except PermanentFailure:
        verdict = FAILED
    assert verdict == expected


def test_a_person_reads_why() -> None:
    with pytest.raises(PermanentFailure, match=r"may be the payment that was credited before"):
        decide(credit(TX, named=True), IN, [entry(OTHER_TX)])
    with pytest.raises(PermanentFailure, match=r"credited before, with another account, currency or amount"):
        decide(replace(credit(), amount=Decimal(1)), IN, [entry()])
    with pytest.raises(PermanentFailure, match=r"^Another event says that the payment is a payout\.$"):
        decide(credit(direction="IN"), OUT, [])
    with pytest.raises(PermanentFailure, match=r"^Another event .* is neither IN nor OUT, or contradicts itself\.$"):
        decide(credit(), UNCLEAR, [])
