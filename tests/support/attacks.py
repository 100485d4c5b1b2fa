"""What an attacker may send to the listener, and what an insider may who knows the signing secret: grown from chance.

The chance is given: a seeded one, or the bytes that a coverage-guided fuzzer feeds.
"""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from wickiepay.reserialise import NotReserialisable
from wickiepay.signature import SCHEMES, sign

SAMPLES: Final = [
    json.loads(path.read_text()) for path in sorted((Path(__file__).parents[2] / "events/payloads").glob("*.json"))
]
FIELDS: Final = (
    *("uuid", "id", "hash", "txHash", "status", "state", "type", "reference", "amount", "currency", "asset"),
    *("assetPoolId", "displayCurrency", "paidCurrency", "data", "event", "timestamp", "eventId", "__proto__", ""),
)
LONG: Final = (200, 201, 1024, 1025, 2048, 2049, 70_000, 300_000)
"""Around the bounds of identifiers, of DynamoDB's keys (1,024 and 2,048 bytes), of a body and of an announcement."""

NUMBERS: Final = (
    *("0", "-0", "-1", "0.1", "1e2", "1E+2", "1e-400", "1e400", "1e401", "-1e401", "1e-999999999", "1e999999999"),
    *("9" * 38, "9" * 39, "9" * 400, "9" * 401, "9" * 4300, "9" * 4301, "0." + "0" * 398 + "1", "1." + "1" * 19),
    *("999999999999999999", "1000000000000000000", "NaN", "Infinity", "-Infinity", "01", "+1", ".5", "1.", "0x10"),
)
TEXTS: Final = (
    *("", " ", "#", "!", "!unusable", "payment.completed!conflict#0", "sha256:0", "-", ".", "..", "\0", "\n", "\x7f"),
    *("\ud800", "\udfff\ud800", "\N{GRINNING FACE}", "e\u0301", "\u202e", "١٢٣", "null", "100.00", "1e5", "-1", "USDC"),
    *("2026-01-15T10:25:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-W03-4", "20260115"),
    *("2026-01-15T24:00:00", "2026-01-15T10:25:60Z", "2026-01-15T10:25:00.123456789Z", "2026-01-15 10:25", "now"),
    *("OUT", "IN", "PENDING", "COMPLETE", "FAILED", "%s%n", "${x}", "'; --", "<!--", "../../..", "{{7*7}}"),
)
NESTS: Final = (1, 126, 127, 128, 129, 1000, 5000)
"""Around the depth that is read, and far beyond it."""


def seeded(seed: int) -> Random:
    """A chance that is the same again for the same seed."""
    return Random(seed)  # noqa: S311  no secret


