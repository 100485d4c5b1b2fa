"""Captured requests: curl and PowerShell commands, HAR archives, AWS events, and dumps of the connection."""

import argparse
import base64
import codecs
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any, Final, NamedTuple, NoReturn

import h11

from wickiepay_cli.errors import CommandError
from wickiepay_cli.signatures.verdict import Received
from wickiepay_cli.signatures.windows_commands import cmd_words, is_for_cmd, is_powershell, powershell_request

SIGNATURE_HEADER: Final = "x-webhook-signature"

type Headers = Sequence[tuple[str, str]]

_QUOTED = re.compile(r"""\$'(?P<ansi_c>(?:[^'\\]|\\.)*)'|'[^']*'|"(?:[^"\\]|\\.)*"|\\.""", re.DOTALL)
_ESCAPED_IN_QUOTES = re.compile(r"\\([$`\"\\\n])")
_ESCAPE = re.compile(r"""\\(?:u[0-9a-fA-F]{4}|(x[0-9a-fA-F]{2}|[0-3][0-7]{2})|[abfnrtv\\'"])""")
_LENGTH = re.compile(r"[0-9]{1,18}")
_VERSION = re.compile(rb"\A(\S+ \S+) HTTP/[0-9.]+")
_SENT_LINE = re.compile(rb"^> \S+ \S+ HTTP/", re.MULTILINE)
_POWERSHELL: Final = (b"$", b"Invoke-", b"invoke-", b"iwr ", b"irm ")
_NOT_SENT = re.compile(rb"[>*] |>$|[{}] \[\d+ bytes data\]")
_TRACED = re.compile(rb"^(?:[0-9:.]+ )?(?:\[[^\]]*\] )?(=>|<=|==) (.*?)(?:, ([0-9]+) bytes .*)?\r?$")
_TRACE_LINE = re.compile(rb"[0-9a-f]{4,8}: (.*?)\r?")
_HEXADECIMAL = re.compile(rb"(?:[0-9a-f]{2} ){1,16} *")
_TRANSCRIPT = re.compile(rb"\r?\n(?=\* |> \S+ \S+ HTTP/)")
"""The beginning of curl -v's output, below a command."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A delivery and, in an archive, its number (from 0) and its address."""

    received: Received
    entry: int | None = None
    url: str | None = None


def read(text: bytes, entry: int | None = None) -> Sequence[Captured]:
    """The captured delivery; of a HAR archive, all POSTs, or the chosen `entry`. Otherwise raises `CommandError`."""
    start = text.removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith((b"curl ", b"$ curl ", b"curl.exe ")):
        command, *_ = _TRANSCRIPT.split(start, maxsplit=1)
        return [Captured(_curl(command.decode(errors="surrogateescape")))]
    if start.startswith(_POWERSHELL) and is_powershell(script := start.decode(errors="surrogateescape")):
        return [Captured(_received(*powershell_request(script)))]
    if start.startswith(b"{"):
        return _json(start, entry)
    if any(found[2] == b"Send header" for found in map(_TRACED.match, start.splitlines()) if found):
        return [Captured(_http(_traced(start)))]
    return [Captured(_http(_sent(start) if _SENT_LINE.search(start) else start))]


def _received(headers: Headers, body: bytes) -> Received:
    """Headers by name. The values of a repeated one are joined (RFC 9110, section 5.3), as in API Gateway."""
    signatures = [value for name, value in headers if name.lower() == SIGNATURE_HEADER]
    lengths = [value for name, value in headers if name.lower() == "content-length" and _LENGTH.fullmatch(value)]
    return Received(body, ", ".join(signatures) if signatures else None, int(lengths[0]) if lengths else None)


