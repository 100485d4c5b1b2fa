"""The request inside an event of an HTTP API (payload format 2.0 or 1.0), a REST API or a load balancer (ALB).

Nothing about the event is taken for granted, but that it was read from JSON: whatever is missing or of another type
reads as empty, and what goes into records and log lines is bounded.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.errors import BodyTooLarge, MalformedRequest
from wickiepay.identity import bounded

# Base64 writes three bytes as four characters: what is longer need not be decoded to be known as too large.
_MAX_BODY_CHARACTERS = MAX_BODY_BYTES // 3 * 4 + 4

_SHOWN: Final = 100
"""Characters of a header that an answer shows: whoever sent it knows the rest."""

BELOW: Final = "below"
"""The template's name for what stands in a path below that of the webhook: nothing but a slash may."""

_WITH_PORT = re.compile(r"\[(.*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
_OTHER_CHARSET = re.compile(r";\s*charset\s*=\s*+\"?+(?!utf-?8\b)", re.IGNORECASE)


class HttpRequest:
    """What `event` says of a request; `is_json` is whether it says that the body is JSON."""

    def __init__(self, event: object) -> None:
        self._event = event
        headers = _field(event, "multiValueHeaders") or _field(event, "headers")
        self._headers = headers if isinstance(headers, dict) else {}
        context = _field(event, "requestContext")
        http = _field(context, "http")
        self.method = _text(http, "method") or _text(event, "httpMethod")
        if _field(context, "elb"):
            self.source = _last_address(self.header("x-forwarded-for") or "")
            self.request_id = _kept(self.header("x-amzn-trace-id") or "")
        else:
            self.source = _bounded(http, "sourceIp") or _bounded(_field(context, "identity"), "sourceIp")
            self.request_id = _bounded(context, "requestId")
        self.content_type = (self.header("content-type") or "").strip()
        self.is_json = _is_json(self.content_type)
        self.is_below = bool(_text(_field(event, "pathParameters"), BELOW))

    def header(self, name: str) -> str | None:
        """The value of the header `name` (lowercase), in whatever case it came; several come joined by commas."""
        size = len(name)  # cheapest test first: most names differ in length (7,000 instructions less of 18,000)
        found = [value for key, value in self._headers.items() if len(key) == size and key.lower() == name]
        values = [v for value in found for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]
        return ",".join(values) if values else None

    def remark(self) -> str:
        """What was said of the body that may be why it is not taken, in sentences; nothing of JSON as usual."""
        remarks = []
        encoding = (self.header("content-encoding") or "").strip()
        if encoding.lower() not in {"", "identity"}:
            remarks.append(f"It came compressed (Content-Encoding: {encoding[:_SHOWN]}), and is not unpacked.")
        if not self.is_json:
            what = f"as {self.content_type[:_SHOWN]}" if self.content_type else "without a content type"
            remarks.append(f"It came {what}: then a signature of its very bytes alone counts.")
        elif _OTHER_CHARSET.search(self.content_type):
            remarks.append(f"It came as {self.content_type[:_SHOWN]}, and is read as UTF-8.")
        return " ".join(remarks)

    def answer(self, status: int, headers: Mapping[str, str], body: str) -> dict[str, Any]:
        """An answer, in the form in which the request came."""
        answer = {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}
        if _field(self._event, "multiValueHeaders"):  # a load balancer that gives them takes nothing else
            answer["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
        return answer

    def body(self) -> bytes:
        """The body's bytes. Raises `BodyTooLarge` above 256 KiB, `MalformedRequest` for base64 that is none."""
        text = _text(self._event, "body")
        if len(text) > _MAX_BODY_CHARACTERS:
            raise BodyTooLarge(f"The body is larger than {MAX_BODY_BYTES} bytes.")
        if _field(self._event, "isBase64Encoded") is True:
            try:
                body = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError) as error:
                raise MalformedRequest("The body is flagged as base64 and is not.") from error
        else:
            body = text.encode("utf-8", "surrogatepass")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The body is larger than {MAX_BODY_BYTES} bytes.")
        return body


def _is_json(content_type: str) -> bool:
    """Whether it is `application/json`, or a type that ends in `+json` (RFC 6839)."""
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _last_address(forwarded: str) -> str:
    """The address that the load balancer itself has added to those that the sender claims; empty where it is none."""
    last = forwarded.rpartition(",")[2].strip()
    if with_port := _WITH_PORT.fullmatch(last):
        last = with_port[1] or with_port[2]
    try:
        return str(ipaddress.ip_address(last))
    except ValueError:
        return ""


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: object, name: str) -> str:
    text = _field(value, name)
    return text if isinstance(text, str) else ""


def _bounded(value: object, name: str) -> str:
    return _kept(_text(value, name))


def _kept(text: str) -> str:
    return bounded(text) if text else ""
