"""The page on which deliveries are made up: its form, what may be spoiled about one, and sending."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from wickiepay import clock
from wickiepay.clock import instant
from wickiepay.signature import SCHEMES, sign
from wickiepay_cli.console.delivery import verdict_on
from wickiepay_cli.console.desk import Consent, Desk
from wickiepay_cli.errors import CommandError
from wickiepay_cli.operations.sending import keep_who, send, what_comes_of
from wickiepay_cli.sending import exact_json, samples
from wickiepay_cli.sending.client import Answer, Sender, Signing, connection
from wickiepay_cli.sending.exact_json import Json, Number
from wickiepay_cli.sending.scenarios import SCENARIOS, STORM
from wickiepay_cli.sending.steps import Cast, Step

FIRST: Final = "payment.completed"
LATE: Final = timedelta(days=1)

SPOILED: Final[Mapping[str, tuple[str, Signing]]] = {
    "": ("nothing: sent as the provider would", sign),
    "secret": ("signed with another secret", lambda body, secret, scheme: sign(body, secret + b"!", scheme)),
    "bytes": ("a blank added to the body once it is signed", lambda body, *how: sign(body[:-1], *how)),
    "unsigned": ("no signature", lambda *_: None),
    "malformed": ("a malformed signature", lambda *_: "forged"),
    "twice": ("sent twice", sign),
    "late": ("a time stamp of yesterday", sign),
}
"""What may be spoiled about a delivery → the words for it, and how it is signed."""


def fresh(event: str) -> str:
    """The sample of an event type, as a new event."""
    envelope = exact_json.read(samples.sample(event))
    samples.refresh(envelope, str(uuid4()), clock.now())
    return exact_json.write(envelope)


def laid_out(body: bytes) -> str:
    """A body to be edited. JSON is laid out in ASCII, in which nothing can disguise itself."""
    try:
        return exact_json.write(exact_json.read(body))
    except ValueError:
        return body.decode(errors="replace")


def leaves(envelope: Json, path: str = "") -> Iterator[tuple[str, str]]:
    """The paths of single values in JSON, as `exact_json.assign` takes them, with these values as they are spelled."""
    match envelope:
        case dict():
            members: Any = envelope.items()
        case list():
            members = enumerate(envelope)
        case Number():
            yield path, envelope.spelling
            return
        case str() if not _is_json(envelope) and envelope.isprintable():  # a form takes line ends away
            yield path, envelope
            return
        case _:
            yield path, exact_json.write(envelope)
            return
    for name, member in members:
        if "." not in str(name) and "=" not in str(name):  # a path could not name it
            yield from leaves(member, f"{path}.{name}".removeprefix("."))


def _is_json(text: str) -> bool:
    """Whether text would be taken for something else if it were assigned as it is."""
    try:
        exact_json.read(text)
    except ValueError:
        return False
    return True


def form_of(text: str) -> list[tuple[str, str]]:
    """The fields of a form for the JSON in `text`, or none if it is not JSON. That can be sent all the same."""
    try:
        return list(leaves(exact_json.read(text)))
    except ValueError:
        return []


def joined(text: str, before: str, fields: Mapping[str, str]) -> str:
    """The JSON that a person has made of `before` in the text, in the form, or in both. The form's changes go on top.

    Raises `CommandError` if a field has no place in the JSON.
    """
    stood = dict(form_of(before))
    changed = {path: value for path, value in fields.items() if path in stood and stood[path] != value}
    if not changed:
        return text
    try:
        envelope = exact_json.read(text)
        for path, value in changed.items():
            exact_json.assign(envelope, f"{path}={value}")
    except ValueError as error:
        raise CommandError(f"The form cannot be put into the JSON: {error}") from error
    return exact_json.write(envelope)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent and answered; `note` says what else a person has to know."""

    answers: list[Answer]
    bodies: list[bytes]
    note: str | None = None


def send_one(  # noqa: PLR0913, PLR0917  what the form has
    desk: Desk, text: str, scheme: str, spoiled: str, why: str, consent: Consent
) -> Sent:
    """Signs and sends what is on the page. Raises `CommandError`, and `NotAgreed`."""
    if scheme not in SCHEMES or spoiled not in SPOILED:
        raise CommandError("There is no such scheme, or no such way to spoil a delivery.")
    body = text.encode()
    if spoiled == "bytes":
        body += b" "
    if spoiled == "late":
        body = _earlier(text, clock.now() - LATE)
    bodies = [body] * (2 if spoiled == "twice" else 1)
    _, signing = SPOILED[spoiled]
    answers, note = send(desk.stack, bodies, scheme, why, confirm=consent, signing=signing)
    return Sent(answers, bodies, note)


def _earlier(text: str, at: datetime) -> bytes:
    try:
        envelope = exact_json.read(text)
        exact_json.assign(envelope, f"timestamp={instant(at)}")
    except ValueError as error:
        raise CommandError(f"There is no time stamp to change: {error}") from error
    return exact_json.write(envelope).encode()


def numbers_of(desk: Desk, sent: Sent) -> list[int]:
    """The deliveries of the list that were just sent, the newest first."""
    if desk.exchanges is None:
        return []
    newest = desk.exchanges.newest_first()[: len(sent.bodies) + 20]
    return [each.number for each in newest if each.exchange.request_body in sent.bodies][: len(sent.bodies)]


def verdicts_of(desk: Desk, sent: Sent) -> list[Any]:
    """The verdicts on the signatures of what was sent, for the deliveries whose exchanges are kept."""
    kept = [desk.exchanges.get(number) for number in numbers_of(desk, sent)] if desk.exchanges else []
    return [verdict_on(desk.stack, each.exchange) for each in kept if each]


def scenarios() -> list[tuple[str, str]]:
    """The scenarios that a page can play; one without an end is for a terminal."""
    return [(name, each.tells) for name, each in SCENARIOS.items() if name != STORM]


def play(  # noqa: PLR0913, PLR0917  what the form has
    desk: Desk, name: str, uuid: str | None, why: str, consent: Consent, sleep: Callable[[float], None] = time.sleep
) -> tuple[list[tuple[Step, Answer]], str | None]:
    """Sends the deliveries of a scenario about a uuid. Returns the answers, and what `keep_who` says.

    Raises `CommandError`, and `NotAgreed`.
    """
    if name not in dict(scenarios()):
        raise CommandError(f"There is no scenario {name} here.")
    cast = Cast.of(name, uuid or None, clock.now(), random.Random())  # noqa: S311  nothing secret
    steps = list(SCENARIOS[name].steps(cast))
    consent(lambda: what_comes_of((step.body for step in steps if step.takes_effect), "raw", desk.stack))
    url = desk.stack.output("WebhookUrl")
    played = []
    with connection(url) as http:
        sender = Sender(http, url, desk.stack.signing_secret(), "raw", retries=False)
        for number, step in enumerate(steps):
            sleep(step.pause if number else 0)
            [answer] = sender.send(step.body, step.signing)
            played.append((step, answer))
    return played, keep_who((step.body for step in steps), "raw", why, desk.stack)
