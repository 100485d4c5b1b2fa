"""The HTTP edge: every answer, the whole hand-over, and what nobody may learn or leave behind."""

import base64
import gzip
import hashlib
import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ingest
from http_request import BELOW
from ingest import Ingest
from tests.support.aws import Calls
from tests.support.clock import Clock
from tests.support.deliveries import BodyOf
from tests.support.printed import Printed
from tests.support.wiring import Wiring, ingest_on
from wickiepay.delivery import MAX_BODY_BYTES, unpack
from wickiepay.emf import EmfLog
from wickiepay.event_log import EventLog
from wickiepay.identity import Identity
from wickiepay.lambda_events import http_request
from wickiepay.metrics import emitted
from wickiepay.queue import EventQueue, decode
from wickiepay.reserialise import node_text
from wickiepay.signature import SCHEMES, sign
from wickiepay.signing_secrets import REFETCH_SECONDS, TIME_TO_LIVE_SECONDS, SigningSecrets

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

UUID: Final = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
COMPLETED: Final = Identity(UUID, "payment.completed")
KEEP: Final = timedelta(days=400)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: dict[str, Any]


@dataclass
class Listener:
    """An `Ingest`, and the provider that sends to it."""

    ingest: Ingest
    secret: bytes

    def __call__(
        self,
        body: bytes | str,
        *,
        method: str = "POST",
        signature: str | None = None,
        headers: Mapping[str, object] | None = None,
        source: str = "203.0.113.7",
        is_base64: bool = False,
    ) -> Answer:
        raw = body.encode() if isinstance(body, str) else body
        return self.send(
            http_request(
                b"" if is_base64 else raw,
                sign(raw, self.secret) if signature is None else signature,
                headers=headers,
                request_id="request-1",
                method=method,
                sourceIp=source,
            )
            | ({"body": base64.b64encode(raw).decode(), "isBase64Encoded": True} if is_base64 else {})
        )

    def send(self, event: object) -> Answer:
        answer = self.ingest.handle(event)
        assert answer["headers"]["Content-Type"] == "application/json"
        content = json.loads(answer["body"])
        assert answer["statusCode"] == 200 or (content["error"] and content["message"])
        return Answer(answer["statusCode"], answer["headers"], content)


@pytest.fixture
def deliver(
    events: EventLog,
    queue: EventQueue,
    signing_secret: str,
    secretsmanager: "SecretsManagerClient",
    clock: Clock,
    secret: bytes,
    now: datetime,
) -> Listener:
    secrets = SigningSecrets(secretsmanager, signing_secret, clock)
    return Listener(ingest_on(Wiring(events, queue, secrets=secrets, now=lambda: now)), secret)


@pytest.fixture
def warm(deliver: Listener) -> Listener:
    """A listener that has the secret in its cache, as all but a container's first delivery find it."""
    deliver.ingest.secrets.get()
    return deliver


def stored(dynamodb: "DynamoDBClient") -> list[dict[str, Any]]:
    """All items, without their types."""
    items = dynamodb.scan(TableName="EventTable")["Items"]
    return [{name: next(iter(value.values())) for name, value in item.items()} for item in items]


def queued(sqs: "SQSClient") -> list[Any]:
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/EventQueue"
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [decode(message["Body"]) for message in found]


# --- 200 ----------------------------------------------------------------------------------------------
def test_a_first_delivery_is_accepted(
    deliver: Listener, body_of: BodyOf, dynamodb: "DynamoDBClient", sqs: "SQSClient"
) -> None:
    answer = deliver(body_of())

    assert answer.status == 200
    assert answer.content == {"status": "accepted", "uuid": UUID, "event_key": "payment.completed"}
    [item] = stored(dynamodb)
    [message] = queued(sqs)
    assert (item["state"], item["source"], item["request_id"]) == ("RECEIVED", "203.0.113.7", "request-1")
    assert message.identity == COMPLETED
    assert message.delivery.body == body_of()
    assert message.delivery.received_at == item["received_at"] == "2026-01-15T10:25:01.000000Z"
    assert not message.unrecorded


def test_a_duplicate_is_told_so_and_leaves_one_record(
    deliver: Listener, body_of: BodyOf, dynamodb: "DynamoDBClient"
) -> None:
    deliver(body_of())

    assert [deliver(body_of()).content["status"] for _ in range(3)] == ["duplicate"] * 3
    assert len(stored(dynamodb)) == 1


def test_a_retry_that_restamps_and_reformats_is_a_duplicate(deliver: Listener) -> None:
    deliver('{"event":"payment.completed","timestamp":"2026-01-15T10:25:00Z","data":{"uuid":"u","amount":100.00}}')

    again = deliver('{"data": {"amount": 1e2, "uuid": "u"}, "timestamp": null, "event": "payment.completed"}')

    assert again.content["status"] == "duplicate"


def test_other_content_under_one_identity_is_a_conflict_and_kept(
    deliver: Listener, body_of: BodyOf, dynamodb: "DynamoDBClient"
) -> None:
    deliver(body_of())

    answer = deliver(body_of(data={"uuid": UUID, "amount": 1}))

    assert (answer.status, answer.content["status"]) == (200, "conflict")
    assert sorted(item["state"] for item in stored(dynamodb)) == ["CONFLICT", "RECEIVED"]


def test_the_trap_two_stages_of_one_payment_are_both_accepted(deliver: Listener, body_of: BodyOf) -> None:
    answers = [deliver(body_of(event)).content["status"] for event in ("payment.processing", "payment.completed")]

    assert answers == ["accepted", "accepted"]


