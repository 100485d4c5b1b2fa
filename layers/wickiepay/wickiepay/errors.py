"""All errors, in one small tree. Only functions/ingest maps errors (below `DeliveryError`) to HTTP status codes."""

from typing import ClassVar, Final


class ListenerError(Exception):
    """Root of all errors that this package raises on purpose."""


class DeliveryError(ListenerError):
    """A delivery that cannot be answered with 200. Its text goes to the sender, so it must hold nothing secret.

    `code` is the word in the HTTP answer and the log line; `outcome` says what became of it, one for each branch.
    """

    code: ClassVar[str]
    outcome: ClassVar[str]


class RequestRefused(DeliveryError):
    """Not a request that this endpoint accepts; nothing of it is stored."""

    outcome = "refused"


class MethodNotAllowed(RequestRefused):
    code = "method_not_allowed"


class NoSuchPath(RequestRefused):
    code = "no_such_path"


class SourceNotAllowed(RequestRefused):
    code = "source_not_allowed"


class MalformedRequest(RequestRefused):
    """The event around the request is broken: for example, the body is flagged as base64 and is not."""

    code = "malformed_request"


class BodyTooLarge(RequestRefused):
    code = "body_too_large"


class SignatureError(DeliveryError):
    """Not signed with the signing secret; nothing of it is stored."""

    outcome = "forged"


class SignatureMissing(SignatureError):
    code = "signature_missing"


class SignatureMalformed(SignatureError):
    code = "signature_malformed"


class SignatureMismatch(SignatureError):
    code = "signature_mismatch"


class UnusableBody(DeliveryError):
    """Correctly signed, but not an event; stored for audit."""

    code = "unusable_body"
    outcome = "unusable"


class Unavailable(DeliveryError):
    """A service that the listener needs is out of reach for now; the sender should try again."""

    outcome = "unavailable"


class SecretUnavailable(Unavailable):
    code = "secret_unavailable"


class AllowListUnreadable(Unavailable):
    """The list of sources that may deliver cannot be read, so none may."""

    code = "allow_list_unreadable"


class SecretUnreadable(ListenerError):
    """The stored or given text cannot be a signing secret. The error says why, and quotes nothing of it."""


class StoreUnavailable(Unavailable):
    """A table, queue or bus did not answer, or answered with throttling or a fault of its own."""

    code = "store_unavailable"


class PermanentFailure(ListenerError):
    """An event whose effects can never be applied; its text is the reason that a person will read."""


MAY_BE_THE_SAME: Final = "This may be the payment that was credited before, under another transaction or none."
CREDITED_OTHERWISE: Final = "The payment was credited before, with another account, currency or amount."
QUESTIONS: Final = frozenset({MAY_BE_THE_SAME, CREDITED_OTHERWISE})
"""The reasons in a FAILED event's record that mean: its credit may be a second one."""


class SecondCredit(PermanentFailure):
    """A credit that may be the second one of its payment; a person decides whether it is made."""


class AdjustmentRefused(ListenerError):
    """An operator's entry that cannot be made; its text says why."""


class MalformedMessage(ListenerError):
    """A queue message that this listener did not write."""


class RegistrationError(ListenerError):
    """A handler is registered without an event type, or for one that already has a handler."""
