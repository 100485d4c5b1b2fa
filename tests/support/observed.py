"""Records what the functions really ask and print, while they are taken through everything that can happen.

They run in this process, wired by their own `from_environment` to what template.yaml names.
"""

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from ipaddress import ip_network
from typing import Any, Final
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError
from httpx import Request, Response

import consumer
import ingest
import reconciler
import relay
from tests.support.actors import SameThread
from tests.support.deployed import TEMPLATE, environment_of
from tests.support.harness import SECRET
from tests.support.in_process import Answer, Heard, client, emulated_dynamodb
from tests.support.provider import Answering, FakeProvider, listing
from wickiepay import clients, clock
from wickiepay.delivery import Delivery
from wickiepay.event_log import EventLog
from wickiepay.lambda_events import http_request, sqs_batch, sqs_message
from wickiepay.queue import Message, Replay, encode
from wickiepay.signature import sign
from wickiepay_reconcile.asking import FEW

TABLES: Final = ("EventTable", "LedgerTable")
LAST_TRY: Final = int(environment_of("ConsumerFunction")["EVENT_QUEUE_MAX_RECEIVES"])

type Dimensions = frozenset[str]


@dataclass(slots=True)
class Deeds:
    """Of one function: its requests (operation and parameters), metrics (name and dimensions), fields of log lines."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    metrics: set[tuple[str, Dimensions]] = field(default_factory=set)
    log_fields: set[str] = field(default_factory=set)


@cache
def observed() -> Mapping[str, Deeds]:
    """What ingest, the consumer, the relay and the reconciler do, by the function's logical id."""
    with _account() as account:
        _ingest(account)
        _consumer(account)
        _relay(account)
        _reconciler(account)
    return account.deeds