@pytest.mark.parametrize("event", ["payment.completed", "an.event.that.nobody.knows"])
def test_every_event_type_is_accepted(event: str, deliver: Listener, body_of: BodyOf) -> None:
    assert deliver(body_of(event)).status == 200


@pytest.mark.parametrize("header", ["X-Webhook-Signature", "x-webhook-signature", "X-WEBHOOK-SIGNATURE"])
def test_the_signatures_header_may_come_in_any_case(header: str, deliver: Listener, body_of: BodyOf) -> None:
    event = http_request(body_of(), None, headers={header: sign(body_of(), deliver.secret)})

    assert deliver.send(event).status == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", " application/json ;charset=UTF-8"],
)
def test_json_may_be_announced_in_any_spelling(content_type: str, deliver: Listener, body_of: BodyOf) -> None:
    assert deliver(body_of(), headers={"content-type": content_type}).status == 200


def test_a_body_in_base64_is_the_same_delivery(deliver: Listener, body_of: BodyOf) -> None:
    assert deliver(body_of(), is_base64=True).content["status"] == "accepted"
    assert deliver(body_of(), is_base64=False).content["status"] == "duplicate"


def test_the_largest_body_is_accepted(deliver: Listener, sqs: "SQSClient") -> None:
    frame = '{"event": "payment.completed", "data": {"uuid": "u", "filler": "%s"}}'
    body = frame % (hashlib.shake_256(b"").hexdigest(MAX_BODY_BYTES)[: MAX_BODY_BYTES - len(frame) + 2])
    assert len(body) == MAX_BODY_BYTES

    assert deliver(body).status == 200
    assert [message.delivery.body for message in queued(sqs)] == [body.encode()]


# --- Schemes ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scheme", "metric"), list(zip(SCHEMES, ("SchemeRaw", "SchemeNode", "SchemePython"), strict=True))
)
def test_the_scheme_that_matched_is_recorded_and_counted(
    scheme: str, metric: str, deliver: Listener, dynamodb: "DynamoDBClient", sqs: "SQSClient", printed: Printed
) -> None:
    body = b'{"event":  "payment.completed"}'

    assert deliver(body, signature=sign(body, deliver.secret, scheme)).status == 200
    assert [item["scheme"] for item in stored(dynamodb)] == [scheme]
    assert [message.delivery.scheme for message in queued(sqs)] == [scheme]
    assert printed.metrics()[metric] == [1]


def test_only_the_schemes_that_the_operator_accepts_are_tried(deliver: Listener) -> None:
    deliver.ingest = replace(deliver.ingest, schemes=["raw"])
    body = b'{"event":  "payment.completed"}'

    assert deliver(body).status == 200
    assert deliver(body, signature=sign(body, deliver.secret, "node")).status == 401


def test_what_is_acted_on_is_the_text_that_the_signature_covers(deliver: Listener) -> None:
    body = b'{"event": "payment.completed", "data": {"uuid": "u", "amount": 9007199254740993}}'
    deliver(body, signature=sign(body, deliver.secret, "node"))

    again = b'{"event": "payment.completed", "data": {"uuid": "u", "amount": 9007199254740992}}'
    assert deliver(again).content["status"] == "duplicate"


# --- 4xx ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("signature", "code"),
    [
        ("", "signature_missing"),
        (" ", "signature_missing"),
        ("00" * 31, "signature_malformed"),
        ("é", "signature_malformed"),
        ("00" * 32 + "," + "00" * 32, "signature_malformed"),
        ("00" * 32, "signature_mismatch"),
    ],
)
def test_nobody_unsigned_gets_in(
    signature: str, code: str, deliver: Listener, body_of: BodyOf, dynamodb: "DynamoDBClient", sqs: "SQSClient"
) -> None:
    answer = deliver(body_of(), signature=signature)

    assert (answer.status, answer.content["error"]) == (401, code)
    assert answer.content["message"]
    assert stored(dynamodb) == []
    assert queued(sqs) == []


def test_a_delivery_without_the_header_is_refused(deliver: Listener, body_of: BodyOf) -> None:
    answer = deliver.send(http_request(body_of(), None))
    assert (answer.status, answer.content["error"]) == (401, "signature_missing")


def test_two_headers_that_differ_in_case_are_two_signatures(deliver: Listener, body_of: BodyOf) -> None:
    signature = sign(body_of(), deliver.secret)

    assert deliver(body_of(), headers={"X-Webhook-Signature": signature}).content["error"] == "signature_malformed"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"not JSON", id="not JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"data": {}}', id="no event name"),
        pytest.param(b'{"event": "a", "data": [1]}', id="data of another type"),
        pytest.param(b'{"event": "a", "data": {"x": NaN}}', id="NaN"),
        pytest.param(b'{"event": "a", "data": {"x": 1e999}}', id="too large a number"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
    ],
)
def test_a_signed_body_that_cannot_be_used_is_kept_and_told_so(
    body: bytes, deliver: Listener, dynamodb: "DynamoDBClient", sqs: "SQSClient"
) -> None:
    answer = deliver(body, is_base64=True)

    assert (answer.status, answer.content["error"]) == (400, "unusable_body")
    [item] = stored(dynamodb)
    assert (item["state"], item["uuid"]) == ("UNUSABLE", "sha256:" + hashlib.sha256(body).hexdigest())
    assert item["error"] == answer.content["message"]
    assert queued(sqs) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", ""])
