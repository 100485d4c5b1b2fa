"""Captured requests: curl commands, HAR archives, events of API Gateway, and what went over the wire."""

import argparse
import base64
import codecs
import json
import re
import shlex
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import h11

from wickiepay_cli.diagnosis.verdict import Received
from wickiepay_cli.failure import Failure

SIGNATURE_HEADER: Final = "x-webhook-signature"

type Headers = Sequence[tuple[str, str]]

_QUOTED = re.compile(r"""\$'(?P<ansi_c>(?:[^'\\]|\\.)*)'|'[^']*'|"(?:[^"\\]|\\.)*"|\\.""", re.DOTALL)
_ESCAPE = re.compile(r"""\\(?:u[0-9a-fA-F]{4}|(x[0-9a-fA-F]{2}|[0-3][0-7]{2})|[abfnrtv\\'"])""")
_LENGTH = re.compile(r"[0-9]{1,18}")
_VERSION = re.compile(rb"\A(\S+ \S+) HTTP/[0-9.]+")


def read(text: bytes, entry: int | None = None) -> Received:
    """The delivery in a captured request. `entry` chooses one of a HAR archive, from 0 on.

    Without it, that is the first POST with a signature, else the first POST. Raises `Failure` for anything that is no
    such request.
    """
    start = text.removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith((b"curl ", b"$ curl ")):
        return _curl(start.decode(errors="surrogateescape"))
    if start.startswith(b"{"):
        return _json(start, entry)
    return _http(start)


def _received(headers: Headers, body: bytes) -> Received:
    """Values of a header that comes several times are joined, as HTTP has it (and API Gateway does)."""
    signatures = [value for name, value in headers if name.lower() == SIGNATURE_HEADER]
    lengths = [value for name, value in headers if name.lower() == "content-length" and _LENGTH.fullmatch(value)]
    return Received(body, ", ".join(signatures) if signatures else None, int(lengths[0]) if lengths else None)


# --- curl --------------------------------------------------------------------------------------------
class _Curl(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failure(f"The curl command cannot be read: {message}.")


def _curl(command: str) -> Received:
    parser = _Curl(add_help=False, allow_abbrev=False)
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json", action="append")
    try:
        words = shlex.split(_QUOTED.sub(_as_shlex_has_it, command))
    except ValueError as error:
        raise Failure(f"The curl command cannot be read: {error}.") from error
    options, _ = parser.parse_known_args(words)
    if options.data is None:
        raise Failure("The curl command sends no body: there is no --data in it.")
    for each in options.data:
        if each.startswith("@"):
            raise Failure(f"The body is in a file: give it with --body {each[1:]}.")
    headers = [(name, value.strip()) for name, _, value in (each.partition(":") for each in options.header)]
    return _received(headers, "&".join(options.data).encode(errors="surrogateescape"))


def _as_shlex_has_it(quoted: re.Match[str]) -> str:
    """A quoted part of a command; what `shlex` does not know, $'…' and lines that go on, in other words."""
    if quoted["ansi_c"] is not None:
        return shlex.quote(_ESCAPE.sub(_unescaped, quoted["ansi_c"]))
    return " " if quoted[0] == "\\\n" else quoted[0]


def _unescaped(escape: re.Match[str]) -> str:
    character = codecs.decode(escape[0], "unicode_escape")
    # A number names a byte, of which a character may take several.
    return character.encode("latin-1").decode(errors="surrogateescape") if escape[1] else character


# --- JSON: HAR, and what API Gateway hands to a function ---------------------------------------------
def _json(text: bytes, entry: int | None) -> Received:
    try:
        captured = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Failure(f"The request begins as JSON does, and is none: {error}") from error
    match captured:
        case {"log": {"entries": list(entries)}}:
            return _of_har(entries, entry)
        case {"headers": dict(headers), "body": str(body), **rest}:
            encoding = "base64" if rest.get("isBase64Encoded") else None
            return _received(list(headers.items()), _decoded(body, encoding))
    raise Failure(
        "The request is JSON, yet neither a HAR archive nor an event of API Gateway; a mere body goes to --body."
    )


def _of_har(entries: Sequence[Any], chosen: int | None) -> Received:
    if chosen is not None:
        if chosen >= len(entries):
            raise Failure(f"There is no entry {chosen} in the archive: it has {len(entries)}, counted from 0.")
        return _har_request(entries[chosen])
    posts = [_har_request(entry) for entry in entries if _is_post(entry)]
    for received in [each for each in posts if each.signature is not None] or posts:
        return received
    raise Failure("There is no POST in the archive.")


def _is_post(entry: object) -> bool:
    match entry:
        case {"request": {"method": "POST"}}:
            return True
    return False


def _har_request(entry: object) -> Received:
    match entry:
        case {"request": {"headers": list(headers), **request}}:
            pairs = [(name, value) for each in headers for name, value in _har_header(each)]
            match request:
                case {"bodySize": int(size)} if size > 0:  # -1 says that it is not known
                    pairs.append(("content-length", str(size)))
            match request:
                case {"postData": {"text": str(body), **data}}:
                    return _received(pairs, _decoded(body, data.get("encoding")))
            return _received(pairs, b"")
    raise Failure("The archive is not a HAR archive: an entry has no request with headers.")


def _har_header(header: object) -> Headers:
    match header:
        case {"name": str(name), "value": str(value)}:
            return [(name, value)]
    return []


def _decoded(body: str, encoding: object) -> bytes:
    try:
        return base64.b64decode(body, validate=True) if encoding == "base64" else body.encode()
    except ValueError as error:
        raise Failure("The body in the request is not encoded as it says there.") from error


# --- As it went over the wire ------------------------------------------------------------------------
def _http(text: bytes) -> Received:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(text) + 1)
    # As of HTTP/1.0, a request needs no Host: dumps often are without. And HTTP/2 is written down in this form, too.
    connection.receive_data(_VERSION.sub(rb"\1 HTTP/1.0", text))
    body = b""
    try:
        request = connection.next_event()
        if not isinstance(request, h11.Request):
            raise Failure("The request has no end of its headers: an empty line.")
        while isinstance(part := connection.next_event(), h11.Data):
            body += part.data
    except h11.RemoteProtocolError as error:
        raise Failure(f"The request is neither curl, nor HAR, nor HTTP: {error}.") from error
    rest, _ = connection.trailing_data
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
    # Beyond the Content-Length, a newline is the editor's in which the dump was saved; more than that is the body's.
    return _received(headers, body + rest if rest.strip() else body)
