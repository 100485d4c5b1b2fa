"""The request inside an event of an HTTP API (payload format 2.0 or 1.0), a REST API or a load balancer (ALB).

The event is untrusted beyond being JSON: what is missing or of another type reads as empty, and the texts that reach
records and log lines are bounded.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
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

# Base64 (RFC 4648) writes three bytes as four characters. A longer text is too large and is not decoded.
_MAX_BODY_CHARACTERS = MAX_BODY_BYTES // 3 * 4 + 4

_SHOWN: Final = 100
"""Most characters of a header that an answer shows; the sender knows the rest."""

BELOW: Final = "below"
"""The template's name for the rest of a path below the webhook's. It may hold a slash and nothing else."""

_WITH_PORT = re.compile(r"\[(.*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
_OTHER_CHARSET = re.compile(r";\s*charset\s*=\s*+\"?+(?!utf-?8\b)", re.IGNORECASE)


class HttpRequest:
    """The request that `event` describes. `is_json` says whether its content type is JSON."""

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
        """The value of the header `name` (given in lower case), or None. Several values are joined by commas.

        Header names are case-insensitive (RFC 9110, section 5.1).
        """
        size = len(name)  # cheapest test first: most names differ in length (7,000 instructions less of 18,000)
        found = [value for key, value in self._headers.items() if len(key) == size and key.lower() == name]
        values = [v for value in found for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]
        return ",".join(values) if values else None

    def remark(self) -> str:
        """Sentences about headers that may explain why the body was rejected; empty for plain JSON."""
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
        """The answer, in the format of the request."""
        answer = {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}
        if _field(self._event, "multiValueHeaders"):  # a load balancer that sends them accepts nothing else
            answer["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
        return answer

    def body(self) -> bytes:
        """The body's bytes. Raises `BodyTooLarge` above 256 KiB, and `MalformedRequest` for invalid base64."""
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
    """Whether the type is `application/json`, or ends in `+json` (RFC 6839)."""
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _last_address(forwarded: str) -> str:
    """The address that the load balancer itself has appended to the sender's claims; empty if it is not an address."""
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
