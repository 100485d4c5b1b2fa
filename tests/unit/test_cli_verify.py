"""`wickiepay verify` says whether a signature is valid, and if not, what is wrong, by its name."""

import base64
import gzip
import hashlib
import hmac
import html
import json
import urllib.parse
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from typer.testing import CliRunner, Result

from tests.support import command_line
from tests.support.command_line import run, run_json
from tests.support.operator_stack import OperatorStack
from tests.support.thorough import by_make_check
from wickiepay.reserialise import node_text, python_text
from wickiepay.signature import sign
from wickiepay_cli.app import app
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output import tables
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.sending.samples import sample
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.stack import Stack

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

pytest_plugins = ["tests.support.operator_fixture"]

TELLING: Final = 10
"""Characters: what is shorter may well stand in a sentence by chance."""

SECRET: Final = "whsec_c2lnbmVkLWJ5LXRoZXNlLXRlc3Rz"

DATA: Final = (
    '{"uuid":"5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11","type":"IN","status":"COMPLETE","reference":"Café 1/7",'
    '"displayCurrency":{"currency":"EUR","amount":100.00},"paidCurrency":{"currency":"USDT","amount":108.50}}'
)
BODY: Final = f'{{"event":"payment.completed","timestamp":"2026-01-15T10:25:00Z","data":{DATA}}}'.encode()
"""A good request's body: right under the scheme raw alone, as its amounts have digits that Node and Python drop."""

type OnText = Callable[[str], str]
type OnBytes = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def no_secret_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WICKIEPAY_WEBHOOK_SECRET", raising=False)


# --- What breaks a good request ----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Breakage:
    """What happens to a good request, and what is to be found of it."""

    codes: tuple[str, ...]
    received: OnBytes = bytes
    """The body as the listener has it, of what was sent."""
    sent: OnBytes = bytes
    """What was signed and sent, of BODY."""
    signature: OnText = str
    """The header's value, of the signature."""
    signer: OnBytes = bytes
    """The key that was signed with, of the secret."""
    listener: OnText = str
    """What the listener has for a secret."""
    algorithm: str = "sha256"
    make: Callable[[bytes, bytes], bytes] | None = None
    """How the signature is made of key and body, where not by HMAC."""
    scheme: str | None = None
    """The only one that is accepted."""

    @property
    def is_signed(self) -> bool:
        """Whether what stands for the signature is none that anyone can compute and that is shown: a hash."""
        return self.make is not unkeyed

    def request(self) -> tuple[bytes, str, str]:
        """The body that is received, the signature that comes with it, and the secret it is verified with."""
        sent, key = self.sent(BODY), self.signer(SECRET.encode())
        digest = self.make(key, sent) if self.make else hmac.digest(key, sent, self.algorithm)
        return self.received(sent), self.signature(digest.hex()), self.listener(SECRET)


