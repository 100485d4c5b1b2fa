"""Requests are read as they were sent, however they were captured."""

import base64
import contextlib
import json
import re
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wickiepay_cli.errors import CommandError
from wickiepay_cli.signatures import captured
from wickiepay_cli.signatures.verdict import Received

SIGNATURE: Final = "5a" * 32
BODY: Final = '{"event":"payment.completed","data":{"reference":"Café 1\'7 $\'x","amount":100.00}}'
SENT: Final = Received(BODY.encode(), SIGNATURE)


def read(text: bytes, entry: int | None = None) -> Received:
    """The first delivery in a captured request."""
    return captured.read(text, entry)[0].received


def quoted(text: str) -> str:
    """As a shell takes it."""
    return "'" + text.replace("'", "'\\''") + "'"


def ansi_c(text: str) -> str:
    """As browsers copy a request for bash where there is more in it than a quoted text holds."""
    return "$'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("é", "\\u00e9").replace("\n", "\\n") + "'"


def in_octal(text: str) -> str:
    """As bash itself shows a text: by its bytes."""
    plain = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return "$'" + "".join(c if c.isascii() else "".join(f"\\{byte:o}" for byte in c.encode()) for c in plain) + "'"


# --- curl --------------------------------------------------------------------------------------------
HEADER: Final = f"-H 'X-Webhook-Signature: {SIGNATURE}'"


@pytest.mark.parametrize(
    "command",
    [
        f"curl -X POST https://example.com/hook {HEADER} --data-raw {quoted(BODY)}",
        f"curl https://example.com/hook {HEADER} --data-binary {quoted(BODY)} --compressed\n",
        f"$ curl -sS -i {HEADER} -d {quoted(BODY)} https://example.com/hook",
        f"curl 'https://example.com/hook' \\\n  {HEADER} \\\n  --data-raw {ansi_c(BODY)} \\\n  --insecure",
        f"curl https://example.com/hook --data-raw {in_octal(BODY)} {HEADER.replace('X-Webhook', 'x-webhook')}",
        f"  curl -XPOST --header x-webhook-signature:{SIGNATURE} --json {quoted(BODY)} https://example.com",
        f"\ufeffcurl {HEADER} --data={quoted(BODY)} https://example.com",
    ],
)
def test_a_curl_command_is_read(command: str) -> None:
    assert read(command.encode()) == SENT


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(
        lambda text: text[:1] not in {"@", "-"}
    )
)
def test_whatever_curl_sends_is_read_byte_for_byte(text: str) -> None:
    for written in (quoted(text), ansi_c(text), in_octal(text)):
        assert read(f"curl https://example.com -d {written}".encode()).body == text.encode()


def test_bytes_that_are_no_text_are_kept() -> None:
    assert read(b'curl https://example.com -d \'{"a":"\xe9"}\'').body == b'{"a":"\xe9"}'


def test_several_data_are_joined_as_curl_does() -> None:
    assert read(b"curl https://example.com -d a=1 -d b=2").body == b"a=1&b=2"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (r"\$5 \`x\` \"y\" \\ \n", '$5 `x` "y" \\ \\n'),
        ("a\\\nb", "ab"),
        ("it's", "it's"),
    ],
)
def test_in_double_quotes_the_shell_takes_its_own_escapes_away(written: str, sent: str) -> None:
    assert read(f'curl https://example.com {HEADER} -d "{written}"'.encode()).body == sent.encode()


# --- As Windows has it -------------------------------------------------------------------------------
def for_cmd(text: str) -> str:
    """As browsers write a text for cmd.exe."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    text = re.sub(r"[^a-zA-Z0-9\s_\-:=+~'/.',?;()*`]", r"^\g<0>", text)
    return '^"' + re.sub(r"%(?=[a-zA-Z0-9_])", "%^", text).replace("\n", "^\n\n") + '^"'


def for_powershell(text: str) -> str:
    """As browsers write a text for PowerShell."""
    units = memoryview(text.encode("utf-16-le")).cast("H")
    plain = "".join(chr(unit) if 0x20 <= unit <= 0x7E else f"$([char]{unit})" for unit in units)
    escaped = re.sub(r'(`|"|\$(?!\(\[char\]))', r"`\1", plain)
    return f'"{escaped}"'


def cmd_command(body: str, signature: str = SIGNATURE) -> str:
    options = [for_cmd("https://example.com/hook?a=%20b"), f"-H {for_cmd(f'X-Webhook-Signature: {signature}')}"]
    return " ^\n  ".join([f"curl {options[0]}", options[1], f"--data-raw {for_cmd(body)}"])


def powershell_command(body: str, written: str = "{}") -> str:
    return f"""\
