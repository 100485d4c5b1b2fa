"""Deliveries as lines of an endless table, whose columns have fixed widths from the start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from wickiepay.event_record import State
from wickiepay_cli.output.tables import cell
from wickiepay_cli.watching.feed import Arrival

STYLES: Final = {State.PROCESSED: "green", State.FAILED: "red", State.CONFLICT: "yellow", State.UNUSABLE: "yellow"}

SHORT_KEY: Final = 12
"""Most characters after the `#` of an event key that are shown, for a status; anything longer would be a hash."""

EVENT_WIDTH: Final = 38
"""Most characters of the event column, which fit the longest names."""


@dataclass(frozen=True, slots=True)
class Column:
    heading: str
    width: int
    show: Callable[[Arrival], Text]
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns that fit a terminal, with `gap` blanks between them."""

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
    """The table for a terminal of this width. Without `answers` it is for a stack of which only records are known.

    With less room, columns are left out: first the scheme, then the words of an answer, then its milliseconds, and last
    the time. The event's name is cut in its middle, where it matters least. The uuid is never cut.
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
    """The event with its discriminator, or the request if it has no event."""
    which = arrival.identity.discriminators if arrival.identity else ""
    if arrival.event and which and len(which) <= SHORT_KEY:
        return f"{arrival.event}#{which}"
    return arrival.event or arrival.request


def answer(arrival: Arrival) -> str | None:
    """The answer's status, and the listener's own word for it."""
    return None if arrival.status is None else " ".join(filter(None, (str(arrival.status), arrival.outcome)))


def time(instant: str) -> str:
    """The time of day of an instant."""
    return instant[11:19]


def _in_the_middle(arrival: Arrival, width: int) -> Text:
    """The name, cut to a number of characters. More is left of its end than of its beginning."""
    text = name(arrival) or ""
    tail = (width - 1) * 2 // 3
    return cell(text if len(text) <= width else f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}")


def _status_style(arrival: Arrival) -> str:
    return "" if arrival.status in {None, 200} else "red"


def _number(number: int | None, style: str = "") -> Text:
    return cell(None if number is None else str(number), style)


def _state(arrival: Arrival) -> Text:
    return cell(arrival.state, STYLES.get(arrival.state, "") if arrival.state else "")


TIME: Final = Column("time", 8, lambda each: cell(time(each.at)))
UUID: Final = Column("uuid", 36, lambda each: cell(each.uuid))
SCHEME: Final = Column("scheme", 6, lambda each: cell(each.scheme))
ANSWER: Final = Column("answer", 22, lambda each: cell(answer(each), _status_style(each)))
CODE: Final = Column("code", 4, lambda each: _number(each.status, _status_style(each)))
MILLISECONDS: Final = Column("ms", 5, lambda each: _number(each.milliseconds), right=True)
STATE: Final = Column("state", 9, _state)

ABOUT_ANSWERS: Final = (ANSWER, CODE, MILLISECONDS)

LAYOUTS: Final = (
    (30, 2, (TIME, UUID, SCHEME, ANSWER, MILLISECONDS, STATE)),
    (24, 2, (TIME, UUID, ANSWER, MILLISECONDS, STATE)),
    (24, 1, (TIME, UUID, CODE, MILLISECONDS, STATE)),
    (17, 1, (TIME, UUID, CODE, STATE)),
    (8, 1, (UUID, CODE, STATE)),
)
"""Least width of the event, gap, and the other columns. The last layout fits any width."""
