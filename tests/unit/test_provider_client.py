"""The client of the provider's API: what it asks, what it makes of each answer, and when it asks again."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from tests.support.provider import BASE_URL, NOW, Answering, FakeProvider, access, listing, refusing
from wickiepay_api import errors
from wickiepay_api.client import ProviderApi
from wickiepay_api.errors import ProviderError, Refused
from wickiepay_api.transport import ATTEMPTS, MAX_ANSWER_BYTES

type Asking = Callable[[ProviderApi], object]

A_SECRET: Final = "the-signing-secret-of-the-stack"
DELIVERED: Final = {
    "id": "E1",
    "event": "payment.completed",
    "timestamp": "2026-01-15T10:25:00Z",
    "destination": "D1",
    "status": "DELIVERED",
    "attempts": 1,
}


def events(api: ProviderApi) -> object:
    return list(api.events())


def adding(api: ProviderApi) -> object:
    return api.add_destination("https://example.com/webhooks/wickiepay", ["payment.*"], "ours", A_SECRET)


def asked(request: httpx.Request) -> tuple[str, str, Any]:
    """Method, address and content of a request."""
    return request.method, str(request.url).removeprefix(BASE_URL), json.loads(request.content or "null")


# --- What is asked ------------------------------------------------------------------------------------
SINCE, UNTIL = datetime(2026, 1, 14, tzinfo=UTC), datetime(2026, 1, 15, 10, tzinfo=UTC)
PERIOD: Final = "fromDate=2026-01-14T00%3A00%3A00Z&toDate=2026-01-15T10%3A00%3A00Z"
ASKED: Final[dict[str, tuple[Asking, str]]] = {
    "events": (
        lambda api: list(
            api.events(destination_id="D1", event="payment.*", status="FAILED", since=SINCE, until=UNTIL, limit=7)
        ),
        f"/api/v1/hook/event?destinationId=D1&eventType=payment.%2A&status=FAILED&{PERIOD}&offset=0&limit=7",
    ),
    "events until within a second": (
        lambda api: list(api.events(until=UNTIL - timedelta(microseconds=1))),
        "/api/v1/hook/event?toDate=2026-01-15T10%3A00%3A00Z&offset=0&limit=100",
    ),
    "payments": (
        lambda api: list(api.payments(status="COMPLETE", since=SINCE, until=UNTIL, order="asc")),
        f"/api/v1/pay/summary?merchantId=merchant-1&status=COMPLETE&{PERIOD}&order=asc&offset=0&max=100",
    ),
    "channel payments": (
        lambda api: list(api.channel_payments(channel="C1", status="COMPLETE")),
        "/api/v1/channel-payment?merchantId=merchant-1&channelUuid=C1&status=COMPLETE&offset=0&limit=100",
    ),
    "one payment": (lambda api: api.payment("a/b"), "/api/v1/pay/a%2Fb"),
    "one channel payment": (lambda api: api.channel_payment("P1"), "/api/v1/channel-payment/P1"),
    "destinations": (lambda api: api.destinations(), "/api/v1/hook/destination"),
}


@pytest.mark.parametrize(("ask", "address"), ASKED.values(), ids=ASKED)
def test_a_question_has_the_address_that_the_documentation_gives(ask: Asking, address: str) -> None:
    provider = FakeProvider(httpx.Response(200, json={"events": [], "uuid": "P1"}))

    ask(provider.api)

    assert asked(provider.requests[0]) == ("GET", address, None)


ORDERED: Final[dict[str, tuple[Asking, tuple[str, str, Any]]]] = {
    "add": (
        adding,
        (
            "POST",
            "/api/v1/hook/destination",
            {
                "url": "https://example.com/webhooks/wickiepay",
                "events": ["payment.*"],
                "description": "ours",
                "secret": A_SECRET,
            },
        ),
    ),
    "update": (
        lambda api: api.update_destination("D1", events=["*"]),
        ("PATCH", "/api/v1/hook/destination/D1", {"events": ["*"]}),
    ),
    "update all": (
        lambda api: api.update_destination("D1", url="https://a.example", description="ours", secret=A_SECRET),
        (
            "PATCH",
            "/api/v1/hook/destination/D1",
            {"url": "https://a.example", "description": "ours", "secret": A_SECRET},
        ),
    ),
    "remove": (lambda api: api.remove_destination("D1"), ("DELETE", "/api/v1/hook/destination/D1", None)),
    "replay": (lambda api: api.replay(["E1", "E2"]), ("POST", "/api/v1/hook/replay", {"eventIds": ["E1", "E2"]})),
}


@pytest.mark.parametrize(("ask", "request_"), ORDERED.values(), ids=ORDERED)
def test_an_order_has_the_content_that_the_documentation_gives(ask: Asking, request_: tuple[str, str, Any]) -> None:
    provider = FakeProvider(httpx.Response(200))

    ask(provider.api)

    assert [asked(request) for request in provider.requests] == [request_]


def test_an_answer_is_asked_for_as_it_is_read() -> None:
    provider = FakeProvider(httpx.Response(200, json=[]))

    provider.api.destinations()

    headers = provider.requests[0].headers
    assert {name: headers[name] for name in ("Content-Type", "Accept", "Accept-Encoding")} == {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }


def test_a_base_url_may_have_a_path() -> None:
    provider = FakeProvider(httpx.Response(200, json=[]), base_url=f"{BASE_URL}/gateway/")

    provider.api.destinations()

    assert provider.requests[0].url.path == "/gateway/api/v1/hook/destination"


def test_connections_are_closed_with_the_client() -> None:
    with FakeProvider(httpx.Response(200)).api as api:
        pass

    with pytest.raises(RuntimeError, match="closed"):
        api.destinations()


# --- What is read -------------------------------------------------------------------------------------
@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 250])
def test_a_list_is_read_over_all_its_pages(length: int) -> None:
    provider = FakeProvider(listing(*[DELIVERED | {"id": f"E{number}"} for number in range(length)]))

    assert [entry.id for entry in provider.api.events()] == [f"E{number}" for number in range(length)]


@pytest.mark.parametrize(
    "member", ["events", "payments", "channelPayments", "destinations", "items", "content", "data", "results"]
)
def test_a_list_may_have_any_of_the_names_that_are_usual(member: str) -> None:
    answer = httpx.Response(200, json={member: [{"id": "D1", "events": []}]})
    assert FakeProvider(answer).api.destinations()[0].id == "D1"


def test_a_list_may_be_the_whole_answer() -> None:
    assert FakeProvider(httpx.Response(200, json=[{"id": "D1", "events": []}])).api.destinations()[0].id == "D1"


def test_a_payment_that_the_provider_does_not_know_is_none() -> None:
    assert FakeProvider(refusing(404)).api.payment("P1") is None


# --- Replays ------------------------------------------------------------------------------------------
def knowing(*known: str, plural: bool = True) -> Answering:
    """Takes the forms of a replay as one of the provider's pages describes them, for the events that are known."""

    def answer(request: httpx.Request) -> httpx.Response:
        match json.loads(request.content):
            case {"eventIds": ids} if plural:
                return httpx.Response(200) if set(ids) <= {*known} else refusing(404)
            case {"eventId": one}:
                return httpx.Response(202) if one in known else refusing(404)
        return refusing(422)

    return answer


