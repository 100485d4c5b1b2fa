"""Measurements without callgrind: calls, billed units, bytes, CPU and wall time, memory."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from bench import deliveries
from bench.counting import WARM_UP, ready_calls
from bench.lambda_folder import POWERTOOLS, LambdaFolder, Place
from bench.running import Plan, Run, timed
from bench.stub_aws import Calls, stub_aws
from bench.write_units import Meter, Table, Written, size, tables
from wickiepay_cli.project import PROJECT

SOME: Final = 5
"""Deliveries of each kind whose calls are counted."""

RUNS: Final = 3
"""Number of runs. The quickest counts, because other work of the machine only adds time."""

TIMED: Final = 100
ROUNDS: Final = 9
CALL_MS: Final = 8
BATCHES: Final = 20
THOUSAND: Final = 10
"""How often one step goes through a hundred deliveries."""

ONE_HEAP: Final = "consumer, with one heap"

CREATED: Final = "payment.created"
COMPLETED: Final = "payment.completed"
CONFIRMED: Final = "channel.payment.confirmed"

type Requests = list[tuple[str, Any]]

type CallCounts = dict[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    folder: LambdaFolder
    scratch: Path

    # --- Calls -----------------------------------------------------------------------------------

    def calls(self) -> dict[str, CallCounts]:
        """The calls of one delivery or batch, by operation."""
        return {
            **self._calls_of_listener("", "ingest", self.folder.ours("ingest")),
            "consumer_batch_of_1": self._more_calls([deliveries.batch("b", n, 1) for n in range(SOME)]),
            "consumer_batch_of_10": self._more_calls([deliveries.batch("b", 10 * n, 10) for n in range(SOME)]),
        }

    def calls_of_others(self) -> dict[str, CallCounts]:
        """The same of the listeners to compare with."""
        found = [self._calls_of_listener(f"{name}_", name, self.folder.peer(name)) for name in POWERTOOLS]
        return {name: counts for each in found for name, counts in each.items()}

    def _calls_of_listener(self, prefix: str, module: str, place: Place) -> dict[str, CallCounts]:
        """By kind of delivery. The first forged one has a kind of its own: the secret may have been rotated."""
        firsts, forged = deliveries.firsts("first", SOME), deliveries.forged(SOME)
        steps = {
            "cold": deliveries.firsts("cold", 1),
            "first": firsts,
            "duplicate": firsts,
            "first_forged": forged[:1],
            "forged": forged,
        }
        counted: Counter[str] = Counter()
        found: dict[str, CallCounts] = {}
        for number, (kind, step) in enumerate(steps.items(), 1):
            so_far = Counter(self.asked(Plan(module, [*steps.values()][:number]), place).by_operation)
            each = sorted((so_far - counted).items())
            found[f"{prefix}{kind}"] = {operation: times / len(step) for operation, times in each}
            counted = so_far
        return found

    def _more_calls(self, batches: Sequence[Any]) -> CallCounts:
        one, all_of_them = (
            self.asked(Plan("consumer", [batches[:number]]), self.folder.ours("consumer")).by_operation
            for number in (1, SOME)
        )
        return {operation: (all_of_them[operation] - one[operation]) / (SOME - 1) for operation in all_of_them}

    def asked(self, plan: Plan, place: Place) -> Calls:
        """The requests of a run to AWS."""
        with stub_aws() as stub:
            timed(plan, place, stub.url, self.scratch / "asked")
            return stub.calls()

    # --- What is billed, and its bytes -----------------------------------------------------------

    def billed(
        self, name: str = COMPLETED, body_size: int = deliveries.KIB, after: str | None = None
    ) -> dict[str, Any]:
        """What the tables bill for one event, from ingest's put to the consumer's mark; and the bytes of each thing.

        The event is the first of its payment, or comes `after` another one of it.
        """
        meter = Meter(_tables())
        if after:
            for requests in self._requests(self._billed_body(after, body_size)):
                list(meter.writes(requests))
        content = self._billed_body(name, body_size)
        received, consumed = self._requests(content)
        recorded = list(meter.writes(received))
        reads = meter.read_units(consumed)
        finished = list(meter.writes(consumed))
        ledger = [each for each in finished if each.table == "LedgerTable"]
        events = [each for each in finished if each.table != "LedgerTable"]
        units = {
            "ingest": {"table": _units(recorded), "indexes": _index_units(recorded)},
            "consumer": {
                "event_table": _units(events),
                "indexes": _index_units(finished),
                "ledger": _units(ledger),
            },
            "total": sum(each.units + each.index_units for each in (*recorded, *finished)),
        }
        sizes = {
            "body": len(content),
            "message": sum(len(c["MessageBody"]) for o, c in received if o == "sqs:SendMessage"),
            "announcement": sum(len(json.dumps(c["Entries"][0])) for o, c in consumed if o == "events:PutEvents"),
            "items": {" ".join(place[:1]): size(item) for place, item in meter.items.items()},
        }
        return {"write_units": units, "read_units": {"consumer": reads}, "event_bytes": sizes}

    def _billed_body(self, name: str, size: int) -> bytes:
        return deliveries.body(deliveries.uuid("billed", 0), size, name)

    def _requests(self, content: bytes) -> tuple[Requests, Requests]:
        """The requests of ingest and the consumer to AWS for an event."""
        records = [deliveries.record(content)]
        received = self.asked(Plan("ingest", [[deliveries.delivery(content)]]), self.folder.ours("ingest"))
        consumed = self.asked(Plan("consumer", [[{"Records": records}]]), self.folder.ours("consumer"))
        return received.requests, consumed.requests

    # --- Time ------------------------------------------------------------------------------------

    def in_pairs(self) -> dict[str, dict[str, float]]:
        """CPU seconds of a delivery and of the bare calls that it needs, over TLS; the medians of many rounds.

        In each round both run one after the other, so that what else the machine does disturbs both alike.
        """
        firsts = deliveries.firsts("first", TIMED)
        calls = ready_calls(self.folder, self.scratch / "ready", WARM_UP + TIMED)
        plans = {
            "ingest": Plan("ingest", [deliveries.firsts("warm", WARM_UP), firsts, firsts]),
            "bare": Plan("bare_calls", [calls[:WARM_UP], calls[WARM_UP:], calls[WARM_UP:]]),
        }
        places = {"ingest": self.folder.ours("ingest"), "bare": self.folder.bare_calls()}
        runs: dict[str, list[Run]] = {name: [] for name in plans}
        for _ in range(ROUNDS):
            for name, plan in plans.items():
                runs[name].append(self._timed(plan, places[name], tls=True))
        return {
            kind: {name: median(run.cpu(step, TIMED) for run in of_it) for name, of_it in runs.items()}
            for kind, step in (("first", 1), ("duplicate", 2))
        }

    def in_parallel(self) -> dict[str, float]:
        """A batch of ten with calls of 8 ms, by threads and by one: wall and CPU seconds of each."""
        place = self.folder.ours("consumer")
        alone = Place(place.launcher, (self.folder.root / "peers", *place.path), place.variables)
        together = [self._timed(_batches(), place, CALL_MS) for _ in range(RUNS)]
        one_by_one = [self._timed(_batches("one_by_one"), alone, CALL_MS) for _ in range(RUNS)]
        return {
            "threads_wall": min(run.wall(3, BATCHES) for run in together),
            "threads_cpu": min(run.cpu(3, BATCHES) for run in together),
            "one_by_one_wall": min(run.wall(3, BATCHES) for run in one_by_one),
            "one_by_one_cpu": min(run.cpu(3, BATCHES) for run in one_by_one),
        }

    def _timed(self, plan: Plan, place: Place, pause_ms: float = 0, *, tls: bool = False) -> Run:
        with stub_aws(self.folder.certificate) as stub:
            stub.pause(pause_ms)
            return timed(plan, place, stub.https_url if tls else stub.url, self.scratch / "timed")

    # --- Memory and logs -------------------------------------------------------------------------

    def memory(self) -> dict[str, dict[str, int]]:
        """KiB after one and after ten thousand deliveries over TLS, and the most that ever were."""
        firsts = deliveries.firsts("first", 100)
        tens = [deliveries.batch("ten", 10 * number, 10) for number in range(10)]
        places = {"ingest": self.folder.ours("ingest"), "consumer": self.folder.ours("consumer")}
        places[ONE_HEAP] = self.folder.ours("consumer", MALLOC_ARENA_MAX="1")
        places |= {name: self.folder.peer(name) for name in POWERTOOLS}
        return {
            name: self._memory(
                Plan(
                    name.partition(",")[0],
                    [tens if name.startswith("consumer") else firsts] * 10,
                    times=THOUSAND,
                    traced=name == "typical",
                    memory=True,
                    client=True,
                ),
                place,
            )
            for name, place in places.items()
        }

    def _memory(self, plan: Plan, place: Place) -> dict[str, int]:
        with stub_aws(self.folder.certificate) as stub:
            stub.forget()
            run = timed(plan, place, stub.https_url, self.scratch / "memory")
        return {"after_1000": run.resident[0], "after_10000": run.resident[-1], "peak": run.peak}

    def logs(self) -> dict[str, dict[str, float]]:
        """Log lines and metric lines of one delivery or event, and their bytes."""
        steps = [deliveries.firsts("cold", 1), deliveries.firsts("first", SOME), deliveries.forged(SOME)]
        ingest = self._timed(Plan("ingest", steps), self.folder.ours("ingest"))
        batches = [[deliveries.batch("b", 0, 1)], [deliveries.batch("b", 10 + n, 1) for n in range(SOME)]]
        consumer = self._timed(Plan("consumer", batches), self.folder.ours("consumer"))
        texts = {"ingest_first": ingest.logs[1], "ingest_forged": ingest.logs[2], "consumer_event": consumer.logs[1]}
        return {name: _lines(text) for name, text in texts.items()}


def _lines(text: str) -> dict[str, float]:
    """A line that is both, log and metrics, counts as either."""
    lines = text.splitlines()
    told, counted = (sum(mark in line for line in lines) / SOME for mark in ('"level"', '"_aws"'))
    return {"bytes": len(text.encode()) / SOME, "lines": len(lines) / SOME, "log_lines": told, "metric_lines": counted}


def _batches(module: str = "consumer") -> Plan:
    """Cold, warmed up, batches of one, batches of ten."""
    ones = [deliveries.batch("one", number, 1) for number in range(BATCHES)]
    tens = [deliveries.batch("ten", 10 * number, 10) for number in range(BATCHES)]
    return Plan(module, [[deliveries.batch("cold", 0, 1)], [deliveries.batch("warm", 0, 10)], ones, tens])


def _tables() -> dict[str, Table]:
    return tables(yaml_parse((PROJECT / "template.yaml").read_text())["Resources"])


def _units(writes: Sequence[Written]) -> int:
    return sum(each.units for each in writes)


def _index_units(writes: Sequence[Written]) -> int:
    return sum(each.index_units for each in writes)