def unkeyed(_: bytes, body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def written(**options: Any) -> OnBytes:  # noqa: ANN401  json.dumps's own
    """Parsed and written anew by Python, with the digits of the amounts kept."""

    def write(body: bytes) -> bytes:
        text = json.dumps(json.loads(body), **{"ensure_ascii": False, **options})
        return text.replace("100.0", "100.00").replace("108.5", "108.50").encode()

    return write


def in_lines(body: bytes) -> bytes:
    """In lines of a layout that no program makes."""
    return body.replace(b',"', b',\n   "') + b"\n"


def php(body: bytes) -> bytes:
    """As json_encode writes it."""
    return written(ensure_ascii=True, separators=(",", ":"))(body).replace(b"/", b"\\/")


def in_base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


BREAKAGES: Final = {
    # The signature's text.
    "sha256= prefix": Breakage(("signature_prefixed",), signature=lambda text: f"sha256={text}"),
    "v1= prefix": Breakage(("signature_prefixed",), signature=lambda text: f"v1={text}"),
    "Stripe's header": Breakage(("signature_stripe",), signature=lambda text: f"t=1768472700,v1={text}"),
    "Stripe's header, with an older one": Breakage(
        ("signature_stripe",), signature=lambda text: f"t=1768472700,v1={text},v0={text}"
    ),
    "name of the header": Breakage(("signature_named",), signature=lambda text: f"X-Webhook-Signature: {text}"),
    "newline after the signature": Breakage(("signature_blanks",), signature=lambda text: f"{text}\n"),
    "quotes around the signature": Breakage(("signature_quoted",), signature=lambda text: f'"{text}"'),
    "doubled header": Breakage(("signature_doubled",), signature=lambda text: f"{text}, {text}"),
    "doubled header, the second right": Breakage(("signature_doubled",), signature=lambda text: f"{'0' * 64}, {text}"),
    "base64 digest": Breakage(("signature_base64",), signature=in_base64),
    "prefixed base64 digest": Breakage(
        ("signature_prefixed", "signature_base64"), signature=lambda text: f"sha256={in_base64(text)}"
    ),
    "SHA-1": Breakage(("signature_sha1",), algorithm="sha1"),
    "SHA-512": Breakage(("signature_sha512",), algorithm="sha512"),
    "header missing": Breakage(("signature_missing",), signature=lambda _: ""),
    "header of blanks": Breakage(("signature_missing",), signature=lambda _: " \t"),
    "signature cut off": Breakage(("signature_malformed",), signature=lambda text: text[:63]),
    "no signature at all": Breakage(("signature_malformed",), signature=lambda _: "undefined"),
    # How it was made.
    "hash without a key": Breakage(("not_hmac",), make=unkeyed),
    "hash of secret and body": Breakage(("not_hmac",), make=lambda key, body: hashlib.sha256(key + body).digest()),
    "hash of body and secret": Breakage(("not_hmac",), make=lambda key, body: hashlib.sha256(body + key).digest()),
    "key and body exchanged": Breakage(("not_hmac",), make=lambda key, body: hmac.digest(body, key, "sha256")),
    # The secret.
    "another secret": Breakage(("wrong_secret",), listener=lambda _: "another", received=in_lines, sent=in_lines),
    "secret with a newline": Breakage(("secret_blanks",), listener=lambda secret: f"{secret}\n"),
    "signed with a newline": Breakage(("secret_newline",), signer=lambda key: key + b"\n"),
    "signed with quotes": Breakage(("secret_quoted",), signer=lambda key: b'"' + key + b'"'),
    "signed with single quotes": Breakage(("secret_quoted",), signer=lambda key: b"'" + key + b"'"),
    "secret in quotes": Breakage(("secret_quoted",), listener=lambda secret: f'"{secret}"'),
    "secret in quotes, with a newline": Breakage(
        ("secret_blanks", "secret_quoted"), listener=lambda secret: f"'{secret}'\n"
    ),
    "secret with its variable's name": Breakage(("secret_with_name",), listener=lambda secret: f"SECRET={secret}"),
    "secret as JSON": Breakage(("secret_in_json",), listener=lambda secret: json.dumps({"secret": secret})),
    "secret as JSON of several keys": Breakage(
        ("secret_in_json",), listener=lambda secret: json.dumps({"user": "me", "port": 1, "WICKIEPAY": secret})
    ),
    "secret with a byte order mark": Breakage(("secret_bom",), listener=lambda secret: f"\ufeff{secret}"),
    "secret with a character without width": Breakage(("secret_bom",), listener=lambda secret: f"{secret}\u200b"),
    "signed with a byte order mark": Breakage(("secret_bom",), signer=lambda key: b"\xef\xbb\xbf" + key),
    "signed without whsec_": Breakage(("secret_without_prefix",), signer=lambda key: key[6:]),
    "verified without whsec_": Breakage(("secret_with_prefix",), listener=lambda secret: secret[6:]),
    "secret read as base64": Breakage(
        ("secret_without_prefix", "secret_base64"), signer=lambda key: base64.b64decode(key[6:])
    ),
    "secret read as hexadecimal": Breakage(
        ("secret_hex",), signer=lambda _: bytes.fromhex("c0ffee" * 8), listener=lambda _: "c0ffee" * 8
    ),
    "no secret at the signer": Breakage(("secret_unset",), signer=lambda _: b""),
    "undefined at the signer": Breakage(("secret_unset",), signer=lambda _: b"undefined"),
    "None at the signer": Breakage(("secret_unset",), signer=lambda _: b"None"),
    "no secret at the listener": Breakage(("secret_empty", "wrong_secret"), listener=lambda _: "", sent=in_lines),
    "null at the signer": Breakage(("secret_unset",), signer=lambda _: b"null"),
    "the local stack's secret": Breakage(("secret_local",), signer=lambda _: DEFAULT_SIGNING_SECRET.encode()),
    # What is around the body.
    "base64 still on": Breakage(("base64",), base64.b64encode),
    "base64 with line ends": Breakage(("base64",), base64.encodebytes),
    "base64 for URLs, without padding": Breakage(
        ("base64",), lambda body: base64.urlsafe_b64encode(body).rstrip(b"="), lambda _: BODY.replace(b"/", b"???>>>")
    ),
    "gzip still on": Breakage(("compressed",), gzip.compress),
    "zlib still on": Breakage(("compressed",), zlib.compress),
    "gzip of something else": Breakage(("compressed", "wrong_secret"), lambda _: gzip.compress(b"{}")),
    "through a relay that parses": Breakage(
        ("number_spelling", "reserialised"), node_text, written(separators=(", ", ": "))
    ),
    "double-encoded": Breakage(("double_encoded",), lambda body: json.dumps(body.decode()).encode()),
    "copied from a log": Breakage(("quotes_escaped",), lambda body: json.dumps(body.decode())[1:-1].encode()),
    "form field": Breakage(("form_encoded",), lambda body: urllib.parse.urlencode({"payload": body}).encode()),
    "form without a field": Breakage(("form_encoded",), lambda body: urllib.parse.quote_plus(body).encode() + b"="),
    "HTML-escaped": Breakage(("html_escaped",), lambda body: html.escape(body.decode()).encode()),
    "bytes as Python shows them": Breakage(("python_shown",), lambda body: repr(body).encode()),
    "dict as Python shows it": Breakage(
        ("python_shown", "number_spelling"),
        lambda body: repr(json.loads(body)).encode(),
        written(ensure_ascii=True),
    ),
    "object as JavaScript shows it": Breakage(("body_not_text", "wrong_secret"), lambda _: b"[object Object]"),
    "body empty": Breakage(("body_empty", "wrong_secret"), lambda _: b""),
    "body parsed to nothing": Breakage(("body_empty",), lambda _: b"{}"),
    "nothing was signed": Breakage(("nothing_signed",), make=lambda key, _: hmac.digest(key, b"", "sha256")),
    "{} was signed": Breakage(("nothing_signed",), make=lambda key, _: hmac.digest(key, b"{}", "sha256")),
    # Its characters.
    "UTF-16": Breakage(("charset",), lambda body: body.decode().encode("utf-16")),
    "UTF-16 without a mark": Breakage(("charset",), lambda body: body.decode().encode("utf-16-le")),
    "Latin-1": Breakage(("charset",), lambda body: body.decode().encode("latin-1")),
    "Windows-1252": Breakage(
        ("charset",), lambda body: body.decode().encode("cp1252"), lambda body: body.replace(b"EUR", "€".encode())
    ),
    "signed in Windows-1252": Breakage(
        ("charset",), lambda body: body.decode("cp1252").encode(), lambda body: body.replace(b"EUR", b"\x80")
    ),
    "UTF-8 twice": Breakage(("charset",), lambda body: body.decode("latin-1").encode()),
    "an old Macintosh's characters": Breakage(("charset",), lambda body: body.decode().encode("mac_roman")),
    "characters lost": Breakage(("characters_lost",), lambda body: body.decode("ascii", "replace").encode(), in_lines),
    # Its layout and spelling.
    "written by JSON.stringify": Breakage(("number_spelling",), node_text),
    "written by json.dumps": Breakage(("number_spelling", "reserialised"), python_text),
    "written by json.dumps, digits kept": Breakage(("reserialised",), written()),
    "written compactly": Breakage(("reserialised",), written(separators=(",", ":")), written(separators=(", ", ": "))),
    "pretty-printed": Breakage(("pretty_printed",), written(indent=2)),
    "pretty-printed by four": Breakage(("pretty_printed",), written(indent=4)),
    "pretty-printed, and a newline": Breakage(("pretty_printed",), lambda body: written(indent=2)(body) + b"\n"),
    "pretty when it was signed": Breakage(("reserialised",), written(), written(indent=2)),
    "keys sorted": Breakage(("keys_reordered",), written(sort_keys=True)),
    "keys sorted, digits lost, and a newline": Breakage(
        ("keys_reordered", "number_spelling"),
        lambda body: json.dumps(json.loads(body), sort_keys=True).encode() + b"\n",
    ),
    "keys sorted when it was signed": Breakage(("keys_reordered",), lambda _: BODY, written(sort_keys=True)),
    "100.00 as 100": Breakage(("number_spelling",), lambda body: body.replace(b".00", b"").replace(b".50", b".5")),
    "100 as 100.00": Breakage(("number_spelling",), lambda _: in_lines(BODY), lambda _: in_lines(node_text(BODY))),
    "escaped characters": Breakage(("unicode_escapes",), lambda body: body.replace("é".encode(), b"\\u00e9")),
    "unescaped characters": Breakage(
        ("unicode_escapes",),
        lambda body: body,
        make=lambda key, body: hmac.digest(key, body.replace("é".encode(), b"\\u00e9"), "sha256"),
    ),
    "escaped slashes": Breakage(("slash_escapes",), lambda body: body.replace(b"/", b"\\/")),
    "written by PHP": Breakage(("slash_escapes", "unicode_escapes"), lambda _: BODY, php),
    "written by PHP, then by json.dumps": Breakage(("reserialised", "slash_escapes"), lambda _: written()(BODY), php),
    "a scheme that is not accepted": Breakage(("scheme_not_accepted",), lambda _: BODY, node_text, scheme="raw"),
    # Its lines and ends.
    "newline added": Breakage(("trailing_newline",), lambda body: body + b"\n"),
    "CR LF added": Breakage(("trailing_newline",), lambda body: body + b"\r\n"),
    "newline dropped": Breakage(("newline_missing",), bytes.rstrip, lambda body: body + b"\n"),
    "blanks at the end": Breakage(("trailing_newline",), lambda body: body + b" \n\n"),
    "blanks at the beginning": Breakage(("leading_whitespace",), lambda body: b"\n" + body),
    "byte order mark added": Breakage(("bom",), lambda body: b"\xef\xbb\xbf" + body),
    "byte order mark dropped": Breakage(("bom_missing",), lambda _: BODY, lambda body: b"\xef\xbb\xbf" + body),
    "LF became CR LF": Breakage(("line_endings",), lambda body: body.replace(b"\n", b"\r\n"), in_lines),
    "CR LF became LF": Breakage(
        ("line_endings",),
        lambda body: body.replace(b"\r\n", b"\n"),
        lambda body: in_lines(body).replace(b"\n", b"\r\n"),
    ),
    "signed without line ends": Breakage(
        ("line_endings",), lambda _: in_lines(BODY), lambda body: in_lines(body).replace(b"\n", b"")
    ),
    "line ends dropped by curl": Breakage(("line_endings",), lambda body: body.replace(b"\n", b""), in_lines),
    "buffer with zeros": Breakage(("trailing_nul",), lambda body: body + bytes(7)),
    "cut off": Breakage(("truncated",), lambda body: body[:-9]),
    "cut off within a text": Breakage(("truncated",), lambda body: body[:100]),
    "not the body": Breakage(("not_json",), lambda _: b"<html></html>"),
    "the whole request": Breakage(("body_is_request",), lambda body: b"POST /hook HTTP/1.1\r\n\r\n" + body),
    # The event.
    "another event's signature": Breakage(("another_event",), lambda _: BODY, lambda _: sample("payment.created")),
    "a sample written anew, its layout lost": Breakage(
        ("reserialised",), node_text, lambda _: sample("payment.completed"), scheme="raw"
    ),
    "a sample lost": Breakage(("body_empty",), lambda _: b"", lambda _: sample("payment.completed")),
    "a sample cut off after a member": Breakage(
        ("truncated",), lambda body: body[:200], lambda _: sample("payment.created")
    ),
    # Two things at once.
    "CR LF, and prefix": Breakage(
        ("signature_prefixed", "line_endings"),
        lambda body: body.replace(b"\n", b"\r\n"),
        in_lines,
        signature=lambda text: f"sha256={text}",
    ),
    "newline, and secret with a newline": Breakage(
        ("secret_blanks", "trailing_newline"), lambda body: body + b"\n", listener=lambda secret: f"{secret}\n"
    ),
    "base64 of what has a newline": Breakage(
        ("base64", "trailing_newline"), lambda body: base64.b64encode(body + b"\n")
    ),
    "all three, and SHA-1": Breakage(
        ("signature_prefixed", "signature_sha1", "secret_blanks", "bom"),
        lambda body: b"\xef\xbb\xbf" + body,
        signature=lambda text: f"sha1={text}",
        listener=lambda secret: f"{secret} ",
        algorithm="sha1",
    ),
}


@dataclass(frozen=True, slots=True)
class Verify:
    """Runs the command on what a breakage makes of a good request."""

    folder: Path

    def __call__(self, breakage: Breakage, *options: str) -> Result:
        body, signature, secret = breakage.request()
        (self.folder / "body").write_bytes(body)
        if breakage.scheme:
            options = ("--scheme", breakage.scheme, *options)
        arguments = ("--body", str(self.folder / "body"), "--signature", signature, "--secret", secret)
        return run("verify", *arguments, *options)


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    return Verify(tmp_path)


def verdict(result: Result) -> Any:  # noqa: ANN401  JSON
    return json.loads(result.stdout)


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES)
def test_what_is_wrong_is_named(verify: Verify, breakage: Breakage) -> None:
    result = verify(breakage, "--json")
    codes = tuple(finding["code"] for finding in verdict(result)["findings"])
    assert codes[: len(breakage.codes)] == breakage.codes
    assert codes == breakage.codes or "wrong_secret" in codes  # besides certainties, nothing is guessed
    assert (verdict(result)["valid"], result.exit_code) == (False, 1)


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES)
@pytest.mark.parametrize("columns", [80, *by_make_check(160)])
def test_what_is_wrong_can_be_read_in_a_terminal(
    verify: Verify, monkeypatch: pytest.MonkeyPatch, breakage: Breakage, columns: int
) -> None:
    monkeypatch.setattr(tables, "WIDE", columns)
    lines = verify(breakage).stdout.splitlines()
    assert lines[0] == "✗ The signature is not valid."
    assert max(map(len, lines)) <= columns
    for code in breakage.codes:
        assert any(line.startswith(f"{code} ") for line in lines)


