"""The console: who may ask it for anything, what strangers can do to its pages, and what its forms do."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.aws import Calls
from tests.support.console import ADDRESS, HOSTILE, ORIGIN, Client, Seen, arrive, browser, exchange
from tests.support.operator_stack import OperatorStack
from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.event_record import State
from wickiepay.queue import encode
from wickiepay.signature import sign
from wickiepay_cli.console.bodies import masked
from wickiepay_cli.console.deliveries import NEWEST, Place, filter_of, standing, stream
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.sending import samples
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.watching.exchanges import Exchanges
from wickiepay_cli.watching.feed import Arrival, Feed, Forwarded, of_exchange

pytest_plugins = ["tests.support.operator_fixture"]

PAGES = ("/", "/history", "/send", "/books", "/books/doctor", "/books/payments.csv", "/announcements", "/stack")
CHANGES = (
    "/again",
    "/replay",
    "/accept",
    "/dismiss",
    "/send",
    "/scenario",
    "/redrive",
    "/save",
    "/api/requests/1/resend",
)


@pytest.fixture
def desk(operator: OperatorStack, signing_secret: str) -> Desk:  # noqa: ARG001
    return Desk(operator.stack(), Feed(), Exchanges())


@pytest.fixture
def deployed(operator: OperatorStack, signing_secret: str) -> Desk:  # noqa: ARG001
    return Desk(replace(operator.stack(), asked=Where("prod"), environment="prod"), Feed())


@pytest.fixture
def page(desk: Desk) -> Client:
    return browser(desk)


@pytest.fixture
def page_of_deployed(deployed: Desk) -> Client:
    return browser(deployed)


# --- Who may ask -------------------------------------------------------------------------------------
COOKIE = {"Cookie": f"console-4040={ADDRESS.token}"}
BEARER = {"Authorization": f"Bearer {ADDRESS.token}"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 401),
        ("GET", "/static/console.js", {}, 401),
        ("GET", "/stream", {}, 401),
        ("GET", "/api/requests", {}, 401),
        ("GET", "/", {"Cookie": "console-4040=wrong"}, 401),
        ("GET", "/", {"Cookie": "console-4041=" + ADDRESS.token}, 401),
        ("GET", "/", {"Authorization": "Bearer wrong"}, 401),
        ("GET", "/", {"Authorization": ADDRESS.token}, 401),
        ("GET", "/?t=wrong", {}, 403),
        ("GET", "/?t=", {}, 403),
        ("GET", f"/?t={ADDRESS.token}&t=wrong", {}, 403),
        ("POST", f"/unlock?t={ADDRESS.token}", ORIGIN, 401),
        ("GET", "/", COOKIE | {"Host": "evil.example:4040"}, 421),
        ("GET", "/", COOKIE | {"Host": "localhost:4040"}, 421),
        ("GET", "/", COOKIE | {"Host": "127.0.0.1"}, 421),
        ("GET", f"/?t={ADDRESS.token}", {"Host": "evil.example:4040"}, 421),
        ("POST", "/unlock", COOKIE, 403),
        ("POST", "/unlock", COOKIE | {"Origin": "null"}, 403),
        ("POST", "/unlock", COOKIE | {"Origin": "http://evil.example"}, 403),
        ("POST", "/unlock", COOKIE | {"Origin": "http://127.0.0.1:3000"}, 403),
        ("POST", "/unlock", COOKIE | {"Origin": "https://127.0.0.1:4040"}, 403),
        ("PUT", "/unlock", COOKIE | ORIGIN, 405),
        ("DELETE", "/", COOKIE | ORIGIN, 405),
        ("OPTIONS", "/", COOKIE, 405),
        ("GET", "/replay", COOKIE, 405),
        ("GET", "/static/../app.py", COOKIE, 404),
        ("GET", "/static/%2e%2e/app.py", COOKIE, 404),
    ],
)
def test_whoever_has_not_opened_it_here_gets_nothing(
    desk: Desk, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = Client(desk).request(method, path, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)
    assert "wickiepay" not in answer.text.lower()


@pytest.mark.parametrize("headers", [COOKIE, BEARER])
def test_whoever_has_the_token_gets_pages(desk: Desk, headers: dict[str, str]) -> None:
    assert Client(desk).get("/", headers=headers).status_code == 200


def test_opening_it_leaves_the_token_in_no_address_and_in_a_cookie_that_no_script_and_no_other_site_has(
    desk: Desk,
) -> None:
    answer = Client(desk).get(f"/?t={ADDRESS.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert ("httponly" in cookie, "samesite=strict" in cookie, "domain" in cookie) == (True, True, False)


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/console.js", "/delivery?n=9", "/?t=wrong"])
def test_every_answer_forbids_what_no_page_needs(page: Client, path: str) -> None:
    headers = page.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert headers["referrer-policy"] == "same-origin"  # with less, a browser's own forms have the origin null


def test_a_form_that_is_too_large_is_refused(page: Client) -> None:
    answer = page.post("/send", content=b"json=" + b"x" * 3_000_000)
    assert (answer.status_code, "too large" in answer.text) == (400, True)


# --- What strangers have written ---------------------------------------------------------------------
def hostile_body(text: str, **data: Any) -> bytes:  # noqa: ANN401  JSON
    facts = {"uuid": f"u-{text}", "reference": text, "displayCurrency": {"currency": "EUR", "amount": 5}, text: text}
    return json.dumps({"event": "channel.payment.confirmed", "data": {**facts, **data}}).encode()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_stranger_has_written_is_text_on_every_page(
    operator: OperatorStack, desk: Desk, page: Client, text: str
) -> None:
    identity = operator.process(operator.receive(f"u-{text}", reference=text))
    raw = text.encode()
    refused = exchange(
        hostile_body(text),
        target=b"/" + raw,
        request_headers=[(b"X-" + raw, raw), (b"X-Webhook-Signature", raw)],
        response_body=raw,
    )
    numbers = [
        arrive(desk, refused, operator.now),
        arrive(desk, replace(refused, request_body=raw), operator.now),
        arrive(
            desk,
            exchange(
                hostile_body(text),
                200,
                dict(zip(("status", "uuid", "event_key"), ("accepted", *identity), strict=True)),
            ),
            operator.now,
        ),
    ]
    asked: list[tuple[str, dict[str, str]]] = [(path, {}) for path in PAGES if not path.endswith("csv")]
    asked += [(path, {"n": str(number)}) for path in ("/delivery", "/send") for number in numbers]
    asked += [
        ("/delivery", {"uuid": identity.uuid, "key": identity.event_key, "note": text}),
        ("/books", {"q": text}),
        ("/history", {"text": "5", "reference": text}),
        ("/history", {"since": text}),
    ]
    for path, query in asked:
        answer = page.get(path, params=query)
        assert answer.status_code in {200, 400}, path
        seen = Seen(answer.text)
        assert seen.scripts == [{"src": "/static/console.js", "defer": None}], path
        assert not {"img", "svg", "iframe", "object", "embed", "style", "base"} & seen.tags
        assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]
        links = [value for name, value in seen.attributes if name in {"href", "src", "action"}]
        assert all(re.match(r"/(?!/)|#main|https://", link) for link in links)
        shown = seen.text.replace("\n", "")
        assert shown.isprintable() or path == "/send", (path, ascii(shown))
        assert "49" not in text or "49" not in seen.text
    assert any("u-" in page.get("/delivery", params={"n": str(n)}).text for n in numbers)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_stranger_has_written_is_one_line_of_the_stream(desk: Desk, now: datetime, text: str) -> None:
    body = json.dumps({"event": text, "data": {"uuid": text}}).encode()
    arrive(desk, exchange(body, answer={"error": text}, target=text.encode()), now)
    [_, message] = received(desk.feed, "", "", 2)
    [row] = message["data"]
    assert all(str(value).isprintable() for value in row.values())
    assert message["lines"] == 3


def test_no_page_has_the_secret_or_a_whole_signature(
    operator: OperatorStack, desk: Desk, page: Client, secret: bytes
) -> None:
    identity = operator.process(operator.receive())
    body = operator.message(identity).delivery.body
    right = sign(body, secret)
    headers = [(b"x-webhook-signature", right.encode()), (b"Authorization", b"Bearer " + secret)]
    answer = {"status": "accepted", "uuid": identity.uuid, "event_key": identity.event_key}
    number = arrive(desk, exchange(body, 200, answer, request_headers=headers), operator.now)
    texts = [page.get(path).text for path in (*PAGES, f"/delivery?n={number}", f"/api/requests/{number}")]
    assert f"{right[:4]}...{right[-4:]}" in texts[-2]
    for text in texts:
        assert right not in text
        assert secret.decode() not in text


@pytest.mark.parametrize("value", ["", "whsec_short", "a" * 63])
def test_what_is_no_whole_signature_may_be_a_secret_and_is_not_shown_at_all(value: str) -> None:
    assert masked(value) == f"not shown ({len(value)} characters)"


# --- The stream --------------------------------------------------------------------------------------
def received(feed: Feed, query: str, last_id: str, most: int) -> list[dict[str, Any]]:
    """The first messages of a stream that goes on after an id."""

    async def read() -> list[str]:
        messages: list[str] = []
        news: AsyncIterator[str] = stream(feed, filter_of(query, None), Place.of(last_id), asyncio.Event())
        async for some in news:
            messages += [each for each in some.split("\n\n") if each]
            if len(messages) >= most:
                break
        return messages[:most]

    return [parsed(message) for message in asyncio.run(asyncio.wait_for(read(), 5))]


def parsed(message: str) -> dict[str, Any]:
    fields = dict(line.split(": ", 1) for line in message.split("\n"))
    return {**fields, "data": json.loads(fields["data"]), "lines": message.count("\n") + 1}


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    return [row["number"] for message in messages if message["event"] == "deliveries" for row in message["data"]]


@pytest.fixture
def arrival(now: datetime) -> Arrival:
    return of_exchange(exchange(b'{"event": "payment.completed", "data": {"uuid": "u-1"}}'), now)


def test_a_page_that_comes_back_misses_nothing_and_gets_nothing_twice(arrival: Arrival) -> None:
    feed = Feed()
    for _ in range(3):
        feed.arrived(arrival)
    first = received(feed, "", "", 2)
    for _ in range(2):
        feed.arrived(arrival)
    rest = received(feed, "", first[-1]["id"], 1)
    assert (numbers(first), numbers(rest)) == ([1, 2, 3], [4, 5])


@pytest.mark.parametrize("last_id", ["", "nonsense", "another-epoch.3", "x.99999999999999999999999"])
def test_a_page_from_another_time_begins_anew(arrival: Arrival, last_id: str) -> None:
    feed = Feed()
    feed.arrived(arrival)
    messages = received(feed, "", last_id, 2)
    assert ([message["event"] for message in messages], numbers(messages)) == (["reset", "deliveries"], [1])


def test_a_page_that_has_nothing_yet_gets_the_newest(arrival: Arrival) -> None:
    feed = Feed()
    for _ in range(NEWEST + 7):
        feed.arrived(arrival)
    messages = received(feed, "", "", 1 + NEWEST // 100)
    assert numbers(messages) == list(range(8, NEWEST + 8))


def test_what_the_filter_hides_is_counted_and_nothing_else_is_said_of_it(arrival: Arrival) -> None:
    feed = Feed()
    feed.arrived(arrival)
    feed.arrived(replace(arrival, status=200, outcome="accepted"))
    [_, message] = received(feed, "401", "", 2)
    assert [row.get("hidden", False) for row in message["data"]] == [False, True]
    assert message["data"][1] == {"number": 2, "hidden": True}


def test_an_outage_is_told_and_that_it_is_over(arrival: Arrival) -> None:
    feed = Feed()
    feed.arrived(arrival)
    feed.trouble("The table is out of reach.")
    told = received(feed, "", "", 3)[-1]
    assert (told["event"], told["data"]) == ("trouble", {"text": "The table is out of reach."})
    feed.noticed([])
    assert feed.latest_trouble is None


def test_a_stream_ends_when_the_console_leaves(arrival: Arrival) -> None:
    async def read() -> int:
        leave, feed, messages = asyncio.Event(), Feed(), 0
        feed.arrived(arrival)
        async for _ in stream(feed, lambda _: True, Place.of(""), leave):
            messages += 1
            leave.set()
        return messages

    assert asyncio.run(asyncio.wait_for(read(), 5)) == 1


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("", True),
        ("401", True),
        ("200", False),
        ("payment.*", True),
        ("PAYMENT.*", True),
        ("channel.*", False),
        ("refused", True),
        ("ref*", True),
        ("order-7", True),
        ("ORDER-7", True),
        (["x-own:", "é"][0], True),
        ("order-7 401", True),
        ("order-7 200", False),
        ("order-8", False),
    ],
)
def test_every_word_of_a_filter_has_to_fit(now: datetime, query: str, fits: bool) -> None:
    exchanges = Exchanges()
    body = b'{"event": "payment.completed", "data": {"uuid": "u-1", "reference": "Order-7"}}'
    one = exchange(body, request_headers=[(b"X-Own", b"\xe9")])
    feed = Feed()
    number = feed.arrived(of_exchange(one, now))
    exchanges.keep(number, "", one)
    arrival = feed.get(number)
    assert arrival
    assert filter_of(query, exchanges)(arrival) is fits


# --- One delivery ------------------------------------------------------------------------------------
def test_a_refused_delivery_says_why(desk: Desk, page: Client, now: datetime) -> None:
    number = arrive(desk, exchange(b'{"event": "payment.completed"}'), now)
    text = page.get(f"/delivery?n={number}").text
    assert ("not valid" in text, "What to do:" in text, "nothing of it is on record" in text) == (True, True, True)


def test_a_body_that_is_no_json_is_shown_with_the_place_of_its_mistake(desk: Desk, page: Client, now: datetime) -> None:
    number = arrive(desk, exchange(b'{"event":\n  oops}'), now)
    text = Seen(page.get(f"/delivery?n={number}").text).text
    assert ("line 2, column 3" in text, "6f 6f 70 73" in text) == (True, True)


def test_of_a_body_that_is_too_long_a_part_is_shown_and_no_signature_is_looked_at(
    desk: Desk, page: Client, now: datetime
) -> None:
    number = arrive(desk, exchange(b"[" * (MAX_BODY_BYTES + 3)), now)
    text = Seen(page.get(f"/delivery?n={number}").text).text
    assert ("3 more bytes are not shown" in text, "looks at no signature" in text) == (True, True)


def test_the_exact_bytes_can_be_saved_and_no_browser_shows_them(desk: Desk, page: Client, now: datetime) -> None:
    number = arrive(desk, exchange(b"<script>\x00\xff"), now)
    answer = page.get(f"/body?n={number}")
    assert (answer.content, answer.headers["content-type"]) == (b"<script>\x00\xff", "application/octet-stream")
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_processed_delivery_shows_its_books_and_its_announcement(operator: OperatorStack, page: Client) -> None:
    identity = operator.process(operator.receive())
    text = Seen(page.get("/delivery", params=dict(zip(("uuid", "key"), identity, strict=True))).text).text
    assert "effect: credit account EUR 5" in text
    assert "announced on the event bus" in text
    assert '"outcome": "PROCESSED"' in text


def test_a_conflict_shows_its_own_record_what_differs_and_what_accepting_would_do(
    operator: OperatorStack, desk: Desk, page: Client
) -> None:
    first = operator.process(operator.receive())
    second = operator.receive(displayCurrency={"currency": "EUR", "amount": 7})
    body = operator.message(second).delivery.body
    answer = {"status": "conflict", "uuid": first.uuid, "event_key": first.event_key}
    number = arrive(desk, exchange(body, 200, answer), operator.now)
    seen = Seen(page.get(f"/delivery?n={number}").text)
    assert seen.inputs["key"] == second.event_key
    assert "Accepted, it would credit 7 EUR to account a second time." in seen.text
    assert '-      "amount": 5\n+      "amount": 7' in seen.text


def test_what_is_gone_says_so(page: Client) -> None:
    assert page.get("/delivery?n=1").status_code == 400
    assert page.get("/delivery?uuid=u&key=k").status_code == 400


# --- Saving a sample ---------------------------------------------------------------------------------
EVENT = b'{"event":  "invoice.paid", "data": {}}'


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of saved samples, in a checkout of this test's own."""
    folder = tmp_path / "events/saved"
    folder.parent.mkdir()
    monkeypatch.setattr(samples, "checkout", lambda: tmp_path)
    monkeypatch.setattr(samples, "SAVED", folder)
    return folder


