"""Ways to make a delivery cheaper, with the saving and the price of each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from analysis import prices
from analysis.cost import Costs
from analysis.figures import WriteUnits
from analysis.markdown import bill, ms, number
from analysis.prices import MILLION
from analysis.service import cpu_share
from analysis.stack import Function, Stack

ONE: Final = 1.0
USED: Final = 0.7
"""Share of a provisioned capacity that auto scaling aims at, as AWS's console suggests."""


@dataclass(frozen=True, slots=True)
class Lever:
    """`saves` of handling a million deliveries one by one, or of keeping them."""

    what: str
    saves: float
    price: str


def cheapest(stack: Stack) -> Stack:
    """With the shortest retention, and nothing logged by the platform."""
    return _short(_quiet(stack))


def leanest(units: WriteUnits) -> WriteUnits:
    """Without the index of the books."""
    return replace(units, by_reference=0)


def levers(costs: Costs, lean: Costs) -> Iterator[Lever]:
    """The effect of each lever alone; beside another one, less may be left to save.

    `lean` are the costs with lean monitoring.
    """
    stack, units = costs.stack, costs.figures.write_units
    handling = bill(costs.million(ONE))
    full = float(stack.batch_size)

    yield Lever(
        f"`EventRetentionDays` {stack.least_retention_days} instead of {stack.event_retention_days}",
        bill(costs.kept()) - bill(replace(costs, stack=_short(stack)).kept()),
        "a replay from further back finds no record, and is a new event",
    )
    requests = sum(costs.million(ONE)[part] for part in ("DynamoDB: writes", "DynamoDB: reads"))
    yield Lever(
        "DynamoDB's table class for infrequent access (not in the template)",
        (1 - prices.INFREQUENT_STORAGE) * costs.kept()["Tables and indexes"]
        + (1 - prices.INFREQUENT_REQUESTS) * requests,
        "reads and writes cost a quarter more, storage 60 % less: not worth it with a short retention",
    )
    if stack.announces:
        yield Lever(
            "`Announcements` off",
            handling - bill(replace(costs, stack=replace(stack, announces=False)).million(ONE)),
            "nothing else hears of an event",
        )
    window = stack.greatest_batching_window_seconds
    yield Lever(
        f"`ConsumerBatchingWindow` {window} instead of {stack.batching_window_seconds}, where it fills batches: from "
        f"{number(costs.service.filled_from(window))} deliveries a second on",
        handling - bill(costs.million(full)),
        f"an event waits for others, for up to {window} s",
    )
    yield Lever(
        "`SystemLogLevel: WARN` for ingest and consumer",
        handling - bill(replace(costs, stack=_quiet(stack)).million(ONE)),
        "no platform reports: the saved query of cold starts finds none",
    )
    if units.mark > 1:
        yield Lever(
            "a finished record of less than 1 KB (a shorter body, or shorter notes of the effects)",
            prices.WRITE_UNIT.of((units.mark - 1) * MILLION),
            "nothing, where bodies are short",
        )
    if units.by_reference:
        yield Lever(
            "no index `by_reference`",
            prices.WRITE_UNIT.of(units.by_reference * MILLION),
            "payments are no longer found by the merchant's reference",
        )
    capacity = prices.WRITE_CAPACITY.of(1 / 3600)
    on_demand = prices.WRITE_UNIT.of(1)
    yield Lever(
        f"DynamoDB with provisioned write capacity and auto scaling, {USED:.0%} of it used (not in the template)",
        (on_demand - capacity / USED) * units.total * MILLION,
        f"what exceeds it is refused until it has scaled, for minutes; below {capacity / on_demand:.1%} it costs more",
    )
    narrow = replace(
        costs, stack=replace(stack, consumer=replace(stack.consumer, memory_mb=stack.consumer.memory_mb // 2))
    )
    yield Lever(
        f"{narrow.stack.consumer.memory_mb} MB for the consumer",
        handling - bill(narrow.million(ONE)),
        f"an event takes {ms(narrow.service.consumer(1))} instead of {ms(costs.service.consumer(1))}, and after a cold "
        f"start {ms(narrow.service.consumer_cold())} instead of {ms(costs.service.consumer_cold())}, on "
        f"{cpu_share(narrow.stack.consumer):.3f} of a CPU; a concurrency as set takes "
        f"{number(narrow.service.takes())} a second instead of {number(costs.service.takes())}, and `ThrottleRate` "
        f"lets {number(stack.throttle_rate)} in. [Memory](performance.md#memory) and time-out would do",
    )
    yield Lever(
        "`Monitoring` lean: of a month, however many deliveries it has",
        bill(costs.month(MILLION)) - bill(lean.month(MILLION)),
        "no dashboard, and no metrics but those that ring an alarm",
    )
    half = replace(stack, ingest=replace(stack.ingest, memory_mb=stack.ingest.memory_mb // 2))
    slower = replace(costs, stack=half)
    yield Lever(
        f"{half.ingest.memory_mb} MB for ingest",
        handling - bill(slower.million(ONE)),
        f"an answer takes {ms(slower.service.ingest())} instead of {ms(costs.service.ingest())}, a cold one "
        f"{ms(slower.service.ingest_cold())} instead of {ms(costs.service.ingest_cold())}",
    )


def _short(stack: Stack) -> Stack:
    return replace(stack, event_retention_days=stack.least_retention_days)


def _quiet(stack: Stack) -> Stack:
    def without(function: Function) -> Function:
        return replace(function, platform_lines=False)

    return replace(stack, ingest=without(stack.ingest), consumer=without(stack.consumer))
