"""The books, read whole when all has come to rest, and compared with the deliveries that were answered 200.

Nothing here asks the code under test what should be: stages, amounts and ends are those of `traffic`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.support.harness import Harness
from tests.support.traffic import CONFIRMED, CREDITING, STAGES, Envelope
from wickiepay.delivery import unpack
from wickiepay.errors import StoreUnavailable
from wickiepay.event import parse
from wickiepay.identity import Identity

type Item = Mapping[str, Any]


def scan(harness: Harness, output: str) -> Iterator[Item]:
    """All items of a table, by the name of its output; values as text or bytes."""
    pages = harness.dynamodb.get_paginator("scan").paginate(TableName=harness._outputs[output], ConsistentRead=True)
    for page in pages:
        for item in page["Items"]:
            yield {name: next(iter(value.values())) for name, value in item.items()}


def wrongs(harness: Harness, name: str, accepted: Sequence[Envelope]) -> list[str]:
    """The faults in the books of all whose names begin with `name`, given the deliveries that were answered 200."""
    kept = [item for item in scan(harness, "EventTableName") if item["uuid"].startswith(name)]
    records = {Identity(item["uuid"], item["event_key"]): item for item in kept if item["state"] != "CONFLICT"}
    ledger = [item for item in scan(harness, "LedgerTableName") if name in item["pk"]]
    processed = {i: _envelope_of(r) for i, r in records.items() if r["state"] in {"PROCESSED", "FAILED"}}
    finished = {i for i, record in records.items() if record["state"] in {"PROCESSED", "IGNORED"}}
    heard = {Identity(*key) for key in harness.announcements() if key[0].startswith(name)}
    return [
        *_lost(records, Counter((item["uuid"], item["event"], item["data_hash"]) for item in kept), accepted),
        *_wrong_credits(ledger, accepted),
        *_wrong_states(ledger, processed),
        *(f"{identity} is finished and was not announced" for identity in finished - heard),
        *(f"{identity} was announced and is not finished" for identity in heard - finished),
        *(f"a function raised {error!r}" for error in harness.raised if not isinstance(error, StoreUnavailable)),
    ]


def _lost(
    records: Mapping[Identity, Item], contents: Mapping[tuple[str, str, bytes], int], accepted: Sequence[Envelope]
) -> Iterator[str]:
    """Each accepted event must be final, in the state that becomes it; each accepted content must be kept, once."""
    for body in {json.dumps(envelope).encode() for envelope in accepted}:
        event = parse(body)
        identity = event.identity
        state = records[identity]["state"] if identity in records else "lost"
        if state not in _ends_of(event.name, event.data, contested=len(_amounts(accepted)[identity.uuid]) > 1):
            yield f"{identity} is {state}"
        content = (identity.uuid, event.name, event.data_hash)
        if contents[content] != 1:
            yield f"{identity}: its content is kept {contents[content]} times"
    for identity, record in records.items():
        if "unsent" in record:
            yield f"{identity} is still flagged unsent"


def _ends_of(name: str, data: Mapping[str, object], *, contested: bool) -> set[str]:
    """How an event may end. Of two words on one credit the first counts, and the other is for a person."""
    if name == "weather.changed":
        return {"IGNORED"}
    if name != CONFIRMED:
        return {"PROCESSED"}
    if "reference" not in data:
        return {"FAILED"}
    return {"PROCESSED", "FAILED"} if contested else {"PROCESSED"}


def _amounts(accepted: Sequence[Envelope]) -> Mapping[str, set[tuple[str, str, str]]]:
    """Channel payment → what its events may have it credited: account, currency, amount."""
    amounts: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for envelope in accepted:
        data = envelope["data"]
        if envelope["event"] in CREDITING and "reference" in data and "displayCurrency" in data:
            amounts[data["uuid"]].add((data["reference"], *data["displayCurrency"].values()))
    return amounts


def _wrong_credits(ledger: Sequence[Item], accepted: Sequence[Envelope]) -> Iterator[str]:
    """Each channel payment must have one entry, as one of its events says; a balance is the sum of its entries."""
    due = _amounts(accepted)
    entries = [item for item in ledger if item["pk"].startswith("credit#")]
    booked = [(i["uuid"], i["reference"], i["currency"], f"{Decimal(i['amount']):f}") for i in entries]
    sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for uuid, account, currency, amount in booked:
        sums[f"balance#{account}", currency] += Fraction(amount)
        if (account, currency, amount) not in due[uuid]:
            yield f"{uuid} was credited {amount} {currency}, and no event says so"
    balances = {(i["pk"], i["sk"]): Fraction(i["amount"]) for i in ledger if i["pk"].startswith("balance#")}
    for account in balances.keys() | sums.keys():
        if balances.get(account) != sums.get(account):
            yield f"{account} is {balances.get(account)}, the sum of its entries {sums.get(account)}"
    number = Counter(uuid for uuid, *_ in booked)
    for uuid in due.keys() | number.keys():
        if number[uuid] != 1:
            yield f"{uuid} was credited {number[uuid]} times"


def _wrong_states(ledger: Sequence[Item], processed: Mapping[Identity, Envelope]) -> Iterator[str]:
    """Each payment and deposit must stand where the furthest of its events has brought it, the latest among equals."""
    furthest: dict[str, tuple[int, str, str]] = {}
    for envelope in processed.values():
        data, event = envelope["data"], envelope["event"]
        if event == "deposit.status_change":
            pk, stage, status = f"resource#deposit#{data['id']}", 0, data["status"]  # each is later than the last
        else:
            pk, (stage, status) = f"payment#{data['uuid']}", STAGES[event]
        furthest[pk] = max(furthest.get(pk, (-1, "", "")), (stage, envelope["timestamp"], status))
    expected = {pk: status for pk, (_, _, status) in furthest.items()}
    states = {item["pk"]: item["status"] for item in ledger if item["pk"].startswith(("payment#", "resource#"))}
    for pk in states.keys() | expected.keys():
        if states.get(pk) != expected.get(pk):
            yield f"{pk} is {states.get(pk)}, not {expected.get(pk)}"


def _envelope_of(record: Item) -> Envelope:
    envelope: Envelope = json.loads(unpack(record["body"]))
    return envelope