def test_an_event_is_saved_as_it_is_and_can_be_sent_from_then_on(
    desk: Desk, page: Client, now: datetime, saved: Path
) -> None:
    number = arrive(desk, exchange(EVENT), now)
    answer = page.post("/save", data={"n": number, "name": "an-invoice"})
    assert (answer.status_code, (saved / "an-invoice.json").read_bytes()) == (303, EVENT)
    assert "events/saved/an-invoice.json" in page.get(answer.headers["location"]).text
    assert "invoice.paid" in page.get("/send?event=an-invoice").text


def test_of_an_event_that_is_only_on_record_the_record_is_saved(
    operator: OperatorStack, page: Client, saved: Path
) -> None:
    identity = operator.receive()
    page.post("/save", data={"uuid": identity.uuid, "key": identity.event_key, "name": "mine"})
    assert (saved / "mine.json").read_bytes() == operator.message(identity).delivery.body


@pytest.mark.parametrize("name", ["", "../mine", "a/b", ".hidden", "a b", "Mine", "a\0", "x" * 101, "a\n"])
def test_what_is_no_file_name_is_refused(desk: Desk, page: Client, now: datetime, saved: Path, name: str) -> None:
    answer = page.post("/save", data={"n": arrive(desk, exchange(EVENT), now), "name": name})
    assert (answer.status_code, "is no name for a sample" in answer.text, saved.exists()) == (400, True, False)


