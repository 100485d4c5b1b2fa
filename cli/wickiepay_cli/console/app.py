"""The console's application: its addresses, and what is behind each.

A page reads through the functions of the commands, and changes through `wickiepay_cli.operations`, as the commands do.
What blocks runs in threads of Starlette's; the stream of deliveries holds none.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from wickiepay.identity import Identity
from wickiepay.queue import Replay
from wickiepay.signature import SCHEMES
from wickiepay_cli.console import announcements, books, delivery, exchanges, history, sends, stack_page
from wickiepay_cli.console.deliveries import Place, filter_of, stream
from wickiepay_cli.console.delivery import Asked, kept_of
from wickiepay_cli.console.desk import Consent, Desk, NotAgreed
from wickiepay_cli.console.guard import Guard
from wickiepay_cli.console.rendering import page
from wickiepay_cli.errors import EXPECTED, CommandError, sentence
from wickiepay_cli.operations import redriving, replaying
from wickiepay_cli.operations.answering import Accepting, dismiss
from wickiepay_cli.operations.sending import send, send_again
from wickiepay_cli.sending import samples
from wickiepay_cli.stacks.operator import operator_name
from wickiepay_cli.store.event_records import WholeRecord

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from wickiepay_cli.console.server import Address

MAX_FORM: Final = 2 * 1024 * 1024
"""Largest form in bytes: a delivery of 256 KiB takes three times as much in it, once in its JSON and once as it was."""

MAX_FIELDS: Final = 2000
STREAMS: Final = 16
"""Most pages that follow deliveries at the same time."""

type Fields = Mapping[str, str]
type Action = Callable[[Desk, Fields, Consent], Response]


def application(desk: Desk, address: "Address", leave: asyncio.Event) -> "ASGIApp":
    """The console for one stack, at its address; streams end when it is to `leave`."""
    console = _Console(desk, leave)
    looking: Mapping[str, Callable[[Request], Any]] = {
        "/": console.deliveries,
        "/stream": console.stream,
        "/delivery": console.delivery,
        "/body": console.body,
        "/history": console.history,
        "/send": console.sending,
        "/books": console.books,
        "/books/payments.csv": console.payments_csv,
        "/books/doctor": console.doctor,
        "/announcements": console.announcements,
        "/stack": console.stack,
        "/api/requests": console.requests,
        "/api/requests/{number:int}": console.request,
        "/api/requests/{number:int}/verify": console.verify,
    }
    changing: Mapping[str, Action] = {
        "/again": _send_again,
        "/replay": _replay,
        "/accept": _accept,
        "/dismiss": _dismiss,
        "/save": _save,
        "/send": _send,
        "/scenario": _play,
        "/redrive": _redrive,
    }
    app = Starlette(
        routes=[
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in looking.items()),
            *(Route(path, console.changing(action), methods=["POST"]) for path, action in changing.items()),
            Route("/unlock", console.unlock, methods=["POST"]),
            Route("/api/requests/{number:int}/resend", console.resend, methods=["POST"]),
            Mount("/static", StaticFiles(directory=str(files("wickiepay_cli.console") / "static"))),
        ],
        exception_handlers=dict.fromkeys(EXPECTED, console.told),
    )
    return Guard(app, address.port, address.token)


async def _fields(request: Request) -> Fields:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            raise CommandError("The form is too large.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError as error:
        raise CommandError("The form cannot be read.") from error


class _Console:
    def __init__(self, desk: Desk, leave: asyncio.Event) -> None:
        self._desk = desk
        self._leave = leave
        self._streams = 0

    async def told(self, request: Request, error: Exception) -> Response:
        """An expected error, as the commands tell it."""
        status = 400 if isinstance(error, CommandError) else 502
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": sentence(error)}, status)
        return page("error.html", status, desk=self._desk, told=sentence(error))

    # --- Looking ---------------------------------------------------------------------------------
    def deliveries(self, _: Request) -> Response:
        return page("deliveries.html", desk=self._desk)

    async def stream(self, request: Request) -> Response:
        if self._streams >= STREAMS:
            return PlainTextResponse("Too many pages follow the deliveries already.", 503)
        after = Place.of(request.headers.get("last-event-id") or request.query_params.get("after", ""))
        wanted = filter_of(request.query_params.get("q", ""), self._desk.exchanges)
        return StreamingResponse(self._counted(stream(self._desk.feed, wanted, after, self._leave)), media_type=EVENTS)

    async def _counted(self, news: Any) -> Any:  # noqa: ANN401  an iterator's type says nothing here
        self._streams += 1
        try:
            async for each in news:
                yield each
        finally:
            self._streams -= 1

    def delivery(self, request: Request) -> Response:
        note = request.query_params.get("note", "")
        return page("delivery.html", desk=self._desk, note=note, **delivery.delivery(self._desk, _asked(request)))

    def body(self, request: Request) -> Response:
        """The exact bytes, to be kept in a file; no browser shows them."""
        kept = kept_of(self._desk, _asked(request).number)
        if kept is None:
            raise CommandError("This exchange is not kept any more.")
        headers = {"Content-Disposition": f'attachment; filename="delivery-{kept.number}.bin"'}
        return Response(kept.exchange.request_body, media_type="application/octet-stream", headers=headers)

    def history(self, request: Request) -> Response:
        return page("history.html", desk=self._desk, **history.found(self._desk.stack, request.query_params))

    def sending(self, request: Request) -> Response:
        asked = request.query_params
        event = asked.get("event", sends.FIRST)
        kept = kept_of(self._desk, _number(asked.get("n")))
        text = sends.laid_out(kept.exchange.request_body) if kept else sends.fresh(event)
        return _sending(self._desk, text, event=None if kept else event)

    def books(self, request: Request) -> Response:
        return page("books.html", desk=self._desk, **books.found(self._desk.stack, request.query_params))

    def payments_csv(self, _: Request) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="payments.csv"'}
        return StreamingResponse(
            books.csv_lines(self._desk.stack), media_type="text/csv; charset=utf-8", headers=headers
        )

    def doctor(self, _: Request) -> Response:
        return page("doctor.html", desk=self._desk, **books.audited(self._desk.stack))

    def announcements(self, _: Request) -> Response:
        return page(
            "announcements.html", desk=self._desk, **announcements.found(self._desk.stack, self._desk.feed.answers())
        )

    def stack(self, request: Request) -> Response:
        asked = request.query_params
        return page("stack.html", desk=self._desk, **stack_page.found(self._desk.stack, letters="letters" in asked))

    # --- For the command wickiepay requests --------------------------------------------------------
    def requests(self, _: Request) -> Response:
        return JSONResponse(exchanges.listed(self._desk))

    def request(self, request: Request) -> Response:
        return JSONResponse(exchanges.whole(self._desk, request.path_params["number"]))

    def verify(self, request: Request) -> Response:
        return JSONResponse(exchanges.verdict(self._desk, request.path_params["number"]))

    def resend(self, request: Request) -> Response:
        self._desk.consent("", None)
        kept = exchanges.kept(self._desk, request.path_params["number"])
        return JSONResponse(asdict(send_again(kept.exchange, self._desk.stack.output("WebhookUrl"))))

    # --- Changing ----------------------------------------------------------------------------------
    async def unlock(self, request: Request) -> Response:
        self._desk.unlock((await _fields(request)).get("name", ""))
        return RedirectResponse("/stack", 303)

    def changing(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        """What a form asks for. Where a person has to agree to it first, a page says what it would do, and asks."""

        async def changed(request: Request) -> Response:
            fields = await _fields(request)

            def act() -> Response:
                try:
                    consent = self._desk.consent(fields.get("why", ""), fields.get("agreed"))
                    return action(self._desk, fields, consent)
                except NotAgreed as asking:
                    kept = [(name, value) for name, value in fields.items() if name != "agreed"]
                    told = str(asking)
                    return page("agree.html", desk=self._desk, told=told, action=request.url.path, fields=kept)

            return await run_in_threadpool(act)

        return changed


EVENTS: Final = "text/event-stream"


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 20 else None


def _asked(request: Request) -> Asked:
    asked = request.query_params
    uuid, key = asked.get("uuid"), asked.get("key")
    return Asked(_number(asked.get("n")), Identity(uuid, key) if uuid and key else None)


def _back(fields: Fields, note: str) -> Response:
    """Back to the page of the delivery, with a sentence on top."""
    known = {name: fields[name] for name in ("n", "uuid", "key") if fields.get(name)}
    return RedirectResponse(f"/delivery?{urlencode({**known, 'note': note})}", 303)


# --- What forms ask for ----------------------------------------------------------------------------
def _send_again(desk: Desk, fields: Fields, consent: Consent) -> Response:
    """Sends the same bytes if the exchange is kept; otherwise the body that is on record, newly signed."""
    if kept := kept_of(desk, _number(fields.get("n"))):
        answer, unkept = send_again(kept.exchange, desk.stack.output("WebhookUrl")), None
    else:
        record = _record(desk, fields)
        scheme, why = record.scheme, fields.get("why", "")
        [answer], unkept = send(desk.stack, [record.body.encode()], scheme, why, confirm=consent)
    return _back(fields, " ".join(filter(None, (f"Sent again: {answer}.", unkept))))


def _replay(desk: Desk, fields: Fields, consent: Consent) -> Response:
    stack, identity = desk.stack, _identity(fields)
    selection = replaying.of_uuid(stack.events(), *identity)
    consent(lambda: replaying.what_comes_of(stack, [identity]))
    order = Replay(str(uuid4()), operator_name(stack), fields.get("why", ""), fields.get("announce") == "on")
    tally = stack.replayer().replay([identity], order, selection.states)
    if tally.unsent:
        raise CommandError("The event queue did not take it: try again later.")
    return _back(fields, "Sent to be processed again." if tally.replayed else "Its state has changed: not replayed.")


def _accept(desk: Desk, fields: Fields, consent: Consent) -> Response:
    accepting = Accepting.of(desk.stack, *_identity(fields))
    second = fields.get("second_credit") == "on"
    decision = accepting.accept(fields.get("why", ""), second_credit=second, confirm=consent)
    return _back(fields, f"Accepted as {decision.accepted_as}, by {decision.by}.")


def _dismiss(desk: Desk, fields: Fields, consent: Consent) -> Response:
    why = fields.get("why", "")
    if not why.strip():
        raise CommandError("Dismissing wants a reason, which is kept on the record.")
    _, decision = dismiss(desk.stack, *_identity(fields), why, confirm=consent)
    return _back(fields, f"Dismissed by {decision.by}.")


def _save(desk: Desk, fields: Fields, _: Consent) -> Response:
    """Changes nothing of the stack; but who may only look writes no files either."""
    kept = kept_of(desk, _number(fields.get("n")))
    content = kept.exchange.request_body if kept else _record(desk, fields).body.encode()
    path = samples.save(fields.get("name", ""), content)
    return _back(fields, f"Saved as {path.as_posix()}: the page Send has it, and so has wickiepay trigger {path.stem}.")


def _redrive(desk: Desk, fields: Fields, consent: Consent) -> Response:
    wanted = [fields["id"]] if fields.get("id") else []
    question = redriving.Question(desk.stack, wanted)
    consent(question)
    order = Replay(str(uuid4()), operator_name(desk.stack), fields.get("why", ""))
    done = redriving.redrive(desk.stack, wanted, order, named=question.named)
    return page("redriven.html", desk=desk, done=done)


def _send(desk: Desk, fields: Fields, consent: Consent) -> Response:
    form = {name.removeprefix("set:"): value for name, value in fields.items() if name.startswith("set:")}
    text = sends.joined(_lines(fields.get("json", "")), _lines(fields.get("before", "")), form)
    if fields.get("apply"):
        return _sending(desk, text)
    scheme, spoiled = fields.get("scheme", "raw"), fields.get("spoiled", "")
    sent = sends.send_one(desk, text, scheme, spoiled, fields.get("why", ""), consent)
    return _sending(desk, text, sent=sent, scheme=scheme, spoiled=spoiled)


def _play(desk: Desk, fields: Fields, consent: Consent) -> Response:
    name, why = fields.get("scenario", ""), fields.get("why", "")
    played, unkept = sends.play(desk, name, fields.get("uuid"), why, consent)
    return _sending(desk, sends.fresh(sends.FIRST), played=played, unkept=unkept)


def _lines(text: str) -> str:
    """Text of a form, whose lines a browser ends with CR LF."""
    return text.replace("\r\n", "\n")


def _sending(desk: Desk, text: str, **more: Any) -> Response:  # noqa: ANN401  what the template shows besides
    sent = more.get("sent")
    content: dict[str, Any] = {
        "event": None,
        "scheme": "raw",
        "spoiled": "",
        "sent": sent,
        "numbers": sends.numbers_of(desk, sent) if sent else [],
        "verdicts": sends.verdicts_of(desk, sent) if sent else [],
        "played": None,
        "unkept": None,
        "uuid": str(uuid4()),
        **more,
    }
    return page(
        "send.html",
        desk=desk,
        text=text,
        form=sends.form_of(text),
        events=samples.names(),
        schemes=SCHEMES,
        spoilers=[(name, said) for name, (said, _) in sends.SPOILED.items()],
        scenarios=sends.scenarios(),
        **content,
    )


def _record(desk: Desk, fields: Fields) -> WholeRecord:
    record = next(desk.stack.events().whole_of([_identity(fields)]), None)
    if record is None:
        raise CommandError("It is neither kept nor on record any more.")
    return record


def _identity(fields: Fields) -> Identity:
    if not (fields.get("uuid") and fields.get("key")):
        raise CommandError("It is not said which event is meant.")
    return Identity(fields["uuid"], fields["key"])
