"""What can go wrong, as one small tree.

`functions/ingest/ingest.py` maps the deliveries' branch to HTTP status codes, and is the only place that does.
"""

from typing import ClassVar, Final


class ListenerError(Exception):
    """Root of everything that this package raises on purpose."""


class DeliveryError(ListenerError):
    """A delivery that cannot be answered 200. Its text goes to the sender: it must hold nothing secret.

    `code` is the short machine-readable word that its HTTP answer and its log line share. `outcome` is what became of
    the delivery, in a word: one for each branch below.
    """

    code: ClassVar[str]
    outcome: ClassVar[str]


class RequestRefused(DeliveryError):
    """Not a request that this endpoint takes; nothing of it is kept."""

    outcome = "refused"


class MethodNotAllowed(RequestRefused):
    code = "method_not_allowed"


class NoSuchPath(RequestRefused):
    code = "no_such_path"


class SourceNotAllowed(RequestRefused):
    code = "source_not_allowed"


class MalformedRequest(RequestRefused):
    """The request's own wrapping is broken, for example a body that is flagged as base64 and is not."""

    code = "malformed_request"


class BodyTooLarge(RequestRefused):
    code = "body_too_large"


class SignatureError(DeliveryError):
    """Nobody who knows the signing secret has signed this; nothing of it is kept."""

    outcome = "forged"


class SignatureMissing(SignatureError):
    code = "signature_missing"


class SignatureMalformed(SignatureError):
    code = "signature_malformed"


class SignatureMismatch(SignatureError):
    code = "signature_mismatch"


class UnusableBody(DeliveryError):
    """Rightly signed, yet not an event; kept for audit."""

    code = "unusable_body"
    outcome = "unusable"


class Unavailable(DeliveryError):
    """Something that the listener needs is out of reach for now; the sender should try again."""

    outcome = "unavailable"


class SecretUnavailable(Unavailable):
    code = "secret_unavailable"


class SecretUnreadable(ListenerError):
    """What is kept or given as the signing secret is none; the text says why, and quotes nothing of it."""


class StoreUnavailable(Unavailable):
    """A table, queue or bus did not answer, or answered with throttling or a fault of its own."""

    code = "store_unavailable"


class PermanentFailure(ListenerError):
    """An event whose effects can never be applied; its text is the reason that a person will read."""


MAY_BE_THE_SAME: Final = "This may be the payment that was credited before, under another transaction or none."
CREDITED_OTHERWISE: Final = "The payment was credited before, with another account, currency or amount."
QUESTIONS: Final = frozenset({MAY_BE_THE_SAME, CREDITED_OTHERWISE})
"""What a FAILED event's record says where its credit may be a second one."""


class SecondCredit(PermanentFailure):
    """A credit that may be the second one of its payment: a person says whether it is to be made."""


class AdjustmentRefused(ListenerError):
    """An operator's entry that cannot be made; its text says why."""


class MalformedMessage(ListenerError):
    """A queue message that this listener did not write."""


class RegistrationError(ListenerError):
    """A handler is registered for no event type, or for one that has a handler already."""
