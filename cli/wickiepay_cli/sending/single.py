"""The single deliveries of `wickiepay trigger`: sends a body once or several times, and reports the answers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from wickiepay.errors import UnusableBody
from wickiepay.event import parse
from wickiepay.reserialise import NotReserialisable
from wickiepay.signature import covered_text
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import say, show_json
from wickiepay_cli.sending.client import Answer, Sender


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent. `event`, `uuid` and `event_key` are what the listener should read in it, or None for no event."""

    event: str | None
    uuid: str | None
    event_key: str | None
    url: str
    scheme: str
    body: str


def deliver(body: bytes, repeat: int, sender: Sender, *, as_json: bool) -> bool:
    """Sends a body several times, and shows each answer as it comes. Returns whether all were accepted.

    Raises `CommandError` where it cannot be signed, and where nothing was answered at all. Ctrl-C keeps what was
    answered.
    """
    try:
        sent = _sent(body, sender.scheme, sender.url)
    except NotReserialisable as error:
        raise CommandError(f"The payload cannot be signed under the scheme {sender.scheme}: {error}") from error
    if not as_json:
        say(f"{sent.event_key or 'no event'} {sent.uuid or ''} → {sent.url} ({sent.scheme})")
    deliveries: list[list[Answer]] = []

    def heard(answer: Answer) -> None:
        deliveries[-1].append(answer)
        if not as_json:
            _show(answer, len(deliveries[-1]) if sender.retries else None)

    try:
        for _ in range(repeat):
            deliveries.append([])
            sender.send(body, heard=heard)
    finally:
        if as_json:
            answers = [_members(answer, number) for attempts in deliveries for number, answer in enumerate(attempts, 1)]
            show_json({**asdict(sent), "answers": answers})
    _complain_of_silence(deliveries, sender.url)
    return all(attempts[-1].accepted for attempts in deliveries)


def _complain_of_silence(deliveries: Sequence[Sequence[Answer]], url: str) -> None:
    """Raises `CommandError` if no attempt got an answer."""
    attempts = [answer for attempts in deliveries for answer in attempts]
    if all(answer.status is None for answer in attempts):
        made = f" to any of {len(attempts)} attempts" if len(attempts) > 1 else ""
        raise CommandError(f"{url} did not answer{made}: {attempts[-1].text}")


def _sent(body: bytes, scheme: str, url: str) -> Sent:
    text = body.decode(errors="replace")
    try:
        event = parse(covered_text(body, scheme))
    except UnusableBody:
        return Sent(None, None, None, url, scheme, text)
    return Sent(event.name, event.identity.uuid, event.identity.event_key, url, scheme, text)


def _members(answer: Answer, attempt: int) -> dict[str, object]:
    return {"attempt": attempt, "status": answer.status, "body": answer.content, "seconds": answer.seconds}


def _show(answer: Answer, attempt: int | None) -> None:
    prefix = f"attempt {attempt}: " if attempt else ""
    told = "no answer:" if answer.status is None else str(answer.status)
    say(f"{prefix}{told} {answer.text} ({answer.seconds * 1000:.0f} ms)")
