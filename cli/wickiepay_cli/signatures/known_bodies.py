"""The bodies that a signature of unknown origin may belong to: the samples, and a stack's records."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Final

from wickiepay import clock
from wickiepay.event_record import delivery_of, identity_of, key
from wickiepay_cli.sending import samples
from wickiepay_cli.signatures.others import Known
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.dynamodb import items_of
from wickiepay_cli.store.event_records import AHEAD

MOST_RECORDS: Final = 500
LOOK_BACK: Final = timedelta(days=7)
"""How many of the newest records are read, and from how far back; this takes some seconds."""


def of_samples() -> Iterator[Known]:
    """All samples."""
    return (Known(f"the sample {name}", samples.sample(name)) for name in samples.names())


def on_record(found: Stack) -> Iterator[Known]:
    """The bodies that a stack has received lately, the newest first, read lazily."""
    now = clock.now()
    newest = found.events().newest_first(now - LOOK_BACK, now + AHEAD)
    keys = (key(record.identity) for record in islice(newest, MOST_RECORDS))
    for item in items_of(found.dynamodb(), found.output("EventTableName"), keys):
        identity = identity_of(item)
        yield Known(f"{identity.event_key} of {identity.uuid}, on record", delivery_of(item).body)
