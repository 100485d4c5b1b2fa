"""Chooses events to be processed again, and says what would come of that."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

from wickiepay.event_record import Record, State
from wickiepay.identity import Identity
from wickiepay_cli.checkout.in_money import processed_again
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.event_records import EventRecords, with_key
from wickiepay_cli.store.replays import REPLAYABLE

INSTEAD: Final = {
    State.CONFLICT: "A conflict is not processed: make it an event of its own with wickiepay events accept UUID.",
    State.UNUSABLE: "A body that is not an event cannot be processed: ask the provider to send the event correctly.",
}
"""What to do about a delivery that cannot be replayed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The events to replay. `records` reads them again each time, so that none has to be kept in memory.

    Each is replayed only if it is still in one of `states` when its turn comes.
    """

    records: Callable[[], Iterator[Record]]
    states: Collection[State]

    def only(self, identities: Collection[Identity]) -> "Selection":
        """Those of the events that a person was asked about: others may have come into these states meanwhile."""
        return Selection(lambda: (each for each in self.records() if each.identity in identities), self.states)


def of_uuid(records: EventRecords, uuid: str, event_key: str | None) -> Selection:
    """The events of a uuid that can be replayed.

    Raises `CommandError`, with what to do instead, if there is none.
    """
    there = records.of_uuid(uuid)
    chosen = there if event_key is None else with_key(there, event_key)
    if event_key is not None and len(chosen) > 1:
        keys = ", ".join(record.event_key for record in chosen)
        raise CommandError(f"There are {len(chosen)} events whose key begins like that: {keys}.")
    if not chosen:
        keys = ", ".join(record.event_key for record in there)
        raise CommandError(f"The uuid {uuid} has no such event. {f'Its events: {keys}.' if keys else ''}")
    replayable = [record for record in chosen if record.state in REPLAYABLE]
    if not replayable:
        raise CommandError(INSTEAD[chosen[0].state])
    return Selection(lambda: iter(replayable), REPLAYABLE)


def what_comes_of(stack: Stack, identities: Collection[Identity]) -> str:
    """What it would do to replay these events."""
    many = "1 event" if len(identities) == 1 else f"{len(identities)} events"
    return processed_again(f"have {many} processed again", stack.events().events_of(identities), stack)
