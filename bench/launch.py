"""Runs one function as Lambda would, in a process of its own: imports it, then hands it events, step by step.

It imports nothing but what is built into the interpreter, and is run compiled, so that what is counted is the
function's. `getpriority` is a word to callgrind: it begins a new part of its count there (see callgrind.py), and is a
system call of no consequence elsewhere.
"""

import marshal
import posix
import sys
import time

SOME_MINUTES_MS = 300_000
NOON = 1768478400.0


class Context:
    """The part of Lambda's context that functions read."""

    function_name = "function"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id = "8f5b4ab0-5b5c-4b6e-9b53-5d0c1f1a3a10"

    def get_remaining_time_in_millis(self) -> int:
        return SOME_MINUTES_MS


def now(measured: list[dict[str, float]]) -> None:
    """Ends a step: what the process had used by then."""
    sys.stdout.flush()
    posix.getpriority(0, 0)
    if "attribution" in sys.modules:
        sys.modules["attribution"].step_ended()
    measured.append({"cpu": time.process_time(), "wall": time.perf_counter(), "logged": float(posix.fstat(1).st_size)})


def kibibytes(name: str) -> int:
    """VmRSS, what of this process is in memory; VmHWM, the most that ever was."""
    with open("/proc/self/status") as status:  # noqa: PTH123  pathlib would be part of what is measured
        return int(status.read().partition(f"{name}:")[2].split()[0])


def begin_trace(number: int) -> None:
    """Lambda says in the environment of which trace an invocation is; a tracer drops what it has of the one before."""
    trace = f"Root=1-69690000-{number:012x}{time.perf_counter_ns() % 16**12:012x};Parent=0000000000000000;Sampled=0"
    sys.modules["os"].environ["_X_AMZN_TRACE_ID"] = trace


def prepare(plan: dict[str, object]) -> None:
    """What there is before the function is imported."""
    if plan["attributed"]:
        sys.path.append(str(plan["attributed"]))
        __import__("attribution").watch_imports()
    if plan["client"]:
        __import__("awslambdaric.bootstrap")
    if plan["frozen"]:
        time.time = lambda: NOON


def enter(group: object) -> float:
    """Moves this process into a control group. Returns how long the kernel took: no handler would wait for that."""
    before = time.perf_counter()
    with open(f"{group}/cgroup.procs", "w") as processes:  # noqa: PTH123
        processes.write(str(posix.getpid()))
    return time.perf_counter() - before


def main(plan_file: str, report_file: str) -> None:
    with open(plan_file, "rb") as file:  # noqa: PTH123
        plan = marshal.load(file)  # noqa: S302  our own, written for this run
    measured: list[dict[str, float]] = []
    now(measured)
    prepare(plan)
    handler = getattr(__import__(plan["module"]), plan["handler"])
    now(measured)
    if plan["attributed"]:
        sys.modules["attribution"].watch_stages()
    if plan["group"]:
        took = enter(plan["group"])
        for step in measured:
            step["wall"] += took
    context, answers, memory = Context(), [], []
    for events in plan["steps"]:
        answer = None
        for _ in range(plan["times"]):
            for event in events:
                if plan["traced"]:
                    begin_trace(len(measured))
                answer = handler(event, context)
        now(measured)
        answers.append(int(answer["statusCode"]) if isinstance(answer, dict) and "statusCode" in answer else answer)
        if plan["memory"]:
            memory.append((kibibytes("VmRSS"), kibibytes("VmHWM")))
    with open(report_file, "wb") as file:  # noqa: PTH123
        parts = sys.modules["attribution"].parts if plan["attributed"] else []
        marshal.dump({"measured": measured, "answers": answers, "memory": memory, "parts": parts}, file)


main(*sys.argv[1:])
