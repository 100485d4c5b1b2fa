"""Signs requests as the provider's documentation says: RFC 9421, by the merchant's RSA key."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureAlgorithm, MappingKeyResolver
from http_message_signatures.algorithms import RSA_PSS_SHA512, RSA_V1_5_SHA256

from wickiepay_api.errors import SettingsUnusable

COMPONENTS: Final = ("@method", "@target-uri", "content-digest", "date")
"""What a signature covers, in this order."""

LABEL: Final = "sig"

ALGORITHMS: Final = {algorithm.algorithm_id: algorithm for algorithm in (RSA_V1_5_SHA256, RSA_PSS_SHA512)}
"""The documentation says RSA with SHA-256, but not which padding: the first is the default, and the other a setting."""

DEFAULT_ALGORITHM: Final = RSA_V1_5_SHA256.algorithm_id


class Signer:
    """Signs for one client id. Raises `SettingsUnusable` for an algorithm that it does not know."""

    def __init__(self, client_id: str, key: RSAPrivateKey, algorithm: str = DEFAULT_ALGORITHM) -> None:
        self._client_id = client_id
        self._signer = HTTPMessageSigner(
            signature_algorithm=_algorithm(algorithm),
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={client_id: key}),
        )

    def sign(self, request: httpx.Request, body: bytes, now: datetime) -> None:
        """Adds Date, digest and signature to a request with that body."""
        request.headers["Date"] = format_datetime(now.astimezone(UTC), usegmt=True)
        self._signer.sign(
            request,
            key_id=self._client_id,
            created=now,
            label=LABEL,
            include_alg=False,  # the documentation names `created` and `keyid` alone
            covered_component_ids=COMPONENTS,
            body=body,
        )


def _algorithm(name: str) -> type[HTTPSignatureAlgorithm]:
    try:
        return ALGORITHMS[name]
    except KeyError:
        raise SettingsUnusable(f"There is no algorithm of this name: it is one of {', '.join(ALGORITHMS)}.") from None
