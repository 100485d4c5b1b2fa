"""What a sender waits for: the first delivery of a new container, over TLS, on the CPU that a function of 512 MB has.

Lambda gives a function CPU by its memory (a whole one at 1,769 MB), but while it is imported a whole one in any case. A
quota of the kernel limits the function to its share, and the stub answers after fixed times, as AWS might. These times
are assumptions: what is compared is how a function spends them.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import deliveries
from bench.lambda_folder import POWERTOOLS, LambdaFolder, Place
from bench.running import Plan, Run, timed
from bench.stub_aws import stub_aws

MEMORY_MB: Final = 512
A_WHOLE_CPU_MB: Final = 1769
PERIOD_MICROSECONDS: Final = 20_000
ANSWERS_AFTER: Final[Mapping[str, float]] = {"GetSecretValue": 30, "PutItem": 6, "UpdateItem": 6, "SendMessage": 10}
"""Operation → milliseconds."""

RUNS: Final = 12
BEFORE_ALL_OTHERS: Final = 1 << 18
"""The greatest weight of a group: what the function gets hangs on its quota, and not on what else the machine does."""

CONTROLLER: Final = Path("/sys/fs/cgroup/cpu")


type Milliseconds = dict[str, float]


def first_deliveries(folder: LambdaFolder, scratch: Path) -> dict[str, Milliseconds]:
    """What a first delivery takes, of ours and of others; None if no quota can be set (that takes root)."""
    if not os.access(CONTROLLER / "cpu.cfs_quota_us", os.W_OK):
        return {}
    places = {"ingest": folder.ours("ingest"), **{name: folder.peer(name) for name in POWERTOOLS}}
    runs: dict[str, list[Run]] = {name: [] for name in places}
    for _ in range(RUNS):  # by turns, so that what else the machine does disturbs all alike
        for name, place in places.items():
            runs[name].append(_first_delivery(name, place, folder.certificate, scratch))
    return {
        name: {
            "init": _quick(run.wall_seconds[1] for run in of_it),
            "handler": _quick(run.wall(0) for run in of_it),
            "handler_cpu": _quick(run.cpu(0) for run in of_it),
            "both": _quick(run.wall_seconds[1] + run.wall(0) for run in of_it),
        }
        for name, of_it in runs.items()
    }


def _quick(seconds: Iterable[float]) -> float:
    """The lower quartile, in milliseconds: what else the machine does only adds to it."""
    return 1000 * sorted(seconds)[RUNS // 4]


def _first_delivery(module: str, place: Place, certificate: Path, scratch: Path) -> Run:
    with _groups() as limited, stub_aws(certificate) as stub:
        stub.pause(0, **ANSWERS_AFTER)
        plan = Plan(module, [deliveries.firsts("cold", 1)], group=str(limited))
        run = timed(plan, place, stub.https_url, scratch / "first delivery")
    assert run.answers == [200], run.answers
    return run


@contextmanager
def _groups() -> Iterator[Path]:
    """Puts this process and what it starts before all others. The group in it has a function's share of a CPU."""
    ahead = CONTROLLER / f"wickiepay-bench-{os.getpid()}"
    limited = ahead / "function"
    limited.mkdir(parents=True)
    try:
        (ahead / "cpu.shares").write_text(str(BEFORE_ALL_OTHERS))
        (limited / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
        (limited / "cpu.cfs_quota_us").write_text(str(PERIOD_MICROSECONDS * MEMORY_MB // A_WHOLE_CPU_MB))
        (ahead / "cgroup.procs").write_text(str(os.getpid()))
        yield limited
    finally:
        (CONTROLLER / "cgroup.procs").write_text(str(os.getpid()))
        limited.rmdir()
        ahead.rmdir()
