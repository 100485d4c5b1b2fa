"""The SQS edge: batch → handlers → effects → announce → mark, with a partial batch response.

Announce before mark: PROCESSED means announced. Every step can be repeated, and a message leaves the queue only after
the last one, so a crash at any line does some things again and forgets nothing.
"""

import os
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

import handlers
from wickiepay import clients, clock
from wickiepay.bus import Announcement, EventBus
from wickiepay.effects import Credit, Effect, SetPayment, describe
from wickiepay.errors import ListenerError, MalformedMessage, PermanentFailure, StoreUnavailable
from wickiepay.event import WebhookEvent
from wickiepay.event_log import EventLog
from wickiepay.event_record import State
from wickiepay.ledger import Ledger, Rows
from wickiepay.metrics import LEAN, Metric, emitted
from wickiepay.queue import EventQueue, Message, decode
from wickiepay.routing import Handler, Settings, discover, router

if TYPE_CHECKING:
    from wickiepay.dynamodb import Item
    from wickiepay.identity import Identity

BATCH_SIZE: Final = 10
FIRST_DELAY_SECONDS: Final = 5
LONGEST_DELAY_SECONDS: Final = 900
MAX_REASON_CHARACTERS: Final = 300

OF_OUTCOME: Final[Mapping[str, Metric]] = {
    "processed": Metric.EVENT_PROCESSED,
    "ignored": Metric.EVENT_IGNORED,
    "failed": Metric.EVENT_FAILED,
    "retried": Metric.EVENT_RETRIED,
    "skipped": Metric.EVENT_SKIPPED,
}
"""What became of an event → the metric that counts it."""

COUNTED_BY_TYPE: Final = frozenset({"processed", "ignored", "failed"})
"""Outcomes that are also counted per event type. Each such metric is billed, so only these."""

EMITTED: Final = emitted(os.environ["MONITORING"])

OTHER: Final = "other"
"""The event type, in metrics, of events without a handler: a sender's names must not become our metrics."""

type SqsRecord = Mapping[str, Any]

