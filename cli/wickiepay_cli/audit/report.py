"""The whole audit: every statement is shown the tables once, and then tested."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final

from wickiepay_cli.audit.balances import BalancesAddUp
from wickiepay_cli.audit.credits import CreditedOnce, CreditsHaveEvents, EventsHaveCredits
from wickiepay_cli.audit.events import SEEN, EventsCounted, SentInTime
from wickiepay_cli.audit.orphans import NoOrphans, Orphan
from wickiepay_cli.audit.statements import MOMENT_SECONDS, Check, Statement
from wickiepay_cli.audit.tables import Tables
from wickiepay_cli.dead_letters import message_count
from wickiepay_cli.stack import Stack
from wickiepay_cli.tables import Item, scan

ENTRY: Final = ("pk", "sk", "uuid", "event_key", "reference", "currency", "amount", "at")
CREDITS_AND_BALANCES: Final[Mapping[str, Any]] = {
    "FilterExpression": "begins_with(#pk, :credit) OR begins_with(#pk, :balance)",
    "ExpressionAttributeValues": {":credit": {"S": "credit#"}, ":balance": {"S": "balance#"}},
}
"""What the statements on the ledger are shown, and no payments and resources."""

STEP: Final = 100
"""Items between two signs of life."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was counted, what holds, and what nothing will ever process (the first thousand; so many sent again)."""

    counts: Mapping[str, int]
    checks: Sequence[Check]
    orphans: Sequence[Orphan]
    repaired: int


def audit(  # noqa: PLR0913  what doctor was told, and the world
    stack: Stack,
    retention: timedelta,
    now: datetime,
    sleep: Callable[[float], None],
    *,
    repair: bool,
    seen: Callable[[int], None] = lambda _: None,
) -> Report:
    """Looks at all that is on record, and into the books. `retention` is how long a finished event stays on record.

    With `repair` orphans are sent to the consumer. `seen` is told of each few items that were looked at. Raises what
    reading a table or a queue raises.
    """
    tables = Tables(stack.dynamodb(), stack.output("EventTableName"), stack.output("LedgerTableName"))

    def pause() -> None:
        sleep(MOMENT_SECONDS)

    counted, paid = EventsCounted(tables, pause), EventsHaveCredits(tables, pause)
    orphans, unsent = NoOrphans(stack, tables, now, pause), SentInTime(tables, now, pause)
    explained, once = CreditsHaveEvents(tables, retention, now, pause), CreditedOnce(tables, pause)
    balances = BalancesAddUp(tables, pause)
    _show(scan(tables.client, tables.events, SEEN), seen, counted, paid, orphans, unsent)
    _show(scan(tables.client, tables.ledger, ENTRY, **CREDITS_AND_BALANCES), seen, explained, once, balances)
    if repair:
        orphans.repair()
    checks = [each.check() for each in (counted, explained, paid, once, balances, orphans, unsent)]
    counts = {
        **counted.counts,
        "unsent": unsent.unsent,
        "late": orphans.late,
        "dead_letters": message_count(stack.sqs(), stack.output("DeadLetterQueueUrl")),
        "credits": explained.credits,
        "balances": balances.count,
    }
    return Report(counts, checks, orphans.orphans, orphans.repaired)


def _show(items: Iterable[Item], seen: Callable[[int], None], *statements: Statement) -> None:
    for batch in batched(items, STEP, strict=False):
        for item in batch:
            for statement in statements:
                statement.see(item)
        seen(len(batch))
