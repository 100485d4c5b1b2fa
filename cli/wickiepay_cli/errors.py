"""Errors that a command reports to its user in one sentence."""

from collections.abc import Mapping, Sequence
from typing import Final

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.errors import ListenerError, StoreUnavailable
from wickiepay.outages import error_code, is_outage


class CommandError(Exception):
    """A command cannot do what it was asked to. The text says why and, if possible, what to do about it."""


class BrokenHandler(CommandError):
    """A handler does not compile or cannot be imported. `lines` say what is wrong, where, and what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__(" ".join(lines))
        self.lines = lines


EXPECTED = (CommandError, ListenerError, BotoCoreError, ClientError)
"""Errors that end a command with a sentence and exit code 1. Anything else is a bug and shows a traceback."""


_SIGN_IN: Final = "Sign in (aws sso login, aws configure), or name another profile with --profile or AWS_PROFILE."
_SIGN_IN_AGAIN: Final = "Sign in anew (aws sso login, or new keys), then give the same command again."
_NAME_A_REGION: Final = "Name the region with --region or AWS_REGION, for example eu-west-1."
_LOOK_AT_THE_WAY: Final = (
    "See whether the network is up, and --region, AWS_REGION and AWS_ENDPOINT_URL are spelled right."
)
_TRY_AGAIN: Final = "Give the same command again in a moment."
_ASK_FOR_THE_RIGHT: Final = "Ask for this permission, or name another profile with --profile or AWS_PROFILE."

_REMEDIES: Final[Sequence[tuple[tuple[type[Exception], ...], str]]] = (
    (
        (sdk.NoCredentialsError, sdk.PartialCredentialsError, sdk.CredentialRetrievalError, sdk.NoAuthTokenError),
        _SIGN_IN,
    ),
    ((sdk.SSOError, sdk.TokenRetrievalError, sdk.LoginError), _SIGN_IN_AGAIN),
    ((sdk.ProfileNotFound,), "These there are: aws configure list-profiles."),
    ((sdk.NoRegionError, sdk.InvalidRegionError, sdk.UnknownRegionError), _NAME_A_REGION),
    ((sdk.EndpointConnectionError, sdk.ConnectTimeoutError, sdk.ProxyConnectionError, sdk.SSLError), _LOOK_AT_THE_WAY),
    ((sdk.HTTPClientError, sdk.ConnectionError, sdk.IncompleteReadError, StoreUnavailable), _TRY_AGAIN),
)
"""What to do about errors that say only what is wrong. The first entry that fits counts."""

_REMEDIES_BY_CODE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"), _ASK_FOR_THE_RIGHT),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), _SIGN_IN_AGAIN),
    **dict.fromkeys(
        ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch"),
        "AWS does not know these keys, or not in this region: sign in anew, or name another --profile or --region.",
    ),
}
"""The same for refusals by AWS, by their codes."""


def sentence(error: Exception) -> str:
    """The sentence for one of the `EXPECTED` errors, or for an error of the operating system, and what to do."""
    return " ".join(filter(None, (fact(error), _remedy(error))))


def _remedy(error: Exception) -> str | None:
    if isinstance(error, ClientError):
        return _REMEDIES_BY_CODE.get(error_code(error), _TRY_AGAIN if is_outage(error) else None)
    return next((remedy for kinds, remedy in _REMEDIES if isinstance(error, kinds)), None)


def fact(error: Exception) -> str:
    """The same without what to do, for a command that goes on by itself."""
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        text = f"AWS refused {error.operation_name}: {answer.get('Message') or answer.get('Code')}"
    elif isinstance(error, OSError) and error.strerror:
        text = ": ".join(filter(None, (error.filename and str(error.filename), error.strerror)))
    else:
        text = " ".join(str(error).split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