type BatchResponse = dict[str, list[dict[str, str]]]
"""`batchItemFailures`: the messages that have to come again, each as `itemIdentifier`.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

logger = Logger()
metrics = Metrics()


@dataclass(slots=True)
class Work:
    """One message of a batch on its way through the steps.

    `event` is None if it could not be read. `effects` is what its handler returned. `unread` is the exception that
    either of them raised. `state` is the event's recorded state when the batch began, or None if it had no record then.
    `verdict` is the state to mark the event with, or None. `done` describes what the event did to the books.
    `conflict` says whether another delivery of the event, with other content, was on record before. `error` is why the
    message has to come again, and `given_up` says that it will not be tried when it does. `next_age` is how old the
    message will be when it comes again, or None if it is not put off.
    """

    record: SqsRecord
    message: Message
    event: WebhookEvent | None = None
    effects: Sequence[Effect] | None = None
    unread: Exception | None = None
    state: State | None = None
    done: list[dict[str, object]] = field(default_factory=list)
    announcement: Announcement | None = None
    verdict: State | None = None
    reason: str = ""
    conflict: bool = False
    error: Exception | None = None
    given_up: bool = False
    next_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Consumer:
    """Processes batches, and hands `settings` to each handler. Without a `bus` nothing is announced.

    A finished event stays on record for `keep`. After `max_receives` tries an event is given up: it is marked FAILED,
    and its message goes to the dead-letter queue.
    """

    events: EventLog
    ledger: Ledger
    queue: EventQueue
    bus: EventBus | None
    handlers: Mapping[str, Handler]
    settings: Settings
    keep: timedelta
    max_receives: int
    now: Callable[[], datetime]
    threads: ThreadPoolExecutor

    def process(self, records: Iterable[SqsRecord]) -> BatchResponse:
        """Takes each record as far as it gets. Returns those that have to come again, each after its own delay."""
        batch: list[Work] = []
        malformed: list[SqsRecord] = []
        for record in records:
            try:
                batch.append(Work(record, decode(record["body"])))
            except MalformedMessage as error:
                logger.warning("message malformed", extra={"message_id": record["messageId"], "reason": str(error)})
                malformed.append(record)
        for work in batch:
            self._read(work)
        rows = self._look_up(batch)
        self._each(lambda work: self._apply(work, rows), batch)
        self._announce(batch)
        self._each(self._mark, batch)
        unfinished = [work for work in batch if work.error]
        self._at_once(self._put_off, unfinished)
        self._at_once(self._delay, malformed)
        _report(batch, malformed)
        again = [*malformed, *(work.record for work in unfinished)]
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in again]}

    def _each(self, step: Callable[[Work], None], batch: Iterable[Work]) -> None:
        """Runs `step` in parallel on every work without an error. One that raises does not affect the others."""

        def guarded(work: Work) -> None:
            try:
                step(work)
            except Exception as error:  # noqa: BLE001  no error may stop the others
                work.error = error

        self._at_once(guarded, [work for work in batch if not work.error])

    def _at_once[T](self, step: Callable[[T], None], items: Iterable[T]) -> None:
        """Runs `step` on all `items` in parallel, and returns when the last one is done."""
        for _ in self.threads.map(step, items):
            pass

    def _read(self, work: Work) -> None:
        """Reads the event and asks its handler for the effects, which are None if no handler is registered."""
        work.event, work.effects, work.unread = None, None, None
        try:
            work.event = work.message.event()
            if handler := self.handlers.get(work.event.name):
                work.effects = handler(work.event, self.settings)
        except Exception as error:  # noqa: BLE001  if the event is already processed, the error does not matter
            work.unread = error

    def _look_up(self, batch: Sequence[Work]) -> Rows:
        """Reads the states of the events and the ledger items of their payments in one call."""
        payments = [
            effect for work in batch for effect in work.effects or () if isinstance(effect, SetPayment | Credit)
        ]
        states: Mapping[Identity, State] = {}
        found: Mapping[str, Sequence[Item]] = {}
        with _failing_all(batch):
            ledger = self.ledger.reading(payments)
            beside = {self.ledger.table: ledger} if ledger else {}
            states, found = self.events.states((work.message.identity for work in batch), beside)
        for work in batch:
            work.state = states.get(work.message.identity)
        return self.ledger.rows(payments, found.get(self.ledger.table, []))

    def _apply(self, work: Work, rows: Rows) -> None:
        """Applies the event's effects to the books, and decides on its verdict and its announcement."""
        replay = work.message.replay
        if work.message.unrecorded or work.state is None:
            if work.event is None:
                raise work.unread or AssertionError
            recorded = self.events.record(work.message.delivery, work.event)
            work.conflict = recorded.outcome == "conflict"
            if recorded.to_send is None:
                return
            # A delivery with other content may have come first: the one on record counts.
            work.message = Message.of(recorded.to_send, replay)
            work.state = None  # what was looked up may be the state of another version of the event
            self._read(work)
        elif work.state is State.PROCESSED and not replay:
            return
        if self._is_last_try(work):
            # Marked before the try, in case the try ends this process. PROCESSED overrides it.
            self.events.mark_failed(work.message.identity, self.now(), f"{self._given_up()} The last one did not end.")
        self._try(work, rows)
        announced_before = work.state is work.verdict
        if work.verdict in {State.PROCESSED, State.IGNORED} and (not announced_before or (replay and replay.announce)):
            assert work.event  # noqa: S101  it has a verdict
            work.announcement = Announcement(
                event=work.event,
                received_at=work.event.received_at,
                outcome=work.verdict,
                effects=work.done,
                replay_id=replay.id if replay else None,
            )

    def _try(self, work: Work, rows: Rows) -> None:
        try:
            if work.unread:
                raise work.unread
            if work.effects is None:
                work.verdict = State.IGNORED
                return
            for effect in work.effects:
                stands = self.ledger.apply(effect, rows)
                work.done.append(describe(effect, stands=stands))
        except PermanentFailure as failure:
            work.verdict, work.reason = State.FAILED, str(failure)
        else:
            work.verdict = State.PROCESSED

    def _announce(self, batch: Iterable[Work]) -> None:
        if self.bus is None:
            return
        waiting = [(work, work.announcement) for work in batch if work.announcement and not work.error]
        with _failing_all([work for work, _ in waiting]):
            taken = self.bus.announce([announcement for _, announcement in waiting])
            for (work, _), was_taken in zip(waiting, taken, strict=True):
                if not was_taken:
                    work.error = StoreUnavailable("The event bus did not take the announcement.")

    def _mark(self, work: Work) -> None:
        """Records the verdict. If another consumer was first, its verdict stands and this one is dropped."""
        identity, now = work.message.identity, self.now()
        marked = True
        match work.verdict:
            case State.PROCESSED:
                marked = self.events.mark_processed(identity, now, self.keep, work.done)
            case State.IGNORED:
                marked = self.events.mark_ignored(identity, now, self.keep)
            case State.FAILED:
                marked = self.events.mark_failed(identity, now, work.reason, work.done)
        if not marked:
            work.verdict = None

    def _put_off(self, work: Work) -> None:
        """Delays the message of an event that cannot be finished now. After the last try, the event is given up."""
        receives = _receives(work.record)
        due = self.now() + timedelta(seconds=delay_seconds(receives))
        if work.error and self._is_last_try(work):
            work.reason = f"{self._given_up()} {_cause(work.error)}"
            with _tolerated("event not marked failed"):  # its message becomes a dead letter anyway
                marked = self.events.mark_failed(work.message.identity, self.now(), work.reason, work.done)
                work.given_up, work.verdict = True, State.FAILED if marked else None
        else:
            sent_at = datetime.fromtimestamp(int(work.record["attributes"]["SentTimestamp"]) / 1000, UTC)
            work.next_age = due - sent_at
            if work.error and receives > 1:  # most events that fail once succeed on the next try
                with _tolerated("event not marked as retried"):
                    self.events.note_retry(work.message.identity, receives, _cause(work.error), due)
        self._delay(work.record)

    def _is_last_try(self, work: Work) -> bool:
        return _receives(work.record) >= self.max_receives

    def _given_up(self) -> str:
        return f"Given up after {self.max_receives} tries."

    def _delay(self, record: SqsRecord) -> None:
        """Makes a message invisible for a while, which grows each time the message is received."""
        with _tolerated("message not delayed"):  # then it comes again after the queue's visibility time-out
            self.queue.delay(record["receiptHandle"], delay_seconds(_receives(record)))


