"""A provider that answers as a test says, and a key to sign with. No test waits: pauses are noted, and time stands."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from wickiepay_api.client import Access, ProviderApi

BASE_URL: Final = "https://api.provider.example"
CLIENT_ID: Final = "client-1"
MERCHANT_ID: Final = "merchant-1"
NOW: Final = datetime(2026, 1, 15, 10, 25, 1, tzinfo=UTC)

type Answering = Callable[[httpx.Request], httpx.Response]


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> RSAPrivateKey:  # noqa: ARG001  another number is another key
    return generate_private_key(public_exponent=65537, key_size=bits)


def access(**other: str) -> Access:
    settings: dict[str, Any] = {"base_url": BASE_URL, "client_id": CLIENT_ID, "merchant_id": MERCHANT_ID}
    return Access(key=rsa_key(), **settings | other)


class FakeProvider:
    """Answers with what it is given, in turn: of the last it never tires. Keeps the requests, and the pauses."""

    def __init__(self, *answers: httpx.Response | Answering | Exception, **other: str) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.sleep: Callable[[float], None] = self.pauses.append
        self.api = ProviderApi(
            access(**other), now=lambda: NOW, sleep=self._sleep, transport=httpx.MockTransport(self._answer)
        )

    def made(self, *_: object) -> AbstractContextManager[ProviderApi]:
        """In place of what makes a client, which is not closed then."""
        return nullcontext(self.api)

    def _sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return as_from_the_network(answer if isinstance(answer, httpx.Response) else answer(request))


def as_from_the_network(answer: httpx.Response) -> httpx.Response:
    """An answer as it comes from the network, and as often as it is wanted: one that was made whole is read already."""
    if not answer.is_stream_consumed:
        return answer
    return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))


def listing(*entries: object, member: str = "events") -> Answering:
    """Answers with the part of a list that a request asks for."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        offset, limit = int(asked["offset"]), int(asked.get("limit") or asked["max"])
        return httpx.Response(200, json={member: entries[offset : offset + limit]})

    return answer


def refusing(status: int, code: str | None = None, **headers: str) -> httpx.Response:
    """An error as the provider documents it."""
    error = {"error": {"code": code, "message": "the provider's own words", "details": None}}
    return httpx.Response(status, json=error, headers={name.replace("_", "-"): text for name, text in headers.items()})
