"""The captured-signature attack: one signed body, written in many other ways that its signature still matches.

Under a scheme that signs what a parser makes of a body, whoever saw one signed delivery can write the same in other
ways. Each must be the same event, and no more of it may be kept than was signed, but for a bound.
"""

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Final

from wickiepay.delivery import MAX_UNSIGNED_BYTES, Delivery
from wickiepay.errors import SignatureMismatch
from wickiepay.event import WebhookEvent, parse
from wickiepay.signature import covered_text, sign, verify
from wickiepay_cli.sending.samples import event_types, sample

SECRET: Final = b"whsec_of_the_captured"
BLANKS: Final = ("", "", " ", "\n", "\t  ", " " * 40, "\r\n")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')


def captured() -> Iterator[tuple[bytes, bytes, WebhookEvent]]:
    """Signed bodies, each with its signature and its event: every sample, with its uuid and without."""
    for name in event_types():
        envelope = json.loads(sample(name))
        nameless = {**envelope, "data": {k: v for k, v in envelope["data"].items() if k not in {"uuid", "id"}}}
        for whole in (envelope, nameless):
            for scheme in ("node", "python"):
                body = json.dumps(whole).encode()
                yield body, bytes.fromhex(sign(body, SECRET, scheme)), parse(covered_text(body, scheme))


def respelled(chance: Random, body: bytes) -> bytes:
    """The same content in other words: blanks, escapes, doubled members, numbers, much behind or before it."""
    text = "".join(_token(chance, token) for token in _TOKENS.findall(body.decode()))
    padding = chance.choice((0, 0, 0, 1, 4000, 4096, 5000, 90_000))
    return (text + " " * padding if chance.random() < 0.5 else "\n" * padding + text).encode()


def _token(chance: Random, token: str) -> str:
    if token.startswith('"') and token[1:2].isalnum() and chance.random() < 0.2:
        token = f'"\\u{ord(token[1]):04x}{token[2:]}'
    if token == "{" and chance.random() < 0.1:
        token = '{"event":"something.else",' if chance.random() < 0.5 else '{"data":{"uuid":"x"},'
    if re.fullmatch(r"\d+", token) and chance.random() < 0.3:
        token += chance.choice((".0", "e0", "E+0"))
    return chance.choice(BLANKS) + token + chance.choice(BLANKS)


def attack(variants: int, chance: Random) -> tuple[int, list[str]]:
    """Tries a number of variants with a valid signature. Returns how many were tried, and what is wrong with any."""
    bodies = list(captured())
    tried = fitting = 0
    wrong: list[str] = []
    while fitting < variants:
        tried += 1
        body, signature, original = chance.choice(bodies)
        variant = respelled(chance, body)
        try:
            verified = verify(variant, signature, [SECRET])
        except SignatureMismatch:
            continue
        fitting += 1
        event = parse(verified.text)
        if (event.identity, event.content_hash) != (original.identity, original.content_hash):
            wrong.append(f"{variant[:200]!r} is {event.identity}, not {original.identity}")
        kept = Delivery.of(variant, verified.text, verified.scheme, "", source="", request_id="").body
        if len(kept) > len(verified.text) + MAX_UNSIGNED_BYTES:
            wrong.append(f"{len(kept)} bytes are kept of {len(verified.text)} that were signed")
    return tried, wrong
