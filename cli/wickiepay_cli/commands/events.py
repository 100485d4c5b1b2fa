"""`wickiepay events`: the deliveries on record, and what became of them."""

import typer

from wickiepay_cli.commands.events_export import export
from wickiepay_cli.commands.events_list import list_events
from wickiepay_cli.commands.events_show import show
from wickiepay_cli.commands.events_tail import tail

events_app = typer.Typer(help="The deliveries on record, and what became of them.", no_args_is_help=True)
events_app.command("list", epilog="Example: wickiepay events list --state FAILED --type 'payment.*' --since 2d")(
    list_events
)
events_app.command(epilog="Example: wickiepay events show 9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --json")(show)
events_app.command(epilog="Example: wickiepay events tail --type 'payment.*' --json")(tail)
events_app.command(epilog="Example: wickiepay events export --since 30d --format csv --output events.csv")(export)