# --- curl --------------------------------------------------------------------------------------------
class _Curl(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CommandError(f"The curl command cannot be read: {message}.")


class _Data(NamedTuple):
    """A part of the body. An @ at its beginning stands for a file, except in the form raw."""

    form: str
    text: str


_DATA: Final = {
    "text": ("-d", "--data", "--data-ascii"),
    "binary": ("--data-binary", "--json"),
    "raw": ("--data-raw",),
}


def _curl(command: str) -> Received:
    parser = _Curl(add_help=False, allow_abbrev=False)
    parser.add_argument("-H", "--header", action="append", default=[])
    for form, names in _DATA.items():
        parser.add_argument(*names, dest="data", action="append", type=partial(_Data, form))
    try:
        words = cmd_words(command) if is_for_cmd(command) else shlex.split(_QUOTED.sub(_as_shlex_has_it, command))
    except ValueError as error:
        raise CommandError(f"The curl command cannot be read: {error}.") from error
    options, _ = parser.parse_known_args(words)
    if options.data is None:
        raise CommandError("The curl command sends no body: there is no --data in it.")
    headers = [(name, value.strip()) for name, _, value in (each.partition(":") for each in options.header)]
    received = _received(headers, "&".join(each.text for each in options.data).encode(errors="surrogateescape"))
    for each in options.data:
        if each.form != "raw" and each.text.startswith("@"):
            raise CommandError(_in_a_file(each, received.signature))
    return received


def _in_a_file(data: _Data, signature: str | None) -> str:
    file = data.text[1:]
    words = f"The body is in a file: give it with --body {file} --signature {signature or 'HEX'}."
    if data.form == "binary":
        return words
    return f"{words} And curl drops line ends with -d @{file}: send it with --data-binary."


def _as_shlex_has_it(quoted: re.Match[str]) -> str:
    """A quoted part of a command, with what `shlex` does not know ($'…' and continued lines) put in another form."""
    if quoted["ansi_c"] is not None:
        return shlex.quote(_ESCAPE.sub(_unescaped, quoted["ansi_c"]))
    if quoted[0].startswith('"'):
        return shlex.quote(_ESCAPED_IN_QUOTES.sub(lambda found: found[1].strip("\n"), quoted[0][1:-1]))
    return " " if quoted[0] == "\\\n" else quoted[0]


def _unescaped(escape: re.Match[str]) -> str:
    character = codecs.decode(escape[0], "unicode_escape")
    # A number names a byte, and a character may take several.
    return character.encode("latin-1").decode(errors="surrogateescape") if escape[1] else character


# --- JSON: HAR, and what API Gateway hands to a function ---------------------------------------------
def _json(text: bytes, entry: int | None) -> Sequence[Captured]:
    try:
        captured = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"The request begins like JSON, but is not JSON: {error}") from error
    match captured:
        case {"log": {"entries": list(entries)}}:
            return _of_har(entries, entry)
        case {"multiValueHeaders": dict(headers), **event} | {"headers": dict(headers), **event}:
            return [Captured(_of_event(headers, event))]
        case {"body": dict(), "x-webhook-signature": str()}:
            raise CommandError(
                "This is what a relay such as smee.io keeps of a request: it has parsed the body, and the bytes that "
                "were signed are lost. Take deliveries through a tunnel, which passes them on as they are."
            )
    raise CommandError(
        "The request is JSON, but neither a HAR archive nor an API Gateway event; give a body alone with --body."
    )


def _of_event(headers: Mapping[str, Any], event: Mapping[Any, Any]) -> Received:
    """The request in an event of API Gateway (any format) or a load balancer. The body may be missing."""
    pairs = [(n, v) for n, each in headers.items() for v in (each if isinstance(each, list) else [each])]
    body = event.get("body")
    encoding = "base64" if event.get("isBase64Encoded") else None
    return _received(
        [(name, value) for name, value in pairs if isinstance(value, str)],
        _decoded(body if isinstance(body, str) else "", encoding),
    )


def _of_har(entries: Sequence[Any], chosen: int | None) -> Sequence[Captured]:
    if chosen is not None and chosen >= len(entries):
        raise CommandError(f"There is no entry {chosen} in the archive: it has {len(entries)}, counted from 0.")
    requests = [entry.get("request") if isinstance(entry, dict) else None for entry in entries]
    found = [
        Captured(_har_request(request), number, _har_url(request))
        for number, request in enumerate(requests)
        if chosen == number or (chosen is None and isinstance(request, dict) and request.get("method") == "POST")
    ]
    if not found:
        raise CommandError("There is no POST in the archive.")
    return found


