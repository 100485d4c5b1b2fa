"""Asks the provider: each request is signed anew, repeated where that is safe, and never sent after a redirect."""

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from wickiepay_api.answers import code_in, json_in, seconds_of, skew
from wickiepay_api.errors import (
    AnswerUnusable,
    ExpiredSignature,
    ProviderFailed,
    Redirected,
    Refused,
    TooManyRequests,
    Unreachable,
    kind_of,
)
from wickiepay_api.signing import Signer

ANSWER_SECONDS: Final = 30
"""How long an answer may take in all."""

ATTEMPTS: Final = 4
MAX_WAIT_SECONDS: Final = 60
"""The longest pause between two attempts. A provider that asks for a longer one is asked again another time."""

MAX_ANSWER_BYTES: Final = 5_000_000
"""A hundred events are listed in some 30 kB."""

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `repeatable` says whether doing it twice is as good as once.

    `is_read` is False if no page says what the answer holds: then it may hold anything.
    """

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    content: Mapping[str, object] | None = None
    repeatable: bool = True
    is_read: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Transport:
    """Sends requests to one address, signed by one signer."""

    def __init__(
        self,
        base_url: httpx.URL,
        signer: Signer,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        transport: httpx.BaseTransport | None,
    ) -> None:
        self._base_url = base_url
        self._signer = signer
        self._now = now
        self._sleep = sleep
        self._http = httpx.Client(
            timeout=ANSWER_SECONDS,
            follow_redirects=False,
            trust_env=base_url.host not in LOOPBACK,
            # Without TLS nobody is asked who they are, and reading all authorities takes its time.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if base_url.scheme == "http" else True,
            transport=transport,
        )

    def close(self) -> None:
        self._http.close()

    def ask(self, call: Call) -> object:
        """The JSON of the answer, or None if it has no body, or is not read."""
        may_be_done = False

        def attempt() -> object:
            nonlocal may_be_done
            try:
                return self._once(call)
            except (Unreachable, Refused) as error:
                may_be_done = may_be_done or isinstance(error, (Unreachable, ProviderFailed))
                if isinstance(error, Refused):
                    error.may_be_done = may_be_done
                raise

        def is_worth_repeating(error: BaseException) -> bool:
            may_pass = isinstance(error, (Unreachable, TooManyRequests, ProviderFailed))
            return call.repeatable and may_pass and (_retry_after(error) or 0) <= MAX_WAIT_SECONDS

        attempts = Retrying(
            sleep=self._sleep,
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            retry=retry_if_exception(is_worth_repeating),
            reraise=True,
        )
        return attempts(attempt)

    def _once(self, call: Call) -> object:
        body = b"" if call.content is None else json.dumps(call.content).encode()
        url = self._base_url.copy_with(path=self._base_url.path.rstrip("/") + call.path)
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        request = self._http.build_request(
            call.method, url, params=call.query or None, content=body or None, headers=headers
        )
        asked_at = self._now()
        self._signer.sign(request, body, asked_at)
        try:
            response = self._http.send(request, stream=True)
            try:
                return self._answer(call, response, asked_at)
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise Unreachable(
                f"The provider did not answer {call} ({type(error).__name__}): "
                "see whether the network is up and the parameter ProviderBaseUrl is right."
            ) from error

    def _answer(self, call: Call, response: httpx.Response, asked_at: datetime) -> object:
        if 300 <= response.status_code < 400:
            raise Redirected(
                f"The provider answered {call} with a redirect ({response.status_code}), which is not followed, "
                "because a signature is for one address: set ProviderBaseUrl to the address that it leads to."
            )
        body = self._body(call, response, asked_at)
        if not response.is_success:
            raise self._refusal(call, response, body)
        if not (call.is_read and body.strip()):
            return None
        try:
            return json_in(body)
        except ValueError:
            is_html = body.lstrip()[:1] == b"<" or "html" in response.headers.get("Content-Type", "")
            raise AnswerUnusable(
                f"The provider answered {call} with {'HTML' if is_html else 'something'} instead of JSON: "
                "is the parameter ProviderBaseUrl the address of its API?"
            ) from None

    def _body(self, call: Call, response: httpx.Response, asked_at: datetime) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise AnswerUnusable(f"The provider compressed its answer to {call}, although it was asked not to.")
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise AnswerUnusable(
                    f"The provider's answer to {call} is longer than {MAX_ANSWER_BYTES // 1_000_000} MB, and was not "
                    "read: ask for fewer entries at once."
                )
            if (self._now() - asked_at).total_seconds() > ANSWER_SECONDS:  # the client's time-out is for each part
                raise Unreachable(f"The provider took more than {ANSWER_SECONDS} seconds to answer {call}: try again.")
        return bytes(body)

    def _refusal(self, call: Call, response: httpx.Response, body: bytes) -> Refused:
        code = code_in(body)
        kind = kind_of(response.status_code, code)
        note = skew(response.headers.get("Date", ""), self._now()) if kind is ExpiredSignature else ""
        wait = seconds_of(response.headers.get("Retry-After"), self._now())
        if wait is not None and wait > MAX_WAIT_SECONDS:
            note = f"It asks to wait {wait:.0f} seconds."
        return kind(str(call), response.status_code, code, note=note, retry_after=wait)


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt: what the provider asks for, at least what the number of attempts makes them."""
    error = state.outcome.exception() if state.outcome else None
    return max(_retry_after(error) or 0, wait_exponential(multiplier=1, max=MAX_WAIT_SECONDS)(state))


def _retry_after(error: BaseException | None) -> float | None:
    return error.retry_after if isinstance(error, Refused) else None
