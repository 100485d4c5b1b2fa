"""Bodies and headers of strangers, prepared for a page. What is returned as `Markup` is escaped already."""

import base64
import hashlib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import unified_diff
from itertools import batched
from json import JSONDecodeError
from typing import Final

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JsonLexer

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay_cli.sending import exact_json
from wickiepay_cli.watching.exchange import Headers

COLOURED: Final = 64 * 1024
"""Most characters that are coloured, which takes a tenth of a second."""

HEX_BYTES: Final = 16 * 1024
"""Most bytes that are shown in hexadecimal."""

WIDTH: Final = 16

SECRET_HEADERS: Final = frozenset(
    {"x-webhook-signature", "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
ENDS: Final = 4
"""Characters at each end of a signature that are shown, so that two can be told apart."""

SIGNATURE_CHARACTERS: Final = 64


_SIGNED: Final = '-H "X-Webhook-Signature: $signature"'


@dataclass(frozen=True, slots=True)
class Body:
    """A body in the forms in which it is shown. If it is not JSON, `flaw` says where and why, and `pretty` is None.

    Of a body that is too long for the listener, only the beginning is shown.
    """

    size: int
    left_out: int
    sha256: str
    raw: str
    pretty: Markup | None
    flaw: str | None
    hex: str
    hex_left_out: int


def body_of(content: bytes) -> Body:
    pretty, flaw = None, None
    if len(content) <= MAX_BODY_BYTES:
        try:
            pretty = coloured(exact_json.write(exact_json.read(content)))
        except ValueError as error:
            flaw = _flaw(content, error) if content else "There is no body."
    return Body(
        size=len(content),
        left_out=max(0, len(content) - MAX_BODY_BYTES),
        sha256=hashlib.sha256(content).hexdigest(),
        raw=content[:MAX_BODY_BYTES].decode(errors="replace"),
        pretty=pretty,
        flaw=flaw,
        hex="\n".join(_hex_lines(content[:HEX_BYTES])),
        hex_left_out=max(0, len(content) - HEX_BYTES),
    )


def coloured(text: str) -> Markup:
    """JSON in ASCII, as `exact_json` writes it, for a page: in colours unless it is long."""
    if len(text) > COLOURED:
        return Markup.escape(text)
    return Markup(highlight(text, JsonLexer(), HtmlFormatter(nowrap=True)))  # noqa: S704  Pygments escapes it


def _flaw(content: bytes, error: ValueError) -> str:
    match error:
        case UnicodeDecodeError(start=start, reason=reason):
            return f"It is not UTF-8: {reason} at byte {start}."
        case JSONDecodeError(msg=message, lineno=line, colno=column, pos=at):
            around = content.decode()[max(0, at - 20) : at + 20]
            return f"It is not JSON: {message} at line {line}, column {column}, near {around!r}."
    return f"It is not JSON: {error}"


def _hex_lines(content: bytes) -> Iterable[str]:
    for number, some in enumerate(batched(content, WIDTH, strict=False)):
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in some)
        yield f"{number * WIDTH:06x}  {bytes(some).hex(' '):<{3 * WIDTH}} {text}"


def difference(first: bytes, second: bytes) -> list[str]:
    """The lines in which two bodies differ, each laid out as JSON if it is some; empty if only their layout differs."""
    return list(unified_diff(_lines(first), _lines(second), "the first delivery", "this one", lineterm="", n=2))


def _lines(body: bytes) -> list[str]:
    try:
        return exact_json.write(exact_json.read(body)).splitlines()
    except ValueError:
        return body.decode(errors="replace").splitlines()


def headers_of(headers: Headers) -> list[tuple[str, str]]:
    """Headers as text, those that grant something masked but for their ends."""
    texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return [(name, masked(value) if name.lower() in SECRET_HEADERS else value) for name, value in texts]


def masked(value: str) -> str:
    """A signature without its middle. What is no whole signature may be a secret instead, and is not shown at all."""
    counted = f"({len(value)} characters)"
    if len(value) < SIGNATURE_CHARACTERS:
        return f"not shown {counted}"
    return f"{value[:ENDS]}...{value[-ENDS:]} {counted}"


def as_curl(body: bytes, url: str) -> str:
    """Commands for a shell that sign the body with the secret of the environment, and send it."""
    return "\n".join(
        (
            f"{_printing(body)} > delivery.json",
            'signature=$(openssl dgst -sha256 -hmac "$WICKIEPAY_WEBHOOK_SECRET" -r < delivery.json | cut -d" " -f1)',
            f"curl -sS {shlex.quote(url)} -H 'Content-Type: application/json' {_SIGNED} --data-binary @delivery.json",
        )
    )


def as_trigger(body: bytes, options: str) -> str:
    return f"{_printing(body)} | wickiepay trigger --file -{options}"


def _printing(body: bytes) -> str:
    """What prints these bytes in a shell, in characters that do nothing to a terminal into which they are pasted."""
    text = body.decode("ascii", errors="replace")
    if text.isprintable() and text.encode() == body:
        return f"printf %s {shlex.quote(text)}"
    return f"printf %s {base64.b64encode(body).decode()} | base64 -d"
