"""The instructions of each row of the table: cold, the whole process to the first delivery; warm, each delivery."""

import base64
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import deliveries
from bench.lambda_folder import LambdaFolder, Place
from bench.running import Plan, Run, counted, timed
from bench.stub_aws import SECRET, stub_aws
from wickiepay.signature import sign

TIMES: Final = 10
"""Deliveries that a warm count is the mean of."""

WARM_UP: Final = 3
AT_ONCE: Final = 2
ALL_SCHEMES: Final = "raw,node,python"

FIRST, DUPLICATE, FORGED = 2, 3, 5
"""The steps of a listener's plan that count as warm."""

type Rows = dict[str, int]
type Counting = Callable[[], Rows]


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts the rows. Each count has its own stub, so the next count does not see what one has put there."""

    folder: LambdaFolder
    scratch: Path

    def ours(self) -> list[Counting]:
        """The counts that `make check` gates on."""
        return [self._trivial, self._ingest_raw, self._ingest, self._consumer, self._bare_calls]

    def others(self) -> list[Counting]:
        sdks = [self._ingest_on_stock_sdk, self._ingest_on_pruned_data]
        return [self._typical, *sdks, self._lean, self._runtime_client, self._verifying]

    def count(self, countings: list[Counting]) -> Rows:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            counted_rows = threads.map(lambda counting: counting(), countings)
            return {name: number for rows in counted_rows for name, number in rows.items()}

    # --- Rows ------------------------------------------------------------------------------------

    def _trivial(self) -> Rows:
        return {"interpreter": self._run("trivial", Plan("trivial", [[{}]]), self.folder.peer("trivial")).cold()}

    def _runtime_client(self) -> Rows:
        run = self._run("runtime", Plan("around", [[{}]]), self.folder.runtime_client())
        return {"runtime_client": run.cold()}

    def _ingest(self) -> Rows:
        place = self.folder.ours("ingest", ACCEPTED_SCHEMES=ALL_SCHEMES)
        run = self._run("ingest", listener("ingest"), place)
        return {**_listener_rows("ingest", run), "ingest_import": run.instructions[1]}

    def _ingest_raw(self) -> Rows:
        place = self.folder.ours("ingest", ACCEPTED_SCHEMES="raw")
        run = self._run("ingest_raw", listener("ingest"), place)
        return {"ingest_forged_raw": run.step(FORGED, TIMES)}

    def _ingest_on_stock_sdk(self) -> Rows:
        place = self.folder.ours("ingest", stock_sdk=True, ACCEPTED_SCHEMES=ALL_SCHEMES)
        return _listener_rows("stock_sdk", self._run("stock", listener("ingest"), place))

    def _ingest_on_pruned_data(self) -> Rows:
        """What was decided against: the runtime's SDK, told by AWS_DATA_PATH to read the layer's pruned data."""
        data = str(self.folder.root / "opt/python/botocore/data")
        place = self.folder.ours("ingest", stock_sdk=True, ACCEPTED_SCHEMES=ALL_SCHEMES, AWS_DATA_PATH=data)
        return {"pruned_data_cold": self._run("pruned", listener("ingest"), place).cold()}

    def _lean(self) -> Rows:
        return _listener_rows("lean", self._run("lean", listener("lean"), self.folder.peer("lean")))

    def _typical(self) -> Rows:
        return _listener_rows("typical", self._run("typical", listener("typical"), self.folder.peer("typical")))

    def _consumer(self) -> Rows:
        cold = [deliveries.batch("cold", 0, 1)]
        warm_up = [deliveries.batch("warm", 0, 10)]
        ones = [deliveries.batch("one", number, 1) for number in range(TIMES)]
        tens = [deliveries.batch("ten", 10 * number, 10) for number in range(TIMES)]
        run = self._run("consumer", Plan("consumer", [cold, warm_up, ones, tens]), self.folder.ours("consumer"))
        for answer in run.answers:
            assert answer == {"batchItemFailures": []}, answer
        return {
            "consumer_cold": run.cold(),
            "consumer_batch_of_1": run.step(2, TIMES),
            "consumer_batch_of_10": run.step(3, TIMES),
        }

    def _bare_calls(self) -> Rows:
        calls = ready_calls(self.folder, self.scratch / "ready", WARM_UP + TIMES + 1)
        firsts, warm_up, cold = calls[:TIMES], calls[TIMES:-1], calls[-1:]
        texts = [{"json": event["body"]} for event in deliveries.forged(TIMES)]
        plan = Plan("bare_calls", [cold, warm_up, firsts, firsts, texts[:1], texts])
        run = self._run("bare", plan, self.folder.bare_calls())
        assert run.answers[FIRST] is True, run.answers
        assert run.answers[DUPLICATE] is False, run.answers
        return {
            "bare_cold": run.cold(),
            "bare_first": run.step(FIRST, TIMES),
            "bare_duplicate": run.step(DUPLICATE, TIMES),
            "json_loads": run.step(FORGED, TIMES),
        }

    def _verifying(self) -> Rows:
        raw, every = (
            [
                {
                    "body": (content := deliveries.body(deliveries.uuid("verified", number))),
                    "signature": sign(content, b"not the secret"),
                    "secret": SECRET.encode(),
                    "schemes": schemes.split(","),
                }
                for number in range(TIMES)
            ]
            for schemes in ("raw", ALL_SCHEMES)
        )
        run = self._run("verifying", Plan("verifying", [every[:1], raw, every]), self.folder.bare_calls())
        return {"verify_raw": run.step(1, TIMES), "verify_all": run.step(2, TIMES)}

    def _run(self, name: str, plan: Plan, place: Place) -> Run:
        with stub_aws() as stub:
            return counted(plan, place, stub.url, self.scratch / name)


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


def counted_twice(counter: Counter, countings: list[Counting]) -> tuple[Rows, float]:
    """The mean of two counts, and their largest difference as a share of one."""
    one, other = counter.count(countings), counter.count(countings)
    spread = max(abs(one[name] - other[name]) / one[name] for name in one)
    return {name: (one[name] + other[name]) // 2 for name in one}, spread
