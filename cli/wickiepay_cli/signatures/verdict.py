"""Whether a signature is valid, and if not, why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from wickiepay.errors import SignatureError, SignatureMissing, UnusableBody
from wickiepay.event import parse
from wickiepay.signature import SCHEMES, parse_signature, verify
from wickiepay_cli.signatures import header, secret
from wickiepay_cli.signatures.change import Finding
from wickiepay_cli.signatures.explanations import Explanation, Signatures, altered, not_hmac, other_scheme
from wickiepay_cli.signatures.others import Known, of_another
from wickiepay_cli.signatures.signs import signs_of

NO_EVENT: Final = "no_event"


@dataclass(frozen=True, slots=True)
class Received:
    """A body, the text of its signature or None, and the length that the request stated, or None."""

    body: bytes
    signature: str | None
    declared_length: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Valid, with scheme, secret and remarks; or invalid, with the reasons, the certain ones before the likely."""

    valid: bool
    scheme: str | None
    secret: Literal["current", "previous"] | None
    findings: Explanation


def diagnose(
    received: Received,
    secrets: Sequence[bytes],
    others: Iterable[Known] = (),
    schemes: Sequence[str] = tuple(SCHEMES),
) -> Verdict:
    """The verdict on a signature under `schemes` with `secrets`, the current one first.

    If it is invalid and nothing else explains it, the body that it belongs to is looked for in `others`.
    """
    try:
        digest = parse_signature(received.signature)
        verified = verify(received.body, digest, secrets, schemes)
    except SignatureMissing:
        return Verdict(valid=False, scheme=None, secret=None, findings=[header.MISSING])
    except SignatureError:
        return Verdict(valid=False, scheme=None, secret=None, findings=_why(received, secrets, others, schemes))
    remarks = [
        *_no_event(verified.text),
        *([secret.PREVIOUS] if verified.secret == "previous" else []),
        *header.remarks(received.signature or ""),
    ]
    return Verdict(valid=True, scheme=verified.scheme, secret=verified.secret, findings=remarks)


def _no_event(text: bytes) -> list[Finding]:
    """The remark that a correctly signed text is not an event, if it is not."""
    try:
        parse(text)
    except UnusableBody as error:
        remedy = (
            "The listener keeps it, and answers 400: see what WickiePay sent, and whether this destination is meant."
        )
        return [Finding(NO_EVENT, f"It is correctly signed, but not an event. {error}", remedy)]
    return []


def _why(
    received: Received, secrets: Sequence[bytes], others: Iterable[Known], schemes: Sequence[str]
) -> Sequence[Finding]:
    if header.STRIPES_FORM.match(received.signature or ""):
        return [header.STRIPE]
    signatures = Signatures((received.signature or "").strip(" \t"))
    if not signatures.forms:
        return [header.MALFORMED]
    body, plain = received.body, [each for each in secrets if each]
    explanations = chain(
        other_scheme(signatures, body, plain, schemes),
        altered(signatures, body, secrets),
        not_hmac(signatures, body, plain),
        of_another(signatures, body, plain, others),
    )
    unexplained = [
        *signatures.forms[0].faults,
        *([] if plain else [secret.EMPTY]),
        *signs_of(body, received.declared_length),
    ]
    return next(explanations, unexplained)
