"""The tables and queues of template.yaml in moto, and what reaches AWS and what goes wrong there."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from tests.support.deployed import TEMPLATE, environment_of
from wickiepay.ledger import Ledger

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from types_boto3_sqs import SQSClient


QUEUE_URL: Final = environment_of("IngestFunction")["EVENT_QUEUE_URL"]


def properties(logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = TEMPLATE["Resources"][logical_id]["Properties"]
    return found


def create_table(logical_id: str) -> None:
    """Puts an empty table into moto, past the client: 2,400 tests want one, and a request takes ten times as long."""
    definition = properties(logical_id)
    dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].create_table(
        logical_id,
        schema=definition["KeySchema"],
        attr=definition["AttributeDefinitions"],
        global_indexes=definition["GlobalSecondaryIndexes"],
        billing_mode=definition["BillingMode"],
        **dict.fromkeys(
            ("throughput", "streams", "sse_specification", "deletion_protection_enabled", "warm_throughput")
        ),
        indexes=[],
        tags=[],
    )


def create_queue(client: "SQSClient", logical_id: str) -> None:
    attributes: Any = {name: json.dumps(value) for name, value in properties(logical_id).items()}
    match properties(logical_id):
        case {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": [name, "Arn"]}, **more}}:
            arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
            attributes["RedrivePolicy"] = json.dumps({**more, "deadLetterTargetArn": arn})
    client.create_queue(QueueName=logical_id, Attributes=attributes)


type FreshLedger = Callable[[], AbstractContextManager[Ledger]]


@dataclass
class Fault:
    """`answer` instead of the calls of `operation`: all but the first `skip`, at most `times`."""

    operation: str
    answer: BaseException | dict[str, Any]
    skip: int
    times: int
    after: bool = False

    def strikes(self, operation: str, *, after: bool) -> bool:
        if (operation, after) != (self.operation, self.after):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


def timed_out() -> Exception:
    return ReadTimeoutError(endpoint_url="https://aws.invalid")


@dataclass
class Calls:
    """The calls that the code makes of AWS, in order, with their parameters; and those of them that go wrong.

    They go wrong where botocore's own hooks let them, so the code under test meets the very exceptions of AWS.
    """

    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def names(self) -> list[str]:
        return [name for name, _ in self.made]

    def of(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.made if name == operation]

    def fail(self, operation: str, error: BaseException | None = None, *, skip: int = 0, times: int = 1000) -> None:
        """Calls of `operation` do not get through: they time out, else raise `error`."""
        self.faults.append(Fault(operation, error or timed_out(), skip, times))

    def refuse(
        self, operation: str, code: str, status: int = 400, *, skip: int = 0, times: int = 1000, **more: object
    ) -> None:
        """AWS answers calls of `operation` with an error."""
        answer = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
        self.faults.append(Fault(operation, answer, skip, times))

    def answer(self, operation: str, content: dict[str, Any]) -> None:
        """AWS answers one call of `operation` with `content`."""
        self.faults.append(Fault(operation, {**content, "ResponseMetadata": {"HTTPStatusCode": 200}}, 0, 1))

    def lose_answer(self, operation: str) -> None:
        """One call of `operation` takes effect, but its answer never arrives."""
        self.faults.append(Fault(operation, timed_out(), 0, 1, after=True))

    def mend(self) -> None:
        self.faults.clear()

    @contextmanager
    def watching(self, *clients: "BaseClient") -> Iterator[None]:
        hooks: list[tuple[str, Callable[..., Any]]] = [
            ("provide-client-params", self._note),
            ("before-call", self._before),
            ("after-call", self._after),
        ]
        for client in clients:
            for name, hook in hooks:
                client.meta.events.register(name, hook)
        yield
        for client in clients:
            for name, hook in hooks:
                client.meta.events.unregister(name, hook)

    def _note(self, params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        self.made.append((model.name, params))

    def _before(self, model: Any, **_: object) -> tuple[AWSResponse, dict[str, Any]] | None:  # noqa: ANN401
        answer = self._struck(model.name, after=False)
        if answer is None:
            return None
        return AWSResponse("", answer["ResponseMetadata"]["HTTPStatusCode"], HTTPHeaders(), None), answer

    def _after(self, model: Any, **_: object) -> None:  # noqa: ANN401
        self._struck(model.name, after=True)

    def _struck(self, operation: str, *, after: bool) -> dict[str, Any] | None:
        for fault in self.faults:
            if fault.strikes(operation, after=after):
                if isinstance(fault.answer, BaseException):
                    raise fault.answer
                return fault.answer
        return None


class SizeOf(Protocol):
    def __call__(self, item: dict[str, Any]) -> int: ...
