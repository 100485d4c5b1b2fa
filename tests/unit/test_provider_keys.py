"""The keys in the secret of the provider's API: made, exchanged without a gap, and never shown."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from tests.support.provider import rsa_key
from wickiepay_api.errors import SettingsUnusable
from wickiepay_api.keys import fingerprint, key_in_use, keys_in, name_in_use, public_pem, with_new_key

SMALL = rsa_key(1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
OTHER = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
LOCKED = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")).decode()


def test_the_first_key_signs_for_whatever_id_the_portal_gives_it() -> None:
    secret, made = with_new_key(None, "")

    assert fingerprint(key_in_use(secret, "client-1")) == fingerprint(made)
    assert made.key_size == 2048


def test_during_a_rotation_each_client_id_has_its_key() -> None:
    """No request fails: the previous key signs until the parameter names the new key's id."""
    first, old = with_new_key(None, "")
    second, new = with_new_key(first, "client-1")

    assert fingerprint(key_in_use(second, "client-1")) == fingerprint(old)
    assert fingerprint(key_in_use(second, "client-2")) == fingerprint(new)
    assert [name_in_use(keys_in(second), f"client-{number}") for number in (1, 2)] == ["previous", "current"]


def test_a_key_that_was_never_used_is_replaced_and_the_one_in_use_is_kept() -> None:
    first, old = with_new_key(None, "")
    second, _ = with_new_key(first, "client-1")
    third, newest = with_new_key(second, "client-1")

    assert fingerprint(key_in_use(third, "client-1")) == fingerprint(old)
    assert fingerprint(key_in_use(third, "client-2")) == fingerprint(newest)
    assert len(keys_in(third)) == 2


def test_after_a_rotation_the_key_before_the_last_is_gone() -> None:
    first, old = with_new_key(None, "")
    second, _ = with_new_key(first, "client-1")
    third, _ = with_new_key(second, "client-2")

    assert fingerprint(old) not in {fingerprint(key) for key, _ in keys_in(third).values()}


def test_a_value_without_a_key_is_no_reason_to_make_none() -> None:
    secret, made = with_new_key("typed by hand", "client-1")

    assert fingerprint(key_in_use(secret, "client-1")) == fingerprint(made)


def test_the_public_key_is_what_a_portal_takes() -> None:
    loaded = load_pem_public_key(public_pem(rsa_key()).encode())

    assert loaded == rsa_key().public_key()
    assert public_pem(rsa_key()).startswith("-----BEGIN PUBLIC KEY-----\n")


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "{}",
        "[]",
        "null",
        "[" * 200_000,
        '{"current": "MIIE"}',
        '{"current": {"private_key": 7}}',
        *(json.dumps({"current": {"private_key": pem}}) for pem in ("MIIEpAIBAAKC", SMALL, OTHER, LOCKED)),
    ],
    ids=[
        "empty",
        "no keys",
        "a list",
        "null",
        "deep",
        "no object",
        "no text",
        "no PEM",
        "1024 bits",
        "no RSA",
        "locked",
    ],
)
def test_a_secret_without_a_usable_key_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(SettingsUnusable, match="wickiepay provider key create") as refused:
        key_in_use(secret, "client-1")
    assert "MII" not in str(refused.value)
