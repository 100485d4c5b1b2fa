"""The request inside an API Gateway event, of which nothing is taken for granted."""

import base64
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_request import HttpRequest
from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.errors import BodyTooLarge, MalformedRequest


def encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def test_a_request() -> None:
    request = HttpRequest(
        {
            "version": "2.0",
            "requestContext": {"requestId": "request-1", "http": {"method": "POST", "sourceIp": "203.0.113.7"}},
            "headers": {"content-type": "application/json"},
            "body": "{}",
            "isBase64Encoded": False,
        }
    )

    assert (request.method, request.source, request.request_id) == ("POST", "203.0.113.7", "request-1")
    assert request.header("content-type") == "application/json"
    assert request.body() == b"{}"


OLD: Final = {
    "httpMethod": "POST",
    "headers": {"content-type": "application/json"},
    "body": "{}",
    "isBase64Encoded": False,
}
"""What payload format 1.0 and load balancers have in common."""


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(
            {"version": "1.0", "requestContext": {"requestId": "id-1", "identity": {"sourceIp": "203.0.113.7"}}},
            id="1.0",
        ),
        pytest.param(
            {
                "multiValueHeaders": {"Content-Type": ["application/json"]},
                "requestContext": {"requestId": "id-1", "identity": {"sourceIp": "203.0.113.7"}},
            },
            id="REST API",
        ),
        pytest.param(
            {
                "requestContext": {"elb": {"targetGroupArn": "arn"}},
                "headers": {
                    "content-type": "application/json",
                    "x-amzn-trace-id": "id-1",
                    "x-forwarded-for": "198.51.100.1, 203.0.113.7",
                },
            },
            id="ALB",
        ),
        pytest.param(
            {
                "requestContext": {"elb": {"targetGroupArn": "arn"}},
                "headers": None,
                "multiValueHeaders": {
                    "content-type": ["application/json"],
                    "x-amzn-trace-id": ["id-1"],
                    "x-forwarded-for": ["198.51.100.1", "198.51.100.2, 203.0.113.7"],
                },
            },
            id="ALB with multi-value headers",
        ),
    ],
)
def test_a_request_in_the_older_forms(event: dict[str, object]) -> None:
    request = HttpRequest(OLD | event)

    assert (request.method, request.source, request.request_id) == ("POST", "203.0.113.7", "id-1")
    assert (request.is_json, request.body()) == (True, b"{}")