# --- What is valid -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scheme", "text"),
    [("raw", BODY), ("node", node_text(BODY)), ("python", python_text(BODY))],
    ids=["raw", "node", "python"],
)
def test_a_good_request_is_valid_under_its_scheme(verify: Verify, scheme: str, text: bytes) -> None:
    result = verify(Breakage((), received=lambda _: BODY, sent=lambda _: text), "--json")
    assert verdict(result) == {
        "valid": True,
        "scheme": scheme,
        "secret": "current",
        "findings": [],
        "bytes": len(BODY),
        "body_sha256": hashlib.sha256(BODY).hexdigest(),
    }
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("code", "change"), [("signature_upper_case", str.upper), ("signature_blanks", lambda text: f" {text}\t")]
)
def test_what_the_listener_lets_pass_is_remarked(verify: Verify, code: str, change: OnText) -> None:
    answer = verdict(verify(Breakage((), signature=change), "--json"))
    assert (answer["valid"], [finding["code"] for finding in answer["findings"]]) == (True, [code])


def test_the_previous_secret_is_valid_and_named(verify: Verify) -> None:
    answer = verdict(verify(Breakage((), listener=lambda _: "new"), "--secret", SECRET, "--json"))
    assert (answer["valid"], answer["secret"]) == (True, "previous")
    assert [finding["code"] for finding in answer["findings"]] == ["secret_previous"]


