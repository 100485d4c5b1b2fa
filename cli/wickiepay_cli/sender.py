"""Sends a delivery as the provider does."""

import time
from dataclasses import dataclass
from typing import Final

import httpx

from wickiepay_cli.failure import Failure

ANSWER_SECONDS: Final = 30
"""The provider waits no longer."""

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    seconds: float

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


def connection(url: str) -> httpx.Client:
    """An HTTP client for deliveries to `url`. A proxy of the environment is not asked for this machine."""
    return httpx.Client(timeout=ANSWER_SECONDS, trust_env=httpx.URL(url).host not in LOOPBACK)


def deliver(http: httpx.Client, url: str, body: bytes, signature: str) -> Answer:
    """Posts `body`, bytes as they are, and returns what is answered. Raises `Failure` where nothing is."""
    began = time.perf_counter()
    headers = {"Content-Type": "application/json", "X-Webhook-Signature": signature}
    try:
        response = http.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise Failure(f"{url} did not answer: {str(error) or type(error).__name__}") from error
    return Answer(response.status_code, response.text, time.perf_counter() - began)
