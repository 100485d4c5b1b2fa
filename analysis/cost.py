"""The cost of a delivery, and of a month without deliveries."""

import math
from dataclasses import dataclass
from typing import Final

from analysis import assumptions, prices, quotas
from analysis.assumptions import LOG_LINE_BYTES
from analysis.figures import Figures
from analysis.prices import MILLION
from analysis.service import Service
from analysis.sizes import Sizes, sizes
from analysis.stack import Function, Stack
from wickiepay.metrics import Metric
from wickiepay.signing_secrets import TIME_TO_LIVE_SECONDS

MONTH_DAYS: Final = 365 / 12
MONTH_SECONDS: Final = MONTH_DAYS * 86_400
USUAL_BODY: Final = 1024
APP_LINES: Final = 2
"""Log lines of an event and of a run of the relay: what happened, and the metrics."""

INGEST_LINES: Final = 1
"""Log lines of a delivery, which hold both in one."""


@dataclass(frozen=True, slots=True)
class Costs:
    stack: Stack
    figures: Figures

    @property
    def service(self) -> Service:
        return Service(self.stack, self.figures)

    def million(self, batch: float, body: int = USUAL_BODY) -> dict[str, float]:
        """A million first deliveries of payment events, worked on in batches of `batch`; keeping them is `kept`."""
        size = sizes(body)
        ingest = _some_cold(self.service.ingest(), self.service.ingest_cold())
        consumer = _some_cold(self.service.consumer(batch), self.service.consumer_cold()) / batch
        chunks = _units(size.message, quotas.CHUNK)
        announced = _units(size.announcement, quotas.CHUNK) if self.stack.announces else 0
        each = {
            "API": prices.API_REQUEST.of(1) + prices.SENT_GB.of(assumptions.ANSWER_BYTES / prices.GIB),
            "Lambda: ingest": prices.INVOCATION.of(1) + _computing(self.stack.ingest, ingest),
            "Lambda: consumer": prices.INVOCATION.of(1 / batch) + _computing(self.stack.consumer, consumer),
            "DynamoDB: writes": prices.WRITE_UNIT.of(self.write_units(size)),
            "DynamoDB: reads": prices.READ_UNIT.of(self.read_units(size)),
            # Sent and received once per 64 KB; a batch is received once for its first 64 KB, and deleted at once.
            "SQS": prices.QUEUE_REQUEST.of(chunks + max(1 / batch, size.message / quotas.CHUNK) + 1 / batch),
            "EventBridge": prices.ANNOUNCEMENT.of(announced),
            "Logs": prices.LOG_GB.of(self.log_bytes(batch) / prices.GIB),
        }
        return {part: usd * MILLION for part, usd in each.items()}

    def kept(self, body: int = USUAL_BODY) -> dict[str, float]:
        """The cost of keeping what a million deliveries leave behind for as long as the template keeps it."""
        size = sizes(body)
        tables = size.kept_in_tables * MILLION / prices.GIB
        indexes = size.kept_in_indexes * MILLION / prices.GIB
        months = self.stack.event_retention_days / MONTH_DAYS
        logs = self.log_bytes(1) * MILLION / prices.GIB * assumptions.LOG_PACKED
        return {
            "Tables and indexes": prices.TABLE_GB.of((tables + indexes) * months),
            "Being able to restore them": prices.RESTORABLE_GB.of(tables * months) if self.stack.restorable else 0.0,
            "Logs": prices.LOG_GB_MONTH.of(logs * self.stack.log_retention_days / MONTH_DAYS),
        }

    def kept_as_objects(self, body: int) -> float:
        """Keeping a million bodies as objects in S3, as large as their records are, for as long as those."""
        months = self.stack.event_retention_days / MONTH_DAYS
        return prices.OBJECT_GB.of(sizes(body).record * MILLION / prices.GIB * months)

    def answers(self, kind: str) -> float:
        """A million deliveries that end at ingest: `duplicate` or `forged`."""
        units = self.figures.write_units.put * sum(self.figures.calls[kind].values())
        line = self.figures.log_bytes["ingest_forged" if kind == "forged" else "ingest_first"]
        lines = line + self._around(self.stack.ingest)
        each = (
            prices.API_REQUEST.of(1)
            + prices.SENT_GB.of(assumptions.ANSWER_BYTES / prices.GIB)
            + prices.INVOCATION.of(1)
            + _computing(self.stack.ingest, self.service.ingest(kind))
            + prices.WRITE_UNIT.of(units)
            + prices.LOG_GB.of((lines + INGEST_LINES * LOG_LINE_BYTES + self._access_line()) / prices.GIB)
        )
        return each * MILLION

    def idle(self) -> dict[str, float]:
        """A month without a delivery."""
        runs = MONTH_SECONDS / self.stack.relay_seconds
        run = assumptions.RELAY_CPU_SECONDS / (self.stack.relay.memory_mb / assumptions.WHOLE_CPU_MB)
        run += self.stack.shards * assumptions.CALL_SECONDS["dynamodb:Query"]
        lines = assumptions.RELAY_LOG_BYTES + APP_LINES * LOG_LINE_BYTES + self._around(self.stack.relay)
        polls = quotas.FIRST_POLLERS * MONTH_SECONDS / assumptions.POLL_SECONDS
        return {
            "Alarms": prices.ALARM.of(self.stack.alarms),
            "Dashboard": prices.DASHBOARD.of(self.stack.dashboards),
            "Secret": prices.SECRET.of(self.stack.secrets),
            "Metrics of the relay": prices.METRIC.of(self.relay_metrics()),
            **(
                {"Metrics of the reconciler": prices.METRIC.of(self.reconciler_metrics())}
                if self.stack.reconciles
                else {}
            ),
            "Asking the empty queue": prices.QUEUE_REQUEST.of(polls),
            "The relay's runs": prices.SCHEDULE.of(runs)
            + prices.INVOCATION.of(runs)
            + _computing(self.stack.relay, run) * runs
            + prices.READ_UNIT.of(runs * self.stack.shards * assumptions.RELAY_QUERIES_READ_UNITS)
            + prices.LOG_GB.of(runs * lines / prices.GIB),
        }

    def relay_metrics(self) -> int:
        """Custom metrics that the relay always emits."""
        return self._metrics_of("relay")

    def reconciler_metrics(self) -> int:
        """Custom metrics that the reconciler emits each hour."""
        return self._metrics_of("reconciler")

    def _metrics_of(self, service: str) -> int:
        return sum(emitter == service for _, emitter in self.stack.metrics)

    def times_reconciled(self) -> int:
        """How often the reconciler reads an event: in each hour of its day, and in each night of the period."""
        return 24 + self.stack.reconcile_days

    def reconciled(self) -> float:
        """What a million deliveries cost a stack that reconciles: a read that need not be consistent is half a unit."""
        return prices.READ_UNIT.of(MILLION * self.times_reconciled() / 2)

    def payments_reconciled(self) -> float:
        """The same for a million payments, which are read in each night of the period."""
        return prices.READ_UNIT.of(MILLION * self.stack.reconcile_days / 2)

    def ordinary_metrics(self) -> int:
        """Custom metrics of healthy traffic of every event type, without the relay's.

        Accepted, one scheme, one secret, the time to 200, and processed: in all, and for each event type that has a
        handler. None of these rings an alarm, so lean monitoring has none of them.
        """
        return 5 + self.stack.event_types if self.stack.monitors_fully else 0

    def all_metrics(self) -> int:
        """As many as the code can emit, if everything that can happen does within an hour.

        Those that the stack shows or watches, and those that it does not: the secrets', which `wickiepay secret status`
        asks for. Also, for each event type processed and failed; what has no handler is `other`, ignored or failed.
        """
        unseen = set(Metric) - {name for name, _ in self.stack.metrics}
        return len(self.stack.metrics) + len(unseen) + 2 * self.stack.event_types + 2

    def month(self, deliveries: float) -> dict[str, float]:
        """A month of evenly spread deliveries, once the tables hold as much as they ever will."""
        rate = deliveries / MONTH_SECONDS
        containers = max(1, math.ceil(rate * self.service.ingest())) if deliveries else 0
        reads = self.service.secret_reads * containers * MONTH_SECONDS / TIME_TO_LIVE_SECONDS
        share = deliveries / MILLION
        return {
            "Whatever is delivered": sum(self.idle().values()),
            "Metrics": prices.METRIC.of(self.ordinary_metrics()) if deliveries else 0.0,
            "Reading the secret": prices.SECRET_CALL.of(reads),
            "Deliveries": share * sum(self.million(self.service.batch(rate)).values()),
            "Keeping them": share * sum(self.kept().values()),
        }

    def write_units(self, size: Sizes) -> float:
        """Of one event: as measured for the usual body, and more or fewer as the record of another needs them."""
        usual, units = sizes(USUAL_BODY), self.figures.write_units
        put = units.put + _units(size.record, quotas.WRITE_UNIT) - _units(usual.record, quotas.WRITE_UNIT)
        mark = units.mark + _units(size.finished, quotas.WRITE_UNIT) - _units(usual.finished, quotas.WRITE_UNIT)
        payment = _units(size.ledger, quotas.WRITE_UNIT) - _units(usual.ledger, quotas.WRITE_UNIT)
        return units.total - units.event_table + max(1, put) + max(1, mark) + payment

    def read_units(self, size: Sizes) -> float:
        """For one event: reading a record is billed for the whole item, whichever attributes are read."""
        usual = sizes(USUAL_BODY)
        return self.figures.read_units + _units(size.record, quotas.READ_UNIT) - _units(usual.record, quotas.READ_UNIT)

    def log_bytes(self, batch: float) -> float:
        """Bytes that a delivery and its event leave in the logs."""
        own = self.figures.log_bytes["ingest_first"] + self.figures.log_bytes["consumer_event"]
        platform = self._around(self.stack.ingest) + self._around(self.stack.consumer) / batch
        return own + (INGEST_LINES + APP_LINES) * LOG_LINE_BYTES + platform + self._access_line()

    def _around(self, function: Function) -> int:
        """Bytes that the platform logs around an invocation."""
        lines = assumptions.PLATFORM_LINES if function.platform_lines else ()
        return sum(len(line) + LOG_LINE_BYTES for line in lines)

    def _access_line(self) -> int:
        line = self.stack.access_log_format
        for name, value in assumptions.ACCESS_LOG_VALUES.items():
            line = line.replace(f"$context.{name}", value)
        return len(line) + LOG_LINE_BYTES


def _units(size: float, unit: int) -> int:
    return max(1, math.ceil(size / unit))


def _some_cold(warm: float, cold: float) -> float:
    """The average of an invocation, of which some start cold."""
    return warm + assumptions.COLD_SHARE * (cold - warm)


def _computing(function: Function, seconds: float) -> float:
    return prices.GB_SECOND.of(function.memory_gb * seconds)
