"""One run of a function: what it is handed, and what was measured of it."""

import marshal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bench import callgrind
from bench.lambda_folder import Place, interpreter

BEFORE: Final = 2
"""Steps before the first that hands out events: the interpreter starts, the function is imported."""

MOST_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """The function `handler` of `module`, and the events that it is handed in each step."""

    module: str
    steps: Sequence[Sequence[Any]] = ()
    handler: str = "lambda_handler"
    times: int = 1
    """How often each step goes through its events."""
    traced: bool = False
    """Whether each event begins a trace of its own, as on Lambda; for those that have a tracer."""
    memory: bool = False
    client: bool = False
    """Whether Lambda's runtime client is imported first, as it is around each function."""
    group: str = ""
    """The control group that the process enters once the function is imported, so that its quota is for the steps."""
    attributed: str = ""
    """The path of attribution.py, if the steps are told apart by what they do."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured, by step: first the interpreter's start, then the import, then the plan's steps."""

    instructions: list[int]
    cpu_seconds: list[float]
    wall_seconds: list[float]
    answers: list[Any]
    """The last one of each step; of an HTTP answer its status."""
    logs: list[str]
    """The standard output of each of the plan's steps."""
    resident: list[int]
    """KiB in memory after each of the plan's steps."""
    peak: int
    """The most KiB that ever were."""
    parts: list[tuple[int, str]]
    """Where the steps were told apart: of each number in `instructions` the step, and to what in it it belongs."""

    def cold(self) -> int:
        """The instructions to the first answer. Nobody waits for the end of the process: Lambda freezes it."""
        return sum(self.instructions[: BEFORE + 1])

    def step(self, number: int, times: int = 1) -> int:
        """The instructions of one event of the plan's step `number`, of `times` events."""
        return round(self.instructions[BEFORE + number] / times)

    def wall(self, number: int, times: int = 1) -> float:
        return self.wall_seconds[BEFORE + number] / times

    def cpu(self, number: int, times: int = 1) -> float:
        return self.cpu_seconds[BEFORE + number] / times


def counted(plan: Plan, place: Place, endpoint_url: str, folder: Path) -> Run:
    """Runs under callgrind."""
    return _run(plan, place, endpoint_url, folder, under_callgrind=True)


def timed(plan: Plan, place: Place, endpoint_url: str, folder: Path) -> Run:
    """Runs without counting, so the result has no instructions."""
    return _run(plan, place, endpoint_url, folder, under_callgrind=False)


def _run(plan: Plan, place: Place, endpoint_url: str, folder: Path, *, under_callgrind: bool) -> Run:
    folder.mkdir(parents=True, exist_ok=True)
    plan_file, report_file, output = folder / "plan", folder / "report", folder / "output"
    plan_file.write_bytes(marshal.dumps(_as_plain(plan, under_callgrind=under_callgrind)))
    command = (interpreter(), "-S", "-s", str(place.launcher), str(plan_file), str(report_file))
    environment = place.environment(endpoint_url)
    instructions = []
    if under_callgrind:
        instructions = callgrind.count(command, environment, folder, output)
    else:
        with output.open("wb") as stdout:
            subprocess.run(command, env=environment, stdout=stdout, check=True, timeout=MOST_SECONDS)
    return _read(marshal.loads(report_file.read_bytes()), output.read_bytes(), instructions)  # noqa: S302  our own


def _as_plain(plan: Plan, *, under_callgrind: bool) -> dict[str, Any]:
    return {
        "module": plan.module,
        "handler": plan.handler,
        "steps": [list(events) for events in plan.steps],
        "times": plan.times,
        "traced": plan.traced,
        "frozen": under_callgrind,  # there time passes slowly: what is done every ten seconds would come at random
        "memory": plan.memory,
        "client": plan.client,
        "group": plan.group,
        "attributed": plan.attributed,
    }


def _read(report: Mapping[str, Any], output: bytes, instructions: list[int]) -> Run:
    measured = report["measured"]
    written = [int(step["logged"]) for step in measured]
    return Run(
        instructions=instructions,
        cpu_seconds=_differences([step["cpu"] for step in measured], first=True),
        wall_seconds=_differences([step["wall"] for step in measured], first=False),
        answers=report["answers"],
        logs=[output[a:b].decode() for a, b in pairwise(written[1:])],
        resident=[now for now, _ in report["memory"]],
        peak=max((most for _, most in report["memory"]), default=0),
        parts=report["parts"],
    )


def _differences(moments: list[float], *, first: bool) -> list[float]:
    before = 0.0 if first else moments[0]
    return [b - a for a, b in pairwise([before, *moments])]