def test_another_method_is_not_allowed(method: str, deliver: Listener, body_of: BodyOf) -> None:
    answer = deliver(body_of(), method=method)

    assert (answer.status, answer.content["error"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json,application/json"],
)
def test_of_another_content_type_only_the_bytes_can_be_signed(
    content_type: str, deliver: Listener, body_of: BodyOf
) -> None:
    spaced = b" " + body_of()
    headers = {"content-type": content_type}

    assert deliver(body_of(), headers=headers).status == 200
    for scheme in ("node", "python"):
        answer = deliver(spaced, headers=headers, signature=sign(spaced, deliver.secret, scheme))
        assert (answer.status, answer.content["error"]) == (401, "signature_mismatch")


@pytest.mark.parametrize("content_type", ["application/webhook+json", "Application/JSON; charset=utf-8"])
def test_what_ends_in_json_may_be_signed_as_it_is_written_again(
    content_type: str, deliver: Listener, body_of: BodyOf
) -> None:
    spaced = b" " + body_of()
    answer = deliver(spaced, headers={"content-type": content_type}, signature=sign(spaced, deliver.secret, "node"))
    assert answer.status == 200


@pytest.mark.parametrize(("length", "status"), [(102_400, 200), (102_401, 401)])
def test_a_body_that_has_to_be_read_before_it_is_verified_is_bounded(
    length: int, status: int, deliver: Listener, body_of: BodyOf
) -> None:
    body = body_of().ljust(length)
    assert deliver(body, signature=sign(body, deliver.secret, "node")).status == status


@pytest.mark.parametrize(("blanks", "kept"), [(4096, 4096), (4097, 0)])
def test_what_nobody_signed_is_kept_up_to_a_bound(
    blanks: int, kept: int, deliver: Listener, body_of: BodyOf, dynamodb: "DynamoDBClient"
) -> None:
    text = node_text(body_of())
    body = text + b" " * blanks
    deliver(body, signature=sign(body, deliver.secret, "node"))

    [item] = stored(dynamodb)
    assert len(unpack(item["body"])) == len(text) + kept
    received = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert json.loads(item.get("received", "null")) == (None if kept else received)


def test_a_padded_capture_is_no_new_event(deliver: Listener, dynamodb: "DynamoDBClient") -> None:
    text = b'{"event":"audit.login","data":{"user":"alice"}}'
    signature = sign(text, deliver.secret, "node")
    padded = [text, b" " + text, text + b"\n" * 5000, text.replace(b"{", b'{"event":"x",', 1)]

    statuses = [deliver(body, signature=signature).content["status"] for body in padded]
    assert statuses == ["accepted", "duplicate", "duplicate", "duplicate"]
    assert len(stored(dynamodb)) == 1


def test_too_large_a_body_is_refused_signed_or_not(deliver: Listener, dynamodb: "DynamoDBClient") -> None:
    body = b'{"event": "%b"}' % (b"a" * MAX_BODY_BYTES)

    for answer in (deliver(body), deliver(body, is_base64=True), deliver(body, signature="")):
        assert (answer.status, answer.content["error"]) == (413, "body_too_large")
    assert stored(dynamodb) == []


def test_base64_that_is_none_is_refused(deliver: Listener, body_of: BodyOf) -> None:
    event = {
        "requestContext": {"http": {"method": "POST"}},
        "headers": {"content-type": "application/json"},
        "body": body_of().decode(),
        "isBase64Encoded": True,
    }

    answer = deliver.send(event)
    assert (answer.status, answer.content["error"]) == (400, "malformed_request")


ALLOWED: Final = ("203.0.113.0/24", "2001:db8::/32")


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("203.0.113.7", 200),
        ("2001:db8::7", 200),
        ("203.0.114.7", 403),
        ("2001:db9::7", 403),
        ("", 403),
        ("localhost", 403),
        ("203.0.113.7, 10.0.0.1", 403),
    ],
)
def test_with_an_allow_list_only_its_addresses_may_deliver(
    source: str, status: int, deliver: Listener, body_of: BodyOf
) -> None:
    networks = [ipaddress.ip_network(network) for network in ALLOWED]
    deliver.ingest = replace(deliver.ingest, allowed_sources=networks)

    assert deliver(body_of(), source=source).status == status


@pytest.mark.parametrize(
    "unreadable", [",", "192.0.2.0/24,", "192.0.2.0/24, 198.51.100.0/24", "192.0.2.0/33", ":::", "wickiepay.example"]
)
def test_an_allow_list_that_cannot_be_read_admits_nobody_and_says_why(
    unreadable: str,
    deliver: Listener,
    body_of: BodyOf,
    environment: Callable[[str], dict[str, str]],
    calls: Calls,
    printed: Printed,
) -> None:
    wired = ingest.from_environment({**environment("IngestFunction"), "SOURCE_ALLOW_LIST": unreadable})
    deliver.ingest = replace(deliver.ingest, allowed_sources=wired.allowed_sources)

    answer = deliver(body_of(), source="192.0.2.7")

    assert (answer.status, answer.content["error"]) == (503, "allow_list_unreadable")
    assert not calls.made
    [line] = printed.logs()
    assert "does not appear to be an IPv4 or IPv6 network" in line["cause"]
    assert printed.metrics() == {"DeliveryUnavailable": [1]}


