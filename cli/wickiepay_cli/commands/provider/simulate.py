"""`wickiepay provider simulate`: a provider on this machine, for the local stack and for tests of a client."""

import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from wickiepay_cli.interrupts import until_told
from wickiepay_cli.output.tables import say
from wickiepay_cli.simulator.portal import CLIENT_ID, LOST, PORT, RATE, beside_a_stack
from wickiepay_cli.simulator.provider import MERCHANT_ID
from wickiepay_cli.stacks.stack import Where

ALGORITHMS = Literal["rsa-v1_5-sha256", "rsa-pss-sha512"]


def simulate(  # noqa: PLR0913  options
    *,
    public_key: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="The merchant's public key in PEM, as the portal takes it."),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = PORT,
    events: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="How many events happen.", show_default="until Ctrl-C")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, metavar="N", help="Events a second.")] = RATE,
    lose: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="The share of events that are lost on purpose.")
    ] = LOST,
    backoff: Annotated[
        float, typer.Option(min=0, metavar="FACTOR", help="What the pauses between the three tries are multiplied by.")
    ] = 1,
    seed: Annotated[
        int | None,
        typer.Option(help="The same number makes the same events, and loses the same ones.", show_default="any"),
    ] = None,
    algorithm: Annotated[ALGORITHMS, typer.Option(help="How requests have to be signed.")] = "rsa-v1_5-sha256",
) -> None:
    """Be the provider: serve its API on this machine until Ctrl-C, and deliver made-up events to the local stack.

    The API is strict about signatures. Payments live and end as real ones do; some events are listed as delivered, and
    never come, until they are asked for again. make run PROVIDER=simulated starts both, with a key of its own.
    """
    stack = Where().find()
    with until_told(), beside_a_stack(port, lost=lose, seed=seed, pace=backoff, algorithm=algorithm) as portal:
        portal.meet(stack.output("WebhookUrl"), stack.signing_secret(), public_key.read_text())
        say(f"The provider's API: {portal.base_url}")
        say(f"Client id: {CLIENT_ID}; merchant id: {MERCHANT_ID}; algorithm: {algorithm}")
        try:
            with portal.provider.living(rate, events):
                wait()
        finally:
            say(portal.summary())


def wait() -> None:
    """Returns never: a signal ends it."""
    threading.Event().wait()
