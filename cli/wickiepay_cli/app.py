"""The command `wickiepay` and what it is made of."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from wickiepay_cli.commands.accept import accept, dismiss
from wickiepay_cli.commands.balances import balances_app
from wickiepay_cli.commands.dlq import dlq_app
from wickiepay_cli.commands.doctor import doctor
from wickiepay_cli.commands.events import events_app
from wickiepay_cli.commands.init import init
from wickiepay_cli.commands.listen import EXAMPLES as LISTEN_EXAMPLES
from wickiepay_cli.commands.listen import listen
from wickiepay_cli.commands.open import open_console
from wickiepay_cli.commands.payments import payments_app
from wickiepay_cli.commands.redrive import redrive
from wickiepay_cli.commands.replay import replay
from wickiepay_cli.commands.resources import resources_app
from wickiepay_cli.commands.samples import samples
from wickiepay_cli.commands.secret import secret_app
from wickiepay_cli.commands.stacks import stacks
from wickiepay_cli.commands.stats import stats
from wickiepay_cli.commands.trigger import EXAMPLES, HELP, trigger
from wickiepay_cli.commands.verify import verify
from wickiepay_cli.display import escaped, say, tell
from wickiepay_cli.entry import INTERRUPTED
from wickiepay_cli.failure import EXPECTED, sentence


class _Group(TyperGroup):
    """The command, which says what is wrong with its arguments as any other output: they may have been pasted."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as Typer has them
        with _escaping():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as Typer has them
        with _escaping():
            return super().invoke(*args, **kwargs)


@contextmanager
def _escaping() -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        error.message = escaped(error.message)
        raise


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, and a secret is one of them
)
app.command(epilog=LISTEN_EXAMPLES)(listen)
app.command(help=HELP, epilog=EXAMPLES)(trigger)
events_app.command(epilog="Example: wickiepay events replay --state FAILED --since 2h --type 'payment.*'")(replay)
events_app.command(epilog="Example: wickiepay events accept 9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --why TEXT")(accept)
events_app.command(epilog="Example: wickiepay events dismiss 9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --why TEXT")(dismiss)
dlq_app.command(epilog="Example: wickiepay dlq redrive --all --rate 5")(redrive)
app.add_typer(events_app, name="events")
app.add_typer(payments_app, name="payments")
app.add_typer(balances_app, name="balances")
app.add_typer(resources_app, name="resources")
app.add_typer(dlq_app, name="dlq")
app.command(epilog="Example: wickiepay doctor --repair")(doctor)
app.command(epilog="Example: wickiepay stats --since 30d --by day --type 'payment.*'")(stats)
app.add_typer(secret_app, name="secret")
app.command(epilog="Example: wickiepay init invoice.paid --dry-run")(init)
app.command(epilog="Example: wickiepay stacks --region eu-west-1 --region eu-central-1")(stacks)
app.command("open", epilog="Example: wickiepay open logs consumer --stack prod")(open_console)
app.command(epilog="Example: wickiepay verify --request captured.har")(verify)
app.command(hidden=True)(samples)


def _show_version(wanted: bool) -> None:  # noqa: FBT001  as Typer calls it
    if wanted:
        say(f"wickiepay {version('wickiepay-webhook-listener')}")
        raise typer.Exit


@app.callback()
def wickiepay(
    *,
    version: Annotated[  # its callback acts
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version, and end.")
    ] = False,
) -> None:
    """Run, feed and read a WickiePay webhook listener."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command; what it cannot do, it says in one sentence on standard error, with exit code 1.

    Ctrl-C ends it with exit code 130, unless that is how a command is to end.
    """
    try:
        try:
            app(arguments)
        finally:
            sys.stdout.flush()
    except OSError as error:  # a circumstance, like a disk that is full; most commands have none of their own to tell
        _write_no_more()
        _end(sentence(error))
    except EXPECTED as error:
        _end(sentence(error))
    except SystemExit as end:
        if end.code == 1 and _began_with_ctrl_c(end):  # at a question, Typer takes it for a no
            sys.exit(INTERRUPTED)
        raise


def _end(text: str) -> NoReturn:
    tell(text)
    sys.exit(1)


def _write_no_more() -> None:
    """Whatever standard output could not take is let go, so that the interpreter does not try again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _began_with_ctrl_c(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