@pytest.mark.parametrize(
    ("forwarded", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("10.0.0.1,203.0.113.7:49152", "203.0.113.7"),
        ("10.0.0.1, [2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("203.0.113.7, unknown", ""),
        ("203.0.113.7,", ""),
        ("[203.0.113.7", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_behind_a_load_balancer_the_source_is_the_last_address_that_was_added(
    forwarded: str | None, source: str
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}

    assert HttpRequest({"requestContext": {"elb": {}, "x": 1}, "headers": headers}).source == ""
    assert HttpRequest({"requestContext": {"elb": {"targetGroupArn": "arn"}}, "headers": headers}).source == source


def test_what_a_sender_claims_of_its_address_counts_nowhere_else() -> None:
    headers = {"X-Forwarded-For": "203.0.113.7"}

    assert (
        HttpRequest({"requestContext": {"http": {"sourceIp": "198.51.100.1"}}, "headers": headers}).source
        == "198.51.100.1"
    )
    assert HttpRequest({"requestContext": {}, "headers": headers}).source == ""


def test_of_several_values_of_a_header_all_are_read() -> None:
    headers = {"headers": {"a": "2"}, "multiValueHeaders": {"A": ["1", 7, "2"]}}

    assert HttpRequest(headers).header("a") == "1,2"


@pytest.mark.parametrize(("multi", "expected"), [({}, False), ({"multiValueHeaders": {"a": ["1"]}}, True)])
def test_an_answer_has_the_form_of_its_request(multi: dict[str, object], expected: bool) -> None:
    answer = HttpRequest(multi).answer(405, {"Allow": "POST"}, "{}")

    assert {name: answer[name] for name in ("statusCode", "headers", "body", "isBase64Encoded")} == {
        "statusCode": 405,
        "headers": {"Allow": "POST"},
        "body": "{}",
        "isBase64Encoded": False,
    }
    assert answer.get("multiValueHeaders") == ({"Allow": ["POST"]} if expected else None)


@pytest.mark.parametrize(
    ("headers", "remark"),
    [
        ({"content-type": "application/json"}, ""),
        ({"content-type": 'application/json; charset="UTF-8"', "content-encoding": "identity"}, ""),
        (
            {"content-type": "application/json; charset=utf-16"},
            "It came as application/json; charset=utf-16, and is read as",
        ),
        ({"content-type": "text/plain"}, "It came as text/plain: then a signature of its very bytes alone counts."),
        ({"content-type": "x" * 9999}, f"It came as {'x' * 100}: then"),
        ({}, "It came without a content type: then"),
        (
            {"content-type": "application/json", "content-encoding": "gzip"},
            "It came compressed (Content-Encoding: gzip),",
        ),
    ],
)
def test_what_was_said_of_a_body_is_remarked_on(headers: dict[str, str], remark: str) -> None:
    said = HttpRequest({"headers": headers}).remark()
    assert said.startswith(remark) if remark else said == ""


@pytest.mark.parametrize("name", ["x-webhook-signature", "X-Webhook-Signature", "X-WEBHOOK-SIGNATURE"])
def test_a_header_is_found_in_any_case(name: str) -> None:
    assert HttpRequest({"headers": {name: "value"}}).header("x-webhook-signature") == "value"


def test_a_header_that_comes_twice_in_different_cases_is_joined() -> None:
    assert HttpRequest({"headers": {"A": "1", "a": "2"}}).header("a") == "1,2"


@pytest.mark.parametrize("headers", [{}, {"b": "1"}, None, [], "a: 1", 7, [["a", "1"]]])
def test_a_header_that_is_not_there(headers: object) -> None:
    assert HttpRequest({"headers": headers}).header("a") is None


@pytest.mark.parametrize("name", ["method", "source", "request_id"])
@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        [],
        "event",
        {"requestContext": None},
        {"requestContext": []},
        {"requestContext": {"requestId": None, "http": None}},
        {"requestContext": {"requestId": 7, "http": {"method": ["POST"], "sourceIp": {}}}},
        {"requestContext": {"http": "POST"}},
    ],
)
def test_what_is_missing_or_of_another_type_reads_as_empty(event: object, name: str) -> None:
    assert getattr(HttpRequest(event), name) == ""


# --- The body -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("event", "body"),
    [
        ({"body": "é"}, "é".encode()),
        ({"body": "é", "isBase64Encoded": False}, "é".encode()),
        ({"body": encoded(b"\xff\x00"), "isBase64Encoded": True}, b"\xff\x00"),
        ({"body": encoded(b"text"), "isBase64Encoded": "true"}, encoded(b"text").encode()),
        ({"body": "", "isBase64Encoded": True}, b""),
        ({"body": "\ud800"}, b"\xed\xa0\x80"),
        ({"body": None}, b""),
        ({"body": {"event": "a"}}, b""),
        ({"isBase64Encoded": True}, b""),
        ({}, b""),
        (None, b""),
    ],
)
def test_the_bodys_bytes(event: object, body: bytes) -> None:
    assert HttpRequest(event).body() == body


@given(st.binary())
def test_a_body_in_base64_is_decoded(body: bytes) -> None:
    assert HttpRequest({"body": encoded(body), "isBase64Encoded": True}).body() == body


@given(st.text())
def test_a_body_in_plain_text_is_encoded(text: str) -> None:
    assert HttpRequest({"body": text}).body() == text.encode()


@pytest.mark.parametrize(
    "text", ["{}", "a", "ab=c", "YQ", "YQ==YQ==", "Y Q==", "YQ==\n", "YQ-_", "é", "\ud800", "===="]
)
def test_base64_that_is_none(text: str) -> None:
    with pytest.raises(MalformedRequest):
        HttpRequest({"body": text, "isBase64Encoded": True}).body()


LARGEST = b"a" * MAX_BODY_BYTES


@pytest.mark.parametrize(
    "event",
    [
        {"body": LARGEST.decode()},
        {"body": encoded(LARGEST), "isBase64Encoded": True},
        {"body": "é" * (MAX_BODY_BYTES // 2)},
        {"body": encoded(LARGEST[:-1]), "isBase64Encoded": True},
    ],
)
def test_the_largest_body(event: object) -> None:
    assert MAX_BODY_BYTES - 1 <= len(HttpRequest(event).body()) <= MAX_BODY_BYTES


@pytest.mark.parametrize(
    "event",
    [
        {"body": LARGEST.decode() + "a"},
        {"body": encoded(LARGEST + b"a"), "isBase64Encoded": True},
        {"body": encoded(LARGEST + b"aaaa"), "isBase64Encoded": True},
        {"body": "é" * (MAX_BODY_BYTES // 2) + "a"},
        {"body": "\U0001f600" * MAX_BODY_BYTES},
        {"body": "!" * 5_000_000, "isBase64Encoded": True},
    ],
)
def test_too_large_a_body(event: object) -> None:
    with pytest.raises(BodyTooLarge):
        HttpRequest(event).body()
