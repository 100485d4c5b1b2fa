"""The re-serialisations against what they imitate, on generated documents: the real `node`, the plain `json` module."""

import json
import shutil
import struct
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from math import inf, isfinite, nextafter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wickiepay.errors import SignatureMismatch, UnusableBody
from wickiepay.event import parse
from wickiepay.reserialise import MAX_DEPTH, NotReserialisable, node_text, python_text, too_deep
from wickiepay.signature import MAX_RESERIALISED_BYTES, parse_signature, sign, verify

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden" / "reserialise.json"

Listener = Callable[[bytes], bytes | None]
"""A body → the text that an example listener signs of it; None where it refuses the body."""

Bytes = st.SearchStrategy[bytes]


def one(*texts: str) -> Bytes:
    return st.sampled_from([text.encode() for text in texts])


def words(texts: str) -> Bytes:
    return st.sampled_from(texts.encode().split())


def joined(*parts: Bytes) -> Bytes:
    return st.tuples(*parts).map(b"".join)


def in_a_list(element: Bytes) -> Bytes:
    return st.lists(element, max_size=6).map(lambda elements: b"[" + b",".join(elements) + b"]")


# Numbers: any spelling of the grammar; and, in several spellings each, doubles of all bit patterns, the neighbours of
# the borders at which a notation changes, and what lies halfway between two doubles or a hair beside that.
DIGITS = st.one_of(
    st.text("0123456789", min_size=1, max_size=25),
    st.builds(str.__mul__, st.sampled_from("0159"), st.sampled_from([15, 16, 17, 21, 22, 309, 800, 4300, 4301])),
)
SPELLED = st.builds(
    lambda sign, whole, point, fraction, mark, power: (
        f"{sign}{whole.lstrip('0') or '0'}{point and point + fraction}{mark and f'{mark}{power}'}"
    ),
    st.sampled_from(["", "-"]),
    DIGITS,
    st.sampled_from(["", "."]),
    DIGITS,
    st.sampled_from(["", "e", "E", "e+", "e-", "E-0"]),
    st.one_of(st.integers(0, 25), st.integers(0, 400), st.integers(0, 10**9)),
)
BORDERS = st.builds(
    lambda power, towards, steps: nextafter(float(f"1e{power}"), towards, steps=steps),
    st.one_of(st.sampled_from([-7, -6, -5, -4, 15, 16, 17, 20, 21, 22]), st.integers(-323, 308)),
    st.sampled_from([0, inf]),
    st.integers(0, 3),
)
DOUBLES = st.one_of(
    st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0]),
    st.integers(0, 2**52 - 1).map(lambda bits: bits * 5e-324),
    st.builds(lambda power, step: 2.0**power + step, st.integers(50, 80), st.integers(-3, 3)),
    st.floats(0, 1e22),
    st.floats(0, 1e-3),
    st.decimals(0, 10**9, places=2).map(float),
    BORDERS,
).filter(isfinite)


EXACTLY = Context(prec=1100)


def halfway(double: float) -> Decimal:
    return EXACTLY.divide(EXACTLY.add(Decimal(double), Decimal(nextafter(double, 0))), Decimal(2))


SPELLINGS: list[Callable[[float], object]] = [
    repr,
    *("{:.17e}".format, "{:.2f}".format, "{:.25f}".format, "{:.16g}".format, Decimal),
    *(halfway, lambda double: halfway(double).next_plus(EXACTLY), lambda double: halfway(double).next_minus(EXACTLY)),
]


NUMBERS = st.one_of(
    SPELLED,
    st.builds(lambda spell, double: str(spell(double)), st.sampled_from(SPELLINGS), DOUBLES),
    st.integers(-(2**70), 2**70).map(str),
).map(str.encode)