@pytest.mark.parametrize(
    ("provider", "requests"),
    [(knowing("E1", "E2"), 1), (knowing("E1", "E2", plural=False), 3)],
    ids=["all at once", "one by one"],
)
def test_events_are_asked_for_in_either_form(provider: Answering, requests: int) -> None:
    fake = FakeProvider(provider)

    assert fake.api.replay(["E1", "E2"]).asked == ("E1", "E2")
    assert len(fake.requests) == requests


def test_an_event_that_the_provider_does_not_know_costs_the_others_nothing() -> None:
    replayed = FakeProvider(knowing("E1", "E3")).api.replay(["E1", "E2", "E3"])

    assert replayed.asked == ("E1", "E3")
    assert {each: error.status for each, error in replayed.refused.items()} == {"E2": 404}


LOST: Final = httpx.ReadTimeout("lost")


@pytest.mark.parametrize(
    ("answers", "taken"),
    [
        ([refusing(403)], set()),
        ([refusing(422), refusing(404), refusing(403)], set()),
        ([refusing(422), httpx.Response(202), refusing(403)], {"E1"}),
        ([refusing(422), LOST, refusing(404), refusing(403)], {"E1"}),
        ([refusing(422), httpx.Response(202), LOST], {"E1", "E2"}),
        ([LOST, refusing(403)], {"E1", "E2", "E3"}),
        ([refusing(502), refusing(403)], {"E1", "E2", "E3"}),
        ([LOST, refusing(422), refusing(403)], {"E1", "E2", "E3"}),
    ],
    ids=["none", "none of each", "one", "one perhaps", "both perhaps", "lost", "a fault", "lost, in the other form"],
)
def test_an_error_tells_what_may_have_been_taken(
    answers: Sequence[httpx.Response | Exception], taken: Collection[str]
) -> None:
    with pytest.raises(ProviderError) as error:
        FakeProvider(*answers).api.replay(["E1", "E2", "E3"])
    assert error.value.taken == taken


