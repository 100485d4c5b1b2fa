"""The signing secrets, kept in Secrets Manager: the current one and, during a rotation, the previous one.

The functions and the command all read a secret by `secret_in`, so they all get the same one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.errors import SecretUnavailable, SecretUnreadable
from wickiepay.outages import error_code

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_secretsmanager.type_defs import GetSecretValueResponseTypeDef

TIME_TO_LIVE_SECONDS: Final = 300
"""How long a fetched secret is used without asking again, and so how long a retired one may still be accepted."""

REFETCH_SECONDS: Final = 10
"""Minimum time between two fetches. It bounds what forged traffic can cost and how long a rotation goes unnoticed."""

FIRST_FETCH_SECONDS: Final = 1
"""The same while no secret is known at all: the sender's three tries must not all fall into one pause."""

_AROUND: Final = " \t\n\v\f\r\0\x85\xa0\u2028\u2029\u202f\u2060\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x2010)))
"""Blank characters of all widths, including zero width."""


def secret_in(given: str | bytes) -> bytes:
    """The secret in a stored or typed text (UTF-8), without what people and consoles put around it.

    What is taken off is white space, a byte order mark, zero-width characters, quotes, and a JSON object with one key,
    as the AWS console makes it. Raises `SecretUnreadable` if the rest cannot be a secret.
    """
    try:
        text = (given if isinstance(given, str) else given.decode()).strip(_AROUND)
        text = _only_value(text).strip(_AROUND)
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1].strip(_AROUND)
        secret = text.encode()
    except UnicodeError:
        raise SecretUnreadable("The secret is not text in UTF-8.") from None
    if not secret:
        raise SecretUnreadable("There is no secret: it is empty or blank.")
    if not text.isprintable():
        raise SecretUnreadable("The secret has a line break or another character in it that cannot be printed.")
    return secret


def secret_of(answer: "GetSecretValueResponseTypeDef") -> bytes:
    """The secret in an answer from Secrets Manager, as text or as bytes. Raises `SecretUnreadable`."""
    return secret_in(answer.get("SecretString") or answer.get("SecretBinary", b""))


def _only_value(text: str) -> str:
    """The only value of a JSON object, or `text` itself if it is not an object."""
    try:
        value = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return text
    if not isinstance(value, dict):
        return text
    match list(value.values()):
        case [str(only)]:
            return only
    raise SecretUnreadable("The secret is JSON, and not one key with one text: keep the text alone.")


@dataclass(slots=True)
class _Version:
    """What is known of the secret's version under a `stage`. The times are those of the last call and its success."""

    stage: str
    secret: bytes = b""
    failure: Exception | None = None
    asked_at: float = float("-inf")
    fetched_at: float = float("-inf")


class SigningSecrets:
    """A cache of the signing secrets. `clock` is a wall clock, such as `time.time`.

    A frozen container must not keep a retired secret longer, and a monotonic clock may stop while it is frozen. A wall
    clock can be set back; then the last fetch counts as long ago.
    """

    def __init__(self, client: "SecretsManagerClient", secret_id: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self._current = _Version("AWSCURRENT")
        self._previous = _Version("AWSPREVIOUS")

    @property
    def failure(self) -> Exception | None:
        """Why the last attempt to read a secret failed, or None."""
        return self._current.failure or self._previous.failure

    def get(self) -> tuple[bytes, ...]:
        """The secrets that a signature may be made with: the current one, and the previous one if it is known.

        Once its time to live is over, the current one is fetched again, and so is a previous one that could not be read
        last time. While Secrets Manager is down, the cached secrets are used. Raises `SecretUnavailable` without any.
        """
        if not self._within(TIME_TO_LIVE_SECONDS, self._current.fetched_at):
            self._ask(self._current, REFETCH_SECONDS if self._current.secret else FIRST_FETCH_SECONDS)
            if self._previous.failure:
                # It serves although it is stale. While it matches, no mismatch would have it read again.
                self._ask(self._previous, REFETCH_SECONDS)
        if not self._current.secret:
            raise SecretUnavailable("The signing secret cannot be read now.") from self._current.failure
        return self._usable()

    def refetch(self) -> bool:
        """Fetches both secrets again, unless that was just done. Returns whether they have changed.

        It is for a signature that does not match: most deliveries never need the previous secret.
        """
        before = self._usable()
        self._ask(self._current, REFETCH_SECONDS)
        self._ask(self._previous, REFETCH_SECONDS)
        return self._usable() != before

    def _usable(self) -> tuple[bytes, ...]:
        """The known secrets. A previous one that is stale may be retired by now, so it needs a failure as an excuse."""
        previous = self._previous
        fresh = previous.failure or self._within(TIME_TO_LIVE_SECONDS, previous.fetched_at)
        return (self._current.secret, *([previous.secret] if previous.secret and fresh else []))

    def _within(self, seconds: float, since: float) -> bool:
        return 0 <= self._clock() - since < seconds

    def _ask(self, version: _Version, pause_seconds: float) -> None:
        """Reads a version, unless it was asked for within the last `pause_seconds`."""
        if self._within(pause_seconds, version.asked_at):
            return
        try:
            secret = self._read(version.stage)
        except (BotoCoreError, ClientError, SecretUnreadable) as error:
            # Even with a lost permission or a deleted secret, the cached secrets verify as well as before.
            version.failure = error
        else:
            if version is self._current and secret != version.secret:
                self._previous = _Version("AWSPREVIOUS", version.secret)
            version.secret, version.failure, version.fetched_at = secret, None, self._clock()
        version.asked_at = self._clock()

    def _read(self, stage: str) -> bytes:
        try:
            return secret_of(self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage))
        except SecretUnreadable:
            if stage == "AWSCURRENT":
                raise
            return b""  # an unreadable secret that was corrected since
        except ClientError as error:
            if stage == "AWSCURRENT" or error_code(error) != "ResourceNotFoundException":
                raise
            return b""  # never rotated: no version has the stage