# Strings: all escapes, surrogates in every company, raw text of every plane, and bytes that are no UTF-8.
CHARACTERS = st.one_of(
    st.characters(exclude_categories=["Cs"], exclude_characters='"\\', min_codepoint=0x20).map(str.encode),
    words(r"\" \\ \/ \b \f \n \r \t \u0000 \u001f \u007F \u0031 \u2028 \ufeff \uFFFF \ud83d\ude00 \uD83D \uDE00"),
    one("\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\ufffd", "\uffff", "😀", "/", "<", "'"),
    st.builds("\\u{:04{}}".format, st.integers(0, 0xFFFF), st.sampled_from("xX")).map(str.encode),
    st.builds("\\u{:{}}".format, st.integers(0xD800, 0xDFFF), st.sampled_from("xX")).map(str.encode),
)
NO_UTF_8 = st.one_of(
    st.sampled_from(b"\xff \x80 \xc3 \xe2\x82 \xf0\x9f\x98 \xed\xa0\xbd \xc0\xaf \xf4\x90\x80".split()),
    st.lists(st.integers(0x80, 0xFF), min_size=1, max_size=5).map(bytes),
)


def quoted(character: Bytes) -> Bytes:
    return st.lists(character, max_size=8).map(lambda characters: b'"' + b"".join(characters) + b'"')


STRINGS = quoted(CHARACTERS)
BROKEN_STRINGS = quoted(st.one_of(CHARACTERS, NO_UTF_8))

# Keys that collide, that JavaScript takes for array indices, or that its objects know already.
KEYS = st.one_of(
    one('"a"', '"b"', r'"\u0061"', '""', '"__proto__"', '"constructor"', '"toJSON"', '"length"'),
    one('"0"', '"1"', r'"\u0031"', '"01"', '"-0"', '"-1"', '"1.0"', '"1e0"', '" 1"', '"\u0661"', '"²"'),
    st.builds(int.__add__, st.sampled_from([2**31, 2**32, 2**53, 2**64]), st.integers(-3, 1)).map(b'"%d"'.__mod__),
    st.integers(0, 12).map(b'"%d"'.__mod__),
    STRINGS,
)
MEMBERS = st.lists(joined(KEYS, one(":"), NUMBERS), max_size=12)
OBJECTS = MEMBERS.map(lambda members: b"{" + b",".join(members) + b"}")

BLANK = one("", "", "", " ", "\t", "\n", "\r", " \r\n\t ")
SCALARS = st.one_of(one("null", "true", "false"), NUMBERS, STRINGS, BROKEN_STRINGS)


def containers(values: Bytes) -> Bytes:
    padded = joined(BLANK, values, BLANK)
    member = joined(BLANK, KEYS, BLANK, one(":"), padded)
    return st.one_of(
        joined(one("["), st.lists(padded, max_size=5).map(b",".join), one("]")),
        joined(one("{"), st.lists(member, max_size=5).map(b",".join), one("}")),
    )


DOCUMENTS = joined(one("", "", "\ufeff"), BLANK, containers(st.recursive(SCALARS, containers, max_leaves=8)), BLANK)

DEEP = st.builds(
    lambda pairs, value: b"".join(a for a, _ in pairs) + value + b"".join(z for _, z in reversed(pairs)),
    st.lists(st.sampled_from([(b"[", b"]"), (b'{"1":', b"}"), (b'[[],"[{",', b"]")]), min_size=1, max_size=127),
    SCALARS,
)

NOISE = st.one_of(
    words("[ ] { } : , \" \\ / 0 1 - + . e NaN Infinity -Infinity null tru ' /**/ // \\u \\ud8"),
    one("", "\x00", "\x0b", "\x0c", "\x1f", "\t", "\n", "\u00a0", "\u2028", "\ufeff", "\x7f", "\u0661"),
    NO_UTF_8,
)
CORRUPTED = st.builds(
    lambda text, at, cut, noise: text[: at % (len(text) + 1)] + noise + text[at % (len(text) + 1) + cut :],
    st.one_of(DOCUMENTS, OBJECTS, in_a_list(NUMBERS), in_a_list(STRINGS)),
    st.integers(0, 2**16),
    st.integers(0, 2),
    NOISE,
)
OTHER_ENCODINGS = st.builds(
    lambda text, encoding, cut: text.decode("utf-8", "replace").encode(encoding)[: -cut or None],
    DOCUMENTS,
    st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig"]),
    st.sampled_from([0, 0, 0, 1]),
)

