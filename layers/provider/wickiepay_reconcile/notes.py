"""What the reconciler keeps between its runs, and a record of each: in the event table, under a key of its own.

Of two runs at once, the later one's notes count, so the schedules keep runs apart.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from wickiepay import event_record as records
from wickiepay.clock import instant
from wickiepay.dynamodb import Item
from wickiepay.identity import Identity
from wickiepay.outages import outages
from wickiepay_reconcile.asking import Asked
from wickiepay_reconcile.comparison import Period
from wickiepay_reconcile.our_events import OurEvents
from wickiepay_reconcile.payments import Difference

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

MAX_ASKED: Final = 2000
"""Events that may be awaited at the same time: an item of the table holds 400 KB."""

KEPT: Final = timedelta(days=400)
"""How long the record of a run is kept."""

STATE: Final = Identity(records.RECONCILER, "state")
RUN: Final = "run#"
"""Begins the key of a run's record; the instant of the run follows."""

SEEN: Final = ("uuid", "event_key", "notes")
"""The attributes that are read of the state."""


@dataclass(slots=True)
class State:
    """What was asked for and has not come, by id, and the part of a period that a run had no more time for, if any.

    `differing` says of payments since when each difference is known, by its digest.
    """

    asked: Mapping[str, Asked] = field(default_factory=dict)
    rest: Period | None = None
    differing: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class PaymentsRun:
    """How many payments a run compared, and of the differences that last the number, and the first ones.

    `new` differences may be of what is under way. `flaws` say, a sentence each, what could not be compared.
    """

    compared: int = 0
    new: int = 0
    lasting: int = 0
    differences: list[Difference] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """What a run found, and what it did. The numbers are of events. `payments` is None if it did not compare them."""

    since: str
    until: str
    theirs: int = 0
    ours: int = 0
    matched: int = 0
    under_way: int = 0
    missing: int = 0
    unreadable: int = 0
    asked: int = 0
    refused: int = 0
    given_up: int = 0
    arrived: int = 0
    braked: list[str] = field(default_factory=list)
    cut_short: bool = False
    payments: PaymentsRun | None = None


def run_of(item: Item) -> tuple[str, Run]:
    """When a run was, and its record; what another version noted besides is left out."""
    report = json.loads(item["report"]["S"])
    known = {each.name for each in fields(Run)} & report.keys()
    run = Run(**{name: report[name] for name in known})
    if payments := report.get("payments"):
        run.payments = PaymentsRun(
            **payments | {"differences": [Difference(**each) for each in payments["differences"]]}
        )
    return item["event_key"]["S"].removeprefix(RUN), run


class Notes:
    def __init__(self, client: "DynamoDBClient", table: str, ours: OurEvents) -> None:
        self._client = client
        self._table = table
        self._ours = ours

    def read(self) -> State:
        """The state that the last run left. Raises `StoreUnavailable`."""
        for item in self._ours.read([records.key(STATE)], SEEN):
            kept = json.loads(zlib.decompress(item["notes"]["B"]))
            asked = {each: Asked(*values) for each, values in kept["asked"].items()}
            return State(asked, Period(*kept["rest"]) if kept["rest"] else None, kept.get("differing", {}))
        return State()

    def keep(self, state: State) -> None:
        """Keeps the state for the next run. Raises `StoreUnavailable`."""
        text = json.dumps({"asked": state.asked, "rest": state.rest, "differing": state.differing})
        self._put(STATE, {"notes": {"B": zlib.compress(text.encode())}})

    def record(self, run: Run, at: datetime) -> None:
        """Records a run. Raises `StoreUnavailable`."""
        self._put(
            Identity(records.RECONCILER, f"{RUN}{instant(at)}"),
            {
                "report": {"S": json.dumps(asdict(run))},
                "expires_at": {"N": str(int((at + KEPT).timestamp()))},
            },
        )

    def _put(self, identity: Identity, attributes: Mapping[str, "AttributeValueTypeDef"]) -> None:
        with outages("The event table"):
            self._client.put_item(TableName=self._table, Item={**records.key(identity), **attributes})
