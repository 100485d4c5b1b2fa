"""`wickiepay listen`: the stack on this machine, or one that runs already, and its deliveries as they arrive."""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final, Literal

import httpx
import typer

from wickiepay import clock
from wickiepay.signing_secrets import secret_in
from wickiepay_cli.checkout.handlers import handlers_in
from wickiepay_cli.commands.forwarding import Wanted, headers_in
from wickiepay_cli.commands.options import (
    SECRET_VARIABLE,
    SEVERAL,
    Yes,
    at_stack,
    moment,
    several,
    tell_of_another_secret,
)
from wickiepay_cli.commands.provider.beside import Beside
from wickiepay_cli.console import server
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.errors import CommandError
from wickiepay_cli.interrupts import until_told
from wickiepay_cli.local.run import Running, running_stack
from wickiepay_cli.local.supervisor import supervise
from wickiepay_cli.operations.forwarding import Form
from wickiepay_cli.operations.redeploying import redeploying
from wickiepay_cli.output.tables import say, tell
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET, PROJECT
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import state_folder
from wickiepay_cli.stacks.stack import Stack, Where, of_local
from wickiepay_cli.store.secret_versions import checked
from wickiepay_cli.watching import delivery_log
from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.exchanges import Exchanges
from wickiepay_cli.watching.feed import Feed, of_exchange, of_record
from wickiepay_cli.watching.follow import follow_stack
from wickiepay_cli.watching.live_view import TICK_SECONDS, Show, view
from wickiepay_cli.watching.poll import Newcomers, look, looking

FORWARDING: Final = "Forwarding to your application"


