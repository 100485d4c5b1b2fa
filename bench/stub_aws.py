"""A stub of AWS on loopback: right answers from a table, a pause before each if wanted, and a count of the calls.

It remembers what was put into tables under a condition, so that what comes again is answered as DynamoDB would. It is a
process of its own, so that none of its work is counted as a function's, and ends with the one that started it.
"""

import asyncio
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.request
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SECRET: Final = "whsec_of_the_benchmark"
KEPT_REQUESTS: Final = 300
KEYS: Final = (("pk", "sk"), ("uuid", "event_key"), ("id",))
"""Of the tables that are known here: the ledger, the events, and the one of Powertools' idempotency."""

SERVICES: Final = {
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "secretsmanager": "secretsmanager",
    "AWSEvents": "events",
}
ANSWERS: Final[Mapping[str, Callable[["Content"], "Content"]]] = {
    "TransactWriteItems": lambda _: {},
    "GetSecretValue": lambda _: {"Name": "signing", "SecretString": SECRET, "VersionId": "1"},
    "SendMessage": lambda _: {"MessageId": "0b6f3c7e-4a4e-4a25-8f65-2e6c9a1f0d11"},
    "ChangeMessageVisibility": lambda _: {},
    "PutEvents": lambda asked: {"FailedEntryCount": 0, "Entries": [{"EventId": "event"}] * len(asked["Entries"])},
}
"""Operation → its answer, for operations that need no memory."""

_SET: Final = re.compile(r"(#?\w+) = (:\w+)")

type Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """What was asked of the stub: how often by operation, and the first requests as (operation, content)."""

    by_operation: dict[str, int]
    requests: list[tuple[str, Content]]


@dataclass(frozen=True, slots=True)
class Stub:
    url: str
    """Where it answers over HTTP, and is told what to do."""

    https_url: str
    """Where it answers over TLS; empty unless it was given a certificate."""

    def calls(self) -> Calls:
        """The requests since the last call."""
        return Calls(**json.loads(self._control("calls", {})))

    def pause(self, milliseconds: float, **of_operations: float) -> None:
        """From now on each answer takes `milliseconds`, or what is said of its operation."""
        self._control("pause", {"": milliseconds, **of_operations})

    def forget(self) -> None:
        """From now on every item that is put is one that was not there."""
        self._control("forget", {})

    def _control(self, what: str, content: Content) -> bytes:
        request = urllib.request.Request(  # noqa: S310  our own server
            self.url, json.dumps(content).encode(), {"X-Amz-Target": f"control.{what}"}
        )
        answer: bytes = urllib.request.urlopen(request, timeout=10).read()  # noqa: S310
        return answer


