"""The list of deliveries: what is said of each, which of them a filter lets through, and the stream of changes."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from wickiepay.event_record import State
from wickiepay_cli.output.tables import escaped
from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.exchanges import Exchanges
from wickiepay_cli.watching.feed import REMEMBERED, Arrival, Feed

AT_ONCE: Final = 100
"""Most deliveries in one message of the stream."""

NEWEST: Final = 500
"""How many deliveries a page that has none yet gets; it shows no more at once, and older ones have gone below."""

TICK_SECONDS: Final = 0.2
SIGN_OF_LIFE_SECONDS: Final = 15
"""A comment comes so often when there is no news, so that a broken connection is noticed at both ends."""

_STATUS = re.compile(r"[1-5][0-9][0-9]")


def standing(arrival: Arrival) -> str:
    """What became of a delivery so far, in a word."""
    if arrival.status is not None and arrival.status != 200:
        return "refused"
    if arrival.outcome == "duplicate":
        return "duplicate"
    if arrival.state in {None, State.RECEIVED}:
        return "retrying" if arrival.error else "accepted"
    return str(arrival.state).lower()


@dataclass(frozen=True, slots=True)
class Filter:
    """The words of the filter bar, of which each has to fit.

    A status (401) fits that answer. A word with * fits event types or states. Any other is looked for, in any case, in
    what is shown and, where exchanges are kept, in bodies and headers.
    """

    words: tuple[str, ...]
    exchanges: Exchanges | None

    def __call__(self, arrival: Arrival) -> bool:
        if not self.words:
            return True
        shown = "\n".join(str(value) for value in (*asdict(arrival).values(), standing(arrival)) if value is not None)
        kept = self.exchanges.get(arrival.number) if self.exchanges else None
        text = (shown + _text(kept.exchange) if kept else shown).casefold()
        return all(_fits(word, arrival, text) for word in self.words)


def _fits(word: str, arrival: Arrival, text: str) -> bool:
    if _STATUS.fullmatch(word) and arrival.status is not None:
        return arrival.status == int(word)
    if "*" in word:
        return any(fnmatchcase(name.casefold(), word) for name in (arrival.event or "", standing(arrival)))
    return word in text


def _text(exchange: Exchange) -> str:
    headers = [b": ".join(each) for each in (*exchange.request_headers, *exchange.response_headers)]
    return b"\n".join((exchange.request_body, exchange.response_body, *headers)).decode(errors="replace")


def filter_of(query: str, exchanges: Exchanges | None) -> Filter:
    return Filter(tuple(query.casefold().split()), exchanges)


def row(arrival: Arrival) -> dict[str, Any]:
    """A delivery for the list. A stranger has written much of it: see `escaped`."""
    facts = {name: escaped(each) if isinstance(each, str) else each for name, each in asdict(arrival).items()}
    return {**facts, "standing": standing(arrival)}


@dataclass(frozen=True, slots=True)
class Place:
    """How far a page has read: `EPOCH.VERSION` of the feed."""

    epoch: str
    version: int

    @classmethod
    def of(cls, text: str) -> "Place":
        epoch, _, version = text.partition(".")
        return cls(epoch, int(version) if version.isdecimal() and len(version) < 20 else 0)

    def __str__(self) -> str:
        return f"{self.epoch}.{self.version}"


async def stream(
    feed: Feed, wanted: Callable[[Arrival], bool], after: Place, leave: asyncio.Event
) -> AsyncIterator[str]:
    """Server-sent events: the deliveries that came or changed after a place, each once as it is now, until `leave`.

    Whoever comes back with the id of the last message that arrived misses nothing and gets nothing twice. Nothing is
    queued for a page: one that stops reading gets, when it reads on, what has changed by then.
    """
    place, trouble, silent = after, None, 0.0
    while not leave.is_set():
        news = []
        if place.epoch != feed.epoch:
            place = Place(feed.epoch, _beginning(feed))
            news.append(_event("reset", {}, place))
        if changed := feed.changes(place.version, AT_ONCE):
            place = Place(place.epoch, changed[-1][0])
            rows = [row(each) if wanted(each) else {"number": each.number, "hidden": True} for _, each in changed]
            news.append(_event("deliveries", rows, place))
        if trouble != feed.latest_trouble:
            trouble = feed.latest_trouble
            news.append(_event("trouble", {"text": escaped(trouble or "")}, place))
        if news:
            silent = 0.0
            yield "".join(news)
            continue
        await asyncio.sleep(TICK_SECONDS)
        silent += TICK_SECONDS
        if silent >= SIGN_OF_LIFE_SECONDS:
            silent = 0.0
            yield ": still here\n\n"


def _beginning(feed: Feed) -> int:
    """The version after which a page begins that has nothing yet."""
    changed = feed.changes(0, REMEMBERED)
    return changed[-NEWEST - 1][0] if len(changed) > NEWEST else 0


def _event(name: str, data: object, place: Place) -> str:
    return f"event: {name}\nid: {place}\ndata: {json.dumps(data)}\n\n"
