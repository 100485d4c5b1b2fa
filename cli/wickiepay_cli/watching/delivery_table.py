"""Deliveries as the lines of a table that is never finished: all columns have their widths before it begins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from wickiepay.event_record import State
from wickiepay_cli.output.tables import cell
from wickiepay_cli.watching.feed import Arrival

STYLES: Final = {State.PROCESSED: "green", State.FAILED: "red", State.CONFLICT: "yellow", State.UNUSABLE: "yellow"}

SHORT_KEY: Final = 12
"""Characters: so much of an event key behind its `#` is shown, like a status; more of it would be a hash."""

EVENT_WIDTH: Final = 38
"""What the longest names take; in a wide terminal no more than that is taken."""


@dataclass(frozen=True, slots=True)
class Column:
    heading: str
    width: int
    show: Callable[[Arrival], Text]
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns that fit a terminal, `gap` blanks between the one and the next."""

    columns: tuple[Column, ...]
    gap: int

    @property
    def head(self) -> Text:
        return self._line([Text(column.heading) for column in self.columns])

    def row(self, arrival: Arrival) -> Text:
        return self._line([column.show(arrival) for column in self.columns])

    def _line(self, cells: list[Text]) -> Text:
        for column, text in zip(self.columns, cells, strict=True):
            text.truncate(column.width, overflow="ellipsis")
            text.align("right" if column.right else "left", column.width)
        line = Text(" " * self.gap).join(cells)
        line.rstrip()
        line.no_wrap, line.overflow = True, "crop"
        return line


def fitting(terminal: int, *, answers: bool = True) -> Table:
    """The table for a terminal so wide; without `answers`, for a stack that only the records tell of.

    The less room there is, the more gives way: the scheme, then the words of an answer, then its milliseconds, in the
    end the time. The event's name is cut in its middle, where it is least missed; the uuid never is.
    """
    layouts = [
        (least, gap, [column for column in columns if answers or column not in ABOUT_ANSWERS])
        for least, gap, columns in LAYOUTS
    ]

    def room(gap: int, columns: list[Column]) -> int:
        return terminal - sum(column.width + gap for column in columns)

    fit = (layout for layout in layouts if room(*layout[1:]) >= layout[0])
    _, gap, shown = next(fit, layouts[-1])
    width = max(1, min(room(gap, shown), EVENT_WIDTH))
    event = Column("event", width, lambda each: _in_the_middle(each, width))
    place = 1 if TIME in shown else 0
    return Table((*shown[:place], event, *shown[place:]), gap)


def name(arrival: Arrival) -> str | None:
    """The event, with what tells it from others of its uuid and type; of a request that is none, the request."""
    which = arrival.identity.discriminators if arrival.identity else ""
    if arrival.event and which and len(which) <= SHORT_KEY:
        return f"{arrival.event}#{which}"
    return arrival.event or arrival.request


def answer(arrival: Arrival) -> str | None:
    """Its status, and the listener's own word for it."""
    return None if arrival.status is None else " ".join(filter(None, (str(arrival.status), arrival.outcome)))


def time(instant: str) -> str:
    """Of an instant, what a clock on the wall shows."""
    return instant[11:19]


def _in_the_middle(arrival: Arrival, width: int) -> Text:
    """The name in so many characters: of a longer one more of the end is left than of the beginning."""
    text = name(arrival) or ""
    tail = (width - 1) * 2 // 3
    return cell(text if len(text) <= width else f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}")


def _status_style(arrival: Arrival) -> str:
    return "" if arrival.status in {None, 200} else "red"


def _code(arrival: Arrival) -> Text:
    return cell(None if arrival.status is None else str(arrival.status), _status_style(arrival))


def _milliseconds(arrival: Arrival) -> Text:
    return cell(None if arrival.milliseconds is None else str(arrival.milliseconds))


def _state(arrival: Arrival) -> Text:
    return cell(arrival.state, STYLES.get(arrival.state, "") if arrival.state else "")


TIME: Final = Column("time", 8, lambda each: cell(time(each.at)))
UUID: Final = Column("uuid", 36, lambda each: cell(each.uuid))
SCHEME: Final = Column("scheme", 6, lambda each: cell(each.scheme))
ANSWER: Final = Column("answer", 22, lambda each: cell(answer(each), _status_style(each)))
CODE: Final = Column("code", 4, _code)
MILLISECONDS: Final = Column("ms", 5, _milliseconds, right=True)
STATE: Final = Column("state", 9, _state)

ABOUT_ANSWERS: Final = (ANSWER, CODE, MILLISECONDS)

LAYOUTS: Final = (
    (30, 2, (TIME, UUID, SCHEME, ANSWER, MILLISECONDS, STATE)),
    (24, 2, (TIME, UUID, ANSWER, MILLISECONDS, STATE)),
    (24, 1, (TIME, UUID, CODE, MILLISECONDS, STATE)),
    (17, 1, (TIME, UUID, CODE, STATE)),
    (8, 1, (UUID, CODE, STATE)),
)
"""Beside the event: how many characters have to be left for it, the gap, and the columns. The last fits any width."""