$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession
Invoke-WebRequest -UseBasicParsing -Uri "https://example.com/hook" `
-Method "POST" `
-WebSession $session `
-Headers @{{
"accept"="*/*"
  "x-webhook-signature"="{SIGNATURE}"
}} `
-ContentType "application/json" `
-Body {written.format(for_powershell(body))}"""


@pytest.mark.parametrize(
    "command",
    [
        cmd_command(BODY),
        cmd_command(BODY).replace("\n", "\r\n"),
        cmd_command(BODY).replace("curl ", "curl.exe "),
        f'curl -X POST -H "X-Webhook-Signature: {SIGNATURE}" ^\n -d "{BODY.replace(chr(34), chr(34) * 2)}"',
        powershell_command(BODY),
        powershell_command(BODY, "([System.Text.Encoding]::UTF8.GetBytes({}))"),
        f"Invoke-RestMethod https://a -Headers @{{'X-Webhook-Signature' = '{SIGNATURE}'}} -Body @'\n{BODY}\n'@",
        f"irm https://a -Headers @{{'X-Webhook-Signature'='{SIGNATURE}'}} -Body '{BODY.replace(chr(39), chr(39) * 2)}'",
    ],
)
def test_what_browsers_copy_for_windows_is_read(command: str) -> None:
    assert read(command.encode()) == SENT


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")).filter(lambda text: text[:1] != "-")
)
@example('a\\"b\\\\')
@example('""')
@example(r"\0 \\ \u00e9")
@example("100%PATH% ^x\n\ny")
def test_whatever_is_copied_for_windows_is_read_byte_for_byte(text: str) -> None:
    assert read(cmd_command(text).encode()).body == text.encode()
    if "$([char]" not in text:
        assert read(powershell_command(text).encode()).body == text.encode()


# --- What curl --trace writes ------------------------------------------------------------------------
def traced(what: str, sent: bytes, prefix: str = "") -> str:
    lines = [f"{prefix}=> Send {what}, {len(sent)} bytes (0x{len(sent):x})"]
    for at in range(0, len(sent), 16):
        row = sent[at : at + 16]
        lines.append(f"{at:04x}: {row.hex(' '):<48}{''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}")
    return "\n".join(lines) + "\n"


HEAD: Final = f"POST /hook HTTP/1.1\r\nHost: a\r\nX-Webhook-Signature: {SIGNATURE}\r\n\r\n".encode()


@pytest.mark.parametrize("prefix", ["", "12:34:56.123456 ", "12:34:56.123456 [0-0] "])
def test_what_curl_traces_is_read(prefix: str) -> None:
    trace = (
        f"{prefix}== Info: Connected to a\n{prefix}=> Send SSL data, 5 bytes (0x5)\n0000: 17 03 03 00 61\n"
        + traced("header", HEAD, prefix)
        + traced("data", BODY.encode()[:40], prefix)
        + traced("data", BODY.encode()[40:], prefix)
        + f"{prefix}<= Recv header, 17 bytes (0x11)\n0000: 48 54 54 50\n"
        + traced("header", HEAD.replace(b"/hook", b"/next"), prefix)
        + traced("data", b"another", prefix)
    )
    assert read(trace.encode()) == SENT


def test_of_a_trace_that_does_not_show_every_byte_one_is_told_what_to_do() -> None:
    trace = f"=> Send header, 400 bytes (0x190)\n0000: POST /hook HTTP/1.1\n0015: X-Webhook-Signature: {SIGNATURE[:41]}"
    with pytest.raises(CommandError, match="use --trace, or give the body with --body FILE --signature HEX"):
        read(trace.encode())


# --- What curl -v says -------------------------------------------------------------------------------
SAID: Final = f"""\
* Connected to example.com (192.0.2.1) port 443
> POST /hook HTTP/1.1\r
> Host: example.com\r
> X-Webhook-Signature: {SIGNATURE}\r
> Content-Type: application/json\r
>\r
"""
ANSWERED: Final = """\
* upload completely sent off
< HTTP/1.1 401 Unauthorized\r
<\r
{"error": "it isn't"}
"""


@pytest.mark.parametrize(
    "transcript",
    [
        f"{SAID}{BODY}\n{ANSWERED}",
        f"{SAID}}} [83 bytes data]\n{BODY}\n{ANSWERED}".replace("\r", ""),
        f"$ curl -v https://example.com/hook {HEADER} --data-raw {quoted(BODY)}\n{SAID}{ANSWERED}",
    ],
)
def test_what_curl_says_of_a_request_is_read(transcript: str) -> None:
    assert read(transcript.encode()) == SENT


def test_where_curl_does_not_show_the_body_its_signature_is_remembered() -> None:
    with pytest.raises(CommandError, match=f"does not show the body .* --body FILE --signature {SIGNATURE},"):
        read(f"{SAID}{ANSWERED}".encode())


@pytest.mark.parametrize(("option", "warned"), [("-d", True), ("--data-binary", False), ("--json", False)])
def test_of_a_body_in_a_file_one_is_told_what_curl_made_of_it(option: str, warned: bool) -> None:
    with pytest.raises(CommandError, match=f"--body body.json --signature {SIGNATURE}") as refused:
        read(f"curl https://example.com {HEADER} {option} @body.json".encode())
    assert ("line ends" in str(refused.value)) is warned


def test_raw_data_is_never_a_file() -> None:
    assert read(b"curl https://example.com --data-raw @body").body == b"@body"


# --- HAR ---------------------------------------------------------------------------------------------
def request(method: str, signature: str | None, body: str | None = BODY, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    headers = [{"name": "Host", "value": "example.com"}]
    if signature is not None:
        headers.append({"name": "X-Webhook-Signature", "value": signature})
    posted = {} if body is None else {"postData": {"mimeType": "application/json", "text": body}}
    return {"request": {"method": method, "headers": headers, "bodySize": -1, **posted, **more}}


def har(*entries: object) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": entries}}, indent=1).encode()


def test_every_post_of_an_archive_is_read_and_known_by_its_number_and_url() -> None:
    entries = ["nonsense", request("GET", "0" * 64), request("POST", SIGNATURE, url="https://a"), request("POST", None)]
    assert [(each.entry, each.url, each.received) for each in captured.read(har(*entries))] == [
        (2, "https://a", SENT),
        (3, None, Received(BODY.encode(), None)),
    ]


def test_an_entry_can_be_chosen() -> None:
    assert read(har(request("POST", "0" * 64), request("PUT", SIGNATURE)), 1) == SENT


def test_a_body_in_base64_is_decoded() -> None:
    data = {"text": base64.b64encode(BODY.encode()).decode(), "encoding": "base64"}
    assert read(har(request("POST", SIGNATURE, postData=data))) == SENT


def test_a_body_s_size_is_what_was_declared() -> None:
    assert read(har(request("POST", SIGNATURE, bodySize=400))).declared_length == 400


def test_an_entry_without_a_body_has_an_empty_one() -> None:
    assert read(har(request("POST", SIGNATURE, None))).body == b""


# --- An event of API Gateway -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "more",
    [
        {"body": BODY},
        {"body": BODY, "isBase64Encoded": False},
        {"body": base64.b64encode(BODY.encode()).decode(), "isBase64Encoded": True},
    ],
)
def test_an_event_of_api_gateway_is_read(more: dict[str, object]) -> None:
    event = {"version": "2.0", "headers": {"x-webhook-signature": SIGNATURE}, **more}
    assert read(json.dumps(event).encode()) == SENT


@pytest.mark.parametrize(
    "event",
    [
        {"version": "1.0", "httpMethod": "POST", "headers": {"X-Webhook-Signature": SIGNATURE}, "body": BODY},
        {
            "headers": {"X-Webhook-Signature": "of one"},
            "body": BODY,
            "requestContext": {"elb": {}},
            "multiValueHeaders": {"x-webhook-signature": [SIGNATURE]},
        },
        {"headers": None, "multiValueHeaders": {"x-webhook-signature": [SIGNATURE]}, "body": BODY},
        {"multiValueHeaders": None, "headers": {"x-webhook-signature": SIGNATURE}, "body": BODY},
    ],
)
def test_an_event_in_an_older_form_is_read(event: dict[str, object]) -> None:
    assert read(json.dumps(event).encode()) == SENT


@pytest.mark.parametrize("more", [{}, {"body": None}, {"body": ""}])
def test_an_event_without_a_body_is_read(more: dict[str, object]) -> None:
    event = {"version": "2.0", "headers": {"x-webhook-signature": SIGNATURE}, **more}
    assert read(json.dumps(event).encode()) == Received(b"", SIGNATURE)


# --- As it went over the wire ------------------------------------------------------------------------
LENGTH: Final = len(BODY.encode())


def http(*headers: str, body: bytes = BODY.encode(), end: str = "\r\n", version: str = "HTTP/1.1") -> bytes:
    return end.join([f"POST /webhooks/wickiepay {version}", *headers, "", ""]).encode() + body


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/2.0"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_request_without_a_length_is_read_to_its_end(version: str, end: str) -> None:
    assert read(http(f"X-Webhook-Signature: {SIGNATURE}", version=version, end=end)) == SENT


@pytest.mark.parametrize("after", [b"", b"\n", b"\r\n"])
def test_an_editor_s_newline_is_not_the_body_s(after: bytes) -> None:
    headers = (f"X-Webhook-Signature: {SIGNATURE}", f"Content-Length: {LENGTH}")
    assert read(http(*headers) + after) == Received(BODY.encode(), SIGNATURE, LENGTH)


@pytest.mark.parametrize("body", [BODY.encode()[:-1], BODY.encode() + b" and more"])
def test_a_length_that_is_wrong_takes_nothing_away(body: bytes) -> None:
    received = read(http(f"X-Webhook-Signature: {SIGNATURE}", f"Content-Length: {LENGTH}", body=body))
    assert received == Received(body, SIGNATURE, LENGTH)


def test_chunks_are_joined() -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY.encode()[:40], BODY.encode()[40:]))
    headers = (f"X-Webhook-Signature: {SIGNATURE}", "Transfer-Encoding: chunked")
    assert read(http(*headers, body=chunks + b"0\r\n\r\n")) == SENT


def test_a_header_that_comes_twice_is_joined() -> None:
    headers = (f"X-Webhook-Signature: {SIGNATURE}", "x-webhook-signature: 00")
    assert read(http(*headers)).signature == f"{SIGNATURE}, 00"


@pytest.mark.parametrize("length", ["", "9" * 5000, "-1", "many"])
def test_a_length_that_is_none_declares_nothing(length: str) -> None:
    event = {"headers": {"content-length": length}, "body": BODY}
    assert read(json.dumps(event).encode()).declared_length is None


# --- What is no request ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "no end of its headers"),
        (b"\xff\xfe", "no end of its headers"),
        (b"hello\r\n\r\n", "neither curl, nor HAR, nor HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "neither curl, nor HAR, nor HTTP"),
        (b"POST / HTTP/1.1\r\nHost: a\r\n", "no end of its headers"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "neither curl, nor HAR, nor HTTP"),
        (b"curl https://example.com", "sends no body"),
        (b"curl https://example.com -d 'open", "cannot be read: No closing quotation"),
        (b"curl https://example.com -d", "cannot be read: argument"),
        (b"curl https://example.com -d @body.json", "give it with --body body.json"),
        (b"{", "begins like JSON"),
        (b'{"a":' * 10_000, "begins like JSON"),
        (b"irm https://a -Headers @{} -Body $body", "shows no body"),
        (b'{"x-webhook-signature":"5a","body":{"event":"a"}}', "a relay such as smee.io"),
        (b"{}", "neither a HAR archive nor an API Gateway event"),
        (BODY.encode(), "neither a HAR archive nor an API Gateway event"),
        (b'{"log":{"entries":{}}}', "neither a HAR archive nor an API Gateway event"),
        (har(), "no POST"),
        (har(request("GET", SIGNATURE)), "no POST"),
        (har({"request": {"method": "POST"}}), "has no request with headers"),
        (har(request("POST", SIGNATURE, postData={"text": "?", "encoding": "base64"})), "not encoded as it says"),
        (b'{"headers":{},"body":"?","isBase64Encoded":true}', "not encoded as it says"),
        (b'{"headers":{},"body":"\\ud800"}', "not encoded as it says"),
    ],
)
def test_what_is_no_request_is_refused_in_a_sentence(text: bytes, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        read(text)


def test_an_entry_that_is_not_there_is_refused() -> None:
    with pytest.raises(CommandError, match="no entry 1 in the archive: it has 1, counted from 0"):
        read(har(request("POST", SIGNATURE)), 1)


@given(
    st.binary()
    | st.builds(
        bytes.__add__,
        st.sampled_from([b"POST / HTTP/1.1\r\n", b"curl ", b'curl ^"', b"irm ", b"=> Send header, 9 bytes (0x9)\n"]),
        st.binary(),
    )
)
def test_whatever_is_given_is_a_request_or_refused(text: bytes) -> None:
    with contextlib.suppress(CommandError):
        assert isinstance(read(text), Received)
