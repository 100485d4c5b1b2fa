"""What deliveries that an operator sends would do to the books, and who sent them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final
from uuid import uuid4

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.errors import StoreUnavailable, UnusableBody
from wickiepay.event import WebhookEvent, parse
from wickiepay.queue import Replay
from wickiepay.reserialise import NotReserialisable
from wickiepay.signature import covered_text, sign
from wickiepay_cli.checkout.handlers import handlers_of
from wickiepay_cli.checkout.in_money import in_money
from wickiepay_cli.errors import CommandError, sentence
from wickiepay_cli.operations.consent import Confirm
from wickiepay_cli.sending.client import Answer, Sender, Signing, answer_to, connection
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.replays import REPLAYABLE, TRIGGERED
from wickiepay_cli.watching.exchange import Exchange

OF_THE_CONNECTION: Final = frozenset({b"host", b"content-length"})
"""Headers that are written for each connection."""


def what_comes_of(bodies: Iterable[bytes], scheme: str, stack: Stack | None) -> str | None:
    """What deliveries of these bodies would do to the books, or None."""
    return in_money(_events(bodies, scheme), handlers_of(stack))


def keep_who(bodies: Iterable[bytes], scheme: str, why: str, stack: Stack) -> str | None:
    """Notes on the records of a deployed stack who sent them, and why.

    Returns None, or the sentence that says why that could not be put on record.
    """
    if stack.deployed is None:
        return None
    order = Replay(str(uuid4()), operator_name(stack), ": ".join(filter(None, (TRIGGERED, why))))
    identities = {event.identity for event in _events(bodies, scheme)}
    try:
        stack.replayer().note(identities, order, REPLAYABLE)
    except (StoreUnavailable, ClientError, BotoCoreError) as error:
        return f"The sender could not be put on record: {sentence(error)}"
    return None


def send(  # noqa: PLR0913  a delivery, and whose
    stack: Stack, bodies: list[bytes], scheme: str, why: str, *, confirm: Confirm, signing: Signing = sign
) -> tuple[list[Answer], str | None]:
    """Signs and sends deliveries to the stack, one after another.

    Returns the answers, and what `keep_who` says. Raises `CommandError` if the scheme cannot sign one.
    """
    confirm(lambda: what_comes_of(bodies, scheme, stack))
    url = stack.output("WebhookUrl")
    with connection(url) as http:
        sender = Sender(http, url, stack.signing_secret(), scheme, retries=False)
        try:
            answers = [answer for body in bodies for answer in sender.send(body, signing)]
        except NotReserialisable as error:
            raise CommandError(f"The payload cannot be signed under the scheme {scheme}: {error}") from error
    return answers, keep_who(bodies, scheme, why, stack)


def send_again(exchange: Exchange, webhook_url: str) -> Answer:
    """Sends a request to the stack on this machine once more, with the same bytes and headers."""
    target = httpx.URL(webhook_url)
    headers = [(name, value) for name, value in exchange.request_headers if name.lower() not in OF_THE_CONNECTION]
    request = httpx.Request(
        exchange.method,
        target,
        headers=[(b"Host", target.netloc), *headers],
        content=exchange.request_body,
        extensions={"target": exchange.target},  # httpx would normalise the path of a URL
    )
    return answer_to(webhook_url, request)


def _events(bodies: Iterable[bytes], scheme: str) -> Iterator[WebhookEvent]:
    for body in bodies:
        with suppress(UnusableBody, NotReserialisable):
            yield parse(covered_text(body, scheme))
