"""docs/performance.md, from the figures alone: no number stands there that a run of `make bench` did not give."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from figures import Figures
from goals import results

FILE: Final = Path(__file__).parents[2] / "docs/performance.md"

HEAD: Final = """\
# Performance

What a delivery costs, beside what others cost and beside the goals. `make bench` measures it all anew and writes this
page, its plots and `tests/bench/figures.json`; `make check` counts again what is marked as held, and fails where more
is spent.
"""

HOW: Final = """\
## How it is measured

- The functions run from the very packages that are deployed, unpacked as Lambda unpacks them: nothing else is on their
  path but the interpreter's library and, where the layer bundles none, the SDK of Lambda's runtime (botocore with all
  its data and with compiled files, which favours what uses it). Their environment variables are the template's.
- Instructions are counted by callgrind. *Cold* is the whole process: the interpreter's start, all imports, the clients,
  the first delivery (the signing secret is fetched for it), and the interpreter's end, as in the bare interpreter
  itself. *Warm* is the mean of ten deliveries, after some to warm up. Everything is counted twice.
- AWS is a stub on loopback that answers as AWS would. It speaks HTTP and not TLS: what a handshake costs is in no row.
- A delivery is an event of a payment of 1 KiB, signed raw. Counts of instructions are those of one build of the
  interpreter; their ratios carry over to other machines better than they do.
