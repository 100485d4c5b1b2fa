"""How events end that were just sent to be processed."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from wickiepay.event_record import Record, State
from wickiepay.identity import Identity
from wickiepay_cli.errors import EXPECTED, sentence
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import say, tell
from wickiepay_cli.store.event_records import EventRecords, trouble_of
from wickiepay_cli.watching.feed import FINAL

PATIENCE_SECONDS: Final = 60
PAUSE_SECONDS: Final = 0.5

MOST: Final = 1000
"""Most events that are waited for. All of them are in memory, and read again and again."""

NAMED: Final = 20
"""Most events that are named one by one."""

OPEN_OR_BAD: Final = frozenset({State.RECEIVED, State.FAILED})


@dataclass(slots=True)
class Waiting:
    """Waits for events. `before` are the instants of earlier verdicts, which do not count.

    Where records cannot be read, it raises if somebody has asked it to wait, and otherwise gives up and says so.
    """

    records: EventRecords
    asked: bool = True
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    before: dict[Identity, str | None] = field(default_factory=dict)
    _gave_up: bool = False

    def note(self, records: Iterable[Record]) -> None:
        """Notes what is on record of events that are about to be sent."""
        self.before |= {record.identity: record.processed_at for record in records}

    def note_failed(self, identity: Identity) -> None:
        """Notes what is on record of an event if its next delivery has it processed again."""
        self.note(record for record in self._read([identity]) if record.state is State.FAILED)

    def ends(self, identities: Iterable[Identity]) -> Sequence[Record]:
        """The records of the events once each has a verdict, otherwise as they are after `PATIENCE_SECONDS`."""
        waiting, latest = set(identities), dict[Identity, Record]()
        deadline = self.clock() + PATIENCE_SECONDS
        with progress("Waiting", len(waiting)) as advance:
            while True:
                latest |= {record.identity: record for record in self._read(waiting)}
                ended = {identity for identity in waiting if identity in latest and self._has_ended(latest[identity])}
                waiting -= ended
                advance(len(ended))
                if self._gave_up:
                    return []
                if not waiting or self.clock() >= deadline:
                    return sorted(latest.values(), key=lambda record: (record.received_at, record.event_key))
                self.sleep(PAUSE_SECONDS)

    def _read(self, identities: Iterable[Identity]) -> list[Record]:
        try:
            return [] if self._gave_up else list(self.records.of(identities))
        except EXPECTED as error:
            if self.asked:
                raise
            tell(f"How it ends cannot be read here: {sentence(error)}")
            self._gave_up = True
            return []

    def _has_ended(self, record: Record) -> bool:
        if record.state is State.RECEIVED:
            return False
        return (
            record.state in FINAL
            or record.identity not in self.before
            or self.before[record.identity] != (record.processed_at)
        )


def show_ends(ends: Sequence[Record]) -> None:
    """Prints how events have ended: each that did not end well, and if there are several, how many of each state."""
    bad = [each for each in ends if each.state in OPEN_OR_BAD]
    for each in ends if len(ends) == 1 else bad[:NAMED]:
        state = f"still {each.state}" if each.state is State.RECEIVED else each.state
        say(": ".join(filter(None, (f"{each.event_key} {each.uuid} is {state}", trouble_of(each)))))
    if len(ends) > 1:
        states = [each.state for each in ends]
        say(f"{', '.join(f'{states.count(state)} {state}' for state in State if state in states)}.")


def ended_well(ends: Sequence[Record]) -> bool:
    """Whether none of the events is FAILED or still RECEIVED."""
    return all(each.state not in OPEN_OR_BAD for each in ends)