def test_a_replay_may_be_answered_with_anything() -> None:
    assert FakeProvider(httpx.Response(200, text="Replay scheduled")).api.replay(["E1"]).asked == ("E1",)


def test_very_many_events_are_asked_for_in_several_calls() -> None:
    fake = FakeProvider(httpx.Response(200))

    assert len(fake.api.replay([str(number) for number in range(201)]).asked) == 201
    assert len(fake.requests) == 3


# --- Asking again -------------------------------------------------------------------------------------
PASSING: Final = {
    "429": refusing(429),
    "500": refusing(500),
    "503 in HTML": httpx.Response(503, text="<html>", headers={"Content-Type": "text/html"}),
    "no connection": httpx.ConnectError("no"),
    "no answer": httpx.ReadTimeout("no"),
}


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_asked_again_with_growing_pauses(failure: httpx.Response | Exception) -> None:
    provider = FakeProvider(failure, failure, httpx.Response(200, json=[]))

    assert provider.api.destinations() == []
    assert provider.pauses == [1, 2]


def test_each_attempt_is_signed_anew() -> None:
    provider = FakeProvider(
        refusing(500), httpx.Response(200, json=[]), algorithm="rsa-pss-sha512"
    )  # with a random salt

    provider.api.destinations()

    assert len({request.headers["Signature"] for request in provider.requests}) == 2


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_what_does_not_pass_is_told_in_the_end(failure: httpx.Response | Exception) -> None:
    provider = FakeProvider(failure)

    with pytest.raises(ProviderError, match=r"^The provider "):
        provider.api.destinations()
    assert len(provider.requests) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 418])
def test_what_will_not_pass_is_asked_once(status: int) -> None:
    provider = FakeProvider(refusing(status))

    with pytest.raises(Refused):
        provider.api.destinations()
    assert len(provider.requests) == 1


@pytest.mark.parametrize("ask", [adding, lambda api: api.remove_destination("D1")], ids=["add", "remove"])
@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_what_must_not_happen_twice_is_not_asked_again(failure: httpx.Response | Exception, ask: Asking) -> None:
    provider = FakeProvider(failure)

    with pytest.raises(ProviderError):
        ask(provider.api)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("7", 7),
        ("60", 60),
        ("0", 1),
        ("Thu, 15 Jan 2026 10:25:31 GMT", 30),
        ("Thu, 15 Jan 2026 10:25:31 -0000", 30),
        ("Thu, 15 Jan 2026 09:00:00 GMT", 1),
        ("soon", 1),
        ("Thu, 15 Jan 99999999999999999999 10:25:31 GMT", 1),
        ("-5", 1),
    ],
)
def test_the_provider_says_how_long_the_pause_is(header: str, pause: float) -> None:
    provider = FakeProvider(refusing(429, Retry_After=header), httpx.Response(200, json=[]))

    provider.api.destinations()

    assert provider.pauses == [pause]


@pytest.mark.parametrize("seconds", ["61", "3600"])
def test_nobody_waits_longer_than_a_minute(seconds: str) -> None:
    provider = FakeProvider(refusing(429, Retry_After=seconds))

    with pytest.raises(errors.TooManyRequests, match=f" It asks to wait {seconds} seconds"):
        provider.api.destinations()
    assert provider.pauses == []