@pytest.mark.parametrize(
    ("code", "breakage", "named"),
    [
        ("compressed", "gzip still on", "with gzip"),
        ("compressed", "zlib still on", "with zlib"),
        ("number_spelling", "written by JSON.stringify", "A relay that parses, such as smee.io"),
    ],
)
def test_it_is_named_what_did_it(code: str, breakage: str, named: str, verify: Verify) -> None:
    findings = verdict(verify(BREAKAGES[breakage], "--json"))["findings"]
    [finding] = [each for each in findings if each["code"] == code]
    assert named in f"{finding['what']} {finding['remedy']}"


@pytest.mark.parametrize("body", [b"[]", b'{"data":{}}', b"not JSON"])
def test_what_is_rightly_signed_and_no_event_is_told_so(body: bytes, verify: Verify) -> None:
    result = verify(Breakage((), sent=lambda _: body))
    assert (result.exit_code, "valid" in result.stdout, "But it is not an event." in result.stdout) == (0, True, True)
    assert "no_event" in result.stdout


def test_people_are_told_the_scheme_and_the_secret(verify: Verify) -> None:
    assert verify(Breakage(())).stdout.startswith("✓ The signature is valid: scheme raw, current secret.\n")


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("breakage", [Breakage(()), *(each for each in BREAKAGES.values() if each.is_signed)])
def test_neither_secret_nor_body_nor_signature_is_said(
    verify: Verify, breakage: Breakage, options: tuple[str, ...]
) -> None:
    body, signature, secret = breakage.request()
    said = verify(breakage, *options).output
    confidential = {SECRET, secret.strip(), body.decode(errors="replace"), signature.strip()}
    assert [text for text in confidential if len(text) > TELLING and text in said] == []


