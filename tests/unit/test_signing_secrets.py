"""The signing secrets: cached, rotated, and asked for no more often than promised."""

from typing import TYPE_CHECKING, Final

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from tests.support.aws import Calls
from tests.support.clock import Clock
from wickiepay.errors import SecretUnavailable, SecretUnreadable
from wickiepay.signing_secrets import SigningSecrets, secret_in

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

# Restated, not imported: these are promises.
TIME_TO_LIVE_SECONDS: Final = 300
REFETCH_SECONDS: Final = 10
FIRST_FETCH_SECONDS: Final = 1


@pytest.fixture
def secrets(signing_secret: str, secretsmanager: "SecretsManagerClient", clock: Clock) -> SigningSecrets:
    return SigningSecrets(secretsmanager, signing_secret, clock)


def retire(client: "SecretsManagerClient") -> None:
    """Takes the previous secret out of use, as `wickiepay secret retire` does."""
    previous = client.get_secret_value(SecretId="SigningSecret", VersionStage="AWSPREVIOUS")["VersionId"]
    client.update_secret_version_stage(
        SecretId="SigningSecret", VersionStage="AWSPREVIOUS", RemoveFromVersionId=previous
    )


def rotate(secretsmanager: "SecretsManagerClient", value: str) -> None:
    secretsmanager.put_secret_value(SecretId="SigningSecret", SecretString=value)


def fetches(calls: Calls) -> int:
    return sum(call["VersionStage"] == "AWSCURRENT" for call in calls.of("GetSecretValue"))


# --- What is got --------------------------------------------------------------------------------------
def test_a_secret_that_was_never_rotated_is_alone(secrets: SigningSecrets, secret: bytes) -> None:
    assert secrets.get() == (secret,)


def test_after_a_rotation_the_previous_secret_still_counts(
    secrets: SigningSecrets, secretsmanager: "SecretsManagerClient", secret: bytes
) -> None:
    rotate(secretsmanager, "new")
    secrets.refetch()

    assert secrets.get() == (b"new", secret)


def test_after_two_rotations_the_first_secret_is_retired(
    secrets: SigningSecrets, secretsmanager: "SecretsManagerClient"
) -> None:
    rotate(secretsmanager, "new")
    rotate(secretsmanager, "newer")
    secrets.refetch()

    assert secrets.get() == (b"newer", b"new")


@pytest.mark.parametrize(
    "kept",
    [
        *(
            "s3cret",
            " s3cret\r\n",
            "\ufeffs3cret",
            "\u200bs3cret\u2060\n",
            "\u2000s3cret\u200f",
            "s3cret\0",
            '"s3cret"',
            "'s3cret'",
            '" s3cret"\n',
        ),
        *('{"WICKIEPAY_WEBHOOK_SECRET": "s3cret"}', '\ufeff{"key":"s3cret\\n"}\n', b"s3cret\n", b"\xef\xbb\xbfs3cret"),
    ],
)
def test_what_people_and_consoles_put_around_a_secret_does_not_count(kept: str | bytes) -> None:
    assert secret_in(kept) == b"s3cret"


@pytest.mark.parametrize(
    "kept",
    ["a", '"', '"abc', "abc'", "{", '{"a', "[1]", 'a"b', "{'a':'b'}", "geheim-ß", "two words", '{"a":' * 9_999],
)
def test_any_other_text_is_the_secret_as_it_is(kept: str) -> None:
    assert secret_in(kept) == kept.encode()


NO_SECRETS = [
    ("", "empty or blank"),
    (" \r\n\ufeff", "empty or blank"),
    ('{"a": ""}', "empty or blank"),
    *((nothing, "empty or blank") for nothing in ("''", '""\n', '" "', '{"a": "\'\'"}')),
    (b"caf\xe9", "not text in UTF-8"),
    ("\ud800", "not text in UTF-8"),
    ("one\ntwo", "cannot be printed"),
    ("one\u200btwo", "cannot be printed"),
    ('{"a": "one", "b": "two"}', "JSON, and not one key"),
    ('{"a": 1}', "JSON, and not one key"),
    ("{}", "JSON, and not one key"),
]