@contextmanager
def stub_aws(certificate: Path | None = None) -> Iterator[Stub]:
    """A stub that is running. With a `certificate` (of "localhost", with its key, in PEM) it is also there over TLS."""
    command = [sys.executable, __file__, *([str(certificate)] if certificate else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            port, *of_tls = map(int, process.stdout.readline().split())
            yield Stub(f"http://127.0.0.1:{port}", f"https://localhost:{of_tls[0]}" if of_tls else "")
        finally:
            process.kill()


# --- The child -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Stores:
    counts: Counter[str] = field(default_factory=Counter)
    requests: list[tuple[str, Content]] = field(default_factory=list)
    items: dict[tuple[str, ...], Content] = field(default_factory=dict)
    pauses: dict[str, float] = field(default_factory=dict)
    """Operation, or nothing for all others → how many milliseconds its answer takes."""

    remembers: bool = True

    def answer(self, target: str, content: Content) -> tuple[int, Content]:
        """The status and the content of the answer to a request."""
        service, _, operation = target.partition(".")
        if service == "control":
            return 200, self._control(operation, content)
        name = f"{SERVICES[service]}:{operation}"
        self.counts[name] += 1
        if len(self.requests) < KEPT_REQUESTS:
            self.requests.append((name, content))
        if operation in {"BatchGetItem", "Query"}:
            return 200, self._read_batch(content) if operation == "BatchGetItem" else self._query(content)
        if operation in {"PutItem", "UpdateItem"}:
            return self._put(content) if operation == "PutItem" else self._update(content)
        if content.get("VersionStage") == "AWSPREVIOUS":
            return 400, {"__type": "ResourceNotFoundException", "Message": "It was never rotated."}
        return (200, ANSWERS[operation](content)) if operation in ANSWERS else (400, {"__type": "UnknownOperation"})

    def _control(self, what: str, content: Content) -> Content:
        if what == "pause":
            self.pauses = content
            return {}
        if what == "forget":
            self.remembers = False
            return {}
        told = {"by_operation": dict(sorted(self.counts.items())), "requests": self.requests}
        self.counts, self.requests = Counter(), []
        return told

    def _read_batch(self, content: Content) -> Content:
        """Events are on record and wait; of the ledger what was put."""
        found = {table: list(self._found(table, asked["Keys"])) for table, asked in content["RequestItems"].items()}
        return {"Responses": found}

    def _found(self, table: str, keys: list[Content]) -> Iterator[Content]:
        for key in keys:
            if "pk" not in key:
                yield {**key, "state": {"S": "RECEIVED"}}
            elif item := self.items.get(_key(table, key)):
                yield item

    def _query(self, content: Content) -> Content:
        """What was put under a partition key of the ledger; of the events nothing was told before."""
        pk = content["ExpressionAttributeValues"].get(":pk")
        table = content["TableName"]
        items = [item for place, item in self.items.items() if place[0] == table and item.get("pk") == pk] if pk else []
        return {"Items": items, "Count": len(items)}

    def _put(self, content: Content) -> tuple[int, Content]:
        key = _key(content["TableName"], content["Item"])
        if "ConditionExpression" in content and (existing := self.items.get(key)):
            failed = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}
            return 400, {**failed, "message": "The conditional request failed", "Item": _finished(existing)}
        if self.remembers:
            self.items[key] = content["Item"]
        return 200, {}

    def _update(self, content: Content) -> tuple[int, Content]:
        """Follows plain assignments, for an item that is there; others are taken as done."""
        item = self.items.get(_key(content["TableName"], content["Key"]))
        names, values = content.get("ExpressionAttributeNames", {}), content.get("ExpressionAttributeValues", {})
        if item is not None:
            for name, value in _SET.findall(content["UpdateExpression"]):
                item[names.get(name, name)] = values[value]
        return 200, {}


def _key(table: str, item: Content) -> tuple[str, ...]:
    names = next(names for names in KEYS if item.keys() >= set(names))
    return (table, *(json.dumps(item[name]) for name in names))


def _finished(item: Content) -> Content:
    """By the time that an event comes again it has been processed."""
    return {**item, "state": {"S": "PROCESSED"}} if "state" in item else item


class Connection(asyncio.Protocol):
    """One client's connection: HTTP/1.1, one request after the other."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < (length := int(headers[b"content-length"])):
            return
        self._buffer = body[length:]
        target = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"x-amz-target:"))
        name = target.partition(b": ")[2].decode()
        status, content = self._stores.answer(name, json.loads(body))
        payload = json.dumps(content).encode()
        answer = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Bad Request'}\r\n"
            "Content-Type: application/x-amz-json-1.0\r\n"
            "x-amzn-RequestId: 7T1C4C8F2NQ1B9E3D6K5M0P7A8VV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
            f"x-amz-crc32: {zlib.crc32(payload)}\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        pauses = self._stores.pauses
        pause = pauses.get(name.partition(".")[2], pauses.get("", 0.0))
        asyncio.get_running_loop().call_later(pause / 1000, self._transport.write, answer.encode() + payload)


async def _serve() -> None:
    stores = Stores()
    loop = asyncio.get_running_loop()
    contexts: list[ssl.SSLContext | None] = [None]
    for certificate in sys.argv[1:]:
        contexts.append(context := ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        context.load_cert_chain(certificate)
    servers = [await loop.create_server(lambda: Connection(stores), "127.0.0.1", 0, ssl=each) for each in contexts]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.to_thread(os.read, sys.stdin.fileno(), 1)  # until the other end closes, if only by dying


if __name__ == "__main__":
    asyncio.run(_serve())