@pytest.mark.parametrize(
    ("forwarded", "status"), [("203.0.113.7", 200), ("198.51.100.1", 403), ("me", 403), (None, 403)]
)
def test_behind_a_load_balancer_an_allow_list_wants_a_trustworthy_source(
    forwarded: str | None, status: int, deliver: Listener, body_of: BodyOf
) -> None:
    deliver.ingest = replace(deliver.ingest, allowed_sources=[ipaddress.ip_network("203.0.113.0/24")])
    event = {
        "httpMethod": "POST",
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "headers": {
            "content-type": "application/json",
            "x-webhook-signature": sign(body_of(), deliver.secret),
            **({} if forwarded is None else {"x-forwarded-for": f"203.0.113.9, {forwarded}"}),
        },
        "body": body_of().decode(),
        "isBase64Encoded": False,
    }

    assert deliver.send(event).status == status


@pytest.mark.parametrize(("below", "status"), [(None, 200), ("", 200), ("more", 404), ("a/b", 404)])
def test_a_slash_at_the_end_of_the_path_is_no_other_path(
    below: str | None, status: int, deliver: Listener, body_of: BodyOf
) -> None:
    event = {
        "version": "2.0",
        "pathParameters": {} if below is None else {BELOW: below},
        "requestContext": {"http": {"method": "POST"}},
        "headers": {"content-type": "application/json", "x-webhook-signature": sign(body_of(), deliver.secret)},
        "body": body_of().decode(),
    }

    assert deliver.send(event).status == status


@pytest.mark.parametrize(
    ("body", "position"),
    [
        (b'{"event": "a",\n "data": }', " Expecting value: line 2, column 10."),
        (b'{"event": "caf\xe9"}', " Byte 14 is not UTF-8."),
        (b"[]", ""),
    ],
)
def test_of_a_signed_body_that_cannot_be_read_it_is_said_where(
    body: bytes, position: str, deliver: Listener, dynamodb: "DynamoDBClient"
) -> None:
    answer = deliver(body, is_base64=True)

    assert answer.content["message"].endswith(f".{position}")
    assert [item["error"] for item in stored(dynamodb)] == [answer.content["message"]]


EXPRESS_TAKES: Final = {
    "another charset": (
        b'{"event":"a.b"}'.decode().encode("utf-16"),
        {"content-type": "application/json; charset=utf-16"},
    ),
    "a compressed body": (gzip.compress(b'{"event":"a.b"}'), {"content-encoding": "gzip"}),
    "another content type": (b'{"event":"a.b"}', {"content-type": "text/plain"}),
    "an empty body": (b"", {}),
}


@pytest.mark.parametrize(("body", "headers"), EXPRESS_TAKES.values(), ids=EXPRESS_TAKES)
def test_what_express_takes_for_what_is_around_it_is_refused(
    body: bytes, headers: dict[str, str], warm: Listener, calls: Calls
) -> None:
    for read_there in (b'{"event":"a.b"}', b"{}"):
        signature = sign(read_there, warm.secret)
        assert body == read_there or warm(body, is_base64=True, headers=headers, signature=signature).status == 401
    assert set(calls.names()) <= {"GetSecretValue"}


def test_a_refusal_says_what_came(deliver: Listener, body_of: BodyOf) -> None:
    plain = deliver(body_of(), signature="00" * 32).content["message"]
    told = {
        "content-type": ("text/plain", "It came as text/plain:"),
        "content-encoding": ("gzip", "It came compressed (Content-Encoding: gzip)"),
    }

    assert plain == "The signature does not match the body."
    for name, (value, remark) in told.items():
        for headers, body in (({name: value}, body_of()), ({name: value}, b"no JSON")):
            signature = "00" * 32 if body == body_of() else None
            assert remark in deliver(body, headers=headers, signature=signature).content["message"]


# --- 503 ----------------------------------------------------------------------------------------------
def refused_for_now(answer: Answer, code: str) -> bool:
    return (answer.status, answer.content["error"], answer.headers["Retry-After"]) == (503, code, "5")


def test_with_the_secret_out_of_reach_the_sender_is_asked_to_try_again(
    deliver: Listener, body_of: BodyOf, calls: Calls
) -> None:
    calls.fail("GetSecretValue")

    assert refused_for_now(deliver(body_of()), "secret_unavailable")


def test_why_the_secret_cannot_be_read_is_logged(
    deliver: Listener, body_of: BodyOf, calls: Calls, printed: Printed
) -> None:
    calls.refuse("GetSecretValue", "AccessDeniedException")
    deliver(body_of())

    [line] = printed.logs()
    assert "AccessDeniedException" in line["cause"]


def test_with_both_stores_out_the_sender_is_asked_to_try_again(
    deliver: Listener, body_of: BodyOf, calls: Calls, printed: Printed
) -> None:
    calls.fail("PutItem")
    calls.fail("SendMessage")

    assert refused_for_now(deliver(body_of()), "store_unavailable")
    assert printed.logs()[-1]["cause"].startswith("Read timeout")


def test_with_the_table_out_an_unusable_body_is_not_refused_for_good(deliver: Listener, calls: Calls) -> None:
    calls.fail("PutItem")

    assert refused_for_now(deliver(b"not JSON"), "store_unavailable")


def test_an_error_of_our_own_is_not_passed_off_as_an_outage(deliver: Listener, body_of: BodyOf, calls: Calls) -> None:
    calls.refuse("PutItem", "ValidationException")

    with pytest.raises(ClientError):
        deliver(body_of())