# Family → its documents, and how many of them are drawn.
FAMILIES: dict[str, tuple[Bytes, int]] = {
    "numbers": (in_a_list(NUMBERS), 1500),
    "strings": (in_a_list(STRINGS), 1000),
    "broken strings": (in_a_list(BROKEN_STRINGS), 700),
    "objects": (OBJECTS, 1000),
    "documents": (DOCUMENTS, 700),
    "no containers": (joined(BLANK, SCALARS, BLANK), 200),
    "deep": (DEEP, 300),
    "corrupted": (CORRUPTED, 1300),
    "other encodings": (OTHER_ENCODINGS, 200),
    "bytes": (st.binary(max_size=12), 300),
}


# What is an event, or nearly one: the listeners read more of it than its text.
ODD_NAMES = st.one_of(
    SCALARS, one('""', '"x.y"', '"payment.completed"'), st.integers(98, 103).map(lambda n: b'"%s"' % (b"x" * n))
)
NUMERALS = st.one_of(
    NUMBERS,
    words("NaN Infinity -Infinity 1e309 -1e999 1e-999"),
    st.integers(395, 405).map(lambda digits: b"7" * digits),
)
VALUES = st.one_of(
    SCALARS,
    words("{} [] null"),
    joined(one('{"amount":'), NUMERALS, one("}")),
    joined(one('{"uuid":'), st.one_of(STRINGS, NUMERALS), one(',"a":['), NUMERALS, one("]}")),
    st.integers(MAX_DEPTH - 4, MAX_DEPTH + 4).map(lambda depth: b'{"a":' + b"[" * depth + b"]" * depth + b"}"),
    st.integers(MAX_RESERIALISED_BYTES - 60, MAX_RESERIALISED_BYTES + 60).map(
        lambda size: b'{"a":"%s"}' % (b"x" * size)
    ),
)
EVENTS = st.one_of(
    joined(one("", " ", "\ufeff"), one('{"event":'), ODD_NAMES, one(',"data":', ', "data": '), VALUES, one("}")),
    joined(one('{"data":'), VALUES, one("}")),
    joined(one("[", '[{"event":"x.y"},'), VALUES, one("]")),
    st.builds(
        lambda text, encoding: text.decode("utf-8", "replace").encode(encoding),
        joined(one('{"event":"x.y","data":'), VALUES, one("}")),
        st.sampled_from(["utf-16", "utf-32", "utf-8-sig"]),
    ),
)


@pytest.fixture
def node() -> str:
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not on PATH: the golden vectors, made with it, have to do")
    return node


