"""`wickiepay balances`: what was credited to an account."""

from itertools import islice
from typing import Annotated, Final

import typer

from wickiepay_cli import stack
from wickiepay_cli.books import Books
from wickiepay_cli.display import say, seconds, show_json, show_table, stream_json, tell
from wickiepay_cli.failure import Failure
from wickiepay_cli.options import AsJson, Profile, Region, StackName

balances_app = typer.Typer(help="Accounts that payments into channels credit.", no_args_is_help=True)

LIMIT_FOR_PEOPLE: Final = 50


@balances_app.command("list", epilog="Example: wickiepay balances list --json")
def list_balances(
    *,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many accounts at the most.", show_default="50, with --json all")
    ] = None,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List the accounts that were ever credited, with their balances, in no order.

    The ledger is read from its beginning, in bounded memory: that takes a while, and capacity, where it is large.
    """
    found = stack.find(stack_name, profile, region)
    accounts = Books(found.dynamodb(), found.output("LedgerTableName")).balances()
    if as_json:
        listed = islice(accounts, limit)
        stream_json({"account": account, "balances": balances} for account, balances in listed)
        return
    most = limit or LIMIT_FOR_PEOPLE
    rows = [(account, *balance) for account, all_ in islice(accounts, most) for balance in all_.items()]
    if rows:
        show_table(("account", "currency", "balance"), rows)
    else:
        say("Nothing was ever credited.")
    if next(accounts, None):
        tell(f"There are more than these {most}: --limit {most * 10}")


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
