"""The casebook on functions, command and AWS in this process.

In which order the consumer gets what is in its queue is not promised. So where several events are, each case is played
twice: as they came, in batches, and backwards, one by one (by `make check`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Final

import pytest

import consumer
import ingest
from tests.support import casebook, command_line
from tests.support.actors import SameThread
from tests.support.casebook import Answer, Request
from tests.support.deployed import environment_of
from wickiepay.lambda_events import http_request, sqs_batch

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

CASES: Final = casebook.read([casebook.BESIDE, casebook.OURS])
URL: Final = command_line.OUTPUTS["EventQueueUrl"]


@dataclass(slots=True)
class Listener:
    """Copies of a delivery come one after another, and so do the consumer's calls: moto knows no threads."""

    ingest: ingest.Ingest
    consumer: consumer.Consumer
    sqs: "SQSClient"
    secret: bytes
    backwards: bool = False

    def deliver(self, request: Request, times: int) -> Sequence[Answer]:
        headers = {"content-type": request.content_type, "x-webhook-signature": request.signature}
        event = http_request(request.body, None, headers=headers)
        answers = [self.ingest.handle(event) for _ in range(times)]
        return [Answer(answer["statusCode"], json.loads(answer["body"])) for answer in answers]

    def settle(self) -> None:
        """Hands the consumer what is in the queue until nothing is. Raises AssertionError where it does not finish."""
        while messages := self.sqs.receive_message(
            QueueUrl=URL, MaxNumberOfMessages=consumer.BATCH_SIZE, AttributeNames=["All"]
        ).get("Messages"):
            batch = sqs_batch(messages)["Records"]
            for records in [[record] for record in reversed(batch)] if self.backwards else [batch]:
                assert self.consumer.process(records) == {"batchItemFailures": []}, "the consumer has not finished"

    def command(self, *words: str) -> CompletedProcess[str]:
        return command_line.ended(*words)


@pytest.fixture(scope="module")
def functions(sqs: "SQSClient", secret: bytes) -> Iterator[Listener]:
    """A listener that every command finds, whatever stack it is told to look for; what takes long is made once."""
    found = command_line.stack()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wickiepay_cli.stack.find", lambda *_: found)
        patch.setattr("time.sleep", lambda _: None)  # the doctor waits a moment before he looks again
        yield Listener(
            ingest.from_environment(environment_of("IngestFunction")),
            replace(consumer.from_environment(environment_of("ConsumerFunction")), threads=SameThread()),
            sqs,
            secret,
        )


@pytest.fixture
def listener(request: pytest.FixtureRequest, functions: Listener) -> Listener:
    """The same, with nothing on record yet: moto copies all that there is for each transaction."""
    for store in ("events", "ledger", "queue", "bus", "signing_secret"):
        request.getfixturevalue(store)
    return functions


def orders(name: str) -> list[bool]:
    """Forwards, and backwards too where several steps of a case follow one another without a wait."""
    rounds = groupby(CASES[name]["steps"], key=lambda step: "wait" in step)
    most = max(len(list(steps)) for is_wait, steps in rounds if not is_wait)
    return [False, True] if most > 1 else [False]


@pytest.mark.parametrize(
    ("name", "backwards"),
    [
        pytest.param(n, b, id=f"{n}, backwards" if b else n, marks=[pytest.mark.thorough] if b else [])
        for n in CASES
        for b in orders(n)
    ],
)
def test_the_books_say_what_is_right(name: str, backwards: bool, listener: Listener) -> None:
    listener.backwards = backwards
    [played] = casebook.play([CASES[name]], listener, SameThread())
    if wrong := casebook.differences(played, lambda: casebook.worth_a_look(listener.command("doctor", "--json"))):
        pytest.fail("\n".join(wrong), pytrace=False)