# --- The hand-over (design, section 4) ----------------------------------------------------------------
def test_put_fails_and_send_works_the_message_carries_the_whole_record(
    deliver: Listener, body_of: BodyOf, calls: Calls, sqs: "SQSClient", printed: Printed
) -> None:
    calls.fail("PutItem")

    answer = deliver(body_of())

    assert (answer.status, answer.content["status"]) == (200, "accepted")
    [message] = queued(sqs)
    assert message.unrecorded
    assert (message.identity, message.delivery.body) == (COMPLETED, body_of())
    assert printed.metrics()["DeliveryUnrecorded"] == [1]
    assert printed.logs()[-1]["detour"] == "unrecorded"


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_a_throttled_put_is_a_failed_one(
    code: str, deliver: Listener, body_of: BodyOf, calls: Calls, sqs: "SQSClient"
) -> None:
    calls.refuse("PutItem", code)

    assert deliver(body_of()).status == 200
    assert [message.unrecorded for message in queued(sqs)] == [True]


def test_put_works_and_send_fails_the_event_is_left_to_the_relay(
    deliver: Listener, body_of: BodyOf, calls: Calls, dynamodb: "DynamoDBClient", printed: Printed
) -> None:
    calls.fail("SendMessage")

    answer = deliver(body_of())

    assert (answer.status, answer.content["status"]) == (200, "accepted")
    assert [unsent.identity for unsent in deliver.ingest.events.unsent(10)] == [COMPLETED]
    assert [item["state"] for item in stored(dynamodb)] == ["RECEIVED"]
    assert printed.metrics()["DeliveryUnsent"] == [1]
    assert printed.logs()[-1]["detour"] == "unsent"


def test_whatever_a_send_fails_with_the_event_is_left_to_the_relay(
    deliver: Listener, body_of: BodyOf, calls: Calls
) -> None:
    calls.refuse("SendMessage", "KMS.DisabledException")

    with pytest.raises(ClientError, match="DisabledException"):
        deliver(body_of())
    assert [unsent.identity for unsent in deliver.ingest.events.unsent(10)] == [COMPLETED]


def test_put_works_send_and_flag_fail_the_sender_is_asked_to_try_again(
    deliver: Listener, body_of: BodyOf, calls: Calls
) -> None:
    calls.fail("SendMessage")
    calls.fail("UpdateItem")

    assert refused_for_now(deliver(body_of()), "store_unavailable")


def test_the_senders_retry_finds_what_could_not_be_sent_and_sends_it(
    deliver: Listener, body_of: BodyOf, calls: Calls, sqs: "SQSClient"
) -> None:
    calls.fail("SendMessage")
    calls.fail("UpdateItem")
    deliver(body_of())
    calls.mend()

    assert deliver(body_of()).content["status"] == "duplicate"
    assert [message.identity for message in queued(sqs)] == [COMPLETED]


def test_the_senders_retry_sends_what_was_recorded_without_an_answer(
    deliver: Listener, body_of: BodyOf, calls: Calls, dynamodb: "DynamoDBClient", sqs: "SQSClient"
) -> None:
    calls.lose_answer("PutItem")
    calls.fail("SendMessage", times=1)
    assert deliver(body_of()).status == 503

    assert deliver(body_of()).status == 200
    assert [item["state"] for item in stored(dynamodb)] == ["RECEIVED"]
    assert len(queued(sqs)) == 1


@pytest.mark.parametrize("status", ["duplicate", "conflict"])
def test_an_original_that_cannot_be_sent_again_is_left_to_the_relay(
    status: str, deliver: Listener, body_of: BodyOf, calls: Calls
) -> None:
    deliver(body_of())
    calls.fail("SendMessage")

    answer = deliver(body_of(data={"uuid": UUID, "amount": 1}) if status == "conflict" else body_of())

    assert (answer.status, answer.content["status"]) == (200, status)
    assert [unsent.identity for unsent in deliver.ingest.events.unsent(10)] == [COMPLETED]


def test_an_event_that_was_processed_before_it_could_be_flagged_is_asked_for_again(
    deliver: Listener, body_of: BodyOf, calls: Calls
) -> None:
    calls.fail("SendMessage")
    calls.refuse("UpdateItem", "ConditionalCheckFailedException")

    assert refused_for_now(deliver(body_of()), "store_unavailable")


def bring_to(deliver: Listener, state: str, now: datetime) -> None:
    match state:
        case "PROCESSED":
            deliver.ingest.events.mark_processed(COMPLETED, now, KEEP, [])
        case "IGNORED":
            deliver.ingest.events.mark_ignored(COMPLETED, now, KEEP)
        case "FAILED":
            deliver.ingest.events.mark_failed(COMPLETED, now, "no amount")


STATES = [("RECEIVED", True), ("FAILED", True), ("PROCESSED", False), ("IGNORED", False)]


@pytest.mark.parametrize(("state", "is_sent"), STATES)
def test_a_duplicate_of_an_unfinished_event_is_sent_again(
    state: str, is_sent: bool, deliver: Listener, body_of: BodyOf, sqs: "SQSClient", now: datetime
) -> None:
    deliver(body_of())
    queued(sqs)
    bring_to(deliver, state, now)

    deliver(body_of())

    assert len(queued(sqs)) == is_sent


@pytest.mark.parametrize(("state", "is_sent"), STATES)
def test_a_conflict_sends_the_unfinished_original_again_from_its_stored_body(
    state: str, is_sent: bool, deliver: Listener, body_of: BodyOf, sqs: "SQSClient", now: datetime
) -> None:
    deliver(body_of())
    queued(sqs)
    bring_to(deliver, state, now)

    deliver(body_of(data={"uuid": UUID, "amount": 1}))

    assert [message.delivery.body for message in queued(sqs)] == [body_of()] * is_sent


