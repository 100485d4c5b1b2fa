"""What a sender waits for: the first delivery of a new container, over TLS, on the CPU that a function of 512 MB has.

Lambda gives a function CPU by its memory (a whole one at 1,769 MB), but while it is imported a whole one in any case. A
quota of the kernel limits the function to its share, and the stub answers after fixed times, as AWS might. These times
are assumptions: what is compared is how a function spends them.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Final

from bench import deliveries
from bench.lambda_folder import Place
from bench.running import Plan, timed
from bench.stub_aws import stub_aws
from tests.support.certificates import certificate_for

MEMORY_MB: Final = 512
A_WHOLE_CPU_MB: Final = 1769
PERIOD_MICROSECONDS: Final = 20_000
ANSWERS_AFTER: Final[Mapping[str, float]] = {"GetSecretValue": 30, "PutItem": 6, "SendMessage": 10}
"""Operation → milliseconds."""

RUNS: Final = 5
CONTROLLER: Final = Path("/sys/fs/cgroup/cpu")


@dataclass(frozen=True, slots=True)
class FirstDelivery:
    """Milliseconds, each the median of several new containers."""

    init: float
    handler: float
    handler_cpu: float


def first_delivery(place: Place, scratch: Path) -> FirstDelivery | None:
    """What a first delivery takes, or None where no quota can be set (that takes root and a cgroup)."""
    if not os.access(CONTROLLER / "cpu.cfs_quota_us", os.W_OK):
        return None
    certificate, bundle = _certificates(scratch)
    trusting = Place(place.launcher, place.path, place.variables | {"AWS_CA_BUNDLE": str(bundle)})
    runs = []
    for number in range(RUNS):
        with stub_aws(certificate) as stub, _quota() as group:
            stub.pause(0, **ANSWERS_AFTER)
            assert stub.https_url
            plan = Plan("ingest", [deliveries.firsts("cold", 1)], group=str(group))
            runs.append(timed(plan, trusting, stub.https_url, scratch / str(number)))
            assert runs[-1].answers == [200], runs[-1].answers
    return FirstDelivery(
        median(1000 * run.wall_seconds[1] for run in runs),
        median(1000 * run.wall(0) for run in runs),
        median(1000 * run.cpu(0) for run in runs),
    )


@contextmanager
def _quota() -> Iterator[Path]:
    """A group of processes that together have a function's share of a CPU."""
    group = CONTROLLER / f"wickiepay-bench-{os.getpid()}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
        (group / "cpu.cfs_quota_us").write_text(str(PERIOD_MICROSECONDS * MEMORY_MB // A_WHOLE_CPU_MB))
        yield group
    finally:
        group.rmdir()


def _certificates(folder: Path) -> tuple[Path, Path]:
    """A certificate for "localhost" with its key, and a bundle that has it behind all that botocore trusts."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, bundle = folder / "server.pem", folder / "trusted.pem"
    certificate.write_bytes(made := certificate_for("localhost"))
    bundle.write_bytes(files("botocore").joinpath("cacert.pem").read_bytes() + made)
    return certificate, bundle
