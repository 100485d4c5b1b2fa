"""The signing secrets, kept in Secrets Manager: the current one and, during a rotation, the previous one.

Whoever reads a secret, be it a function or the command, reads it by `secret_in`: so all have the same.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.errors import SecretUnavailable, SecretUnreadable
from wickiepay.outages import error_code

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_secretsmanager.type_defs import GetSecretValueResponseTypeDef

TIME_TO_LIVE_SECONDS: Final = 300
"""For so long a fetched secret is used without asking again: how long a retired secret may still be accepted."""

REFETCH_SECONDS: Final = 10
"""At least so long lies between two fetches: what forged traffic can make us spend, and how fast a rotation heals."""

FIRST_FETCH_SECONDS: Final = 1
"""The same while there is no secret at all: the sender's three tries must not all fall into one pause."""

_AROUND: Final = " \t\n\v\f\r\0\x85\xa0\u2028\u2029\u202f\u2060\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x2010)))
"""Blanks of all widths, none included."""


def secret_in(given: str | bytes) -> bytes:
    """The secret in what is kept of it, or was typed: text in UTF-8, without what people and consoles put around it.

    That is white space, a byte order mark, characters without width, quotes, and an object with one key, as the AWS
    console makes it. Raises `SecretUnreadable` where what is left can be no secret.
    """
    try:
        text = (given if isinstance(given, str) else given.decode()).strip(_AROUND)
        text = _only_value(text).strip(_AROUND)
        if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'":
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
    """The secret in an answer of Secrets Manager, kept there as text or as bytes. Raises `SecretUnreadable`."""
    return secret_in(answer.get("SecretString") or answer.get("SecretBinary", b""))


def _only_value(text: str) -> str:
    """The text in a JSON object of one; `text` itself where it is no object."""
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


class SigningSecrets:
    """`clock` tells seconds as the clock on the wall does, as `time.time`.

    A container that is frozen between deliveries must not keep a retired secret for longer, and nobody promises that a
    monotonic clock goes on meanwhile. A clock on the wall can be put back: what was asked then counts as long ago.
    """

    def __init__(self, client: "SecretsManagerClient", secret_id: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self._secrets: tuple[bytes, ...] = ()
        self._failure: Exception | None = None
        self._asked_at = self._fetched_at = float("-inf")

    @property
    def failure(self) -> Exception | None:
        """Why the secrets could not be read when that was last tried; None where they could."""
        return self._failure

    def get(self) -> tuple[bytes, ...]:
        """The secrets that a signature may be made with, from the cache while it is fresh.

        With the store down the cached ones serve. Raises `SecretUnavailable` where there are none.
        """
        if not self._secrets or not self._within(TIME_TO_LIVE_SECONDS, self._fetched_at):
            self.refetch()
        if not self._secrets:
            raise SecretUnavailable("The signing secret cannot be read now.") from self._failure
        return self._secrets

    def refetch(self) -> bool:
        """Asks the store again unless that was done just now; says whether the secrets have changed."""
        if self._within(REFETCH_SECONDS if self._secrets else FIRST_FETCH_SECONDS, self._asked_at):
            return False
        before = self._secrets
        try:
            current = self._read("AWSCURRENT")
            self._secrets = _distinct(current, *before)  # in case the other half of the answer does not come
            self._secrets = _distinct(current, self._previous())
            self._fetched_at = self._clock()
            self._failure = None
        except (BotoCoreError, ClientError, SecretUnreadable) as error:
            # Whatever is wrong with the store or what is in it, even a lost permission or a secret that somebody has
            # deleted: what is known verifies as well as before.
            self._failure = error
        self._asked_at = self._clock()
        return self._secrets != before

    def _within(self, seconds: float, since: float) -> bool:
        return 0 <= self._clock() - since < seconds

    def _previous(self) -> bytes:
        try:
            return self._read("AWSPREVIOUS")
        except SecretUnreadable:
            return b""  # it was corrected since
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return b""  # never rotated: nothing has the stage
            raise

    def _read(self, stage: str) -> bytes:
        return secret_of(self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage))


def _distinct(*secrets: bytes) -> tuple[bytes, ...]:
    """The first two that are there, each once: what a rotation has at the same time."""
    return tuple(dict.fromkeys(secret for secret in secrets if secret))[:2]
