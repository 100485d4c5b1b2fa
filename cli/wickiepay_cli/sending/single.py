"""The single deliveries of `wickiepay trigger`: sends a body once or several times, and reports the answers."""

from collections.abc import Iterable, Sequence
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


class Waits(Protocol):
    """Waits for what becomes of an event: see `wickiepay_cli.watching.ending`."""

    def note_failed(self, identity: Identity) -> None: ...

    def ends(self, identities: Iterable[Identity]) -> Sequence[Record]: ...


def deliver(
    body: bytes, repeat: int, sender: Sender, waiting: Waits | None = None, *, as_json: bool
) -> tuple[bool, Sequence[Record]]:
    """Sends a body several times, and shows each answer as it comes.

    Returns whether all were accepted, and how the event ended, if there is something that is `waiting` for that.

    Raises `CommandError` if it cannot be signed, or if nothing answers. Ctrl-C keeps what was answered.
    """
    try:
        about = _about(body, sender.scheme)
    except NotReserialisable as error:
        raise CommandError(f"The payload cannot be signed under the scheme {sender.scheme}: {error}") from error
    if not as_json:
        say(f"{about['event_key'] or 'no event'} {about['uuid'] or ''} → {sender.url} ({sender.scheme})")
    deliveries: list[list[Answer]] = []
    ends: Sequence[Record] = ()
    if waiting and about["uuid"] and about["event_key"]:
        waiting.note_failed(Identity(about["uuid"], about["event_key"]))

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
            sent = {"url": sender.url, "scheme": sender.scheme, "body": body.decode(errors="replace")}
            ended = {} if waiting is None else {"ended": ends}
            show_json({**about, **sent, "answers": answers, **ended})
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


def _about(body: bytes, scheme: str) -> dict[str, str | None]:
    """What the listener should read in a body; None for no event."""
    try:
        event = parse(covered_text(body, scheme))
    except UnusableBody:
        return dict.fromkeys(("event", "uuid", "event_key"))
    return {"event": event.name, "uuid": event.identity.uuid, "event_key": event.identity.event_key}


def _members(answer: Answer, attempt: int) -> dict[str, object]:
    return {"attempt": attempt, "status": answer.status, "body": answer.content, "seconds": answer.seconds}


def _show(answer: Answer, attempt: int | None) -> None:
    prefix = f"attempt {attempt}: " if attempt else ""
    told = "no answer:" if answer.status is None else str(answer.status)
    say(f"{prefix}{told} {answer.text} ({answer.seconds * 1000:.0f} ms)")
