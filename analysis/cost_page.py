"""The facts of docs/cost.md."""

from dataclasses import replace
from typing import Final

from analysis import assumptions, prices
from analysis.cost import USUAL_BODY, Costs
from analysis.levers import cheapest, leanest, levers
from analysis.markdown import bill, number, page, size, table, usd, wrapped
from analysis.prices import MILLION
from analysis.sizes import sizes

GOALS: Final = {True: 6.0, False: 5.0}
"""USD for a million deliveries, with announcements and without."""

VOLUMES: Final = (0, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
SHORT_BODY: Final = 192
BODIES: Final = (SHORT_BODY, 1_024, 4_096, 16_384, 65_536, 262_144)


def cost_page(costs: Costs, lean: Costs, reconciling: Costs) -> str:
    """The page, of a stack with every default, of one with `lean` monitoring, and of one that reconciles."""
    stack, most = costs.stack, costs.all_metrics()
    announced, silent = (bill(_announcing(costs, on).million(1)) + bill(costs.kept()) for on in (True, False))
    facts = {
        "cold": f"{assumptions.COLD_SHARE:.0%}",
        "usual_body": size(USUAL_BODY),
        "alone": number(stack.maximum_concurrency / costs.service.cycle(1)),
        "million": _million(costs),
        "days": str(stack.event_retention_days),
        "log_days": str(stack.log_retention_days),
        "kept": _bill(f"keeping a million for {stack.event_retention_days} days", costs.kept()),
        "judged": _judged(announced, silent, stack.event_retention_days),
        "duplicates": usd(costs.answers("duplicate")),
        "forged": usd(costs.answers("forged")),
        "levers": _levers(costs, lean),
        **_not_taken(costs),
        "cheap": _cheap(costs),
        "month": _month(costs),
        "idle": _side_by_side({"full": costs.idle(), "lean": lean.idle()}),
        "lean_month": _month(lean),
        "ordinary_metrics": str(costs.ordinary_metrics()),
        "event_types": str(stack.event_types),
        "all_metrics": str(most),
        "relay_metrics": str(costs.relay_metrics()),
        "all_metrics_usd": usd(prices.METRIC.of(most)),
        "reconciling": usd(bill(reconciling.idle()) - bill(costs.idle())),
        "times_reconciled": str(costs.times_reconciled()),
        "reconciled": usd(costs.reconciled()),
        "nights_reconciled": str(costs.stack.reconcile_days),
        "payments_reconciled": usd(costs.payments_reconciled()),
        "bodies": _bodies(costs),
        **_objects(costs),
        "million_month": usd(bill(costs.month(MILLION))),
        "gateways": _gateways(),
        "prices": _prices(),
    }
    return page("cost.md", facts)


def _announcing(costs: Costs, on: bool) -> Costs:
    return replace(costs, stack=replace(costs.stack, announces=on))


def _bill(head: str, parts: dict[str, float]) -> str:
    rows = [[part, usd(amount)] for part, amount in parts.items()]
    return table([head, "USD"], [*rows, ["**Total**", f"**{usd(bill(parts))}**"]])


def _million(costs: Costs) -> str:
    full = float(costs.stack.batch_size)
    kinds = [(on, batch) for on in (True, False) for batch in (1.0, full)]
    bills = [_announcing(costs, on).million(batch) for on, batch in kinds]
    goals = [GOALS[on] for on, _ in kinds]
    return table(
        ["", "one by one", f"in batches of {number(full)}", "one by one, not announced", "in batches, not announced"],
        [
            *([part, *(usd(each[part]) for each in bills)] for part in bills[0]),
            ["**Handling them**", *(f"**{usd(bill(each))}**" for each in bills)],
            ["goal", *map(usd, goals)],
            ["", *(_verdict(bill(each), goal) for each, goal in zip(bills, goals, strict=True))],
        ],
    )


def _verdict(total: float, goal: float) -> str:
    return "met" if total <= goal else f"{usd(total - goal)} too much"


def _judged(announced: float, silent: float, days: int) -> str:
    word = "met" if announced <= GOALS[True] and silent <= GOALS[False] else "**not met**"
    return wrapped(
        f"Everything counted, keeping for {days} days included, a million costs {usd(announced)} one by one, and "
        f"{usd(silent)} not announced: the goals of {usd(GOALS[True])} and {usd(GOALS[False])} are {word}."
    )


def _levers(costs: Costs, lean: Costs) -> str:
    found = sorted(levers(costs, lean), key=lambda lever: -lever.saves)
    return table(["", "saves", "for which you give"], [[each.what, usd(each.saves), each.price] for each in found])


def _not_taken(costs: Costs) -> dict[str, str]:
    """What two other shapes would save of a million deliveries, one by one."""
    return {"api": usd(prices.API_REQUEST.of(MILLION)), "queue": usd(costs.million(1.0)["SQS"])}


def _cheap(costs: Costs) -> str:
    cheap = replace(costs, stack=cheapest(costs.stack))
    lean = replace(cheap, figures=replace(cheap.figures, write_units=leanest(cheap.figures.write_units)))
    rows = [
        [word, *_against_goal(_announcing(each, on), GOALS[on])]
        for each, besides in ((cheap, ""), (lean, f", {number(lean.figures.write_units.total)} write units"))
        for on, word in ((True, f"announced{besides}"), (False, f"not announced{besides}"))
    ]
    return table(["", "handling", "keeping", "in all", "goal", "", "largest parts"], rows)


def _against_goal(costs: Costs, goal: float) -> list[str]:
    handling, keeping = costs.million(float(costs.stack.batch_size)), bill(costs.kept())
    dearest = sorted(handling.items(), key=lambda part: -part[1])[:3]
    total = bill(handling) + keeping
    parts = ", ".join(f"{part} {usd(amount)}" for part, amount in dearest)
    return [usd(bill(handling)), usd(keeping), usd(total), usd(goal), _verdict(total, goal), parts]


def _side_by_side(bills: dict[str, dict[str, float]]) -> str:
    parts = next(iter(bills.values()))
    return table(
        ["`Monitoring`", *bills],
        [
            *([part, *(usd(each[part]) for each in bills.values())] for part in parts),
            ["**Total**", *(f"**{usd(bill(each))}**" for each in bills.values())],
        ],
    )


def _month(costs: Costs) -> str:
    months = [costs.month(volume) for volume in VOLUMES]
    each = [bill(month) * MILLION / volume for month, volume in zip(months, VOLUMES, strict=True) if volume]
    return table(
        ["deliveries", *(f"{volume:,}" for volume in VOLUMES)],
        [
            *([part, *(usd(month[part]) for month in months)] for part in months[0]),
            ["**Total**", *(f"**{usd(bill(month))}**" for month in months)],
            ["for each million", "", *map(usd, each)],
        ],
    )


def _bodies(costs: Costs) -> str:
    rows = []
    for body in BODIES:
        of = sizes(body)
        money = (bill(costs.million(1, body)), bill(costs.kept(body)))
        rows.append([size(body), f"{of.record:,}", number(costs.write_units(of)), *map(usd, money)])
    return table(["body", "record, bytes", "write units", "handling", "keeping"], rows)


def _objects(costs: Costs) -> dict[str, str]:
    """Beside a record as with the shortest body: about what is left of one whose body is elsewhere."""
    requests = prices.OBJECT_PUT.of(MILLION) + prices.OBJECT_GET.of(MILLION)
    rest = bill(costs.million(1, SHORT_BODY)) + bill(costs.kept(SHORT_BODY)) + requests
    here = {body: bill(costs.million(1, body)) + bill(costs.kept(body)) for body in BODIES}
    there = {body: rest + costs.kept_as_objects(body) for body in BODIES}
    cheaper = [body for body in BODIES if there[body] < here[body]]
    return {
        "objects": table(["body", "in the record", "in S3"], [[size(b), usd(here[b]), usd(there[b])] for b in BODIES]),
        "object_requests": usd(requests),
        "object_handling": usd(bill(costs.million(1, SHORT_BODY)) + requests),
        "record_handling": usd(bill(costs.million(1))),
        "objects_judged": f"From bodies of {size(min(cheaper))} on, S3 would be cheaper." if cheaper else "",
    }


def _gateways() -> str:
    return table(
        ["plan", "a month", "events in it", "a million events", "from"],
        [[g.name, usd(g.usd), f"{g.events:,}", usd(g.per_million()), g.source] for g in prices.GATEWAYS],
    )


def _prices() -> str:
    return table(["what", "USD", "for"], [[p.what, f"{p.usd:g}", f"{p.per:,} {p.unit}"] for p in prices.ALL])
