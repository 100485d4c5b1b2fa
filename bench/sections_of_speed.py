"""The sections of docs/performance.md about instructions, calls and log lines."""

from typing import Final

from analysis.figures import INSTRUCTIONS_A_SECOND
from bench.figures import Figures
from bench.first_delivery import A_WHOLE_CPU_MB, ANSWERS_AFTER, MEMORY_MB, RUNS
from bench.goals import results
from bench.markdown import millions, milliseconds, number, table
from bench.measuring import ROUNDS
from bench.worst_forged import LARGEST_REQUEST
from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.signature import MAX_RESERIALISED_BYTES

ROWS: Final = (
    ("bare interpreter, a function that does nothing", "interpreter"),
    ("what Lambda's own runtime client imports", "runtime_client"),
    ("**ingest**", "ingest_cold"),
    ("ingest, without TLS", "ingest_cold_plain"),
    ("ingest, on the runtime's SDK with all its data", "stock_sdk_cold"),
    ("**consumer**, batch of one", "consumer_cold"),
    ("consumer, batch of one, without TLS", "consumer_cold_plain"),
    ("two bare botocore calls", "bare_cold"),
    ("careful listener on Powertools", "careful_cold"),
    ("typical listener on Powertools", "typical_cold"),
)
WARM: Final = (
    ("two bare botocore calls", "bare"),
    ("**ingest**", "ingest"),
    ("careful listener on Powertools", "careful"),
    ("typical listener on Powertools", "typical"),
)
WORST: Final = 10
"""Shapes in the table."""

FIRST: Final = (("**ingest**", "ingest"), ("careful listener", "careful"), ("typical listener", "typical"))


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
    counted = table("## Cold, to the first answer", ("", "million instructions", "times bare"), rows)
    return f"{counted}\n![Where cold time goes](performance-cold.png)\n"


def first_delivery(figures: Figures) -> str:
    parts = ("init", "handler", "handler_cpu", "both")
    timed = figures["first_delivery"]
    rows = [(name, *(number(timed[row][part]) if timed else "not measured" for part in parts)) for name, row in FIRST]
    heads = ("ms", "init", "handler", "CPU of the handler", "init and handler")
    waits = sum(ANSWERS_AFTER[operation] for operation in ("PutItem", "SendMessage"))
    answers = ", ".join(f"{operation} {number(after)}" for operation, after in ANSWERS_AFTER.items())
    return (
        f"{table('## The first delivery after a cold start', heads, rows)}\n"
        f"Over TLS, with a whole CPU for the init and {MEMORY_MB / A_WHOLE_CPU_MB:.0%} of one for the handler, as a "
        f"function of {MEMORY_MB} MB has it; AWS answers after fixed times in ms ({answers}), which are assumed. The "
        f"lower quartiles of {RUNS} new containers each. How long the kernel takes to set the quota is in no row. "
        f"Ingest reads the secret, connects and rehearses its calls while it is imported; of its handler "
        f"{number(waits)} ms are AWS's answers. What is neither those nor its CPU is the machine's latency: a busy one "
        "has more of it.\n"
    )


def warm(figures: Figures) -> str:
    counts, pairs = figures["instructions"], figures["in_pairs"]
    rows = [
        (name, *(millions(counts[f"{row}_{kind}"]) for kind in ("first", "duplicate")), _forged(counts, row))
        for name, row in WARM
    ]
    counted = table("## Warm, in million instructions", ("", "first delivery", "duplicate", "forged"), rows)
    timed = [
        (name, *(milliseconds(pairs[kind][row]) for kind in ("first", "duplicate")))
        for name, row in WARM
        if row in pairs["first"]
    ]
    in_pairs = table("", ("CPU, ms", "first delivery", "duplicate"), timed)
    rate = counts["ingest_first"] / pairs["first"]["ingest"]
    return (
        f"{counted}\n{in_pairs}\nThe seconds are medians of {ROUNDS} rounds, in each of which both ran one after the "
        f"other. They are {rate / 1e9:.2g} thousand million instructions a second; the pages on cost and capacity "
        f"reckon with {INSTRUCTIONS_A_SECOND / 1e9:.2g}. With the scheme pinned to raw, a forged request takes "
        f"{millions(counts['ingest_forged_raw'])}.\n"
        "\n![Where warm time goes](performance-warm.png)\n"
    )


def _forged(counts: dict[str, int], row: str) -> str:
    return millions(counts[f"{row}_forged"]) if f"{row}_forged" in counts else ""


def worst_forged(figures: Figures) -> str:
    worst = sorted(figures["worst_forged"].items(), key=lambda each: -each[1])
    rows = [(name, number(took)) for name, took in worst[:WORST]]
    return (
        f"{table('## The worst forged bodies', ('', 'CPU, ms'), rows)}\n"
        f"Each of {len(worst)} shapes was tried with {MAX_RESERIALISED_BYTES:,} bytes, the most that is read before it "
        f"is verified, with {MAX_BODY_BYTES:,} and with {LARGEST_REQUEST:,}, as text and as base64. These are the "
        "worst.\n"
    )


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
