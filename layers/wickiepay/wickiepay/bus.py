"""Announcements: each event that is PROCESSED or IGNORED goes out on the event bus, for subscribers to act on.

Delivery is at least once, with one identity: `uuid` and `event_key` for an event, `record_key` for each revision.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, NamedTuple

from wickiepay.batching import batches
from wickiepay.decimals import plain
from wickiepay.errors import StoreUnavailable
from wickiepay.event import WebhookEvent
from wickiepay.ledger_items import ADJUSTED, Adjustment
from wickiepay.outages import outages

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE: Final = "wickiepay"
DETAIL_VERSION: Final = "1"
MAX_DETAIL_BYTES: Final = 200 * 1024
MAX_ENTRIES: Final = 10
MAX_REQUEST_BYTES: Final = 250 * 1024
"""PutEvents takes ten entries and 256 KiB at once. The 6 KiB that are left are for the other fields of the entries.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

_STORE = "The event bus"


class Announcement(NamedTuple):
    """The announcement of one event. `outcome` is its new state, and `effects` are those that its record holds."""

    event: WebhookEvent
    received_at: str
    outcome: str
    effects: Sequence[Mapping[str, object]] = ()
    replay_id: str | None = None

    def detail(self) -> str:
        """The JSON that subscribers get. Its numbers are text, so that no reader turns an amount into a float.

        If it would be larger than 200 KiB, `data` is left out; the hash and the key by which to fetch it remain.
        """
        event = self.event
        head = {
            "version": DETAIL_VERSION,
            "uuid": event.identity.uuid,
            "event_key": event.identity.first.event_key,
            "record_key": event.identity.event_key,
            "revision": event.identity.revised_at,
            "event": event.name,
            "occurred_at": event.occurred_at,
            "received_at": self.received_at,
            "replay_id": self.replay_id,
            "outcome": self.outcome,
            "effects": self.effects,
            "data_sha256": event.data_hash.hex(),
        }
        whole = json.dumps({**head, "data": event.data}, default=plain)
        return whole if len(whole) <= MAX_DETAIL_BYTES else json.dumps(head)


class EventBus:
    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    def announce(self, announcements: Sequence[Announcement]) -> list[bool]:
        """Puts announcements on the bus. Returns for each whether the bus took it; in an outage that is False."""
        taken: list[bool] = []
        everything = [self._entry(each.event.name, each.detail()) for each in announcements]
        for entries in batches(everything, lambda entry: len(entry["Detail"]), MAX_ENTRIES, MAX_REQUEST_BYTES):
            try:
                with outages(_STORE):
                    answers = self._client.put_events(Entries=entries)["Entries"]
            except StoreUnavailable:  # the remaining calls would only fail in the same way
                return taken + [False] * (len(announcements) - len(taken))
            else:
                taken += ["ErrorCode" not in answer for answer in answers]
        return taken

    def _entry(self, kind: str, detail: str) -> "PutEventsRequestEntryTypeDef":
        return {"EventBusName": self._name, "Source": SOURCE, "DetailType": kind, "Detail": detail}

    def adjusted(self, adjustment: Adjustment) -> bool:
        """Puts an operator's entry on the bus. Returns whether the bus took it."""
        detail = {"version": DETAIL_VERSION, **asdict(adjustment), "amount": plain(adjustment.amount)}
        with outages(_STORE):
            answer = self._client.put_events(Entries=[self._entry(ADJUSTED, json.dumps(detail))])
        return "ErrorCode" not in answer["Entries"][0]
