"""The single deliveries of `wickiepay trigger`: sends a body once or several times, and reports the answers."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from wickiepay.errors import UnusableBody
from wickiepay.event import parse
from wickiepay.event_record import Record
from wickiepay.identity import Identity
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


class Waits(Protocol):
    """Waits for what becomes of an event: see `wickiepay_cli.watching.ending`."""

    def note_failed(self, identity: Identity) -> None: ...

    def ends(self, identities: Iterable[Identity]) -> Sequence[Record]: ...


def deliver(
    body: bytes, repeat: int, sender: Sender, waiting: Waits | None = None, *, as_json: bool
) -> tuple[bool, Sequence[Record]]:
    """Sends a body several times, and shows each answer as it comes.

    Returns whether all were accepted, and how the event ended, if there is something that is `waiting` for that.

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
    ends: Sequence[Record] = ()
    if waiting and sent.uuid and sent.event_key:
        waiting.note_failed(Identity(sent.uuid, sent.event_key))

    def heard(answer: Answer) -> None:
        deliveries[-1].append(answer)
        if not as_json:
            _show(answer, len(deliveries[-1]) if sender.retries else None)

    try:
        for _ in range(repeat):
            deliveries.append([])
            sender.send(body, heard=heard)
        if waiting and (recorded := _recorded(deliveries)):
            ends = waiting.ends(recorded)
    finally:
        if as_json:
            answers = [_members(answer, number) for attempts in deliveries for number, answer in enumerate(attempts, 1)]
            ended = {} if waiting is None else {"ended": ends}
            show_json({**asdict(sent), "answers": answers, **ended})
    _complain_of_silence(deliveries, sender.url)
    return all(attempts[-1].accepted for attempts in deliveries), ends


def _recorded(deliveries: Sequence[Sequence[Answer]]) -> set[Identity]:
    """The events that the answers name."""
    recorded = set()
    for answer in (answer for attempts in deliveries for answer in attempts if answer.accepted):
        match answer.content:
            case {"uuid": str(uuid), "event_key": str(event_key)}:
                recorded.add(Identity(uuid, event_key))
    return recorded


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
