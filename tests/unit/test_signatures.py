"""What a diagnosis never says, and what it bears, of whatever is given."""

import base64
import contextlib
import gzip
import hmac
import html
import json
import urllib.parse
import zlib
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.errors import SignatureError
from wickiepay.signature import SCHEMES, parse_signature, sign, verify
from wickiepay_cli.signatures.body import BODY_CHANGES
from wickiepay_cli.signatures.change import Change, undone
from wickiepay_cli.signatures.header import SIGNATURE_CHANGES
from wickiepay_cli.signatures.others import Known
from wickiepay_cli.signatures.secret import SECRET_CHANGES
from wickiepay_cli.signatures.signs import SIGNS, signs_of
from wickiepay_cli.signatures.verdict import Received, diagnose

SECRETS: Final = (b"current", b"previous")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(), values, max_size=4)
texts = objects.flatmap(
    lambda value: st.sampled_from(
        [json.dumps(value), json.dumps(value, indent=2), json.dumps(value, ensure_ascii=False)]
    )
)
bodies = texts.map(lambda text: text.encode(errors="surrogatepass")) | st.binary()


@st.composite
def broken(draw: st.DrawFn) -> tuple[bytes, str, tuple[bytes, ...]]:
    """A body, a signature and secrets, which fitted before some of them were, perhaps, changed."""
    body = draw(bodies)
    scheme, secret = draw(st.sampled_from(["raw", "raw", *SCHEMES])), draw(st.sampled_from(SECRETS))
    try:
        signature = sign(body, secret, scheme)
    except ValueError:  # no JSON
        signature = sign(body, secret)
    received = draw(st.sampled_from([text for _, text in undone(body, BODY_CHANGES)]))
    header = draw(
        st.sampled_from([signature, signature.upper(), f" {signature}", f"sha256={signature}", signature[1:]])
    )
    secrets = draw(st.sampled_from([SECRETS, SECRETS[:1], SECRETS[::-1], (b"current\n",), (b"",), ()]))
    return received, header, secrets


def is_accepted(body: bytes, signature: str, secrets: tuple[bytes, ...], schemes: list[str]) -> bool:
    """Whether the listener accepts a delivery."""
    try:
        verify(body, parse_signature(signature), secrets, schemes)
    except SignatureError:
        return False
    return True


# --- What is said of whatever comes ------------------------------------------------------------------
@given(broken(), st.lists(st.sampled_from(list(SCHEMES)), unique=True))
@example((b"{}", sign(b"{}", b"previous"), SECRETS), ["raw"])
@example((b"{}", sign(b"{}", b""), (b"",)), ["raw"])
def test_valid_is_what_the_listener_accepts_and_nothing_else(
    request_: tuple[bytes, str, tuple[bytes, ...]], schemes: list[str]
) -> None:
    body, signature, secrets = request_
    verdict = diagnose(Received(body, signature), secrets, [], schemes)
    assert verdict.valid == is_accepted(body, signature, secrets, schemes)


@given(bodies, st.text() | st.binary(min_size=32, max_size=32).map(bytes.hex), bodies)
def test_an_unsigned_body_is_never_valid(body: bytes, signature: str, other: bytes) -> None:
    verdict = diagnose(Received(body, signature), SECRETS, [Known("other", other)])
    assert (verdict.valid, verdict.scheme, verdict.secret) == (False, None, None)
    assert verdict.findings


@given(bodies, bodies)
def test_a_signature_of_another_body_is_valid_of_none(body: bytes, other: bytes) -> None:
    signature = sign(other, SECRETS[0])
    verdict = diagnose(Received(body, signature), SECRETS, [Known("other", other)], ["raw"])
    assert verdict.valid == (body == other)


@given(broken())
def test_what_is_not_valid_has_a_reason(request_: tuple[bytes, str, tuple[bytes, ...]]) -> None:
    body, signature, secrets = request_
    verdict = diagnose(Received(body, signature), secrets)
    assert verdict.valid or verdict.findings


@given(bodies, st.integers(0, len(BODY_CHANGES) - 1))
def test_what_is_undone_is_named(body: bytes, row: int) -> None:
    """A signature of what any one row makes of a body is explained; by that row, or by one that does the same."""
    try:
        signed = BODY_CHANGES[row].undo(body)
    except ValueError:
        return
    verdict = diagnose(Received(body, sign(signed, SECRETS[0])), SECRETS, [], ["raw"])
    codes = [finding.code for finding in verdict.findings]
    assert signed == body or codes == ["scheme_not_accepted"] or "wrong_secret" not in codes
    assert verdict.valid == (signed == body)


@given(objects.filter(bool), st.data())
def test_whatever_is_cut_off_ends_early(value: Any, data: st.DataObject) -> None:  # noqa: ANN401  JSON
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans())).encode(errors="surrogatepass")
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    assert signs_of(cut, None)[0].code == "truncated"


@given(objects.filter(bool))
def test_what_is_whole_does_not_end_early(value: Any) -> None:  # noqa: ANN401  JSON
    codes = [finding.code for finding in signs_of(json.dumps(value).encode(), None)]
    assert ("truncated" in codes, "not_json" in codes) == (False, False)


@pytest.mark.parametrize("body", [b'{"a":1}x', b'{"a":1}{', b"<p>", b'{"a":x}', b"{'a': 1}", b"[object Object]"])
def test_what_is_wrong_otherwise_does_not_end_early(body: bytes) -> None:
    assert "truncated" not in [finding.code for finding in signs_of(body, None)]


