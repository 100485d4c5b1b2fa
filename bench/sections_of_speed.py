"""The sections of docs/performance.md about instructions, calls and log lines."""

from typing import Final

from bench.figures import Figures
from bench.goals import results
from bench.markdown import millions, number, table

ROWS: Final = (
    ("bare interpreter, a function that does nothing", "interpreter"),
    ("what Lambda's own runtime client imports", "runtime_client"),
    ("**ingest**", "ingest_cold"),
    ("ingest, on the runtime's SDK with all its data", "stock_sdk_cold"),
    ("ingest, on the runtime's SDK with the layer's pruned data", "pruned_data_cold"),
    ("**consumer**, batch of one", "consumer_cold"),
    ("two bare botocore calls", "bare_cold"),
    ("lean listener on boto3", "lean_cold"),
    ("typical listener on Powertools", "typical_cold"),
)
WARM: Final = (
    ("two bare botocore calls", "bare"),
    ("**ingest**", "ingest"),
    ("ingest, on the runtime's SDK with all its data", "stock_sdk"),
    ("lean listener on boto3", "lean"),
    ("typical listener on Powertools", "typical"),
)


def goals(figures: Figures) -> str:
    rows = [
        (
            result.goal.name,
            "not measured" if result.value is None else f"{number(result.value)}",
            f"≤ {result.goal.limit:g} {result.goal.unit}",
            result.verdict,
            result.comparison,
        )
        for result in results(figures)
    ]
    return table("## Goals", ("figure", "measured", "goal", "", "for comparison"), rows)


def cold(figures: Figures) -> str:
    counts = figures["instructions"]
    rows = [(name, millions(counts[row]), number(counts[row] / counts["interpreter"])) for name, row in ROWS]
    counted = table("## Cold", ("", "million instructions", "times bare"), rows)
    return f"{counted}\n![Where cold time goes](performance-cold.png)\n"


def warm(figures: Figures) -> str:
    counts = figures["instructions"]
    rows = [
        (name, *(millions(counts[f"{row}_{kind}"]) for kind in ("first", "duplicate")), _forged(counts, row))
        for name, row in WARM
    ]
    counted = table("## Warm, in million instructions", ("", "first delivery", "duplicate", "forged"), rows)
    return (
        f"{counted}\nReading the same 1 KiB with `json.loads` takes {millions(counts['json_loads'])}. Of a forged "
        f"request, verifying takes {millions(counts['verify_raw'])} with the scheme pinned to raw and "
        f"{millions(counts['verify_all'])} with all three; the whole request then takes "
        f"{millions(counts['ingest_forged_raw'])} and {millions(counts['ingest_forged'])}.\n"
        "\n![Where warm time goes](performance-warm.png)\n"
    )


def _forged(counts: dict[str, int], row: str) -> str:
    return millions(counts[f"{row}_forged"]) if f"{row}_forged" in counts else ""


def calls(figures: Figures) -> str:
    rows = [
        (
            name.replace("_", " "),
            ", ".join(f"{o.partition(':')[2]} {number(n)}" for o, n in sorted(calls.items())) or "none",
        )
        for name, calls in sorted(figures["calls"].items())
    ]
    return table("## Calls to AWS", ("", "calls"), rows)


def logs(figures: Figures) -> str:
    rows = [
        (
            name.replace("_", " "),
            number(e["lines"]),
            number(e["log_lines"]),
            number(e["metric_lines"]),
            number(e["bytes"]),
        )
        for name, e in sorted(figures["log_lines"].items())
    ]
    stages = figures["attribution"]["warm"]["ingest"]
    return (
        f"{table('## Logs and metrics', ('', 'lines', 'with a log', 'with metrics', 'bytes'), rows)}\n"
        f"Of a warm first delivery's {millions(sum(stages.values()))} million instructions the log line takes "
        f"{millions(stages.get('log line', 0))} and the metric line {millions(stages.get('metric line', 0))}.\n"
    )
