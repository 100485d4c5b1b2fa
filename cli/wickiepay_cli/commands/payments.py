"""`wickiepay payments`: payments, and the orders that they pay."""

import sys
from collections.abc import Sequence
from datetime import datetime
from itertools import batched
from typing import Annotated, Final, get_args

import typer

from wickiepay import clock
from wickiepay_books import OrderStatus
from wickiepay_cli.commands import completions
from wickiepay_cli.commands.options import (
    LIMIT_FOR_PEOPLE,
    SEVERAL,
    AsJson,
    at_stack,
    moment,
    on_stack,
    refuse_backwards,
    several,
)
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import briefly, is_narrow, say, seconds, show_json, show_table, write
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.export_file import csv_line
from wickiepay_cli.store.ledger_records import CSV_COLUMNS, Amount, Payment, Wanted, csv_cells

ORDERS: Final = get_args(OrderStatus.__value__)
STATUSES: Final = ("PENDING", "PROCESSING", "COMPLETE", "UNDERPAID", "EXPIRED", "CANCELLED", "DETECTED", "CONFIRMED")
UUID_WIDTH: Final = 36


@at_stack
def list_payments(  # noqa: PLR0913  options
    where: Where,
    *,
    statuses: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            **several(),
            metavar="STATUS",
            autocompletion=completions.of_words(*STATUSES),
            help=f"Only payments in this status, such as COMPLETE, UNDERPAID or EXPIRED. {SEVERAL}",
        ),
    ] = None,
    orders: Annotated[
        list[str] | None,
        typer.Option(
            "--order",
            **several({order: order for order in ORDERS}),
            metavar="STATUS",
            autocompletion=completions.of_words(*ORDERS),
            help=f"Only payments whose order is in this status: {', '.join(ORDERS)}. {SEVERAL}",
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="Only payments changed at this time or later: 2h, yesterday, 2026-01-15.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="Only payments changed at this time or earlier."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="List at most this many, the newest.", show_default="50; all with --csv"),
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
) -> None:
    """List the payments that changed last, newest first. With --csv and no --limit: all, in no particular order.

    The ledger has no index by time, so all of it is read, in bounded memory. If it is large, this takes a while and
    uses read capacity.
    """
    if as_csv and as_json:
        raise typer.BadParameter("give either --csv or --json.")
    refuse_backwards(since, until)
    found = where.find()
    ledger = found.ledger()
    wanted = Wanted(
        [status.upper() for status in statuses or []],
        orders or [],
        clock.instant(since) if since else None,
        clock.instant(until) if until else None,
    )
    with progress("Reading", None, hidden=as_csv and sys.stdout.isatty()) as advance:
        if as_csv:
            payments = ledger.newest(limit, wanted, advance) if limit else ledger.all(wanted, advance)
            write(csv_line(CSV_COLUMNS))
            for each in payments:
                write(csv_line(csv_cells(each)))
            return
        listed = ledger.newest(limit or LIMIT_FOR_PEOPLE, wanted, advance)
    if as_json:
        show_json(listed)
    elif not listed:
        say("There are no such payments.")
    elif is_narrow():
        now = clock.now()
        show_table(
            ("", "uuid\nreference", "status\norder", "display", "paid"),
            (
                (
                    briefly(each.updated_at, now),
                    "\n".join([each.uuid, *map("".join, batched(each.reference or "", UUID_WIDTH, strict=False))]),
                    "\n".join(filter(None, (each.status, each.order_status))),
                    _money(each.display),
                    _money(each.paid),
                )
                for each in listed
            ),
        )
    else:
        _show_table(listed)


@on_stack
def show(
    found: Stack,
    uuid_or_reference: Annotated[
        str, typer.Argument(help="A payment's uuid, or an order's reference.", autocompletion=completions.uuids)
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show the payments with a uuid or a reference. Exit code 1 if there are none."""
    payments = found.ledger().payments(uuid_or_reference)
    if as_json:
        show_json(payments)
    if not payments:
        raise CommandError(f"There is no payment with the uuid or reference {uuid_or_reference}.")
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
