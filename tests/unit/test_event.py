"""What a signed text says: exactly, within bounds, or that it is unusable."""

import hashlib
import json
import sys
from contextlib import suppress
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay.clock import ABSENT
from wickiepay.errors import UnusableBody
from wickiepay.event import WebhookEvent, accepted_place, parse, place_and_acceptance
from wickiepay.identity import Identity
from wickiepay.reserialise import MAX_DEPTH
from wickiepay.spelling import canonical

D = Decimal
WIDE = Context(prec=100)


def read(text: bytes | str) -> WebhookEvent:
    body = text.encode() if isinstance(text, str) else text
    return parse(body)


def with_data(value: str) -> str:
    """An event whose data holds `value`, which is JSON."""
    return f'{{"event": "payment.completed", "data": {{"uuid": "u", "value": {value}}}}}'


def test_an_event() -> None:
    data = '{"uuid": "u-1", "amount": 100.00, "paid": [0.1, 12345678901234567890.123456789]}'
    event = read(f'{{"event": "payment.completed", "timestamp": "2026-01-15T10:25:00Z", "data": {data}}}')

    content = b'{"amount":"100","paid":["0.1","12345678901234567890.123456789"],"uuid":"u-1"}'
    assert event == WebhookEvent(
        name="payment.completed",
        identity=Identity("u-1", "payment.completed"),
        key="payment.completed",
        data={"uuid": "u-1", "amount": D("100.00"), "paid": [D("0.1"), D("12345678901234567890.123456789")]},
        data_hash=hashlib.sha256(content).digest(),
        occurred_at="2026-01-15T10:25:00.000000Z",
        event_id=None,
        received_at=ABSENT,
    )
    digits = hashlib.sha256(content).hexdigest()[:16]
    assert event.place == f"2026-01-15T10:25:00.000000Z|payment.completed|{digits}"
    assert event.content_hash == event.data_hash


def test_content_is_compared_in_the_normal_spelling_of_identifiers() -> None:
    transaction, uuid = "ab" * 32, "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
    spellings = [
        json.dumps({"uuid": uuid, "of": [{"hash": transaction}]}),
        json.dumps({"uuid": uuid.upper(), "of": [{"hash": f"0x{transaction.upper()}"}]}),
    ]
    one, other = (read(f'{{"event": "a", "data": {data}}}') for data in spellings)

    assert one.content_hash == other.content_hash == one.data_hash != other.data_hash
    assert one.identity == other.identity


def test_an_event_without_a_time_stamp_happened_when_it_was_received() -> None:
    received = "2026-01-15T10:25:01.000000Z"
    assert parse(b'{"event": "a"}', received).moment == received
    assert parse(b'{"event": "a", "timestamp": "2026-01-15T10:25:00Z"}', received).moment < received


def test_an_accepted_place_is_just_above_the_corrected_one() -> None:
    first = read('{"event": "a", "timestamp": "2026-01-15T10:25:00Z", "data": {"uuid": "u"}}')
    later = read('{"event": "a", "timestamp": "2026-01-15T10:25:00.000001Z", "data": {"uuid": "u"}}')
    at = "2026-02-01T00:00:00.000000Z"
    accepted = accepted_place(first.place, at, later.content_hash)

    assert first.place < accepted < later.place
    assert place_and_acceptance(accepted) == (first.place, at)
    assert place_and_acceptance(first.place) == (first.place, "")


