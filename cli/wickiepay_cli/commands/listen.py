"""`wickiepay listen`: the stack on this machine, or one that runs already, and its deliveries as they arrive."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from itertools import groupby
from types import FrameType
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from wickiepay import clock
from wickiepay.event_log import State
from wickiepay_cli import stack
from wickiepay_cli.display import cell, say
from wickiepay_cli.failure import Failure
from wickiepay_cli.feed import Arrival, Changed, Delivered, Feed, News, Trouble, of_exchange, of_record
from wickiepay_cli.local import DEFAULT_SIGNING_SECRET, stack_file
from wickiepay_cli.local.front_door import Exchange
from wickiepay_cli.local.run import Running, local_stack
from wickiepay_cli.local.stack_file import state_folder
from wickiepay_cli.options import Profile, Region, StackName
from wickiepay_cli.records import EventRecords
from wickiepay_cli.watch import Newcomers, look, looking

EXAMPLES: Final = """\
Example: wickiepay listen --port 3001
Example: wickiepay listen --stack prod --json"""

TICK_SECONDS: Final = 0.25

TO_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

TABLE_FRAME_LINES: Final = 2
"""Of a terminal's height: the headings, and the line below the table on which the cursor stands."""

STYLES: Final = {State.PROCESSED: "green", State.FAILED: "red", State.CONFLICT: "yellow", State.UNUSABLE: "yellow"}


