"""Requests to the provider are signed as another implementation understands RFC 9421: npm's http-message-signatures."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from http_message_signatures import ContentDigest

from tests.support.provider import CLIENT_ID, rsa_key
from wickiepay_api.keys import public_pem
from wickiepay_api.signing import ALGORITHMS, DEFAULT_ALGORITHM, Signer
from wickiepay_cli.simulator.provider import Provider
from wickiepay_cli.simulator.server import serving

HERE = Path(__file__).parent / "signatures_in_node"

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script, and with the package that its lock names."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on PATH: the vectors of the RFC have to do")
    folder = tmp_path_factory.mktemp("node")
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def verdicts(folder: Path, algorithm: str, requests: Sequence[dict[str, Any]]) -> list[object]:
    told = json.dumps({"key": public_pem(rsa_key()), "algorithm": algorithm})
    lines = "\n".join(map(json.dumps, requests))
    done = subprocess.run(
        ["node", "verify.cjs", told], cwd=folder, input=lines, text=True, capture_output=True, check=True, timeout=60
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def signed(algorithm: str, method: str, url: str, body: bytes = b"") -> dict[str, Any]:
    """A request as node sees it."""
    request = httpx.Request(method, url, content=body or None)
    Signer(CLIENT_ID, rsa_key(), algorithm).sign(request, body, datetime.now(UTC) - timedelta(seconds=1))
    return {"method": request.method, "url": str(request.url), "headers": dict(request.headers)}


LISTS = (
    "https://api.provider.example/api/v1/hook/event?status=FAILED&eventType=payment.%2A&fromDate=2026-01-15T10%3A00Z"
)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_implementation_finds_our_signatures_valid(folder: Path, algorithm: str) -> None:
    requests = [
        signed(algorithm, "GET", LISTS),
        signed(algorithm, "GET", "http://127.0.0.1:4100/api/v1/pay/a%2Fb"),
        signed(algorithm, "GET", "https://api.provider.example:443/api/v1/hook/destination"),
        signed(algorithm, "POST", "https://API.provider.example/api/v1/hook/replay", b'{"eventIds": ["\xc3\xa9"]}'),
        signed(algorithm, "DELETE", "https://api.provider.example/api/v1/hook/destination/D1"),
    ]

    assert verdicts(folder, algorithm, requests) == [True] * len(requests)


def test_the_other_implementation_finds_changed_requests_invalid(folder: Path) -> None:
    genuine = signed("rsa-v1_5-sha256", "GET", LISTS)
    changed = [
        genuine | {"method": "POST"},
        genuine | {"url": LISTS + "&limit=1"},
        genuine | {"headers": genuine["headers"] | {"date": "Thu, 15 Jan 2026 10:25:01 GMT"}},
        genuine | {"headers": genuine["headers"] | {"content-digest": "sha-256=:AAAA:"}},
    ]

    assert verdicts(folder, "rsa-v1_5-sha256", [genuine, *changed]) == [True, False, False, False, False]


# --- The simulated provider, asked by the other implementation ---------------------------------------
COVERED = ["@method", "@target-uri", "content-digest", "date"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [(COVERED, 200), (COVERED[::-1], 401), (COVERED[:3], 401)],
    ids=["as documented", "another order", "one less"],
)
def test_the_simulated_provider_takes_what_another_implementation_signs(
    folder: Path, fields: Sequence[str], status: int
) -> None:
    """By the default algorithm: under the other one, this package salts with more bytes than the RFC's 64."""
    private = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    headers = {"date": formatdate(usegmt=True), "content-digest": ContentDigest.create(b"")}
    with Provider() as provider, serving(provider, {CLIENT_ID: rsa_key().public_key()}) as base_url:
        url = f"{base_url}/api/v1/hook/event?status=FAILED&eventType=payment.%2A"
        request = {"method": "GET", "url": url, "headers": headers}
        told = {"key": private, "algorithm": DEFAULT_ALGORITHM, "fields": fields, "request": request}
        command = ["node", "sign.cjs"]
        done = subprocess.run(
            command, cwd=folder, input=json.dumps(told), text=True, capture_output=True, check=True, timeout=60
        )
        answer = httpx.get(url, headers=json.loads(done.stdout), trust_env=False)

    assert answer.status_code == status
