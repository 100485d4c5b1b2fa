"""The bodies that a signature of unknown origin may belong to: the samples, and what a stack has on record."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Final

from wickiepay import clock
from wickiepay.event_log import stored_delivery
from wickiepay.identity import Identity
from wickiepay_cli.diagnosis.others import Known
from wickiepay_cli.records import EventRecords, identity_of, key_of
from wickiepay_cli.samples import event_types, sample
from wickiepay_cli.stack import Stack
from wickiepay_cli.tables import items_of, only

MOST_RECORDS: Final = 500
LOOK_BACK: Final = timedelta(days=7)
"""How many of the newest on record are looked at, and how far back: some seconds' reading."""

_STORED: Final = ("uuid", "event_key", "body", "scheme", "received_at", "source", "request_id")


def of_samples() -> Iterator[Known]:
    """The sample of each event type."""
    return (Known(f"the sample {name}", sample(name)) for name in event_types())


def on_record(found: Stack) -> Iterator[Known]:
    """What a stack has received lately, the newest first, read as it is asked for."""
    table = found.output("EventTableName")
    records = EventRecords(found.dynamodb(), table)
    today = clock.now().date()
    newest = records.newest_first(today - LOOK_BACK, today + timedelta(days=1))  # in case the clock here is behind
    keys = (key_of(Identity(record.uuid, record.event_key)) for record in islice(newest, MOST_RECORDS))
    for item in items_of(found.dynamodb(), table, keys, only(_STORED)):
        identity = identity_of(item)
        yield Known(f"{identity.event_key} of {identity.uuid}, on record", stored_delivery(item).body)