class Bytes(Random):
    """A chance that takes its decisions from `data`, and decides for the first of everything when that is used up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._at = 0

    def getrandbits(self, k: int) -> int:
        size = (k + 7) // 8
        taken = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "little") & ((1 << k) - 1)

    def random(self) -> float:
        return self.getrandbits(24) / (1 << 24)


@dataclass(frozen=True, slots=True)
class Attack:
    """`event` is what API Gateway would hand to ingest for a delivery of `body`; `signature` the body's own, in hex.

    `signed`: the sender is an insider, who sends that signature along. `intact`: nothing of the envelope was tampered
    with, only the body.
    """

    event: object
    body: bytes
    signature: str
    signed: bool
    intact: bool


def attack(chance: Random, secret: bytes, insiders: float = 0.2) -> Attack:
    """An attack; `insiders` is how many of all come from one who knows the `secret`."""
    body = hostile_body(chance)
    scheme = chance.choice(tuple(SCHEMES))
    try:
        signature = sign(body, secret, scheme)
    except NotReserialisable:
        signature = sign(body, secret)
    signed = chance.random() < insiders
    headers: dict[str, object] = {
        _cased(chance, "content-type"): chance.choice(("application/json", "application/json; charset=utf-8")),
        _cased(chance, "x-webhook-signature"): signature if signed else _forged_signature(chance, body),
    }
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": "ANY /webhooks/wickiepay",
        "rawPath": "/webhooks/wickiepay",
        "headers": headers,
        "requestContext": {
            "requestId": "JKJaXmPLvHcESHA=",
            "http": {"method": "POST", "path": "/webhooks/wickiepay", "sourceIp": "203.0.113.7"},
        },
        **_enveloped(chance, body),
    }
    intact = chance.random() < 0.6
    return Attack(event if intact else _tampered(chance, event), body, signature, signed, intact)


# --- Bodies --------------------------------------------------------------------------------------


def hostile_body(chance: Random) -> bytes:
    """Mostly an event of some kind with something wrong in it; sometimes nothing of the sort."""
    kind = chance.random()
    if kind < 0.03:
        return chance.randbytes(chance.randrange(64))
    if kind < 0.06:
        return hostile_json(chance).encode("utf-8", "surrogatepass")
    return _damaged(chance, _encoded(chance, _event(chance)))


def hostile_json(chance: Random) -> str:
    """A value in JSON, or in what somebody may take for JSON."""
    kind = chance.randrange(8)
    if kind < 3:
        return chance.choice(NUMBERS)
    if kind < 6:
        return json.dumps(chance.choice(TEXTS), ensure_ascii=chance.random() < 0.5)
    if kind == 6:
        return f'"{chance.choice(("x", "é", "\\\\", "\\ud800", "0")) * chance.choice(LONG)}"'
    opening, closing = chance.choice((("[", "]"), ('{"a":', "}"), ('[{"":', "}]"), ("[[],", "]"), ("[", "")))
    depth = chance.choice(NESTS)
    return opening * depth + chance.choice(("1", "", "{}")) + closing * depth


def _event(chance: Random) -> str:
    """The text of a sample event, with hostile values grafted onto it."""
    event = json.loads(json.dumps(chance.choice(SAMPLES)))
    for field in ("uuid", "id"):
        if field in event["data"] and chance.random() < 0.8:
            event["data"][field] = f"{chance.getrandbits(32):08x}"
    grafts: dict[str, str] = {}
    for number in range(chance.choice((0, 1, 1, 1, 2, 4))):
        mark = f"graft-{number}"
        value = hostile_json(chance)
        # Right behind a value, also of an object, another member may follow: so a key comes twice.
        grafts[json.dumps(mark)] = f'{value},"{chance.choice(FIELDS)}":{value}' if chance.random() < 0.2 else value
        _graft(chance, event, mark)
    text = json.dumps(
        event,
        ensure_ascii=chance.random() < 0.5,
        separators=chance.choice(((",", ":"), (", ", ": "), (" ,\n", "\t:\r\n"))),
    )
    for mark, value in grafts.items():
        text = text.replace(mark, value)
    return text


def _graft(chance: Random, holder: dict[str, Any], mark: str) -> None:
    """Puts `mark` somewhere into `holder`: in place of a value, or as a new one; or takes one away."""
    inner = [value for value in holder.values() if isinstance(value, dict)]
    if inner and chance.random() < 0.7:
        _graft(chance, chance.choice(inner), mark)
        return
    name = chance.choice([*holder, *FIELDS])
    if chance.random() < 0.9:
        holder[name] = mark
    else:
        holder.pop(name, None)


def _encoded(chance: Random, text: str) -> bytes:
    encoding = chance.choice((*["utf-8"] * 16, "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1"))
    return text.encode(encoding, "replace" if encoding == "latin-1" else "surrogatepass")


def _damaged(chance: Random, body: bytes) -> bytes:
    if chance.random() < 0.8:
        return body
    at = chance.randrange(len(body) + 1)
    noise = chance.choice(
        (b"\xff", b"\0", b"\xed\xa0\x80", b"\xc0\xaf", b"\xef\xbb\xbf", b'"', b"\\", b"[", b"}", b",")
    )
    damages: tuple[Callable[[], bytes], ...] = (
        lambda: body[:at],
        lambda: body[at:],
        lambda: body[:at] + noise + body[at:],
        lambda: body[:at] + noise + body[at + 1 :],
        lambda: body + body,
        lambda: body[:at] + chance.randbytes(4) + body[at:],
        lambda: body + chance.choice((b" ", b"0", b"\0", b"[")) * chance.choice((256 * 1024, 1024 * 1024)),
    )
    # The last one is slow to work on: rarely.
    return damages[-1]() if chance.random() < 0.02 else chance.choice(damages[:-1])()


# --- Envelopes -----------------------------------------------------------------------------------


def _cased(chance: Random, name: str) -> str:
    return chance.choice((name, name.title(), name.upper()))


def _enveloped(chance: Random, body: bytes) -> dict[str, object]:
    if chance.random() < 0.5:
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _forged_signature(chance: Random, body: bytes) -> object:
    forgeries: tuple[Callable[[], object], ...] = (
        lambda: chance.randbytes(32).hex(),
        lambda: "0" * 64,
        lambda: sign(body, b""),
        lambda: sign(body, b"another secret"),
        lambda: f"sha256={chance.randbytes(32).hex()}",
        lambda: "",
        lambda: "é" * 64,
        lambda: "٣" * 64,
        lambda: f"{'0' * 64}\n",
        lambda: f" \t{'f' * 64}",
        lambda: "0" * 63,
        lambda: " " * 1024 * 1024 if chance.random() < 0.02 else " ",
        lambda: hostile_value(chance),
    )
    return chance.choice(forgeries)()


def hostile_value(chance: Random) -> object:
    """A value of any type that JSON knows, where a text is expected."""
    values: tuple[Callable[[], object], ...] = (
        lambda: None,
        lambda: chance.random() < 0.5,
        lambda: chance.choice((0, -1, 10**400, 1.5, float("nan"), float("inf"))),
        lambda: chance.choice(TEXTS),
        lambda: "x" * chance.choice(LONG),
        lambda: chance.choice(([], {}, [[]], ["POST"], {"": None}, {"headers": {}}, [0] * 100)),
        lambda: json.loads("[" * 5000 + "]" * 5000) if chance.random() < 0.1 else [],
    )
    return chance.choice(values)()


def _tampered(chance: Random, event: Mapping[str, object]) -> object:
    """The envelope with fields missing, of other types, or doubled in another case; or something else instead."""
    if chance.random() < 0.02:
        return hostile_value(chance)
    tampered: dict[str, Any] = dict(event)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        _tamper(chance, tampered)
    return tampered


def _tamper(chance: Random, holder: dict[str, Any]) -> None:
    inner = [name for name, value in holder.items() if isinstance(value, dict) and value]
    if inner and chance.random() < 0.6:
        name = chance.choice(inner)
        holder[name] = dict(holder[name])
        _tamper(chance, holder[name])
        return
    name = chance.choice([*holder, "cookies", "isBase64Encoded", "body"])
    kind = chance.random()
    if kind < 0.25:
        holder.pop(name, None)
    elif kind < 0.4:
        holder[name.swapcase()] = holder.get(name)
    elif kind < 0.5:
        holder[name] = not holder.get(name)
    else:
        holder[name] = hostile_value(chance)


# --- Queue messages ------------------------------------------------------------------------------


def hostile_message(chance: Random, message: str) -> str:
    """What somebody who may write to the queue might put there: a correct `message`, made incorrect."""
    kind = chance.random()
    if kind < 0.2:
        return hostile_json(chance)
    if kind < 0.3:
        at = chance.randrange(len(message))
        return message[:at] + chance.choice(("", '"', "\\", "0", "{", message)) + message[at + 1 :]
    content: dict[str, Any] = json.loads(message)
    if chance.random() < 0.2:
        body = chance.choice((hostile_body(chance), b"", b"[]", bytes(256 * 1024), bytes(1024 * 1024)))
        content["body"] = base64.b64encode(zlib.compress(body)).decode()
    if chance.random() < 0.3:
        content["replay"] = {"id": "replay-1", "by": "operator", "why": "", "announce": chance.random() < 0.5}
    for _ in range(chance.choice((1, 1, 2, 3))):
        holder = content["replay"] if isinstance(content.get("replay"), dict) and chance.random() < 0.3 else content
        name = chance.choice([*holder, "replay", "unrecorded"])
        if chance.random() < 0.2:
            holder.pop(name, None)
        else:
            holder[name] = hostile_value(chance)
    return json.dumps(content)
