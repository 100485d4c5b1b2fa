"""Requests to the provider are signed as RFC 9421 says, over what the provider's documentation names."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import RSA_PSS_SHA512

from tests.support.provider import CLIENT_ID, rsa_key
from wickiepay_api.errors import SettingsUnusable
from wickiepay_api.signing import Signer

NOW: Final = datetime(2026, 1, 15, 10, 25, 1, tzinfo=UTC)

# --- RFC 9421, appendix B.2, with the public key of B.1.2 ---------------------------------------------
RFC: Final = json.loads((Path(__file__).parents[1] / "golden" / "rfc9421.json").read_text())


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def of_the_rfc(label: str, **other: str) -> httpx.Request:
    example = RFC["signatures"][label]
    signed = {"Signature-Input": f"{label}={example['input']}", "Signature": f"{label}=:{example['signature']}:"}
    return httpx.Request("POST", "https://example.com/foo?param=Value&Pet=dog", headers=RFC["headers"] | signed | other)


def verify_as_rfc(request: httpx.Request) -> None:
    key = RSAPublicNumbers(e=65537, n=number(RFC["modulus"])).public_key()
    resolver = MappingKeyResolver(public_keys={"test-key-rsa-pss": key}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=RSA_PSS_SHA512, key_resolver=resolver)
    verifier.verify(request, max_age=None)


@pytest.mark.parametrize("label", RFC["signatures"])
def test_the_library_finds_the_examples_of_the_rfc_valid(label: str) -> None:
    verify_as_rfc(of_the_rfc(label))


@pytest.mark.parametrize(
    ("label", "changed"),
    [
        ("sig-b21", {"Signature-Input": 'sig-b21=();created=1618884474;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z"'}),
        ("sig-b22", {"Content-Digest": "sha-512=:AAAA:"}),
        ("sig-b23", {"Date": "Tue, 20 Apr 2021 02:07:56 GMT"}),
    ],
    ids=["parameters", "digest", "date"],
)
def test_the_library_finds_a_changed_example_invalid(label: str, changed: dict[str, str]) -> None:
    with pytest.raises(InvalidSignature):
        verify_as_rfc(of_the_rfc(label, **changed))


# --- Our own signatures, recomputed by hand ------------------------------------------------------------
def signed(method: str, url: str, body: bytes, algorithm: str) -> httpx.Request:
    request = httpx.Request(method, url, content=body or None)
    Signer(CLIENT_ID, rsa_key(), algorithm).sign(request, body, NOW)
    return request


@pytest.mark.parametrize(
    ("algorithm", "padded", "hashed"),
    [
        ("rsa-v1_5-sha256", padding.PKCS1v15(), hashes.SHA256()),
        ("rsa-pss-sha512", padding.PSS(padding.MGF1(hashes.SHA512()), salt_length=64), hashes.SHA512()),
    ],
)
@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", "https://api.provider.example/api/v1/hook/event?fromDate=2026-01-15T10%3A25%3A00Z&offset=0", b""),
        ("POST", "http://127.0.0.1:4100/api/v1/hook/replay", b'{"eventIds": ["a"]}'),
    ],
    ids=["GET", "POST"],
)
def test_a_signature_is_of_the_text_that_the_documentation_describes(
    algorithm: str,
    padded: padding.AsymmetricPadding,
    hashed: hashes.HashAlgorithm,
    method: str,
    url: str,
    body: bytes,
) -> None:
    request = signed(method, url, body, algorithm)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    covered = '("@method" "@target-uri" "content-digest" "date");created=1768472701;keyid="client-1"'
    text = (
        f'"@method": {method}\n'
        f'"@target-uri": {url}\n'
        f'"content-digest": sha-256=:{digest}:\n'
        '"date": Thu, 15 Jan 2026 10:25:01 GMT\n'
        f'"@signature-params": {covered}'
    )
    value = request.headers["Signature"].removeprefix("sig=:").removesuffix(":")

    assert request.headers["Signature-Input"] == f"sig={covered}"
    assert request.headers["Date"] == "Thu, 15 Jan 2026 10:25:01 GMT"
    rsa_key().public_key().verify(base64.b64decode(value), text.encode(), padded, hashed)


def test_an_algorithm_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SettingsUnusable, match="rsa-v1_5-sha256, rsa-pss-sha512"):
        Signer(CLIENT_ID, rsa_key(), "hmac-sha256")
