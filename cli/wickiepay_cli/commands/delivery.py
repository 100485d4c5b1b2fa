"""The single deliveries of `wickiepay trigger`: sends a body, as often as is wished, and tells what was answered."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from wickiepay.errors import UnusableBody
from wickiepay.event import parse
from wickiepay.reserialise import NotReserialisable
from wickiepay.signature import covered_text
from wickiepay_cli.display import say, show_json
from wickiepay_cli.failure import Failure
from wickiepay_cli.sender import Answer, Sender


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent. `event`, `uuid` and `event_key` are what the listener should make of it; None for no event."""

    event: str | None
    uuid: str | None
    event_key: str | None
    url: str
    scheme: str
    body: str


def deliver(body: bytes, repeat: int, sender: Sender, *, as_json: bool) -> bool:
    """Sends a body so many times, and shows the answers; says whether it was accepted each time.

    Raises `Failure` where it cannot be signed, and where nothing was answered at all.
    """
    try:
        deliveries = [sender.send(body) for _ in range(repeat)]
    except NotReserialisable as error:
        raise Failure(f"The payload cannot be signed under the scheme {sender.scheme}: {error}") from error
    last = [attempts[-1] for attempts in deliveries]
    if all(answer.status is None for attempts in deliveries for answer in attempts):
        raise Failure(f"{sender.url} did not answer: {last[-1].text}")
    sent = _sent(body, sender.scheme, sender.url)
    if as_json:
        answers = [_members(answer, number) for attempts in deliveries for number, answer in enumerate(attempts, 1)]
        show_json({**asdict(sent), "answers": answers})
    else:
        say(f"{sent.event_key or 'no event'} {sent.uuid or ''} → {sent.url} ({sent.scheme})")
        for attempts in deliveries:
            _show(attempts)
    return all(answer.accepted for answer in last)


def _sent(body: bytes, scheme: str, url: str) -> Sent:
    text = body.decode(errors="replace")
    try:
        event = parse(covered_text(body, scheme), body)
    except UnusableBody:
        return Sent(None, None, None, url, scheme, text)
    return Sent(event.name, event.uuid, event.event_key, url, scheme, text)


def _members(answer: Answer, attempt: int) -> dict[str, object]:
    return {"attempt": attempt, "status": answer.status, "body": answer.content, "seconds": answer.seconds}


def _show(attempts: Sequence[Answer]) -> None:
    for number, answer in enumerate(attempts, 1):
        attempt = f"attempt {number}: " if len(attempts) > 1 else ""
        told = "no answer:" if answer.status is None else str(answer.status)
        say(f"{attempt}{told} {answer.text} ({answer.seconds * 1000:.0f} ms)")
