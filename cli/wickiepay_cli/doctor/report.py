"""The whole audit: the tables are read once for all checks, and then each check is decided."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched, takewhile
from typing import Any, Final

from wickiepay.clock import instant
from wickiepay.dynamodb import Item
from wickiepay.event_record import RECONCILER
from wickiepay.ledger_items import RESOURCE
from wickiepay.queue import Replay
from wickiepay_cli.doctor.balances import BalancesAddUp
from wickiepay_cli.doctor.checks import MOMENT_SECONDS, Check
from wickiepay_cli.doctor.credits import CreditedOnce, CreditsHaveEvents, EventsHaveCredits
from wickiepay_cli.doctor.events import SEEN, EventsCounted, SentInTime
from wickiepay_cli.doctor.orphans import NoOrphans, Orphan
from wickiepay_cli.doctor.schemes import only_scheme
from wickiepay_cli.doctor.tables import Tables
from wickiepay_cli.doctor.worth_a_look import Finding, WorthALook
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.dead_letters import message_count
from wickiepay_cli.store.dynamodb import every, only
from wickiepay_cli.store.reconciler_runs import newest_first
from wickiepay_reconcile.notes import PaymentsRun

LEDGER: Final = (
    *("pk", "sk", "uuid", "event_key", "reference", "currency", "amount", "at", "account_as_sent", "id", "by", "why"),
    *("version", "position", "type", "status", "reference_as_sent", "event", "updated_at", "sources", "directions"),
    *("display_currency", "display_amount", "paid_currency", "paid_amount", "amounts"),
    *("underpaid", "money_came", "credited"),
)
"""What is read from the ledger: everything but the payments' details and the resources' data."""

DELIVERIES: Final[Mapping[str, Any]] = {
    "FilterExpression": "#uuid <> :reconciler",
    "ExpressionAttributeValues": {":reconciler": {"S": RECONCILER}},
}

MONEY: Final[Mapping[str, Any]] = {
    "FilterExpression": "NOT begins_with(#pk, :resource)",
    "ExpressionAttributeValues": {":resource": {"S": RESOURCE}},
}

NIGHTS: Final = timedelta(days=3)
"""How long the reconciler's last word on payments counts."""

STEP: Final = 100
"""Items between two steps of the progress bar."""


@dataclass(frozen=True, slots=True)
class Report:
    """The counts, the results of the checks, what is worth a look, and the orphans.

    `since` is when kept events begin. The first thousand findings are named; `counts` has the number of each kind.
    """

    stack: str
    at: str
    since: str
    counts: Mapping[str, int]
    checks: Sequence[Check]
    worth_a_look: Sequence[Finding]
    orphans: Sequence[Orphan]
    repaired: int


def audit(  # noqa: PLR0913  what doctor was told, and the world
    stack: Stack,
    retention: timedelta,
    now: datetime,
    sleep: Callable[[float], None],
    *,
    repair: Callable[[Sequence[Orphan]], Replay] | None = None,
    seen: Callable[[int], None] = lambda _: None,
) -> Report:
    """Audits all records and the books. `retention` is how long a finished event stays on record.

    With `repair` orphans are sent to the consumer, as `NoOrphans.repair` says. `seen` gets the number of each few.
    Raises what reading a table or a queue raises.
    """
    tables = Tables(stack.dynamodb(), stack.output("EventTableName"), stack.output("LedgerTableName"))

    def pause() -> None:
        sleep(MOMENT_SECONDS)

    counted, paid = EventsCounted(tables, pause), EventsHaveCredits(tables, pause)
    orphans, unsent = NoOrphans(stack, tables, now, pause), SentInTime(tables, now, pause)
    explained, once = CreditsHaveEvents(tables, retention, now, pause), CreditedOnce(tables, pause)
    balances, look = BalancesAddUp(tables, pause), WorthALook(tables, now)
    of_events = [each.see for each in (counted, paid, orphans, unsent)]
    of_ledger = [each.see for each in (explained, once, balances, look)]
    records = every(tables.client, "scan", TableName=tables.events, **only(SEEN), **DELIVERIES)
    _show(records, seen, *of_events, look.see_record)
    _show(every(tables.client, "scan", TableName=tables.ledger, **only(LEDGER), **MONEY), seen, *of_ledger)
    if scheme := only_scheme(stack, now):
        look.note(Finding("one-scheme-only", scheme=scheme))
    if compared := _compared(tables, now):
        look.see_payments(compared)
    if repair:
        orphans.repair(repair)
    checks = [each.check() for each in (counted, explained, paid, once, balances, orphans, unsent)]
    found = look.finish(tables.references)
    counts = {
        **counted.counts,
        "unsent": unsent.unsent,
        "late": orphans.late,
        "dead_letters": message_count(stack.sqs(), stack.output("DeadLetterQueueUrl")),
        "credits": explained.credits,
        "balances": balances.count,
        **look.counts,
    }
    since = instant(now - retention)
    return Report(stack.name, instant(now), since, counts, checks, found, orphans.orphans, orphans.repaired)


def retention_days_of(found: Stack) -> int:
    try:
        return int(found.parameters["EventRetentionDays"])
    except KeyError:
        raise CommandError(
            f"The stack {found.name} does not say how long it keeps events: give --retention-days."
        ) from None


def _compared(tables: Tables, now: datetime) -> PaymentsRun | None:
    """What the reconciler's last night says of payments, or None: not every stack has one, and it may be gone."""
    recent = takewhile(lambda each: each[0] >= instant(now - NIGHTS), newest_first(tables.client, tables.events))
    return next((run.payments for _, run in recent if run.payments), None)


def _show(items: Iterable[Item], seen: Callable[[int], None], *see: Callable[[Item], None]) -> None:
    for batch in batched(items, STEP, strict=False):
        for item in batch:
            for show in see:
                show(item)
        seen(len(batch))