def test_no_number_passes_through_a_float() -> None:
    assert str(read(with_data("0.1000000000000000055511151231257827")).data["value"]) == (
        "0.1000000000000000055511151231257827"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b" ", "not JSON", id="a blank"),
        pytest.param(b"event=payment.completed", "not JSON", id="a form"),
        pytest.param(b'{"event": "a",}', "not JSON", id="trailing comma"),
        pytest.param(b"{'event': 'a'}", "not JSON", id="single quotes"),
        pytest.param(b'{"event": "a"', "not JSON", id="cut off"),
        pytest.param(b'{"event": "a"} {}', "not JSON", id="two"),
        pytest.param(b'{"event": "a\n"}', "not JSON", id="a control character"),
        pytest.param(b'{"event": "\xff"}', "not JSON", id="not UTF-8"),
        pytest.param(b'{"event": "\xed\xa0\x80"}', "not JSON", id="a surrogate in UTF-8"),
        pytest.param('{"event": "a"}'.encode("utf-16"), "not JSON", id="UTF-16"),
        pytest.param('{"event": "a"}'.encode("utf-32-le"), "not JSON", id="UTF-32"),
        pytest.param(b"[]", "not a JSON object", id="an array"),
        pytest.param(b'"event"', "not a JSON object", id="a text"),
        pytest.param(b"7", "not a JSON object", id="a number"),
        pytest.param(b"null", "not a JSON object", id="null"),
        pytest.param(b"{}", '"event" is not a name', id="no event"),
        pytest.param(b'{"event": null}', '"event" is not a name', id="event null"),
        pytest.param(b'{"event": ""}', '"event" is not a name', id="event empty"),
        pytest.param(b'{"event": 7}', '"event" is not a name', id="event a number"),
        pytest.param(b'{"event": ["payment.completed"]}', '"event" is not a name', id="event a list"),
        pytest.param(b'{"event": "%b"}' % (b"a" * 101), '"event" is not a name', id="event over-long"),
        pytest.param(b'{"event": "a", "data": []}', '"data" is not a JSON object', id="data a list"),
        pytest.param(b'{"event": "a", "data": "{}"}', '"data" is not a JSON object', id="data a text"),
        pytest.param(b'{"event": "a", "data": 0}', '"data" is not a JSON object', id="data a number"),
        pytest.param(b'{"event": "a", "data": false}', '"data" is not a JSON object', id="data false"),
        pytest.param(with_data("NaN").encode(), "NaN", id="NaN"),
        pytest.param(with_data("Infinity").encode(), "Infinity", id="Infinity"),
        pytest.param(with_data("-Infinity").encode(), "-Infinity", id="-Infinity"),
        pytest.param(with_data("9" * 401).encode(), "more than 400 digits", id="401 digits"),
        pytest.param(with_data("9" * 200_000).encode(), "more than 400 digits", id="200,000 digits"),
        pytest.param(with_data("0." + "9" * 399).encode(), "more than 400 digits", id="399 decimals"),
        pytest.param(with_data("1e401").encode(), "more than 400 digits", id="1e401"),
        pytest.param(with_data("1e-401").encode(), "more than 400 digits", id="1e-401"),
        pytest.param(with_data("1E999999999").encode(), "more than 400 digits", id="1E999999999"),
        pytest.param(with_data("1e" + "9" * 100_000).encode(), "more than 400 digits", id="an endless exponent"),
        pytest.param(with_data("[" * MAX_DEPTH + "]" * MAX_DEPTH).encode(), "levels deep", id="too deep"),
        pytest.param(b"[" * 250_000, "levels deep", id="far too deep"),
        pytest.param(b'{"a":' * 50_000, "levels deep", id="far too deep, of objects"),
    ],
)
def test_unusable(body: bytes, message: str) -> None:
    with pytest.raises(UnusableBody, match=message):
        read(body)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param('{"event": "a"}', {}, id="no data"),
        pytest.param('{"event": "a", "data": null}', {}, id="data null"),
        pytest.param('\ufeff{"event": "a"}', {}, id="a byte order mark"),
        pytest.param('{"event": "%s"}' % ("a" * 100), {}, id="100 characters of event"),
        pytest.param('{"event": "a", "data": {"x": 1, "x": 2}}', {"x": D(2)}, id="duplicate keys: the last counts"),
        pytest.param('{"event": "b", "event": "a", "data": {}}', {}, id="duplicate event: the last counts"),
        pytest.param('{"event": "a", "data": {"x": "\\ud800"}}', {"x": "\ud800"}, id="a lone surrogate"),
        pytest.param('{"event": "a", "data": {"x": %s}}' % ("9" * 400), {"x": D("9" * 400)}, id="400 digits"),
        pytest.param('{"event": "a", "data": {"x": 1e400}}', {"x": D("1e400")}, id="1e400"),
        pytest.param('{"event": "a", "data": {"x": 1E-400}}', {"x": D("1e-400")}, id="1E-400"),
        pytest.param('{"event": "a", "data": {"x": 1e+2}}', {"x": D(100)}, id="a signed exponent"),
        pytest.param('{"event": "a", "data": {"x": -0.0}}', {"x": D(0)}, id="minus zero"),
    ],
)
def test_usable(text: str, data: dict[str, object]) -> None:
    assert read(text).data == data


@pytest.mark.parametrize("name", ["\ud800", "a#b", "a!b", "é", "sha256:" + "0" * 64])
def test_a_name_that_cannot_stand_in_a_key_is_hashed(name: str) -> None:
    event = read(json.dumps({"event": name, "data": {"uuid": "u"}}))

    assert event.name == "sha256:" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    assert event.identity.event_key.partition("#")[0] == event.name


@pytest.mark.parametrize("timestamp", ["soon", "", 7, None, True, [], {}])
def test_what_is_no_time_is_absent(timestamp: object) -> None:
    assert read(json.dumps({"event": "a", "timestamp": timestamp})).occurred_at is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


