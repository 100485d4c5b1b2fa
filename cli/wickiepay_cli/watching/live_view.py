"""Views of the news: a changing table for people, lines for pipes, and JSON for programs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from wickiepay import clock
from wickiepay.clock import instant
from wickiepay_cli.output.tables import escaped, say, show_json, tell
from wickiepay_cli.watching.delivery_table import answer, fitting, name, time
from wickiepay_cli.watching.feed import Arrival, Changed, Delivered, Feed, Forwarded, News, Trouble

TICK_SECONDS: Final = 0.25
"""Minimum time between two drawings, since drawing takes time."""

FRAME_LINES: Final = 2
"""Lines of a terminal that are not for deliveries: the headings, and the cursor's line below the table."""

SHOWN_OF_ANSWER: Final = 200
"""Most characters of an application's answer in a line."""

PATIENCE: Final = timedelta(seconds=30)
"""How long a delivery without a verdict stays in the changing part before it is written for good."""

type Show = Callable[[News | None], None]
"""Takes the news, or None if there is none for a moment."""


@contextmanager
def view(feed: Feed, *, quiet: bool, as_json: bool, answers: bool = True) -> Iterator[Show]:
    """The view for the news: JSON lines, nothing, a changing table on a terminal, or otherwise lines."""
    if as_json:
        yield partial(_tell, show_line_of_json)
    elif quiet:
        yield partial(_tell, lambda _: None)
    elif not sys.stdout.isatty():
        yield partial(_tell, show_line)
    else:
        with Live(console=Console(highlight=False), auto_refresh=False) as live:
            drawing = Drawing(feed, live, clock.now, answers=answers)
            try:
                yield drawing
            finally:
                drawing.finish()


class Drawing:
    """Draws the last deliveries that fit, as they are now. Earlier ones are written above, once."""

    def __init__(self, feed: Feed, live: Live, now: Callable[[], datetime], *, answers: bool) -> None:
        self._feed = feed
        self._live = live
        self._now = now
        self._answers = answers
        self._drawn = now() - timedelta(days=1)
        self._written = 0

    def __call__(self, news: News | None) -> None:
        if isinstance(news, Trouble):
            tell(news.text)
        elif isinstance(news, Forwarded):
            self._live.console.print(Text(escaped(_of_answer(news))), soft_wrap=True)
        if news is None or self._now() - self._drawn >= timedelta(seconds=TICK_SECONDS):
            self._drawn = self._now()
            self._draw(self._drawn - PATIENCE)

    def finish(self) -> None:
        """Draws the table in its final form."""
        self._draw(until=None)

    def _draw(self, until: datetime | None) -> None:
        console = self._live.console
        table = fitting(console.width, answers=self._answers)
        arrivals = self._feed.after(self._written)
        fit = max(1, console.height - FRAME_LINES)
        gone = arrivals[:-fit]
        let_go = list(takewhile(partial(_may_go, until), gone))
        if let_go:
            rows = [table.row(each) for each in let_go]
            console.print(*([] if self._written else [table.head]), *rows, sep="\n", crop=True)
            self._written = let_go[-1].number
        self._live.update(Group(table.head, *map(table.row, arrivals[-fit:])), refresh=True)


def _may_go(until: datetime | None, arrival: Arrival) -> bool:
    """Whether the delivery's end is known, or it came before `until` and nobody waits for it (None: nobody waits)."""
    return arrival.settled or arrival.processed_at is not None or until is None or arrival.at < instant(until)


def _tell(show: Callable[[Delivered | Forwarded], None], news: News | None) -> None:
    if isinstance(news, Trouble):
        tell(news.text)
    elif news:
        show(news)


def show_line_of_json(news: Delivered | Forwarded) -> None:
    """Prints the delivery as it is now. `"change"` says whether its state has changed.

    An application's answer stands in `"forwarded"`.
    """
    if isinstance(news, Forwarded):
        show_json({"forwarded": asdict(news)}, indent=None)
        return
    show_json({"change": isinstance(news, Changed), **asdict(news.arrival)}, indent=None)


def show_line(news: Delivered | Forwarded) -> None:
    """Prints an arrival with its answer, a verdict, or the answer of an application.

    An event that is delivered twice has one verdict.
    """
    if isinstance(news, Forwarded):
        say(_of_answer(news))
        return
    each = news.arrival
    if isinstance(news, Changed):
        if news.first:
            say(_joined(time(each.processed_at or each.at), name(each), each.uuid, each.scheme, each.state, each.error))
    else:
        known = each.state if each.status is None else None
        took = None if each.milliseconds is None else f"{each.milliseconds} ms"
        say(_joined(time(each.at), name(each), each.uuid, each.scheme, answer(each), took, known))


def _of_answer(news: Forwarded) -> str:
    """The line about an attempt at forwarding: what was sent, the status, the time that it took, and the answer."""
    status = "no answer" if news.status is None else str(news.status)
    told = " ".join(news.answer.split())
    answer = told if len(told) <= SHOWN_OF_ANSWER else f"{told[:SHOWN_OF_ANSWER]}…"
    bad = news.status is None or not 200 <= news.status < 300
    after = ("tried again soon" if news.again else f"given up after {news.attempt} attempts") if bad else None
    return _joined(
        time(news.at), "forwarded", news.event, news.uuid, status, f"{news.milliseconds} ms", answer or None, after
    )


def _joined(*words: str | None) -> str:
    return "  ".join(filter(None, words))
