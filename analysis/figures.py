"""The benchmark's figures, as the model reads them from figures.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

INSTRUCTIONS_A_SECOND: Final = 3.5e9
"""What a CPU is taken to do: about as much as the benchmark's own, see performance.md. Seconds that were measured would
differ from run to run, and all prices with them."""

EVENTS_OF_A_PAYMENT: Final = 3
"""Created, processing, completed. The first of them makes the entry in the index of the books, and no other does."""

type Calls = Mapping[str, int]
"""AWS operation (`dynamodb:PutItem`) → how often it is called."""


@dataclass(frozen=True, slots=True)
class WriteUnits:
    """DynamoDB's write units for one payment event with a body of 1 KiB, on average over a payment's life.

    `put` and `mark` are of the event table, `by_time` of its index, `ledger` and `by_reference` of the books.
    """

    put: float
    by_time: float
    mark: float
    ledger: float
    by_reference: float

    @property
    def event_table(self) -> float:
        return self.put + self.mark

    @property
    def total(self) -> float:
        return self.put + self.by_time + self.mark + self.ledger + self.by_reference


@dataclass(frozen=True, slots=True)
class Figures:
    calls: Mapping[str, Calls]
    cpu_seconds: Mapping[str, float]
    log_bytes: Mapping[str, float]
    write_units: WriteUnits
    read_units: float
    """Read units of the consumer for one event."""

    @classmethod
    def of(cls, measured: Mapping[str, Any]) -> Self:
        """Takes from the content of figures.json what the model needs."""
        ingest, consumer = measured["write_units"]["ingest"], measured["write_units"]["consumer"]
        first, later = (measured[event]["consumer"]["indexes"] for event in ("write_units", "later_write_units"))
        return cls(
            calls=measured["calls"],
            cpu_seconds={
                name: count / INSTRUCTIONS_A_SECOND
                for name, count in measured["instructions"].items()
                if name.startswith(("ingest", "consumer"))
            },
            log_bytes=measured["log_bytes"],
            write_units=WriteUnits(
                put=ingest["table"],
                by_time=ingest["indexes"],
                mark=consumer["event_table"],
                ledger=consumer["ledger"],
                by_reference=later + (first - later) / EVENTS_OF_A_PAYMENT,
            ),
            read_units=measured["read_units"]["consumer"],
        )
