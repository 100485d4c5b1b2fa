"""`wickiepay open`: the parts of a deployed stack in the AWS console."""

from typing import Annotated

import typer

from wickiepay_cli.commands.options import AsJson, at_stack, read_by_a_person
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import say, show_json
from wickiepay_cli.stacks.console_urls import What, addresses
from wickiepay_cli.stacks.stack import Where


@at_stack
def open_console(
    where: Where,
    what: Annotated[What, typer.Argument(help="What to open.")],
    part: Annotated[
        str | None,
        typer.Argument(
            help="For logs: ingest, consumer, relay, reconciler, api. For tables: events, ledger. "
            "For queue: events, dead-letters.",
            show_default="all",
        ),
    ] = None,
    *,
    only_print: Annotated[bool, typer.Option("--print", help="Print the address and open no browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the AWS console's address for a part of a deployed stack and, at a terminal, open it in the browser."""
    if where.name is None:
        raise CommandError(
            "The local stack is not in AWS: name a deployed one with --stack, or see `wickiepay console`."
        )
    found = addresses(where.find(), what, part)
    if as_json:
        show_json([{"part": name, "url": url} for name, url in found.items()])
        return
    for url in found.values():
        say(url)
        if not only_print and read_by_a_person():
            typer.launch(url)