- Seconds are those of the machine that this was run on, and gate nothing.
"""

ROWS: Final = (
    ("bare interpreter, a function that does nothing", "interpreter"),
    ("what Lambda's own runtime client imports", "runtime_client"),
    ("**ingest**", "ingest_cold"),
    ("ingest, on the runtime's SDK with all its data", "stock_sdk_cold"),
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


def write(figures: Figures, file: Path = FILE) -> None:
    file.write_text(render(figures))


def render(figures: Figures) -> str:
    sections = (HEAD, _goals, _cold, _warm, _calls, _units, _growth, _reads, _logs, _memory, _packages, _servers, HOW)
    return "\n".join(section if isinstance(section, str) else section(figures) for section in sections) + _end(figures)


def _goals(figures: Figures) -> str:
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
    return _table("## Goals", ("figure", "measured", "goal", "", "for comparison"), rows)


def _cold(figures: Figures) -> str:
    counts = figures["instructions"]
    rows = [(name, millions(counts[row]), number(counts[row] / counts["interpreter"])) for name, row in ROWS]
    table = _table("## Cold", ("", "million instructions", "times bare"), rows)
    return f"{table}\n![Where cold time goes](performance-cold.png)\n"


def _warm(figures: Figures) -> str:
    counts = figures["instructions"]
    rows = [
        (name, *(millions(counts[f"{row}_{kind}"]) for kind in ("first", "duplicate")), _forged(counts, row))
        for name, row in WARM
    ]
    table = _table("## Warm, in million instructions", ("", "first delivery", "duplicate", "forged"), rows)
    return (
        f"{table}\nReading the same 1 KiB with `json.loads` takes {millions(counts['json_loads'])}. Of a forged "
        f"request, verifying takes {millions(counts['verify_raw'])} with the scheme pinned to raw and "
        f"{millions(counts['verify_all'])} with all three; the whole request then takes "
        f"{millions(counts['ingest_forged_raw'])} and {millions(counts['ingest_forged'])}.\n"
        "\n![Where warm time goes](performance-warm.png)\n"
    )


def _forged(counts: dict[str, int], row: str) -> str:
    return millions(counts[f"{row}_forged"]) if f"{row}_forged" in counts else ""


def _calls(figures: Figures) -> str:
    rows = [
        (
            name.replace("_", " "),
            ", ".join(f"{o.partition(':')[2]} {number(n)}" for o, n in sorted(calls.items())) or "none",
        )
        for name, calls in sorted(figures["calls"].items())
    ]
    return _table("## Calls to AWS", ("", "calls"), rows)


def _units(figures: Figures) -> str:
    def row(name: str, units: Any) -> Sequence[str]:  # noqa: ANN401  a part of the figures
        ingest, consumer = units["ingest"], units["consumer"]
        parts = (ingest["table"], ingest["indexes"], consumer["event_table"], consumer["ledger"], consumer["indexes"])
        return (name, *map(str, parts), str(units["total"]))

    heads = ("event of 1 KiB", "record", "its indexes", "mark", "ledger", "its indexes", "all")
    completed, credited = figures["write_units"], figures["credited_write_units"]
    rows = [row("payment.completed", completed), row("channel.payment.confirmed, which credits", credited)]
    sizes = figures["event_bytes"]
    return (
        f"{_table('## DynamoDB write units', heads, rows)}\n"
        "From the items and conditions that are really written, by DynamoDB's published rules; the indexes are the "
        f"template's. A finished record is {number(sizes['items']['EventTable'])} bytes, the queue's message "
        f"{number(sizes['message'])}, the announcement {number(sizes['announcement'])}. The consumer reads "
        f"{number(figures['read_units']['consumer'])} unit an event.\n"
    )


def _growth(figures: Figures) -> str:
    growth = figures["growth"]
    stored = [
        (number(p["events"]), *(millions(p[k]) for k in ("first", "duplicate", "consumer_event")))
        for p in growth["stored"]
    ]
    one = [(number(p["events"]), millions(p["first"])) for p in growth["of_one_payment"]]
    heads = ("events on record", "first delivery", "duplicate", "consumer, an event")
    body = [
        (number(p["bytes"]), millions(p["first"]), millions(p["consumer_event"]), str(p["write_units"]))
        for p in growth["body"]
    ]
    return (
        f"{_table('## Growth, in million instructions', heads, stored)}\n"
        f"{_table('', ('events of one payment', 'first delivery'), one)}\n"
        f"{_table('', ('bytes of body', 'first delivery', 'consumer, an event', 'write units'), body)}\n"
        "The events on record are real ones in an emulator's tables. More than these were not tried: at 1,000,000 the "
        "requests are the same, each names one key and each answer is as long, so a delivery has nothing by which it "
        "could tell; what the table itself then does is DynamoDB's promise and not measured here.\n"
        "\n![Growth](performance-growth.png)\n"
    )


def _reads(figures: Figures) -> str:
    reads = figures["growth"]["reads"]
    rows = [
        (name, *(number(reads[key][part]) for part in ("wanted", "index_entries", "records")))
        for name, key in (("`wickiepay events list`", "events_list"), ("relay", "relay"))
    ]
    heads = ("", "events returned or sent", "index entries read", "records read")
    return _table("## What the relay and the command read", heads, rows)


def _logs(figures: Figures) -> str:
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
        f"{_table('## Logs and metrics', ('', 'lines', 'with a log', 'with metrics', 'bytes'), rows)}\n"
        f"Of a warm first delivery's {millions(sum(stages.values()))} million instructions the log line takes "
        f"{millions(stages.get('log line', 0))} and the metric line {millions(stages.get('metric line', 0))}.\n"
    )


def _memory(figures: Figures) -> str:
    rows = [
        (name, *(number(memory[key] / 1024) for key in ("after_1000", "after_10000", "peak")))
        for name, memory in sorted(figures["memory_kib"].items())
    ]
    heads = ("MiB", "after 1,000 deliveries (consumer: batches of 10)", "after 10,000", "most ever")
    return _table("## Memory", heads, rows)


def _packages(figures: Figures) -> str:
    rows = [(name, number(size)) for name, size in sorted(figures["zip_bytes"].items())]
    return (
        f"{_table('## Packages', ('', 'bytes, zipped'), rows)}\n"
        f"There are {number(figures['compiled_files'])} compiled files (.pyc) in them. The SDK is {figures['sdk']}.\n"
    )


def _servers(figures: Figures) -> str:
    rows = [
        (name, found, "")
        if isinstance(found, str)
        else (name, number(found["requests_per_second"]), _ms(found["cpu_seconds"]))
        for name, found in sorted(figures["listeners"].items())
    ]
    rows.append(("**ingest**, in process, two calls to the stub", "", _ms(figures["cpu_seconds"]["ingest_first"])))
    heads = ("", "requests a second, one after another", "CPU of a request, ms")
    return (
        f"{_table('## Beside the example listeners of the provider', heads, rows)}\n"
        "The examples verify and print. They store nothing, queue nothing and know no duplicates.\n"
    )


def _end(figures: Figures) -> str:
    machine = figures["machine"]
    return (
        f"- Two counts of the same differed by {figures['spread']:.2%} at the most. Counted with Python "
        f"{machine['python']} ({machine['compiler']}) on {machine['architecture']}.\n"
    )


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]
    return "\n".join(([title, ""] if title else []) + lines) + "\n"


def _ms(seconds: float) -> str:
    return number(seconds * 1000)


def millions(count: float) -> str:
    return number(count / 1e6)


def number(value: float) -> str:
    """Three digits of it, or more where it is large."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
