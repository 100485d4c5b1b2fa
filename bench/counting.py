"""The instructions of each row of the table: cold, to the first answer; warm, each delivery. Most are over TLS."""

import base64
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError
from typing import Any, Final

from bench import deliveries
from bench.lambda_folder import LambdaFolder, Place
from bench.running import Plan, Run, counted, timed
from bench.stub_aws import stub_aws

TIMES: Final = 10
"""Deliveries that a warm count is the mean of."""

BATCHES: Final = 3
"""The same of batches of ten."""

WARM_UP: Final = 3
AT_ONCE: Final = 2
ALL_SCHEMES: Final = "raw,node,python"

FIRST, DUPLICATE, FORGED = 2, 3, 5
"""The steps of a listener's plan that count as warm."""

type Rows = dict[str, int]
type Counting = Callable[[], Rows]


def patiently[T](work: Callable[[], T]) -> T:
    """Does it once more where it fails: on a busy machine a call may time out that is counted fifty times slower."""
    try:
        return work()
    except (AssertionError, SubprocessError):
        return work()


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts the rows. Each count has its own stub, so the next count does not see what one has put there."""

    folder: LambdaFolder
    scratch: Path

    def ours(self) -> dict[str, Counting]:
        """The counts that `make check` gates on."""
        return {
            "interpreter": self._trivial,
            "ingest": self._ingest,
            "consumer": self._consumer,
            "bare calls": self._bare_calls,
        }

    def others(self) -> dict[str, Counting]:
        return {
            "typical": lambda: self._peer("typical"),
            "careful": lambda: self._peer("careful"),
            "ingest, without TLS": self._ingest_without_tls,
            "ingest, on the runtime's SDK": self._ingest_on_stock_sdk,
            "consumer, over TLS": self._consumer_over_tls,
            "runtime client": self._runtime_client,
        }

    def count(self, countings: Mapping[str, Counting]) -> Rows:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            counted_rows = threads.map(patiently, countings.values())
            return {name: number for rows in counted_rows for name, number in rows.items()}

    # --- Rows ------------------------------------------------------------------------------------

    def _trivial(self) -> Rows:
        return {"interpreter": self._run("trivial", Plan("trivial", [[{}]]), self.folder.peer("trivial")).cold()}

    def _runtime_client(self) -> Rows:
        plan = Plan("trivial", [[{}]], client=True)
        return {"runtime_client": self._run("runtime", plan, self.folder.runtime_client()).cold()}

    def _ingest(self) -> Rows:
        place = self.folder.ours("ingest", ACCEPTED_SCHEMES=ALL_SCHEMES)
        return _listener_rows("ingest", self._run("ingest", listener("ingest"), place))

    def _ingest_without_tls(self) -> Rows:
        run = self._run("plain", listener("ingest"), self.folder.ours("ingest", ACCEPTED_SCHEMES="raw"), tls=False)
        return {"ingest_cold_plain": run.cold(), "ingest_forged_raw": run.step(FORGED, TIMES)}

    def _ingest_on_stock_sdk(self) -> Rows:
        place = self.folder.ours("ingest", stock_sdk=True)
        return {"stock_sdk_cold": self._run("stock", Plan("ingest", [deliveries.firsts("cold", 1)]), place).cold()}

    def _peer(self, name: str) -> Rows:
        return _listener_rows(name, self._run(name, listener(name), self.folder.peer(name)))

    def _consumer(self) -> Rows:
        cold = [deliveries.batch("cold", 0, 1)]
        warm_up = [deliveries.batch("warm", 0, 10)]
        ones = [deliveries.batch("one", number, 1) for number in range(TIMES)]
        tens = [deliveries.batch("ten", 10 * number, 10) for number in range(BATCHES)]
        plan = Plan("consumer", [cold, warm_up, ones, tens])
        run = self._run("consumer", plan, self.folder.ours("consumer"), tls=False)
        for answer in run.answers:
            assert answer == {"batchItemFailures": []}, answer
        return {
            "consumer_cold_plain": run.cold(),
            "consumer_batch_of_1": run.step(2, TIMES),
            "consumer_batch_of_10": run.step(3, BATCHES),
        }

    def _consumer_over_tls(self) -> Rows:
        plan = Plan("consumer", [[deliveries.batch("cold", 0, 1)]])
        return {"consumer_cold": self._run("consumer_tls", plan, self.folder.ours("consumer")).cold()}

    def _bare_calls(self) -> Rows:
        calls = ready_calls(self.folder, self.scratch / "ready", WARM_UP + TIMES + 1)
        firsts, warm_up, cold = calls[:TIMES], calls[TIMES:-1], calls[-1:]
        run = self._run("bare", Plan("bare_calls", [cold, warm_up, firsts, firsts]), self.folder.bare_calls())
        assert run.answers[FIRST:] == [True, False], run.answers
        return {
            "bare_cold": run.cold(),
            "bare_first": run.step(FIRST, TIMES),
            "bare_duplicate": run.step(DUPLICATE, TIMES),
        }

    def _run(self, name: str, plan: Plan, place: Place, *, tls: bool = True) -> Run:
        with stub_aws(self.folder.certificate) as stub:
            return counted(plan, place, stub.https_url if tls else stub.url, self.scratch / name)


def listener(module: str) -> Plan:
    """Cold, warmed up, first deliveries, the same ones again, one forged delivery to warm up, forged deliveries."""
    firsts, forged = deliveries.firsts("first", TIMES), deliveries.forged(TIMES)
    cold, warm_up = deliveries.firsts("cold", 1), deliveries.firsts("warm", WARM_UP)
    return Plan(module, [cold, warm_up, firsts, firsts, forged[:1], forged], traced=module == "typical")


def _listener_rows(name: str, run: Run) -> Rows:
    assert run.answers == [200, 200, 200, 200, 401, 401], run.answers
    return {
        f"{name}_cold": run.cold(),
        f"{name}_first": run.step(FIRST, TIMES),
        f"{name}_duplicate": run.step(DUPLICATE, TIMES),
        f"{name}_forged": run.step(FORGED, TIMES),
    }


def ready_calls(folder: LambdaFolder, scratch: Path, times: int) -> list[dict[str, Any]]:
    """The calls that ingest makes for a number of first deliveries, caught at the stub."""
    with stub_aws() as stub:
        timed(Plan("ingest", [deliveries.firsts("ready", times)]), folder.ours("ingest"), stub.url, scratch)
        requests = stub.calls().requests
    puts = [content for operation, content in requests if operation == "dynamodb:PutItem"]
    sends = [content for operation, content in requests if operation == "sqs:SendMessage"]
    return [{"put": _typed(put), "send": send} for put, send in zip(puts, sends, strict=True)]


def _typed(put: Mapping[str, Any]) -> dict[str, Any]:
    """A PutItem as a client is given it: its binary values as bytes, which in JSON are base64."""
    item = {name: {"B": base64.b64decode(value["B"])} if "B" in value else value for name, value in put["Item"].items()}
    return {**put, "Item": item}
