"""Changes to a body between its signing by the sender and its verification by the listener."""

import ast
import base64
import html
import json
import re
import warnings
import zlib
from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import unquote_to_bytes

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.reserialise import too_deep
from wickiepay_cli.signatures.change import Change, Changes
from wickiepay_cli.signatures.json_text import AS_BYTES, JSON_CHANGES

_SENT_AS_SIGNED: Final = "Send what was signed, byte for byte: curl --data-binary, printf '%s', no editor between."
_UTF_8: Final = "Keep the body as bytes, or read and write it as UTF-8 throughout."
_BOM: Final = b"\xef\xbb\xbf"
_EIGHT_BITS: Final[Mapping[str, str]] = {"Latin-1": "latin-1", "Windows-1252": "cp1252"}


# --- Something around the whole ----------------------------------------------------------------------
def _from_base64(body: bytes) -> bytes:
    digits = b"".join(body.split()).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)


def _from_json_string(body: bytes) -> bytes:
    match json.loads(body) if body.lstrip().startswith(b'"') else None:
        case str(text):
            return text.encode()
    raise ValueError("not a JSON string")


def _from_form(body: bytes) -> bytes:
    return unquote_to_bytes(re.sub(rb"\A\w+=|=\Z", b"", body).replace(b"+", b" "))


def _from_python(body: bytes) -> bytes:
    if not re.match(rb"""\{'|b['"]""", body) or too_deep(body):
        raise ValueError("neither a dict nor bytes as Python shows them")
    try:
        with warnings.catch_warnings(action="error"):
            value: object = ast.literal_eval(body.decode())
    except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise ValueError("not as Python shows it") from error
    return value if isinstance(value, bytes) else json.dumps(value, default=repr).encode()


def _unpacked(wbits: int, body: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits).decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        raise ValueError("not compressed so") from error


_AROUND: Final[Changes[bytes]] = (
    Change(
        "base64",
        "The body is still in base64.",
        "Decode it first: API Gateway sets isBase64Encoded for such a request.",
        _from_base64,
    ),
    *(
        Change(
            "compressed",
            f"The body is still compressed, with {name}.",
            "Unpack it as its Content-Encoding says; the listener itself does not.",
            partial(_unpacked, wbits),
        )
        for name, wbits in {"gzip": zlib.MAX_WBITS | 16, "zlib (deflate)": zlib.MAX_WBITS}.items()
    ),
    Change(
        "double_encoded",
        "The body is JSON within a JSON string: it was encoded twice.",
        "Leave out the second JSON.stringify or json.dumps.",
        _from_json_string,
    ),
    Change(
        "quotes_escaped",
        "The quotes in the body are escaped, as logs show them.",
        "Take the body from the request, not from a line of a log.",
        lambda body: _from_json_string(b'"' + body.strip() + b'"'),
    ),
    Change("form_encoded", "The body is form-encoded.", "Send the JSON itself, as application/json.", _from_form),
    Change(
        "html_escaped",
        "The body is escaped for HTML.",
        "Take it from the request, not from a page; input filters escape, too.",
        lambda body: html.unescape(body.decode()).encode(),
    ),
    Change("python_shown", "The body is what Python shows of an object, not JSON.", AS_BYTES, _from_python),
)


# --- Its characters ----------------------------------------------------------------------------------
def _from_utf_16(body: bytes) -> bytes:
    return body.decode(json.detect_encoding(body)).encode() if b"\0" in body else body


def _recoded(read_as: str, write_as: str, body: bytes) -> bytes:
    return body.decode(read_as).encode(write_as)


_CHARACTERS: Final[Changes[bytes]] = (
    Change("charset", "The body is in UTF-16; what was signed is in UTF-8.", _UTF_8, _from_utf_16),
    *(
        Change(
            "charset", f"The body is in {name}; what was signed is in UTF-8.", _UTF_8, partial(_recoded, codec, "utf-8")
        )
        for name, codec in _EIGHT_BITS.items()
    ),
    *(
        Change(
            "charset",
            f"What was signed is in {name}; or the body's UTF-8 was read as that, and encoded again.",
            _UTF_8,
            partial(_recoded, "utf-8", codec),
        )
        for name, codec in _EIGHT_BITS.items()
    ),
)


# --- Its lines, its beginning and its end ------------------------------------------------------------
def _with_lf(body: bytes) -> bytes:
    return body.replace(b"\r\n", b"\n")


_LINES: Final[Changes[bytes]] = (
    Change("line_endings", "The lines end with CR LF; LF alone was signed.", _SENT_AS_SIGNED, _with_lf),
    Change(
        "line_endings",
        "The lines end with LF; CR LF was signed.",
        _SENT_AS_SIGNED,
        lambda body: _with_lf(body).replace(b"\n", b"\r\n"),
    ),
    Change(
        "line_endings",
        "The body has lines; what was signed has no line ends.",
        "Sign what is sent: curl --data drops line ends, --data-binary does not.",
        lambda body: _with_lf(body).replace(b"\n", b""),
    ),
)
_ENDS: Final[Changes[bytes]] = (
    Change(
        "trailing_newline",
        "There is a newline at the end of the body that was not signed.",
        _SENT_AS_SIGNED,
        lambda body: re.sub(rb"\r?\n\Z", b"", body),
    ),
    Change(
        "trailing_newline",
        "There is white space at the end of the body that was not signed.",
        _SENT_AS_SIGNED,
        bytes.rstrip,
    ),
    Change(
        "leading_whitespace",
        "There is white space at the beginning of the body that was not signed.",
        _SENT_AS_SIGNED,
        bytes.lstrip,
    ),
    *(
        Change(
            "newline_missing",
            "What was signed ends with a newline that the body lacks.",
            f"{AS_BYTES} Nothing may trim them.",
            partial(lambda newline, body: body + newline, newline),
        )
        for newline in (b"\n", b"\r\n")
    ),
    Change(
        "bom",
        "The body begins with a byte order mark that was not signed.",
        "Save it as UTF-8 without one, or write it as bytes.",
        lambda body: body.removeprefix(_BOM),
    ),
    Change(
        "bom_missing",
        "What was signed begins with a byte order mark that the body lacks.",
        f"{AS_BYTES} Reading as text drops the mark.",
        lambda body: body if body.startswith(_BOM) else _BOM + body,
    ),
    Change(
        "trailing_nul",
        "There are zero bytes at the end of the body.",
        "Take as many bytes of the buffer as were read into it.",
        lambda body: body.rstrip(b"\0"),
    ),
)
_NOTHING: Final[Changes[bytes]] = tuple(
    Change(
        "nothing_signed",
        f"What was signed is {name}, whatever the body.",
        "The signer had no body: it was read before, or not waited for.",
        partial(lambda signed, _: signed, signed),
    )
    for name, signed in {"empty": b"", "an empty object": b"{}"}.items()
)

END_CHANGES: Final = _ENDS + _LINES
BODY_CHANGES: Final = _NOTHING + END_CHANGES + JSON_CHANGES + _CHARACTERS + _AROUND
