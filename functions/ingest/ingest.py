"""The HTTP edge: verify, record, enqueue, answer. The only place that knows status codes."""

import os

from warm_start import WarmStart

begun = WarmStart(os.environ)  # before the other imports, which take about as long as the secret's answer

import hashlib
import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from http_request import HttpRequest
from wickiepay import clients, clock
from wickiepay.delivery import Delivery
from wickiepay.emf import EmfLog
from wickiepay.errors import (
    AllowListUnreadable,
    BodyTooLarge,
    DeliveryError,
    MalformedRequest,
    MethodNotAllowed,
    NoSuchPath,
    SecretUnavailable,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    SourceNotAllowed,
    StoreUnavailable,
    Unavailable,
    UnusableBody,
)
from wickiepay.event import WebhookEvent, parse
from wickiepay.event_log import EventLog
from wickiepay.metrics import OF_SCHEME, Metric, emitted
from wickiepay.queue import EventQueue, Message
from wickiepay.signature import Verified, parse_signature, verify

if TYPE_CHECKING:
    from wickiepay.signing_secrets import SigningSecrets

STATUS: Final[Mapping[type[DeliveryError], int]] = {
    UnusableBody: 400,
    MalformedRequest: 400,
    SignatureMissing: 401,
    SignatureMalformed: 401,
    SignatureMismatch: 401,
    SourceNotAllowed: 403,
    NoSuchPath: 404,
    MethodNotAllowed: 405,
    BodyTooLarge: 413,
    AllowListUnreadable: 503,
    SecretUnavailable: 503,
    StoreUnavailable: 503,
}
"""The HTTP status for each reason to reject a delivery. The sender retries anything but a 200, three tries in all."""

HEADERS: Final[Mapping[int, Mapping[str, str]]] = {405: {"Allow": "POST"}, 503: {"Retry-After": "5"}}

OF_OUTCOME: Final[Mapping[str, Metric]] = {
    "accepted": Metric.DELIVERY_ACCEPTED,
    "duplicate": Metric.DELIVERY_DUPLICATE,
    "conflict": Metric.DELIVERY_CONFLICT,
    "unusable": Metric.DELIVERY_UNUSABLE,
    "forged": Metric.DELIVERY_FORGED,
    "refused": Metric.DELIVERY_REFUSED,
    "unavailable": Metric.DELIVERY_UNAVAILABLE,
}
"""What became of a delivery → the metric that counts it."""

OF_SECRET: Final[Mapping[str, Metric]] = {"current": Metric.SECRET_CURRENT, "previous": Metric.SECRET_PREVIOUS}
OF_DETOUR: Final[Mapping[str, Metric]] = {"unrecorded": Metric.DELIVERY_UNRECORDED, "unsent": Metric.DELIVERY_UNSENT}

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

emf = EmfLog(
    os.environ["POWERTOOLS_SERVICE_NAME"],
    os.environ["POWERTOOLS_METRICS_NAMESPACE"],
    emitted(os.environ["MONITORING"]),
)


