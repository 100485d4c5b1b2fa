"""Everything that can go wrong between us and the provider, as one small tree. Each text says what to do about it.

No text quotes a key, a signature or a body: neither ours nor the provider's.
"""

from collections.abc import Collection
from typing import ClassVar

from wickiepay.errors import ListenerError


class ProviderError(ListenerError):
    """Root of what goes wrong with the provider's API.

    `taken` are the ids of the events that the provider may have taken, of those that it was to send again.
    """

    taken: Collection[str] = ()


class SettingsUnusable(ProviderError):
    """The address, the client id or the key cannot be used, so nothing was asked."""


class Unreachable(ProviderError):
    """No answer, or not all of one in time."""


class Redirected(ProviderError):
    """The provider points elsewhere. A signature is for one address, so it is never sent after a redirect."""


class AnswerUnusable(ProviderError):
    """An answer that is not what the documentation describes."""


class ListUnsettled(ProviderError):
    """A list that changes faster than it can be read."""


class Refused(ProviderError):
    """An answer with an error status. `code` is the provider's word for it, or None.

    `retry_after` is how many seconds the provider asks us to wait, or None. `may_be_done` says whether it may
    have done what it was asked for all the same: the fault is its own, or the answer to an earlier attempt got lost.
    """

    advice: ClassVar[str]

    def __init__(self, call: str, status: int, code: str | None, *, note: str = "", retry_after: float | None) -> None:
        answered = f"{status} {code}" if code else str(status)
        super().__init__(" ".join(filter(None, (f"The provider answered {call} with {answered}.", self.advice, note))))
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.may_be_done = False


class InvalidRequest(Refused):
    """400 or 422: nothing to be repeated as it is."""

    advice = "It does not take this request as it is: compare it with the provider's documentation."


class Unauthorised(Refused):
    """401: the provider does not know who asks."""

    advice = "It does not accept the signature: compare the client id and the key with the portal's."


class InvalidSignature(Unauthorised):
    advice = (
        "The key must belong to the public key that has this client id in the portal "
        "(wickiepay provider key show-public). If it does, the account may use the other algorithm "
        "(parameter ProviderAlgorithm)."
    )


class ExpiredSignature(Unauthorised):
    """The clocks disagree. The note says by how much."""

    advice = "It takes the signature for too old or for one of the future."


class InvalidClientId(Unauthorised):
    advice = (
        "It does not know the client id: copy the one that the portal shows for the key (parameter ProviderClientId)."
    )


class Forbidden(Refused):
    """403: known, and not allowed."""

    advice = "It does not allow this: look at the key's role and network whitelist in the portal."


class IpNotWhitelisted(Forbidden):
    advice = "The address that this request came from is not on the key's network whitelist: add it in the portal."


class InsufficientPermissions(Forbidden):
    advice = "The key's role does not allow this call: give the key another role in the portal."


class NotFound(Refused):
    advice = (
        "There is no such thing there: look at the id and, if every call fails so, at the parameter ProviderBaseUrl."
    )


class Conflicting(Refused):
    advice = "It contradicts what is there already: list what is there, then decide."


class TooManyRequests(Refused):
    advice = "It has had too many requests from us: give the same command again later."


class ProviderFailed(Refused):
    """5xx: a fault of the provider."""

    advice = "The fault is the provider's: try again later, and tell the provider if it stays."


class Unexpected(Refused):
    advice = "The documentation does not mention such an answer: look at the parameter ProviderBaseUrl."


_BY_CODE = {
    "INVALID_SIGNATURE": InvalidSignature,
    "EXPIRED_SIGNATURE": ExpiredSignature,
    "INVALID_CLIENT_ID": InvalidClientId,
    "IP_NOT_WHITELISTED": IpNotWhitelisted,
    "INSUFFICIENT_PERMISSIONS": InsufficientPermissions,
}
_BY_STATUS = {
    400: InvalidRequest,
    401: Unauthorised,
    403: Forbidden,
    404: NotFound,
    409: Conflicting,
    422: InvalidRequest,
    429: TooManyRequests,
}


def kind_of(status: int, code: str | None) -> type[Refused]:
    """The error for an answer: by its code if that is documented, otherwise by its status."""
    by_status = _BY_STATUS.get(status, ProviderFailed if status >= 500 else Unexpected)
    by_code = _BY_CODE.get(code or "", by_status)
    return by_code if issubclass(by_code, by_status) else by_status
