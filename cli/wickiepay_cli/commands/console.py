"""`wickiepay console`: serves the console of a deployed stack, or prints the address of the local one's."""

import threading
from functools import partial
from typing import Annotated

import typer

from wickiepay import clock
from wickiepay_cli.commands.options import AsJson, at_stack, read_by_a_person
from wickiepay_cli.console import server
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.console.server import Address
from wickiepay_cli.interrupts import until_told
from wickiepay_cli.output.tables import say, show_json
from wickiepay_cli.stacks.local_stack import state_folder
from wickiepay_cli.stacks.stack import Where
from wickiepay_cli.watching.feed import Feed, of_record
from wickiepay_cli.watching.poll import Newcomers, look, looking


@at_stack
def console(
    where: Where,
    *,
    only_print: Annotated[bool, typer.Option("--print", help="Print the address and open no browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the console of a deployed stack on this machine until Ctrl-C, or print the local one's address.

    Nothing is deployed for it: it reads the stack with your own AWS identity. Looking is free; to change something, the
    stack's name has to be typed there, and every change wants a reason. At a terminal, the browser opens.
    """
    if not where:
        where.find()  # says so where none runs
        _tell(server.read(state_folder()), only_print=only_print, as_json=as_json)
        return
    found = where.find()
    feed, records = Feed(backlog=1), found.events()  # pages read changes, and nobody reads news
    newcomers = Newcomers(records, lambda identities: map(of_record, records.of(identities)), clock.now)
    with (
        until_told(),
        looking(feed, partial(look, feed, records, newcomers)),
        server.serving(Desk(found, feed)) as address,
    ):
        _tell(address, only_print=only_print, as_json=as_json)
        _stay()


def _stay() -> None:
    threading.Event().wait()


def _tell(address: Address, *, only_print: bool, as_json: bool) -> None:
    if as_json:
        show_json({"url": address.opening}, indent=None)
        return
    say(f"Console: {address.opening}")
    if not only_print and read_by_a_person():
        typer.launch(address.opening)
