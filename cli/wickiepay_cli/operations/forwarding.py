"""Sends what is announced, or the webhooks as received, to an application of the merchant's."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Final

import httpx

from wickiepay import clock
from wickiepay.clock import instant
from wickiepay.event_record import Record, State
from wickiepay.signature import sign
from wickiepay_cli.errors import CommandError
from wickiepay_cli.sending.client import Answer, connection, deliver, until_accepted
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.announcements import ANNOUNCED, Announced, of_events
from wickiepay_cli.store.event_records import EventRecords
from wickiepay_cli.store.filters import Filter, is_of_type
from wickiepay_cli.watching.announced import announced
from wickiepay_cli.watching.feed import Feed, Forwarded
from wickiepay_cli.watching.poll import Newcomers, patient

ATTEMPTS: Final = 5
"""Attempts at each event, with pauses of 1, 2, 4 and 8 seconds between them."""

AT_ONCE: Final = 4
"""Most events that are being sent at once. The others wait at their source, so a slow application fills no memory."""

PAUSE_SECONDS: Final = 0.5
LEAVE_SECONDS: Final = 5
"""How long the end waits for an answer. Nothing is lost with it that the event table does not have."""

WITHOUT_EVENT: Final = frozenset({State.CONFLICT, State.UNUSABLE})
"""The states of records that are not acted upon, so that their webhooks are not forwarded."""


class Form(StrEnum):
    """What is sent: announcements as subscribers get them, or the webhooks as received."""

    ANNOUNCEMENT = "announcement"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is sent of an event."""

    event: str
    uuid: str | None
    event_key: str | None
    content: bytes


type Source = Callable[[], Iterable[Outgoing]]
"""Returns what is to be sent next; nothing, perhaps after a moment, if there is nothing."""


@dataclass(frozen=True, slots=True)
class Application:
    """The merchant's application: where and how it is reached, and what it wants.

    `types` are the wanted types and patterns (None: all), `headers` further ones. `latest` and `since` choose what it
    gets first of what it has missed.
    """

    url: str
    secret: bytes = field(repr=False)
    form: Form = Form.ANNOUNCEMENT
    types: Sequence[str] | None = None
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    verify: bool = True
    latest: int | None = None
    since: datetime | None = None


@contextmanager
def forwarding(stack: Stack, application: Application, feed: Feed, tell: Callable[[str], None]) -> Iterator[None]:
    """Forwards the events of a stack to an application, in threads, until the block ends. `feed` hears the answers.

    Raises `CommandError` if there is nothing to forward, and botocore's errors.
    """
    if application.form is Form.ANNOUNCEMENT and stack.parameters.get("Announcements", "on") != "on":
        raise CommandError(
            "This stack announces nothing, by its parameter Announcements: forward webhooks, with --as webhook."
        )
    leave = threading.Event()
    with (
        _subscription(stack, application, tell) as news,
        connection(application.url, verify=application.verify) as http,
    ):
        post = partial(_post, http, application, feed, leave)
        missed = _missed(stack, application)
        thread = threading.Thread(
            target=_forward, args=(missed, _wanted(application, news), post, feed, leave), name="forward", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            leave.set()
            thread.join(LEAVE_SECONDS)


def _forward(
    missed: Iterable[Outgoing], news: Source, post: Callable[[Outgoing], None], feed: Feed, leave: threading.Event
) -> None:
    room = threading.BoundedSemaphore(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE) as threads:

        def send(each: Outgoing) -> None:
            room.acquire()
            threads.submit(post, each).add_done_callback(partial(done, each))

        def done(each: Outgoing, posted: Future[None]) -> None:
            room.release()
            if error := posted.exception():  # a bug: nobody else would hear of it
                feed.trouble(f"{each.event} {each.uuid} was not forwarded: {type(error).__name__}.")

        def send_all(some: Callable[[], Iterable[Outgoing]]) -> bool:
            found = False
            for each in some():
                if leave.is_set():
                    break
                send(each)
                found = True
            return found

        patient(partial(send_all, lambda: missed), feed.trouble)()
        look = patient(partial(send_all, news), feed.trouble)
        while not leave.is_set():
            if not look():
                leave.wait(PAUSE_SECONDS)


def _post(http: httpx.Client, application: Application, feed: Feed, leave: threading.Event, outgoing: Outgoing) -> None:
    """Sends an event until the application accepts it, at most `ATTEMPTS` times; `feed` hears each answer."""
    signature = sign(outgoing.content, application.secret)
    attempts = 0

    def attempt() -> Answer:
        nonlocal attempts
        if leave.is_set():
            return Answer(None, "the command has ended", 0)
        answer = deliver(http, application.url, outgoing.content, signature, headers=application.headers)
        attempts += 1
        feed.forwarded(
            Forwarded(
                at=instant(clock.now()),
                event=outgoing.event,
                uuid=outgoing.uuid,
                event_key=outgoing.event_key,
                attempt=attempts,
                status=answer.status,
                milliseconds=round(answer.seconds * 1000),
                answer=answer.text,
                again=not answer.accepted and attempts < ATTEMPTS,
            )
        )
        return answer

    until_accepted(attempt, leave.wait, ATTEMPTS)  # type: ignore[arg-type]  # what a pause returns is of no interest


# --- What is sent ----------------------------------------------------------------------------------
@contextmanager
def _subscription(stack: Stack, application: Application, tell: Callable[[str], None]) -> Iterator[Source]:
    """What comes from now on: by a subscription, or by the event table for webhooks, or where nothing may be made."""
    records = stack.events()
    if application.form is Form.WEBHOOK:
        newcomers = Newcomers(records, lambda identities: _webhooks(records, records.of(identities)), clock.now)
        yield newcomers
        return
    with announced(stack, tell) as news:
        yield lambda: map(_outgoing, news())


def _wanted(application: Application, news: Source) -> Source:
    return lambda: (each for each in news() if is_of_type(each.event, application.types))


def _missed(stack: Stack, application: Application) -> Iterator[Outgoing]:
    """What the application has missed, the oldest first."""
    if application.latest is None and application.since is None:
        return
    records = stack.events(application.latest)
    states = ANNOUNCED if application.form is Form.ANNOUNCEMENT else [*{*State} - WITHOUT_EVENT]
    wanted = Filter(states=states, types=application.types, since=application.since)
    found = [*islice(wanted.among(records, clock.now()), application.latest)][::-1]
    if application.form is Form.ANNOUNCEMENT:
        yield from map(_outgoing, of_events(records, (each.identity for each in found), stack.account, stack.region))
    else:
        yield from _webhooks(records, found)


def _outgoing(announced: Announced) -> Outgoing:
    content = json.dumps(announced.body).encode()
    return Outgoing(announced.event, announced.uuid, announced.event_key, content)


def _webhooks(records: EventRecords, found: Iterable[Record]) -> Iterator[Outgoing]:
    """The webhooks of events, with the bytes that are on record."""
    wanted = [each.identity for each in found if each.state not in WITHOUT_EVENT]
    for record, pending in records.kept(wanted):
        yield Outgoing(record.event or "", record.uuid, record.event_key, pending.delivery.body)