@at_stack
def listen(  # noqa: PLR0913  options
    where: Where,
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="The port to listen on.")] = 3000,
    signing_secret: Annotated[
        str, typer.Option(envvar=SECRET_VARIABLE, help="The secret that deliveries are signed with.")
    ] = DEFAULT_SIGNING_SECRET,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only the address, problems and edits; with --json, also the JSON.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Also print how the template is prepared for the emulator.")
    ] = False,
    provider: Annotated[
        Literal["simulated"] | None,
        typer.Option(envvar="PROVIDER", help="Also be the provider: its API, and made-up events that it delivers."),
    ] = None,
    no_console: Annotated[
        bool, typer.Option("--no-console", help="Serve no console, the pages in the browser.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON for each delivery and change of state, for programs.")
    ] = False,
    forward_to: Annotated[
        str | None,
        typer.Option(
            envvar="FORWARD_TO",
            metavar="URL",
            help="Post what the stack announces to this address of your application, and show its answers.",
            rich_help_panel=FORWARDING,
        ),
    ] = None,
    form: Annotated[
        Form,
        typer.Option("--as", help="What to post: announcements, or webhooks as received.", rich_help_panel=FORWARDING),
    ] = Form.ANNOUNCEMENT,
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--events",
            **several(),
            metavar="TYPE",
            help=f"Post only events of this type or pattern (payment.*). {SEVERAL}",
            rich_help_panel=FORWARDING,
        ),
    ] = None,
    headers: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="'NAME: VALUE'", help="Send this header too.", rich_help_panel=FORWARDING),
    ] = None,
    skip_verify: Annotated[
        bool,
        typer.Option("--skip-verify", help="Accept any certificate of the application.", rich_help_panel=FORWARDING),
    ] = False,
    latest: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="First post the latest N events.", rich_help_panel=FORWARDING),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="First post what was received at this time or later: 2026-01-15T10:00, yesterday, or 2h, 3d ago.",
            rich_help_panel=FORWARDING,
        ),
    ] = None,
    use_stack_secret: Annotated[
        bool,
        typer.Option(
            "--use-stack-secret",
            help="Sign what is posted with the stack's own secret instead of one that is printed.",
            rich_help_panel=FORWARDING,
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Run the stack in an AWS emulator until Ctrl-C and show deliveries as they arrive. Nothing is kept afterwards.

    Its files are in .local, or in the folder that the environment variable WICKIEPAY_LOCAL names.

    In a checkout, an edit of the functions takes effect at once, and the stack keeps all it holds.

    If the emulator dies, a new, empty stack is started on the same port. If a stack is already running, or with
    --stack, nothing is started, and the deliveries to that stack are shown. A deployed stack does not keep its answers,
    so each of its events is shown once.

    With --forward-to, each announcement is posted to your application, as EventBridge would hand it over, until it
    answers 2xx, at most 5 times. Each request is signed like a webhook, with a secret that is printed, or the one in
    WICKIEPAY_FORWARD_SECRET. Nothing waits for the application. Of a deployed stack, the announcements come from a
    temporary queue and rule on its bus; the command asks before it makes them, and removes them at the end.
    """
    feed = Feed()
    said = tell if as_json else say
    wanted = Wanted(forward_to, form, types, headers_in(headers), not skip_verify, latest, since, use_stack_secret, yes)
    watch = _Watch(feed, partial(view, feed, quiet=quiet, as_json=as_json), said, wanted)
    with until_told():
        if not where and local_stack.read(state_folder()) is None:
            handlers_in(PROJECT)  # what cannot be imported here cannot be there, where only a log would say so
            secret = _refusing_blank(signing_secret)
            run = _Run(watch, port, secret, quiet=quiet, verbose=verbose, console=not no_console)
            run.beside.wanted = provider is not None
            supervise(run, watch.tell, time.monotonic)
        else:
            attach = partial(_attach, context, watch, folder=None if where.name else state_folder())
            follow_stack(where, following=attach, tell=watch.tell)


def follow(feed: Feed, show: Show, check: Callable[[], None]) -> None:
    """Gives `show` the news, or None if there is none for a moment, until `check` raises."""
    while True:
        check()
        show(feed.news(TICK_SECONDS))


@dataclass(frozen=True, slots=True)
class _Watch:
    """What is known of deliveries, how it is shown, and where everything else is told."""

    feed: Feed
    shown: Callable[..., AbstractContextManager[Show]]
    tell: Callable[[str], None]
    wanted: Wanted

    def __call__(
        self, stack: Stack, once: Callable[[], None], check: Callable[[], None], *, answers: bool = True
    ) -> None:
        """Shows what `once` and others tell the feed, until `check` raises; then all of it is forgotten."""
        try:
            with (
                self.wanted.forwarding(stack, self.feed, self.tell),
                looking(self.feed, once),
                self.shown(answers=answers) as show,
            ):
                follow(self.feed, show, check)
        finally:
            self.feed.forget()


# --- A stack of its own ----------------------------------------------------------------------------
class _Run:
    """Runs a stack until its emulator ends; called again, the next one on the same port, with the same secret."""

    def __init__(  # noqa: PLR0913  what listen was told
        self, watch: _Watch, port: int, signing_secret: str, *, quiet: bool, verbose: bool, console: bool
    ) -> None:
        self._watch = watch
        self._exchanges = Exchanges() if console else None
        self._address: server.Address | None = None
        self._port = port
        self._signing_secret = signing_secret
        self._quiet = quiet
        self._verbose = verbose
        self.beside = Beside(wanted=False)

    def __call__(self) -> None:
        with (
            self.beside.serving() as parameters,
            running_stack(state_folder(), self._port, self._signing_secret, self._seen, parameters) as running,
        ):
            if self._verbose:
                for line in _prepared(running):
                    self._watch.tell(f"prepared: {line}")
            _introduce(running, self._signing_secret, self._watch.tell, quiet=self._quiet)
            with (
                self._console(running),
                self.beside.living(of_local(running.stack), self._watch.tell),
                redeploying(running, self._watch.feed.notice),
            ):
                self._port, self._quiet = httpx.URL(running.stack.webhook_url).port or self._port, True
                self._verbose = False
                stack = of_local(running.stack)
                self._watch(stack, partial(look, self._watch.feed, stack.events()), running.emulator.check)

    @contextmanager
    def _console(self, running: Running) -> Iterator[None]:
        """Serves the console, at the same address each time."""
        if self._exchanges is None:
            yield
            return
        self._exchanges.forget()
        desk = Desk(of_local(running.stack), self._watch.feed, self._exchanges, _prepared(running))
        with server.serving(desk, self._address) as address, server.noted(address, state_folder()):
            if address != self._address:
                self._watch.tell(f"Console: {address.opening}")
            self._address = address
            yield

    def _seen(self, exchange: Exchange) -> None:
        if self._exchanges is None:
            self._watch.feed.arrived(of_exchange(exchange, clock.now()))
        else:
            self._exchanges.arrived(exchange, self._watch.feed, clock.now())


def _refusing_blank(signing_secret: str) -> str:
    """The secret as functions will read it.

    Raises `CommandError` if it is not a secret, or if the variable is empty.
    """
    # An empty variable is none to Typer, which would then take the secret that everybody knows.
    if os.environ.get(SECRET_VARIABLE) == "" and signing_secret == DEFAULT_SIGNING_SECRET:
        raise CommandError(f"{SECRET_VARIABLE} is set but empty: put the secret in it, or unset it to use the default.")
    return checked(os.fsencode(signing_secret))


def _prepared(running: Running) -> list[str]:
    """What of the template was prepared for the emulator, in words."""
    alike = groupby(running.patches, key=lambda patch: (patch.what, patch.why))
    return [f"{', '.join(patch.resource for patch in some)}: {what} ({why})" for (what, why), some in alike]


def _introduce(running: Running, signing_secret: str, tell: Callable[[str], None], *, quiet: bool) -> None:
    listening = f"Listening on {running.stack.webhook_url}"
    if quiet:
        tell(listening)
        return
    told = signing_secret if signing_secret == DEFAULT_SIGNING_SECRET else "the one you have set"
    tell(f"Signing secret: {told}")
    tell(listening)
    tell(f"Send a signed sample: {sample_command(sys.argv[0])}")


def sample_command(program: str) -> str:
    """What sends a sample to this stack, to be pasted into a terminal that knows nothing of WICKIEPAY_LOCAL."""
    folder = f"WICKIEPAY_LOCAL={shlex.quote(str(state_folder()))} " if os.environ.get("WICKIEPAY_LOCAL") else ""
    return f"{folder}{shlex.quote(program)} trigger payment.completed"


# --- Somebody else's -------------------------------------------------------------------------------
def _attach(
    context: typer.Context, watch: _Watch, found: Stack, check: Callable[[], None], *, folder: Path | None
) -> None:
    """Shows what arrives at a stack that runs already; `folder` is where the local one notes its deliveries."""
    _refuse_what_only_a_start_takes(context, found.output("WebhookUrl"))
    if folder:
        _tell_what_does_not_fit(context, found, watch.tell)
    records = found.events()
    watch.tell(f"Listening to {found.output('WebhookUrl')} of the stack {found.name}")
    if folder and delivery_log.is_kept_in(folder):
        with closing(delivery_log.Reader(folder)) as reader:
            watch(found, partial(look, watch.feed, records, reader), check)
        return
    watch.tell("Answers are not on record there, so each event is shown once, with its state.")
    newcomers = Newcomers(records, lambda identities: map(of_record, records.of(identities)), clock.now)
    watch(found, partial(look, watch.feed, records, newcomers), check, answers=False)


def _refuse_what_only_a_start_takes(context: typer.Context, webhook_url: str) -> None:
    """A port or a secret on the command line asks for a new stack; showing another one instead would mislead."""
    for name, option in (("port", "port"), ("signing_secret", "signing secret"), ("provider", "simulated provider")):
        source = context.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"  # the environment's are for any other command too
        if given and not (name == "port" and f":{context.params[name]}/" in webhook_url):
            raise CommandError(
                f"A {option} is only for starting a stack, but {webhook_url} is running: stop it, or omit the {option}."
            )


def _tell_what_does_not_fit(context: typer.Context, found: Stack, tell: Callable[[str], None]) -> None:
    """Tells of the environment's variables that would have made another stack than the one that runs here."""
    of_environment = {
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "ENVIRONMENT"
    }
    port, url = context.params["port"], found.output("WebhookUrl")
    if "port" in of_environment and port not in {0, httpx.URL(url).port}:
        tell(
            f"PORT is {port}, but the stack that is running here has another one. To use {port}, stop that stack first."
        )
    if "signing_secret" in of_environment:
        tell_of_another_secret(found, secret_in(os.fsencode(context.params["signing_secret"])))