@pytest.mark.parametrize("name", ["mine", "payment.completed"])
def test_no_sample_is_overwritten(desk: Desk, page: Client, now: datetime, saved: Path, name: str) -> None:
    saved.mkdir()
    (saved / "mine.json").write_text("{}")
    answer = page.post("/save", data={"n": arrive(desk, exchange(EVENT), now), "name": name})
    assert (answer.status_code, "already" in answer.text) == (400, True)
    assert [file.read_text() for file in saved.iterdir()] == ["{}"]


def test_what_is_no_event_is_no_sample(desk: Desk, page: Client, now: datetime, saved: Path) -> None:
    number = arrive(desk, exchange(b'{"event": 1}'), now)
    assert "Saved" not in page.post("/save", data={"n": number, "name": "mine"}).text
    assert not saved.exists()


def test_without_a_checkout_nothing_is_saved(
    desk: Desk, page: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_cli.project.CHECKOUT", False)
    monkeypatch.setattr("wickiepay_cli.console.delivery.CHECKOUT", False)
    number = arrive(desk, exchange(EVENT), now)
    assert "Save as sample" not in page.get(f"/delivery?n={number}").text
    answer = page.post("/save", data={"n": number, "name": "mine"})
    assert (answer.status_code, "for a checkout" in answer.text) == (400, True)


# --- Changing ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", CHANGES)
def test_a_deployed_stack_is_changed_by_no_form_until_its_name_is_typed(
    operator: OperatorStack, page_of_deployed: Client, calls: Calls, path: str
) -> None:
    identity = operator.receive()
    operator.events.mark_failed(identity, operator.now, "Given up.")
    calls.made.clear()
    fields = {"uuid": identity.uuid, "key": identity.event_key, "why": "So.", "agreed": "yes", "scenario": "paid"}
    answer = page_of_deployed.post(path, data={**fields, "json": "{}"})
    assert (answer.status_code, "type the stack" in answer.text) == (400, True)
    assert calls.made == []


@pytest.mark.parametrize("name", ["", "Prod", "listener", "prod "])
def test_another_name_unlocks_nothing(deployed: Desk, page_of_deployed: Client, name: str) -> None:
    assert page_of_deployed.post("/unlock", data={"name": name}).status_code == 400
    assert not deployed.may_change


@pytest.fixture
def unlocked(page_of_deployed: Client) -> Client:
    assert page_of_deployed.post("/unlock", data={"name": "prod"}).status_code == 303
    return page_of_deployed


@pytest.mark.parametrize("path", CHANGES[:-1])
def test_every_change_of_a_deployed_stack_wants_a_reason(unlocked: Client, calls: Calls, path: str) -> None:
    answer = unlocked.post(path, data={"uuid": "c-1", "key": "k", "why": " ", "agreed": "yes"})
    assert (answer.status_code, "wants a reason" in answer.text) == (400, True)
    assert calls.made == []


def test_on_a_deployed_stack_a_person_agrees_to_what_a_replay_would_do(
    operator: OperatorStack, unlocked: Client
) -> None:
    identity = operator.receive()
    operator.events.mark_failed(identity, operator.now, "Given up.")
    fields = {"uuid": identity.uuid, "key": identity.event_key, "why": "It is mended."}
    asked = unlocked.post("/replay", data=fields)
    assert "On prod this would have 1 event processed again, and so credit 5 EUR to account" in asked.text
    assert operator.replays(identity) == []
    assert (
        unlocked.post("/replay", data={**fields, "agreed": "On prod this would do something else."}).text == asked.text
    )
    done = unlocked.post("/replay", data=Seen(asked.text).inputs)
    assert done.status_code == 303
    [kept] = operator.replays(identity)
    assert (kept["why"], kept["by"]) == ("It is mended.", "arn:aws:sts::123456789012:user/moto")
    operator.consume()
    assert operator.state(identity) == "PROCESSED"


def test_on_this_machine_a_replay_needs_no_reason(operator: OperatorStack, page: Client) -> None:
    identity = operator.receive()
    operator.events.mark_failed(identity, operator.now, "Given up.")
    page.post("/replay", data={"uuid": identity.uuid, "key": identity.event_key})
    operator.consume()
    assert operator.state(identity) == "PROCESSED"


@pytest.fixture
def conflict(operator: OperatorStack) -> dict[str, str]:
    operator.process(operator.receive())
    identity = operator.receive(displayCurrency={"currency": "EUR", "amount": 7})
    return {"uuid": identity.uuid, "key": identity.event_key}


def test_a_second_credit_is_accepted_only_where_it_is_meant(
    operator: OperatorStack, page: Client, conflict: dict[str, str]
) -> None:
    assert page.post("/accept", data=conflict).status_code == 400
    assert page.post("/accept", data={**conflict, "second_credit": "on"}).status_code == 303
    operator.consume()
    assert operator.balance() == "12"


def test_dismissing_wants_a_reason_on_every_stack(page: Client, conflict: dict[str, str]) -> None:
    assert page.post("/dismiss", data=conflict).status_code == 400
    assert page.post("/dismiss", data={**conflict, "why": "A mistake."}).status_code == 303
    assert "dismissed by" in page.get("/delivery", params=conflict).text


def test_dead_letters_are_looked_at_only_when_asked_and_redriven(
    operator: OperatorStack, page: Client, calls: Calls
) -> None:
    identity = operator.receive()
    operator.bury(encode(operator.message(identity)))
    page.get("/stack")
    assert calls.of("ReceiveMessage") == []
    assert "channel.payment.confirmed" in page.get("/stack?letters=1").text
    assert "1 were sent to be processed again." in page.post("/redrive", data={}).text
    operator.consume()
    assert operator.state(identity) == "PROCESSED"


@pytest.mark.parametrize(
    ("more", "said"),
    [({}, "Events are not compared"), ({"ReconcilerLogGroup": "logs"}, "Every hour, events are compared")],
)
def test_the_page_of_the_stack_says_whether_events_are_compared(desk: Desk, more: dict[str, str], said: str) -> None:
    stack = replace(desk.stack, outputs={**desk.stack.outputs, **more})
    assert f"{said} with WickiePay" in browser(replace(desk, stack=stack)).get("/stack").text


# --- Sending -----------------------------------------------------------------------------------------
@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What was sent, to a listener that refuses all."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(401, json={"error": "signature_mismatch"})

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr("wickiepay_cli.operations.sending.connection", lambda _: httpx.Client(transport=transport))
    monkeypatch.setattr("wickiepay_cli.sending.client.connection", lambda _: httpx.Client(transport=transport))
    monkeypatch.setattr("wickiepay_cli.console.sends.connection", lambda _: httpx.Client(transport=transport))
    return requests


BODY = """\
{
  "event": "payment.completed",
  "timestamp": "2026-01-15T10:25:00Z",
  "data": {
    "amount": 1.50
  }
}"""


@pytest.mark.parametrize("scheme", ["raw", "python"])
def test_what_is_in_the_text_is_signed_and_sent_as_it_is(
    page: Client, sent: list[httpx.Request], secret: bytes, scheme: str
) -> None:
    page.post("/send", data={"json": BODY.replace("\n", "\r\n"), "before": BODY, "scheme": scheme})
    [request] = sent
    assert request.content == BODY.encode()
    assert request.headers["X-Webhook-Signature"] == sign(BODY.encode(), secret, scheme)


def test_the_form_s_changes_go_on_top_and_numbers_keep_their_spelling(page: Client, sent: list[httpx.Request]) -> None:
    form = {"set:event": "payment.expired", "set:data.amount": "1.50"}
    page.post("/send", data={"json": BODY.replace("1.50", "2.50"), "before": BODY, **form})
    assert sent[0].content.decode() == BODY.replace("1.50", "2.50").replace("completed", "expired")


def test_bringing_form_and_json_together_sends_nothing(page: Client, sent: list[httpx.Request]) -> None:
    answer = page.post("/send", data={"json": BODY, "before": BODY, "set:data.amount": "2.00", "apply": "1"})
    assert ('"amount": 2.00' in Seen(answer.text).text, sent) == (True, [])


@pytest.mark.parametrize(
    ("spoiled", "wrong"),
    [
        ("secret", lambda request, right: request.headers["X-Webhook-Signature"] != right),
        ("bytes", lambda request, right: request.headers["X-Webhook-Signature"] == right and request.content != BODY),
        ("unsigned", lambda request, _: "X-Webhook-Signature" not in request.headers),
        ("malformed", lambda request, _: len(request.headers["X-Webhook-Signature"]) != 64),
        ("late", lambda request, _: b"2026-01-14" in request.content),
    ],
)
def test_a_spoiled_delivery_is_wrong_in_that_way(
    page: Client,
    sent: list[httpx.Request],
    secret: bytes,
    spoiled: str,
    wrong: Callable[[httpx.Request, str], bool],
) -> None:
    answer = page.post("/send", data={"json": BODY, "before": BODY, "spoiled": spoiled})
    assert "401 signature_mismatch" in answer.text
    [request] = sent
    assert wrong(request, sign(BODY.encode(), secret))


def test_twice_is_the_same_bytes_twice(page: Client, sent: list[httpx.Request]) -> None:
    page.post("/send", data={"json": BODY, "before": BODY, "spoiled": "twice"})
    first, second = sent
    assert (first.content, first.headers) == (second.content, second.headers)


def test_sending_again_sends_the_same_bytes_and_headers(
    desk: Desk, page: Client, sent: list[httpx.Request], now: datetime
) -> None:
    one = exchange(b"\x00\xff", request_headers=[(b"X-Twice", b"1"), (b"x-twice", b"\xe9"), (b"Host", b"example.org")])
    answer = page.post("/again", data={"n": str(arrive(desk, one, now))})
    assert answer.status_code == 303
    [request] = sent
    assert (request.content, [value for name, value in request.headers.raw if name.lower() == b"x-twice"]) == (
        b"\x00\xff",
        [b"1", b"\xe9"],
    )
    assert request.headers["host"] == "listener.example.com"


def test_a_scenario_is_played_and_each_answer_held_against_what_was_expected(
    page: Client, sent: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_cli.console.sends.play.__defaults__", (lambda _: None,))
    answer = page.post("/scenario", data={"scenario": "forged", "uuid": "u-1"})
    assert (len(sent), answer.text.count("not as expected"), answer.text.count("as expected")) == (4, 0, 4)


def test_who_plays_a_scenario_on_a_deployed_stack_is_kept_as_the_command_keeps_it(
    unlocked: Client, sent: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[list[bytes], str]] = []

    def keep_who(bodies: Iterable[bytes], _scheme: str, why: str, _stack: Stack) -> str:
        kept.append(([*bodies], why))
        return "The sender could not be put on record."

    monkeypatch.setattr("wickiepay_cli.console.sends.play.__defaults__", (lambda _: None,))
    monkeypatch.setattr("wickiepay_cli.console.sends.keep_who", keep_who)
    answer = unlocked.post("/scenario", data={"scenario": "forged", "uuid": "u-1", "why": "a drill"})
    assert kept == [([request.content for request in sent], "a drill")]
    assert "could not be put on record" in answer.text


# --- The books, and what is not known ----------------------------------------------------------------
def test_the_books_show_what_is_looked_for(operator: OperatorStack, page: Client) -> None:
    operator.process(operator.receive())
    assert "5 EUR" in Seen(page.get("/books").text).text
    assert "Account account" in Seen(page.get("/books?q=account").text).text
    assert "c-1" in page.get("/books/payments.csv").text
    assert "every balance is the sum of its entries" in page.get("/books/doctor").text


def test_the_whole_ledger_of_a_deployed_stack_is_read_only_when_asked(page_of_deployed: Client, calls: Calls) -> None:
    page_of_deployed.get("/books")
    assert calls.of("Scan") == []
    page_of_deployed.get("/books?all=1")
    assert calls.of("Scan") != []


def test_what_was_refused_comes_from_the_log_of_a_deployed_stack(deployed: Desk, now: datetime) -> None:
    lines = [
        '{"message": "delivery forged", "status": 401, "reason": "signature_mismatch", "source": "192.0.2.7"}',
        '{"message": "delivery accepted", "status": 200}',
        "no JSON",
    ]
    events = [{"timestamp": int(now.timestamp() * 1000), "message": line} for line in lines]

    class Logs:
        def get_paginator(self, _: str) -> "Logs":
            return self

        def paginate(self, **asked: object) -> list[dict[str, Any]]:
            assert asked["logGroupName"] == "ingest"
            return [{"events": events}]

    stack = deployed.stack
    deployed.stack = replace(
        stack,
        outputs={**stack.outputs, "IngestLogGroup": "ingest"},
        client=lambda service: Logs() if service == "logs" else stack.client(service),
    )
    seen = Seen(browser(deployed).get("/history").text).text
    assert ("signature_mismatch" in seen, "192.0.2.7" in seen, seen.count("refused")) == (True, True, 1)


def test_where_the_log_is_not_known_the_page_says_so(page_of_deployed: Client) -> None:
    assert "What was refused cannot be read" in page_of_deployed.get("/history").text


def test_states_are_words(arrival: Arrival) -> None:
    taken = replace(arrival, status=200, outcome="accepted", state=State.RECEIVED)
    assert standing(arrival) == "refused"
    assert standing(taken) == "accepted"
    assert standing(replace(taken, error="tried 2 times")) == "retrying"
    assert standing(replace(taken, state=State.FAILED)) == "failed"
    assert standing(replace(taken, outcome="duplicate")) == "duplicate"
    assert standing(replace(taken, state=State.CONFLICT)) == "conflict"


def test_what_the_application_answered_is_on_the_page_of_announcements(desk: Desk) -> None:
    desk.feed.forwarded(
        Forwarded(
            at="2026-01-15T10:25:00.000000Z",
            event="payment.completed",
            uuid="u-1",
            event_key=None,
            attempt=2,
            status=500,
            milliseconds=3,
            answer="<b>no",
            again=True,
        )
    )
    page = browser(desk).get("/announcements").text
    assert "<td>2</td><td>500</td><td>3</td><td>&lt;b&gt;no</td>" in page