class Account:
    """An AWS in this process, of which a part can be out of reach."""

    def __init__(self) -> None:
        self.deeds: defaultdict[str, Deeds] = defaultdict(Deeds)
        self.out: set[str] = set()
        self._function: str | None = None
        answers: dict[str, Answer] = {
            "dynamodb": emulated_dynamodb,
            "sqs": Heard().answer,
            "events": Heard().answer,
        }
        self.clients: dict[str, Any] = {
            service: client(service, self._within_reach(service, answer)) for service, answer in answers.items()
        }
        for made in self.clients.values():
            made.meta.events.register("provide-client-params", self._note)
        self.clients["secretsmanager"] = self
        self.events = EventLog(self.clients["dynamodb"], "EventTable")

    def get_secret_value(self, **_: str) -> dict[str, str]:
        """Secrets Manager's."""
        if "secretsmanager" in self.out:
            raise EndpointConnectionError(endpoint_url="https://aws.invalid")
        return {"SecretString": SECRET.decode()}

    @contextmanager
    def running(self, function: str) -> Iterator[None]:
        """Watches what `function` does within."""
        printed = io.StringIO()
        self._function = function
        with redirect_stdout(printed):
            yield
        self._function = None
        for line in map(json.loads, printed.getvalue().splitlines()):
            if "level" in line:
                self.deeds[function].log_fields |= line.keys()
            for about in line.get("_aws", {}).get("CloudWatchMetrics", []):
                self.deeds[function].metrics |= {
                    (metric["Name"], frozenset(names)) for metric in about["Metrics"] for names in about["Dimensions"]
                }

    @contextmanager
    def without(self, *services: str) -> Iterator[None]:
        """These do not answer within."""
        self.out |= set(services)
        yield
        self.out -= set(services)

    def _within_reach(self, service: str, answer: Answer) -> Answer:
        def guarded(request: AWSPreparedRequest) -> AWSResponse:
            if service in self.out:
                raise EndpointConnectionError(endpoint_url=request.url)
            return answer(request)

        return guarded

    def _note(self, params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401  botocore's
        if self._function:
            self.deeds[self._function].requests.append((model.name, params))


@contextmanager
def _account() -> Iterator[Account]:
    account = Account()
    for table in TABLES:
        properties = TEMPLATE["Resources"][table]["Properties"]
        wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        account.clients["dynamodb"].create_table(TableName=table, **{name: properties[name] for name in wanted})
    with patch.object(clients, "_client", lambda service, **_: account.clients[service]):
        yield account
    for table in TABLES:
        account.clients["dynamodb"].delete_table(TableName=table)


# --- All that can happen -------------------------------------------------------------------------


def _body(uuid: str, event: str = "channel.payment.confirmed", **data: object) -> bytes:
    """As none of the schemes writes it again."""
    data = {"uuid": uuid, "displayCurrency": {"currency": "EUR", "amount": 1}, "reference": "account", **data}
    return json.dumps({"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": data}, indent=1).encode()


def _ingest(account: Account) -> None:
    """Every outcome: accepted in each scheme and on each detour, duplicate, conflict, and all that is not a 200."""
    function = ingest.from_environment(environment_of("IngestFunction"))
    strict = replace(function, allowed_sources=[ip_network("198.51.100.0/24")])
    body = _body("first")
    request = http_request(body, sign(body, SECRET))

    def deliver(body: bytes, scheme: str = "raw") -> int:
        status: int = function.handle(http_request(body, sign(body, SECRET, scheme)))["statusCode"]
        return status

    with account.running("IngestFunction"):
        statuses = [
            *(deliver(_body(scheme), scheme) for scheme in ("raw", "node", "python")),
            deliver(body),
            deliver(body),
            deliver(_body("first", reference="another account")),
            deliver(b"[]"),
            function.handle(request | {"headers": {}})["statusCode"],
            function.handle({})["statusCode"],
            function.handle(http_request(body, "none"))["statusCode"],
            function.handle(http_request(body, sign(body, b"another secret")))["statusCode"],
            strict.handle(request)["statusCode"],
        ]
        with account.without("dynamodb"):
            statuses.append(deliver(_body("unrecorded")))
        with account.without("sqs"):
            statuses.append(deliver(_body("unsent")))
        with account.without("dynamodb", "sqs"):
            statuses.append(deliver(_body("unavailable")))
        with account.without("secretsmanager"):
            fresh = ingest.from_environment(environment_of("IngestFunction"))
            statuses.append(fresh.handle(request)["statusCode"])
    assert statuses == [*[200] * 6, 400, 401, 405, 401, 401, 403, 200, 200, 503, 503], statuses


def _consumer(account: Account) -> None:
    """Every verdict, and each way to it: of events on record and not, known and not, with stores out, given up."""
    function = consumer.from_environment(environment_of("ConsumerFunction"))
    function = replace(function, threads=SameThread())

    def process(body: bytes, *, receives: int = 1, unrecorded: bool = True, replay: Replay | None = None) -> int:
        delivery = Delivery(body, "raw", "2026-01-15T10:25:01.000000Z", "192.0.2.1", "request")
        event = delivery.event()
        message = Message(event.identity, delivery, unrecorded, replay)
        return len(function.process([_record(encode(message), receives)])["batchItemFailures"])

    payment = {"type": "IN", "reference": "order"}
    with account.running("ConsumerFunction"):
        again = [
            process(_body("first"), unrecorded=False),
            process(_body("first"), unrecorded=False),
            process(_body("first"), unrecorded=False, replay=Replay("replay", "operator", "why", announce=True)),
            process(_body("payment", "payment.completed", **payment)),
            process(_body("deposit", "deposit.status_change", id="deposit", status="done")),
            process(_body("unknown", "weather.changed")),
            process(_body("refunded", "payment.refunded")),
            process(_body("hopeless", displayCurrency=None)),
            process(_body("raw", reference="another account")),
            len(function.process([_record("no event at all")])["batchItemFailures"]),
        ]
        with account.without("events"):
            again += [process(_body("retried"), receives=2), process(_body("given up"), receives=LAST_TRY)]
        with account.without("sqs", "events"):
            again.append(process(_body("not delayed")))
        with account.without("dynamodb"):
            again.append(process(_body("not marked"), receives=LAST_TRY))
    assert again == [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1], again


def _record(text: str, receives: int = 1) -> dict[str, Any]:
    [record] = sqs_batch([sqs_message(text, clock.now(), receives=receives)])["Records"]
    return record


def _relay(account: Account) -> None:
    """A run that finds something, one that the queue takes nothing of, and one that finds nothing."""
    function = relay.from_environment(environment_of("RelayFunction"))
    with account.running("RelayFunction"):
        with account.without("sqs"):
            assert function.run() == 0
        assert function.run() == 1
        assert function.run() == 0


def _reconciler(account: Account) -> None:
    """A run that finds something missing, one that finds it under way, and one that is braked; and payments."""
    entry = {"event": "payment.created", "timestamp": clock.instant(clock.now() - timedelta(hours=2))}
    lost = {**entry, "id": "lost", "status": "FAILED"}
    unknown = [{**entry, "id": f"unknown-{number}", "status": "DELIVERED"} for number in range(FEW + 1)]
    of_before = Delivery(
        _body("of before", "payment.created"), "raw", clock.instant(clock.now()), "192.0.2.1", "request"
    )
    account.events.record(of_before, replace(of_before.event(), occurred_at=None))
    function = reconciler.from_environment(environment_of("ReconcilerFunction"))
    runs = [[lost], [lost | {"status": "PENDING"}], [lost, *unknown]]
    payments = listing({"uuid": "unknown", "hash": "0xAb", "status": "COMPLETE"})
    asked: list[int] = []
    with account.running("ReconcilerFunction"):
        for listed in runs:
            answer = listing(*listed)

            def answering(request: Request, answer: Answering = answer) -> Response:
                listed = answer if "/event" in request.url.path else payments
                return listed(request) if request.method == "GET" else Response(202)

            fake = FakeProvider(answering)
            asked.append(replace(function, api=fake.made).run(1, with_payments=True).asked)
    assert asked == [1, 0, 0], asked
