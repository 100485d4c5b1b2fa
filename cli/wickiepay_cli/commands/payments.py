"""`wickiepay payments`: payments, and the orders that they pay."""

from typing import Annotated

import typer

from wickiepay_cli import stack
from wickiepay_cli.books import Amount, Books
from wickiepay_cli.display import seconds, show_json, show_table
from wickiepay_cli.failure import Failure
from wickiepay_cli.options import AsJson, Profile, Region, StackName

payments_app = typer.Typer(help="Payments, and the orders that they pay.", no_args_is_help=True)


@payments_app.callback()
def _group() -> None:
    """Keeps `show` a command with a name, although it is the only one."""


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
