"""Everything that `make bench` measures, in one run."""

from collections.abc import Callable
from pathlib import Path

from bench import figures
from bench.counting import Counter, counted_twice
from bench.growth import Growth
from bench.lambda_folder import LambdaFolder, Packages
from bench.listeners import listeners
from bench.measuring import CONFIRMED, CREATED, Bench
from bench.where_it_goes import where_it_goes

type Say = Callable[[str], None]


def measure(packages: Packages, folder: LambdaFolder, scratch: Path, say: Say) -> figures.Figures:
    """The figures; `say` is called with each step that begins."""
    counter, bench = Counter(folder, scratch), Bench(folder, scratch)
    say("Counting instructions, everything twice …")
    rows, spread = counted_twice(counter, [*counter.others(), *counter.ours()])
    say(f"The two counts differ by {spread:.1%} at the most.")
    say("Counting calls, and what they are billed …")
    calls = bench.calls()
    billed, later, credited = bench.billed(), bench.billed(after=CREATED), bench.billed(CONFIRMED)
    logs = bench.logs()
    say("Timing …")
    seconds, in_parallel = bench.cpu_seconds(), bench.in_parallel()
    say("Ten thousand deliveries each, for their memory …")
    memory = bench.memory()
    say("Where the instructions go …")
    attribution = where_it_goes(folder, scratch)
    say("Growth …")
    growth = Growth(folder, scratch).measure()
    say("The provider's example listeners …")
    examples = listeners(scratch)
    return {
        "machine": figures.machine(),
        "instructions": rows,
        "spread": spread,
        "ratios": figures.ratios(rows),
        "calls": calls,
        **billed,
        "later_write_units": later["write_units"],
        "credited_write_units": credited["write_units"],
        "cpu_seconds": seconds,
        "in_parallel": in_parallel,
        "memory_kib": memory,
        "peak_memory_mb": {name: round(each["peak"] * 1024 / 1e6, 1) for name, each in memory.items()},
        "zip_bytes": packages.sizes(),
        "compiled_files": packages.compiled(),
        "sdk": "bundled" if folder.bundles_sdk else "the runtime's",
        "log_bytes": {name: each["bytes"] for name, each in logs.items()},
        "log_lines": logs,
        "attribution": attribution,
        "growth": growth,
        "listeners": examples,
    }