@pytest.fixture
def express_text(node: str) -> Iterator[Listener]:
    """The provider's Express example: one node process, which takes one body after another."""
    with subprocess.Popen([node, HERE / "express_json.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def signed_text(body: bytes) -> bytes | None:
            requests.write(b64encode(body) + b"\n")
            requests.flush()
            answer = answers.readline()
            assert answer, "node is gone"
            return None if answer == b"-\n" else b64decode(answer)

        yield signed_text


def flask_text(body: bytes) -> bytes | None:
    """The provider's Flask example, which answers 400 to whatever ValueError json.loads raises."""
    try:
        return json.dumps(json.loads(body)).encode()
    except ValueError:
        return None


def ours(reserialise: Callable[[bytes], bytes], body: bytes) -> bytes | None:
    try:
        return reserialise(body)
    except NotReserialisable:
        return None


@pytest.mark.node
def test_both_texts_are_what_the_provider_s_examples_sign(express_text: Listener) -> None:
    compared, accepted_by_express, accepted_by_flask = set[bytes](), set[bytes](), set[bytes]()

    def agree(body: bytes) -> None:
        express, flask = express_text(body), flask_text(body)
        assert ours(node_text, body) == express
        assert ours(python_text, body) == flask
        compared.add(body)
        if express is not None:
            accepted_by_express.add(body)
        if flask is not None:
            accepted_by_flask.add(body)

    for documents, examples in FAMILIES.values():
        repeatable = settings(
            max_examples=examples, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
        repeatable(given(documents)(agree))()

    assert len(compared) >= 5_000
    assert 0.5 < len(accepted_by_express) / len(compared) < 0.9
    assert 0.5 < len(accepted_by_flask) / len(compared) < 0.9


# --- What one of the examples answers 200, and this listener does not --------------------------------
KEY = b"the signing secret"
ARCHITECTURE = HERE.parents[1] / "docs" / "architecture.md"

UNUSABLE = {
    '"data" is not': "`data` that is not an object",
    '"event" is not': "an event name that cannot be one",
    "The body is not a JSON object": "an array at the top",
    "The body holds NaN": "NaN and Infinity",
    "The body holds Infinity": "NaN and Infinity",
    "The body holds -Infinity": "NaN and Infinity",
    "The body holds a number": "numbers of more than 400 digits",
}
"""How the sentence begins that a refusal gives → the reason's name in docs/architecture.md."""

OF_ITS_TEXT = {*UNUSABLE.values(), "more than 128 levels", "over 100 KiB, re-serialised"}


def taken_by_express(text: bytes) -> bool:
    """The example reads `data.uuid` of one event type alone; of JSON nothing but null makes that fail."""
    body = json.loads(text)
    return not isinstance(body, dict) or body.get("event") != "payment.completed" or body.get("data") is not None


def taken_by_flask(text: bytes) -> bool:
    body = json.loads(text)
    if not isinstance(body, dict) or "event" not in body:
        return False
    data = body.get("data")
    return body["event"] != "payment.completed" or (isinstance(data, dict) and "uuid" in data)


def why_not(body: bytes, scheme: str) -> str | None:
    """Why this listener refuses what is signed under `scheme`, in the words of the page; None where it takes it."""
    if too_deep(body):
        return "more than 128 levels"
    signature = parse_signature(sign(body, KEY, scheme))
    try:
        parse(verify(body, signature, [KEY]).text, "2026-01-15T10:25:01.000000Z")
    except SignatureMismatch:
        assert len(body) > MAX_RESERIALISED_BYTES
        return "over 100 KiB, re-serialised"
    except UnusableBody as unusable:
        return next(reason for beginning, reason in UNUSABLE.items() if str(unusable).startswith(beginning))
    return None


def listed() -> list[str]:
    """The first column of the page's table of differences."""
    section = ARCHITECTURE.read_text().partition("### What an example listener accepts, and this one does not")[2]
    rows = [line.split("|")[1].strip() for line in section.partition("\n#")[0].splitlines() if line.startswith("| ")]
    return rows[1:]


@pytest.mark.node
def test_what_an_example_takes_is_taken_here_or_on_the_list(express_text: Listener) -> None:
    met, taken = set[str](), 0

    def compare(body: bytes) -> None:
        nonlocal taken
        for scheme, text, takes in (
            ("node", express_text(body) if len(body) <= MAX_RESERIALISED_BYTES else None, taken_by_express),
            ("python", flask_text(body), taken_by_flask),
        ):
            if text is not None and takes(text):
                reason = why_not(body, scheme)
                met.update([reason] if reason else [])
                taken += reason is None

    repeatable = settings(
        max_examples=3000, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    repeatable(given(st.one_of(EVENTS, DOCUMENTS))(compare))()
    assert met == OF_ITS_TEXT
    assert taken > 200


OF_ITS_REQUEST = {
    *("over 256 KiB", "another charset", "a compressed body", "another content type", "an empty body"),
    "capitals in the path",
}
"""Refused for what is around the text: `tests/unit/test_ingest.py`; the path, by the API."""


def test_the_list_is_complete() -> None:
    assert set(listed()) == OF_ITS_TEXT | set(OF_ITS_REQUEST)


@pytest.mark.node
@pytest.mark.usefixtures("node")
def test_the_golden_vectors_are_what_node_and_json_say_today() -> None:
    anew = subprocess.run(
        [sys.executable, HERE / "reserialise_golden.py"], stdout=subprocess.PIPE, text=True, check=True
    )
    assert GOLDEN.read_text() == anew.stdout