def listen(  # noqa: PLR0913  options
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="Where deliveries are taken.")] = 3000,
    signing_secret: Annotated[
        str, typer.Option(envvar="WICKIEPAY_WEBHOOK_SECRET", help="What deliveries are signed with.")
    ] = DEFAULT_SIGNING_SECRET,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only where it listens and what is wrong; with --json, the JSON.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON for each delivery and change of state, for programs.")
    ] = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Run the stack in an emulator of AWS until Ctrl-C, and show deliveries as they arrive; nothing of it is kept.

    Its files are in .local, or in the folder that the environment variable WICKIEPAY_LOCAL names.

    Where it runs already, and with --stack, nothing is started: what is put on record there is shown, each event once.
    """
    feed = Feed()
    with _until_told():
        if not any((stack_name, profile, region)) and stack_file.read(state_folder()) is None:
            with local_stack(state_folder(), port, signing_secret, partial(_pass_to, feed)) as running:
                _introduce(running, signing_secret, quiet=quiet, as_json=as_json)
                records = EventRecords(running.stack.client("dynamodb"), running.stack.outputs["EventTableName"])
                with looking(feed, partial(look, feed, records)), _view(feed, quiet=quiet, as_json=as_json) as show:
                    follow(feed, show, partial(_check_emulator, running))
        else:
            found = stack.find(stack_name, profile, region)
            _refuse_what_only_a_start_takes(context, found.output("WebhookUrl"))
            records = EventRecords(found.dynamodb(), found.output("EventTableName"))
            newcomers = Newcomers(records, lambda identities: map(of_record, records.of(identities)), clock.now)
            once = partial(look, feed, records, newcomers)
            typer.echo(f"Listening to {found.output('WebhookUrl')} of the stack {found.name}", err=as_json)
            with looking(feed, once), _view(feed, quiet=quiet, as_json=as_json) as show:
                check = stack_file.still_running(state_folder()) if stack_name is None else lambda: None
                follow(feed, show, check)


def follow(feed: Feed, show: Callable[[News | None], None], check: Callable[[], None]) -> None:
    """Lets `show` have the news, and None where there is none for a moment, until `check` raises."""
    while True:
        check()
        show(feed.news(TICK_SECONDS))


# --- Beginning and end -----------------------------------------------------------------------------
@contextmanager
def _until_told() -> Iterator[None]:
    """Runs its block until a signal to stop unwinds every `with` in it."""
    former = {number: signal.signal(number, _leave) for number in TO_STOP}
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _leave(_signal_number: int, _frame: FrameType | None) -> None:
    """Stopping takes moments; a second signal must not leave it half done."""
    for each in TO_STOP:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _pass_to(feed: Feed, exchange: Exchange) -> None:
    feed.arrived(of_exchange(exchange, clock.now()))


def _introduce(running: Running, signing_secret: str, *, quiet: bool, as_json: bool) -> None:
    tell = partial(typer.echo, err=as_json)
    listening = f"Listening on {running.stack.webhook_url}"
    if quiet:
        tell(listening)
        return
    for (what, why), alike in groupby(running.prepared, key=lambda prepared: (prepared.what, prepared.why)):
        tell(f"prepared: {', '.join(prepared.resource for prepared in alike)}: {what} ({why})")
    told = signing_secret if signing_secret == DEFAULT_SIGNING_SECRET else "what WICKIEPAY_WEBHOOK_SECRET says"
    tell(f"Signing secret: {told}")
    tell(listening)
    tell(f"Send a signed sample: {sys.argv[0]} trigger payment.completed")


def _check_emulator(running: Running) -> None:
    if running.emulator.process.poll() is not None:
        running.emulator.watch()


def _refuse_what_only_a_start_takes(context: typer.Context, webhook_url: str) -> None:
    """Whoever names a port or a secret wants a stack of their own, and is not to get another one unawares."""
    for name, option in (("port", "port (PORT)"), ("signing_secret", "signing secret (WICKIEPAY_WEBHOOK_SECRET)")):
        source = context.get_parameter_source(name)
        given = source is not None and source.name != "DEFAULT"
        if given and not (name == "port" and f":{context.params[name]}/" in webhook_url):
            raise Failure(f"A {option} is for starting a stack, and {webhook_url} runs: stop it, or leave that out.")


# --- What is shown -----------------------------------------------------------------------------------
@contextmanager
def _view(feed: Feed, *, quiet: bool, as_json: bool) -> Iterator[Callable[[News | None], None]]:
    """What news are shown by: JSON lines; nothing; on a terminal a table that changes; else lines."""
    if as_json:
        yield partial(_tell, show_line_of_json)
    elif quiet:
        yield partial(_tell, lambda _: None)
    elif not sys.stdout.isatty():
        yield partial(_tell, show_line)
    else:
        with Live(console=Console(highlight=False), auto_refresh=False) as live:
            yield _Drawing(feed, live)


class _Drawing:
    """Draws the last deliveries that fit, not more often than each `TICK_SECONDS`: drawing takes time."""

    def __init__(self, feed: Feed, live: Live) -> None:
        self._feed = feed
        self._live = live
        self._drawn = 0.0

    def __call__(self, news: News | None) -> None:
        if isinstance(news, Trouble):
            typer.echo(news.text, err=True)
        if news is None or time.monotonic() - self._drawn >= TICK_SECONDS:
            fit = max(1, self._live.console.height - TABLE_FRAME_LINES)
            self._live.update(as_table(self._feed.last(fit)), refresh=True)
            self._drawn = time.monotonic()


def _tell(show: Callable[[Delivered | Changed], None], news: News | None) -> None:
    if isinstance(news, Trouble):
        typer.echo(news.text, err=True)
    elif news:
        show(news)


def show_line_of_json(news: Delivered | Changed) -> None:
    """Prints the delivery as it is now, with `"change"` saying whether this is news of its state."""
    typer.echo(json.dumps({"change": isinstance(news, Changed), **asdict(news.arrival)}))


def show_line(news: Delivered | Changed) -> None:
    """Prints what arrived and was answered, or which verdict there is."""
    each = news.arrival
    if isinstance(news, Changed):
        say(_joined(_time(each.processed_at or each.at), each.event, each.uuid, each.scheme, each.state, each.error))
    else:
        known = each.state if each.status is None else None
        say(_joined(_time(each.at), _what(each), each.uuid, each.scheme, _answer(each), _milliseconds(each), known))


def as_table(arrivals: list[Arrival]) -> Table:
    """A line for each; in a narrow terminal the widest cells are cut."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for heading, fixed in (("time", True), ("event", False), ("uuid", False), ("scheme", True), ("answer", False)):
        table.add_column(heading, no_wrap=fixed)
    table.add_column("ms", no_wrap=True, justify="right")
    table.add_column("state", no_wrap=True)
    for each in arrivals:
        table.add_row(
            cell(_time(each.at)),
            cell(_what(each)),
            cell(each.uuid),
            cell(each.scheme),
            cell(_answer(each), "" if each.status in {None, 200} else "red"),
            cell(None if each.milliseconds is None else str(each.milliseconds)),
            cell(each.state, STYLES.get(each.state, "") if each.state else ""),
        )
    return table


def _time(instant: str) -> str:
    return instant[11:19]


def _what(arrival: Arrival) -> str | None:
    return arrival.event or arrival.request


def _answer(arrival: Arrival) -> str | None:
    return None if arrival.status is None else _joined(str(arrival.status), arrival.outcome, separator=" ")


def _milliseconds(arrival: Arrival) -> str | None:
    return None if arrival.milliseconds is None else f"{arrival.milliseconds} ms"


def _joined(*words: str | None, separator: str = "  ") -> str:
    return separator.join(filter(None, words))
