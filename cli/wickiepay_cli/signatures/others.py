"""Other bodies: the signature may belong to one of them, or this body may have lost the order of their keys."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.reserialise import too_deep
from wickiepay_cli.sending.exact_json import Json
from wickiepay_cli.signatures.body import END_CHANGES
from wickiepay_cli.signatures.change import Changes, Finding, findings_of, undone
from wickiepay_cli.signatures.explanations import Explanation, Signatures, covered_texts
from wickiepay_cli.signatures.json_text import AS_BYTES, SPELLINGS
from wickiepay_cli.signatures.layout import LAYOUTS, document, ordered_as, written

_REORDERED: Final = Finding(
    "keys_reordered",
    "The keys of the JSON are in another order than when it was signed.",
    f"{AS_BYTES} Flask's jsonify, for one, sorts them.",
)
_AFTERWARDS: Final = END_CHANGES + SPELLINGS


@dataclass(frozen=True, slots=True)
class Known:
    """Another body, and a name for it."""

    name: str
    body: bytes


def of_another(
    signatures: Signatures, body: bytes, secrets: Sequence[bytes], others: Iterable[Known]
) -> Iterator[Explanation]:
    """Explains a signature that matches another body, or this one with its keys in another body's order."""
    reordered = _Reordered(body)
    for other in others:
        for _, text in covered_texts(other.body):
            for secret in secrets:
                for faults in signatures.fits(text, secret):
                    yield [*faults, _signed_instead(body, other)]
        for changes, text in reordered.like(other.body):
            for secret in secrets:
                for faults in signatures.fits(text, secret):
                    yield [*faults, _REORDERED, *findings_of(changes)]


def _signed_instead(body: bytes, other: Known) -> Finding:
    if not body:
        return Finding("body_empty", f"The body is empty; what was signed is {other.name}.", "See what read it before.")
    if other.body.startswith(body):
        what = f"The body is cut off: what was signed goes on as {other.name} does."
        return Finding("truncated", what, "Read all of it, to the end of the stream.")
    if _same_document(body, other.body):
        what = f"The body was parsed and written again: what was signed is {other.name}, byte for byte."
        return Finding("reserialised", what, AS_BYTES)
    what = f"The signature is that of another body: {other.name}."
    return Finding("another_event", what, "Take body and signature from the same request.")


def _same_document(body: bytes, other: bytes) -> bool:
    """Whether two texts are JSON with the same value; 100 equals 100.00."""
    if too_deep(body) or too_deep(other):
        return False
    try:
        return bool(json.loads(body) == json.loads(other))
    except ValueError:
        return False


class _Reordered:
    """A body with its keys in the orders of other events of its type, each order once."""

    def __init__(self, body: bytes) -> None:
        self._document = _event(body) if len(body) <= MAX_BODY_BYTES else None
        self._seen = {_plain(self._document)}

    def like(self, model: bytes) -> Iterator[tuple[Changes[bytes], bytes]]:
        """The texts that the body may have been, in the order of `model`; empty if that is of another type."""
        example = _event(model)
        if self._document is None or example is None or example.get("event") != self._document.get("event"):
            return
        ordered = ordered_as(self._document, example)
        if _plain(ordered) in self._seen:
            return
        self._seen.add(_plain(ordered))
        for layout in LAYOUTS:
            yield from undone(written(ordered, layout), _AFTERWARDS)


def _event(body: bytes) -> dict[str, Json] | None:
    try:
        value = document(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _plain(value: Json) -> bytes:
    return written(value, "without any white space, in ASCII")
