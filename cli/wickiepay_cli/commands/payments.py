"""`wickiepay payments`: payments, and the orders that they pay."""

from collections.abc import Sequence
from typing import Annotated

import typer

from wickiepay import clock
from wickiepay_cli import stack
from wickiepay_cli.books import Amount, Books, Payment
from wickiepay_cli.display import briefly, is_narrow, say, seconds, show_json, show_table
from wickiepay_cli.failure import Failure
from wickiepay_cli.options import AsJson, Profile, Region, StackName

payments_app = typer.Typer(help="Payments, and the orders that they pay.", no_args_is_help=True)


@payments_app.command("list", epilog="Example: wickiepay payments list --status UNDERPAID --limit 10")
def list_payments(  # noqa: PLR0913  options
    *,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="In this status alone: COMPLETE, UNDERPAID, EXPIRED …")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at the most.")] = 50,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """List the payments that changed last, the newest first.

    The ledger has no index by time: all of it is read, in bounded memory. That takes a while, and capacity, where it is
    large.
    """
    found = stack.find(stack_name, profile, region)
    books = Books(found.dynamodb(), found.output("LedgerTableName"))
    payments = books.newest(limit, status.upper() if status else None)
    if as_json:
        show_json(payments)
    elif not payments:
        say("There are no such payments.")
    elif is_narrow():
        now = clock.now()
        show_table(
            ("", "uuid", "status", "amount", "reference"),
            (
                (
                    briefly(each.updated_at, now),
                    each.uuid,
                    each.status,
                    _money(each.paid or each.display),
                    each.reference,
                )
                for each in payments
            ),
        )
    else:
        _show_table(payments)


@payments_app.command(epilog="Example: wickiepay payments show order-1003 --json")
def show(
    uuid_or_reference: Annotated[str, typer.Argument(help="A payment's uuid, or an order's reference.")],
    *,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Show the payments of a uuid or a reference. Exit code 1 where there are none."""
    found = stack.find(stack_name, profile, region)
    payments = Books(found.dynamodb(), found.output("LedgerTableName")).payments(uuid_or_reference)
    if as_json:
        show_json(payments)
    if not payments:
        raise Failure(f"There is no payment of the uuid or reference {uuid_or_reference}.")
    if not as_json:
        _show_table(payments)


def _show_table(payments: Sequence[Payment]) -> None:
    show_table(
        ("uuid", "reference", "type", "status", "order", "display", "paid", "updated at"),
        (
            (
                payment.uuid,
                payment.reference,
                payment.type,
                payment.status,
                payment.order_status,
                _money(payment.display),
                _money(payment.paid),
                seconds(payment.updated_at),
            )
            for payment in payments
        ),
        else_facts=True,
    )


def _money(amount: Amount | None) -> str:
    return f"{amount.amount} {amount.currency}" if amount else ""
