"""A console in process, a browser that has opened it, and what strangers may send to it."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from typing import Any, Final, override

import httpx

from wickiepay.signature import sign
from wickiepay_cli.console.app import application
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.console.server import Address
from wickiepay_cli.watching.exchange import Exchange

ADDRESS: Final = Address(4040, "the-token-of-these-tests")
ORIGIN: Final = {"Origin": ADDRESS.url}

HOSTILE: Final = (
    "<script>alert(1)</script>",
    "</textarea></pre></title><script src=//evil.example></script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2066\u200b\x7f",
    "\x1b]0;title\x07\x00\r\nSet-Cookie: a=b",
    "data: x\n\nevent: reset\n\n",
)


class Client:
    """A client that follows no redirect, and keeps cookies."""

    def __init__(self, desk: Desk) -> None:
        self.headers: dict[str, str] = {}
        self._app: Any = application(desk, ADDRESS, asyncio.Event())
        self._cookies = httpx.Cookies()

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401  as httpx has it
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            own = {"headers": self.headers, "cookies": self._cookies}
            async with httpx.AsyncClient(transport=transport, base_url=ADDRESS.url, **own) as http:  # type: ignore[arg-type]
                answer = await http.request(method, path, **content)
                self._cookies = http.cookies
                return answer

        return asyncio.run(ask())

    def get(self, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401  as above
        return self.request("GET", path, **content)

    def post(self, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401  as above
        return self.request("POST", path, **content)


def browser(desk: Desk) -> Client:
    """A browser in which the console was opened by the address that the terminal has printed."""
    opened = Client(desk)
    assert opened.get(f"/?t={ADDRESS.token}").status_code == 303
    opened.headers |= ORIGIN
    return opened


def exchange(body: bytes, status: int = 401, answer: object = None, **changes: Any) -> Exchange:  # noqa: ANN401  as Exchange
    """A delivery with a right signature, and what the listener says to it."""
    headers = [(b"Host", b"127.0.0.1"), (b"X-Webhook-Signature", sign(body, b"a secret of strangers").encode())]
    said = json.dumps(answer or {"error": "signature_mismatch"}).encode()
    plain = Exchange("POST", b"/webhooks/wickiepay", headers, body, status, [(b"Date", b"today")], said, 0.01)
    return replace(plain, **changes)


def arrive(desk: Desk, one: Exchange, now: datetime) -> int:
    """What `wickiepay listen` does with an exchange; the number of the delivery."""
    assert desk.exchanges
    return desk.exchanges.arrived(one, desk.feed, now)


class Seen(HTMLParser):
    """What a browser would make of a page: its scripts, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.inputs: dict[str, str] = {}
        self.feed(page)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        known = dict(attrs)
        if tag == "script":
            self.scripts.append(known)
        if tag == "input" and known.get("type") == "hidden":
            self.inputs[known.get("name") or ""] = known.get("value") or ""

    @override
    def handle_data(self, data: str) -> None:
        self.text += data
