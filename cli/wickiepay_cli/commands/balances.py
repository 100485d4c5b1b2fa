"""`wickiepay balances`: what was added to an account, by events and by operators."""

from dataclasses import asdict
from itertools import islice
from typing import Annotated
from uuid import uuid4

import typer

from wickiepay import clock
from wickiepay.bus import EventBus
from wickiepay.decimals import plain
from wickiepay.errors import StoreUnavailable
from wickiepay.identity import bounded
from wickiepay.ledger import Ledger
from wickiepay.ledger_items import Adjustment
from wickiepay.money import amount_of, currency_of
from wickiepay.spelling import normal_spelling
from wickiepay_cli.commands.options import (
    LIMIT_FOR_PEOPLE,
    AsJson,
    Why,
    Yes,
    confirm_change,
    on_stack,
    tell_of_more,
)
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import say, seconds, show_json, show_table, stream_json
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.ledger_records import LedgerRecords


@on_stack
def list_balances(
    found: Stack,
    *,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many accounts at the most.", show_default="50, with --json all")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the accounts that were ever credited, with their balances, in no order.

    The ledger is read from its beginning, in bounded memory: that takes a while, and capacity, where it is large.
    """
    accounts = found.ledger().balances()
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
    tell_of_more(accounts, most)


@on_stack
def show(
    found: Stack,
    account: Annotated[str, typer.Argument(help="The account, as the events name it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show an account's balances, and the entries that they are the sums of. Exit code 1 where there are none."""
    books = found.ledger().account(account)
    if as_json:
        show_json(books)
    if not books.entries and not books.balances:
        raise CommandError(f"Nothing was ever credited to {account}.")
    if not as_json:
        show_table(("currency", "balance"), books.balances.items())
        show_table(
            ("at", "event", "uuid", "amount", "currency", "by", "why"),
            (
                (seconds(each.at), each.event, each.uuid, each.amount, each.currency, each.by, each.why)
                for each in books.entries
            ),
        )


def _no_option(text: str) -> str:
    if text.startswith("-"):
        raise typer.BadParameter(f"there is no option {text}.")
    return text


@on_stack
def adjust(  # noqa: PLR0913  arguments and options
    found: Stack,
    account: Annotated[str, typer.Argument(help="The account, as the events name it.", callback=_no_option)],
    currency: Annotated[str, typer.Argument(help="The currency: EUR, USDT …", callback=_no_option)],
    amount: Annotated[str, typer.Argument(help="What to add to the balance; below zero: -10.5.")],
    *,
    why: Why,
    adjustment_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Given again with the same id, nothing is added.", show_default="new"),
    ] = None,
    of: Annotated[str | None, typer.Option("--of", metavar="UUID", help="The payment that it corrects.")] = None,
    below_zero: Annotated[bool, typer.Option("--below-zero", help="Even if the balance falls below zero.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Add an entry of your own to a balance: the only way in which one goes down.

    It is announced as ledger.adjusted, again where it is given again with the same id.
    """
    wanted = Adjustment(
        id=adjustment_id or str(uuid4()),
        account=account,
        currency=currency_of(currency),
        amount=amount_of(amount),
        why=why,
        by=operator_name(found),
        at=clock.instant(clock.now()),
        uuid=bounded(normal_spelling(of)) if of else None,
    )
    words = f"{plain(wanted.amount)} {wanted.currency}"
    confirm_change(found, f"add {words} to {account}", yes=yes)
    client, table = found.dynamodb(), found.output("LedgerTableName")
    again = f"give the same command again with --id {wanted.id}."
    try:
        added = Ledger(client, table).adjust(wanted, below_zero=below_zero)
    except StoreUnavailable as error:
        raise CommandError(f"{error} Whether it was added is not known: {again}") from error
    made = wanted if added else LedgerRecords(client, table).adjustment(wanted.id) or wanted
    announced = _announce(found, made)
    if as_json:
        show_json({**asdict(made), "amount": plain(made.amount), "already": not added, "announced": announced})
    elif added:
        say(f"{words} added to {account}, under the id {made.id}.")
    else:
        say(f"{words} were added to {account} already, at {made.at} by {made.by}, under the id {made.id}.")
    if announced is False:
        raise CommandError(f"It is not announced: {again}")


def _announce(found: Stack, made: Adjustment) -> bool | None:
    """Whether the bus took the announcement; None for a stack that announces nothing."""
    if found.parameters.get("Announcements", "on") != "on":
        return None
    try:
        return EventBus(found.client("events"), found.output("EventBusName")).adjusted(made)
    except StoreUnavailable:
        return False
