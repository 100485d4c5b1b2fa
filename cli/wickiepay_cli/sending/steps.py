"""The flows of payments, deposits and top-ups, as deliveries. Nothing is sent here: a flow yields its steps."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Self
from uuid import UUID

from wickiepay.signature import sign
from wickiepay_cli.sending import exact_json, samples
from wickiepay_cli.sending.client import Answer, Signing
from wickiepay_cli.sending.compose import assign_all
from wickiepay_cli.sending.exact_json import Json

CONFIRMED: Final = "channel.payment.confirmed"
"""The event that credits."""

PAUSE_SECONDS: Final = 0.5
"""Pause between the deliveries of a scenario, so that a person who watches sees them arrive one by one."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The subject of a scenario: a payment or deposit, its order or account, and the instant of its last event.

    `assignments` are for the payload of every delivery, as the option --set takes them.
    """

    uuid: str
    reference: str
    now: datetime
    chance: random.Random
    assignments: Sequence[str] = ()

    @classmethod
    def of(
        cls, name: str, uuid: str | None, now: datetime, chance: random.Random, assignments: Sequence[str] = ()
    ) -> Self:
        """A cast for the scenario `name`, with `uuid` or a new one."""
        uuid = uuid or fresh_uuid(chance)
        return cls(uuid, f"{name}-{uuid[:8]}", now, chance, assignments)

    def earlier(self, seconds: float) -> Self:
        return replace(self, now=self.now - timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class Step:
    """A delivery of `event`, `pause` seconds after the one before. `note` says what is special about it.

    Its answer must have `status` and, if the listener says what became of it, `outcome` (None: any).
    """

    event: str
    body: bytes
    note: str = ""
    pause: float = PAUSE_SECONDS
    signing: Signing = sign
    status: int = 200
    outcome: str | None = None

    @property
    def takes_effect(self) -> bool:
        """Whether the books may change: not for what is refused, or expected to be a duplicate or a conflict."""
        return self.status == 200 and self.outcome is None

    def is_met_by(self, answer: Answer) -> bool:
        """Whether an answer is the expected one."""
        fits = answer.outcome is None or self.outcome in {None, answer.outcome}
        return fits and answer.status == self.status


def fresh_uuid(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def step_of(cast: Cast, event: str, **changes: Json) -> Step:
    """A delivery of the event. `changes` to its data override those of the cast."""
    envelope = exact_json.read(samples.sample(event))
    samples.refresh(envelope, cast.uuid, cast.now)
    data = samples.data_of(envelope)
    if "reference" in data:
        data["reference"] = cast.reference
    assign_all(envelope, cast.assignments)
    samples.data_of(envelope).update(changes)
    return Step(event, exact_json.write(envelope).encode())


def _in_order(cast: Cast, *events: str, **changes: Json) -> Iterator[Step]:
    """The events, one second apart, with the last one at the present."""
    for age, event in zip(reversed(range(len(events))), events, strict=True):
        yield step_of(cast.earlier(age), event, **changes)


# --- Flows --------------------------------------------------------------------------------------------
def paid(cast: Cast) -> Iterator[Step]:
    return _in_order(cast, "payment.created", "payment.processing", "payment.completed")


def underpaid_then_accepted(cast: Cast) -> Iterator[Step]:
    yield from _in_order(cast.earlier(1), "payment.created", "payment.processing", "payment.underpaid")
    underpaid = samples.data_of(exact_json.read(samples.sample("payment.underpaid")))
    money = {name: underpaid[name] for name in ("paidCurrency", "transactions")}
    yield step_of(cast, "payment.completed", **money)


def expired_then_paid(cast: Cast) -> Iterator[Step]:
    return _in_order(cast, "payment.created", "payment.expired", "payment.processing", "payment.completed")


def deposit(cast: Cast) -> Iterator[Step]:
    statuses = ("PENDING", "CONFIRMED", "COMPLETE")
    for age, (previous, status) in zip((2, 1, 0), pairwise((None, *statuses)), strict=True):
        step = step_of(cast.earlier(age), "deposit.status_change", previousStatus=previous, status=status)
        yield replace(step, note=str(status))


def topup(cast: Cast) -> Iterator[Step]:
    return _in_order(cast, "channel.payment.detected", CONFIRMED, "channel.payment.completed")


def payout(cast: Cast) -> Iterator[Step]:
    return _in_order(cast, "payment.created", "payment.processing", "payment.completed", type="OUT")