@contextmanager
def _failing_all(works: Iterable[Work]) -> Iterator[None]:
    """Around one call that is made for several messages: if it fails, it has failed for each of them."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  the batch still needs its answer, and the messages need their delays
        for work in works:
            work.error = error


@contextmanager
def _tolerated(message: str) -> Iterator[None]:
    """Logs the failure of a step that must not fail the batch."""
    try:
        yield
    except Exception as error:
        logger.warning(message, exc_info=error)


def _cause(error: Exception) -> str:
    """What went wrong and where in our code. Only our own messages are quoted, never the event's content."""
    said = f": {error}" if isinstance(error, ListenerError) else ""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if any(folder in frame.filename for folder in _OURS)
    ]
    where = f" in {'/'.join(ours[-1].filename.split('/')[-2:])}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{where}{said}"[:MAX_REASON_CHARACTERS]


_OURS: Final = ("/handlers/", "/wickiepay/")


def delay_seconds(receives: int) -> int:
    """How long a message waits after it was received `receives` times: 5 s, 10 s, 20 s … 15 minutes."""
    doubled: int = FIRST_DELAY_SECONDS * 2 ** min(receives - 1, 10)
    return min(LONGEST_DELAY_SECONDS, doubled)


def _receives(record: SqsRecord) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _report_age(ages: Sequence[timedelta]) -> None:
    """Emits the age that the oldest delayed message will have when it comes again.

    SQS's own `ApproximateAgeOfOldestMessage` leaves out messages that were received three times or more:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    if ages:
        metrics.add_metric(Metric.RETRY_AGE_SECONDS, MetricUnit.Seconds, max(ages).total_seconds())
        metrics.flush_metrics()


def _report(batch: Iterable[Work], malformed: Sequence[SqsRecord]) -> None:
    """Writes one log line for each event, and counts for the whole batch and for each event type in it."""
    counts: defaultdict[str | None, Counter[Metric]] = defaultdict(Counter)
    if malformed:
        counts[None][Metric.MESSAGE_MALFORMED] = len(malformed)
    for work in batch:
        facts = {"uuid": work.message.identity.uuid, "event_key": work.message.identity.event_key}
        if work.error and not work.given_up:
            outcome = "retried"
            logger.warning("event retried", exc_info=work.error, extra={**facts, "receives": _receives(work.record)})
        elif work.verdict is State.FAILED:
            outcome = "failed"
            logger.error("event failed", extra={**facts, "reason": work.reason})
        else:
            outcome = work.verdict.lower() if work.verdict else "skipped"
            logger.info(f"event {outcome}", extra=facts)
        known = work.event is not None and work.effects is not None
        event_type = (work.event.name if work.event and known else OTHER) if outcome in COUNTED_BY_TYPE else None
        counts[event_type][OF_OUTCOME[outcome]] += 1
        if outcome == "ignored" and work.message.identity.about_money:
            counts[None][Metric.UNKNOWN_MONEY_EVENT] += 1
        if work.conflict:
            counts[None][Metric.DELIVERY_CONFLICT] += 1
    _report_age([work.next_age for work in batch if work.next_age])
    for event_type, numbers in counts.items():
        _emit(numbers, event_type)


def _emit(numbers: Mapping[Metric, int], event_type: str | None) -> None:
    """Emits these counts for the service and, in the same line, for the event type, if one is given.

    With lean monitoring, nothing is counted by type.
    """
    wanted = {name: number for name, number in numbers.items() if name in EMITTED}
    if not wanted:
        return
    for name, number in wanted.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    if event_type and EMITTED is not LEAN:
        metrics.add_dimensions(service=metrics.service, event_type=event_type)
    metrics.flush_metrics()


def from_environment(environment: Mapping[str, str]) -> Consumer:
    """Wires a `Consumer` to the stack that the template's environment variables name."""
    discover(handlers)
    dynamodb = clients.dynamodb(connections=BATCH_SIZE)
    bus = environment["EVENT_BUS"]
    return Consumer(
        events=EventLog(dynamodb, environment["EVENT_TABLE"]),
        ledger=Ledger(dynamodb, environment["LEDGER_TABLE"]),
        queue=EventQueue(clients.sqs(), environment["EVENT_QUEUE_URL"]),
        bus=EventBus(clients.events(), bus) if bus else None,
        handlers=router,
        settings=Settings(account_field=environment["ACCOUNT_FIELD"]),
        keep=timedelta(days=int(environment["EVENT_RETENTION_DAYS"])),
        max_receives=int(environment["EVENT_QUEUE_MAX_RECEIVES"]),
        now=clock.now,
        threads=ThreadPoolExecutor(max_workers=BATCH_SIZE),
    )


consumer = from_environment(os.environ)


def lambda_handler(event: dict[str, Any], context: object) -> BatchResponse:  # noqa: ARG001  Lambda passes both
    """Processes a batch of the event queue."""
    return consumer.process(event["Records"])
