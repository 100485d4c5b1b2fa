"""`wickiepay trigger`: sends a signed delivery, as the provider would."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

import typer

from wickiepay import clock
from wickiepay.errors import UnusableBody
from wickiepay.event import parse
from wickiepay.reserialise import NotReserialisable
from wickiepay.signature import covered_text, sign
from wickiepay_cli import payload, samples, sender, stack
from wickiepay_cli.display import say, show_json
from wickiepay_cli.failure import Failure
from wickiepay_cli.options import AsJson, Profile, Region, StackName
from wickiepay_cli.sender import Answer


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent. `event`, `uuid` and `event_key` are what the listener should make of it; None for no event."""

    event: str | None
    uuid: str | None
    event_key: str | None
    url: str
    scheme: str
    body: str


def trigger(  # noqa: PLR0913  options
    event: Annotated[str | None, typer.Argument(metavar="EVENT", help="The type: payment.completed …")] = None,
    *,
    uuid: Annotated[str | None, typer.Option(help="The uuid of what it is about.", show_default="a fresh one")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="A field to change: data.displayCurrency.amount=100.00"),
    ] = None,
    scheme: Annotated[Literal["raw", "node", "python"], typer.Option(help="What of the body is signed.")] = "raw",
    secret: Annotated[
        str | None,
        typer.Option(envvar="WICKIEPAY_WEBHOOK_SECRET", help="What to sign with.", show_default="the stack's"),
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where to send it.", show_default="the stack's")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How often to send it, one after another.")] = 1,
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="A payload of your own, sent as it is."),
    ] = None,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Sign a sample of an event and send it, as the provider would; exit code 1 unless every answer is a 2xx.

    The sample gets a fresh uuid and the present time, unless they are set; its amounts go out as they are spelled.
    """
    body = _body(event, file, uuid, assignments or [])
    key = None if secret is None else os.fsencode(secret)
    if url is None or key is None:
        found = stack.find(stack_name, profile, region)
        url = found.output("WebhookUrl") if url is None else url
        key = found.signing_secret() if key is None else key
    try:
        signature = sign(body, key, scheme)
    except NotReserialisable as error:
        raise Failure(f"The payload cannot be signed under the scheme {scheme}: {error}") from error
    sent = _sent(body, scheme, url)
    with sender.connection(url) as http:
        answers = [sender.deliver(http, url, body, signature) for _ in range(repeat)]
    if as_json:
        show_json({**asdict(sent), "answers": [_answer(answer) for answer in answers]})
    else:
        _show(sent, answers)
    if not all(answer.accepted for answer in answers):
        raise typer.Exit(1)


def _body(event: str | None, file: Path | None, uuid: str | None, assignments: Sequence[str]) -> bytes:
    """The body to send, as the command's arguments describe it."""
    if (event is None) == (file is None):
        raise typer.BadParameter("give either EVENT, for a sample, or --file, for a payload of your own.")
    text = file.read_bytes() if file else samples.sample(str(event))
    if file and uuid is None and not assignments:
        return text
    try:
        envelope = payload.read(text)
    except ValueError as error:
        raise Failure(f"{file} is not JSON that could be changed: {error}") from error
    if file is None:
        samples.refresh(envelope, str(uuid4()), clock.now())
    if uuid is not None:
        samples.identify(envelope, uuid)
    for assignment in assignments:
        try:
            payload.assign(envelope, assignment)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--set") from error
    return payload.write(envelope).encode()


def _sent(body: bytes, scheme: str, url: str) -> Sent:
    text = body.decode(errors="replace")
    try:
        event = parse(covered_text(body, scheme), body)
    except UnusableBody:
        return Sent(None, None, None, url, scheme, text)
    return Sent(event.name, event.uuid, event.event_key, url, scheme, text)


def _answer(answer: Answer) -> dict[str, object]:
    """An answer as JSON: its body as what it holds, where that is JSON, else as text."""
    try:
        body: object = json.loads(answer.text)
    except ValueError:
        body = answer.text
    return {"status": answer.status, "body": body, "seconds": answer.seconds}


def _show(sent: Sent, answers: Sequence[Answer]) -> None:
    say(f"{sent.event_key or 'no event'} {sent.uuid or ''} → {sent.url} ({sent.scheme})")
    for answer in answers:
        say(f"{answer.status} {answer.text} ({answer.seconds * 1000:.0f} ms)")
