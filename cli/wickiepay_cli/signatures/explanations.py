"""The ways to make a signature match. Each yields the cause, once for each match."""

import hmac
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.reserialise import NotReserialisable
from wickiepay.signature import SCHEMES, covered_text
from wickiepay_cli.signatures.body import BODY_CHANGES
from wickiepay_cli.signatures.change import Changes, Finding, findings_of, undone
from wickiepay_cli.signatures.header import ALGORITHMS, SIGNATURE_CHANGES, digest_of, other_algorithm
from wickiepay_cli.signatures.secret import NO_HMAC, SECRET_CHANGES, no_hmac

MOST_CHANGES: Final = 2
"""How many changes of a body are undone; with as many, no secret is changed in addition."""

type Explanation = Sequence[Finding]


class Form(NamedTuple):
    """A digest that the text of a signature may mean, and what is wrong with the text in that case."""

    digest: bytes
    faults: list[Finding]


class Signatures:
    """The digests that a text may mean."""

    def __init__(self, text: str) -> None:
        self.forms = [
            Form(digest, [*findings_of(changes), *other_algorithm(digest)])
            for changes, candidate in undone(text, SIGNATURE_CHANGES)
            if (digest := digest_of(candidate))
        ]
        self._algorithms = {ALGORITHMS[len(form.digest)] for form in self.forms}

    def fits(self, text: bytes, key: bytes) -> Iterator[Explanation]:
        """The mistakes in the form of the signature, if it is one of `text` with `key`."""
        for algorithm in self._algorithms:
            yield from self.is_given(hmac.digest(key, text, algorithm))

    def is_given(self, digest: bytes) -> Iterator[Explanation]:
        """The mistakes in the form of the signature, if it means `digest`."""
        return (form.faults for form in self.forms if hmac.compare_digest(form.digest, digest))


def covered_texts(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The names of the schemes under which `body` can be signed, each with the text that a signature covers."""
    for scheme in SCHEMES:
        try:
            yield scheme, covered_text(body, scheme)
        except NotReserialisable:
            continue


def other_scheme(
    signatures: Signatures, body: bytes, secrets: Sequence[bytes], accepted: Sequence[str]
) -> Iterator[Explanation]:
    """Explains a signature that matches under a scheme that is not `accepted`."""
    for scheme, text in covered_texts(body):
        for key in secrets if scheme not in accepted else ():
            for faults in signatures.fits(text, key):
                what = f"The signature is valid under the scheme {scheme}, which is not accepted."
                remedy = f"Accept it with the parameter AcceptedSchemes, or sign under {' or '.join(accepted)}."
                yield [*faults, Finding("scheme_not_accepted", what, remedy)]


def altered(signatures: Signatures, body: bytes, secrets: Sequence[bytes]) -> Iterator[Explanation]:
    """Explains a signature that matches the body and the secret as they were before something changed them."""
    plain: dict[bytes, Changes[bytes]] = {secret: () for secret in secrets if secret}
    keys = plain.copy()
    for secret in secrets:
        for changes, key in undone(secret, SECRET_CHANGES):
            if changes:
                keys.setdefault(key, changes)
    for changes, text in undone(body, BODY_CHANGES if len(body) <= MAX_BODY_BYTES else ()):
        for key, key_changes in (keys if len(changes) < MOST_CHANGES else plain).items():
            for faults in signatures.fits(text, key):
                yield [*faults, *findings_of(key_changes), *findings_of(changes)]


def not_hmac(signatures: Signatures, body: bytes, secrets: Sequence[bytes]) -> Iterator[Explanation]:
    """Explains a signature that was made from body and secret, but not by HMAC."""
    for way, make in NO_HMAC.items():
        for secret in secrets:
            for faults in signatures.is_given(make(secret, body)):
                yield [*faults, no_hmac(way)]
