"""`wickiepay balances`: what was credited to an account."""

from typing import Annotated

import typer

from wickiepay_cli import stack
from wickiepay_cli.books import Books
from wickiepay_cli.display import seconds, show_json, show_table
from wickiepay_cli.failure import Failure
from wickiepay_cli.options import AsJson, Profile, Region, StackName

balances_app = typer.Typer(help="Accounts that payments into channels credit.", no_args_is_help=True)


@balances_app.callback()
def _group() -> None:
    """Keeps `show` a command with a name, although it is the only one."""


@balances_app.command(epilog="Example: wickiepay balances show user-topup-cust-123 --json")
def show(
    account: Annotated[str, typer.Argument(help="The account, as the events name it.")],
    *,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show an account's balances, and the entries that they are the sums of. Exit code 1 where there are none."""
    found = stack.find(stack_name, profile, region)
    books = Books(found.dynamodb(), found.output("LedgerTableName")).account(account)
    if as_json:
        show_json(books)
    if not books.entries and not books.balances:
        raise Failure(f"Nothing was ever credited to {account}.")
    if not as_json:
        show_table(("currency", "balance"), books.balances.items())
        show_table(
            ("at", "event", "uuid", "amount", "currency"),
            ((seconds(entry.at), entry.event, entry.uuid, entry.amount, entry.currency) for entry in books.entries),
        )
