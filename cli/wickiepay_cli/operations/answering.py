"""Answers the questions that the listener asks of a person: see `wickiepay_cli.store.acceptances`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from wickiepay import clock
from wickiepay.event_record import Decision, Record
from wickiepay_cli.checkout.handlers import handlers_of
from wickiepay_cli.operations.consent import Confirm
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.acceptances import Question, one_question


@dataclass(frozen=True, slots=True)
class Accepting:
    """A question, and what would come of accepting it `now`."""

    stack: Stack
    asked: Record
    question: Question
    now: datetime

    @classmethod
    def of(cls, stack: Stack, uuid: str, event_key: str | None) -> Self:
        """The question of a uuid. Raises `CommandError` if there is none, or `event_key` leaves several."""
        asked, now = one_question(stack.events().of_uuid(uuid), event_key), clock.now()
        return cls(stack, asked, stack.questions().look(asked.identity, handlers_of(stack), now), now)

    def accept(self, why: str, *, second_credit: bool, confirm: Confirm) -> Decision:
        """Has the event processed, and notes who accepted it. Raises as `Question.refuse` and `confirm` do."""
        self.question.refuse(second_credit=second_credit)
        if not self.question.acceptance:
            confirm(f"accept {self.asked.event_key}, and so {self.question.outlook}")
        by = operator_name(self.stack)
        return self.stack.questions().accept(self.question, by, why, self.now, second_credit=second_credit)


def dismiss(stack: Stack, uuid: str, event_key: str | None, why: str, *, confirm: Confirm) -> tuple[Record, Decision]:
    """Closes a question; what is on record stays as it is. Returns the question as it was, and the noted decision."""
    asked, questions = one_question(stack.events().of_uuid(uuid), event_key), stack.questions()

    def what() -> str:
        outlook = questions.look(asked.identity, handlers_of(stack), clock.now()).outlook
        return f"dismiss {asked.event_key}, which would {outlook} if it were accepted"

    if asked.open:
        confirm(what)
    return asked, questions.dismiss(asked.identity, operator_name(stack), why, clock.now())