def test_a_failed_event_whose_revival_cannot_be_sent_is_asked_for_again(
    deliver: Listener, body_of: BodyOf, calls: Calls, now: datetime
) -> None:
    deliver(body_of())
    bring_to(deliver, "FAILED", now)
    calls.fail("SendMessage")

    assert refused_for_now(deliver(body_of()), "store_unavailable")


def test_a_conflict_that_cannot_be_kept_is_sent_to_be_recorded(
    deliver: Listener, body_of: BodyOf, calls: Calls, sqs: "SQSClient"
) -> None:
    deliver(body_of())
    queued(sqs)
    calls.fail("PutItem", skip=1)
    other = body_of(data={"uuid": UUID, "amount": 1})

    assert deliver(other).status == 200
    assert [(message.delivery.body, message.unrecorded) for message in queued(sqs)] == [(other, True)]


# --- How much it asks of AWS --------------------------------------------------------------------------
def test_a_first_delivery_takes_two_calls(warm: Listener, body_of: BodyOf, calls: Calls) -> None:
    warm(body_of())

    assert calls.names() == ["PutItem", "SendMessage"]


@pytest.mark.parametrize("state", ["PROCESSED", "IGNORED"])
def test_a_duplicate_of_a_finished_event_takes_one_call(
    state: str, warm: Listener, body_of: BodyOf, calls: Calls, now: datetime
) -> None:
    warm(body_of())
    bring_to(warm, state, now)
    calls.made.clear()

    warm(body_of())

    assert calls.names() == ["PutItem"]


@pytest.mark.parametrize("signature", ["", "not a signature", "00" * 32])
def test_a_forged_delivery_takes_no_call(signature: str, warm: Listener, body_of: BodyOf, calls: Calls) -> None:
    warm.ingest.secrets.refetch()
    calls.made.clear()

    warm(body_of(), signature=signature)

    assert calls.names() == []


def test_a_containers_first_forged_delivery_asks_whether_a_previous_secret_signed_it(
    warm: Listener, body_of: BodyOf, calls: Calls
) -> None:
    for _ in range(2):
        warm(body_of(), signature="00" * 32)

    assert [call["VersionStage"] for call in calls.of("GetSecretValue")] == ["AWSPREVIOUS"]
    assert calls.names() == ["GetSecretValue"]


def test_a_containers_first_delivery_reads_the_secret_besides(deliver: Listener, body_of: BodyOf, calls: Calls) -> None:
    deliver(body_of())

    assert calls.names() == ["GetSecretValue", "PutItem", "SendMessage"]


@pytest.mark.parametrize("wrong", ["method", "size", "signature"])
def test_what_cannot_be_a_delivery_does_not_even_take_the_secret(
    wrong: str, deliver: Listener, body_of: BodyOf, calls: Calls
) -> None:
    match wrong:
        case "method":
            deliver(body_of(), method="GET")
        case "size":
            deliver(b"a" * (MAX_BODY_BYTES + 1))
        case "signature":
            deliver(body_of(), signature="malformed")

    assert calls.names() == []


# --- Secrets ------------------------------------------------------------------------------------------
def rotate(secretsmanager: "SecretsManagerClient", value: str) -> None:
    secretsmanager.put_secret_value(SecretId="SigningSecret", SecretString=value)


def test_in_the_documented_order_a_rotation_refuses_nothing(
    deliver: Listener, body_of: BodyOf, secretsmanager: "SecretsManagerClient", clock: Clock
) -> None:
    statuses = [deliver(body_of()).status]
    rotate(secretsmanager, "new")  # first into AWS
    statuses.append(deliver(body_of()).status)
    clock.tick(TIME_TO_LIVE_SECONDS)  # one time to live
    statuses.append(deliver(body_of()).status)
    deliver.secret = b"new"  # then at the provider
    statuses.append(deliver(body_of()).status)

    assert statuses == [200] * 4


def test_a_rotation_that_the_provider_made_first_heals_by_a_refetch(
    deliver: Listener, body_of: BodyOf, secretsmanager: "SecretsManagerClient", clock: Clock
) -> None:
    deliver(body_of())
    deliver.secret = b"new"
    clock.tick(REFETCH_SECONDS)
    assert deliver(body_of()).status == 401
    rotate(secretsmanager, "new")
    assert deliver(body_of()).status == 401
    clock.tick(REFETCH_SECONDS)

    assert deliver(body_of()).status == 200


def test_which_secret_signed_is_told_and_counted(
    deliver: Listener, body_of: BodyOf, secretsmanager: "SecretsManagerClient", printed: Printed
) -> None:
    rotate(secretsmanager, "new")
    deliver(body_of())
    assert (printed.logs()[-1]["secret"], printed.metrics()["SecretPrevious"]) == ("previous", [1])
    deliver.secret = b"new"
    deliver(body_of())

    assert (printed.logs()[-1]["secret"], printed.metrics()["SecretCurrent"]) == ("current", [1])


def test_while_a_cached_secret_serves_the_log_says_why(
    warm: Listener, body_of: BodyOf, secretsmanager: "SecretsManagerClient", clock: Clock, printed: Printed
) -> None:
    rotate(secretsmanager, '{"key": "new", "other": "text"}')
    clock.tick(TIME_TO_LIVE_SECONDS)

    assert warm(body_of()).status == 200
    assert printed.logs()[-1]["cause"].startswith("The secret is JSON, and not one key with one text")


