"""Everything that `make bench` measures, in one run. A part that is finished is kept, also where a later one fails."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

from bench import figures
from bench.counting import AT_ONCE, Counter, Rows, patiently
from bench.first_delivery import first_deliveries
from bench.front_door import front_door
from bench.growth import Growth
from bench.lambda_folder import HERE, LambdaFolder, Packages
from bench.listeners import listeners
from bench.measuring import CONFIRMED, CREATED, Bench
from bench.where_it_goes import where_it_goes
from bench.worst_forged import worst_forged

KEPT: Final = HERE.parent / "build/bench.json"

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a run: those that an earlier run has finished of the same code are not measured again."""

    of: str
    say: Say
    file: Path = KEPT
    _made: dict[str, Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        if kept.get("of") == self.of:
            self._made.update(kept["parts"])

    def part[T](self, name: str, work: Callable[[], T]) -> T:
        """What `work` measures, or measured in an earlier run."""
        if name not in self._made:
            self.say(f"{name} …")
            made = patiently(work)
            with self._lock:
                self._made[name] = made
                self.file.parent.mkdir(exist_ok=True)
                self.file.write_text(json.dumps({"of": self.of, "parts": self._made}))
        found: T = self._made[name]
        return found


def measure(packages: Packages, folder: LambdaFolder, scratch: Path, say: Say) -> figures.Figures:
    """The figures; `say` is called with each step that begins."""
    parts = Parts(_fingerprint(packages), say)
    counter, bench = Counter(folder, scratch), Bench(folder, scratch)
    rows, spread = _rows(counter, parts)
    calls = parts.part("Calls", lambda: {**bench.calls(), **bench.calls_of_others()})
    billed = parts.part("What is billed", bench.billed)
    later = parts.part("What is billed later", lambda: bench.billed(after=CREATED))
    credited = parts.part("What is billed for a credit", lambda: bench.billed(CONFIRMED))
    logs = parts.part("Log lines", bench.logs)
    measured = {
        "machine": figures.machine(),
        "instructions": rows,
        "spread": spread,
        "ratios": figures.ratios(rows),
        "calls": calls,
        **billed,
        "later_write_units": later["write_units"],
        "credited_write_units": credited["write_units"],
        "first_delivery": parts.part("First deliveries, timed", lambda: first_deliveries(folder, scratch)),
        "in_pairs": parts.part("Warm deliveries, timed", bench.in_pairs),
        "worst_forged": parts.part("The worst forged bodies", lambda: worst_forged(folder, scratch)),
        "in_parallel": parts.part("Batches, timed", bench.in_parallel),
        "memory_kib": parts.part("Ten thousand deliveries each, for their memory", bench.memory),
        "zip_bytes": packages.sizes(),
        "compiled_files": packages.compiled(),
        "sdk": "bundled" if folder.bundles_sdk else "the runtime's",
        "log_bytes": {name: each["bytes"] for name, each in logs.items()},
        "log_lines": logs,
        "attribution": parts.part("Where the instructions go", lambda: where_it_goes(folder, scratch)),
        "growth": parts.part("Growth", Growth(folder, scratch).measure),
        "front_door": parts.part("The local stack's front door", front_door),
        "listeners": parts.part("The provider's example listeners", lambda: listeners(scratch)),
    }
    KEPT.unlink()
    return measured


def _rows(counter: Counter, parts: Parts) -> tuple[Rows, float]:
    """The counts: of ours the mean of two, with their largest difference as a share of one."""
    ours = counter.ours()
    again = {f"{name}, again": count for name, count in ours.items()}
    every = {**counter.others(), **ours, **again}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        counting = {name: threads.submit(parts.part, f"Counting {name}", count) for name, count in every.items()}
    counted = {name: rows.result() for name, rows in counting.items()}
    rows = {row: count for of_it in counted.values() for row, count in of_it.items()}
    spread = 0.0
    for name in ours:
        for row, one in counted[name].items():
            other = counted[f"{name}, again"][row]
            rows[row] = (one + other) // 2
            spread = max(spread, abs(one - other) / one)
    return rows, spread


def _fingerprint(packages: Packages) -> str:
    """Of all that the figures depend on."""
    sources = [file.read_bytes() for file in sorted(HERE.rglob("*.py"))]
    return hashlib.sha256(b"".join([packages.layer, *packages.functions.values(), *sources])).hexdigest()
