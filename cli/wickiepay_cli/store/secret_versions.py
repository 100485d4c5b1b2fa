"""The signing secret in Secrets Manager: its versions, and the stages that say which of them count.

Ingest accepts what is signed with AWSCURRENT or AWSPREVIOUS. A new value moves both: the current one becomes the
previous one, which counts no longer. So a second rotation, before WickiePay has taken over the first, drops the very
secret that deliveries are signed with. Only the retirement of the previous one says what WickiePay signs with.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wickiepay.clock import instant
from wickiepay.errors import SecretUnreadable
from wickiepay.outages import error_code
from wickiepay.signing_secrets import TIME_TO_LIVE_SECONDS, secret_in, secret_of
from wickiepay_cli.errors import CommandError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

CURRENT: Final = "AWSCURRENT"
PREVIOUS: Final = "AWSPREVIOUS"

KNOWN_AFTER: Final = timedelta(seconds=TIME_TO_LIVE_SECONDS)
"""How long after a new value was put every running function has it."""

QUIET: Final = timedelta(days=1)
"""How long a secret should not have been used when it is retired; the sender's retries are over by then."""

MAX_BYTES: Final = 65_536
"""The limit of Secrets Manager."""
MIN_CHARACTERS: Final = 16

GENERATED_BYTES: Final = 48


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the secret, without its value. `created_at` is in UTC."""

    id: str
    stages: Sequence[str]
    created_at: datetime

    @property
    def known_from(self) -> datetime:
        """The time when every function has it, if it counts."""
        return self.created_at + KNOWN_AFTER


class SecretVersions:
    """The signing secret. No method logs a value or puts one into an error."""

    def __init__(self, client: "SecretsManagerClient", secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id

    def staged(self) -> list[Version]:
        """The versions with a stage, the newest first."""
        request: dict[str, Any] = {"SecretId": self._secret_id}
        versions: list[Version] = []
        while request:
            answer = self._client.list_secret_version_ids(**request)
            versions += [
                Version(each["VersionId"], sorted(each["VersionStages"]), each["CreatedDate"].astimezone(UTC))
                for each in answer["Versions"]
                if each.get("VersionStages")
            ]
            token = answer.get("NextToken")
            request = {"SecretId": self._secret_id, "NextToken": token} if token else {}
        return sorted(versions, key=lambda version: (version.created_at, CURRENT in version.stages), reverse=True)

    def rotate(self, value: str) -> str:
        """Makes `value` the current secret and the current one the previous; the id of the new version.

        The previous one no longer counts: see `refuse_rotation`. Raises `CommandError` if `value` is already current.
        """
        if self._current()[0] == value.encode():
            raise CommandError("That is already the current secret: nothing was changed.")
        return self._put(value)

    def replace(self, value: str) -> str:
        """Makes `value` the only secret that counts. Returns the id of its version. It can be repeated."""
        current, version = self._current()
        if current == value.encode():
            self.retire()
            return version
        put = self._put(value)
        self._unstage(version)
        return put

    def retire(self) -> str | None:
        """Takes the previous secret out of use. Returns the id of its version, or None if there is none."""
        previous = with_stage(self.staged(), PREVIOUS)
        if previous is None:
            return None
        self._unstage(previous.id)
        return previous.id

    def current(self) -> str:
        """The secret itself, as the functions read it. Raises `SecretUnreadable`."""
        return self._read(CURRENT).decode()

    def problem(self, stage: str) -> str | None:
        """Why functions cannot use the secret with this stage, or why that is unknown; None if they can."""
        try:
            self._read(stage)
        except SecretUnreadable as error:
            return str(error)
        except ClientError as error:
            return f"It could not be read: {error_code(error)}."
        return None

    def _read(self, stage: str) -> bytes:
        return secret_of(self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage))

    def _current(self) -> tuple[bytes | None, str]:
        """The current secret (None if functions cannot read it) and the id of its version."""
        answer = self._client.get_secret_value(SecretId=self._secret_id, VersionStage=CURRENT)
        try:
            return secret_of(answer), answer["VersionId"]
        except SecretUnreadable:
            return None, answer["VersionId"]

    def _put(self, value: str) -> str:
        return self._client.put_secret_value(SecretId=self._secret_id, SecretString=value)["VersionId"]

    def _unstage(self, version: str) -> None:
        self._client.update_secret_version_stage(
            SecretId=self._secret_id, VersionStage=PREVIOUS, RemoveFromVersionId=version
        )


def with_stage(versions: Sequence[Version], stage: str) -> Version | None:
    """The version with the stage, out of `versions`."""
    return next((version for version in versions if stage in version.stages), None)


def rotation_known_from(versions: Sequence[Version]) -> datetime | None:
    """The time when every function knows both secrets of the current rotation, or None without a rotation."""
    current = with_stage(versions, CURRENT)
    return current.known_from if current and with_stage(versions, PREVIOUS) else None


def refuse_rotation(versions: Sequence[Version]) -> None:
    """Raises `CommandError` while a previous secret counts: WickiePay may sign with it, and a rotation drops it."""
    if with_stage(versions, PREVIOUS):
        raise CommandError(
            "A rotation is under way: the previous secret is still accepted, and another rotation would drop it. "
            "Retire it first, once WickiePay no longer signs with it (wickiepay secret retire), or say --force."
        )


def refuse_retirement(versions: Sequence[Version], now: datetime) -> None:
    """Raises `CommandError` if the rotation is so recent that WickiePay cannot sign with the new secret yet."""
    known_from = rotation_known_from(versions)
    if known_from and now < known_from:
        raise CommandError(
            f"Until {instant(known_from)}, not every function knows the new secret, so WickiePay should not sign with "
            "it yet: retire the previous one after that, or say --force."
        )


def refuse_blind_retirement(last_use: datetime | None, now: datetime) -> None:
    """Raises `CommandError` if a delivery was signed with the previous secret less than a day ago."""
    if last_use and now < last_use + QUIET:
        raise CommandError(
            f"A delivery that was signed with the previous secret came at {instant(last_use)}: WickiePay may still "
            "sign with it. Retire it once none has come for a day, or say --force."
        )


def generated() -> str:
    """A new random secret."""
    return secrets.token_urlsafe(GENERATED_BYTES)


def checked(text: str | bytes) -> str:
    """A given secret, as functions will read it. Raises `CommandError`, which quotes nothing, if it cannot be one."""
    try:
        secret = secret_in(text)
    except SecretUnreadable as error:
        raise CommandError(str(error)) from None
    if len(secret) > MAX_BYTES:
        raise CommandError(f"The secret is longer than {MAX_BYTES} bytes.")
    return secret.decode()


def refuse_short(secret: str) -> None:
    """Raises `CommandError` for a secret that could be guessed from one signed body."""
    if len(secret) < MIN_CHARACTERS:
        raise CommandError(
            f"The secret has fewer than {MIN_CHARACTERS} characters: short secrets can be guessed. "
            "If it has to be this one, say --force."
        )