def test_a_retired_secret_is_refused_within_the_time_to_live(
    deliver: Listener, body_of: BodyOf, secretsmanager: "SecretsManagerClient", clock: Clock
) -> None:
    deliver(body_of())
    rotate(secretsmanager, "new")
    rotate(secretsmanager, "newer")
    clock.tick(TIME_TO_LIVE_SECONDS)

    assert deliver(body_of()).status == 401


def test_forged_traffic_causes_one_fetch_in_ten_seconds_at_most(
    deliver: Listener, body_of: BodyOf, clock: Clock, calls: Calls
) -> None:
    seconds = 100
    for _ in range(seconds * 2):
        deliver(body_of(), signature="00" * 32)
        clock.tick(0.5)

    fetches = sum(call["VersionStage"] == "AWSCURRENT" for call in calls.of("GetSecretValue"))
    assert fetches <= seconds / REFETCH_SECONDS


def test_with_the_secret_store_down_the_cached_secret_serves(
    deliver: Listener, body_of: BodyOf, clock: Clock, calls: Calls
) -> None:
    deliver(body_of())
    calls.fail("GetSecretValue")
    clock.tick(TIME_TO_LIVE_SECONDS * 2)

    assert deliver(body_of()).status == 200
    assert deliver(body_of(), signature="00" * 32).status == 401


# --- What is printed ----------------------------------------------------------------------------------
def deliver_everything(deliver: Listener, body_of: BodyOf, calls: Calls, clock: Clock) -> list[str]:
    """Every kind of answer once; returns what must not be printed: bodies and signatures."""
    bodies = [
        body_of("payment.completed", {"uuid": UUID, "private": "content-1"}),
        body_of("payment.completed", {"uuid": UUID, "private": "content-2"}),
        b"private content-3, not JSON",
        body_of("payment.created", {"uuid": UUID, "private": "content-4"}),
    ]
    for body in bodies:
        deliver(body)
        deliver(body)
        deliver(body, is_base64=True)
        deliver(body, signature="00" * 32)
        deliver(body, signature="private-signature")
        deliver(body, method="GET")
        deliver(body, headers={"content-type": "text/plain"})
        clock.tick(REFETCH_SECONDS)
    deliver(b"private" * MAX_BODY_BYTES)
    calls.fail("PutItem", times=1)
    deliver(bodies[0])
    calls.fail("SendMessage")
    deliver(body_of("payment.expired", {"uuid": UUID, "private": "content-5"}))
    calls.fail("PutItem")
    deliver(bodies[0])
    return ["private", "content-", "00" * 32, *(sign(body, deliver.secret) for body in bodies)]


def test_no_secret_signature_or_body_is_ever_printed(
    deliver: Listener, body_of: BodyOf, calls: Calls, clock: Clock, printed: Printed
) -> None:
    private = deliver_everything(deliver, body_of, calls, clock)

    text = printed.text()
    assert len(printed.logs()) > 30
    for words in [*private, deliver.secret.decode()]:
        assert words not in text
        assert words.upper() not in text.upper()


def test_what_a_log_line_tells_of_an_accepted_delivery(deliver: Listener, body_of: BodyOf, printed: Printed) -> None:
    deliver(body_of())

    [line] = printed.logs()
    assert line["message"] == "delivery accepted"
    expected = {
        "status": 200,
        "source": "203.0.113.7",
        "request_id": "request-1",
        "bytes": len(body_of()),
        "body_sha256": hashlib.sha256(body_of()).hexdigest(),
        "scheme": "raw",
        "event": "payment.completed",
        "uuid": UUID,
        "event_key": "payment.completed",
        "secret": "current",
        "xray_trace_id": None,
    }
    assert {name: line[name] for name in expected} == expected


def test_a_log_line_tells_the_trace_and_the_instant_to_the_millisecond(
    deliver: Listener, body_of: BodyOf, printed: Printed, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    deliver.ingest = replace(deliver.ingest, now=lambda: now + timedelta(milliseconds=7))
    deliver(body_of())

    [line] = printed.logs()
    assert line["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert (line["timestamp"], line["_aws"]["Timestamp"]) == ("2026-01-15T10:25:01.007+00:00", 1768472701007)
    assert set(printed.units().values()) == {"Count"}


def test_what_a_log_line_tells_of_a_forged_delivery(deliver: Listener, body_of: BodyOf, printed: Printed) -> None:
    deliver(body_of(), signature="00" * 32)

    [line] = printed.logs()
    assert line["message"] == "delivery forged"
    expected = {
        "status": 401,
        "reason": "signature_mismatch",
        "source": "203.0.113.7",
        "bytes": len(body_of()),
        "body_sha256": hashlib.sha256(body_of()).hexdigest(),
    }
    assert {name: line[name] for name in expected} == expected
    assert "cause" not in line


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("accepted", "DeliveryAccepted"),
        ("duplicate", "DeliveryDuplicate"),
        ("conflict", "DeliveryConflict"),
        ("unusable", "DeliveryUnusable"),
        ("forged", "DeliveryForged"),
        ("refused", "DeliveryRefused"),
        ("unavailable", "DeliveryUnavailable"),
    ],
)
def test_every_outcome_is_counted(
    kind: str, metric: str, deliver: Listener, body_of: BodyOf, calls: Calls, printed: Printed
) -> None:
    match kind:
        case "accepted":
            deliver(body_of())
        case "duplicate":
            deliver(body_of())
            deliver(body_of())
        case "conflict":
            deliver(body_of())
            deliver(body_of(data={"uuid": UUID}))
        case "unusable":
            deliver(b"not JSON")
        case "forged":
            deliver(body_of(), signature="")
        case "refused":
            deliver(body_of(), method="GET")
        case "unavailable":
            calls.fail("GetSecretValue")
            deliver(body_of())

    assert printed.metrics()[metric] == [1]


