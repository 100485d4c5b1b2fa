"""The signing secrets, kept in Secrets Manager: the current one and, during a rotation, the previous one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.aws import error_code
from wickiepay.errors import SecretUnavailable

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

TIME_TO_LIVE_SECONDS: Final = 300
"""For so long a fetched secret is used without asking again: how long a retired secret may still be accepted."""

REFETCH_SECONDS: Final = 10
"""At least so long lies between two fetches: what forged traffic can make us spend, and how fast a rotation heals."""

FIRST_FETCH_SECONDS: Final = 1
"""The same while there is no secret at all: the sender's three tries must not all fall into one pause."""


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
            self._secrets = _distinct(current, self._read("AWSPREVIOUS"))
            self._fetched_at = self._clock()
            self._failure = None
        except (BotoCoreError, ClientError) as error:
            # Whatever is wrong with the store, also a lost permission: what is known verifies as well as before.
            self._failure = error
        self._asked_at = self._clock()
        return self._secrets != before

    def _within(self, seconds: float, since: float) -> bool:
        return 0 <= self._clock() - since < seconds

    def _read(self, stage: str) -> bytes:
        try:
            value = self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return b""  # never rotated: nothing has the stage AWSPREVIOUS
            raise
        return value.get("SecretString", "").strip().encode()  # pasted with the end of its line, often enough


def _distinct(*secrets: bytes) -> tuple[bytes, ...]:
    """The first two that are there, each once: what a rotation has at the same time."""
    return tuple(dict.fromkeys(secret for secret in secrets if secret))[:2]
