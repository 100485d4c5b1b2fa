"""Whom the guard before the emulator lets through, told apart by one thing at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Self
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack.services import sts

from wickiepay_cli.local.guard import guarded
from wickiepay_cli.stacks.emulator_access import REGION, Access

ACCESS: Final = Access("http://127.0.0.1:4566", "LOCALKEY", "secret")


@pytest.fixture(autouse=True)
def _a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    session = {"SecretAccessKey": "of a role", "Arn": "arn:aws:sts::123456789012:assumed-role/Consumer/function"}
    monkeypatch.setitem(sts._sessions, "ASIAOFAROLE", session)


@dataclass
class Request:
    """A request as it arrives. A signature grows stale: a test signs when it runs, not when it is collected."""

    path: str = "/2015-03-31/functions"
    query: str = ""
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Host": "127.0.0.1:4566"})

    def signed(self, key: str = ACCESS.access_key_id, secret: str = ACCESS.secret_access_key) -> Self:
        request = AWSRequest("POST", f"http://x{self.path}?{self.query}", dict(self.headers), self.body)
        SigV4Auth(Credentials(key, secret), "lambda", REGION).add_auth(request)
        return replace(self, headers=dict(request.headers.items()))

    def presigned(self, key: str = ACCESS.access_key_id) -> Self:
        request = AWSRequest("POST", f"http://127.0.0.1:4566{self.path}", {}, b"")
        SigV4QueryAuth(Credentials(key, ACCESS.secret_access_key), "lambda", REGION).add_auth(request)
        return replace(self, query=urlsplit(str(request.url)).query)

    def but(self, **headers: str) -> Self:
        """The same, with other headers besides."""
        return replace(self, headers=self.headers | {name.replace("_", "-"): value for name, value in headers.items()})


def answer(request: Request) -> tuple[int, list[tuple[str, bytes]]]:
    """The status of the answer, and what the emulator was asked: paths and bodies."""
    asked: list[tuple[str, bytes]] = []
    sent: list[Any] = []

    async def emulator(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:  # noqa: ANN401
        body = b""
        while (event := await receive())["type"] == "http.request":
            body += event["body"]
            if not event["more_body"]:
                break
        assert scope["raw_path"].decode() == scope["path"]
        asked.append((scope["path"], body))
        await send({"status": 200})

    async def run() -> None:
        events = [
            {"type": "http.request", "body": request.body[:1], "more_body": True},
            {"type": "http.request", "body": request.body[1:], "more_body": False},
        ]

        async def receive() -> Any:  # noqa: ANN401
            return events.pop(0)

        async def send(event: Any) -> None:  # noqa: ANN401
            sent.append(event)

        scope: Any = {
            "type": "http",
            "method": "POST",
            "path": request.path,
            "raw_path": request.path.encode(),
            "query_string": request.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.items()],
        }
        await guarded(emulator, ACCESS)(scope, receive, send)

    asyncio.run(run())
    return sent[0]["status"], asked


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda: Request().signed(), id="as it is"),
        pytest.param(lambda: Request(query="Qualifier=live&x=%20").signed(), id="with a query"),
        pytest.param(lambda: replace(Request(), headers={"Host": "localhost:4566"}).signed(), id="localhost"),
        pytest.param(lambda: replace(Request(), headers={"Host": "[::1]:4566"}).signed(), id="IPv6"),
        pytest.param(
            lambda: replace(Request(), headers={"Host": "172.17.0.2:4566"}).signed(), id="as containers see it"
        ),
        pytest.param(lambda: Request().signed("ASIAOFAROLE", "of a role"), id="a role"),
    ],
)
def test_who_signs_is_let_through(asked: Callable[[], Request]) -> None:
    request = asked()
    assert answer(request) == (200, [(request.path, request.body)])


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda: Request().signed().but(Origin="https://page.example"), id="a page"),
        pytest.param(lambda: Request().signed().but(Origin="null"), id="a page in a frame"),
        pytest.param(lambda: Request().signed().but(Origin="http://127.0.0.1:3000"), id="a page on this machine"),
        pytest.param(lambda: Request().signed().but(Sec_Fetch_Site="cross-site"), id="an image in a page"),
        pytest.param(
            lambda: replace(Request(), headers={"Host": "page.example:4566"}).signed(), id="a page by a rebound name"
        ),
        pytest.param(
            lambda: replace(Request(), headers={"Host": "functions.localhost:4566"}).signed(), id="another name"
        ),
        pytest.param(lambda: replace(Request(), headers={}).signed(), id="no Host"),
        pytest.param(lambda: Request(path="/_ministack/reset").signed(), id="orders to the emulator"),
        pytest.param(lambda: Request(path="/_localstack/health").signed(), id="its other paths"),
        pytest.param(Request, id="no key"),
        pytest.param(lambda: Request().signed(key="test", secret="test"), id="the key test"),
        pytest.param(lambda: Request().signed(key="000000000000"), id="an account's number as a key"),
        pytest.param(lambda: Request().signed(secret="another"), id="another secret"),
        pytest.param(lambda: Request().signed("ASIAOFAROLE", "another"), id="a role's key with another secret"),
        pytest.param(lambda: Request("/health").signed("AKIAMADEUP", "x"), id="a made-up key, where none is needed"),
        pytest.param(lambda: Request().presigned(), id="presigned"),
        pytest.param(lambda: Request().presigned("test"), id="presigned with test"),
        pytest.param(lambda: Request().presigned("test").signed("ASIAOFAROLE"), id="presigned with test, and signed"),
        pytest.param(lambda: replace(Request().signed(), body=b"{ }"), id="another body"),
        pytest.param(lambda: replace(Request().signed(), query="x=1"), id="another query"),
        pytest.param(lambda: replace(Request().signed(), path="/2015-03-31/functions/x"), id="another path"),
        pytest.param(lambda: Request().but(Authorization="AWS LOCALKEY:c2lnbmF0dXJl"), id="an old kind of signature"),
        pytest.param(lambda: Request().but(Authorization="AWS4-HMAC-SHA256 Credential=LOCALKEY/"), id="no signature"),
    ],
)
def test_others_are_refused(asked: Callable[[], Request]) -> None:
    assert answer(asked()) == (403, [])


def test_what_was_signed_long_ago_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    assert answer(Request().signed()) == (403, [])


def test_the_address_of_http_apis_needs_no_key_and_takes_any_host() -> None:
    path = urlsplit(ACCESS.api_root).path + "/_aws/execute-api/api/$default/"
    request = replace(Request(path=path), headers={"Host": "tunnel.example", "Origin": "https://page.example"})
    assert answer(request) == (200, [("/_aws/execute-api/api/$default/", b"{}")])


def test_another_run_has_other_keys() -> None:
    one, other = (Access.anew("http://127.0.0.1:4566") for _ in range(2))
    assert {one.access_key_id, one.secret_access_key, one.api_root}.isdisjoint(
        {other.access_key_id, other.secret_access_key, other.api_root}
    )
    assert one.secret_access_key not in repr(one)