def _har_url(request: object) -> str | None:
    match request:
        case {"url": str(url)}:
            return url
    return None


def _har_request(request: object) -> Received:
    match request:
        case {"headers": list(headers), **rest}:
            pairs = [(name, value) for each in headers for name, value in _har_header(each)]
            match rest:
                case {"bodySize": int(size)} if size > 0:  # -1 stands for unknown
                    pairs.append(("content-length", str(size)))
            match rest:
                case {"postData": {"text": str(body), **data}}:
                    return _received(pairs, _decoded(body, data.get("encoding")))
            return _received(pairs, b"")
    raise CommandError("The archive is not a HAR archive: an entry has no request with headers.")


def _har_header(header: object) -> Headers:
    match header:
        case {"name": str(name), "value": str(value)}:
            return [(name, value)]
    return []


def _decoded(body: str, encoding: object) -> bytes:
    try:
        return base64.b64decode(body, validate=True) if encoding == "base64" else body.encode()
    except ValueError as error:
        raise CommandError("The body in the request is not encoded as it says there.") from error


# --- Dumps of the connection -------------------------------------------------------------------------
def _sent(transcript: bytes) -> bytes:
    """The request in the output of curl -v, with ">" before each line of its head and "<" before the answer's.

    curl itself does not show the body that it sends, so somebody must have added it below the head.
    """
    lines = transcript.replace(b"\r\n", b"\n").split(b"\n")
    first = next(number for number, line in enumerate(lines) if _SENT_LINE.match(line))
    sent = list(takewhile(lambda line: not line.startswith(b"<"), lines[first:]))
    head = [line[1:].strip() for line in sent if line.startswith(b">") and line[1:].strip()]
    body = b"\n".join(line for line in sent if not _NOT_SENT.match(line)).rstrip(b"\n")
    if not body:
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in head)]
        signature = dict(headers).get(SIGNATURE_HEADER.encode(), b"HEX").decode(errors="replace")
        raise CommandError(
            f"curl -v does not show the body that it sends: give that with --body FILE --signature {signature}, "
            "or begin the transcript with the curl command."
        )
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _traced(trace: bytes) -> bytes:
    """The first request in curl's --trace output. Raises `CommandError` for --trace-ascii, which leaves bytes out."""
    sent, size, sending = b"", 0, False
    for line in trace.splitlines():
        if found := _TRACED.match(line):
            sending = found[1] == b"=>" and found[2] in {b"Send header", b"Send data"}
            if sending and found[2] == b"Send header" and b"\r\n\r\n" in sent:
                break
            size += int(found[3] or 0) if sending else 0
        elif sending and (shown := _TRACE_LINE.fullmatch(line)) and _HEXADECIMAL.match(shown[1]):
            sent += bytes.fromhex(shown[1][:48].decode("latin-1"))
    if len(sent) != size:
        raise CommandError(
            "curl --trace-ascii does not show every byte: use --trace, or give the body with --body FILE "
            "--signature HEX."
        )
    return sent


def _http(text: bytes) -> Received:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(text) + 1)
    # Read as HTTP/1.0, where a request needs no Host, because dumps often lack it. Dumps of HTTP/2 have this form, too.
    connection.receive_data(_VERSION.sub(rb"\1 HTTP/1.0", text))
    body = b""
    try:
        request = connection.next_event()
        if not isinstance(request, h11.Request):
            raise CommandError("The request has no end of its headers: an empty line.")
        while isinstance(part := connection.next_event(), h11.Data):
            body += part.data
    except h11.RemoteProtocolError as error:
        raise CommandError(f"The request is neither curl, nor HAR, nor HTTP: {error}.") from error
    rest, _ = connection.trailing_data
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
    # A newline beyond the Content-Length comes from the editor that saved the dump; anything more belongs to the body.
    return _received(headers, body + rest if rest.strip() else body)
