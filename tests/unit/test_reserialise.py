import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay.reserialise import NotReserialisable, node_text, python_text, too_deep

Reserialise = Callable[[bytes], bytes]

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "reserialise.json").read_text())
"""What the real node and the plain json module made of each body; null where they refused it."""

KIB_256 = 256 * 1024
MAX_DEPTH = 128


def in_base64(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


def accepted(reserialise: Reserialise, body: bytes) -> bytes | None:
    try:
        return reserialise(body)
    except NotReserialisable:
        return None


def filled(start: bytes, repeated: bytes, end: bytes = b"") -> bytes:
    """A body of 256 KiB, or a little less."""
    return start + repeated * ((KIB_256 - len(start) - len(end)) // len(repeated)) + end


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: vector["name"])
def test_node_text_is_what_the_express_example_signs(vector: dict[str, str]) -> None:
    assert accepted(node_text, b64decode(vector["body_base64"])) == in_base64(vector["node"])


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: vector["name"])
def test_python_text_is_what_the_flask_example_signs(vector: dict[str, str]) -> None:
    assert accepted(python_text, b64decode(vector["body_base64"])) == in_base64(vector["python"])


HOSTILE = {
    "arrays without end": filled(b"", b"["),
    "objects without end": filled(b"", b'{"a":'),
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "closing brackets": filled(b"", b"]"),
    "flat arrays": filled(b"[", b"[],", b"1]"),
    "just deep enough, again and again": filled(b"[" * (MAX_DEPTH - 1), b"],[", b"]" * (MAX_DEPTH - 1)),
    "digits": filled(b"[", b"1", b"]"),
    "digits of a fraction": filled(b"[0.", b"1", b"]"),
    "digits of an exponent": filled(b"[1e", b"9", b"]"),
    "zeros before an exponent": filled(b"[0.", b"0", b"1e262000]"),
    "integers as long as Python reads": filled(b"[", b"9" * 4300 + b",", b"1]"),
    "short numbers with long texts": filled(b"[", b"1e20,", b"1]"),
    "numbers on the border of two doubles": filled(b"[", b"2.2250738585072011e-308,", b"1]"),
    "minus signs": filled(b"[", b"-"),
    "quotes": filled(b"", b'"'),
    "quotes in a list": filled(b"[", b'"'),
    "empty strings": filled(b"[", b'"",', b"1]"),
    "string without end": filled(b'["', b"x"),
    "escaped quotes without end": filled(b"[" * 200 + b'"', b'\\"'),
    "backslashes": filled(b'["', b"\\", b'"]'),
    "backslashes without end": filled(b"[" * 200 + b'"', b"\\"),
    "brackets in a string": filled(b'["', b"[{", b'"]'),
    "lone surrogates": filled(b'["', b"\\ud800", b'"]'),
    "invalid UTF-8": filled(b'["', b"\xff", b'"]'),
    "invalid UTF-8 alone": filled(b"", b"\xe2\x82"),
    "blanks": filled(b"", b" "),
    "blanks in a list": filled(b"[", b"\n", b"]"),
    "duplicate keys": filled(b"{", b'"a":1,', b'"a":1}'),
    "array indices": b"{" + b",".join(b'"%d":1' % n for n in range(28_000, 0, -1)) + b"}",
    "digits as a key": filled(b'{"', b"1", b'":1}'),
    "nul": filled(b"", b"\x00"),
    "NaN": filled(b"[", b"NaN,", b"NaN]"),
    "empty": b"",
    "byte order mark alone": b"\xef\xbb\xbf",
    "byte order marks": filled(b"", b"\xef\xbb\xbf"),
    "half a UTF-16 mark": b"\xff",
    "UTF-16 mark alone": b"\xff\xfe",
    "UTF-32 mark alone": b"\xff\xfe\x00\x00",
    "UTF-16": filled(b"", "[1,".encode("utf-16-le")),
    "UTF-16 of odd length": "[1]".encode("utf-16-le") + b"\x00",
    "UTF-32 above Unicode": b"[\x00\x00\x00\xff\xff\xff\xff",
}


@pytest.mark.parametrize("reserialise", [node_text, python_text])
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bodies_end_in_a_text_or_a_refusal_soon(body: bytes, reserialise: Reserialise) -> None:
    start = process_time()
    text = accepted(reserialise, body)
    # The slowest takes a twentieth of a second (a whole one under coverage); quadratic time would be half a minute.
    assert process_time() - start < 5
    assert len(text or b"") <= 6 * len(body)


@pytest.mark.parametrize("reserialise", [node_text, python_text])
@given(
    body=st.one_of(
        st.binary(),
        st.lists(st.sampled_from([bytes([byte]) for byte in b'[]{}:,"\\u019-+.eE ntf\x00\xff\xfe\xef\xbb\xbf'])).map(
            b"".join
        ),
    )
)
def test_any_bytes_end_in_a_refusal_or_in_a_text_that_is_its_own(reserialise: Reserialise, body: bytes) -> None:
    text = accepted(reserialise, body)
    assert text is None or reserialise(text) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("[", "]"), ('{"a":', "}"), ('[{},"[{\\"[{",', "]"), ('["\u2200\u225b\u5b7b",', "]"), ('["\\\\",', "]")],
)
@pytest.mark.parametrize("depth", [1, MAX_DEPTH - 1, MAX_DEPTH + 1])
def test_a_body_is_too_deep_beyond_the_greatest_depth(opening: str, closing: str, depth: int, encoding: str) -> None:
    body = (opening * depth + "1" + closing * depth).encode(encoding)
    assert too_deep(body) is (depth > MAX_DEPTH)


def test_the_greatest_depth_is_not_too_deep() -> None:
    assert not too_deep(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"[]")


@pytest.mark.parametrize("reserialise", [node_text, python_text])
def test_a_body_that_is_too_deep_is_refused(reserialise: Reserialise) -> None:
    with pytest.raises(NotReserialisable, match="more than 128 levels"):
        reserialise(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
