"""The scenarios of `wickiepay trigger --scenario`, and how each must end: usual flows, and what may go wrong."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Final

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.signature import sign
from wickiepay_cli.sending import steps
from wickiepay_cli.sending.exact_json import Json, Number
from wickiepay_cli.sending.steps import CONFIRMED, Cast, Step, fresh_uuid, step_of

LIVES: Final = (
    steps.paid,
    steps.underpaid_then_accepted,
    steps.expired_then_paid,
    steps.deposit,
    steps.topup,
    steps.payout,
)
"""The flows of a load test."""

LIVES_AT_ONCE: Final = 20
REFERENCES: Final = 10
DUPLICATES: Final = 0.2
DUPLICATED: Final = 100
"""In a load test: the flows that run side by side, the orders and accounts that they share, the share of duplicates
among the deliveries, and the number of latest deliveries from which duplicates are taken."""

PAYMENT, BALANCE, EVENTS = "payments show {uuid}", "balances show {reference}", "events show {uuid}"
"""Commands that show the result of a scenario."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario. `tells` says in a line what it sends and how it ends; `look` is the command that shows the result."""

    tells: str
    steps: Callable[[Cast], Iterator[Step]]
    look: str | None = None


# --- What may go wrong --------------------------------------------------------------------------------
def _out_of_order(cast: Cast) -> Iterator[Step]:
    return reversed(list(steps.paid(cast)))


def _duplicates(cast: Cast) -> Iterator[Step]:
    first = step_of(cast.earlier(1), CONFIRMED)
    yield first
    yield from [replace(first, note="the same bytes", outcome="duplicate")] * 2
    yield replace(step_of(cast, CONFIRMED), note="another time stamp", outcome="duplicate")


def _conflict(cast: Cast) -> Iterator[Step]:
    yield step_of(cast, CONFIRMED)
    other: dict[str, Json] = {"currency": "EUR", "amount": Number("999.00")}
    yield replace(step_of(cast, CONFIRMED, displayCurrency=other), note="another amount", outcome="conflict")


def _forged(cast: Cast) -> Iterator[Step]:
    forged = replace(step_of(cast, "payment.completed"), status=401)
    yield replace(forged, note="not signed", signing=lambda *_: None)
    yield replace(forged, note="no signature of 64 digits", signing=lambda *_: "forged")
    yield replace(forged, note="another secret's signature", signing=lambda body, key, how: sign(body, key + b"!", how))
    yield replace(forged, note="another body's signature", signing=lambda _, key, how: sign(b"{}", key, how))


def _oversized(cast: Cast) -> Iterator[Step]:
    genuine = step_of(cast, "payment.completed")
    yield replace(genuine, note="a byte too long", body=genuine.body.ljust(MAX_BODY_BYTES + 1), status=413)


def _storm(cast: Cast) -> Iterator[Step]:
    chance, begun = cast.chance, count()

    def life() -> Iterator[Step]:
        reference = f"{cast.reference}-{next(begun) % REFERENCES}"
        return chance.choice(LIVES)(replace(cast, uuid=fresh_uuid(chance), reference=reference))

    under_way = [chain.from_iterable(iter(life, None)) for _ in range(LIVES_AT_ONCE)]
    latest: deque[Step] = deque(maxlen=DUPLICATED)
    while True:
        if latest and chance.random() < DUPLICATES:
            yield chance.choice(latest)
        else:
            latest.append(replace(next(chance.choice(under_way)), pause=0))
            yield latest[-1]


# --- All of them --------------------------------------------------------------------------------------
STORM: Final = "storm"

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "paid": Scenario("A payment, created to completed: the order is PAID.", steps.paid, PAYMENT),
    "underpaid-then-accepted": Scenario(
        "Too little is paid, and accepted: the order is PAID.", steps.underpaid_then_accepted, PAYMENT
    ),
    "expired-then-paid": Scenario("Paid only after it expired: the order is PAID.", steps.expired_then_paid, PAYMENT),
    "deposit": Scenario("A deposit, from PENDING to COMPLETE.", steps.deposit, EVENTS),
    "topup": Scenario("A payment into a channel: its account is credited.", steps.topup, BALANCE),
    "payout": Scenario("A payment of type OUT: nobody is credited.", steps.payout, PAYMENT),
    "out-of-order": Scenario("The last event first: the order ends up PAID.", _out_of_order, PAYMENT),
    "duplicates": Scenario("One top-up delivered four times is credited once.", _duplicates, BALANCE),
    "conflict": Scenario("Two amounts at one time: the first one counts.", _conflict, EVENTS),
    "forged": Scenario("Four invalid signatures: 401, nothing is kept.", _forged),
    "oversized": Scenario("A body a byte too long: 413, nothing is kept.", _oversized),
    STORM: Scenario("Endless payments side by side, with duplicates.", _storm, "events list"),
}