# --- What is borne -----------------------------------------------------------------------------------
HOSTILE: Final = {
    "nested deep": b'{"a":' * 50_000,
    "arrays within arrays": b"[" * 100_000,
    "an endless number": b'{"amount":' + b"9" * 10_000 + b"}",
    "an exponent": b'{"amount":1e999999999}',
    "a lone surrogate": b'{"a":"\\ud800"}',
    "NaN": b'{"a":NaN}',
    "no text": bytes(range(256)),
    "zeros": bytes(100),
    "a mark alone": b"\xef\xbb\xbf",
    "a dict without end": b"{'a': " + b"(" * 5000,
    "a bad escape for Python": rb"b'\q'",
    "a bomb": b"\x1f\x8b" + bytes(50),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_has_a_verdict(body: bytes) -> None:
    verdict = diagnose(Received(body, "0" * 64), SECRETS, [Known("itself", body), Known("sample", b'{"event":1}')])
    assert "wrong_secret" in [finding.code for finding in verdict.findings]


@pytest.mark.parametrize("secret", [b"[" * 100_000, b"\xff\xfe", b"{}", b'{"a":1}', b"==", b"'", b"\n"])
def test_a_hostile_secret_has_a_verdict(secret: bytes) -> None:
    assert not diagnose(Received(b"{}", "0" * 64), [secret]).valid


def test_a_body_that_is_too_large_to_be_taken_is_verified_and_not_searched() -> None:
    body = bytes(MAX_BODY_BYTES + 1)
    assert diagnose(Received(body, sign(body, b"s")), [b"s"]).valid
    assert diagnose(Received(body, sign(body + b"\n", b"s")), [b"s"]).findings[0].code == "not_json"


@pytest.mark.parametrize(
    ("body", "declared", "first"),
    [
        (b'{"a": 1}', 9, "truncated"),
        (b'{"a": 1}', 7, "lengthened"),
        (b'{"a": 1}', 8, "wrong_secret"),
        (b'{"a": 1}', None, "wrong_secret"),
    ],
)
def test_the_declared_length_is_compared(body: bytes, declared: int | None, first: str) -> None:
    assert diagnose(Received(body, "0" * 64, declared), SECRETS).findings[0].code == first


@pytest.mark.parametrize(("sorted_", "told"), [(b'{"data":1,"event":2}', True), (b'{"event":2,"data":1}', False)])
def test_keys_in_alphabetical_order_are_a_sign(sorted_: bytes, told: bool) -> None:
    codes = [finding.code for finding in diagnose(Received(sorted_, "0" * 64), SECRETS).findings]
    assert (codes[0], "keys_reordered" in codes) == ("wrong_secret", told)


# --- The tables --------------------------------------------------------------------------------------
CHANGES: Final[list[Change[Any]]] = [*SIGNATURE_CHANGES, *BODY_CHANGES, *SECRET_CHANGES]


@pytest.mark.parametrize("text", sorted({text for each in CHANGES for text in (each.what, each.remedy)}))
def test_people_are_told_in_sentences(text: str) -> None:
    assert (text[0].isupper(), text[-1]) == (True, ".")


def test_the_certain_signs_come_first() -> None:
    assert sorted(SIGNS, key=lambda finding: not finding.certain) == list(SIGNS)


SPECIMEN: Final = '{"event":"€ é/1","data":{"amount":100.00,"more":[1.5]}}'
SPECIMENS: Final = [
    form(text.encode())
    for text in (SPECIMEN, json.dumps(json.loads(SPECIMEN), indent=1), SPECIMEN.replace("/", "\\/"))
    for form in (
        bytes,
        base64.b64encode,
        zlib.compress,
        gzip.compress,
        lambda text: json.dumps(text.decode()).encode(),
        lambda text: json.dumps(text.decode())[1:-1].encode(),
        lambda text: urllib.parse.quote_plus(text).encode(),
        lambda text: html.escape(text.decode()).encode(),
        lambda text: repr(text).encode(),
        lambda text: text.decode().encode("utf-16"),
        lambda text: text.decode().encode("cp1252"),
        lambda text: text.decode("latin-1").encode(),
        lambda text: text.decode().replace("€", "é").encode(),
        lambda text: text.decode().replace("€", "é").encode("latin-1"),
        lambda text: text.replace(b"\n", b"\r\n") + b"\r\n",
        lambda text: json.dumps(json.loads(text)).encode() + b" ",
        lambda text: b"\n" + text + b"\0",
        lambda text: b"\xef\xbb\xbf" + text,
    )
]


@pytest.mark.parametrize("row", range(len(BODY_CHANGES)))
def test_each_change_of_a_body_explains_something(row: int) -> None:
    """Some signature of what undoing it makes of a body is explained by it, or by what has the same name."""
    change = BODY_CHANGES[row]
    explained = []
    for body in SPECIMENS:
        with contextlib.suppress(ValueError):
            signature = hmac.digest(SECRETS[0], change.undo(body), "sha1").hex()  # no listener takes this length
            explained.append([finding.code for finding in diagnose(Received(body, signature), SECRETS).findings])
    assert ["signature_sha1", change.code] in explained


def test_two_changes_are_undone_at_the_most() -> None:
    table = [Change(name, "", "", lambda text, name=name: text.replace(name, "")) for name in "abc"]  # type: ignore[misc]
    assert {text for _, text in undone("abc", table)} == {"abc", "bc", "ac", "ab", "c", "b", "a"}
    assert [[each.code for each in changes] for changes, _ in undone("abc", table)][-1] == ["c", "b"]