@pytest.mark.parametrize(("kept", "cause"), NO_SECRETS)
def test_what_can_be_no_secret_is_refused_and_not_quoted(kept: str | bytes, cause: str) -> None:
    with pytest.raises(SecretUnreadable, match=cause) as refused:
        secret_in(kept)
    assert "two" not in str(refused.value)


def test_a_secret_that_is_kept_as_bytes_is_read(
    cloud: None,  # noqa: ARG001
    secretsmanager: "SecretsManagerClient",
    clock: Clock,
) -> None:
    secretsmanager.create_secret(Name="SigningSecret", SecretBinary=b"binary\n")

    assert SigningSecrets(secretsmanager, "SigningSecret", clock).get() == (b"binary",)


def test_an_unreadable_secret_leaves_the_cached_one_and_says_why(
    secrets: SigningSecrets, clock: Clock, secretsmanager: "SecretsManagerClient", secret: bytes
) -> None:
    secrets.get()
    assert secrets.failure is None
    rotate(secretsmanager, '{"one": "1", "two": "2"}')
    clock.tick(TIME_TO_LIVE_SECONDS)

    assert secrets.get() == (secret,)
    assert "JSON" in str(secrets.failure)


def test_an_unreadable_secret_that_was_corrected_is_forgotten(
    secrets: SigningSecrets, secretsmanager: "SecretsManagerClient"
) -> None:
    rotate(secretsmanager, "{}")
    rotate(secretsmanager, "corrected")
    secrets.refetch()

    assert secrets.get() == (b"corrected",)
    assert secrets.failure is None


@pytest.mark.parametrize("force", [True, False])
def test_a_deleted_secret_leaves_the_cached_one(
    force: bool, secrets: SigningSecrets, clock: Clock, secretsmanager: "SecretsManagerClient", secret: bytes
) -> None:
    secrets.get()
    secretsmanager.delete_secret(SecretId="SigningSecret", **({"ForceDeleteWithoutRecovery": True} if force else {}))
    clock.tick(TIME_TO_LIVE_SECONDS)

    assert secrets.get() == (secret,)
    assert isinstance(secrets.failure, ClientError)


def test_a_secret_is_kept_as_utf8(secrets: SigningSecrets, secretsmanager: "SecretsManagerClient") -> None:
    rotate(secretsmanager, "geheim-ß")

    assert secrets.get()[0] == "geheim-ß".encode()


# --- How long it is used ------------------------------------------------------------------------------
def test_a_fresh_secret_is_not_asked_for_again(secrets: SigningSecrets, clock: Clock, calls: Calls) -> None:
    secrets.get()
    clock.tick(TIME_TO_LIVE_SECONDS - 0.1)
    secrets.get()

    assert fetches(calls) == 1


def test_a_stale_secret_is_asked_for_again(
    secrets: SigningSecrets, clock: Clock, secretsmanager: "SecretsManagerClient"
) -> None:
    secrets.get()
    rotate(secretsmanager, "new")
    clock.tick(TIME_TO_LIVE_SECONDS)

    assert secrets.get() == (b"new",)


def test_only_for_a_signature_that_does_not_match_the_previous_secret_is_asked_for(
    secrets: SigningSecrets, secretsmanager: "SecretsManagerClient", calls: Calls, secret: bytes
) -> None:
    rotate(secretsmanager, "new")
    assert secrets.get() == (b"new",)
    assert [call["VersionStage"] for call in calls.of("GetSecretValue")] == ["AWSCURRENT"]

    assert secrets.refetch()
    assert secrets.get() == (b"new", secret)
    assert [call["VersionStage"] for call in calls.of("GetSecretValue")] == ["AWSCURRENT", "AWSPREVIOUS"]


