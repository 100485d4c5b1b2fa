"""Signs in a body of what happened to it, for when no undone change makes the signature match."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from wickiepay.reserialise import NotReserialisable, node_text, python_text
from wickiepay_cli.signatures.change import Finding
from wickiepay_cli.signatures.json_text import AS_BYTES, RELAY
from wickiepay_cli.signatures.layout import document, written

_BEGUN = re.compile(r"\s*(?:[a-z]{0,4}|[+-]|\.|[eE][+-]?|\\?u?[0-9a-fA-F]{0,4})")
"""The rest that a parser has not read if a text ends within a literal, a number or an escape."""


def _ends_early(body: bytes) -> bool:
    try:
        json.loads(body.decode(errors="ignore"))
    except json.JSONDecodeError as error:
        unread = error.doc[error.pos :]
        return error.msg.startswith("Unterminated") or (error.msg != "Extra data" and bool(_BEGUN.fullmatch(unread)))
    except (ValueError, RecursionError):
        pass
    return False


def _is_json(body: bytes) -> bool:
    try:
        document(body)
    except ValueError:
        return False
    return True


def _is_utf_8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_reserialised(body: bytes) -> bool:
    try:
        return body in {node_text(body), python_text(body)}
    except NotReserialisable:
        return False


def _is_sorted(body: bytes) -> bool:
    if not _is_json(body):
        return False
    whole = document(body)
    layout = "without any white space"
    return (
        isinstance(whole, dict) and len(whole) > 1 and written(whole, layout, sort_keys=True) == written(whole, layout)
    )


SIGNS: Final[Mapping[Finding, Callable[[bytes], bool]]] = {
    Finding(
        "body_empty",
        "The body is empty.",
        "Something read it before: a body parser, or a stream that was read to its end.",
    ): lambda body: body.strip() in {b"", b"{}"},
    Finding("body_not_text", "The body is what JavaScript shows of an object.", AS_BYTES): lambda body: body.startswith(
        b"[object "
    ),
    Finding(
        "body_is_request", "The body is a whole request.", "Give it with --request instead of --body."
    ): lambda body: bool(re.match(rb'\s*(?:curl |POST /|\{\s*"log"\s*:)', body)),
    Finding(
        "truncated",
        "The body ends in the middle of its JSON.",
        "Read all of it: as many bytes as its Content-Length says, or to the end of the stream.",
    ): _ends_early,
    Finding(
        "compressed",
        "The body is compressed with gzip, and its content is not what was signed.",
        "Take the body as it was signed: before any compression, or after decompression.",
    ): lambda body: body.startswith(b"\x1f\x8b"),
    Finding(
        "charset", "The body is not in UTF-8.", "Take the bytes as they came; WickiePay sends UTF-8."
    ): lambda body: not _is_utf_8(body),
    Finding(
        "characters_lost",
        "The body contains U+FFFD, which replaces characters that could not be read.",
        "Keep the body as bytes: read in a wrong character set, it cannot be restored.",
    ): lambda body: "\N{REPLACEMENT CHARACTER}".encode() in body,
    Finding("not_json", "The body is not a JSON object.", "Check that it is the body, and all of it."): lambda body: (
        not _is_json(body)
    ),
    Finding(
        "line_endings",
        "The body is indented, but on one line: perhaps its line ends were dropped.",
        "Send files with curl --data-binary: --data drops line ends.",
        certain=False,
    ): lambda body: b"\n" not in body and bool(re.search(rb"[{\[,] {2,}\S", body)),
    Finding(
        "wrong_secret",
        "The signature was made with a secret that was not tried, or the body changed beyond recognition.",
        "Compare the secret with that of the destination at WickiePay: sandbox and production have their own.",
        certain=False,
    ): lambda _: True,
    Finding(
        "keys_reordered",
        "All keys are in alphabetical order: perhaps something sorted them when it wrote the body again.",
        f"{AS_BYTES} Flask's jsonify sorts keys.",
        certain=False,
    ): _is_sorted,
    Finding(
        "reserialised",
        "The body looks as if JSON.stringify or json.dumps had written it.",
        f"{AS_BYTES} {RELAY} What parsing loses, as in 100.00, cannot be restored.",
        certain=False,
    ): _is_reserialised,
}
"""Finding → whether a body shows it, the strongest first. If that is certain, other certain ones hardly matter."""


def signs_of(body: bytes, declared_length: int | None) -> list[Finding]:
    """What may be wrong with `body`, given the length that the request stated."""
    shown = [finding for finding, is_shown in SIGNS.items() if is_shown(body)]
    certain = [*_of_length(body, declared_length), *(finding for finding in shown if finding.certain)]
    return [*certain[:1], *(finding for finding in shown if not finding.certain)]


def _of_length(body: bytes, declared: int | None) -> list[Finding]:
    if declared is None or declared == len(body):
        return []
    what = f"The body has {len(body)} bytes, and Content-Length says {declared}."
    if declared > len(body):
        return [Finding("truncated", what, "Read all of it, to the end of the stream.")]
    return [Finding("lengthened", what, "Take the body from the request itself: something has rewritten it.")]