def test_lean_monitoring_counts_what_rings_an_alarm_and_nothing_else(
    deliver: Listener, body_of: BodyOf, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "emf", EmfLog("ingest", "WickiePay/stack", emitted("lean")))
    deliver(body_of())
    deliver(body_of())
    deliver(body_of(), signature="")

    assert [line["message"] for line in printed.logs()] == [
        "delivery accepted",
        "delivery duplicate",
        "delivery forged",
    ]
    assert printed.metrics() == {"DeliveryForged": [1]}


def test_an_unusable_body_rings_its_alarm(deliver: Listener, printed: Printed, alarm: Callable[[str], str]) -> None:
    deliver(b"not JSON")

    assert printed.metrics()[alarm("UnusableAlarm")] == [1]


@pytest.mark.parametrize("event", ["channel.payment.confirmed", "payment.completed"])
def test_a_conflict_rings_its_alarm(
    event: str, deliver: Listener, body_of: BodyOf, printed: Printed, alarm: Callable[[str], str]
) -> None:
    deliver(body_of(event, {"uuid": UUID, "amount": 1}))
    deliver(body_of(event, {"uuid": UUID, "amount": 2}))

    assert printed.metrics()[alarm("IngestConflictAlarm")] == [1]


# --- Hostile input: never a 5xx, never an exception, nothing stored unless signed ------------------------
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "Content-Type", "x-webhook-signature", "X-Webhook-Signature"]),
    st.sampled_from(["application/json", "0" * 64, ""]) | JSON,
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "requestContext": JSON
        | st.fixed_dictionaries(
            {"http": st.fixed_dictionaries({"method": st.just("POST") | JSON, "sourceIp": JSON})},
            optional={"requestId": JSON},
        ),
        "headers": HEADERS | JSON,
        "body": st.text(st.characters(codec=None))
        | st.binary().map(lambda body: base64.b64encode(body).decode())
        | JSON,
        "isBase64Encoded": st.booleans() | JSON,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6 * settings().max_examples)
@given(event=JSON | ENVELOPES)
def test_any_api_event_gets_a_4xx_and_leaves_nothing_behind(event: object, warm: Listener, calls: Calls) -> None:
    assert 400 <= warm.send(event).status < 500
    assert set(calls.names()) <= {"GetSecretValue"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=4 * settings().max_examples)
@given(
    body=st.binary(), signature=st.text(st.characters(codec=None)) | st.binary(min_size=32, max_size=32).map(bytes.hex)
)
def test_any_unsigned_request_gets_a_401_and_leaves_nothing_behind(
    body: bytes, signature: str, warm: Listener, calls: Calls
) -> None:
    assert warm(body, signature=signature or "?", is_base64=True).status == 401
    assert set(calls.names()) <= {"GetSecretValue"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=4 * settings().max_examples)
@given(
    body=st.binary()
    | st.fixed_dictionaries({"event": JSON, "data": JSON, "timestamp": JSON, "id": JSON}).map(
        lambda envelope: json.dumps(envelope).encode()
    )
    | st.dictionaries(st.sampled_from(["uuid", "id", "status", "hash"]), JSON).map(
        lambda data: json.dumps({"event": "channel.payment.confirmed", "data": data}).encode()
    )
)
def test_any_signed_body_is_taken_or_kept_as_unusable(body: bytes, warm: Listener) -> None:
    assert warm(body, is_base64=True).status in {200, 400}


# --- As the template wires it -------------------------------------------------------------------------
@pytest.fixture
def wired(deliver: Listener, environment: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Listener:
    """The listener that the template's environment variables make."""
    deliver.ingest = ingest.from_environment(environment("IngestFunction"))
    monkeypatch.setattr(ingest, "ingest", deliver.ingest)
    return deliver


def test_the_lambda_function(wired: Listener, body_of: BodyOf, dynamodb: "DynamoDBClient", sqs: "SQSClient") -> None:
    event = {
        "requestContext": {"http": {"method": "POST"}},
        "headers": {"content-type": "application/json", "x-webhook-signature": sign(body_of(), wired.secret)},
        "body": body_of().decode(),
    }

    assert ingest.lambda_handler(event, None)["statusCode"] == 200
    assert len(stored(dynamodb)) == len(queued(sqs)) == 1


def test_the_templates_defaults(wired: Listener) -> None:
    assert list(wired.ingest.schemes) == list(SCHEMES)
    assert wired.ingest.allowed_sources == []


def test_the_templates_parameters(environment: Callable[[str], dict[str, str]]) -> None:
    parameters = {"ACCEPTED_SCHEMES": "raw,python", "SOURCE_ALLOW_LIST": ",".join(ALLOWED)}

    made = ingest.from_environment({**environment("IngestFunction"), **parameters})

    assert list(made.schemes) == ["raw", "python"]
    assert made.allowed_sources == [ipaddress.ip_network(network) for network in ALLOWED]
    assert made.secrets._clock is time.time


def test_an_allowed_network_may_be_named_by_any_of_its_addresses(environment: Callable[[str], dict[str, str]]) -> None:
    made = ingest.from_environment({**environment("IngestFunction"), "SOURCE_ALLOW_LIST": "192.0.2.7/24"})

    assert made.allowed_sources == [ipaddress.ip_network("192.0.2.0/24")]
