"""The request inside an API Gateway event (HTTP API, payload format 2.0).

Nothing about the event is taken for granted, but that it was read from JSON: whatever is missing or of another type
reads as empty, and what goes into records and log lines is bounded.
"""

import base64
import binascii

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.errors import BodyTooLarge, MalformedRequest
from wickiepay.identity import bounded

# Base64 writes three bytes as four characters: what is longer need not be decoded to be known as too large.
_MAX_BODY_CHARACTERS = MAX_BODY_BYTES // 3 * 4 + 4


class HttpRequest:
    def __init__(self, event: object) -> None:
        self._event = event
        http = _field(_field(event, "requestContext"), "http")
        self.method = _text(http, "method")
        self.source = _bounded(http, "sourceIp")
        self.request_id = _bounded(_field(event, "requestContext"), "requestId")

    def header(self, name: str) -> str | None:
        """The value of the header `name` (lowercase), in whatever case it came; several come joined by commas."""
        headers = _field(self._event, "headers")
        if not isinstance(headers, dict):
            return None
        size = len(name)  # to look at first: it rules out most
        values = [v for key, v in headers.items() if len(key) == size and key.lower() == name and isinstance(v, str)]
        return ",".join(values) if values else None

    def is_json(self) -> bool:
        """Whether the body is said to be JSON: `application/json`, or a type that ends in `+json` (RFC 6839)."""
        media_type = (self.header("content-type") or "").partition(";")[0].strip().lower()
        kind, _, subtype = media_type.partition("/")
        return kind == "application" and (subtype == "json" or subtype.endswith("+json"))

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


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: object, name: str) -> str:
    text = _field(value, name)
    return text if isinstance(text, str) else ""


def _bounded(value: object, name: str) -> str:
    text = _text(value, name)
    return bounded(text) if text else ""
