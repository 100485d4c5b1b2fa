"""Hears all that is printed and stored while the tests run, and finds in it what must not be there.

That is: the signing secret and signatures, anywhere; and bodies, but for the two places where they belong: the event
table's `body`, and the queue's messages. What to look for is told by the HMACs that are computed: each of them has a
secret, a body and a signature.
"""

import base64
import hmac
import io
import json
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, TextIO, cast

import botocore.client

import consumer
import pre_traffic
import relay
from wickiepay import signature
from wickiepay.delivery import Delivery

STORING: Final = {
    *("PutItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem", "PutEvents"),
    *("SendMessage", "SendMessageBatch"),
}
"""The operations by which functions and commands leave something behind."""

FOR_BODIES: Final = {"body", "MessageBody"}
"""The attribute of the event table, and the parameter of the queue, that hold bodies."""

SHORTEST_SECRET: Final = 12
FEWEST_CHARACTERS: Final = 10
"""Fewest different characters of a text that is looked for; a plainer one may occur by chance, or as a name."""

AN_EVENT: Final = re.compile(rb'\s*{.*"event"', re.DOTALL)
"""What is looked for of bodies. A mere piece of one may be a piece of an event's data, which is announced."""

BEGINNING: Final = 300
"""Characters of a body by which it is known. Identifiers are cut, or hashed, long before."""

GENERATION: Final = 256 * 1024
"""Characters that are kept before they are looked through: proofs print and store without end."""

_SIGNATURE = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(slots=True)
class Heard:
    """What was heard in a while, and what to look for. `outside` are the texts in which a body has no place."""

    texts: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    size: int = 0
    secrets: set[str] = field(default_factory=set)
    signatures: set[str] = field(default_factory=set)
    bodies: set[str] = field(default_factory=set)

    def __or__(self, other: "Heard") -> "Heard":
        return Heard(
            self.texts + other.texts,
            self.outside + other.outside,
            self.size + other.size,
            self.secrets | other.secrets,
            self.signatures | other.signatures,
            self.bodies | other.bodies,
        )

    def leaks(self) -> Iterator[str]:
        everything = _plain("\n".join(self.texts))
        outside = _plain("\n".join(self.outside))
        for secret in self.secrets:
            if secret in everything:
                yield f"a signing secret: {_around(everything, secret)}"
        for leaked in self.signatures.intersection(_SIGNATURE.findall(everything.lower())):
            yield f"a signature: {_around(everything.lower(), leaked)}"
        for body in self.bodies:
            if body in outside:
                yield f"a body: {_around(outside, body)}"


class Hygiene:
    """Hears from when it is installed on. `leaks` are those of the present test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Starts again from nothing."""
        self._earlier, self._now = Heard(), Heard()
        self._found: set[str] = set()

    def heard(self) -> list[str]:
        """The texts that were printed and stored lately."""
        return (self._earlier | self._now).texts

    def leaks(self) -> list[str]:
        with self._lock:
            self._found.update((self._earlier | self._now).leaks())
            return sorted(self._found)

    # --- What is heard ---------------------------------------------------------------------------

    def printed(self, text: str) -> None:
        with self._lock:
            self._now.texts.append(text)
            self._now.outside.append(text)
            self._heard(len(text))

    def stored(self, parameters: object) -> None:
        with self._lock:
            for name, text in _texts(parameters):
                self._now.texts.append(text)
                if name not in FOR_BODIES:
                    self._now.outside.append(text)
                self._heard(len(text))

    def signed(self, secret: bytes, body: bytes, digest: bytes) -> None:
        with self._lock:
            self._now.signatures.add(digest.hex())
            if len(secret) >= SHORTEST_SECRET and len(set(secret)) >= FEWEST_CHARACTERS:
                self._now.secrets.add(_plain(secret.decode(errors="replace")))
            if AN_EVENT.match(body[:BEGINNING]):
                # As it is, as a JSON text writes it (without the backslashes), and as a message carries it.
                packed = base64.b64encode(Delivery(body, "", "", "", "").packed_body).decode()
                as_base64 = base64.b64encode(body).decode()
                for form in (_plain(body.decode(errors="replace")), as_base64, packed):
                    self._now.bodies.add(form[:BEGINNING])

    def _heard(self, characters: int) -> None:
        self._now.size += characters
        if self._now.size > GENERATION:
            self._found.update((self._earlier | self._now).leaks())
            self._earlier, self._now = self._now, Heard()

    # --- How it is heard -------------------------------------------------------------------------

    def install(self) -> None:
        """Hears each HMAC of a body, and each call of AWS, from now on."""

        def digest(key: bytes, text: bytes, method: Any) -> bytes:  # noqa: ANN401  hmac's own
            made = hmac.digest(key, text, method)
            self.signed(key, text, made)
            return made

        signing: Any = signature
        signing.hmac = SimpleNamespace(digest=digest, compare_digest=hmac.compare_digest)
        clients: Any = botocore.client.BaseClient
        call = clients._make_api_call

        def make_api_call(client: object, operation: str, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401
            if operation in STORING:
                self.stored(parameters)
            return call(client, operation, parameters)

        clients._make_api_call = make_api_call
        for function in (consumer, relay, pre_traffic):  # ingest prints as it is, without a logger
            for handler in cast("list[Any]", function.logger.handlers):
                handler.setStream(PresentStdout())

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hears what is printed."""
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (cast("TextIO", Tee(stream, self)) for stream in before)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


class PresentStdout(io.TextIOBase):
    """Loggers hold on to the stdout that they were made with; pytest gives each test one of its own."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


class Tee:
    """A text stream whose text is also recorded."""

    def __init__(self, stream: TextIO, hygiene: Hygiene) -> None:
        self._stream = stream
        self._hygiene = hygiene

    def write(self, text: str) -> int:
        count = self._stream.write(text)
        self._hygiene.printed(text)
        return count

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a stream may have
        return getattr(self._stream, name)


def _texts(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """The texts in a request's parameters, also those that are bytes there, each with the name that it goes by."""
    if isinstance(value, Mapping):
        for inner_name, inner in value.items():
            # {"body": {"B": …}}: a typed value goes by its attribute's name.
            yield from _texts(inner, name if inner_name in {"S", "B", "N"} else str(inner_name))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)
    elif isinstance(value, (bytes, bytearray)):
        yield name, bytes(value).decode(errors="replace")
    elif isinstance(value, str):
        yield name, value


def _plain(text: str) -> str:
    """Without what quoting and escaping put in."""
    return text.replace("\\", "")


def _around(text: str, leak: str) -> str:
    at = text.index(leak)
    return json.dumps(text[max(0, at - 100) : at + 100])
