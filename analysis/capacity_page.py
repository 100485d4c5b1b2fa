"""The facts of docs/capacity.md: what is computed. What is simulated is in simulated_facts.py."""

from collections.abc import Iterator
from dataclasses import replace

from analysis import assumptions, capacity, quotas
from analysis.cost import MONTH_SECONDS, USUAL_BODY, Costs
from analysis.figures import INSTRUCTIONS_A_SECOND
from analysis.markdown import bill, ms, number, page, size, table, usd, wrapped
from analysis.prices import MILLION
from analysis.scenarios import RATES, Runs
from analysis.service import Service
from analysis.simulated_facts import simulated_facts
from analysis.sizes import sizes


def capacity_page(costs: Costs, runs: Runs) -> str:
    service = costs.service
    first, takes = capacity.nearest(service), service.takes()
    facts = {
        "first": first.name,
        "first_value": number(first.value),
        "first_allows": number(first.allows),
        "overview": _overview(costs),
        "outage": str(assumptions.OUTAGE_SECONDS // 60),
        "storm_factor": number(capacity.storm_factor()),
        "spare": str(capacity.SPARE),
        "rates": "\n\n".join(block for rate in RATES for block in _at(service, rate)),
        "limits": _limits(service),
        "new_concurrency": str(quotas.NEW_CONCURRENCY),
        "concurrency": f"{quotas.CONCURRENCY:,}",
        "new_allows": number(capacity.new_account_allows(service)),
        "whole_cpu": f"{assumptions.WHOLE_CPU_MB:,}",
        "instructions_a_second": number(INSTRUCTIONS_A_SECOND / 1e9),
        "durations": _durations(service),
        "calls": ", ".join(f"{name} {ms(seconds)}" for name, seconds in assumptions.CALL_SECONDS.items()),
        "slow_calls": number(1 / assumptions.SLOW_CALLS),
        "slower": str(assumptions.SLOWER),
        "start": ms(assumptions.START_SECONDS),
        "idle": str(assumptions.IDLE_SECONDS),
        "deadline": str(assumptions.DEADLINE_SECONDS),
        "attempts": str(assumptions.ATTEMPTS),
        "first_pause": str(assumptions.FIRST_PAUSE_SECONDS),
        "credits": str(quotas.PARTITION_WRITES // 2),
        "in_flight": f"{quotas.IN_FLIGHT:,}",
        "takes": number(takes),
        "in_flight_minutes": number(quotas.IN_FLIGHT / takes / 60),
        "partition_writes": f"{quotas.PARTITION_WRITES:,}",
        "usual_body": size(USUAL_BODY),
        **simulated_facts(service, runs),
    }
    return page("capacity.md", facts)


def _overview(costs: Costs) -> str:
    service = costs.service
    rows = []
    for rate in RATES:
        binds = capacity.binding(service, rate)
        month = _month(costs, rate)
        rows.append(
            [
                f"{rate:,}",
                f"{binds[0].name}: allows {number(binds[0].allows)} a second" if binds else "nothing",
                str(len(binds)),
                ", ".join(limit.name for limit in capacity.to_raise(service, rate)[:3]) or "nothing",
                number(rate * service.ingest()),
                f"{month:,.0f}",
                usd(month * MILLION / (rate * MONTH_SECONDS)),
            ]
        )
    return table(
        [
            "deliveries a second",
            "binds first",
            "bind in all",
            "to raise first, with an outage in mind",
            "environments of ingest at work",
            "USD a month",
            "USD a million",
        ],
        rows,
    )


def _month(costs: Costs, rate: float) -> float:
    stack, _ = capacity.prepared(costs.service, rate)
    return bill(replace(costs, stack=stack).month(rate * MONTH_SECONDS))


def _at(service: Service, rate: int) -> Iterator[str]:
    short = capacity.to_raise(service, rate)
    yield f"### {rate:,} a second"
    yield wrapped(" ".join([*_in_words(service, rate), "Raise, in this order:" if short else "Nothing has to be set."]))
    if short:
        yield table(
            ["to raise", "where", "is", "allows a second", "for the rate", "with an outage"],
            [[each.name, each.kind, number(each.value), number(each.allows), *_needs(each, rate)] for each in short],
        )


def _in_words(service: Service, rate: int) -> Iterator[str]:
    stack, account = capacity.prepared(service, rate)
    ready = Service(stack, service.figures)
    batch, warming, takes = ready.batch(rate), capacity.warming_seconds(ready, rate), ready.takes()
    yield (
        f"Ingest is at work in {number(rate * ready.ingest())} environments on average, the consumer in "
        f"{number(rate / batch * ready.consumer(batch))}, in batches of {number(batch)}; "
        f"{number(rate * ready.figures.write_units.total)} write units a second."
    )
    if warming:
        yield f"From no environment at all, AWS needs {number(warming)} s to make as many as ingest needs."
    if takes < rate:
        yield (
            f"The consumer takes {number(takes)} a second with the greatest concurrency that the template allows: the "
            "queue would grow; this rate needs several stacks, or the provisioned mode of the event source with "
            f"{capacity.provisioned_pollers(ready, rate, sizes(USUAL_BODY).message):,} pollers (it takes at most "
            f"{quotas.PROVISIONED_POLLERS:,}; AWS's API reference also says "
            f"{quotas.PROVISIONED_POLLERS_ELSEWHERE:,}, and neither was tried), which the template does not "
            f"offer. Without a maximum, a mapping works on at most {quotas.POLLERS:,} batches at once."
        )
    if account.concurrency > quotas.CONCURRENCY:
        yield f"The account needs {number(account.concurrency)} concurrent executions."


def _needs(limit: capacity.Limit, rate: float) -> tuple[str, str]:
    """For the rate, and with an outage."""
    steady, storm = replace(limit, prepared=limit.use).needed(rate), limit.needed(rate)
    beyond = f", of which the template allows {number(limit.most)}" if storm > limit.most else ""
    return number(steady) if steady > limit.value else "enough", f"{number(storm)}{beyond}"


def _limits(service: Service) -> str:
    ordered = sorted(capacity.limits(service), key=lambda limit: limit.allows)
    return table(
        ["limit", "where", "is", "one delivery a second takes", "allows a second"],
        [[each.name, each.kind, number(each.value), number(each.use), number(each.allows)] for each in ordered],
    )


def _durations(service: Service) -> str:
    durations = {
        "ingest_first": service.ingest(),
        "ingest_duplicate": service.ingest("duplicate"),
        "ingest_forged": service.ingest("forged"),
        "ingest_cold": service.ingest_cold(),
        "consumer_batch_of_1": service.consumer(1),
        "consumer_batch_of_10": service.consumer(10),
        "consumer_cold": service.consumer_cold(),
    }
    cpu = service.figures.cpu_seconds
    return table(
        ["", "CPU", "duration"],
        [[name.replace("_", " "), f"{cpu[name] * 1000:,.1f} ms", ms(took)] for name, took in durations.items()],
    )
