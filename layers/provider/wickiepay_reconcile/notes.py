"""What the reconciler keeps between its runs, and a record of each: in the event table, under a key of its own."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wickiepay import event_record as records
from wickiepay.clock import instant
from wickiepay.dynamodb import Item
from wickiepay.errors import StoreUnavailable
from wickiepay.identity import Identity
from wickiepay.outages import outages
from wickiepay_reconcile.asking import Asked
from wickiepay_reconcile.comparison import Period
from wickiepay_reconcile.dismissals import DISMISSED, Dismissal, dismissals_of
from wickiepay_reconcile.our_events import OurEvents
from wickiepay_reconcile.payments import Difference

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

MAX_ARRIVALS: Final = 1000
"""Arrivals that a run's record names: an item of the table holds 400 KB. A run asks for no more."""

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

    `differing` says of payments since when each difference is known, by its digest. `dismissed` is what an operator
    dismissed, by id: the reconciler only reads it.
    """

    asked: Mapping[str, Asked] = field(default_factory=dict)
    rest: Period | None = None
    differing: Mapping[str, str] = field(default_factory=dict)
    dismissed: Mapping[str, Dismissal] = field(default_factory=dict)


class Arrival(NamedTuple):
    """An event that had been asked for: how often, when for the first time, and which it was. It came before this run.

    `event` is its name as records have it, and `at` its time stamp.
    """

    id: str
    event: str
    at: str
    first: str
    times: int


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
    """What a run found, and what it did. The numbers are of events.

    `arrivals` are those that had been asked for and came, so far as there is room. `payments` is None if it did not
    compare them.
    """

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
    dismissed: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    braked: list[str] = field(default_factory=list)
    cut_short: bool = False
    payments: PaymentsRun | None = None


def run_of(item: Item) -> tuple[str, Run]:
    """When a run was, and its record; what another version noted besides is left out."""
    report = json.loads(item["report"]["S"])
    run = _known(Run, report)
    run.arrivals = [Arrival(*values) for values in run.arrivals]
    if told := report.get("payments"):
        run.payments = _known(PaymentsRun, told)
        run.payments.differences = [_known(Difference, each) for each in told.get("differences", ())]
    return item["event_key"]["S"].removeprefix(RUN), run


def _known[T: "DataclassInstance"](kind: type[T], report: Mapping[str, Any]) -> T:
    return kind(**{each.name: report[each.name] for each in fields(kind) if each.name in report})


class Notes:
    """What is kept. Of two runs at once, one can keep nothing, and so ask for nothing: both would ask for the same."""

    def __init__(self, client: "DynamoDBClient", table: str, ours: OurEvents) -> None:
        self._client = client
        self._table = table
        self._ours = ours
        self._mine: list[bytes] = []  # the notes that this run read or wrote, so far as they may be there

    def read(self) -> State:
        """The state that the last run left, and what is dismissed. Raises `StoreUnavailable`."""
        state, self._mine = State(), []
        for item in self._ours.read([records.key(STATE), records.key(DISMISSED)], SEEN):
            if records.identity_of(item) == DISMISSED:
                state.dismissed = dismissals_of(item)
            else:
                self._mine = [item["notes"]["B"]]
                kept = json.loads(zlib.decompress(item["notes"]["B"]))
                state.asked = {each: Asked(*values) for each, values in kept["asked"].items()}
                state.rest = Period(*kept["rest"]) if kept["rest"] else None
                state.differing = kept.get("differing", {})
        return state

    def keep(self, state: State) -> None:
        """Keeps the state for the next run. Raises `StoreUnavailable`, also if another run kept something meanwhile."""
        text = json.dumps({"asked": state.asked, "rest": state.rest, "differing": state.differing})
        notes = zlib.compress(text.encode())
        self._mine.append(notes)  # it may be there also if the answer gets lost
        mine: dict[str, AttributeValueTypeDef] = {f":{n}": {"B": each} for n, each in enumerate(self._mine)}
        try:
            self._put(
                STATE,
                {"notes": {"B": notes}},
                ConditionExpression=f"attribute_not_exists(notes) OR notes IN ({', '.join(mine)})",
                ExpressionAttributeValues=mine,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise StoreUnavailable("Another run of the reconciler is under way, and noted something first.") from None
        self._mine = [notes]

    def record(self, run: Run, at: datetime) -> None:
        """Records a run. Raises `StoreUnavailable`."""
        self._put(
            Identity(records.RECONCILER, f"{RUN}{instant(at)}"),
            {
                "report": {"S": json.dumps(asdict(run))},
                "expires_at": {"N": str(int((at + KEPT).timestamp()))},
            },
        )

    def _put(self, identity: Identity, attributes: Mapping[str, "AttributeValueTypeDef"], **condition: Any) -> None:  # noqa: ANN401  as the client takes it
        with outages("The event table"):
            self._client.put_item(TableName=self._table, Item={**records.key(identity), **attributes}, **condition)