# --- Errors -------------------------------------------------------------------------------------------
REFUSED: Final = {
    (400, None): errors.InvalidRequest,
    (401, "INVALID_SIGNATURE"): errors.InvalidSignature,
    (401, "EXPIRED_SIGNATURE"): errors.ExpiredSignature,
    (401, "INVALID_CLIENT_ID"): errors.InvalidClientId,
    (401, "SOMETHING_NEW"): errors.Unauthorised,
    (403, "IP_NOT_WHITELISTED"): errors.IpNotWhitelisted,
    (403, "INSUFFICIENT_PERMISSIONS"): errors.InsufficientPermissions,
    (403, "not a code: <b>"): errors.Forbidden,
    (404, "INVALID_SIGNATURE"): errors.NotFound,  # a code that belongs to another status says nothing
    (409, None): errors.Conflicting,
    (418, None): errors.Unexpected,
    (422, None): errors.InvalidRequest,
    (429, None): errors.TooManyRequests,
    (500, "INTERNAL"): errors.ProviderFailed,
}


@pytest.mark.parametrize(("status", "code"), REFUSED, ids=str)
def test_each_refusal_has_an_error_and_a_sentence_of_advice(status: int, code: str | None) -> None:
    with pytest.raises(Refused) as refused:
        FakeProvider(refusing(status, code)).api.destinations()

    text = str(refused.value)
    assert type(refused.value) is REFUSED[status, code]
    answered = f"{status} {code}" if code and code.isupper() else str(status)
    assert text.startswith(f"The provider answered GET /api/v1/hook/destination with {answered}. ")
    assert re.match("(It|The|There) ", type(refused.value).advice)
    assert f" {type(refused.value).advice}" in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Date": "Thu, 15 Jan 2026 10:20:01 GMT"}, "300 seconds ahead of"),
        ({"Date": "Thu, 15 Jan 2026 10:32:01 GMT"}, "420 seconds behind"),
        ({"Date": "Thu, 15 Jan 2026 10:25:02 GMT"}, "agree to 5 seconds"),
        ({"Date": "today"}, "does not say what its clock shows"),
        ({}, "does not say what its clock shows"),
    ],
    ids=["ahead", "behind", "right", "no date", "none"],
)
def test_an_expired_signature_tells_how_far_the_clocks_are_apart(headers: dict[str, str], told: str) -> None:
    with pytest.raises(errors.ExpiredSignature, match=told):
        FakeProvider(refusing(401, "EXPIRED_SIGNATURE", **headers)).api.destinations()


def in_pieces(piece: bytes, pieces: int) -> Iterator[bytes]:
    for _ in range(pieces):
        yield piece


UNUSABLE: Final[dict[str, tuple[httpx.Response, type[ProviderError], str]]] = {
    "HTML": (httpx.Response(200, text="<html>Sign in</html>"), errors.AnswerUnusable, "HTML instead of JSON"),
    "HTML by its name": (
        httpx.Response(200, text="Sign in", headers={"Content-Type": "text/html"}),
        errors.AnswerUnusable,
        "HTML instead of JSON",
    ),
    "text": (httpx.Response(200, text="all is well"), errors.AnswerUnusable, "something instead of JSON"),
    "not UTF-8": (httpx.Response(200, content=b"\xff[]"), errors.AnswerUnusable, "something instead of JSON"),
    "NaN": (httpx.Response(200, text='{"events": [NaN]}'), errors.AnswerUnusable, "instead of JSON"),
    "a huge number": (httpx.Response(200, text='{"events": [1e999999]}'), errors.AnswerUnusable, "instead of JSON"),
    "an endless exponent": (
        httpx.Response(200, text='{"events": [1e99999999999999999999]}'),
        errors.AnswerUnusable,
        "instead of JSON",
    ),
    "very deep": (httpx.Response(200, text="[" * 200_000), errors.AnswerUnusable, "instead of JSON"),
    "nothing": (httpx.Response(200), errors.AnswerUnusable, "GET /api/v1/hook/event holds no list"),
    "no list": (
        httpx.Response(200, json={"events": "none"}),
        errors.AnswerUnusable,
        "GET /api/v1/hook/event holds no list",
    ),
    "compressed": (
        httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"")),
        errors.AnswerUnusable,
        "compressed",
    ),
    "a redirect": (
        httpx.Response(302, headers={"Location": "https://elsewhere.example/api/v1/hook/event"}),
        errors.Redirected,
        "not followed",
    ),
}


