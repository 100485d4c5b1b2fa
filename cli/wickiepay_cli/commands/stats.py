"""`wickiepay stats`: the events in figures, and as small charts."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import batched, dropwhile
from typing import Annotated, Any, Final

import typer

from wickiepay import clock
from wickiepay.clock import instant
from wickiepay.event import place_and_acceptance
from wickiepay.event_record import Record, State
from wickiepay_cli.commands.options import AsJson, OfTypes, Until, at_stack, moment, refuse_backwards
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import Share, say, scope, show_json, show_table
from wickiepay_cli.stacks.stack import Where
from wickiepay_cli.store.event_records import trouble_of
from wickiepay_cli.store.filters import Filter
from wickiepay_cli.store.statistics import Group, Span, Statistics, fitting_span, statistics

AT_FIRST: Final = timedelta(days=1)
STEP: Final = 100
"""Records between two steps of the progress bar: as many as are read at once."""


@at_stack
def stats(  # noqa: PLR0913  options
    where: Where,
    *,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment, metavar="TIME", help="Received at this time or later: 2h, 30d …", show_default="1d"
        ),
    ] = None,
    until: Until = None,
    types: OfTypes = None,
    by: Annotated[Span | None, typer.Option(help="What to count apart.", show_default="what fits the period")] = None,
    as_json: AsJson = False,
) -> None:
    """Count events by outcome, type and time, and say how long they took from receipt to PROCESSED.

    An accepted conflict counts from its acceptance. Hours and days in which nothing came are left out of the chart
    before the first event and after the last.

    Reads the record of each event of the period, once. Times are UTC. Quantiles are right to 1 %.
    """
    now = clock.now()
    begin, end = since or now - AT_FIRST, until or now
    refuse_backwards(begin, until)
    found = where.find()
    events = found.events()
    records = Filter(types=types, since=begin, until=until).among(events, now)
    with progress("Reading", None) as advance:
        summed = statistics(_told(records, advance), by or fitting_span(begin, end), _begun_at)
    if as_json:
        show_json({"stack": found.name, "at": instant(now), **_whole(summed, begin, end)})
    else:
        _show(summed, found.name, now, begin, end)


def _told(records: Iterator[Record], advance: Callable[[int], None]) -> Iterator[Record]:
    for batch in batched(records, STEP, strict=False):
        yield from batch
        advance(len(batch))


def _begun_at(record: Record) -> str:
    """When it was received; of a conflict that an operator accepted, when that was, be it days later."""
    _, accepted_at = place_and_acceptance(record.place or "")
    return accepted_at or record.received_at


def _whole(summed: Statistics, since: datetime, until: datetime) -> dict[str, Any]:
    return {
        "since": instant(since),
        "until": instant(until),
        **_facts(summed.total),
        "types": [{"type": name, **_facts(group)} for name, group in summed.by_type()],
        "being_retried": summed.retried_count,
        "retried": [
            {name: getattr(each, name) for name in ("uuid", "event_key", "tries", "last_error", "next_try_at")}
            for each in summed.retried
        ],
        "by": summed.span,
        "times": [{"from": begin, **_facts(group)} for begin, group in summed.by_time(since, until)],
    }


def _facts(group: Group) -> dict[str, Any]:
    return {"deliveries": group.deliveries, "outcomes": group.outcomes, "latency_seconds": group.durations.latency()}


def _show(summed: Statistics, stack: str, now: datetime, since: datetime, until: datetime) -> None:
    deliveries = summed.total.deliveries
    say(scope(stack, *map(instant, (now, since, until))))
    say(f"{deliveries:,} deliveries on record.")
    if not deliveries:
        return
    outcomes = summed.total.outcomes
    most = max(outcomes.values())
    show_table(
        ("outcome", "deliveries", "share", ""),
        (
            (state, f"{outcomes[state]:,}", f"{outcomes[state] / deliveries:.1%}", Share(outcomes[state], most))
            for state in State
            if outcomes[state]
        ),
    )
    if summed.retried:
        show_table(
            ("being retried", "uuid", "how it stands"),
            ((each.event_key, each.uuid, trouble_of(each)) for each in summed.retried),
        )
    if more := summed.retried_count - len(summed.retried):
        say(f"{more:,} more are being retried.")
    _chart("type", ((name or "(no event)", group) for name, group in summed.by_type()))
    width = {"hour": 16, "day": 10, "month": 7}[summed.span]
    _chart(
        f"{summed.span} (UTC)",
        ((begin.replace("T", " ")[:width], group) for begin, group in _eventful(summed.by_time(since, until))),
    )


def _eventful(times: Iterable[tuple[str, Group]]) -> Iterator[tuple[str, Group]]:
    """Without the empty spans before the first event and after the last."""
    empty: list[tuple[str, Group]] = []
    for time in dropwhile(lambda each: not each[1].deliveries, times):
        empty.append(time)
        if time[1].deliveries:
            yield from empty
            empty.clear()


def _chart(heading: str, groups: Iterator[tuple[str, Group]]) -> None:
    listed = list(groups)
    most = max(group.deliveries for _, group in listed)
    rows = []
    for name, group in listed:
        latency = group.durations.latency()
        took = [_short(latency.p50), _short(latency.p95)] if latency else [None, None]
        failed = group.outcomes[State.FAILED]
        rows.append(
            (name, f"{group.deliveries:,}", Share(group.deliveries, most), f"{failed:,}" if failed else None, *took)
        )
    show_table((heading, "deliveries", "", "failed", "p50", "p95"), rows)


def _short(seconds: float) -> str:
    """A duration in about three digits."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
