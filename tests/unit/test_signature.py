"""Signing and verifying: what is let in, and all that is not."""

import hashlib
import hmac
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay.errors import SignatureError, SignatureMalformed, SignatureMismatch, SignatureMissing
from wickiepay.signature import SCHEMES, Verified, covered_text, parse_signature, sign, verify

BODY = b'{"event":  "payment.completed"}'
SECRET = b"current"
PREVIOUS = b"previous"


def generate_header(body: bytes = BODY, secret: bytes = SECRET, scheme: str = "raw") -> str:
    """The signature as the provider would send it."""
    covered = {"raw": body, "node": b'{"event":"payment.completed"}', "python": b'{"event": "payment.completed"}'}
    return hmac.new(secret, covered[scheme], hashlib.sha256).hexdigest()


def check(
    header: str | None,
    *,
    body: bytes = BODY,
    secrets: Sequence[bytes] = (SECRET, PREVIOUS),
    schemes: Sequence[str] = tuple(SCHEMES),
) -> Verified:
    return verify(body, parse_signature(header), secrets, schemes)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_scheme_that_matches_is_found(scheme: str) -> None:
    assert check(generate_header(scheme=scheme)) == Verified(scheme, covered_text(BODY, scheme), "current")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_sign_signs_as_the_provider_does(scheme: str) -> None:
    assert sign(BODY, SECRET, scheme) == generate_header(scheme=scheme)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(generate_header().upper(), id="uppercase"),
        pytest.param(f"  {generate_header()}", id="blanks before"),
        pytest.param(f"{generate_header()} \t", id="blanks after"),
        pytest.param(generate_header(secret=PREVIOUS), id="previous secret"),
    ],
)
def test_accepted(header: str) -> None:
    assert check(header).scheme == "raw"


@pytest.mark.parametrize(
    ("header", "error"),
    [
        pytest.param(None, SignatureMissing, id="none"),
        pytest.param("", SignatureMissing, id="empty"),
        pytest.param(" \t ", SignatureMissing, id="blank"),
        pytest.param(f"{generate_header()},{generate_header()}", SignatureMalformed, id="two"),
        pytest.param(f"{generate_header()}, {generate_header(secret=b'x')}", SignatureMalformed, id="two different"),
        pytest.param(f"{generate_header()} {generate_header()}", SignatureMalformed, id="two, a blank between"),
        pytest.param(generate_header()[:-1], SignatureMalformed, id="a digit short"),
        pytest.param(generate_header()[:-2], SignatureMalformed, id="a byte short"),
        pytest.param(generate_header() + "00", SignatureMalformed, id="a byte long"),
        pytest.param("sha256=" + generate_header(), SignatureMalformed, id="prefixed"),
        pytest.param("0x" + generate_header()[2:], SignatureMalformed, id="0x"),
        pytest.param("g" * 64, SignatureMalformed, id="not hexadecimal"),
        pytest.param(generate_header()[:32] + " " + generate_header()[32:], SignatureMalformed, id="blank inside"),
        pytest.param(generate_header() + "\n", SignatureMalformed, id="newline after"),
        pytest.param("\u00a0" + generate_header(), SignatureMalformed, id="another kind of blank"),
        pytest.param("\u0660" * 64, SignatureMalformed, id="digits of another script"),
        pytest.param("é" * 64, SignatureMalformed, id="not ASCII"),
        pytest.param("\ud800" * 64, SignatureMalformed, id="lone surrogates"),
        pytest.param("0" * 1_000_000, SignatureMalformed, id="a million digits"),
        pytest.param("0" * 64, SignatureMismatch, id="of nothing"),
        pytest.param(generate_header(secret=b"other"), SignatureMismatch, id="wrong secret"),
        pytest.param(generate_header(body=BODY + b" "), SignatureMismatch, id="of another body"),
        pytest.param(hashlib.sha256(BODY).hexdigest(), SignatureMismatch, id="a hash without a secret"),
        pytest.param(generate_header(secret=b""), SignatureMismatch, id="made with the empty secret"),
    ],
)
def test_refused(header: str | None, error: type[SignatureError]) -> None:
    with pytest.raises(error):
        check(header)


@pytest.mark.parametrize(
    ("scheme", "pinned"),
    [("raw", ["node", "python"]), ("node", ["raw", "python"]), ("python", ["raw"]), ("raw", [])],
)
def test_right_under_a_scheme_that_is_not_accepted(scheme: str, pinned: list[str]) -> None:
    with pytest.raises(SignatureMismatch):
        check(generate_header(scheme=scheme), schemes=pinned)


@pytest.mark.parametrize("secrets", [(), (b"",), (b"", b"")])
def test_an_empty_secret_never_matches(secrets: Sequence[bytes]) -> None:
    with pytest.raises(SignatureMismatch):
        check(generate_header(secret=b""), secrets=secrets)


def test_an_empty_secret_hides_no_good_one() -> None:
    assert check(generate_header(), secrets=(b"", SECRET)).scheme == "raw"


def test_a_body_that_cannot_be_reserialised_is_tried_under_the_other_schemes() -> None:
    body = b"not JSON"

    assert check(sign(body, SECRET), body=body, schemes=["node", "python", "raw"]) == Verified("raw", body, "current")


def test_a_body_that_no_scheme_can_cover_is_a_mismatch() -> None:
    with pytest.raises(SignatureMismatch):
        check("0" * 64, body=b"not JSON", schemes=["node", "python"])


def test_digests_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def differ(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr("wickiepay.signature.hmac.compare_digest", differ)

    with pytest.raises(SignatureMismatch):
        check(generate_header(), secrets=[SECRET], schemes=["raw"])
    assert compared == [(bytes.fromhex(generate_header()),) * 2]


@given(body=st.binary(), secret=st.binary(min_size=1))
def test_what_is_signed_verifies(body: bytes, secret: bytes) -> None:
    assert check(sign(body, secret), body=body, secrets=[secret]) == Verified("raw", body, "current")


@given(body=st.binary(min_size=1), secret=st.binary(min_size=1), data=st.data())
def test_flipping_any_bit_of_the_body_fails(body: bytes, secret: bytes, data: st.DataObject) -> None:
    flipped = flip(body, data.draw(st.integers(0, len(body) * 8 - 1)))

    with pytest.raises(SignatureMismatch):
        check(sign(body, secret), body=flipped, secrets=[secret], schemes=["raw"])


@given(body=st.binary(), secret=st.binary(min_size=1), bit=st.integers(0, 255))
def test_flipping_any_bit_of_the_signature_fails(body: bytes, secret: bytes, bit: int) -> None:
    signature = flip(bytes.fromhex(sign(body, secret)), bit)

    with pytest.raises(SignatureMismatch):
        check(signature.hex(), body=body, secrets=[secret])


@given(header=st.text())
def test_any_text_is_a_signature_or_refused(header: str) -> None:
    with pytest.raises(SignatureError):
        check(header)


def flip(data: bytes, bit: int) -> bytes:
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)