@pytest.mark.parametrize(("answer", "error", "told"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_answer_that_cannot_be_used_is_told_and_not_asked_for_again(
    answer: httpx.Response, error: type[ProviderError], told: str
) -> None:
    provider = FakeProvider(answer)

    with pytest.raises(error, match=f"^The provider.*{told}"):
        events(provider.api)
    assert len(provider.requests) == 1


def test_of_a_page_of_ten_megabytes_no_more_is_read_than_the_limit() -> None:
    pieces = in_pieces(b" " * 100_000, 100)
    provider = FakeProvider(httpx.Response(200, content=pieces))

    with pytest.raises(errors.AnswerUnusable, match="longer than 5 MB"):
        events(provider.api)
    assert len(list(pieces)) == 100 - MAX_ANSWER_BYTES // 100_000 - 1


def test_an_answer_that_drips_is_given_up_after_thirty_seconds() -> None:
    tens = iter(range(100))
    pieces = in_pieces(b" ", 100)

    def now() -> datetime:
        return NOW + timedelta(seconds=10 * next(tens))

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=pieces))
    api = ProviderApi(access(), now=now, sleep=lambda _: None, transport=transport)

    with pytest.raises(errors.Unreachable, match=r"^The provider took more than 30 seconds"):
        api.remove_destination("D1")
    assert len(list(pieces)) == 96


@pytest.mark.parametrize("exponent", [400, -400])
def test_a_number_of_four_hundred_digits_is_read(exponent: int) -> None:
    [entry] = FakeProvider(httpx.Response(200, text=f'[{{"id": "D1", "weight": 1e{exponent}}}]')).api.destinations()
    assert entry.id == "D1"


# --- Settings, and secrets ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("setting", "parameter"),
    [
        ({"base_url": ""}, "ProviderBaseUrl"),
        ({"base_url": "api.provider.example"}, "ProviderBaseUrl"),
        ({"base_url": "https://[::1"}, "ProviderBaseUrl"),
        ({"base_url": "ftp://api.provider.example"}, "ProviderBaseUrl"),
        ({"base_url": "http://api.provider.example"}, "over https alone"),
        ({"base_url": "https://somebody:else@api.provider.example"}, "ProviderBaseUrl"),
        ({"client_id": ""}, "ProviderClientId"),
        ({"client_id": "client\n1"}, "ProviderClientId"),
        ({"merchant_id": " "}, "ProviderMerchantId"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_right_are_refused(setting: dict[str, str], parameter: str) -> None:
    with pytest.raises(errors.SettingsUnusable, match=parameter):
        FakeProvider(httpx.Response(200), **setting)


@pytest.mark.parametrize(
    ("base_url", "proves_itself"), [("https://127.0.0.1", True), ("http://127.0.0.1", False)], ids=str
)
def test_over_https_the_provider_proves_who_it_is(
    monkeypatch: pytest.MonkeyPatch, base_url: str, *, proves_itself: bool
) -> None:
    settings: dict[str, Any] = {}
    monkeypatch.setattr(httpx, "Client", lambda **given: settings.update(given))

    ProviderApi(access(base_url=base_url))

    assert (settings["verify"] is True) is proves_itself
    assert settings["follow_redirects"] is False


def test_on_this_machine_http_will_do() -> None:
    assert FakeProvider(httpx.Response(200, json=[]), base_url="http://127.0.0.1:4100").api.destinations() == []


@pytest.mark.parametrize("answer", [refusing(422), httpx.Response(200, text=A_SECRET)], ids=["refused", "not JSON"])
def test_no_error_quotes_a_secret_that_the_provider_repeats(answer: httpx.Response) -> None:
    def repeating(request: httpx.Request) -> httpx.Response:
        content = answer.content.replace(b"the provider's own words", request.content.replace(b'"', b"'"))
        return httpx.Response(answer.status_code, content=content)

    with pytest.raises(ProviderError) as raised:
        adding(FakeProvider(repeating).api)
    assert A_SECRET not in str(raised.value)


def test_an_access_does_not_show_its_key() -> None:
    assert "key" not in repr(access())
