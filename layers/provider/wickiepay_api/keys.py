"""The merchant's RSA keys, as the secret `ProviderApiKeySecret` holds them.

The secret is JSON: {"current": {"private_key"}, "previous": {"private_key", "client_id"}}. A new key gets its client id
in the portal, and so after it was made. Until the parameter ProviderClientId names that id, the previous key signs:
it is noted with the client id that it had. So no request fails during a rotation.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from wickiepay_api.errors import SettingsUnusable

BITS: Final = 2048
"""The size that the provider's documentation names."""

CURRENT: Final = "current"
PREVIOUS: Final = "previous"


def private_key_in(pem: str) -> RSAPrivateKey:
    """The key in a PEM text. Raises `SettingsUnusable`, which quotes nothing."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        raise SettingsUnusable(
            "What is stored as the private key is not one (PEM, unencrypted): wickiepay provider key create makes one."
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < BITS:
        raise SettingsUnusable(
            f"The private key is not an RSA key of at least {BITS} bits, which the provider asks for: "
            "wickiepay provider key create makes one."
        )
    return key


type Keys = Mapping[str, tuple[RSAPrivateKey, str | None]]


def keys_in(secret: str) -> Keys:
    """The keys in the secret under `CURRENT` and `PREVIOUS`, each with the client id that is noted, if any.

    Raises `SettingsUnusable` if there is no current one.
    """
    try:
        stored = json.loads(secret)
        keys = {
            name: (private_key_in(stored[name]["private_key"]), stored[name].get("client_id"))
            for name in (CURRENT, PREVIOUS)
            if name in stored
        }
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        keys = {}
    if CURRENT not in keys:
        raise SettingsUnusable(
            "The secret of the provider's API holds no key: wickiepay provider key create makes one."
        )
    return keys


def name_in_use(keys: Keys, client_id: str) -> str:
    """The name of the key that signs for the client id: the previous one as long as it is that id's."""
    return PREVIOUS if PREVIOUS in keys and keys[PREVIOUS][1] == client_id else CURRENT


def key_in_use(secret: str, client_id: str) -> RSAPrivateKey:
    """The key that signs for the client id. Raises `SettingsUnusable` without one."""
    keys = keys_in(secret)
    return keys[name_in_use(keys, client_id)][0]


def with_new_key(secret: str | None, client_id: str) -> tuple[str, RSAPrivateKey]:
    """The secret with a new key as the current one, and that key. The key that signs now becomes the previous one.

    Without a client id no key signs yet, so a current one is dropped; so is one that was made and never used, and a
    value without a usable key. (Secrets Manager keeps the value before.)
    """
    made = generate_private_key(public_exponent=65537, key_size=BITS)
    stored = {CURRENT: {"private_key": _private_pem(made)}}
    if secret is not None and client_id:
        with suppress(SettingsUnusable):
            stored[PREVIOUS] = {"private_key": _private_pem(key_in_use(secret, client_id)), "client_id": client_id}
    return json.dumps(stored), made


def public_pem(key: RSAPrivateKey) -> str:
    """The public key, as the portal takes it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(key: RSAPrivateKey) -> str:
    """The SHA-256 of the public key, by which two keys can be compared."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{base64.b64encode(hashlib.sha256(der).digest()).decode().rstrip('=')}"


def _private_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