@dataclass(frozen=True, slots=True)
class Ingest:
    """Accepts deliveries. `now` returns the current time.

    An empty `allowed_sources` admits every address. If it is an error, the list cannot be read and admits none.
    """

    secrets: "SigningSecrets"
    events: EventLog
    queue: EventQueue
    schemes: Sequence[str]
    allowed_sources: Sequence[Network] | ValueError
    now: Callable[[], datetime]

    def handle(self, api_event: object) -> dict[str, Any]:
        """Handles, logs and counts the request in an API event; returns the HTTP answer."""
        request = HttpRequest(api_event)
        facts: dict[str, object] = {"source": request.source, "request_id": request.request_id}
        try:
            outcome = self._take(request, facts)
        except DeliveryError as error:
            status, outcome = STATUS[type(error)], error.outcome
            remark = request.remark() if isinstance(error, SignatureMismatch | UnusableBody) else ""
            content = _error(error.code, f"{error} {remark}".strip())
            facts["reason"] = error.code
            if isinstance(error, Unavailable):
                facts["cause"] = str(error.__cause__)
        else:
            status = 200
            content = json.dumps({"status": outcome, "uuid": facts["uuid"], "event_key": facts["event_key"]})
        facts["status"] = status
        if self.secrets.failure:
            facts.setdefault("cause", str(self.secrets.failure))
        emf.write(f"delivery {outcome}", facts, _counts(outcome, facts), self.now())
        return request.answer(status, {"Content-Type": "application/json", **HEADERS.get(status, {})}, content)

    def _take(self, request: HttpRequest, facts: dict[str, object]) -> str:
        """Verifies, records and enqueues; returns the outcome. Adds to `facts` what the log may say of the delivery."""
        self._admit(request)
        body = request.body()
        facts.update(bytes=len(body), body_sha256=hashlib.sha256(body).hexdigest())
        verified = self._verify(body, request)
        facts.update(scheme=verified.scheme, secret=verified.secret)
        received_at = clock.instant(self.now())
        delivery = Delivery.of(
            body, verified.text, verified.scheme, received_at, source=request.source, request_id=request.request_id
        )
        try:
            event = parse(verified.text, received_at)
        except UnusableBody as error:
            unusable = UnusableBody(f"{error}{_position(error.__cause__)}")
            self.events.keep_unusable(delivery, hashlib.sha256(verified.text).digest(), str(unusable))
            raise unusable from error
        facts.update(event=event.name, uuid=event.identity.uuid, event_key=event.identity.event_key)
        return self._hand_over(delivery, event, facts)

    def _admit(self, request: HttpRequest) -> None:
        if request.is_below:
            raise NoSuchPath("Deliveries are taken at /webhooks/wickiepay and nowhere below.")
        if request.method != "POST":
            raise MethodNotAllowed("Deliveries are sent with POST.")
        if isinstance(self.allowed_sources, ValueError):
            raise AllowListUnreadable("Who may deliver is not known.") from self.allowed_sources
        if self.allowed_sources and not _is_among(self.allowed_sources, request.source):
            raise SourceNotAllowed("Deliveries are not taken from this address.")

    def _verify(self, body: bytes, request: HttpRequest) -> Verified:
        signature = parse_signature(request.header("x-webhook-signature"))
        # A raw signature covers any bytes. The other schemes parse the body first, so they are for JSON alone.
        schemes = self.schemes if request.is_json else [scheme for scheme in self.schemes if scheme == "raw"]
        try:
            return verify(body, signature, self.secrets.get(), schemes)
        except SignatureMismatch:
            # Perhaps the secret was rotated since it was fetched.
            if not self.secrets.refetch():
                raise
            return verify(body, signature, self.secrets.get(), schemes)

    def _hand_over(self, delivery: Delivery, event: WebhookEvent, facts: dict[str, object]) -> str:
        """Gets the event on its way to the consumer, even while one of the two stores is down.

        Raises `StoreUnavailable` if both are down; then the sender has to try again. An error of any other kind is
        raised as well, after the event is flagged for the relay.
        """
        try:
            recorded = self.events.record(delivery, event)
        except StoreUnavailable:
            self.queue.send(Message(event.identity, delivery, unrecorded=True))
            facts["detour"] = "unrecorded"
            return "accepted"
        facts["event_key"] = recorded.identity.event_key
        if recorded.to_send:
            try:
                self.queue.send(Message.of(recorded.to_send))
            except Exception as error:
                # The event is on record, so for any error the relay has to find it.
                flagged = self.events.flag_unsent(recorded.identity)
                if not (flagged and isinstance(error, StoreUnavailable)):
                    raise
                facts["detour"] = "unsent"
        return recorded.outcome


def _is_among(allowed: Sequence[Network], source: str) -> bool:
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in allowed)


def networks(text: str) -> Sequence[Network] | ValueError:
    """The networks that a list in CIDR notation names, or the error if it cannot be read."""
    try:
        return [ipaddress.ip_network(network, strict=False) for network in text.split(",")] if text else []
    except ValueError as error:
        return error


def _position(cause: BaseException | None) -> str:
    """Where and how reading a body failed, without any of its content."""
    match cause:
        case json.JSONDecodeError():
            return f" {cause.msg}: line {cause.lineno}, column {cause.colno}."
        case UnicodeDecodeError():
            return f" Byte {cause.start} is not UTF-8."
    return ""


@lru_cache(maxsize=32)  # saves 21,000 of the 240,000 instructions that a forged delivery takes
def _error(code: str, message: str) -> str:
    return json.dumps({"error": code, "message": message})


def _counts(outcome: str, facts: Mapping[str, object]) -> tuple[Metric, ...]:
    """The metrics to which a delivery adds one."""
    counts = [OF_OUTCOME[outcome]]
    if "scheme" in facts:
        counts += [OF_SCHEME[str(facts["scheme"])], OF_SECRET[str(facts["secret"])]]
    if "detour" in facts:
        counts.append(OF_DETOUR[str(facts["detour"])])
    return tuple(counts)


def from_environment(environment: Mapping[str, str], start: WarmStart | None = None) -> Ingest:
    """Wires an `Ingest` to the stack that the template's environment variables name, and prepares it for a delivery."""
    start = start or WarmStart(environment)
    dynamodb, sqs = clients.dynamodb(), clients.sqs()
    events = EventLog(dynamodb, environment["EVENT_TABLE"])
    queue = EventQueue(sqs, environment["EVENT_QUEUE_URL"])
    start.finish([dynamodb, sqs], [events.rehearse, queue.rehearse])
    return Ingest(
        secrets=start.secrets,
        events=events,
        queue=queue,
        schemes=environment["ACCEPTED_SCHEMES"].split(","),
        allowed_sources=networks(environment.get("SOURCE_ALLOW_LIST", "")),
        now=clock.now,
    )


# With SnapStart, every container starts from a snapshot of this: it holds no secret, no connection and no time, and its
# role credentials renew themselves.
ingest = from_environment(os.environ, begun)


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001  Lambda passes both
    """Answers a request from an HTTP API, a REST API or a load balancer."""
    return ingest.handle(event)
