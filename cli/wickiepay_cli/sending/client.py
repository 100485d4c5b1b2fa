"""Sends deliveries as the provider does."""

import json
import operator
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import httpx
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_exponential

from wickiepay.signature import sign
from wickiepay_cli.errors import CommandError

ANSWER_SECONDS: Final = 30
"""How long the provider waits for an answer."""

ATTEMPTS: Final = 3
"""Number of attempts that the provider makes in all."""

BACKOFF_SECONDS: Final = 1
"""Pause before the second attempt; it doubles before the third. The provider says "exponential", but not how long."""

MOST_ANSWER_BYTES: Final = 64 * 1024
"""How much is read of an answer."""

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

type Signing = Callable[[bytes, bytes, str], str | None]
"""Makes the signature header of a body (or None) from the secret and the name of the scheme."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the seconds that it took. If `status` is None there was no answer, and `text` says why."""

    status: int | None
    text: str
    seconds: float

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def content(self) -> object:
        """The content of the answer's body if that is JSON, otherwise its text."""
        try:
            return json.loads(self.text)
        except ValueError:
            return self.text

    @property
    def outcome(self) -> str | None:
        """What became of the delivery, in the listener's own word, such as accepted or signature_mismatch."""
        match self.content:
            case {"status": str(word)} | {"error": str(word)}:
                return word
        return None

    def __str__(self) -> str:
        if self.status is None:
            return f"no answer: {self.text}"
        return " ".join(filter(None, (str(self.status), self.outcome)))


def is_this_machine(url: str) -> bool:
    """Whether requests to `url` stay on this machine."""
    try:
        return httpx.URL(url).host in LOOPBACK
    except httpx.InvalidURL as error:
        raise CommandError(f"Nothing can be sent to {url}: {error}") from error


def is_web_address(url: str) -> bool:
    """Whether requests can be sent to `url`."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return address.scheme in {"http", "https"} and bool(address.host) and (address.port or 0) < 2**16


def connection(url: str, *, verify: bool = True) -> httpx.Client:
    """An HTTP client for deliveries to `url`. For this machine, it ignores a proxy of the environment."""
    return httpx.Client(timeout=ANSWER_SECONDS, trust_env=not is_this_machine(url), verify=verify)


def deliver(  # noqa: PLR0913  what is sent, and how
    http: httpx.Client,
    url: str,
    body: bytes,
    signature: str | None,
    *,
    clock: Callable[[], float] = time.perf_counter,
    headers: Sequence[tuple[str, str]] = (),
) -> Answer:
    """Posts the bytes of `body` unchanged, and returns the answer within the time that the provider waits.

    `headers` are further ones, or others in place of the usual ones.
    """
    usual = {"Content-Type": "application/json"} | ({"X-Webhook-Signature": signature} if signature else {})
    all_headers = httpx.Headers(usual)
    all_headers.update([*headers])
    return _answer(http, http.build_request("POST", url, content=body, headers=all_headers), clock)


def answer_to(url: str, request: httpx.Request) -> Answer:
    """The answer to a request to `url`, as that of a delivery."""
    with connection(url) as http:
        return _answer(http, request, time.perf_counter)


def _answer(http: httpx.Client, request: httpx.Request, clock: Callable[[], float]) -> Answer:
    began = clock()
    try:
        response = http.send(request, stream=True)
        with closing(response):
            text = _beginning(response, began + ANSWER_SECONDS, clock)
    except httpx.HTTPError as error:
        return Answer(None, str(error) or type(error).__name__, clock() - began)
    seconds = clock() - began
    if seconds > ANSWER_SECONDS:  # the client's time-out is for each part of an answer, the provider's for all of it
        return Answer(None, f"{response.status_code} came after {seconds:.1f} seconds, too late", seconds)
    if response.has_redirect_location:
        text = f"it redirects to {response.headers['Location']}, which nobody follows"
    return Answer(response.status_code, text, seconds)


def _beginning(response: httpx.Response, until: float, clock: Callable[[], float]) -> str:
    """The text of an answer, as far as it came in time and is short enough."""
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > MOST_ANSWER_BYTES or clock() > until:
            break
    beginning = content[:MOST_ANSWER_BYTES]
    try:
        return beginning.decode(response.encoding or "utf-8", errors="replace")
    except (LookupError, UnicodeError):  # it names a codec of Python's that is no charset, such as hex
        return beginning.decode(errors="replace")


def until_accepted(
    attempt: Callable[[], Answer], sleep: Callable[[float], None] = time.sleep, attempts: int = ATTEMPTS
) -> Sequence[Answer]:
    """The answers to the attempts at a delivery, of which there are at most three or `attempts`, until one is accepted.

    The pauses between them double.
    """
    answers: list[Answer] = []

    def accepted() -> bool:
        answers.append(attempt())
        return answers[-1].accepted

    Retrying(
        retry=retry_if_result(operator.not_),
        stop=stop_after_attempt(attempts),
        wait=wait_exponential(multiplier=BACKOFF_SECONDS),
        retry_error_callback=lambda _: False,
        sleep=sleep,
    )(accepted)
    return answers


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends deliveries to `url`, signed with `secret` under `scheme`; with `retries` until they are accepted."""

    http: httpx.Client
    url: str
    secret: bytes = field(repr=False)
    scheme: str
    retries: bool

    def send(
        self, body: bytes, signing: Signing = sign, heard: Callable[[Answer], None] = lambda _: None
    ) -> Sequence[Answer]:
        """The answers to the attempts, each told to `heard` at once. Raises `NotReserialisable`."""
        signature = signing(body, self.secret, self.scheme)

        def attempt() -> Answer:
            answer = deliver(self.http, self.url, body, signature)
            heard(answer)
            return answer

        return until_accepted(attempt) if self.retries else [attempt()]
