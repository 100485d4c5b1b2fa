"""Questions that only a person can answer: a conflict, or a credit that may be the second one of its payment.

Accepting a conflict makes it an event of its own, with a key that says so. Accepting a credit sends its FAILED event to
be processed again, which then makes the second credit. Dismissing closes the question and sends nothing. The record in
question says who decided, when and why. If a step fails, repeating the command does the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from wickiepay.clock import instant
from wickiepay.credits import Verdict, decide
from wickiepay.decimals import plain
from wickiepay.dynamodb import Item
from wickiepay.effects import Credit, Effect, Refuse, SetPayment
from wickiepay.errors import PermanentFailure, SecondCredit
from wickiepay.event import WebhookEvent, accepted_place, own_place, place_and_acceptance
from wickiepay.event_log import EventLog
from wickiepay.event_record import UNFINISHED, Decision, Pending, Record, decision_of, key, pending_of, state_of
from wickiepay.identity import Identity, Kind
from wickiepay.ledger import Ledger
from wickiepay.ledger_items import Entry, second_part
from wickiepay.payments import Payment, merge
from wickiepay.queue import EventQueue, Message
from wickiepay_cli.errors import CommandError
from wickiepay_cli.store.dynamodb import items_of
from wickiepay_cli.store.event_records import with_key

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_UNKNOWN_CONTENT: Final = b"\xff" * 32
"""Stands for the content of a delivery that is gone. No other content sorts above it."""

type HandlerOfStack = Callable[[WebhookEvent], Sequence[Effect]]
"""A handler with the settings of a stack."""


def one_question(records: Sequence[Record], event_key: str | None) -> Record:
    """The question among the records of a uuid. If there are several, `event_key` is its key or its event's key.

    The beginning of its key will do. An open question comes before a closed one. Raises `CommandError` if there is
    none, or if there are several.
    """
    asked = [each for each in records if each.open or each.accepted or each.dismissed]
    chosen = [each for each in asked if event_key is None or event_key in _names(each.identity)]
    if event_key and not chosen:
        chosen = with_key(asked, event_key)
    chosen = [each for each in chosen if each.open] or chosen
    if len(chosen) > 1:
        chosen = [each for each in chosen if each.event_key == event_key] or chosen
    if not chosen:
        raise CommandError("There is no such conflict on record, and no such credit that may be a second one.")
    if len(chosen) > 1:
        keys = ", ".join(each.event_key for each in chosen)
        raise CommandError(f"There are {len(chosen)} of them: choose one with --event-key: {keys}.")
    return chosen[0]


def _names(question: Identity) -> set[str]:
    if question.kind is not Kind.CONFLICT:
        return {question.event_key}
    return {each.event_key for each in (question, question.corrected, question.first)}


@dataclass(frozen=True, slots=True)
class Outlook:
    """The effect of an accepted event on balances.

    `before` are the entries that its payment has. `credit` is None where it credits nothing; `second` says that it
    would credit the payment again, which has to be asked for. `entry` is then the part for that; it is also there where
    the event credits nothing unless asked to. `failure` says why the event would be FAILED, where it would.
    """

    before: Sequence[Entry] = ()
    credit: Credit | None = None
    second: bool = False
    entry: str | None = None
    failure: str | None = None

    def __str__(self) -> str:
        """What accepting would do, as in "credit 5 EUR to customer-7"."""
        if self.failure:
            return f"fail: {self.failure}".rstrip(".")
        if self.credit is None:
            return "credit nothing"
        again = " a second time" if self.second else ""
        return f"credit {plain(self.credit.amount)} {self.credit.currency} to {self.credit.account}{again}"


@dataclass(frozen=True, slots=True)
class Question:
    """A record that an operator has to decide on, and the result of accepting it `now`."""

    item: Item
    accepted: Pending
    outlook: Outlook

    @property
    def identity(self) -> Identity:
        return pending_of(self.item).identity

    @property
    def acceptance(self) -> Decision | None:
        """The noted acceptance, or None."""
        decision = decision_of(self.item)
        return decision if decision and decision.accepted_as else None

    def refuse(self, *, second_credit: bool) -> None:
        """Raises `CommandError` if accepting would credit a payment again unasked, or change nothing."""
        if self.acceptance:
            return
        if self.identity.kind is not Kind.CONFLICT and not self.outlook.second:
            why = self.outlook.failure or "it would credit nothing a second time."
            raise CommandError(f"There is nothing to accept: {why} To have the event processed again, replay it.")
        if self.outlook.second and not second_credit:
            credit = self.outlook.credit
            assert credit
            twice = f"This credits {credit.account} a second time: {plain(credit.amount)} {credit.currency}."
            raise CommandError(f"{twice} Confirm that (--second-credit), or dismiss it.")


class Questions:
    """The questions of one listener. Its `handlers` say what each event does."""

    def __init__(self, client: "DynamoDBClient", events: EventLog, ledger: Ledger, queue: EventQueue) -> None:
        self._client = client
        self._events = events
        self._ledger = ledger
        self._queue = queue

    def look(self, asked: Identity, handlers: Mapping[str, HandlerOfStack], now: datetime) -> Question:
        """The question, and the result of accepting it by the consumer's own rules."""
        item = self._item(asked)
        if item is None:
            raise CommandError("The record is gone.")
        accepted = pending_of(item)._replace(entry=None)
        if asked.kind is Kind.CONFLICT:
            accepted = self._pending(accepted, now)
        return Question(item, accepted, self._outlook(accepted.event(), handlers))

    def accept(self, question: Question, by: str, why: str, now: datetime, *, second_credit: bool) -> Decision:
        """Sends the event in question to be processed, and notes who accepted it. Returns the noted decision."""
        if question.acceptance:
            if question.identity.kind is not Kind.CONFLICT:
                self._send(question.item)  # where a step failed before, it was not sent
            return question.acceptance
        accepted, entry = question.accepted, question.outlook.entry if second_credit else None
        if question.identity.kind is Kind.CONFLICT:
            to_send = self._events.record_accepted(pending_of(question.item), accepted.place or "", entry)
            if to_send:
                self._queue.send(Message.of(to_send))
            _, accepted_at = place_and_acceptance(accepted.place or "")
            at = accepted_at or instant(now)
            return self._note(question.identity, Decision(accepted.identity.event_key, by, why, at))
        decision = self._note(question.identity, Decision(accepted.identity.event_key, by, why, instant(now)), entry)
        self._send(self._item(question.identity))
        return decision

    def dismiss(self, asked: Identity, by: str, why: str, now: datetime) -> Decision:
        """Closes a question. Returns the noted decision. Raises `CommandError` if it was accepted before."""
        earlier = decision_of(self._item(asked) or {})
        decision = earlier or self._note(asked, Decision(None, by, why, instant(now)))
        if decision.accepted_as:
            raise CommandError(f"It was accepted, at {decision.at} by {decision.by}, as {decision.accepted_as}.")
        return decision

    def _pending(self, conflict: Pending, now: datetime) -> Pending:
        """The event that an accepted conflict becomes; the recorded one if a step failed after that."""
        identity = conflict.identity.accepted()
        if recorded := self._item(identity):
            return pending_of(recorded)
        event = conflict.event()
        corrected = conflict.identity.corrected
        if standing := self._item(corrected):
            place = pending_of(standing).event().place
        else:
            place = own_place(corrected.first.event_key, corrected.revised_at or event.occurred_at, _UNKNOWN_CONTENT)
        return conflict._replace(
            identity=identity, place=accepted_place(place, instant(now), event.content_hash), entry=None
        )

    def _outlook(self, event: WebhookEvent, handlers: Mapping[str, HandlerOfStack]) -> Outlook:
        try:
            effects = handlers[event.name](event) if event.name in handlers else ()
        except PermanentFailure as failure:
            return Outlook(failure=str(failure))
        about = [effect for effect in effects if isinstance(effect, SetPayment | Credit)]
        if not about:
            return Outlook()
        payment, before = self._ledger.standing(about[0])
        for effect in about:
            match effect:
                case SetPayment():
                    payment = merge(payment, effect.says)
                case Credit():
                    return _judged(effect, payment, before, event)
        refusal = next((effect.reason for effect in effects if isinstance(effect, Refuse)), None)
        return Outlook(before, failure=refusal)

    def _note(self, identity: Identity, wanted: Decision, entry: str | None = None) -> Decision:
        """Notes a decision and returns it, or returns the acceptance that another operator noted in the meantime."""
        if self._events.note_decision(identity, wanted, entry):
            return wanted
        return decision_of(self._item(identity) or {}) or wanted

    def _send(self, item: Item | None) -> None:
        if item and state_of(item) in UNFINISHED:
            self._queue.send(Message.of(pending_of(item)))

    def _item(self, identity: Identity) -> Item | None:
        return next(items_of(self._client, self._events.table, [key(identity)]), None)


def _judged(credit: Credit, payment: Payment, before: Sequence[Entry], event: WebhookEvent) -> Outlook:
    """The result of a credit whose event has no `entry` of its own yet."""
    try:
        alone = decide(credit, payment, ())
    except PermanentFailure as failure:
        return Outlook(before, failure=str(failure))
    try:
        verdict = decide(credit, payment, before)
    except SecondCredit:
        verdict = None
    if alone is Verdict.DONE or verdict is Verdict.STANDS:
        return Outlook(before)
    if verdict is Verdict.CREDIT:
        return Outlook(before, credit)
    first = event.identity.first
    own = any(each.event_key and Identity(first.uuid, each.event_key).first == first for each in before)
    at_its_place = any(not each.second and each.transaction == credit.transaction for each in before)
    is_conflict = event.identity.kind is Kind.ACCEPTED
    entry = second_part(credit.entry, event.content_hash) if at_its_place or is_conflict else credit.entry
    if verdict is Verdict.DONE and credit.if_missing and not own:
        return Outlook(before, None, entry=entry)
    return Outlook(before, credit, second=True, entry=entry)
