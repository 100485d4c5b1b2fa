"""Shows where cold and warm time goes: instructions by package up to the first answer, and by stage after it."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench import deliveries
from bench.attribution import AUTHORITIES, CLIENTS, HANDSHAKES, LIBRARIES, STANDARD
from bench.counting import AT_ONCE, patiently, ready_calls
from bench.lambda_folder import LambdaFolder, Place
from bench.running import Plan, Run, counted
from bench.stub_aws import stub_aws

WARM: Final = 5
INTERPRETER, FIRST = "interpreter", "first delivery"
PACKAGES: Final = frozenset({*LIBRARIES.values(), STANDARD, CLIENTS, AUTHORITIES, HANDSHAKES})

IN_ONE_THREAD: Final = "provisioned-concurrency"
"""What ingest does in threads before the first delivery it then does in it: the stages can be told apart."""

type Shares = dict[str, int]


def where_it_goes(folder: LambdaFolder, scratch: Path) -> dict[str, dict[str, Shares]]:
    """`cold` and `warm`, by function: what went where."""
    steps = [deliveries.firsts("cold", 1), deliveries.firsts("warm", WARM), deliveries.firsts("first", WARM)]
    batches = [[deliveries.batch("cold", 0, 1)], [], []]
    calls = ready_calls(folder, scratch / "ready", 2 * WARM + 1)
    ready = [calls[:1], calls[1 : WARM + 1], calls[WARM + 1 :]]
    plans = {
        "ingest": ("ingest", steps, folder.ours("ingest", AWS_LAMBDA_INITIALIZATION_TYPE=IN_ONE_THREAD)),
        "consumer": ("consumer", batches, folder.ours("consumer")),
        "bare calls": ("bare_calls", ready, folder.bare_calls()),
        "careful": ("careful", steps, folder.peer("careful")),
        "typical": ("typical", steps, folder.peer("typical")),
    }
    with ThreadPoolExecutor(AT_ONCE) as threads:
        counting = {
            name: threads.submit(patiently, partial(_attributed, *plan, folder, scratch / f"attributed {name}"))
            for name, plan in plans.items()
        }
    runs = {name: run.result() for name, run in counting.items()}
    return {
        "cold": {name: _cold(run) for name, run in runs.items() if name != "bare calls"},
        "warm": {name: _warm(run) for name, run in runs.items() if name != "consumer"},
    }


def _attributed(module: str, steps: Sequence[Sequence[Any]], place: Place, folder: LambdaFolder, scratch: Path) -> Run:
    plan = Plan(module, steps, traced=module == "typical", attributed=str(folder.watching))
    with stub_aws(folder.certificate) as stub:
        return counted(plan, place, stub.https_url, scratch)


def _cold(run: Run) -> Shares:
    """Up to the end of the first delivery. The first part is the interpreter's."""
    shares: Counter[str] = Counter({INTERPRETER: run.instructions[0]})
    for (step, label), number in _labelled(run):
        if step == 0:
            shares[label if label in PACKAGES else STANDARD] += number
        elif step == 1:
            shares[label if label in PACKAGES else FIRST] += number
    return dict(shares)


def _warm(run: Run) -> Shares:
    shares: Counter[str] = Counter()
    for (step, label), number in _labelled(run):
        if step == 3:
            shares[label] += number // WARM
    return dict(shares)


def _labelled(run: Run) -> list[tuple[tuple[int, str], int]]:
    return list(zip(run.parts, run.instructions[1:], strict=False))
