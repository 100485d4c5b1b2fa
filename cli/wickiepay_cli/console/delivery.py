"""One delivery with all that is known of it: the exchange, if that is kept, and what is on record of its event."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.identity import Identity, Kind
from wickiepay_cli.console.bodies import Body, as_curl, as_trigger, body_of, difference, headers_of
from wickiepay_cli.console.deliveries import standing
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.errors import EXPECTED, CommandError, sentence
from wickiepay_cli.operations.answering import Accepting
from wickiepay_cli.project import CHECKOUT
from wickiepay_cli.signatures.captured import SIGNATURE_HEADER
from wickiepay_cli.signatures.of_stack import diagnosed
from wickiepay_cli.signatures.verdict import Received, Verdict
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.announcements import of_events
from wickiepay_cli.store.duplicate_deliveries import duplicate_deliveries
from wickiepay_cli.store.event_records import WholeRecord
from wickiepay_cli.store.replays import REPLAYABLE
from wickiepay_cli.store.timeline import effect_in_words, timeline
from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.exchanges import Kept
from wickiepay_cli.watching.feed import Arrival


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is about: a delivery of the list by its `number`, or else a record by its identity."""

    number: int | None = None
    identity: Identity | None = None


def delivery(desk: Desk, asked: Asked) -> dict[str, Any]:
    """All that a page shows of a delivery. Raises `CommandError` if nothing is known of it."""
    arrival = desk.feed.get(asked.number) if asked.number is not None else None
    kept = kept_of(desk, asked.number)
    identity = asked.identity or (arrival.identity if arrival else None)
    records = desk.stack.events().of_uuid(identity.uuid) if identity else []
    record = _record(records, identity, arrival, kept) if identity else None
    if not (arrival or kept or record):
        raise CommandError("Nothing is known of this delivery any more, or nothing ever was.")
    content = kept.exchange.request_body if kept else record.body.encode() if record else None
    return {
        "number": asked.number,
        "arrival": arrival,
        "standing": standing(arrival) if arrival else record.state.lower() if record else None,
        "identity": record.identity if record else identity,
        "request": _request(kept) if kept else None,
        "body": None if content is None else body_of(content),
        "verdict": _verdict(desk.stack, kept.exchange) if kept else None,
        "record": record,
        **(_of_record(desk.stack, record, records) if record else {}),
        "difference": _difference(content, record, records),
        "checkout": CHECKOUT,
        "commands": [] if content is None else _commands(desk.stack, content),
    }


def _record(
    records: Sequence[WholeRecord], identity: Identity, arrival: Arrival | None, kept: Kept | None
) -> WholeRecord | None:
    """The record of a delivery. The answer to a conflict names the event that it contradicts, not its own record."""
    if kept and arrival and arrival.outcome == "conflict":
        of_event = [
            each for each in records if each.identity.kind is Kind.CONFLICT and each.identity.corrected == identity
        ]
        digest = hashlib.sha256(kept.exchange.request_body).hexdigest()
        alike = [each for each in of_event if digest in {each.body_sha256, each.received and each.received.sha256}]
        return next(iter([*alike, *of_event[::-1]]), None)
    return next((each for each in records if each.identity == identity), None)


def kept_of(desk: Desk, number: int | None) -> Kept | None:
    return desk.exchanges.get(number) if desk.exchanges and number is not None else None


def _request(kept: Kept) -> dict[str, Any]:
    exchange = kept.exchange
    return {
        "line": f"{exchange.method} {exchange.target.decode('latin-1')}",
        "at": kept.at,
        "headers": headers_of(exchange.request_headers),
        "status": exchange.status,
        "milliseconds": round(exchange.seconds * 1000),
        "answer_headers": headers_of(exchange.response_headers),
        "answer": body_of(exchange.response_body),
    }


def verdict_on(stack: Stack, exchange: Exchange) -> Verdict:
    """The verdict on the signature of a request. Raises `CommandError` for a body that the listener would not read."""
    if len(exchange.request_body) > MAX_BODY_BYTES:
        raise CommandError(f"The body has more than {MAX_BODY_BYTES} bytes, so the listener looks at no signature.")
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in exchange.request_headers]
    signatures = [value for name, value in headers if name == SIGNATURE_HEADER]
    return diagnosed(stack, Received(exchange.request_body, ", ".join(signatures) if signatures else None))


def _verdict(stack: Stack, exchange: Exchange) -> Verdict | str:
    """The verdict, or the sentence that says why there is none."""
    try:
        return verdict_on(stack, exchange)
    except EXPECTED as error:
        return sentence(error)


def _of_record(stack: Stack, record: WholeRecord, records: Sequence[WholeRecord]) -> dict[str, Any]:
    ledger = stack.ledger()
    announces = stack.parameters.get("Announcements", "on") == "on"
    log = stack.outputs.get("IngestLogGroup")
    again = duplicate_deliveries(stack.client, log, records[0].uuid, records[0].received_at)
    return {
        "timeline": timeline(records, again or [], announces=announces),
        "duplicates_known": again is not None,
        "effects": [effect_in_words(effect) for effect in record.effects],
        "announcement": announcement(stack, record) if announces else None,
        "payments": ledger.payments(record.uuid),
        "entries": ledger.credits_of(record.uuid),
        "others": [each for each in records if each != record],
        "may_be_replayed": record.state in REPLAYABLE,
        "outlook": _outlook(stack, record) if record.open else None,
    }


def announcement(stack: Stack, record: WholeRecord) -> Body | None:
    """What went out on the bus for an event, made again from its record; None if nothing did."""
    made = [*of_events(stack.events(), [record.identity], stack.account, stack.region)]
    return body_of(json.dumps(made[0].detail).encode()) if made else None


def _outlook(stack: Stack, record: WholeRecord) -> str:
    """What accepting would do, in words, or why that is not known here."""
    try:
        return f"Accepted, it would {Accepting.of(stack, record.uuid, record.event_key).question.outlook}."
    except EXPECTED as error:
        return sentence(error)


def _difference(content: bytes | None, record: WholeRecord | None, records: Sequence[WholeRecord]) -> list[str]:
    """What is different from the first delivery of the same event."""
    if content is None or record is None:
        return []
    first = next((each for each in records if each.identity == record.identity.first), None)
    return difference(first.body.encode(), content) if first else []


def _commands(stack: Stack, content: bytes) -> list[tuple[str, str]]:
    return [
        ("as curl", as_curl(content, stack.output("WebhookUrl"))),
        ("as wickiepay trigger", as_trigger(content, stack.asked.options)),
    ]
