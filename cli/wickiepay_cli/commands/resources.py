"""`wickiepay resources`: deposits, withdrawals, conversions, and whatever else is no payment."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from wickiepay_cli.checkout.handlers import handlers_of, resource_kinds
from wickiepay_cli.commands import completions
from wickiepay_cli.commands.options import AsJson, on_stack
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import say, say_json, seconds, show_facts, show_json
from wickiepay_cli.stacks.stack import Stack


@on_stack
def show(
    found: Stack,
    uuid: Annotated[
        str, typer.Argument(metavar="UUID", help="The uuid, as the events name it.", autocompletion=completions.uuids)
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what is kept of a uuid that is no payment, whatever it is of. Exit code 1 where there is nothing.

    A balance at the provider goes by its asset and pool: BTC#-.
    """
    kinds = resource_kinds(handlers_of(found))
    kept = found.ledger().resources(uuid, kinds)
    if as_json:
        show_json(kept)
    if not kept:
        raise CommandError(f"There is nothing of {uuid} among these: {', '.join(kinds)}.")
    for each in [] if as_json else kept:
        facts = {**asdict(each), "updated_at": seconds(each.updated_at)}
        show_facts((name.replace("_", " "), fact) for name, fact in facts.items() if name != "data")
        say("")
        say_json(json.dumps(each.data, indent=2))
        say("")