def test_a_retired_secret_is_refused_within_the_time_to_live(
    secrets: SigningSecrets, clock: Clock, secretsmanager: "SecretsManagerClient", secret: bytes
) -> None:
    secrets.get()
    rotate(secretsmanager, "new")
    rotate(secretsmanager, "newer")
    clock.tick(TIME_TO_LIVE_SECONDS)

    assert secret not in secrets.get()


# --- Refetching ---------------------------------------------------------------------------------------
def test_a_rotation_is_found_by_a_refetch(
    secrets: SigningSecrets, clock: Clock, secretsmanager: "SecretsManagerClient", secret: bytes
) -> None:
    secrets.get()
    rotate(secretsmanager, "new")
    clock.tick(REFETCH_SECONDS)

    assert secrets.refetch()
    assert secrets.get() == (b"new", secret)


def test_a_refetch_that_finds_nothing_new_says_so(secrets: SigningSecrets, clock: Clock) -> None:
    secrets.get()
    clock.tick(REFETCH_SECONDS)

    assert not secrets.refetch()


@pytest.mark.parametrize("seconds", [0, 1, 9.9])
def test_right_after_a_fetch_nothing_is_fetched(
    seconds: float, secrets: SigningSecrets, clock: Clock, calls: Calls
) -> None:
    secrets.get()
    clock.tick(seconds)

    assert not secrets.refetch()
    assert fetches(calls) == 1


def test_however_often_a_refetch_is_wanted_there_is_one_in_ten_seconds(
    secrets: SigningSecrets, clock: Clock, calls: Calls
) -> None:
    secrets.get()
    for _ in range(1000):
        clock.tick(0.1)
        secrets.refetch()

    assert fetches(calls) <= 1 + 1000 * 0.1 / REFETCH_SECONDS


def test_a_refetch_makes_the_secret_fresh(secrets: SigningSecrets, clock: Clock, calls: Calls) -> None:
    secrets.get()
    clock.tick(REFETCH_SECONDS)
    secrets.refetch()
    clock.tick(TIME_TO_LIVE_SECONDS - 0.1)
    secrets.get()

    assert fetches(calls) == 2


# --- With the store down ------------------------------------------------------------------------------
OUTAGES = [
    pytest.param(EndpointConnectionError(endpoint_url="https://secretsmanager.invalid"), id="unreachable"),
    pytest.param(None, id="timed out"),
    pytest.param(NoCredentialsError(), id="no credentials"),
]


@pytest.mark.parametrize("error", OUTAGES)
def test_with_the_store_down_the_cached_secret_serves(
    error: Exception | None, secrets: SigningSecrets, clock: Clock, calls: Calls, secret: bytes
) -> None:
    secrets.get()
    calls.fail("GetSecretValue", error)
    for _ in range(10):
        clock.tick(TIME_TO_LIVE_SECONDS)

        assert secrets.get() == (secret,)


@pytest.mark.parametrize("code", ["AccessDeniedException", "InternalServiceError", "DecryptionFailure"])
def test_with_the_store_refusing_the_cached_secret_serves(
    code: str, secrets: SigningSecrets, clock: Clock, calls: Calls, secret: bytes
) -> None:
    secrets.get()
    calls.refuse("GetSecretValue", code)
    clock.tick(TIME_TO_LIVE_SECONDS)

    assert secrets.get() == (secret,)


def test_with_the_store_down_it_is_asked_once_in_ten_seconds(
    secrets: SigningSecrets, clock: Clock, calls: Calls
) -> None:
    secrets.get()
    calls.fail("GetSecretValue")
    clock.tick(TIME_TO_LIVE_SECONDS)
    for _ in range(100):
        secrets.get()
        clock.tick(0.1)

    assert fetches(calls) == 2


@pytest.mark.parametrize("error", OUTAGES)
def test_with_the_store_down_and_nothing_cached_there_is_no_secret(
    error: Exception | None, secrets: SigningSecrets, calls: Calls
) -> None:
    calls.fail("GetSecretValue", error)

    with pytest.raises(SecretUnavailable):
        secrets.get()


