"""What is right by the rules and still worth a person's look: misplaced money, or money that waits for somebody.

Each table is read once, the index of references twice; no body is read. A thousand findings of each kind are kept.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from wickiepay import ledger_items as items
from wickiepay.clock import instant
from wickiepay.dynamodb import Item
from wickiepay.effects import Family
from wickiepay.event_record import State, identity_of, is_closed, is_question, record_of, state_of
from wickiepay.identity import bounded
from wickiepay.payments import Payment
from wickiepay_books import spellings
from wickiepay_cli.doctor.checks import NAMED
from wickiepay_cli.doctor.tables import Tables
from wickiepay_cli.store.event_records import trouble_of
from wickiepay_reconcile.notes import PaymentsRun

OPEN_AGE: Final = timedelta(days=1)
OPEN: Final = frozenset({"PENDING", "PROCESSING", "DETECTED"})

KINDS: Final = {
    "two-payments-complete": "more than one COMPLETE payment of one order",
    "completed-without-reference": "COMPLETE, and no event names an order",
    "channel-payment-not-credited": "COMPLETE in a channel, and never credited",
    "credited-more-than-once": "more than one credit of one payment",
    "completed-with-nothing": "COMPLETE with an amount of zero or less",
    "amounts-differ": "events of one payment name different amounts",
    "direction-differs": "events of one payment call it IN and OUT",
    "unclear": "neither IN nor OUT, or an event contradicts itself",
    "credited-payout": "credited, and called OUT or unclear afterwards",
    "open-too-long": "open for more than a day",
    "expired-after-money": "ended without being paid although money had come",
    "open-conflict": "waits for accept or dismiss",
    "unknown-money-event": "about a payment, and nothing here handles it",
    "being-retried": "tried and not finished",
    "provider-differs": "WickiePay says otherwise, in two nights: compared by the reconciler",
    "payments-not-compared": "the reconciler could not compare these payments in its last night",
    "one-scheme-only": "every delivery of the last 30 days used it: pin it with the parameter AcceptedSchemes",
}
"""The kinds, described for a person."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `kind` is one of `KINDS`; the other fields say what it is about, if they apply.

    `trouble` says of an event that is being retried how often it was tried, when it is tried next, and why it failed;
    of payments that were compared with the provider's, what differs, or why they could not be compared.
    """

    kind: str
    uuid: str | None = None
    reference: str | None = None
    account: str | None = None
    event_key: str | None = None
    scheme: str | None = None
    trouble: str | None = None

    @property
    def about(self) -> str:
        """What it is about, as a person looks it up."""
        what = self.reference or self.uuid or self.account or self.scheme
        if self.event_key:
            what = f"{self.event_key} of {self.uuid}"
        return f"{what} ({self.trouble})" if what and self.trouble else what or self.trouble or ""


class WorthALook:
    """Sees every item of both tables. This relies on a scan to return the items of one partition together."""

    def __init__(self, tables: Tables, now: datetime) -> None:
        self._tables = tables
        self._opened_before = instant(now - OPEN_AGE)
        self._partition: list[Item] = []
        self.counts: Counter[str] = Counter()
        self.found: list[Finding] = []

    def note(self, finding: Finding) -> None:
        self.counts[finding.kind] += 1
        if self.counts[finding.kind] <= NAMED:
            self.found.append(finding)

    def see_record(self, record: Item) -> None:
        identity, state = identity_of(record), state_of(record)
        kinds = {
            "open-conflict": is_question(record) and not is_closed(record),
            "unknown-money-event": state is State.IGNORED and identity.about_money,
            # Versions up to 0.1 do not remove the tries when they finish an event.
            "being-retried": state is State.RECEIVED and "tries" in record,
        }
        for kind, holds in kinds.items():
            if holds:
                trouble = trouble_of(record_of(record)) if kind == "being-retried" else None
                self.note(Finding(kind, uuid=identity.uuid, event_key=identity.event_key, trouble=trouble))

    def see_payments(self, compared: PaymentsRun) -> None:
        """Takes in what the reconciler found in its last night. It counts more differences than it names."""
        for each in compared.differences:
            sides = ((each.theirs, "there"), (each.ours, "here"))
            said = ", ".join(f"{what} {where}" for what, where in sides if what)
            trouble = f"{each.what}: {said}" if said else each.what
            self.note(Finding("provider-differs", uuid=each.uuid, trouble=trouble))
        self.counts["provider-differs"] += compared.lasting - len(compared.differences)
        for flaw in compared.flaws:
            self.note(Finding("payments-not-compared", trouble=flaw))

    def see(self, item: Item) -> None:
        """Takes in an item of the ledger."""
        if self._partition and self._partition[0]["pk"] != item["pk"]:
            self._look()
        self._partition.append(item)

    def finish(self, keys: Callable[[], Iterable[Item]]) -> Sequence[Finding]:
        """All findings. `keys` reads the keys of the index of references, in any order."""
        self._look()
        seen: set[int] = set()
        again: set[int] = set()
        for reference, _ in _payments_in(keys()):
            (again if hash(reference) in seen else seen).add(hash(reference))
        orders: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for reference, item in _payments_in(keys()) if again else ():
            if hash(reference) in again:
                uuid = items.payment_uuid(item)
                orders[reference][uuid] |= {items.PAYMENT + uuid, item["pk"]["S"]}
        for reference, payments in orders.items():
            if len(payments) > 1:
                self._look_at_order(reference, payments.values())
        order = list(KINDS)
        return sorted(self.found, key=lambda finding: order.index(finding.kind))

    def _look(self) -> None:
        partition, self._partition = self._partition, []
        if not partition:
            return
        pk, uuid = partition[0]["pk"]["S"], items.payment_uuid(partition[0])
        # Versions up to 0.1 spelled a uuid as it was sent.
        respelled = pk not in {items.PAYMENT + uuid, items.CREDIT + uuid}
        if pk.startswith(items.CREDIT):
            entries = items.entries_of(partition)
            if entries and respelled:
                entries += self._tables.books.credits_of(uuid)
            if len(entries) > 1:
                self.note(Finding("credited-more-than-once", uuid=uuid, account=entries[0].account_as_sent))
        if pk.startswith(items.PAYMENT):
            for family, payment in _payments(partition):
                kinds = list(self._kinds(partition, family, payment))
                if (
                    kinds
                    and respelled
                    and family in dict(_payments(list(self._tables.books.partition(items.PAYMENT + uuid))))
                ):
                    continue  # it is a part of the item there
                for kind in kinds:
                    self.note(Finding(kind, uuid=uuid, reference=payment.value("reference")))

    def _kinds(self, partition: Sequence[Item], family: Family, payment: Payment) -> Iterator[str]:
        direction, status = payment.directions.effective, payment.value("status")
        complete, customers = status == "COMPLETE", direction in {"IN", None}
        came_in = complete and customers
        ended = status in {"EXPIRED", "CANCELLED"}
        last = payment.value("last") or ""
        amounts = payment.value("display"), payment.value("paid")
        credited = partial(self._is_credited, partition, family, payment)
        holds = {
            "completed-without-reference": family == "payment" and came_in and payment.value("reference") is None,
            "channel-payment-not-credited": family == "channel" and came_in and not credited(),
            "completed-with-nothing": complete and any(map(_is_nothing, amounts)),
            "amounts-differ": payment.amounts_differ,
            "direction-differs": payment.directions.differ,
            "unclear": payment.directions.unclear,
            "credited-payout": not customers and credited(),
            "open-too-long": status in OPEN and last < self._opened_before,
            "expired-after-money": ended and payment.money_came,
        }
        return (kind for kind, is_so in holds.items() if is_so)

    def _is_credited(self, partition: Sequence[Item], family: Family, payment: Payment) -> bool:
        # Versions up to 0.1 did not note it on the payment. Newer payouts are too many to look up one by one.
        may_be_older = family == "channel" or any(map(items.is_older, partition))
        spelled = spellings(partition[0]["pk"]["S"].removeprefix(items.PAYMENT))
        return payment.credited or (may_be_older and any(map(self._tables.books.credits_of, spelled)))

    def _look_at_order(self, reference: str, payments: Iterable[set[str]]) -> None:
        """The findings on one reference (in the form of keys); `payments` are the partitions of its payments."""
        paid = [
            sent
            for partitions in payments
            for family, payment in _payments([item for pk in partitions for item in self._tables.books.partition(pk)])
            if family == "payment" and payment.value("status") == "COMPLETE"
            if payment.directions.effective in {"IN", None}
            # A key may belong to an older version's item, with a reference that the payment no longer has.
            if (sent := payment.value("reference")) and reference in {sent, bounded(sent)}
        ]
        if len(paid) > 1:
            self.note(Finding("two-payments-complete", reference=paid[0]))


def _payments_in(keys: Iterable[Item]) -> Iterator[tuple[str, Item]]:
    """The reference and the key of each payment in the index of references."""
    return ((item["reference"]["S"], item) for item in keys if item["pk"]["S"].startswith(items.PAYMENT))


def _payments(partition: Sequence[Item]) -> Iterator[tuple[Family, Payment]]:
    """The state of a payment in the items of one partition, by family."""
    families: list[Family] = ["payment", "channel"]
    for family in families:
        own = [item for item in partition if "event" in item and items.family_of(item) == family]
        if own:
            yield family, items.row_of(own, family).payment


def _is_nothing(money: str | None) -> bool:
    return money is not None and Decimal(money.partition(" ")[2]) <= 0
