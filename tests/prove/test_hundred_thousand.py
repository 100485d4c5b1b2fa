"""A hundred thousand events on record: the command answers at once, and its memory does not grow with them."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.harness import Stores
from tests.support.many_events import CREDIT_EVERY, ManyEvents
from tests.support.stores import STACK_NAME
from wickiepay import clock
from wickiepay.event_record import State
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = [pytest.mark.slow_proof, pytest.mark.timeout(600)]

EVENTS: Final = 100_000
FEW: Final = 10_000
"""What memory is compared with."""

SINCE: Final = ("--since", "11d")
"""The events are older than the table, which is made for the test."""

COMMAND: Final = Path(sys.executable).parent / "wickiepay"
MEASURE: Final = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], "w").write(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]))
sys.exit(code)
"""
"""Starts the command from a program that is itself small: a child's peak is never below that of its parent."""

RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
MB: Final = 1024 * 1024

type Figure = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class Used:
    """What a command printed, and what it took."""

    printed: str
    cpu_seconds: float
    seconds: float
    peak_bytes: int

    @property
    def answer(self) -> Any:  # noqa: ANN401  JSON
        return json.loads(self.printed)

    @property
    def peak(self) -> str:
        return f"{self.peak_bytes / MB:.0f} MB"


@dataclass(frozen=True, slots=True)
class Full:
    """The installed command on the full tables, and `doctor_on_few`: what it took while they held FEW events."""

    folder: Path
    events: ManyEvents
    doctor_on_few: Used

    def wickiepay(self, *arguments: str) -> Used:
        return measured(self.folder, *arguments)


def measured(folder: Path, *arguments: str) -> Used:
    usage = folder / "usage.json"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, usage, COMMAND, *arguments],
        env={**os.environ, "WICKIEPAY_LOCAL": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    cpu_seconds, peak = json.loads(usage.read_text())
    return Used(done.stdout, cpu_seconds, time.monotonic() - began, peak * RSS_UNIT)


@pytest.fixture(scope="module")
def full(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    folder = tmp_path_factory.mktemp("full")
    aws = Access(stores.endpoint_url, stores.access_key, stores.secret_key)
    kept = {"EventRetentionDays": "400"}
    local = LocalStack("", aws, stores.region, STACK_NAME, stores.outputs, os.getpid(), kept)
    local_stack.write(local, folder)
    events = ManyEvents(stores, clock.now(), EVENTS)
    events.fill(0, FEW)
    on_few = measured(folder, "doctor", "--json")
    events.fill(FEW, EVENTS)
    yield Full(folder, events, on_few)
    local_stack.remove(folder)


@pytest.mark.parametrize("form", [(), ("--json", "--limit", "50")], ids=["table", "json"])
def test_the_first_page_comes_at_once(form: tuple[str, ...], full: Full, record_property: Figure) -> None:
    # The least of three: what else the machine does makes the same work cost more.
    used = min((full.wickiepay("events", "list", *form) for _ in range(3)), key=lambda used: used.cpu_seconds)
    assert re.findall(r"many-\d+", used.printed) == [f"many-{EVENTS - 1 - number}" for number in range(50)]
    assert used.cpu_seconds < 1
    record_property("figure", f"first page of {EVENTS:,} events: {used.cpu_seconds:.2f} s of CPU, {used.peak}")


def test_an_export_is_whole_and_takes_little_memory(full: Full, tmp_path: Path, record_property: Figure) -> None:
    output = tmp_path / "events.jsonl"
    used = full.wickiepay("events", "export", "--format", "jsonl", "--output", str(output), *SINCE)
    with output.open() as lines:
        numbers = [int(json.loads(line)["uuid"].removeprefix("many-")) for line in lines]
    assert numbers == list(range(EVENTS - 1, -1, -1))
    assert used.peak_bytes < 150 * MB
    record_property("figure", f"{EVENTS:,} events exported in {used.seconds:.0f} s, at most {used.peak}")


def test_a_dry_run_of_a_replay_counts_right(full: Full, record_property: Figure) -> None:
    used = full.wickiepay("events", "replay", "--state", "FAILED", "--dry-run", "--json", *SINCE)
    assert used.answer["matched"] == full.events.states[State.FAILED] == EVENTS // 20
    record_property("figure", f"{used.answer['matched']:,} FAILED of {EVENTS:,} found, at most {used.peak}")


def test_figures_are_right_and_take_little_memory(full: Full, record_property: Figure) -> None:
    used = full.wickiepay("stats", "--json", *SINCE)
    assert used.answer["outcomes"] == {state.value: count for state, count in full.events.states.items()}
    assert used.peak_bytes < 150 * MB
    record_property("figure", f"{EVENTS:,} events counted in {used.seconds:.0f} s, at most {used.peak}")


def test_the_doctor_s_memory_does_not_grow_with_the_books(full: Full, record_property: Figure) -> None:
    used = full.wickiepay("doctor", "--json")
    assert used.answer["counts"]["events"] == EVENTS
    assert used.answer["counts"]["credits"] == EVENTS // CREDIT_EVERY
    assert used.peak_bytes < full.doctor_on_few.peak_bytes * 1.15
    record_property(
        "figure",
        f"{EVENTS:,} events audited in {used.seconds:.0f} s, at most {used.peak};"
        f" {FEW:,} took {full.doctor_on_few.peak}",
    )
