"""Who may ask the console for anything: a browser on this machine that was given the token, and our own command.

Other programs and web pages reach 127.0.0.1 as well. A page of another site may have its own name lead here (DNS
rebinding: see `Host`), send a form here (`Origin`, and a cookie that is `SameSite=Strict`), or try to read or frame an
answer (the headers of every answer).
"""

import hmac
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST: Final = "127.0.0.1"

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind} 'self'" for kind in ("script-src", "style-src", "connect-src", "form-action")),
        *(f"{kind} 'none'" for kind in ("base-uri", "frame-ancestors")),
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would name no origin of our own forms either
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer."""

METHODS: Final = frozenset({"GET", "HEAD", "POST"})

OPEN_AGAIN: Final = "Open the address that the terminal has printed: it begins the session of this browser."


class Guard:
    """Lets requests through to `app` that come from a session of the console at `port`, or have its `token`."""

    def __init__(self, app: "ASGIApp", port: int, token: str) -> None:
        self._app = app
        self._host = f"{HOST}:{port}"
        self._origin = f"http://{self._host}"
        self._cookie = f"console-{port}"  # browsers share cookies among the ports of a host
        self._token = token

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return

        async def guarded(message: "Message") -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, guarded)

    def _refusal(self, scope: "Scope") -> Response | None:
        """What is answered instead of what was asked for; None if nothing speaks against that."""
        headers, asked = Headers(scope=scope), QueryParams(scope["query_string"])
        if headers.getlist("host") != [self._host]:
            return PlainTextResponse(f"This is {self._host} and has no other name.", 421)
        if scope["method"] not in METHODS:
            return PlainTextResponse("There is nothing to do here by this method.", 405, {"Allow": ", ".join(METHODS)})
        if "t" in asked and scope["method"] == "GET":
            return self._begin(asked.getlist("t"))
        if self._is_right(_bearer(headers)):
            return None  # our own command; no page of another site can send this header here
        return self._refusal_of_a_page(scope["method"], headers)

    def _refusal_of_a_page(self, method: str, headers: Headers) -> Response | None:
        if not self._is_right(cookie_parser(headers.get("cookie", "")).get(self._cookie, "")):
            return PlainTextResponse(OPEN_AGAIN, 401)
        if method == "POST" and headers.getlist("origin") != [self._origin]:
            return PlainTextResponse("Only pages of the console may ask for this.", 403)
        return None

    def _begin(self, tokens: list[str]) -> Response:
        if len(tokens) != 1 or not self._is_right(tokens[0]):
            return PlainTextResponse(f"This token is not the present one. {OPEN_AGAIN}", 403)
        answer = RedirectResponse("/", 303)  # and so the token is in no history and no page
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return answer

    def _is_right(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())


def _bearer(headers: Headers) -> str:
    values = headers.getlist("authorization")
    return next((value.removeprefix("Bearer ") for value in values if value.startswith("Bearer ")), "")