ENVELOPES = st.fixed_dictionaries({"event": JSON, "data": JSON | st.just({}), "timestamp": JSON, "id": JSON})


@given(st.binary() | (JSON | ENVELOPES).map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_event_or_unusable(body: bytes) -> None:
    with suppress(UnusableBody):
        assert read(body).identity.uuid.isascii()


# --- The canonical form: one spelling for one content -------------------------------------------------
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers(-(10**30), 10**30).map(D)
CONTENT = st.dictionaries(
    st.text(st.characters(codec=None)),
    st.recursive(
        st.none() | st.booleans() | DECIMALS | st.text(st.characters(codec=None)),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=10,
    ),
    max_size=4,
)


def spelled(value: Any, draw: st.DataObject) -> str:  # noqa: ANN401
    """`value` in any of the ways in which JSON can be written."""
    blank = draw.draw(st.sampled_from(["", " ", "\n\t", "  "]))
    match value:
        case Decimal():
            exponent = draw.draw(st.integers(-20, 20))
            ways = [format(value, "f"), format(value, "E"), f"{value.scaleb(-exponent, WIDE):f}e{exponent}"]
            if "." in ways[0]:
                ways.append(ways[0] + "000")
            text = draw.draw(st.sampled_from(ways))
        case dict():
            keys = draw.draw(st.permutations(list(value)))
            inside = [f"{spelled(key, draw)}:{spelled(value[key], draw)}" for key in keys]
            text = "{" + ",".join(inside) + "}"
        case list():
            text = "[" + ",".join(spelled(inner, draw) for inner in value) + "]"
        case str():
            is_utf8 = not any("\ud800" <= character <= "\udfff" for character in value)
            text = json.dumps(value, ensure_ascii=not is_utf8 or draw.draw(st.booleans()))
        case _:
            text = json.dumps(value)
    return blank + text + blank


@given(CONTENT, st.data())
def test_one_content_has_one_hash_in_every_spelling(content: dict[str, object], draw: st.DataObject) -> None:
    one, other = (read(f'{{"event": "a", "data": {spelled(content, draw)}}}') for _ in range(2))

    assert one.data_hash == other.data_hash


@pytest.mark.parametrize(
    "spellings",
    [
        ["100", "100.00", "1e2", "1E+2", "10000e-2", "0.01e4"],
        ["0", "-0", "0.0", "-0.00", "0e5", "-0e-5"],
        ["0.1", "0.10", "1e-1"],
        ['"é"', '"\\u00e9"'],
        ['"/"', '"\\/"'],
        ['{"a": 1, "b": 2}', '{"b":2,"a":1}', '{"a": 7, "b": 2, "a": 1.0}'],
    ],
)
def test_spellings_of_one_content(spellings: list[str]) -> None:
    assert len({read(with_data(spelling)).data_hash for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("100", "100.000000000000000000000000001"),
        ("9007199254740993", "9007199254740992"),
        ("1e400", "1e399"),
        ("1", "-1"),
        ("0", "null"),
        ("0", "false"),
        ("1", "true"),
        ("true", '"true"'),
        ("null", '"null"'),
        ("null", '""'),
        ("{}", "[]"),
        ("[]", "null"),
        ("[1, 2]", "[2, 1]"),
        ("[1]", "1"),
        ('"a"', '"A"'),
        ('"a"', '"a "'),
        ('"é"', '"e\\u0301"'),
        ('{"a": null}', "{}"),
        ('{"a": {"b": 1}}', '{"a": 1, "b": 1}'),
        ('"\\ud800"', '"\\ud801"'),
    ],
)
def test_a_changed_value_changes_the_hash(one: str, other: str) -> None:
    assert read(with_data(one)).data_hash != read(with_data(other)).data_hash


@given(DECIMALS, DECIMALS)
def test_two_numbers_have_one_hash_only_if_they_are_equal(one: Decimal, other: Decimal) -> None:
    assert (canonical({"x": one}) == canonical({"x": other})) == (one == other)


@given(CONTENT, CONTENT)
def test_two_contents_have_one_hash_only_if_they_are_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (canonical(one) == canonical(other)) <= (as_text(one) == as_text(other))


def as_text(value: Any) -> Any:  # noqa: ANN401
    """A number and its plain spelling are one content: they have the same effects."""
    match value:
        case Decimal():
            return str(value.normalize(WIDE)) if value else "0"
        case dict():
            return {key: as_text(inner) for key, inner in value.items()}
        case list():
            return [as_text(inner) for inner in value]
    return (type(value), value)


def test_the_longest_number_is_as_long_as_every_doubles_plain_spelling() -> None:
    assert len(f"{D(sys.float_info.max):f}") <= 400
    assert read(with_data("9" * 400)).data["value"] == D("9" * 400)