# --- Where the secret is taken from, and the other bodies ----------------------------------------------
def verify_body(tmp_path: Path, body: bytes, signature: str, *options: str) -> Any:  # noqa: ANN401  JSON
    (tmp_path / "body").write_bytes(body)
    return verdict(run("verify", "--body", str(tmp_path / "body"), "--signature", signature, "--json", *options))


def test_the_environment_s_secret_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WICKIEPAY_WEBHOOK_SECRET", f"{SECRET}\n")
    answer = verify_body(tmp_path, BODY, sign(BODY, SECRET.encode()))
    assert [finding["code"] for finding in answer["findings"]] == ["secret_blanks"]


@pytest.fixture
def rotated(
    operator: OperatorStack,  # noqa: ARG001
    signing_secret: str,
    secretsmanager: "SecretsManagerClient",
) -> str:
    """A stack whose secret was rotated; the new one."""
    secretsmanager.put_secret_value(SecretId=signing_secret, SecretString="the-new-signing-secret\n")
    return "the-new-signing-secret"


def test_a_stack_that_is_named_has_its_own_secret_whatever_the_environment_says(
    tmp_path: Path, rotated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WICKIEPAY_WEBHOOK_SECRET", SECRET)
    answer = verify_body(tmp_path, BODY, sign(BODY, rotated.encode()), "--stack", "prod")
    assert (answer["valid"], answer["secret"]) == (True, "current")


def test_without_a_secret_the_stack_s_current_one_is_taken(tmp_path: Path, rotated: str) -> None:
    answer = verify_body(tmp_path, BODY, sign(BODY, rotated.encode()))
    assert (answer["valid"], answer["secret"]) == (True, "current")


@pytest.mark.usefixtures("rotated")
def test_without_a_secret_the_stack_s_previous_one_is_taken_too(tmp_path: Path, secret: bytes) -> None:
    answer = verify_body(tmp_path, BODY, sign(BODY, secret))
    assert (answer["valid"], answer["secret"]) == (True, "previous")


def test_a_stack_tells_which_schemes_it_accepts(tmp_path: Path, rotated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = Stack("listener", command_line.OUTPUTS, command_line.client, {"AcceptedSchemes": "raw,python"})
    monkeypatch.setattr(stack, "find", lambda *_: pinned)
    answer = verify_body(tmp_path, BODY, sign(BODY, rotated.encode(), "node"))
    assert [finding["code"] for finding in answer["findings"]] == ["scheme_not_accepted"]


def test_a_signature_of_an_event_on_record_is_recognised(tmp_path: Path, operator: OperatorStack, rotated: str) -> None:
    identity = operator.receive("c-7")
    [record] = run_json("events", "show", "c-7")
    answer = verify_body(tmp_path, BODY, sign(record["body"].encode(), rotated.encode()))
    [finding] = answer["findings"]
    assert (finding["code"], identity.uuid in finding["what"]) == ("another_event", True)


def test_a_signature_of_a_given_file_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"no JSON at all")
    options = ("--secret", SECRET, "--other", str(tmp_path / "other"))
    [finding] = verify_body(tmp_path, BODY, sign(b"no JSON at all", SECRET.encode()), *options)["findings"]
    assert (finding["code"], str(tmp_path / "other") in finding["what"]) == ("another_event", True)


def test_with_a_secret_no_stack_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find", lambda *_: pytest.fail("looked for a stack"))
    assert verify_body(tmp_path, BODY, "0" * 64, "--secret", SECRET)["valid"] is False


def test_a_stack_that_is_named_is_looked_for_even_so(tmp_path: Path, operator: OperatorStack) -> None:
    operator.receive("c-8")
    [record] = run_json("events", "show", "c-8")
    options = ("--secret", SECRET, "--stack", "prod")
    answer = verify_body(tmp_path, BODY, sign(record["body"].encode(), SECRET.encode()), *options)
    assert [finding["code"] for finding in answer["findings"]] == ["another_event"]


# --- What is given -----------------------------------------------------------------------------------
def request_file(tmp_path: Path) -> str:
    body = BODY.decode()
    (tmp_path / "request").write_text(
        f"curl https://example.com -H 'X-Webhook-Signature: {sign(BODY, SECRET.encode())}' --data-raw '{body}'"
    )
    return str(tmp_path / "request")


def test_a_captured_request_brings_its_signature(tmp_path: Path) -> None:
    assert run("verify", "--request", request_file(tmp_path), "--secret", SECRET).exit_code == 0


def test_a_signature_that_is_given_wins_over_the_captured_one(tmp_path: Path) -> None:
    arguments = ("--request", request_file(tmp_path), "--secret", SECRET, "--signature", "0" * 64)
    assert run("verify", *arguments).exit_code == 1


def test_the_length_that_a_request_declares_shows_that_it_is_cut_off(tmp_path: Path) -> None:
    text = b"POST / HTTP/1.1\r\nX-Webhook-Signature: " + b"0" * 64 + b"\r\nContent-Length: 7\r\n\r\n[1]"
    (tmp_path / "request").write_bytes(text)
    answer = verdict(run("verify", "--request", str(tmp_path / "request"), "--secret", SECRET, "--json"))
    assert "Content-Length says 7" in answer["findings"][0]["what"]


@pytest.mark.parametrize("option", ["--body", "--request"])
def test_what_is_given_may_come_from_standard_input(tmp_path: Path, option: str) -> None:
    given = BODY if option == "--body" else Path(request_file(tmp_path)).read_bytes()
    arguments = ["verify", option, "-", "--signature", sign(BODY, SECRET.encode()), "--secret", SECRET]
    assert CliRunner().invoke(app, arguments, input=given).exit_code == 0


def archive(tmp_path: Path, *signatures: str) -> str:
    """An archive of a POST with each of the signatures."""
    entries = [
        {
            "request": {
                "method": "POST",
                "url": f"https://example.com/{number}",
                "headers": [{"name": "X-Webhook-Signature", "value": signature}],
                "postData": {"text": BODY.decode()},
            }
        }
        for number, signature in enumerate(signatures)
    ]
    (tmp_path / "har").write_text(json.dumps({"log": {"entries": entries}}))
    return str(tmp_path / "har")


VALID = sign(BODY, SECRET.encode())


@pytest.mark.parametrize(("signatures", "code"), [((VALID, VALID), 0), ((VALID, "0" * 64), 1), (("0" * 64, VALID), 1)])
def test_of_several_deliveries_each_has_to_be_valid(tmp_path: Path, signatures: tuple[str, ...], code: int) -> None:
    assert run("verify", "--request", archive(tmp_path, *signatures), "--secret", SECRET).exit_code == code


def test_several_deliveries_are_an_array_for_programs(tmp_path: Path) -> None:
    answer = verdict(run("verify", "--request", archive(tmp_path, VALID, "0" * 64), "--secret", SECRET, "--json"))
    assert [(each["entry"], each["url"], each["valid"]) for each in answer] == [
        (0, "https://example.com/0", True),
        (1, "https://example.com/1", False),
    ]


def test_of_several_deliveries_each_is_named(tmp_path: Path) -> None:
    shown = run("verify", "--request", archive(tmp_path, VALID, "0" * 64), "--secret", SECRET).stdout
    assert [line for line in shown.splitlines() if line.startswith("Entry")] == [
        "Entry 0: https://example.com/0",
        "Entry 1: https://example.com/1",
    ]


def test_one_of_several_deliveries_can_be_chosen(tmp_path: Path) -> None:
    arguments = ("--request", archive(tmp_path, "0" * 64, VALID), "--entry", "1", "--secret", SECRET)
    assert run("verify", *arguments).exit_code == 0


def test_what_cannot_be_read_could_not_be_checked(tmp_path: Path) -> None:
    (tmp_path / "request").write_text("curl https://example.com")
    result = run("verify", "--request", str(tmp_path / "request"), "--secret", SECRET)
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)


def test_without_a_secret_and_a_stack_one_is_told_to_give_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> Stack:
        raise CommandError("No local stack is running.")

    monkeypatch.setattr(stack, "find", none)
    result = run("verify", "--request", request_file(tmp_path))
    assert (result.exit_code, "--secret" in result.stderr) == (3, True)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--signature", "0" * 64),
        ("--body", __file__),
        ("--body", __file__, "--request", __file__, "--signature", "0" * 64),
        ("--body", "no-such-file", "--signature", "0" * 64),
        ("--request", "no-such-file"),
        ("--body", __file__, "--signature", "0" * 64, "--scheme", "sha1"),
        ("--request", __file__, "--entry", "-1"),
    ],
)
def test_wrong_usage_has_an_exit_code_of_its_own(arguments: tuple[str, ...]) -> None:
    assert run("verify", "--secret", SECRET, *arguments).exit_code == 2
