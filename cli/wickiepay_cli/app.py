"""The command `wickiepay` and what it is made of."""

import sys
from collections.abc import Sequence

import typer

from wickiepay_cli.commands.accept import accept
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
from wickiepay_cli.commands.samples import samples
from wickiepay_cli.commands.secret import secret_app
from wickiepay_cli.commands.stacks import stacks
from wickiepay_cli.commands.stats import stats
from wickiepay_cli.commands.trigger import EXAMPLES, HELP, trigger
from wickiepay_cli.commands.verify import verify
from wickiepay_cli.failure import EXPECTED, sentence

app = typer.Typer(
    help="Run, feed and read a WickiePay webhook listener.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, and a secret is one of them
)
app.command(epilog=LISTEN_EXAMPLES)(listen)
app.command(help=HELP, epilog=EXAMPLES)(trigger)
events_app.command(epilog="Example: wickiepay events replay --state FAILED --since 2h --type 'payment.*'")(replay)
events_app.command(epilog="Example: wickiepay events accept 9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --why TEXT")(accept)
dlq_app.command(epilog="Example: wickiepay dlq redrive --all --rate 5")(redrive)
app.add_typer(events_app, name="events")
app.add_typer(payments_app, name="payments")
app.add_typer(balances_app, name="balances")
app.add_typer(dlq_app, name="dlq")
app.command(epilog="Example: wickiepay doctor --repair")(doctor)
app.command(epilog="Example: wickiepay stats --since 30d --by day --type 'payment.*'")(stats)
app.add_typer(secret_app, name="secret")
app.command(epilog="Example: wickiepay init invoice.paid --dry-run")(init)
app.command(epilog="Example: wickiepay stacks --region eu-west-1 --region eu-central-1")(stacks)
app.command("open", epilog="Example: wickiepay open logs consumer --stack prod")(open_console)
app.command(epilog="Example: wickiepay verify --request captured.har")(verify)
app.command(hidden=True)(samples)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command; what it cannot do, it says in one sentence on standard error, with exit code 1."""
    try:
        app(arguments)
    except EXPECTED as error:
        typer.echo(sentence(error), err=True)
        sys.exit(1)
