"""`wickiepay resources`: deposits, withdrawals, conversions, and whatever else is no payment."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from wickiepay_cli import stack
from wickiepay_cli.books import Books
from wickiepay_cli.display import say, say_json, seconds, show_facts, show_json
from wickiepay_cli.failure import Failure
from wickiepay_cli.handling import handlers_of, resource_kinds
from wickiepay_cli.options import AsJson, Profile, Region, StackName


def show(
    uuid: Annotated[str, typer.Argument(metavar="UUID", help="The uuid, as the events name it.")],
    *,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show what is kept of a uuid that is no payment, whatever it is of. Exit code 1 where there is nothing.

    A balance at the provider goes by its asset and pool: BTC#-.
    """
    found = stack.find(stack_name, profile, region)
    kinds = resource_kinds(handlers_of(found))
    kept = Books(found.dynamodb(), found.output("LedgerTableName")).resources(uuid, kinds)
    if as_json:
        show_json(kept)
    if not kept:
        raise Failure(f"There is nothing of {uuid} among these: {', '.join(kinds)}.")
    for each in [] if as_json else kept:
        facts = {**asdict(each), "updated_at": seconds(each.updated_at)}
        show_facts((name.replace("_", " "), fact) for name, fact in facts.items() if name != "data")
        say("")
        say_json(json.dumps(each.data, indent=2))
        say("")