def test_the_first_secret_is_found_soon_after_the_store_is_up_again(
    secrets: SigningSecrets, clock: Clock, calls: Calls, secret: bytes
) -> None:
    calls.fail("GetSecretValue")
    with pytest.raises(SecretUnavailable):
        secrets.get()
    calls.mend()
    clock.tick(FIRST_FETCH_SECONDS)

    assert secrets.get() == (secret,)
    assert secrets.failure is None


def test_while_there_is_no_secret_the_store_is_not_asked_all_the_time(
    secrets: SigningSecrets, clock: Clock, calls: Calls
) -> None:
    calls.fail("GetSecretValue")
    for _ in range(10):
        with pytest.raises(SecretUnavailable):
            secrets.get()
        clock.tick(FIRST_FETCH_SECONDS / 10)

    assert fetches(calls) == 1


def test_what_was_the_current_secret_serves_until_the_previous_one_can_be_read(
    secrets: SigningSecrets,
    clock: Clock,
    calls: Calls,
    secretsmanager: "SecretsManagerClient",
    secret: bytes,
) -> None:
    secrets.get()
    rotate(secretsmanager, "new")
    clock.tick(TIME_TO_LIVE_SECONDS)
    calls.fail("GetSecretValue", skip=1)
    secrets.refetch()

    assert secrets.get() == (b"new", secret)


def test_a_previous_secret_that_may_not_be_read_is_kept(
    secrets: SigningSecrets,
    clock: Clock,
    calls: Calls,
    secretsmanager: "SecretsManagerClient",
    secret: bytes,
) -> None:
    rotate(secretsmanager, "new")
    secrets.refetch()
    clock.tick(TIME_TO_LIVE_SECONDS)
    calls.refuse("GetSecretValue", "AccessDeniedException", skip=1)
    secrets.refetch()

    assert secrets.get() == (b"new", secret)
    assert isinstance(secrets.failure, ClientError)


def test_a_secret_that_is_retired_after_an_outage_is_refused_although_nothing_else_asks_for_it(
    secrets: SigningSecrets, clock: Clock, calls: Calls, secretsmanager: "SecretsManagerClient", secret: bytes
) -> None:
    """As long as the previous secret matches, no mismatch has it read again."""
    rotate(secretsmanager, "new")
    secrets.refetch()
    clock.tick(TIME_TO_LIVE_SECONDS)
    calls.fail("GetSecretValue")
    secrets.refetch()
    assert secrets.get() == (b"new", secret)

    calls.mend()
    retire(secretsmanager)
    clock.tick(TIME_TO_LIVE_SECONDS)

    assert secret not in secrets.get()


# --- A store without a secret -------------------------------------------------------------------------
def test_a_secret_that_is_made_later_is_found_soon(
    cloud: None,  # noqa: ARG001
    secretsmanager: "SecretsManagerClient",
    clock: Clock,
) -> None:
    secrets = SigningSecrets(secretsmanager, "SigningSecret", clock)
    with pytest.raises(SecretUnavailable):
        secrets.get()
    secretsmanager.create_secret(Name="SigningSecret", SecretString="made later")
    clock.tick(FIRST_FETCH_SECONDS)

    assert secrets.get() == (b"made later",)


# --- A clock that is put right ---------------------------------------------------------------------
def test_a_clock_that_is_put_back_keeps_no_secret_for_longer(
    secrets: SigningSecrets, secretsmanager: "SecretsManagerClient", clock: Clock
) -> None:
    secrets.get()
    rotate(secretsmanager, "new")
    clock.seconds -= 3600

    assert secrets.get()[0] == b"new"


def test_a_clock_that_is_put_back_keeps_nobody_from_asking(
    secrets: SigningSecrets, secretsmanager: "SecretsManagerClient", clock: Clock
) -> None:
    secrets.get()
    clock.seconds -= 3600
    rotate(secretsmanager, "new")

    assert secrets.refetch()
